// What can be imported, what not, and how long imports live.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { GuestMemory } from "../../../../src/memory/index.ts";
import { type RawLayout, RERR, ROK, readImport, rmsg } from "../../../support/render-messages.ts";
import { ARGB, expectRender, RenderRig, XRGB } from "../../../support/render-rig.ts";
import { TestClock } from "../../../support/test-clock.ts";

const imports = suite("render: imports");

const SMALL: RawLayout = { format: XRGB, width: 8, height: 4 };

imports("an object's own layout, and one that the driver gives", () => {
  const rig = new RenderRig();
  const { uuid, object } = rig.export(20, 10, XRGB);
  const own = rig.command(rmsg.importUuid(1, uuid));
  expectRender(own, ROK.IMPORT);
  assert.is(own.written, 64);
  assert.equal(readImport(own), {
    state: 0,
    format: XRGB,
    width: 20,
    height: 10,
    stride: 80,
    offset: 0n,
    size: 800n,
  });
  const given = rig.command(
    rmsg.importUuid(
      2,
      uuid,
      { format: ARGB, width: 3, height: 2, stride: 100, offset: 16 },
      { importFlags: 1 },
    ),
  );
  assert.equal(readImport(given), {
    state: 1,
    format: ARGB,
    width: 3,
    height: 2,
    stride: 100,
    offset: 16n,
    size: 800n,
  });
  assert.equal(rig.command(rmsg.getImport(2)).bytes, given.bytes);
  assert.is(object.users, 2);
  assert.equal(rig.render.imports(), [
    {
      id: 1,
      uuid: object.uuid,
      widthPixels: 20,
      heightPixels: 10,
      format: XRGB,
      strideBytes: 80,
      offsetBytes: 0,
      readOnly: false,
      revoked: false,
    },
    {
      id: 2,
      uuid: object.uuid,
      widthPixels: 3,
      heightPixels: 2,
      format: ARGB,
      strideBytes: 100,
      offsetBytes: 16,
      readOnly: true,
      revoked: false,
    },
  ]);
});

imports("ids that are 0 or in use, flags that are unknown, UUIDs of nobody", () => {
  const rig = new RenderRig();
  const { uuid } = rig.export(8, 4);
  assert.is(rig.type(rmsg.importUuid(0, uuid)), RERR.IMPORT);
  assert.is(rig.type(rmsg.importUuid(0xffffffff, uuid)), ROK.IMPORT);
  assert.is(rig.type(rmsg.importUuid(0xffffffff, uuid)), RERR.IMPORT);
  assert.is(rig.type(rmsg.importPages(0xffffffff, [[0x100000, 4096]], SMALL)), RERR.IMPORT);
  for (const importFlags of [2, 3, 0x80000000]) {
    assert.is(rig.type(rmsg.importUuid(1, uuid, null, { importFlags })), RERR.PARAMETER);
    assert.is(rig.type(rmsg.importPages(1, [[0x100000, 4096]], SMALL, { importFlags })), RERR.PARAMETER);
  }
  assert.is(rig.type(rmsg.importUuid(1, new Uint8Array(16))), RERR.UUID);
  assert.is(rig.type(rmsg.release(1)), RERR.IMPORT);
  assert.is(rig.type(rmsg.getImport(0)), RERR.IMPORT);
});

/** Layouts of an object of 20 × 10 × 4 bytes, and what the device says. */
const LAYOUTS: readonly [string, RawLayout, number][] = [
  ["all of it", { width: 20, height: 10 }, ROK.IMPORT],
  ["one byte too far", { width: 20, height: 10, offset: 1 }, RERR.LAYOUT],
  ["one row too many", { width: 20, height: 11 }, RERR.LAYOUT],
  ["the last pixel", { width: 1, height: 1, offset: 796 }, ROK.IMPORT],
  ["behind the last pixel", { width: 1, height: 1, offset: 800 }, RERR.LAYOUT],
  ["an offset that wraps 64 bits", { width: 1, height: 1, offset: 2n ** 64n - 4n }, RERR.LAYOUT],
  ["an offset above 2^53", { width: 1, height: 1, offset: 2n ** 53n }, RERR.LAYOUT],
  ["an offset alone", { format: 0, width: 0, height: 0, stride: 0, offset: 4 }, RERR.LAYOUT],
  ["no format", { format: 0, width: 4, height: 4 }, RERR.LAYOUT],
  ["an unknown format", { format: 5, width: 4, height: 4 }, RERR.LAYOUT],
  ["a width of 0", { width: 0, height: 4, stride: 80 }, RERR.LAYOUT],
  ["a height of 0", { width: 4, height: 0 }, RERR.LAYOUT],
  ["a stride below the row", { width: 4, height: 2, stride: 15 }, RERR.LAYOUT],
  ["a stride of 0", { width: 4, height: 1, stride: 0 }, RERR.LAYOUT],
  ["a stride that is negative", { width: 4, height: 1, stride: 0x80000000 }, RERR.LAYOUT],
  ["a stride as large as it gets, and one row", { width: 4, height: 1, stride: 0x7fffffff }, ROK.IMPORT],
  ["a stride as large as it gets, and two rows", { width: 4, height: 2, stride: 0x7fffffff }, RERR.LAYOUT],
  ["a width whose bytes wrap 32 bits", { width: 0x40000001, height: 1, stride: 4 }, RERR.LIMIT],
  ["the largest width", { width: 0xffffffff, height: 1, stride: 0x7fffffff }, RERR.LIMIT],
  ["the largest height", { width: 1, height: 0xffffffff, stride: 0x7fffffff }, RERR.LIMIT],
];

