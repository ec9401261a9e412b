import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type FoundStructure, PciMachine } from "../support/pci-machine.ts";
import {
  ADMIN_VQ,
  NOTIFICATION_DATA,
  RING_PACKED,
  RING_RESET,
  ringFeatures,
  VERSION_1,
} from "../support/transport-device.ts";

const test = suite("virtio over PCI: discovery, capabilities, configuration structures");

const NO_VECTOR = 0xffff;
const IO = { layout: { kind: "io" } } as const;
const shared = (id: number, lengthBytes: number) => ({
  id,
  lengthBytes,
  buffer: new ArrayBuffer(lengthBytes),
});

/** Size of a BAR by the method of the PCI specification; 64-bit BARs by both halves. */
function probeSize(machine: PciMachine, bar: number): bigint {
  const { transport } = machine;
  const at = 0x10 + 4 * bar;
  const lo = transport.configRead(at, 4);
  const wide = (lo & 1) === 0 && (lo & 6) === 4;
  const hi = wide ? transport.configRead(at + 4, 4) : 0;
  transport.configWrite(at, 4, 0xffffffff);
  if (wide) transport.configWrite(at + 4, 4, 0xffffffff);
  const maskLo = BigInt(transport.configRead(at, 4) & ((lo & 1) === 0 ? ~0xf : ~3)) & 0xffffffffn;
  const maskHi = wide ? BigInt(transport.configRead(at + 4, 4)) : 0xffffffffn;
  transport.configWrite(at, 4, lo);
  if (wide) transport.configWrite(at + 4, 4, hi);
  return (1n << 64n) - ((maskHi << 32n) | maskLo);
}

test("a type 0 header, a capability list within its bounds, BARs that tell their size [transport-pci.device.virtio-over-pci-bus.1]", () => {
  const machine = new PciMachine({ sharedMemory: [shared(1, 0x3000)] });
  const { transport } = machine;
  assert.is(transport.configRead(0x0e, 1), 0, "header type");
  assert.is(transport.configRead(0x09, 1), 0x00);
  assert.is(transport.configRead(0x0a, 2), 0x0380, "class of the type");
  assert.is(transport.configRead(0x3d, 1), 1, "INTA#");
  assert.is(transport.configRead(0x30, 4), 0, "no ROM");
  assert.is(transport.configRead(0x06, 2) & 0x10, 0x10, "capability list");
  const bytes = new Set<number>();
  for (const { at, id } of machine.capabilities()) {
    assert.is(at % 4, 0);
    const length = id === 9 ? transport.configRead(at + 2, 1) : 12;
    for (let i = at; i < at + length; i++) {
      assert.ok(i >= 0x40 && i < 0x100 && !bytes.has(i), `capability byte 0x${i.toString(16)}`);
      bytes.add(i);
    }
  }
  for (const bar of transport.bars) assert.is(probeSize(machine, bar.index), BigInt(bar.sizeBytes));
  assert.is(probeSize(machine, 2), 0x4000n, "0x3000 bytes of shared memory take 0x4000");
});

test("vendor id 0x1af4 [transport-pci.device.pci-device-discovery.1]", () => {
  assert.is(new PciMachine().transport.configRead(0, 2), 0x1af4);
});

test("device id 0x1040 + virtio device id [transport-pci.device.pci-device-discovery.2]", () => {
  for (const deviceId of [1, 16, 63]) {
    assert.is(new PciMachine({ deviceId }).transport.configRead(2, 2), 0x1040 + deviceId);
  }
});

test("subsystem ids may be those of the environment [transport-pci.device.pci-device-discovery.3]", () => {
  const { transport } = new PciMachine({}, { subsystemVendorId: 0x1234, subsystemId: 0xabcd });
  assert.is(transport.configRead(0x2c, 4), 0xabcd1234);
});

