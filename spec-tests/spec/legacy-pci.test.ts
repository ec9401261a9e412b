import { suite } from "uvu";
import * as assert from "uvu/assert";
import { VirtioDevice } from "../../src/device/index.ts";
import { RngDevice } from "../../src/devices/rng/index.ts";
import { GuestMemory } from "../../src/memory/index.ts";
import type { RawSplitRing } from "../../src/testing/index.ts";
import { PciTransport } from "../../src/transport/pci/index.ts";
import {
  ANY_LAYOUT,
  CONFIG_VECTOR,
  DEVICE_FEATURES,
  DRIVER_FEATURES,
  EVENT_IDX,
  INDIRECT_DESC,
  ISR,
  LegacyMachine,
  NOTIFY_ON_EMPTY,
  QUEUE_ADDRESS,
  QUEUE_NOTIFY,
  QUEUE_SELECT,
  QUEUE_SIZE,
  QUEUE_VECTOR,
  STATUS,
} from "../support/legacy-machine.ts";
import { PciMachine } from "../support/pci-machine.ts";
import { RING_PACKED, VERSION_1 } from "../support/transport-device.ts";

const test = suite("legacy interface of transitional PCI devices");

const bit = (n: number) => (1 << n) >>> 0;
const ring0 = (machine: LegacyMachine) => machine.rings[0] as RawSplitRing;

test("revision 0, the device type as subsystem id, the transitional device id [transport-pci.legacy.legacy-interfaces-a-note-on-pci-device-discovery.1] [transport-pci.legacy.legacy-interfaces-a-note-on-pci-device-discovery.2] [transport-pci.legacy.legacy-interfaces-a-note-on-pci-device-discovery.3]", () => {
  const ids = [
    [1, 0x1000],
    [2, 0x1001],
    [5, 0x1002],
    [3, 0x1003],
    [8, 0x1004],
    [4, 0x1005],
    [9, 0x1009],
  ] as const;
  for (const [deviceId, pciId] of ids) {
    const { transport } = new LegacyMachine({ deviceId }, { subsystemVendorId: 0x1234 });
    assert.is(transport.configRead(0, 4), (pciId << 16) | 0x1af4);
    assert.is(transport.configRead(8, 1), 0);
    assert.is(transport.configRead(0x2c, 4), (deviceId << 16) | 0x1234);
  }
});

test("in BAR 0, the first I/O region [transport-pci.legacy.legacy-interfaces-a-note-on-pci-device-layout.1] [transport-pci.legacy.legacy-interface-a-note-on-device-layout-detecti.1]", () => {
  const { transport } = new LegacyMachine({ configBytes: 40 }, { layout: { legacyAddress: 0xc040 } });
  assert.is(transport.configRead(0x10, 4), 0xc041, "bit 0: I/O");
  transport.configWrite(0x10, 4, 0xffffffff);
  assert.is(transport.configRead(0x10, 4), 0xffffffc1, "64 bytes hold header and configuration");
  transport.configWrite(0x10, 4, 0xc101);
  assert.is(transport.access("io", 0xc10c, 2), null, "no decoding before Command allows it");
  transport.configWrite(4, 2, 1);
  assert.is(transport.access("io", 0xc10c, 2), 8);
  assert.is(transport.access("memory", 0xc10c, 2), null);
  assert.is(transport.access("io", 0xc140, 1), null);
  assert.is(transport.bar(0)?.kind, "io");
  assert.is(transport.bar(1)?.kind, "memory", "the modern interface stays");
});

test("the header's fields [transport-pci.legacy.legacy-interfaces-a-note-on-pci-device-layout.1]", () => {
  const machine = new LegacyMachine({ queueSizes: [8, 16] });
  assert.is(machine.in(DEVICE_FEATURES, 4) & 9, 9);
  machine.out(DRIVER_FEATURES, 4, 9);
  assert.is(machine.in(DRIVER_FEATURES, 4), 9);
  machine.out(QUEUE_SELECT, 2, 1);
  assert.is(machine.in(QUEUE_SELECT, 2), 1);
  assert.is(machine.in(QUEUE_SIZE, 2), 16);
  assert.is(machine.in(QUEUE_ADDRESS, 4), 0);
  machine.out(QUEUE_ADDRESS, 4, 0x12);
  assert.is(machine.in(QUEUE_ADDRESS, 4), 0x12);
  machine.out(QUEUE_ADDRESS, 4, 0xfedcba98);
  assert.is(machine.in(QUEUE_ADDRESS, 4), 0xfedcba98, "44-bit addresses");
  machine.out(QUEUE_ADDRESS, 4, 0);
  assert.is(machine.in(QUEUE_ADDRESS, 4), 0);
  machine.out(QUEUE_SELECT, 2, 2);
  assert.is(machine.in(QUEUE_SIZE, 2), 0, "there is no third queue");
  machine.out(QUEUE_ADDRESS, 4, 1);
  assert.is(machine.in(QUEUE_ADDRESS, 4), 0);
  machine.out(STATUS, 1, 3);
  assert.is(machine.in(STATUS, 1), 3);
  assert.is(machine.in(ISR, 1), 0);
});