for (const [name, layout, type] of LAYOUTS) {
  imports(`a layout: ${name}`, () => {
    const rig = new RenderRig();
    const { uuid, object } = rig.export(20, 10);
    assert.is(rig.type(rmsg.importUuid(1, uuid, layout)), type);
    assert.is(object.users, type === ROK.IMPORT ? 1 : 0);
    const memory = rig.allocate(800, 4096);
    assert.is(rig.type(rmsg.importPages(2, [[memory, 800]], layout)), type);
    assert.is(rig.render.imports().length, type === ROK.IMPORT ? 2 : 0);
  });
}

imports("an object without a layout needs one, pages always", () => {
  const rig = new RenderRig();
  const { uuid } = rig.export(20, 10, ARGB, false);
  assert.is(rig.type(rmsg.importUuid(1, uuid)), RERR.LAYOUT);
  assert.is(rig.type(rmsg.importUuid(1, uuid, SMALL)), ROK.IMPORT);
  const zeros = { format: 0, width: 0, height: 0, stride: 0 };
  assert.is(rig.type(rmsg.importPages(2, [[0x100000, 4096]], zeros)), RERR.LAYOUT);
});

imports("limits of width, bytes and number", () => {
  const rig = new RenderRig({ limits: { maxDimension: 16, maxImportBytes: 1024, maxImports: 2 } });
  const { uuid } = rig.export(20, 20);
  assert.is(rig.type(rmsg.importUuid(1, uuid)), RERR.LIMIT);
  assert.is(rig.type(rmsg.importUuid(1, uuid, { width: 16, height: 17, stride: 64 })), RERR.LIMIT);
  // 13 · 80 + 4 · 16 is too much, 12 rows fit.
  assert.is(rig.type(rmsg.importUuid(1, uuid, { width: 16, height: 14, stride: 80 })), RERR.LIMIT);
  assert.is(rig.type(rmsg.importUuid(1, uuid, { width: 16, height: 13, stride: 80 })), ROK.IMPORT);
  assert.is(rig.type(rmsg.importUuid(2, uuid, SMALL)), ROK.IMPORT);
  assert.is(rig.type(rmsg.importUuid(3, uuid, SMALL)), RERR.LIMIT);
  expectRender(rig.command(rmsg.release(1)));
  assert.is(rig.type(rmsg.importUuid(3, uuid, SMALL)), ROK.IMPORT);
});

imports("the configuration space tells the limits", () => {
  const rig = new RenderRig({
    limits: {
      maxImports: 3,
      maxContexts: 4,
      maxCommands: 5,
      maxDimension: 6,
      maxEntries: 7,
      maxImportBytes: 2 ** 33,
    },
  });
  const read = (offset: number) => rig.device.readConfig(offset, 4);
  assert.equal(
    Array.from({ length: 11 }, (_, i) => read(4 * i)),
    [0, 0, 3, 4, 5, 6, 7, 0, 0, 2, 0],
  );
  rig.device.writeConfig(8, 4, 0xffffffff);
  assert.is(read(8), 3);
});

imports("features: a device without a registry, without pages, and a driver that wants neither", () => {
  const { uuid } = new RenderRig().export(8, 4);
  const entries = [[0x100000, 4096]] as const;
  const noPages = new RenderRig({ importPages: false });
  assert.equal(noPages.render.features, [0]);
  assert.is(noPages.type(rmsg.importPages(1, entries, SMALL)), RERR.FEATURE);
  const neither = new RenderRig({}, { features: [] });
  assert.equal(neither.render.features, [0, 1]);
  assert.is(neither.type(rmsg.importUuid(1, uuid)), RERR.FEATURE);
  assert.is(neither.type(rmsg.importPages(1, entries, SMALL)), RERR.FEATURE);
});

