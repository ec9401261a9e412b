// A driver in the device's thread that waits without giving way to the event loop: the work that a device leaves for
// later turns goes on when the driver polls the device status.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { MemoryDisplay } from "../../src/backends/display/memory/index.ts";
import { GpuDevice } from "../../src/devices/gpu/index.ts";
import { GpuDriver, GpuFramebuffer } from "../../src/driver/index.ts";
import { drive } from "../../src/testing/index.ts";

const test = suite("a synchronous driver");

for (const transport of ["mmio", "pci"] as const) {
  for (const maxTurnWork of [undefined, 1_000_000]) {
    test(`over ${transport} gets large frames shown, with ${maxTurnWork ?? "the default"} as work of a turn`, () => {
      const display = new MemoryDisplay();
      const { driver, device } = drive(new GpuDevice({ display }), {
        transport,
        memoryBytes: 128 << 20,
        device: maxTurnWork === undefined ? {} : { maxTurnWork },
      });
      const gpu = GpuDriver.start(driver);
      const framebuffer = GpuFramebuffer.create(gpu, { width: 3840, height: 2160 });
      framebuffer.fillRect(3000, 2000, 10, 10, 0xff8000);
      framebuffer.show(0);
      framebuffer.flush();
      const at = 4 * (2005 * 3840 + 3005);
      assert.equal([...(display.readRgba(0)?.subarray(at, at + 4) ?? [])], [255, 128, 0, 255]);
      framebuffer.destroy();
      assert.is(device.chainsInFlight, 0);
    });
  }
}

test.run();