test("no device id beyond 0x107f or below 0x1040 [transport-pci.device.pci-device-discovery.4]", () => {
  assert.throws(() => new PciMachine({ deviceId: 0 }), /has 0 as deviceId/);
  assert.throws(() => new PciMachine({ deviceId: 64 }), /not in 1 … 63/);
});

test("revision 1 or higher [transport-pci.device.pci-device-discovery.5]", () => {
  assert.is(new PciMachine().transport.configRead(8, 1), 1);
  assert.is(new PciMachine({}, { revisionId: 255 }).transport.configRead(8, 1), 255);
  for (const revisionId of [0, 256]) assert.throws(() => new PciMachine({}, { revisionId }), /revisionId/);
});

test("subsystem device id 0x40 or higher [transport-pci.device.pci-device-discovery.6]", () => {
  assert.ok(new PciMachine().transport.configRead(0x2e, 2) >= 0x40);
  assert.is(new PciMachine({}, { subsystemId: 0x40 }).transport.configRead(0x2e, 2), 0x40);
  assert.throws(() => new PciMachine({}, { subsystemId: 0x3f }), /subsystemId/);
});

test("the halves of 64-bit fields are independent [transport-pci.device.pci-device-layout.1]", () => {
  const machine = new PciMachine();
  machine.negotiate(machine);
  machine.select(1);
  for (const offset of [0x20, 0x28, 0x30]) {
    machine.setCommon(offset, 4, 0x11111110);
    assert.is(machine.common(offset + 4, 4), 0);
    machine.setCommon(offset + 4, 4, 0x22222222);
    assert.is(machine.common(offset, 4), 0x11111110);
    machine.setCommon(offset, 4, 0xfffffff0);
    assert.is(machine.common(offset + 4, 4), 0x22222222);
    assert.is(machine.common(offset, 4), 0xfffffff0);
  }
});

test("cap_len covers each structure with its extra data [transport-pci.device.virtio-structure-pci-capabilities.1]", () => {
  const machine = new PciMachine(
    { sharedMemory: [shared(1, 0x1000)] },
    { vendorData: [{ vendorId: 0x1234, data: new Uint8Array(5) }] },
  );
  const least: Record<number, number> = { 1: 16, 2: 20, 3: 16, 4: 16, 5: 20, 8: 24, 9: 6 + 5 };
  const types = machine.structures().map(({ type, length }) => {
    assert.ok(length >= (least[type] ?? Number.POSITIVE_INFINITY), `type ${type}: ${length}`);
    return type;
  });
  assert.equal(types.sort(), [1, 2, 3, 4, 5, 8, 9]);
});

test("of two notification structures the I/O one comes first, and both work [transport-pci.device.virtio-structure-pci-capabilities.3] [transport-pci.prose.virtio-structure-pci-capabilities.2]", () => {
  const machine = new PciMachine({}, { layout: { ioNotifyBar: 5 } });
  machine.bringUp(machine);
  const [first, second] = machine.structures(2) as [FoundStructure, FoundStructure];
  assert.is(machine.transport.bar(first.bar)?.kind, "io");
  assert.is(machine.transport.bar(second.bar)?.kind, "memory");
  for (const [done, which] of [0, 1].entries()) {
    machine.offer(1);
    const { bar, offset } = machine.notifyAddress(1, which);
    machine.transport.barWrite(bar, offset, 2, 1);
    assert.is(machine.used(1), done + 1);
  }
});

test("the common configuration is 4-byte aligned and inside its BAR [transport-pci.device.common-configuration-structure-layout.1]", () => {
  for (const options of [{}, IO, { layout: { bar: 2, is64Bit: true } }]) {
    const machine = new PciMachine({}, options);
    const { bar, offset, size } = machine.structure(1);
    assert.is(offset % 4, 0);
    assert.ok(size >= 0x38 && offset + size <= Number(probeSize(machine, bar)));
  }
});

test("there is a common configuration capability [transport-pci.device.common-configuration-structure-layout.2]", () => {
  assert.ok(new PciMachine().structures(1).length >= 1);
});