test("read-only registers, wrong widths, and the end of the region [transport-pci.legacy.legacy-interfaces-a-note-on-pci-device-layout.1]", () => {
  const machine = new LegacyMachine();
  assert.equal(
    machine.ignored(() => {
      machine.out(DEVICE_FEATURES, 4, 0);
      machine.out(QUEUE_SIZE, 2, 2);
      machine.out(ISR, 1, 1);
      machine.out(STATUS, 2, 1);
      machine.in(QUEUE_SIZE, 4);
      machine.in(1, 1);
    }),
    [
      "pci-legacy-write-of-read-only",
      "pci-legacy-write-of-read-only",
      "pci-legacy-write-of-read-only",
      "pci-legacy-write-width",
      "pci-legacy-read-width",
      "pci-legacy-read-width",
    ],
  );
  assert.is(machine.in(QUEUE_SIZE, 2), 8);
  assert.is(machine.in(QUEUE_NOTIFY, 2), 0);
  assert.is(machine.in(40, 4), 0);
});

test("configuration right behind the header, which MSI-X moves by four bytes [transport-pci.legacy.legacy-interfaces-a-note-on-pci-device-layout.5]", () => {
  const machine = new LegacyMachine();
  assert.is(machine.in(20, 1), 0x10);
  machine.setMsix(true);
  assert.is(machine.in(CONFIG_VECTOR, 2), 0xffff);
  assert.is(machine.in(24, 1), 0x10);
  machine.setMsix(false);
  assert.is(machine.in(20, 1), 0x10);
});

test("configuration at any width and alignment [transport-pci.legacy.legacy-interfaces-a-note-on-pci-device-layout.3]", () => {
  const machine = new LegacyMachine({ configBytes: 12 });
  const bytes = Array.from({ length: 12 }, (_, i) => 0x10 + i);
  for (const width of [1, 2, 4]) {
    for (let at = 0; at + width <= 12; at++) {
      const expected = bytes.slice(at, at + width).reduceRight((sum, byte) => sum * 256 + byte, 0);
      assert.is(machine.in(20 + at, width), expected, `${width} at ${at}`);
    }
  }
  machine.out(21, 4, 0xaabbccdd);
  assert.is(machine.in(20, 4), 0xbbccdd10);
  machine.out(25, 2, 0x1234);
  assert.is(machine.in(24, 4), 0x171234aa);
});

test("configuration before anything else [content.legacy.legacy-interface-device-initialization.2]", () => {
  const machine = new LegacyMachine();
  machine.out(20, 1, 0x77);
  assert.is(machine.in(20, 1), 0x77);
});

test("64 feature bits shrink to 32 [transport-pci.legacy.legacy-interfaces-a-note-on-pci-device-layout.6]", () => {
  const machine = new LegacyMachine();
  // As a driver that began the modern way and then turned to the legacy interface.
  machine.setStatus(3);
  machine.acceptFeatures(0, bit(INDIRECT_DESC));
  machine.acceptFeatures(1, bit(VERSION_1 - 32) | bit(RING_PACKED - 32));
  assert.is(machine.device.legacyDriver, false);
  machine.out(DRIVER_FEATURES, 4, bit(0));
  assert.is(machine.device.legacyDriver, true);
  assert.is(machine.device.driverFeatureWord(1), 0);
  machine.placeQueue(0);
  machine.legacyExchange(0);
  assert.is(ring0(machine).usedIdx, 1, "a split ring it is");
  assert.ok(machine.device.hasFeature(0));
  assert.not(machine.device.hasFeature(INDIRECT_DESC));
});

test("a driver that did not acknowledge VERSION_1 is a legacy driver, of a transitional device only [content.device.feature-bits.6] [content.device.feature-bits.7]", () => {
  const modern = new PciMachine({ deviceId: 4 });
  assert.is(modern.device.legacyDriver, false);
  assert.not(modern.device.claimLegacy());
  modern.setStatus(3);
  modern.setStatus(7);
  assert.is(modern.status(), 3, "no DRIVER_OK without FEATURES_OK");

  const machine = new LegacyMachine();
  assert.is(machine.device.legacyDriver, true);
  machine.negotiate(machine);
  assert.is(machine.device.legacyDriver, false);
  assert.is(machine.status() & 8, 8, "FEATURES_OK");
  machine.setStatus(0);
  assert.is(machine.device.legacyDriver, true);
  machine.setStatus(3);
  machine.acceptFeatures(0, bit(INDIRECT_DESC));
  machine.setStatus(11);
  assert.is(machine.status(), 3, "FEATURES_OK is for those that know it");
});

