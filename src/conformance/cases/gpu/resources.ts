import { VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM } from "../../../wire/gpu.ts";
import { type CaseDefinition, CaseList } from "../../case.ts";
import {
  attachBacking,
  create2d,
  detachBacking,
  flush,
  setScanout,
  transferToHost2d,
  unref,
} from "../../models/gpu-commands.ts";
import { CLAUSE, GPU, PIXELS } from "./common.ts";
import { encode, FORMATS, type FormatName, gradient, plain, shows } from "./pictures.ts";
import { area, GpuSession } from "./session.ts";

const cases = new CaseList();
const FORMAT = VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM;
const NO_FORMATS = [0, 5, 66, 69, 120, 122, 133, 135, 0xffffffff];

cases.add({
  id: "gpu/create-2d/formats",
  title: "RESOURCE_CREATE_2D takes each of the eight formats",
  clauses: [CLAUSE.response],
  needs: GPU,
  parameters: Object.keys(FORMATS).map((format) => ({ format })),
  async run(t, { format }) {
    const gpu = await GpuSession.start(t);
    await gpu.create(1, 64, 64, FORMATS[format as FormatName]);
  },
});

cases.add({
  id: "gpu/create-2d/no-format",
  title: "RESOURCE_CREATE_2D with a number that is none of enum virtio_gpu_formats is refused",
  clauses: [CLAUSE.response],
  needs: GPU,
  parameters: NO_FORMATS.map((format) => ({ format })),
  async run(t, { format }) {
    const gpu = await GpuSession.start(t);
    await gpu.refuse(create2d({ resourceId: 1, format, width: 64, height: 64 }), `format ${format}`);
    // Nothing was left behind under the id.
    await gpu.create(1, 64, 64);
  },
});

cases.add({
  id: "gpu/create-2d/id-0",
  title: "RESOURCE_CREATE_2D of resource 0, which SET_SCANOUT takes for none, is refused",
  clauses: [CLAUSE.response],
  needs: GPU,
  async run(t) {
    const gpu = await GpuSession.start(t);
    await gpu.refuse(create2d({ resourceId: 0, format: FORMAT, width: 64, height: 64 }), "resource id 0");
    await gpu.create(1, 64, 64);
  },
});

cases.add({
  id: "gpu/create-2d/id-in-use",
  title: "RESOURCE_CREATE_2D of an id that is in use is refused, and the resource stays as it was",
  clauses: [CLAUSE.response],
  needs: GPU,
  async run(t) {
    const gpu = await GpuSession.start(t);
    await gpu.resource(7, 64, 64);
    await gpu.refuse(create2d({ resourceId: 7, format: FORMAT, width: 16, height: 16 }), "an id in use");
    await gpu.ok(transferToHost2d(7, area(64, 64), 0), "TRANSFER_TO_HOST_2D of all of it");
  },
});

cases.add({
  id: "gpu/create-2d/any-id",
  title: "Resource ids are the guest's: any number but 0 can be one",
  clauses: [CLAUSE.response],
  needs: GPU,
  parameters: [{ id: 1 }, { id: 0x7fffffff }, { id: 0x80000000 }, { id: 0xffffffff }],
  async run(t, { id }) {
    const gpu = await GpuSession.start(t);
    await gpu.resource(id, 16, 16);
    await gpu.ok(unref(id), "RESOURCE_UNREF");
  },
});

cases.add({
  id: "gpu/create-2d/too-large",
  title: "A resource whose size wraps 32 bits is refused, or else holds what its size says",
  clauses: [CLAUSE.response],
  needs: GPU,
  parameters: [
    { width: 0x10000, height: 0x4000 },
    { width: 0x8000, height: 0x8001 },
    { width: 0x40000001, height: 1 },
    { width: 0xffffffff, height: 0xffffffff },
    { width: 1, height: 0xffffffff },
  ],
  async run(t, { width, height }) {
    const gpu = await GpuSession.start(t);
    const accepted = await gpu.either(create2d({ resourceId: 1, format: FORMAT, width, height }));
    if (accepted) await gpu.ok(unref(1), "RESOURCE_UNREF");
    else await gpu.create(1, 64, 64);
  },
});