test("device_feature shows the bits from device_feature_select * 32 on [transport-pci.device.common-configuration-structure-layout.3]", () => {
  const machine = new PciMachine();
  const word = (select: number): number => {
    machine.setCommon(0, 4, select);
    assert.is(machine.common(0, 4), select);
    return machine.common(4, 4);
  };
  assert.is(word(0), 1 | 8 | (1 << 28) | (1 << 29));
  assert.is(word(1), 1 | (1 << 2) | (1 << 8) | (1 << 11));
  assert.is(word(2), 1);
  for (const select of [3, 4, 0x80000000, 0xffffffff]) assert.is(word(select), 0);
});

test("driver_feature shows what the driver wrote at driver_feature_select * 32 [transport-pci.device.common-configuration-structure-layout.4]", () => {
  const machine = new PciMachine();
  machine.setStatus(3);
  machine.acceptFeatures(0, 9);
  machine.acceptFeatures(1, 1);
  machine.acceptFeatures(2, 1);
  const word = (select: number): number => {
    machine.setCommon(8, 4, select);
    return machine.common(0x0c, 4);
  };
  assert.equal([word(0), word(1), word(2), word(3), word(0xffffffff)], [9, 1, 1, 0, 0]);
});

test("bits that were never offered may show, but FEATURES_OK is refused [transport-pci.device.common-configuration-structure-layout.5]", () => {
  const machine = new PciMachine();
  machine.setStatus(3);
  machine.acceptFeatures(1, 1 << (VERSION_1 - 32));
  machine.acceptFeatures(0, 2);
  machine.setStatus(11);
  assert.is(machine.status(), 3);
  machine.acceptFeatures(0, 1);
  machine.setStatus(11);
  assert.is(machine.status(), 11);
});

test("config_generation changes once a changed value was read, however often it changed [transport-pci.device.common-configuration-structure-layout.6]", () => {
  const machine = new PciMachine();
  machine.bringUp(machine);
  const { bar, offset } = machine.structure(4);
  const read = () => machine.transport.barRead(bar, offset, 4);
  read();
  const before = machine.common(0x15, 1);
  read();
  assert.is(machine.common(0x15, 1), before, "unchanged");
  for (let i = 0; i < 0x100; i++) machine.changeConfig(i);
  read();
  assert.is.not(machine.common(0x15, 1), before, "256 changes are not none");
  const after = machine.common(0x15, 1);
  read();
  assert.is(machine.common(0x15, 1), after);
  for (let i = 0; i < 0x200; i++) {
    machine.changeConfig(i & 0xff);
    const old = machine.common(0x15, 1);
    read();
    assert.is(machine.common(0x15, 1), (old + 1) & 0xff);
  }
});

test("writing 0 to device_status resets, and 0 is read then [transport-pci.device.common-configuration-structure-layout.7]", () => {
  const machine = new PciMachine();
  machine.bringUp(machine);
  machine.exchange(0);
  machine.setStatus(15);
  assert.is(machine.status(), 15);
  machine.setStatus(0);
  assert.is(machine.status(), 0);
  assert.is(machine.isr(), 0);
  assert.ok(machine.type.events.includes("reset"));
  assert.is(machine.common(0x0c, 4), 0, "driver_feature");
  machine.bringUp(machine);
  machine.exchange(0);
  assert.is(machine.used(0), 1);
});

test("queue_enable is 0 on reset [transport-pci.device.common-configuration-structure-layout.8]", () => {
  const machine = new PciMachine();
  assert.equal([machine.queueEnabled(0), machine.queueEnabled(1)], [0, 0]);
  machine.bringUp(machine);
  assert.equal([machine.queueEnabled(0), machine.queueEnabled(1)], [1, 1]);
  machine.setStatus(0);
  assert.equal([machine.queueEnabled(0), machine.queueEnabled(1)], [0, 0]);
});