imports("lists of pages that are broken", () => {
  const rig = new RenderRig({ limits: { maxEntries: 4, maxEntriesTotal: 6 } });
  const page = rig.allocate(4096, 4096);
  const top = 32 << 20;
  const cases: [string, number, readonly (readonly [bigint | number, number])[], number?][] = [
    ["none", RERR.PAGES, []],
    ["none, though there is one", RERR.PAGES, [[page, 4096]], 0],
    ["fewer than announced", RERR.PAGES, [[page, 4096]], 2],
    ["far fewer than announced", RERR.LIMIT, [[page, 4096]], 0xffffffff],
    ["too many", RERR.LIMIT, Array(5).fill([page, 4096])],
    ["an empty one", RERR.PAGES, [[page, 4096], [page, 0]]], // biome-ignore format: one case a line
    ["outside of memory", RERR.PAGES, [[top, 4096]]],
    ["crossing the end of memory", RERR.PAGES, [[top - 2048, 4096]]],
    ["wrapping 64 bits", RERR.PAGES, [[2n ** 64n - 16n, 4096]]],
    ["as long as it gets", RERR.PAGES, [[page, 0xffffffff]]],
    ["fewer bytes than the picture", RERR.LAYOUT, [[page, 127]]],
    ["just enough, in crumbs", ROK.IMPORT, [[page, 1], [page + 9, 126], [page + 4, 1]]], // biome-ignore format: one case a line
  ];
  for (const [name, type, entries, count] of cases) {
    const answer = rig.command(rmsg.importPages(7, entries, SMALL, count === undefined ? {} : { count }));
    assert.is(answer.type, type, name);
    if (type === ROK.IMPORT) assert.equal(readImport(answer).state, 4);
  }
  assert.is(rig.type(rmsg.importPages(8, Array(4).fill([page, 4096]), SMALL)), RERR.LIMIT, "all together");
  expectRender(rig.command(rmsg.release(7)));
  assert.is(rig.type(rmsg.importPages(8, Array(4).fill([page, 4096]), SMALL)), ROK.IMPORT);
});

imports("memory that devices must not write can be read from only", () => {
  const rom = new ArrayBuffer(8192);
  new Uint32Array(rom).fill(0xff345678);
  const memory = new GuestMemory([
    { base: 0, memory: new ArrayBuffer(32 << 20) },
    { base: 0x8000_0000, memory: rom, kind: "read-only" },
  ]);
  const rig = new RenderRig({}, { memory });
  assert.is(rig.type(rmsg.importPages(1, [[0x8000_0000, 4096]], SMALL)), RERR.PAGES);
  const answer = rig.command(rmsg.importPages(1, [[0x8000_0000, 4096]], SMALL, { importFlags: 1 }));
  assert.is(readImport(answer).state, 1 | 4);
  const target = rig.picture(2, 8, 4);
  assert.is(rig.type(rmsg.fill(1, 0, [0, 0, 8, 4])), RERR.READ_ONLY);
  assert.is(rig.type(rmsg.blit(1, 2, 0, 0, [0, 0, 8, 4])), RERR.READ_ONLY);
  expectRender(rig.command(rmsg.blit(2, 1, 0, 0, [0, 0, 8, 4])));
  assert.ok(target.pixels.every((pixel) => pixel === 0xff345678));
});

imports("behind a translator the entries are device addresses (VIRTIO_F_ACCESS_PLATFORM)", () => {
  const OFFSET = 0x4000_0000;
  const rig = new RenderRig(
    {},
    {
      features: [0, 1, 33],
      device: {
        translator: {
          // Physical memory as it is; above, a window of pages in which every second one is missing.
          translate: (hi, lo, lengthBytes, _write, result) => {
            const isWindow = lo >= OFFSET;
            if (hi !== 0 || (isWindow && ((lo >>> 12) & 1) !== 0)) return 0;
            result.hi = 0;
            result.lo = isWindow ? lo - OFFSET : lo;
            return isWindow ? Math.min(lengthBytes, 4096 - (lo & 4095)) : lengthBytes;
          },
        },
      },
    },
  );
  const page = rig.allocate(8192, 8192);
  assert.is(rig.type(rmsg.importPages(1, [[OFFSET + page + 4096, 4096]], SMALL)), RERR.PAGES);
  assert.is(rig.type(rmsg.importPages(1, [[OFFSET + page, 4097]], SMALL)), RERR.PAGES);
  assert.is(rig.type(rmsg.importPages(1, [[2n ** 32n + BigInt(page), 4096]], SMALL)), RERR.PAGES);
  expectRender(rig.command(rmsg.importPages(1, [[OFFSET + page, 4096]], SMALL)), ROK.IMPORT);
  expectRender(rig.command(rmsg.fill(1, 0xff314159, [0, 0, 8, 4])));
  assert.equal([...rig.memory.read(page, 4)], [0x59, 0x41, 0x31, 0xff]);
});