cases.add({
  id: "gpu/create-2d/empty",
  title: "A resource of no pixels is accepted or refused, and nothing else suffers",
  clauses: [CLAUSE.response],
  needs: GPU,
  parameters: [
    { width: 0, height: 64 },
    { width: 64, height: 0 },
    { width: 0, height: 0 },
  ],
  async run(t, { width, height }) {
    const gpu = await GpuSession.start(t);
    await gpu.either(create2d({ resourceId: 1, format: FORMAT, width, height }));
    await gpu.create(2, 64, 64);
  },
});

cases.add({
  id: "gpu/create-2d/many",
  title: "Many resources live side by side, and go one by one",
  clauses: [CLAUSE.response],
  needs: GPU,
  async run(t) {
    const gpu = await GpuSession.start(t);
    for (let id = 1; id <= 64; id++) await gpu.create(id, 16, 16);
    for (let id = 1; id <= 64; id += 2) await gpu.ok(unref(id), `RESOURCE_UNREF ${id}`);
    for (let id = 2; id <= 64; id += 2) await gpu.ok(flush(id, area(16, 16)), `RESOURCE_FLUSH ${id}`);
    await gpu.refuse(flush(1, area(16, 16)), "RESOURCE_FLUSH of one that went");
  },
});

/** Commands that name a resource, with an id that nothing has. */
const OF_NO_RESOURCE: Readonly<Record<string, (id: number) => Uint8Array>> = {
  unref: (id) => unref(id),
  flush: (id) => flush(id, area(16, 16)),
  "transfer-to-host-2d": (id) => transferToHost2d(id, area(16, 16), 0),
  "attach-backing": (id) => attachBacking(id, [{ address: 0x200000, lengthBytes: 4096 }]),
  "detach-backing": (id) => detachBacking(id),
};

cases.add({
  id: "gpu/resource/unknown-id",
  title: "Commands for a resource that does not exist, or no longer, are refused",
  clauses: [CLAUSE.response],
  needs: GPU,
  parameters: Object.keys(OF_NO_RESOURCE).flatMap((command) =>
    ["never", "gone", "zero"].map((id) => ({ command, id })),
  ),
  async run(t, { command, id }) {
    const gpu = await GpuSession.start(t);
    await gpu.resource(1);
    await gpu.resource(2);
    await gpu.ok(unref(2), "RESOURCE_UNREF");
    const which = id === "never" ? 3 : id === "gone" ? 2 : 0;
    await gpu.refuse((OF_NO_RESOURCE[command] as (id: number) => Uint8Array)(which), `${command} ${which}`);
    await gpu.ok(transferToHost2d(1, area(64, 64), 0), "TRANSFER_TO_HOST_2D of one that exists");
  },
});

cases.add({
  id: "gpu/unref/with-backing",
  title: "RESOURCE_UNREF takes a resource with backing, and its id is free for another",
  clauses: [CLAUSE.response, CLAUSE.finished],
  needs: GPU,
  async run(t) {
    const gpu = await GpuSession.start(t);
    await gpu.resource(1);
    await gpu.ok(unref(1, gpu.fence()), "RESOURCE_UNREF");
    await gpu.resource(1, 32, 32);
    await gpu.refuse(transferToHost2d(1, area(64, 64), 0), "a rectangle of the old size");
  },
});

cases.add({
  id: "gpu/unref/while-shown",
  title: "A resource that is scanned out can go; its scanout takes another",
  clauses: [CLAUSE.response],
  needs: GPU,
  async run(t) {
    const gpu = await GpuSession.start(t);
    await gpu.resource(1);
    await gpu.show(0, 1, 64, 64);
    await gpu.ok(unref(1), "RESOURCE_UNREF");
    await gpu.refuse(flush(1, area(64, 64)), "RESOURCE_FLUSH of the old one");
    await gpu.resource(2);
    await gpu.show(0, 2, 64, 64);
  },
});

cases.add({
  id: "gpu/unref/new-pixels",
  title: "A resource under an id that was used before shows nothing of the old one",
  clauses: [CLAUSE.finished],
  needs: PIXELS,
  async run(t) {
    const gpu = await GpuSession.start(t);
    gpu.fill(await gpu.resource(1), encode(gradient(), 64, 64));
    await gpu.ok(transferToHost2d(1, area(64, 64), 0, gpu.fence()), "TRANSFER_TO_HOST_2D");
    await gpu.ok(unref(1, gpu.fence()), "RESOURCE_UNREF");
    await gpu.resource(1);
    await gpu.show(0, 1, 64, 64);
    await gpu.ok(flush(1, area(64, 64), gpu.fence()), "RESOURCE_FLUSH");
    await shows(gpu, 0, 64, 64, plain(0, 0, 0));
  },
});