test("queue_reset is 0 on reset [transport-pci.device.common-configuration-structure-layout.9]", () => {
  const machine = new PciMachine();
  machine.bringUp(machine, [RING_RESET]);
  machine.setCommon(0x3a, 2, 1);
  machine.setStatus(0);
  machine.negotiate(machine, [RING_RESET]);
  assert.is(machine.common(0x3a, 2), 0);
});

test("queue_reset is 0 after the queue is enabled, first and again [transport-pci.device.common-configuration-structure-layout.10]", () => {
  const machine = new PciMachine();
  machine.bringUp(machine, [RING_RESET]);
  assert.is(machine.common(0x3a, 2), 0);
  machine.setCommon(0x3a, 2, 1);
  machine.setUpQueue(1, machine.ring(1, 4));
  assert.is(machine.common(0x1c, 2), 1);
  assert.is(machine.common(0x3a, 2), 0);
  machine.exchange(1);
  assert.is(machine.used(1), 1, "with its new size");
});

test("1 in queue_reset resets the queue and stays while the reset lasts [transport-pci.device.common-configuration-structure-layout.11] [transport-pci.device.common-configuration-structure-layout.12]", () => {
  const machine = new PciMachine();
  machine.bringUp(machine, [RING_RESET]);
  machine.select(1);
  machine.setCommon(0x3a, 2, 0);
  assert.is(machine.common(0x1c, 2), 1, "0 does not reset");
  const during: number[] = [];
  machine.type.onQueueReset = () => {
    during.push(machine.common(0x3a, 2));
    machine.select(0);
    during.push(machine.common(0x3a, 2));
    machine.select(1);
  };
  machine.setCommon(0x3a, 2, 1);
  assert.equal(during, [1, 0]);
  assert.ok(machine.type.events.includes("queueReset 1"));
  machine.exchange(1);
  assert.is(machine.used(1), 0, "nothing is taken from it");
});

test("without VIRTIO_F_RING_RESET queue_reset does nothing [transport-pci.device.common-configuration-structure-layout.11]", () => {
  const machine = new PciMachine();
  machine.bringUp(machine);
  machine.setCommon(0x3a, 2, 1);
  assert.is(machine.common(0x3a, 2), 0);
  assert.is(machine.common(0x1c, 2), 1);
});

test("queue_reset and queue_enable are 0 once the reset is done [transport-pci.device.common-configuration-structure-layout.13]", () => {
  const machine = new PciMachine();
  machine.bringUp(machine, [RING_RESET]);
  machine.select(1);
  machine.setCommon(0x3a, 2, 1);
  assert.is(machine.common(0x3a, 2), 0);
  assert.is(machine.common(0x1c, 2), 0);
  assert.is(machine.queueEnabled(0), 1);
});

test("queue_size is 0 for queues that are not there [transport-pci.device.common-configuration-structure-layout.14]", () => {
  const machine = new PciMachine();
  const size = (index: number): number => {
    machine.select(index);
    return machine.common(0x18, 2);
  };
  assert.equal([size(0), size(1), size(2), size(0x7fff), size(0xffff)], [8, 16, 0, 0, 0]);
});

test("queue_size is a power of 2 unless packed rings are negotiated [transport-pci.device.common-configuration-structure-layout.15]", () => {
  const split = new PciMachine({ queueSizes: [100] });
  split.select(0);
  assert.is(split.common(0x18, 2), 64, "on reset");
  split.negotiate(split);
  for (const [wrote, reads] of [
    [32, 32],
    [33, 32],
    [3, 32],
    [64, 64],
    [100, 64],
    [1, 1],
    [0, 1],
  ] as const) {
    split.setCommon(0x18, 2, wrote);
    assert.is(split.common(0x18, 2), reads, `wrote ${wrote}`);
  }
  const packed = new PciMachine({ queueSizes: [100] });
  packed.negotiate(packed, [RING_PACKED]);
  packed.select(0);
  for (const [wrote, reads] of [
    [33, 33],
    [100, 100],
    [101, 100],
    [0, 100],
    [3, 3],
  ] as const) {
    packed.setCommon(0x18, 2, wrote);
    assert.is(packed.common(0x18, 2), reads, `wrote ${wrote}`);
  }
});