imports("drawing into or from imports that are not there", () => {
  const rig = new RenderRig();
  rig.picture(1, 8, 4);
  assert.is(rig.type(rmsg.fill(0, 0, [0, 0, 1, 1])), RERR.IMPORT);
  assert.is(rig.type(rmsg.blit(1, 2, 0, 0, [0, 0, 1, 1])), RERR.IMPORT);
  assert.is(rig.type(rmsg.blit(2, 1, 0, 0, [0, 0, 1, 1])), RERR.IMPORT);
  assert.is(rig.type(rmsg.gradient(2, [0, 0, 1, 1], [0, 0, 1, 1], [0, 0])), RERR.IMPORT);
  assert.is(rig.type(rmsg.triangle(2, 0, [0, 0, 1, 1], [0, 0, 0])), RERR.IMPORT);
});

imports("an object lives until the renderer lets go, though its exporter has", () => {
  const rig = new RenderRig();
  const { uuid, content, object } = rig.export(8, 4);
  expectRender(rig.command(rmsg.importUuid(1, uuid)), ROK.IMPORT);
  object.unexport();
  assert.is(rig.registry.size, 1);
  expectRender(rig.command(rmsg.fill(1, 0xff010203, [0, 0, 1, 1])));
  assert.is(content.pixels[0], 0xff010203);
  expectRender(rig.command(rmsg.release(1)));
  assert.is(rig.registry.size, 0);
  assert.is(rig.type(rmsg.importUuid(1, uuid)), RERR.UUID);
});

imports("commands that were taken before a release still have the import; its id is free", () => {
  const clock = new TestClock();
  const rig = new RenderRig({ timing: { clock, slicePixels: 8 }, limits: { maxImports: 2 } });
  const first = rig.export(8, 4);
  const second = rig.export(8, 4);
  expectRender(rig.command(rmsg.importUuid(1, first.uuid)), ROK.IMPORT);
  const fill = rig.begin(rmsg.fill(1, 0xff000001, [0, 0, 8, 4], { fence: 1 }));
  clock.step();
  expectRender(rig.command(rmsg.release(1)));
  first.object.unexport();
  assert.is(rig.registry.get(first.uuid), first.object);
  assert.is(rig.type(rmsg.fill(1, 0, [0, 0, 1, 1])), RERR.IMPORT);
  expectRender(rig.command(rmsg.importUuid(1, second.uuid)), ROK.IMPORT);
  // What is still in use counts as an import.
  assert.is(rig.type(rmsg.importUuid(2, second.uuid)), RERR.LIMIT);
  clock.runAll();
  expectRender(rig.answer(fill));
  assert.ok(first.content.pixels.every((pixel) => pixel === 0xff000001));
  assert.ok(second.content.pixels.every((pixel) => pixel === 0));
  assert.is(rig.registry.get(first.uuid), null);
  assert.is(rig.type(rmsg.importUuid(2, second.uuid)), ROK.IMPORT);
});

imports("an object that is taken away: an event, and a specified error from then on", () => {
  const rig = new RenderRig();
  const { uuid, object } = rig.export(8, 4);
  expectRender(rig.command(rmsg.importUuid(1, uuid)), ROK.IMPORT);
  rig.picture(2, 8, 4);
  assert.is(rig.device.readConfig(0, 4), 0);
  object.revoke();
  assert.is(rig.configInterrupts, 1);
  assert.is(rig.device.readConfig(0, 4), 1);
  assert.is(rig.device.readConfig(4, 4), 0);
  const state = readImport(rig.command(rmsg.getImport(1)));
  assert.is(state.state, 2);
  assert.is(state.size, 0n);
  assert.is(rig.type(rmsg.fill(1, 0, [0, 0, 1, 1])), RERR.REVOKED);
  assert.is(rig.type(rmsg.blit(2, 1, 0, 0, [0, 0, 1, 1])), RERR.REVOKED);
  assert.is(rig.type(rmsg.blit(1, 2, 0, 0, [0, 0, 1, 1])), RERR.REVOKED);
  assert.is(rig.type(rmsg.gradient(1, [0, 0, 1, 1], [0, 0, 1, 1], [0, 0])), RERR.REVOKED);
  assert.is(rig.type(rmsg.triangle(1, 0, [0, 0, 1, 1], [0, 0, 0])), RERR.REVOKED);
  assert.is(rig.type(rmsg.importUuid(3, uuid)), RERR.UUID);
  rig.device.writeConfig(4, 4, 2);
  assert.is(rig.device.readConfig(0, 4), 1);
  rig.device.writeConfig(4, 1, 1);
  assert.is(rig.device.readConfig(0, 4), 0);
  expectRender(rig.command(rmsg.release(1)));
  assert.is(rig.type(rmsg.getImport(1)), RERR.IMPORT);
  assert.is(rig.render.counters.revocations, 1);
});

