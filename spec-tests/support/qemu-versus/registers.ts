import type { VersusCase } from "./case.ts";
import type { Observer } from "./guest.ts";
import type { Width } from "./subject.ts";

const WIDTHS = [1, 2, 4] as const;

/** The capabilities of a function: what kind, where. */
async function capabilities(guest: Observer): Promise<{ at: number; id: number; type: number }[]> {
  const { subject } = guest;
  const found = [];
  for (let at = await subject.configRead(0x34, 1); at !== 0; at = await subject.configRead(at + 1, 1)) {
    const id = await subject.configRead(at, 1);
    found.push({ at, id, type: id === 9 ? await subject.configRead(at + 3, 1) : 0 });
  }
  return found;
}

/** The register that reads and writes the common configuration. */
async function commonOf(guest: Observer): Promise<{ bar: number; offset: number }> {
  const { subject } = guest;
  const common = (await capabilities(guest)).find(({ id, type }) => id === 9 && type === 1);
  if (common === undefined) throw new Error("no common configuration");
  return {
    bar: await subject.configRead(common.at + 4, 1),
    offset: await subject.configRead(common.at + 8, 4),
  };
}

const hex = (value: number): string => `0x${value.toString(16)}`;

const STRUCTURES = ["", "common", "notify", "isr", "device", "access"];