test("a driver that takes the size it is shown gets a queue of that size [transport-pci.device.common-configuration-structure-layout.15]", () => {
  const machine = new PciMachine({ queueSizes: [100] });
  machine.negotiate(machine);
  const ring = machine.ring(0, 64);
  machine.select(0);
  machine.setCommon(0x20, 4, ring.desc);
  machine.setCommon(0x28, 4, ring.avail);
  machine.setCommon(0x30, 4, ring.used);
  machine.setCommon(0x1c, 2, 1);
  machine.setStatus(15);
  machine.exchange(0);
  assert.is(machine.status(), 15);
  assert.is(machine.used(0), 1);
});

test("administration virtqueues are never offered, and their fields are 0 [transport-pci.device.common-configuration-structure-layout.16]", () => {
  const machine = new PciMachine();
  machine.negotiate(machine, [ADMIN_VQ]);
  assert.is(machine.status(), 3, "FEATURES_OK is refused");
  assert.equal([machine.common(0x3c, 2), machine.common(0x3e, 2)], [0, 0]);
  assert.throws(
    () => new PciMachine({}, {}, { ringFeatures: ringFeatures(ADMIN_VQ) }),
    /41 is not supported/,
  );
});

test("there is a notification capability [transport-pci.device.notification-capability.1]", () => {
  assert.ok(new PciMachine().structures(2).length >= 1);
});

const MULTIPLIERS = [undefined, 0, 2, 4, 64, 4096] as const;

/** Places of notification registers, as a driver computes them. */
function notification(machine: PciMachine) {
  const queues = machine.type.queues.length;
  const offsets = Array.from({ length: queues }, (_, i) => machine.notifyAddress(i).offset);
  const cap = machine.structure(2);
  return { offsets, cap, multiplier: machine.transport.configRead(cap.at + 16, 4) };
}

test("notifications start at an even offset [transport-pci.device.notification-capability.2]", () => {
  for (const notifyOffMultiplier of MULTIPLIERS) {
    const options = notifyOffMultiplier === undefined ? {} : { notifyOffMultiplier };
    assert.is(notification(new PciMachine({ configBytes: 13 }, options)).cap.offset % 2, 0);
  }
});

test("the multiplier is 0 or an even power of 2 [transport-pci.device.notification-capability.3]", () => {
  for (const notifyOffMultiplier of [0, 2, 4, 64, 4096]) {
    assert.is(notification(new PciMachine({}, { notifyOffMultiplier })).multiplier, notifyOffMultiplier);
  }
  const { multiplier } = notification(new PciMachine());
  assert.ok(multiplier >= 2 && Number.isInteger(Math.log2(multiplier)));
  for (const notifyOffMultiplier of [1, 3, 6, -2, 2.5, Number.NaN, 2 ** 32]) {
    assert.throws(() => new PciMachine({}, { notifyOffMultiplier }), /notifyOffMultiplier/);
  }
});

test("the structure is long enough for every queue's 16 bits [transport-pci.device.notification-capability.4] [transport-pci.device.notification-capability.5]", () => {
  for (const notifyOffMultiplier of MULTIPLIERS) {
    for (const queueSizes of [[], [8], [8, 8, 8, 8, 8]]) {
      const options = notifyOffMultiplier === undefined ? {} : { notifyOffMultiplier };
      const machine = new PciMachine({ queueSizes }, options);
      const { offsets, cap } = notification(machine);
      assert.ok(cap.size >= 2);
      for (const offset of offsets) assert.ok(offset - cap.offset + 2 <= cap.size);
      assert.ok(cap.offset + cap.size <= Number(probeSize(machine, cap.bar)));
    }
  }
});

