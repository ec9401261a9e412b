import {
  PCI_BASE_ADDRESS_0,
  PCI_BASE_ADDRESS_MEM_TYPE_32,
  PCI_BASE_ADDRESS_MEM_TYPE_64,
  PCI_BASE_ADDRESS_MEM_TYPE_MASK,
  PCI_CAP_ID_EXP,
  PCI_CAP_ID_MSIX,
  PCI_CAP_ID_PM,
  PCI_CAP_ID_VNDR,
  PCI_CAP_LIST_NEXT,
  PCI_CAP_MSIX_SIZEOF,
  PCI_CAPABILITY_LIST,
  PCI_CFG_SPACE_SIZE,
  PCI_CLASS_PROG,
  PCI_COMMAND,
  PCI_COMMAND_IO,
  PCI_COMMAND_MASTER,
  PCI_COMMAND_MEMORY,
  PCI_DEVICE_ID,
  PCI_HEADER_TYPE,
  PCI_HEADER_TYPE_MASK,
  PCI_HEADER_TYPE_NORMAL,
  PCI_INTERRUPT_LINE,
  PCI_INTERRUPT_PIN,
  PCI_REVISION_ID,
  PCI_STATUS,
  PCI_STATUS_CAP_LIST,
  PCI_STD_HEADER_SIZEOF,
  PCI_STD_NUM_BARS,
  PCI_SUBSYSTEM_ID,
  PCI_SUBSYSTEM_VENDOR_ID,
  PCI_VENDOR_ID,
  VIRTIO_PCI_CAP,
} from "../../../wire/pci.ts";
import { CaseList } from "../../case.ts";
import { capabilitiesOf, probeBars } from "../../guest/index.ts";
import { PCI } from "./common.ts";

const cases = new CaseList();
const clauses = ["transport-pci.device.virtio-over-pci-bus.1"];

/** Most bytes an I/O BAR may take (PCI Local Bus Specification 3.0, section 6.2.5.1). */
const MAX_IO_BYTES = 256n;
const MIN_MEMORY_BYTES = 16n;
/** Lengths of the capabilities whose length is not in them. */
const FIXED_LENGTHS: Readonly<Record<number, number>> = {
  [PCI_CAP_ID_PM]: 8,
  [PCI_CAP_ID_EXP]: 12,
  [PCI_CAP_ID_MSIX]: PCI_CAP_MSIX_SIZEOF,
};
const ALL_ONES = 0xffffffff;

cases.add({
  id: "transport-pci/function/header",
  title: "The header is of type 0, with a capability list and an interrupt pin that exist",
  clauses,
  needs: PCI,
  async run(t) {
    const { raw } = t.guest.pci;
    const type = await raw.configRead(PCI_HEADER_TYPE, 1);
    t.equal(type & PCI_HEADER_TYPE_MASK, PCI_HEADER_TYPE_NORMAL, "the header type");
    t.ok(
      ((await raw.configRead(PCI_STATUS, 2)) & PCI_STATUS_CAP_LIST) !== 0,
      "Status has the capability list bit",
    );
    t.ok((await raw.configRead(PCI_INTERRUPT_PIN, 1)) <= 4, "the interrupt pin is 0 to 4");
  },
});

cases.add({
  id: "transport-pci/function/read-only-header",
  title: "Identification, class, header type, interrupt pin and the capability pointer cannot be written",
  clauses,
  needs: PCI,
  parameters: [
    { register: "vendor-id" },
    { register: "device-id" },
    { register: "revision-id" },
    { register: "class" },
    { register: "header-type" },
    { register: "subsystem-vendor-id" },
    { register: "subsystem-id" },
    { register: "capability-pointer" },
    { register: "interrupt-pin" },
  ],
  async run(t, { register }) {
    const [offset, widthBytes] = READ_ONLY[register] as (typeof READ_ONLY)[string];
    const { raw } = t.guest.pci;
    const before = await raw.configRead(offset, widthBytes);
    for (const value of [0, ALL_ONES, 0x5a5a5a5a]) {
      await raw.configWrite(offset, widthBytes, value % 2 ** (8 * widthBytes));
      t.equal(await raw.configRead(offset, widthBytes), before, `${register} after a write`);
    }
  },
});

const READ_ONLY: Readonly<Record<string, readonly [offset: number, widthBytes: 1 | 2]>> = {
  "vendor-id": [PCI_VENDOR_ID, 2],
  "device-id": [PCI_DEVICE_ID, 2],
  "revision-id": [PCI_REVISION_ID, 1],
  class: [PCI_CLASS_PROG + 1, 2],
  "header-type": [PCI_HEADER_TYPE, 1],
  "subsystem-vendor-id": [PCI_SUBSYSTEM_VENDOR_ID, 2],
  "subsystem-id": [PCI_SUBSYSTEM_ID, 2],
  "capability-pointer": [PCI_CAPABILITY_LIST, 1],
  "interrupt-pin": [PCI_INTERRUPT_PIN, 1],
};

