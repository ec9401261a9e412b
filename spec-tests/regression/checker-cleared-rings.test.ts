// A driver that clears its rings before it resets the device, or the queue: the available index goes back, which no device
// can follow. Nothing else was done wrong, whatever the cleared memory looks like.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { DriverChecker } from "../../src/conformance/driver-checker/index.ts";
import { VirtioDevice } from "../../src/device/index.ts";
import { RngDevice } from "../../src/devices/rng/index.ts";
import { GuestMemory } from "../../src/memory/index.ts";
import { MmioTransport } from "../../src/transport/mmio/index.ts";

const test = suite("rings that are cleared before a reset");
const WENT_BACK = "split-ring.driver.the-virtqueue-available-ring.1";

/** What the checker says of a ring that is cleared once a buffer is used, with so many looks before the reset. */
function found(packed: boolean, resetOffset: number, value: number, looks: number): string[] {
  const ram = new ArrayBuffer(1 << 20);
  const view = new DataView(ram);
  const memory = new GuestMemory([{ base: 0, memory: ram }]);
  const checker = new DriverChecker({ memory, polled: true });
  const ringFeatures = packed ? [34, 40] : [40];
  const device = new VirtioDevice(new RngDevice(), { memory, trace: checker.trace, ringFeatures });
  const bus = checker.mmio(new MmioTransport(device));
  const write = (offset: number, word: number) => bus.write(offset, 4, word >>> 0);
  const read = (offset: number) => bus.read(offset, 4);
  for (const offset of [0, 4, 8]) read(offset);
  write(0x70, 0);
  read(0x70);
  for (const status of [1, 3]) write(0x70, status);
  for (const word of [0, 1]) {
    write(0x14, word);
    read(0x10);
  }
  for (const [word, bits] of [
    [0, 0],
    [1, packed ? 0x105 : 0x101],
  ] as const) {
    write(0x24, word);
    write(0x20, bits);
  }
  write(0x70, 11);
  read(0x70);
  write(0x30, 0);
  read(0x44);
  read(0x34);
  write(0x38, 8);
  for (const [register, at] of [
    [0x80, 0x1000],
    [0x90, 0x2000],
    [0xa0, 0x3000],
  ] as const) {
    write(register, at);
    write(register + 4, 0);
  }
  write(0x44, 1);
  write(0x70, 15);
  view.setUint32(0x1000, 0x9000, true);
  view.setUint32(0x1008, 16, true);
  if (packed) view.setUint16(0x100e, 0x82, true);
  else {
    view.setUint16(0x100c, 2, true);
    view.setUint16(0x2002, 1, true);
  }
  write(0x50, 0);
  new Uint8Array(ram, 0x1000, 0x3000).fill(0);
  for (let i = 0; i < looks; i++) read(0x70);
  write(resetOffset, value);
  checker.finish();
  return checker.violations.map(({ id }) => id).filter((id) => id.includes("ring"));
}

for (const [what, offset, value] of [
  ["the device", 0x70, 0],
  ["the queue", 0xc0, 1],
] as const) {
  test(`before ${what} is reset: the available index went back, however often is looked`, () => {
    for (const looks of [0, 1, 3]) assert.equal(found(false, offset, value, looks), [WENT_BACK], `${looks}`);
  });
  test(`before ${what} is reset: a packed ring without a buffer has nothing that could`, () => {
    for (const looks of [0, 1, 3]) assert.equal(found(true, offset, value, looks), [], `${looks}`);
  });
}

test.run();