test("every queue's register notifies that queue, at any multiplier [transport-pci.device.notification-capability.5]", () => {
  for (const notifyOffMultiplier of [0, 2, 4, 4096]) {
    const machine = new PciMachine({ queueSizes: [8, 8, 8] }, { notifyOffMultiplier });
    machine.bringUp(machine);
    for (const index of [2, 0, 1]) machine.exchange(index);
    assert.equal(machine.type.handled, [2, 0, 1]);
  }
});

const DATA_OFFERED = { ringFeatures: ringFeatures(NOTIFICATION_DATA) };

test("with notification data offered the multiplier is 0 or a power of 2 from 4 on [transport-pci.device.notification-capability.6]", () => {
  for (const notifyOffMultiplier of [0, 4, 64]) {
    const machine = new PciMachine({}, { notifyOffMultiplier }, DATA_OFFERED);
    assert.is(notification(machine).multiplier, notifyOffMultiplier);
  }
  assert.throws(() => new PciMachine({}, { notifyOffMultiplier: 2 }, DATA_OFFERED), /notifyOffMultiplier/);
  const crowded = new PciMachine({ queueSizes: new Array(64).fill(8) }, { ...IO, msix: false }, DATA_OFFERED);
  assert.is(notification(crowded).multiplier, 0, "2 would fit, but is not allowed");
});

test("with notification data offered notifications start at a multiple of 4 [transport-pci.device.notification-capability.7]", () => {
  for (const notifyOffMultiplier of [0, 4, 64]) {
    const machine = new PciMachine({ configBytes: 13 }, { notifyOffMultiplier }, DATA_OFFERED);
    assert.is(notification(machine).cap.offset % 4, 0);
  }
});

test("with notification data offered there is room for every queue's 32 bits [transport-pci.device.notification-capability.8] [transport-pci.device.notification-capability.9]", () => {
  for (const notifyOffMultiplier of [0, 4, 64]) {
    for (const queueSizes of [[], [8], [8, 8, 8, 8, 8]]) {
      const machine = new PciMachine({ queueSizes }, { notifyOffMultiplier }, DATA_OFFERED);
      const { offsets, cap } = notification(machine);
      assert.ok(cap.size >= 4);
      for (const offset of offsets) assert.ok(offset - cap.offset + 4 <= cap.size);
    }
  }
});

test("with notification data negotiated every queue takes 32 bits [transport-pci.device.notification-capability.9]", () => {
  for (const notifyOffMultiplier of [0, 4]) {
    const machine = new PciMachine({}, { notifyOffMultiplier }, DATA_OFFERED);
    machine.bringUp(machine, [NOTIFICATION_DATA]);
    for (const index of [0, 1]) {
      machine.offer(index);
      machine.notify(index, 0x80010000 + index, 4);
      assert.is(machine.used(index), 1);
    }
  }
});

test("there is an ISR capability of at least a byte [transport-pci.device.isr-status-capability.1]", () => {
  assert.ok(new PciMachine().structure(3).size >= 1);
});

test("a device with a configuration space has its capability, one without has none [transport-pci.prose.device-specific-configuration.1]", () => {
  assert.is(new PciMachine({ configBytes: 12 }).structures(4).length, 1);
  assert.is(new PciMachine({ configBytes: 12 }).structure(4).size, 12);
  assert.is(new PciMachine({ configBytes: 0 }).structures(4).length, 0);
});

test("the device-specific configuration is 4-byte aligned [transport-pci.device.device-specific-configuration.1]", () => {
  for (const configBytes of [1, 12, 257]) {
    for (const bar of [0, 3]) {
      assert.is(new PciMachine({ configBytes }, { layout: { bar } }).structure(4).offset % 4, 0);
    }
  }
});