cases.add({
  id: "transport-pci/function/command",
  title: "Command takes and keeps the decoders the function has and bus mastering, and gives them up again",
  clauses,
  needs: PCI,
  async run(t) {
    const { raw } = t.guest.pci;
    const before = await raw.configRead(PCI_COMMAND, 2);
    const bars = await probeBars(raw);
    let bits = PCI_COMMAND_MASTER;
    if (bars.some(({ kind }) => kind === "io")) bits |= PCI_COMMAND_IO;
    if (bars.some(({ kind }) => kind === "memory")) bits |= PCI_COMMAND_MEMORY;
    try {
      await raw.configWrite(PCI_COMMAND, 2, 0);
      t.equal((await raw.configRead(PCI_COMMAND, 2)) & bits, 0, "Command, cleared");
      await raw.configWrite(PCI_COMMAND, 2, bits);
      t.equal((await raw.configRead(PCI_COMMAND, 2)) & bits, bits, "Command, set");
    } finally {
      await raw.configWrite(PCI_COMMAND, 2, before);
    }
  },
});

cases.add({
  id: "transport-pci/function/interrupt-line",
  title: "The interrupt line register keeps any byte: software stores its routing there",
  clauses,
  needs: PCI,
  async run(t) {
    const { raw } = t.guest.pci;
    const before = await raw.configRead(PCI_INTERRUPT_LINE, 1);
    try {
      for (const value of [0, 0xff, 0x5a]) {
        await raw.configWrite(PCI_INTERRUPT_LINE, 1, value);
        t.equal(await raw.configRead(PCI_INTERRUPT_LINE, 1), value, "the interrupt line");
      }
    } finally {
      await raw.configWrite(PCI_INTERRUPT_LINE, 1, before);
    }
  },
});

cases.add({
  id: "transport-pci/function/bars",
  title:
    "Every BAR has a size that is a power of two, says its kind in bits that cannot be written, and fits its kind",
  clauses,
  needs: PCI,
  async run(t) {
    const { raw } = t.guest.pci;
    const bars = await probeBars(raw);
    t.ok(bars.length > 0, "the function has a BAR");
    for (const { index, kind, is64Bit, register, writable, sizeBytes, kindIsFixed } of bars) {
      t.ok(kindIsFixed, `the bits that say the kind of BAR ${index} cannot be written`);
      const width = is64Bit ? 64n : 32n;
      t.ok(sizeBytes > 0n, `some address bits of BAR ${index} can be written`);
      // All bits from the lowest one that can be written to the highest; I/O has 16 address bits at least.
      const all = (1n << width) - sizeBytes;
      const io16 = (1n << 16n) - sizeBytes;
      t.ok(
        writable === all || (kind === "io" && (writable & 0xffffn) === io16),
        `the address bits of BAR ${index} that can be written are those above its size`,
      );
      if (kind === "io") {
        t.ok(sizeBytes >= 4n && sizeBytes <= MAX_IO_BYTES, `I/O BAR ${index} has 4 to 256 bytes`);
        t.equal(register & 2, 0, `the reserved bit of I/O BAR ${index}`);
        continue;
      }
      t.ok(sizeBytes >= MIN_MEMORY_BYTES, `memory BAR ${index} has 16 bytes or more`);
      const type = register & PCI_BASE_ADDRESS_MEM_TYPE_MASK;
      t.ok(
        type === PCI_BASE_ADDRESS_MEM_TYPE_32 || type === PCI_BASE_ADDRESS_MEM_TYPE_64,
        `memory BAR ${index} is for addresses of 32 or 64 bits`,
      );
      t.ok(!is64Bit || index + 1 < PCI_STD_NUM_BARS, `BAR ${index} has a register for its upper half`);
      const now = await raw.configRead(PCI_BASE_ADDRESS_0 + 4 * index, 4);
      t.equal(now, register, `BAR ${index} after its size was asked for`);
    }
  },
});

cases.add({
  id: "transport-pci/function/capability-list",
  title:
    "The capability list ends, and its capabilities lie aligned behind the header, apart from each other",
  clauses: [...clauses, "transport-pci.device.virtio-structure-pci-capabilities.1"],
  needs: PCI,
  async run(t) {
    const { raw } = t.guest.pci;
    const owner = new Map<number, number>();
    for (const { at, id } of await capabilitiesOf(raw)) {
      const where = `the capability at 0x${at.toString(16)}`;
      const pointed = await raw.configRead(at + PCI_CAP_LIST_NEXT, 1);
      t.equal(pointed & 3, 0, `the reserved bits of the pointer in ${where}`);
      t.ok(at >= PCI_STD_HEADER_SIZEOF && at % 4 === 0, `${where} is aligned and behind the header`);
      const lengthBytes =
        id === PCI_CAP_ID_VNDR
          ? await raw.configRead(at + VIRTIO_PCI_CAP.cap_len, 1)
          : (FIXED_LENGTHS[id] ?? 2);
      t.ok(at + lengthBytes <= PCI_CFG_SPACE_SIZE, `${where} ends within configuration space`);
      for (let byte = at; byte < at + lengthBytes; byte++) {
        const other = owner.get(byte);
        if (other !== undefined) t.fail(`${where} overlaps the one at 0x${other.toString(16)}`);
        owner.set(byte, at);
      }
    }
  },
});

/** What the PCI specification demands of any function. */
export const FUNCTION_CASES = cases.all;
