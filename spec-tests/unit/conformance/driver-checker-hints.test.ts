// Mistakes of drivers that are being written, which no statement forbids: each is named, and its right twin is not.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { TraceEvent } from "../../../src/base/trace.ts";
import { DriverChecker } from "../../../src/conformance/driver-checker/index.ts";
import { VirtioDevice } from "../../../src/device/index.ts";
import { GpuDevice } from "../../../src/devices/gpu/index.ts";
import { RngDevice } from "../../../src/devices/rng/index.ts";
import { GuestMemory } from "../../../src/memory/index.ts";
import { PciTransport } from "../../../src/transport/pci/index.ts";
import { BUFFERS, INDIRECT, NEXT, RawGuest, RING, TABLE, WRITE } from "../../support/mutants/raw-guest.ts";

const test = suite("driver checker, hints");
const PACKED = 34;
const INDIRECT_DESC = 28;

interface Case {
  readonly name: string;
  /** What the checker says of the driver that makes the mistake. */
  readonly hint: string;
  readonly says: RegExp;
  readonly device?: "gpu";
  readonly features?: readonly number[];
  readonly drive: (guest: RawGuest, wrong: boolean) => void;
}

/** A control command of the GPU: GET_DISPLAY_INFO and room for its answer. */
function ask(guest: RawGuest, response: { flags: number; length: number } | null, requestBytes = 24): void {
  guest.put32(BUFFERS, 0x100);
  guest.split(0, { flags: response === null ? 0 : NEXT, length: requestBytes, extra: 1 });
  if (response !== null) guest.split(1, { ...response, address: BUFFERS + 0x1000 });
  guest.offer(0, 0);
  guest.notify();
}

function readRandom(guest: RawGuest): void {
  guest.split(0, { flags: WRITE });
  guest.offer(0, 0);
  guest.notify();
}