cases.add({
  id: "gpu/attach-backing/pieces",
  title: "RESOURCE_ATTACH_BACKING takes a scatter list of any number of pieces",
  clauses: [CLAUSE.response],
  needs: GPU,
  parameters: [{ pieces: 1 }, { pieces: 2 }, { pieces: 16 }, { pieces: 256 }],
  async run(t, { pieces }) {
    const gpu = await GpuSession.start(t);
    await gpu.create(1, 64, 64);
    await gpu.attach(1, 64 * 64 * 4, pieces);
    await gpu.ok(transferToHost2d(1, area(64, 64), 0), "TRANSFER_TO_HOST_2D");
  },
});

cases.add({
  id: "gpu/attach-backing/twice",
  title:
    "A second RESOURCE_ATTACH_BACKING is refused or replaces the first; the resource has backing either way",
  clauses: [CLAUSE.response],
  needs: GPU,
  async run(t) {
    const gpu = await GpuSession.start(t);
    const entries = await gpu.resource(1);
    await gpu.either(attachBacking(1, entries));
    await gpu.ok(transferToHost2d(1, area(64, 64), 0), "TRANSFER_TO_HOST_2D");
    await gpu.ok(detachBacking(1), "RESOURCE_DETACH_BACKING");
  },
});

cases.add({
  id: "gpu/attach-backing/missing-entries",
  title: "RESOURCE_ATTACH_BACKING with fewer entries than nr_entries says is refused",
  clauses: [CLAUSE.response],
  needs: GPU,
  parameters: [{ count: 2 }, { count: 257 }, { count: 16384 }, { count: 0x10000001 }, { count: 0xffffffff }],
  async run(t, { count }) {
    const gpu = await GpuSession.start(t);
    await gpu.create(1, 16, 16);
    const address = t.guest.arena.allocate(1024, 64);
    await gpu.refuse(
      attachBacking(1, [{ address, lengthBytes: 1024 }], {}, count),
      `nr_entries ${count} with one entry`,
    );
    // It has none now, so it can be given some.
    await gpu.attach(1, 1024);
  },
});

cases.add({
  id: "gpu/attach-backing/odd-entries",
  title: "Entries that are empty, or lie where no memory is, are accepted or refused, and read nothing else",
  clauses: [CLAUSE.response],
  needs: GPU,
  parameters: [{ entry: "none" }, { entry: "empty" }, { entry: "outside" }, { entry: "wraps" }],
  async run(t, { entry }) {
    const gpu = await GpuSession.start(t);
    await gpu.create(1, 16, 16);
    const odd = {
      none: [],
      empty: [{ address: 0x200000, lengthBytes: 0 }],
      outside: [{ address: 0x7fff_0000_0000_0000n, lengthBytes: 1024 }],
      wraps: [{ address: 0xffff_ffff_ffff_fff0n, lengthBytes: 1024 }],
    }[entry as "none" | "empty" | "outside" | "wraps"];
    await gpu.either(attachBacking(1, odd));
    await gpu.either(transferToHost2d(1, area(16, 16), 0));
    await gpu.resource(2);
    await gpu.ok(transferToHost2d(2, area(64, 64), 0), "TRANSFER_TO_HOST_2D of another resource");
  },
});

cases.add({
  id: "gpu/detach-backing/detached",
  title: "Behind RESOURCE_DETACH_BACKING nothing is read from the old pages, and new ones can be attached",
  clauses: [CLAUSE.response, CLAUSE.finished],
  needs: GPU,
  async run(t) {
    const gpu = await GpuSession.start(t);
    await gpu.resource(1);
    await gpu.ok(detachBacking(1, gpu.fence()), "RESOURCE_DETACH_BACKING");
    await gpu.refuse(transferToHost2d(1, area(64, 64), 0), "TRANSFER_TO_HOST_2D without backing");
    await gpu.attach(1, 64 * 64 * 4);
    await gpu.ok(transferToHost2d(1, area(64, 64), 0), "TRANSFER_TO_HOST_2D with new backing");
  },
});