export const REGISTER_CASES: readonly VersusCase[] = [
  {
    id: "registers/as after a reset",
    transport: "mmio",
    async run(guest) {
      for (let offset = 0; offset < 0x118; offset += 4) {
        for (const width of WIDTHS)
          guest.note(`${hex(offset)} ${width}`, await guest.subject.read(offset, width));
      }
    },
  },
  {
    id: "registers/at odd places",
    transport: "mmio",
    async run(guest) {
      for (const [offset, width] of [
        [1, 1],
        [2, 2],
        [0x71, 1],
        [0x72, 2],
        [0x101, 1],
        [0x103, 1],
        [0x10a, 2],
        [0x10f, 1],
        [0x110, 1],
        [0x1fc, 4],
      ] as const) {
        guest.note(`${hex(offset)} ${width}`, await guest.subject.read(offset, width));
      }
      for (const [offset, width, value] of [
        [0x70, 1, 1],
        [0x70, 2, 1],
        [0x14, 1, 1],
      ] as const) {
        await guest.subject.write(offset, width, value);
        guest.note(
          `status after a write of ${width} bytes at ${hex(offset)}`,
          await guest.subject.read(0x70, 4),
        );
        guest.note("features then", await guest.subject.read(0x10, 4));
      }
    },
  },
  {
    id: "registers/written and read back",
    transport: "mmio",
    async run(guest) {
      const { subject } = guest;
      for (const value of [1, 2, 0xffffffff]) {
        for (let offset = 0; offset < 0x100; offset += 4) {
          // Status, queues and interrupts have cases of their own.
          if ([0x44, 0x50, 0x70].includes(offset)) continue;
          await subject.write(offset, 4, value);
          const back = await subject.read(offset, 4);
          if (back !== 0) guest.note(`${hex(offset)} after ${hex(value)}`, back);
          guest.note(`status after ${hex(offset)}`, await subject.read(0x70, 4));
        }
      }
    },
  },
  {
    id: "registers/status, all values",
    async run(guest) {
      for (let value = 0; value < 0x100; value++) {
        await guest.registers.setStatus(value);
        guest.note(`status ${hex(value)}`, await guest.registers.status());
      }
    },
  },
  {
    id: "registers/status beyond eight bits",
    transport: "mmio",
    async run(guest) {
      for (const value of [0x103, 0xffffff0f, 0x100, 0x10000]) {
        await guest.registers.setStatus(3);
        await guest.registers.setStatus(value);
        guest.note(`status ${hex(value)}`, await guest.registers.status());
      }
    },
  },
  {
    id: "registers/features offered",
    async run(guest) {
      for (const word of [0, 1, 2, 3, 4, 31, 0x80000000, 0xffffffff]) {
        guest.note(`word ${hex(word)}`, await guest.registers.offered(word));
      }
    },
  },
  {
    id: "registers/queue registers, all queues",
    async run(guest) {
      const { registers } = guest;
      for (const queue of [0, 1, 2, 3, 1023, 1024, 0xffff]) {
        await registers.select(queue);
        guest.note(`size of ${queue}`, await registers.size());
        guest.note(`ready of ${queue}`, await registers.ready());
      }
      await registers.select(0);
      await registers.select(1024);
      guest.note("size after selecting what is not there", await registers.size());
    },
  },
  {
    id: "configuration/fields",
    async run(guest) {
      for (let offset = 0; offset < 16; offset++) {
        for (const width of WIDTHS) {
          if (offset % width === 0)
            guest.note(`${offset} ${width}`, await guest.registers.config(offset, width));
        }
      }
      for (const offset of [16, 20, 24, 32, 64]) {
        for (const width of WIDTHS)
          guest.note(`beyond ${offset} ${width}`, await guest.registers.config(offset, width));
      }
    },
  },
  {
    id: "configuration/written",
    async run(guest) {
      for (const width of WIDTHS) {
        for (const offset of [0, 4, 8, 12, 16]) {
          await guest.registers.setConfig(offset, width as Width, 0xff);
          guest.note(`${offset} ${width}`, await guest.registers.config(offset, 4));
        }
      }
    },
  },
  {
    id: "layout/identity",
    transport: "pci",
    async run(guest) {
      const { subject } = guest;
      for (const [name, offset, width] of [
        ["vendor", 0, 2],
        ["device", 2, 2],
        ["revision", 8, 1],
        ["interface", 9, 1],
        ["class", 0xa, 2],
        ["header type", 0xe, 1],
        ["subsystem vendor", 0x2c, 2],
        ["subsystem", 0x2e, 2],
        ["interrupt pin", 0x3d, 1],
        ["status", 6, 2],
      ] as const) {
        guest.note(name, await subject.configRead(offset, width));
      }
    },
  },
  {
    id: "layout/base address registers",
    transport: "pci",
    async run(guest) {
      for (let index = 0; index < 6; index++) {
        const at = 0x10 + 4 * index;
        const before = await guest.subject.configRead(at, 4);
        await guest.subject.configWrite(at, 4, 0xffffffff);
        guest.note(`BAR ${index}`, await guest.subject.configRead(at, 4));
        await guest.subject.configWrite(at, 4, before);
      }
    },
  },
  {
    id: "layout/capabilities",
    transport: "pci",
    async run(guest) {
      const { subject } = guest;
      const list = await capabilities(guest);
      guest.note("order", list.map(({ id, type }) => (id === 9 ? STRUCTURES[type] : hex(id))).join(" "));
      for (const { at, id, type } of list) {
        if (id === 9) {
          const name = STRUCTURES[type] ?? hex(type);
          guest.note(`${name} length of the capability`, await subject.configRead(at + 2, 1));
          guest.note(`${name} BAR`, await subject.configRead(at + 4, 1));
          guest.note(`${name} offset`, await subject.configRead(at + 8, 4));
          guest.note(`${name} length`, await subject.configRead(at + 12, 4));
          if (type === 2) guest.note("multiplier", await subject.configRead(at + 16, 4));
        } else if (id === 0x11) {
          guest.note("MSI-X control", await subject.configRead(at + 2, 2));
          guest.note("MSI-X table", await subject.configRead(at + 4, 4));
          guest.note("MSI-X pending", await subject.configRead(at + 8, 4));
        }
      }
    },
  },
  {
    id: "layout/hard-coded as in QEMU",
    transport: "pci",
    async run(guest) {
      const { subject } = guest;
      const bar = 4;
      for (const [offset, value] of [
        [0x14, 1],
        [0x14, 3],
        [0x14, 11],
      ] as const)
        await subject.barWrite(bar, offset, 1, value);
      guest.note("queues", await subject.barRead(bar, 0x12, 2));
      guest.note("status", await subject.barRead(bar, 0x14, 1));
      guest.note("ISR", await subject.barRead(bar, 0x1000, 1));
      guest.note("scanouts", await subject.barRead(bar, 0x2008, 4));
      await subject.barWrite(bar, 0x3000, 2, 0);
      guest.note("status then", await subject.barRead(bar, 0x14, 1));
    },
  },
  {
    id: "common/as after a reset",
    transport: "pci",
    async run(guest) {
      const { bar, offset } = await commonOf(guest);
      for (let at = 0; at < 0x40; at++) {
        for (const width of WIDTHS) {
          if (at % width === 0)
            guest.note(`${hex(at)} ${width}`, await guest.subject.barRead(bar, offset + at, width));
        }
      }
    },
  },
  {
    id: "common/written and read back",
    transport: "pci",
    async run(guest) {
      const { bar, offset } = await commonOf(guest);
      const { subject } = guest;
      for (const value of [1, 2, 0xffffffff]) {
        for (const [at, width] of [
          [0, 4],
          [4, 4],
          [8, 4],
          [12, 4],
          [16, 2],
          [18, 2],
          [21, 1],
          [22, 2],
          [24, 2],
          [26, 2],
          [30, 2],
          [32, 4],
          [36, 4],
          [40, 4],
          [44, 4],
          [48, 4],
          [52, 4],
          [56, 2],
          [58, 2],
        ] as const) {
          await subject.barWrite(bar, offset + at, width, value);
          guest.note(`${at} after ${hex(value)}`, await subject.barRead(bar, offset + at, width));
        }
        await subject.barWrite(bar, offset + 22, 2, 0);
      }
      guest.note("status", await subject.barRead(bar, offset + 20, 1));
    },
  },
  {
    id: "common/other widths",
    transport: "pci",
    async run(guest) {
      const { bar, offset } = await commonOf(guest);
      const { subject } = guest;
      const write = async (at: number, width: Width, value: number): Promise<void> => {
        await subject.barWrite(bar, offset + at, width, value);
      };
      await write(0x14, 4, 1);
      guest.note("status in 4 bytes", await subject.barRead(bar, offset + 0x14, 4));
      await write(0x14, 2, 3);
      guest.note("status in 2 bytes", await subject.barRead(bar, offset + 0x14, 2));
      await write(0x16, 4, 1);
      guest.note("queue select in 4 bytes", await subject.barRead(bar, offset + 0x16, 2));
      guest.note("size in 4 bytes", await subject.barRead(bar, offset + 0x18, 4));
      await write(0x18, 4, 8);
      guest.note("size then", await subject.barRead(bar, offset + 0x18, 2));
      await write(0, 1, 1);
      guest.note("features of word 1", await subject.barRead(bar, offset + 4, 4));
      guest.note("their first byte", await subject.barRead(bar, offset + 4, 1));
      guest.note("their second byte", await subject.barRead(bar, offset + 5, 1));
    },
  },
];