test("after a modern negotiation the legacy registers are dead but for the reset [content.device.feature-bits.8]", () => {
  const machine = new LegacyMachine();
  machine.bringUp(machine);
  assert.equal(
    machine.ignored(() => {
      machine.out(DRIVER_FEATURES, 4, 0);
      machine.out(QUEUE_ADDRESS, 4, 1);
      machine.out(STATUS, 1, 0x80);
    }),
    new Array(3).fill("pci-legacy-write-by-modern-driver"),
  );
  machine.exchange(0);
  assert.is(machine.used(0), 1);
  machine.out(STATUS, 1, 0);
  assert.is(machine.status(), 0);
});

test("queues before DRIVER_OK, and no FEATURES_OK [content.legacy.legacy-interface-device-initialization.3]", () => {
  const machine = new LegacyMachine();
  machine.legacyStart();
  machine.legacyExchange(0);
  assert.is(machine.used(0), 1);
  assert.equal(machine.line, [true], "with an interrupt");
  assert.is(machine.in(ISR, 1), 1);
  assert.equal(machine.line, [true, false]);
  machine.out(STATUS, 1, 7);
  assert.is(machine.in(STATUS, 1), 7);
  machine.legacyExchange(0, 1);
  assert.is(machine.used(0), 2);
  machine.legacyExchange(1);
  assert.is(machine.used(1), 1);
});

test("the layout of the queue [split-ring.legacy.legacy-interfaces-a-note-on-virtqueue-layout.2]", () => {
  for (const size of [8, 256]) {
    const machine = new LegacyMachine({ queueSizes: [size] });
    machine.legacyStart();
    assert.is(machine.in(QUEUE_SIZE, 2), size);
    const used = ring0(machine).used - ring0(machine).desc;
    assert.is(used, size === 8 ? 4096 : 8192);
    machine.legacyExchange(0, size - 1);
    assert.equal(ring0(machine).usedElement(0), { id: size - 1, len: 0 });
  }
});

test("little-endian numbers in the queue [split-ring.legacy.legacy-interfaces-a-note-on-virtqueue-endianness.1]", () => {
  const machine = new LegacyMachine();
  machine.legacyStart();
  machine.legacyExchange(0, 5);
  const { used } = ring0(machine);
  assert.equal([...machine.memory.read(used, 8)], [0, 0, 1, 0, 5, 0, 0, 0]);
});

test("features are in force at once, and settled with the first use [content.device.feature-bits.8]", () => {
  const machine = new LegacyMachine();
  machine.legacyStart([INDIRECT_DESC]);
  assert.ok(machine.device.hasFeature(INDIRECT_DESC));
  const ring = ring0(machine);
  ring.descriptor(1, { addr: 0x21000, len: 4, flags: 2 });
  machine.memory.write(0x22000, machine.memory.read(ring.desc + 16, 16));
  ring.descriptor(0, { addr: 0x22000, len: 16, flags: 4 });
  ring.offer(0);
  machine.out(QUEUE_NOTIFY, 2, 0);
  assert.is(machine.used(0), 1);
  assert.equal(
    machine.ignored(() => machine.out(DRIVER_FEATURES, 4, 0)),
    ["driver-features-after-features-ok"],
  );
  assert.is(machine.in(DRIVER_FEATURES, 4), bit(INDIRECT_DESC));
});

test("features never offered have no effect [content.device.feature-bits.8]", () => {
  const machine = new LegacyMachine({}, {}, { ringFeatures: [] });
  machine.legacyStart([INDIRECT_DESC, 7]);
  assert.not(machine.device.hasFeature(7));
  assert.not(machine.device.hasFeature(INDIRECT_DESC));
  machine.out(STATUS, 1, 7);
  assert.is(machine.in(DRIVER_FEATURES, 4), 0);
});

test("ANY_LAYOUT and NOTIFY_ON_EMPTY are offered to legacy drivers only; bit 30 to nobody [content.legacy.legacy-interface-reserved-feature-bits.1] [content.legacy.legacy-interface-reserved-feature-bits.3] [content.legacy.legacy-interface-reserved-feature-bits.4]", () => {
  const machine = new LegacyMachine();
  const legacy = machine.in(DEVICE_FEATURES, 4);
  const legacyOnly = (bit(ANY_LAYOUT) | bit(NOTIFY_ON_EMPTY)) >>> 0;
  assert.is((legacy & legacyOnly) >>> 0, legacyOnly);
  assert.is(legacy & bit(30), 0);
  machine.setCommon(0, 4, 0);
  assert.is((machine.common(4, 4) | legacyOnly) >>> 0, legacy);
  assert.is(machine.common(4, 4) & legacyOnly, 0);
});