const CASES: readonly Case[] = [
  {
    name: "the response is not writable",
    hint: "response-not-writable",
    says: /descriptor 1, where the response goes, lacks VIRTQ_DESC_F_WRITE/,
    device: "gpu",
    drive: (guest, wrong) => {
      guest.start();
      ask(guest, { flags: wrong ? 0 : WRITE, length: 408 });
    },
  },
  {
    name: "there is no response",
    hint: "response-not-writable",
    says: /no descriptor for the response/,
    device: "gpu",
    drive: (guest, wrong) => {
      guest.start();
      ask(guest, wrong ? null : { flags: WRITE, length: 408 });
    },
  },
  {
    name: "the response has length 0",
    hint: "empty-descriptor",
    says: /descriptor 1 of buffer 0 has length 0/,
    device: "gpu",
    drive: (guest, wrong) => {
      guest.start();
      ask(guest, { flags: WRITE, length: wrong ? 0 : 408 });
    },
  },
  {
    name: "a descriptor that was never filled",
    hint: "empty-descriptor",
    says: /descriptor 0 of queue 0 was made available and there is nothing in it/,
    drive: (guest, wrong) => {
      guest.start();
      if (!wrong) guest.split(0, { flags: WRITE });
      guest.offer(0, 0);
      guest.notify();
    },
  },
  {
    name: "the response is shorter than a header",
    hint: "response-too-short",
    says: /room for 23 bytes/,
    device: "gpu",
    drive: (guest, wrong) => {
      guest.start();
      ask(guest, { flags: WRITE, length: wrong ? 23 : 408 });
    },
  },
  {
    name: "the request is shorter than a header",
    hint: "request-too-short",
    says: /has 4 bytes for the device to read/,
    device: "gpu",
    drive: (guest, wrong) => {
      guest.start();
      ask(guest, { flags: WRITE, length: 408 }, wrong ? 4 : 24);
    },
  },
  {
    name: "a command is refused",
    hint: "command-refused",
    says: /the device refused \S*RESOURCE_FLUSH with \S*ERR_INVALID_RESOURCE_ID/,
    device: "gpu",
    drive: (guest, wrong) => {
      guest.start();
      guest.machine.memory.write(
        BUFFERS,
        new Uint8Array(Uint32Array.from([wrong ? 0x104 : 0x100, 0, 0, 0, 0, 0, 0, 0, 1, 1, 7, 0]).buffer),
      );
      guest.split(0, { flags: NEXT, length: wrong ? 48 : 24, extra: 1 });
      guest.split(1, { flags: WRITE, length: 408, address: BUFFERS + 0x1000 });
      guest.offer(0, 0);
      guest.notify();
    },
  },
  {
    name: "the available index is never raised",
    hint: "nothing-available",
    says: /its available index still is 0/,
    drive: (guest, wrong) => {
      guest.start();
      guest.split(0, { flags: WRITE });
      if (!wrong) guest.offer(0, 0);
      for (let i = 0; i < 3; i++) guest.notify();
    },
  },
  {
    name: "no packed descriptor is available",
    hint: "nothing-available",
    says: /AVAIL has to be 1 and USED 0/,
    features: [PACKED],
    drive: (guest, wrong) => {
      guest.start([PACKED]);
      guest.packed(0, { flags: (wrong ? 0 : 0x80) | WRITE });
      guest.notify();
    },
  },
  {
    name: "split rings although packed ones were agreed on",
    hint: "split-ring-where-packed",
    says: /VIRTIO_F_RING_PACKED was accepted/,
    features: [PACKED],
    drive: (guest, wrong) => {
      guest.start([PACKED]);
      if (wrong) readRandom(guest);
      else {
        guest.packed(0, { flags: 0x80 | WRITE });
        guest.notify();
      }
    },
  },
  {
    name: "the queue is never enabled",
    hint: "queue-not-enabled",
    says: /write 1 to QueueReady/,
    drive: (guest, wrong) => {
      guest.begin();
      guest.negotiate();
      guest.write(0x30, 0);
      guest.write(0x38, 8);
      guest.addresses(RING);
      if (!wrong) guest.write(0x44, 1);
      guest.live();
      readRandom(guest);
    },
  },
  {
    name: "no queue at all",
    hint: "no-queue-enabled",
    says: /no queue was ever enabled/,
    drive: (guest, wrong) => {
      guest.begin();
      guest.negotiate();
      if (!wrong) guest.queue();
      guest.live();
    },
  },
  {
    name: "a queue of size 0",
    hint: "queue-size",
    says: /enabled with a size of 0/,
    drive: (guest, wrong) => {
      guest.begin();
      guest.negotiate();
      guest.queue(wrong ? 0 : 8);
      guest.live();
    },
  },
  {
    name: "a size that is not a power of two",
    hint: "queue-size",
    says: /a size of 6: it has to be a power of two/,
    drive: (guest, wrong) => {
      guest.begin();
      guest.negotiate();
      guest.queue(wrong ? 6 : 4);
      guest.live();
    },
  },
  {
    name: "an area that is nowhere",
    hint: "area-not-in-memory",
    says: /used ring\) of queue 0 is from 0x10 to 0x53, where no memory is/,
    drive: (guest, wrong) => {
      guest.begin();
      guest.negotiate();
      guest.queue(8, wrong ? { ...RING, device: 0x10 } : RING);
      guest.live();
    },
  },
  {
    name: "areas that overlap",
    hint: "areas-overlap",
    says: /descriptor area of queue 0 .* overlap/,
    drive: (guest, wrong) => {
      guest.begin();
      guest.negotiate();
      guest.queue(8, { ...RING, driver: RING.descriptors + (wrong ? 64 : 128) });
      guest.live();
    },
  },
  {
    name: "a head that does not exist",
    hint: "head-out-of-range",
    says: /entry 0 of the available ring of queue 0 names descriptor 300, and the queue has the descriptors 0 to 7/,
    drive: (guest, wrong) => {
      guest.start();
      guest.split(0, { flags: WRITE });
      guest.offer(wrong ? 300 : 0, 0);
      guest.notify();
    },
  },
  {
    name: "a next that does not exist",
    hint: "next-out-of-range",
    says: /next of descriptor 0 of queue 0 is 8/,
    drive: (guest, wrong) => {
      guest.start();
      guest.split(0, { flags: WRITE | NEXT, extra: wrong ? 8 : 7 });
      guest.split(7, { flags: WRITE });
      guest.offer(0, 0);
      guest.notify();
    },
  },
  {
    name: "the available index jumps",
    hint: "available-index-jumps",
    says: /jumped from 0x0 to 0x100, by 256/,
    drive: (guest, wrong) => {
      guest.start();
      guest.split(0, { flags: WRITE });
      guest.offer(0, 0);
      if (wrong) guest.put16(RING.driver + 2, 0x100);
      guest.notify();
    },
  },
  {
    name: "a head that the device still holds",
    hint: "buffer-in-flight",
    says: /descriptor 0 of queue 0 was made available again/,
    drive: (guest, wrong) => {
      guest.start();
      guest.split(0, { flags: WRITE });
      guest.split(1, { flags: WRITE });
      guest.offer(0, 0);
      guest.glance();
      guest.offer(wrong ? 0 : 1, 1);
      guest.notify();
    },
  },
  {
    name: "a packed id that the device still holds",
    hint: "buffer-in-flight",
    says: /buffer id 3 of queue 0/,
    features: [PACKED],
    drive: (guest, wrong) => {
      guest.start([PACKED]);
      guest.packed(0, { flags: 0x80 | WRITE, extra: 3 });
      guest.packed(1, { flags: 0x80 | WRITE, extra: wrong ? 3 : 4 });
      guest.notify();
    },
  },
  {
    name: "a table that is no table",
    hint: "table-length",
    says: /is 20 bytes long: 16 for each/,
    features: [INDIRECT_DESC],
    drive: (guest, wrong) => {
      guest.start([INDIRECT_DESC]);
      guest.split(0, { flags: WRITE }, TABLE);
      guest.split(0, { flags: INDIRECT, address: TABLE, length: wrong ? 20 : 16 });
      guest.offer(0, 0);
      guest.notify();
    },
  },
  {
    name: "a table that is nowhere",
    hint: "table-not-in-memory",
    says: /is at 0x123456789abc0, where no memory is/,
    features: [INDIRECT_DESC],
    drive: (guest, wrong) => {
      guest.start([INDIRECT_DESC]);
      guest.split(0, { flags: WRITE }, TABLE);
      guest.split(0, { flags: INDIRECT, address: wrong ? 0x1_2345_6789_abc0 : TABLE, length: 16 });
      guest.offer(0, 0);
      guest.notify();
    },
  },
];