cases.add({
  id: "gpu/detach-backing/none",
  title:
    "RESOURCE_DETACH_BACKING of a resource that has none is accepted or refused, and it can be given some",
  clauses: [CLAUSE.response],
  needs: GPU,
  async run(t) {
    const gpu = await GpuSession.start(t);
    await gpu.create(1, 16, 16);
    await gpu.either(detachBacking(1));
    await gpu.attach(1, 1024);
  },
});

cases.add({
  id: "gpu/detach-backing/pixels-stay",
  title: "The host's resource keeps its pixels when the backing goes",
  clauses: [CLAUSE.finished],
  needs: PIXELS,
  async run(t) {
    const gpu = await GpuSession.start(t);
    const entries = await gpu.resource(1);
    gpu.fill(entries, encode(gradient(), 64, 64));
    await gpu.show(0, 1, 64, 64);
    await gpu.ok(transferToHost2d(1, area(64, 64), 0, gpu.fence()), "TRANSFER_TO_HOST_2D");
    await gpu.ok(detachBacking(1, gpu.fence()), "RESOURCE_DETACH_BACKING");
    gpu.fill(entries, encode(plain(1, 2, 3), 64, 64));
    await gpu.ok(flush(1, area(64, 64), gpu.fence()), "RESOURCE_FLUSH");
    await shows(gpu, 0, 64, 64, gradient());
  },
});

cases.add({
  id: "gpu/resource/gone-with-reset",
  title: "Behind a device reset all resource ids are free and all scanouts take new resources",
  clauses: [CLAUSE.response],
  needs: GPU,
  async run(t) {
    const gpu = await GpuSession.start(t);
    await gpu.resource(1);
    await gpu.show(0, 1, 64, 64);
    await t.guest.reset();
    await t.guest.start();
    await gpu.refuse(setScanout(0, 1, area(64, 64)), "SET_SCANOUT of a resource of before the reset");
    await gpu.resource(1);
    await gpu.show(0, 1, 64, 64);
  },
});

/** Together much more than a device can have at a time. */
const LARGE_ROUNDS = 40;
const LARGE_SIDE = 2048;

cases.add({
  id: "gpu/unref/frees-memory",
  title: "What a resource took is free again when it is destroyed: large ones come and go without end",
  clauses: [CLAUSE.response],
  needs: GPU,
  async run(t) {
    const gpu = await GpuSession.start(t);
    const large = { resourceId: 1, format: FORMAT, width: LARGE_SIDE, height: LARGE_SIDE };
    if (!(await gpu.either(create2d(large)))) {
      t.rejected = false;
      return t.skip("the device has no room for 16 MiB");
    }
    for (let round = 1; round < LARGE_ROUNDS; round++) {
      await gpu.ok(unref(1), "RESOURCE_UNREF");
      await gpu.ok(create2d(large), `RESOURCE_CREATE_2D, round ${round}`);
    }
  },
});

cases.add({
  id: "gpu/unref/frees-backing",
  title: "Backing is let go when its resource is destroyed: long scatter lists come and go without end",
  clauses: [CLAUSE.response],
  needs: GPU,
  async run(t) {
    const gpu = await GpuSession.start(t);
    const address = t.guest.arena.allocate(64);
    const entries = Array.from({ length: 4096 }, () => ({ address, lengthBytes: 4 }));
    for (let round = 0; round < LARGE_ROUNDS; round++) {
      await gpu.create(1, 64, 64);
      await gpu.ok(attachBacking(1, entries), `RESOURCE_ATTACH_BACKING, round ${round}`);
      if (round % 2 === 0) await gpu.ok(detachBacking(1), "RESOURCE_DETACH_BACKING");
      await gpu.ok(unref(1), "RESOURCE_UNREF");
    }
  },
});

cases.add({
  id: "gpu/attach-backing/own-ring",
  title: "Backing that lies over the queue's own rings is read as it stands there, and the queue goes on",
  clauses: [CLAUSE.response],
  needs: { devices: ["gpu"] },
  async run(t) {
    const gpu = await GpuSession.start(t);
    await gpu.create(1, 16, 16);
    const { descriptors, device } = t.guest.ring(0).addresses;
    const entries = [descriptors, device].map((address) => ({ address, lengthBytes: 512 }));
    await gpu.either(attachBacking(1, entries));
    await gpu.either(transferToHost2d(1, area(16, 16), 0));
    await t.serves();
  },
});

/** Resources and their backing. */
export const RESOURCE_CASES: readonly CaseDefinition[] = cases.all;