test("NOTIFY_ON_EMPTY overrides NO_INTERRUPT and used_event [content.legacy.legacy-interface-reserved-feature-bits.2]", () => {
  for (const features of [[], [EVENT_IDX]]) {
    for (const onEmpty of [false, true]) {
      const machine = new LegacyMachine();
      machine.legacyStart(onEmpty ? [...features, NOTIFY_ON_EMPTY] : features);
      ring0(machine).setAvailFlags(1);
      ring0(machine).setUsedEvent(100);
      machine.legacyExchange(0);
      assert.is(machine.used(0), 1);
      assert.is(machine.in(ISR, 1), onEmpty ? 1 : 0, `${features} ${onEmpty}`);
    }
  }
});

test("vectors in the header [transport-pci.device.msi-x-vector-configuration.6]", () => {
  const machine = new LegacyMachine();
  machine.useMsix([], 0xffff);
  machine.legacyStart();
  machine.out(CONFIG_VECTOR, 2, 1);
  assert.is(machine.in(CONFIG_VECTOR, 2), 1);
  machine.out(QUEUE_SELECT, 2, 0);
  machine.out(QUEUE_VECTOR, 2, 2);
  assert.is(machine.in(QUEUE_VECTOR, 2), 2);
  machine.out(QUEUE_SELECT, 2, 1);
  assert.is(machine.in(QUEUE_VECTOR, 2), 0xffff);
  machine.out(QUEUE_VECTOR, 2, 99);
  assert.is(machine.in(QUEUE_VECTOR, 2), 0xffff);
  machine.legacyExchange(0);
  machine.legacyExchange(1);
  assert.equal(machine.vectors, [2]);
  machine.out(STATUS, 1, 0);
  assert.is(machine.in(CONFIG_VECTOR, 2), 0xffff);
});

test("a reset takes the queues away; a driver can start over, the other way too [content.device.device-reset.1] [content.device.device-reset.2]", () => {
  const machine = new LegacyMachine();
  machine.legacyStart();
  machine.legacyExchange(0);
  machine.out(STATUS, 1, 0);
  assert.is(machine.in(STATUS, 1), 0);
  machine.out(QUEUE_SELECT, 2, 0);
  assert.is(machine.in(QUEUE_ADDRESS, 4), 0);
  machine.legacyExchange(0);
  assert.is(machine.used(0), 1, "no access after the reset");
  machine.bringUp(machine);
  machine.exchange(0);
  assert.is(machine.used(0), 1);
  machine.legacyStart();
  machine.legacyExchange(0);
  assert.is(machine.used(0), 1);
});

test("address 0 takes a queue away, another address moves it", () => {
  const machine = new LegacyMachine();
  machine.legacyStart();
  machine.legacyExchange(1);
  machine.out(QUEUE_SELECT, 2, 1);
  machine.out(QUEUE_ADDRESS, 4, 0);
  machine.legacyExchange(1, 1);
  assert.is(machine.used(1), 1);
  machine.placeQueue(1);
  machine.legacyExchange(1);
  assert.is(machine.used(1), 1);
  const moved = machine.legacyRing(2, 16);
  machine.rings[1] = moved;
  machine.placeQueue(1, moved);
  machine.legacyExchange(1, 3);
  assert.equal(moved.usedElement(0), { id: 3, len: 0 });
});

test("a queue at an address where there is no memory stops the device, not the program", () => {
  const machine = new LegacyMachine();
  machine.legacyStart();
  machine.out(QUEUE_SELECT, 2, 0);
  machine.out(QUEUE_ADDRESS, 4, 0xffffffff);
  machine.out(QUEUE_NOTIFY, 2, 0);
  assert.is(machine.in(STATUS, 1), 0x43, "DEVICE_NEEDS_RESET");
});

test("the rng hands out entropy to a legacy driver", () => {
  const memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(0x10000) }]);
  const source = (target: Uint8Array) => void target.fill(0xa5);
  const device = new VirtioDevice(new RngDevice({ source }), { memory });
  const transport = new PciTransport(device, { transitional: true });
  assert.is(transport.configRead(0, 4), 0x10051af4);
  transport.barWrite(0, STATUS, 1, 3);
  transport.barWrite(0, QUEUE_ADDRESS, 4, 1);
  const view = new DataView(memory.view(0, 0x10000).buffer);
  view.setUint32(0x1000, 0x8000, true);
  view.setUint32(0x1008, 6, true);
  view.setUint16(0x100c, 2, true);
  view.setUint16(0x1000 + 64 * 16 + 2, 1, true);
  transport.barWrite(0, QUEUE_NOTIFY, 2, 0);
  assert.equal([...memory.read(0x8000, 8)], [0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0, 0]);
  assert.is(view.getUint32(0x2000 + 8, true), 6);
});

test.run();