test("shared memory regions lie inside their BARs [transport-pci.device.shared-memory-capability.1]", () => {
  for (const lengthBytes of [1, 0x1000, 0x1001, 0x5000]) {
    const machine = new PciMachine({ sharedMemory: [shared(7, lengthBytes), shared(9, 16)] });
    for (const cap of machine.structures(8)) {
      const offset = (BigInt(machine.transport.configRead(cap.at + 16, 4)) << 32n) | BigInt(cap.offset);
      const length = (BigInt(machine.transport.configRead(cap.at + 20, 4)) << 32n) | BigInt(cap.size);
      assert.is(length, BigInt(cap.id === 7 ? lengthBytes : 16));
      assert.ok(offset + length <= probeSize(machine, cap.bar));
    }
  }
});

test("shared memory ids are unique [transport-pci.device.shared-memory-capability.2]", () => {
  const machine = new PciMachine({ sharedMemory: [shared(0, 16), shared(255, 16)] });
  assert.equal(
    machine.structures(8).map(({ id }) => id),
    [0, 255],
  );
  const regions = (...ids: number[]) => ({ sharedMemory: ids.map((id) => shared(id, 16)) });
  assert.throws(() => new PciMachine(regions(1, 1)), /shared memory id/);
  for (const id of [256, -1]) {
    assert.throws(() => new PciMachine(regions(id, 1)), /part that is wrong as sharedMemory/);
  }
});

const VENDOR_DATA = [
  { vendorId: 0x8086, data: Uint8Array.of(1, 2, 3) },
  { vendorId: 0x8086, data: new Uint8Array(2) },
];

test("vendor data never bears virtio's vendor id [transport-pci.device.vendor-data-capability.1]", () => {
  const machine = new PciMachine({}, { vendorData: VENDOR_DATA });
  for (const { at } of machine.structures(9)) assert.is(machine.transport.configRead(at + 4, 2), 0x8086);
  assert.throws(
    () => new PciMachine({}, { vendorData: [{ vendorId: 0x1af4, data: new Uint8Array(2) }] }),
    /0x1af4/,
  );
});

test("vendor data capabilities are multiples of 4 bytes long [transport-pci.device.vendor-data-capability.2]", () => {
  for (let length = 0; length < 9; length++) {
    const vendorData = [{ vendorId: 0x8086, data: new Uint8Array(length).fill(0xee) }];
    const machine = new PciMachine({}, { vendorData });
    const [cap] = machine.structures(9) as [FoundStructure];
    assert.is(cap.length, Math.ceil((6 + length) / 4) * 4);
    for (let i = 6; i < cap.length; i++) {
      assert.is(machine.transport.configRead(cap.at + i, 1), i < 6 + length ? 0xee : 0);
    }
  }
});

test("reading vendor data has no side effect, writing it no effect [transport-pci.device.vendor-data-capability.3] [transport-pci.prose.vendor-data-capability.1]", () => {
  const machine = new PciMachine({}, { vendorData: VENDOR_DATA });
  machine.bringUp(machine);
  machine.exchange(0);
  const before = JSON.stringify(machine.transport.save());
  const ignored = machine.ignored(() => {
    for (const { at, length } of machine.structures(9)) {
      for (let i = 0; i < length; i++) machine.transport.configRead(at + i, 1);
      for (let i = 0; i < length; i += 4) machine.transport.configWrite(at + i, 4, 0xffffffff);
    }
  });
  assert.equal(ignored, []);
  assert.is(JSON.stringify(machine.transport.save()), before);
  assert.equal(machine.line, [true]);
});

test("there is a PCI configuration access capability [transport-pci.device.pci-configuration-access-capability.1]", () => {
  const { length } = new PciMachine().structure(5);
  assert.ok(length >= 20);
});

/** Aims the window at a place. */
function aim(machine: PciMachine, bar: number, offset: number, length: number): number {
  const { at } = machine.structure(5);
  machine.transport.configWrite(at + 4, 1, bar);
  machine.transport.configWrite(at + 8, 4, offset);
  machine.transport.configWrite(at + 12, 4, length);
  return at + 16;
}