for (const { name, hint, says, device, features = [], drive } of CASES) {
  test(name, () => {
    for (const traced of [false, true]) {
      for (const wrong of [true, false]) {
        const trace = (event: TraceEvent) => {
          if (traced) guest.machine.checker.trace(event);
        };
        const guest: RawGuest = new RawGuest(
          () => undefined,
          features,
          device === "gpu" ? new GpuDevice() : new RngDevice(),
          { device: { ringFeatures: features, trace } },
        );
        drive(guest, wrong);
        const found = guest.machine.finish();
        if (!wrong) {
          assert.equal(found, [], "the right twin");
          continue;
        }
        // Also with the device's own account of it: one fault, one violation.
        assert.equal(
          found.map(({ id }) => id),
          [`hint.${hint}`],
        );
        assert.match(found[0]?.message ?? "", says);
        assert.is(found[0]?.level, "hint");
        assert.is(found[0]?.clause, null);
        assert.ok((guest.machine.checker.counts.get(`hint.${hint}`) ?? 0) > 0);
      }
    }
  });
}

test("what only the device knows comes with its trace", () => {
  const checker = new DriverChecker({ memory: { read: () => false } });
  const fault = (code: string, value = 5): TraceEvent => ({
    source: "rng",
    kind: "queue-fault",
    detail: { queue: 0, code, head: 2, value },
  });
  checker.trace(fault("head-out-of-range"));
  assert.equal(checker.violations, [], "before there is a device");
  checker.mmio({ read: () => 0, write: () => undefined });
  for (const [code, says] of [
    ["head-out-of-range", /the available ring names descriptor 5/],
    ["next-out-of-range", /next 5/],
    ["queue-size", /its size is 5/],
    ["something-new", /the device says something-new/],
  ] as const) {
    checker.trace(fault(code));
    assert.match(checker.violations.at(-1)?.message ?? "", says);
    assert.is(checker.violations.at(-1)?.id, "hint.queue-stopped");
    assert.is(checker.violations.at(-1)?.queue, 0);
  }
  assert.is(checker.violations.length, 4);
  checker.trace({
    source: "rng",
    kind: "register-ignored",
    detail: { what: "mmio-write-width", value: 112 },
  });
  assert.is(checker.violations.length, 4, "not everything is a mistake");
  assert.is(checker.timeline().at(-1)?.text, "rng: register-ignored, what mmio-write-width, value 0x70");
});

test("an interrupt line on PCI that nobody takes down", () => {
  for (const [polled, reads, expected] of [
    [undefined, false, 1],
    [false, false, 1],
    [true, false, 0],
    [undefined, true, 0],
  ] as const) {
    const memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(1 << 16) }]);
    const checker = new DriverChecker({ memory, ...(polled === undefined ? {} : { polled }) });
    const device = new VirtioDevice(new RngDevice(), { memory });
    const line = checker.line(() => undefined);
    const bus = checker.pci(new PciTransport(device, { onInterrupt: line }));
    let isr = bus.configRead(0x34, 1);
    while (bus.configRead(isr, 1) !== 9 || bus.configRead(isr + 3, 1) !== 3) isr = bus.configRead(isr + 1, 1);
    line(true);
    if (reads) bus.barRead(bus.configRead(isr + 4, 1), bus.configRead(isr + 8, 4), 1);
    checker.finish();
    const hints = checker.violations.filter(({ id }) => id === "hint.interrupt-not-handled");
    assert.is(hints.length, expected, `${polled} ${reads}`);
  }
});

test.run();