imports(
  "an object that is taken away while it is drawn into: nothing more is drawn, its fence says so",
  () => {
    const clock = new TestClock();
    const rig = new RenderRig({ timing: { clock, slicePixels: 8 } });
    const { uuid, content, object } = rig.export(8, 4);
    expectRender(rig.command(rmsg.importUuid(1, uuid)), ROK.IMPORT);
    const fill = rig.begin(rmsg.fill(1, 0xff000001, [0, 0, 8, 4], { fence: 7 }));
    clock.step();
    object.revoke();
    clock.runAll();
    const answer = rig.answer(fill);
    assert.is(answer.type, RERR.REVOKED);
    assert.is(answer.fence, 7n);
    assert.is(answer.written, 24);
    assert.is(content.pixels.filter((pixel) => pixel !== 0).length, 8);
  },
);

imports("released before it was taken away: no event for an import that the driver has forgotten", () => {
  const clock = new TestClock();
  const rig = new RenderRig({ timing: { clock, slicePixels: 8 } });
  const { uuid, object } = rig.export(8, 4);
  expectRender(rig.command(rmsg.importUuid(1, uuid)), ROK.IMPORT);
  const fill = rig.begin(rmsg.fill(1, 1, [0, 0, 8, 4], { fence: 1 }));
  expectRender(rig.command(rmsg.release(1)));
  object.revoke();
  assert.is(rig.configInterrupts, 0);
  clock.runAll();
  assert.is(rig.answer(fill).type, RERR.REVOKED);
});

imports("bytes that are nowhere: the command ends there, and works again when they are back", () => {
  const rig = new RenderRig();
  const target = rig.picture(1, 8, 4);
  const source = rig.picture(2, 8, 4);
  target.missing = true;
  assert.is(rig.type(rmsg.fill(1, 1, [0, 0, 8, 4])), ROK.PLAIN);
  assert.is(rig.type(rmsg.fill(1, 1, [0, 0, 8, 4], { fence: 1 })), RERR.UNBACKED);
  target.missing = false;
  source.missing = true;
  assert.is(rig.type(rmsg.blit(1, 2, 0, 0, [0, 0, 8, 4], { fence: 2 })), RERR.UNBACKED);
  source.missing = false;
  assert.is(rig.type(rmsg.blit(1, 2, 0, 0, [0, 0, 8, 4], { fence: 3 })), ROK.PLAIN);
});

imports("guest memory that is unplugged while it is imported", () => {
  const memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(32 << 20) }]);
  const unplugged = new ArrayBuffer(1 << 20);
  const stick = memory.addRegion({ base: 0x4000_0000, memory: unplugged });
  const rig = new RenderRig({}, { memory });
  const page = rig.allocate(4096, 4096);
  const layout = { width: 8, height: 4, stride: 32, offset: 4032 };
  expectRender(rig.command(rmsg.importPages(1, [[page, 4096], [0x4000_0000, 4096]], layout)), ROK.IMPORT); // biome-ignore format: one list
  assert.is(rig.type(rmsg.fill(1, 0xff112233, [0, 0, 8, 4], { fence: 1 })), ROK.PLAIN);
  memory.removeRegion(stick);
  assert.is(rig.type(rmsg.fill(1, 0xff445566, [0, 0, 8, 2], { fence: 2 })), ROK.PLAIN);
  assert.is(rig.type(rmsg.fill(1, 0xff778899, [0, 0, 8, 4], { fence: 3 })), RERR.UNBACKED);
  // The two rows in front are drawn, the memory that is gone is left alone.
  assert.is(new DataView(memory.read(page + 4092, 4).buffer).getUint32(0, true), 0xff778899);
  assert.is(new DataView(unplugged).getUint32(0, true), 0xff112233);
});

imports.run();