test("a write of pci_cfg_data is a write to the BAR of cap.length bytes [transport-pci.device.pci-configuration-access-capability.2]", () => {
  const machine = new PciMachine();
  const common = machine.structure(1);
  let data = aim(machine, common.bar, common.offset, 4);
  machine.transport.configWrite(data, 4, 0xabcdef01);
  assert.is(machine.common(0, 4), 0xabcdef01, "32 bits");
  data = aim(machine, common.bar, common.offset + 0x16, 2);
  machine.transport.configWrite(data, 4, 0xffff1234);
  assert.is(machine.common(0x16, 2), 0x1234, "the first 16 bits");
  data = aim(machine, common.bar, common.offset + 0x14, 1);
  machine.transport.configWrite(data, 1, 3);
  assert.is(machine.status(), 3, "8 bits");
  machine.bringUp(machine);
  machine.offer(1);
  const notify = machine.notifyAddress(1);
  data = aim(machine, notify.bar, notify.offset, 2);
  machine.transport.configWrite(data, 2, 1);
  assert.is(machine.used(1), 1, "a notification");
});

test("a read of pci_cfg_data is a read of the BAR of cap.length bytes [transport-pci.device.pci-configuration-access-capability.3]", () => {
  const machine = new PciMachine();
  machine.bringUp(machine);
  const device = machine.structure(4);
  let data = aim(machine, device.bar, device.offset + 4, 4);
  assert.is(machine.transport.configRead(data, 4), 0x17161514);
  data = aim(machine, device.bar, device.offset + 2, 2);
  assert.is(machine.transport.configRead(data, 4), 0x17161312, "only the first two bytes are new");
  machine.exchange(0);
  const isr = machine.structure(3);
  data = aim(machine, isr.bar, isr.offset, 1);
  assert.equal(machine.line, [true]);
  assert.is(machine.transport.configRead(data, 1), 1);
  assert.equal(machine.line, [true, false], "with the side effects of a read");
  assert.is(machine.isr(), 0);
});

test("the window does nothing for other lengths, misaligned offsets and BARs that aren't there [transport-pci.device.pci-configuration-access-capability.2] [transport-pci.device.pci-configuration-access-capability.3]", () => {
  const machine = new PciMachine();
  machine.bringUp(machine);
  const { bar, offset } = machine.structure(1);
  for (const [aimedBar, at, length, ignored] of [
    [bar, offset, 0, "pci-access-length"],
    [bar, offset, 3, "pci-access-length"],
    [bar, offset, 8, "pci-access-length"],
    [bar, offset, 0xffffffff, "pci-access-length"],
    [bar, offset + 2, 4, "pci-access-length"],
    [bar, offset + 0x15, 2, "pci-access-length"],
    [bar, 0xfffffffc, 4, "pci-bar"],
    [5, 0, 4, "pci-bar"],
    [6, 0, 4, "pci-bar"],
    [255, 0, 4, "pci-bar"],
  ] as const) {
    const data = aim(machine, aimedBar, at, length);
    const found = machine.ignored(() => {
      machine.transport.configWrite(data, 4, 0);
      machine.transport.configRead(data, 4);
    });
    assert.is(found.length, 2);
    for (const what of found) assert.ok(what.startsWith(ignored), what);
  }
  assert.is(machine.status(), 15);
});

test("vectors are unmapped on reset, ISR and INTx too [transport-pci.device.common-configuration-structure-layout.7] [transport-pci.device.msi-x-vector-configuration.7]", () => {
  const machine = new PciMachine();
  const vectors = (): number[] => {
    const all = [machine.common(0x10, 2)];
    for (const index of [0, 1]) {
      machine.select(index);
      all.push(machine.common(0x1a, 2));
    }
    return all;
  };
  assert.equal(vectors(), [NO_VECTOR, NO_VECTOR, NO_VECTOR], "at first");
  machine.useMsix([1, 2], 0);
  assert.equal(vectors(), [0, 1, 2]);
  machine.setStatus(0);
  assert.equal(vectors(), [NO_VECTOR, NO_VECTOR, NO_VECTOR], "after a reset");
});

test.run();
