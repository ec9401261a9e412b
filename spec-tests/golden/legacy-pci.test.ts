// What a stock Linux kernel did to the legacy registers of a transitional device, access by access: the device has to
// answer as it did then, and every notification has to bring a buffer back.
import { readFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { SimpleBalloon } from "../../src/cli/conformance/targets/simple-balloon.ts";
import { type DeviceType, VirtioDevice } from "../../src/device/index.ts";
import { RngDevice } from "../../src/devices/rng/index.ts";
import { GuestMemory } from "../../src/memory/index.ts";
import { RawSplitRing, WRITE } from "../../src/testing/index.ts";
import { PciTransport } from "../../src/transport/pci/index.ts";

const test = suite("Linux drives transitional devices by the legacy interface");

const PAGE = 4096;
const QUEUE_ADDRESS = 8;
const QUEUE_SELECT = 14;
const QUEUE_NOTIFY = 16;
/** Below everything that Linux allocated. */
const DATA = 0x8000;

interface Access {
  readonly write: boolean;
  readonly widthBytes: number;
  readonly offset: number;
  readonly value: number;
}

function recorded(name: string): Access[] {
  const text = readFileSync(`spec-tests/fixtures/legacy-pci/${name}.txt`, "utf8");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => {
      const [what = "", offset = "", value = ""] = line.split(" ");
      return {
        write: what.startsWith("w"),
        widthBytes: Number(what[1]),
        offset: Number(offset),
        value: Number.parseInt(value, 16),
      };
    });
}

for (const [name, create, queueSize, flags] of [
  ["rng", () => new RngDevice(), 64, WRITE],
  ["balloon", () => new SimpleBalloon(), 128, 0],
] as const) {
  test(`${name} [transport-pci.legacy.legacy-interfaces-a-note-on-pci-device-layout.1]`, () => {
    const accesses = recorded(name);
    const memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(64 << 20) }]);
    const type: DeviceType = create();
    const device = new VirtioDevice(type, { memory });
    const transport = new PciTransport(device, { transitional: true, msix: false });
    const rings: RawSplitRing[] = [];
    let selected = 0;
    let exchanges = 0;
    for (const [line, { write, widthBytes, offset, value }] of accesses.entries()) {
      const where = `line ${line + 1}`;
      if (!write) {
        assert.is(transport.barRead(0, offset, widthBytes), value, where);
        continue;
      }
      if (offset === QUEUE_SELECT) selected = value;
      if (offset === QUEUE_ADDRESS && value !== 0) {
        rings[selected] = new RawSplitRing(memory, value * PAGE, queueSize, PAGE);
      }
      if (offset !== QUEUE_NOTIFY) {
        transport.barWrite(0, offset, widthBytes, value);
        continue;
      }
      const ring = rings[value];
      if (ring === undefined) throw new Error(`${where}: queue ${value} has no address`);
      // Linux asks to be notified of each of these.
      ring.setUsedEvent(ring.usedIdx);
      ring.descriptor(0, { addr: DATA, len: 4, flags });
      ring.offer(0);
      transport.barWrite(0, offset, widthBytes, value);
      assert.is(ring.usedIdx, ring.availIdx, where);
      exchanges++;
    }
    assert.ok(exchanges >= 5, `${exchanges} exchanges`);
    assert.is(device.counters.ignoredAccesses, 0);
    assert.is(device.legacyDriver, true);
  });
}

test.run();
