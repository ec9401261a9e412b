import { VIRTIO_GPU_F_VIRGL } from "../../../wire/gpu.ts";
import { type CaseDefinition, CaseList } from "../../case.ts";
import { flush, type GpuRect, setScanout, transferToHost2d } from "../../models/gpu-commands.ts";
import { CLAUSE, GPU } from "./common.ts";
import { scanoutCount } from "./displays.ts";
import { area, GpuSession } from "./session.ts";

const cases = new CaseList();

/** Of a 64 × 64 resource: rectangles that lie inside, up to the edges. */
const INSIDE: Readonly<Record<string, GpuRect>> = {
  all: area(64, 64),
  "right-edge": area(32, 64, 32, 0),
  "bottom-edge": area(64, 32, 0, 32),
  corner: area(16, 16, 48, 48),
};

/** Of a 64 × 64 resource: rectangles that do not lie inside, by one pixel or by a wrap of 32 bits. */
const OUTSIDE: Readonly<Record<string, GpuRect>> = {
  "too-wide": area(65, 64),
  "too-high": area(64, 65),
  "beyond-right": area(32, 64, 33, 0),
  "beyond-bottom": area(64, 32, 0, 33),
  "starts-right": area(16, 16, 64, 0),
  "starts-below": area(16, 16, 0, 64),
  "x-wraps": area(0x20, 64, 0xffffffe0, 0),
  "x-wraps-inside": area(0x30, 64, 0xfffffff0, 0),
  "y-wraps": area(64, 0x30, 0, 0xfffffff0),
  "width-wraps": area(0xffffffff, 64, 1, 0),
  "height-wraps": area(64, 0xffffffff, 0, 1),
  largest: area(0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff),
};

const names = (rects: Readonly<Record<string, GpuRect>>): { readonly rect: string }[] =>
  Object.keys(rects).map((rect) => ({ rect }));

cases.add({
  id: "gpu/set-scanout/inside",
  title: "SET_SCANOUT takes any rectangle that the resource covers completely (section 5.7.6.8)",
  clauses: [CLAUSE.response],
  needs: GPU,
  parameters: names(INSIDE),
  async run(t, { rect }) {
    const gpu = await GpuSession.start(t);
    await gpu.resource(1);
    await gpu.ok(setScanout(0, 1, INSIDE[rect] as GpuRect), "SET_SCANOUT");
  },
});

cases.add({
  id: "gpu/set-scanout/outside",
  title: "SET_SCANOUT of a rectangle that the resource does not cover is refused",
  clauses: [CLAUSE.response],
  needs: GPU,
  parameters: names(OUTSIDE),
  async run(t, { rect }) {
    const gpu = await GpuSession.start(t);
    await gpu.resource(1);
    await gpu.refuse(setScanout(0, 1, OUTSIDE[rect] as GpuRect), "SET_SCANOUT");
    await gpu.show(0, 1, 64, 64);
  },
});

cases.add({
  id: "gpu/set-scanout/small",
  title: "SET_SCANOUT takes a rectangle of one pixel, as there is no minimum",
  clauses: [CLAUSE.response],
  needs: GPU,
  parameters: [
    { width: 1, height: 1 },
    { width: 1, height: 64 },
    { width: 64, height: 1 },
    { width: 15, height: 15 },
  ],
  async run(t, { width, height }) {
    const gpu = await GpuSession.start(t);
    await gpu.resource(1);
    await gpu.show(0, 1, width, height);
  },
});

cases.add({
  id: "gpu/set-scanout/every-scanout",
  title: "SET_SCANOUT takes every scanout_id less than num_scanouts",
  clauses: [CLAUSE.response, CLAUSE.config],
  needs: GPU,
  async run(t) {
    const gpu = await GpuSession.start(t);
    await gpu.resource(1);
    const count = await scanoutCount(gpu);
    for (let scanout = 0; scanout < count; scanout++) await gpu.show(scanout, 1, 64, 64);
  },
});

cases.add({
  id: "gpu/set-scanout/no-such-scanout",
  title: "SET_SCANOUT of a scanout that is not there is refused, with a resource or with 0",
  clauses: [CLAUSE.response, CLAUSE.config],
  needs: GPU,
  parameters: ["num_scanouts", "16", "4294967295"].flatMap((scanout) =>
    [0, 1].map((resource) => ({ scanout, resource })),
  ),
  async run(t, { scanout, resource }) {
    const gpu = await GpuSession.start(t);
    await gpu.resource(1);
    const index = scanout === "num_scanouts" ? await scanoutCount(gpu) : Number(scanout);
    await gpu.refuse(setScanout(index, resource, area(64, 64)), `SET_SCANOUT of scanout ${index}`);
    await gpu.show(0, 1, 64, 64);
  },
});

cases.add({
  id: "gpu/set-scanout/no-such-resource",
  title: "SET_SCANOUT of a resource that is not there is refused",
  clauses: [CLAUSE.response],
  needs: GPU,
  async run(t) {
    const gpu = await GpuSession.start(t);
    await gpu.resource(1);
    await gpu.refuse(setScanout(0, 2, area(64, 64)), "SET_SCANOUT of resource 2");
    await gpu.show(0, 1, 64, 64);
  },
});

cases.add({
  id: "gpu/set-scanout/disable",
  title:
    "SET_SCANOUT of resource 0 disables a scanout, whatever the rectangle, and one that is disabled as well",
  clauses: [CLAUSE.response],
  needs: GPU,
  async run(t) {
    const gpu = await GpuSession.start(t);
    await gpu.ok(setScanout(0, 0, area(0, 0)), "SET_SCANOUT of a scanout that is off");
    await gpu.resource(1);
    await gpu.show(0, 1, 64, 64);
    await gpu.ok(setScanout(0, 0, area(0, 0)), "SET_SCANOUT of resource 0");
    await gpu.ok(setScanout(0, 0, area(0xffffffff, 0xffffffff, 9, 9)), "SET_SCANOUT of resource 0, large");
    await gpu.show(0, 1, 64, 64);
  },
});

cases.add({
  id: "gpu/set-scanout/mirror",
  title: "Scanouts that overlap or are identical are allowed",
  clauses: [CLAUSE.response],
  needs: GPU,
  async run(t) {
    const gpu = await GpuSession.start(t);
    if ((await scanoutCount(gpu)) < 2) t.skip("the device has one scanout");
    await gpu.resource(1);
    await gpu.show(0, 1, 64, 64);
    await gpu.show(1, 1, 64, 64);
    await gpu.ok(setScanout(1, 1, area(32, 32, 16, 16)), "SET_SCANOUT of a part");
    await gpu.ok(flush(1, area(64, 64)), "RESOURCE_FLUSH of both");
  },
});

cases.add({
  id: "gpu/set-scanout/empty",
  title: "SET_SCANOUT of no pixels is accepted or refused, and nothing else suffers",
  clauses: [CLAUSE.response],
  needs: GPU,
  parameters: [
    { width: 0, height: 64 },
    { width: 64, height: 0 },
  ],
  async run(t, { width, height }) {
    const gpu = await GpuSession.start(t);
    await gpu.resource(1);
    await gpu.either(setScanout(0, 1, area(width, height)));
    await gpu.show(0, 1, 64, 64);
  },
});

cases.add({
  id: "gpu/set-scanout/without-backing",
  title: "SET_SCANOUT of a resource that has no backing yet is accepted or refused, and accepted once it has",
  clauses: [CLAUSE.response],
  needs: GPU,
  async run(t) {
    const gpu = await GpuSession.start(t);
    await gpu.create(1, 64, 64);
    await gpu.either(setScanout(0, 1, area(64, 64)));
    await gpu.attach(1, 64 * 64 * 4);
    await gpu.show(0, 1, 64, 64);
  },
});

cases.add({
  id: "gpu/flush/inside",
  title: "RESOURCE_FLUSH takes any rectangle inside the resource, shown or not",
  clauses: [CLAUSE.response],
  needs: GPU,
  parameters: names(INSIDE).flatMap(({ rect }) => [true, false].map((shown) => ({ rect, shown }))),
  async run(t, { rect, shown }) {
    const gpu = await GpuSession.start(t);
    await gpu.resource(1);
    if (shown) await gpu.show(0, 1, 64, 64);
    await gpu.ok(flush(1, INSIDE[rect] as GpuRect), "RESOURCE_FLUSH");
  },
});

cases.add({
  id: "gpu/flush/outside",
  title: "RESOURCE_FLUSH of a rectangle that does not lie inside the resource is refused",
  clauses: [CLAUSE.response],
  needs: GPU,
  parameters: names(OUTSIDE),
  async run(t, { rect }) {
    const gpu = await GpuSession.start(t);
    await gpu.resource(1);
    await gpu.show(0, 1, 64, 64);
    await gpu.refuse(flush(1, OUTSIDE[rect] as GpuRect), "RESOURCE_FLUSH");
    await gpu.ok(flush(1, area(64, 64)), "RESOURCE_FLUSH of all of it");
  },
});

cases.add({
  id: "gpu/flush/empty",
  title: "RESOURCE_FLUSH of no pixels is accepted or refused",
  clauses: [CLAUSE.response],
  needs: GPU,
  async run(t) {
    const gpu = await GpuSession.start(t);
    await gpu.resource(1);
    await gpu.either(flush(1, area(0, 0)));
    await gpu.either(flush(1, area(0, 64, 64, 0)));
    await gpu.ok(flush(1, area(64, 64)), "RESOURCE_FLUSH of all of it");
  },
});

cases.add({
  id: "gpu/transfer-2d/inside",
  title: "TRANSFER_TO_HOST_2D takes any rectangle inside the resource whose rows lie in the backing",
  clauses: [CLAUSE.response],
  needs: GPU,
  parameters: names(INSIDE),
  async run(t, { rect }) {
    const gpu = await GpuSession.start(t);
    await gpu.resource(1);
    const { x, y, ...size } = INSIDE[rect] as GpuRect;
    await gpu.ok(transferToHost2d(1, { x, y, ...size }, (y * 64 + x) * 4), "TRANSFER_TO_HOST_2D");
  },
});

cases.add({
  id: "gpu/transfer-2d/outside",
  title: "TRANSFER_TO_HOST_2D of a rectangle that does not lie inside the resource is refused",
  clauses: [CLAUSE.response],
  needs: GPU,
  parameters: names(OUTSIDE),
  async run(t, { rect }) {
    const gpu = await GpuSession.start(t);
    await gpu.resource(1);
    await gpu.refuse(transferToHost2d(1, OUTSIDE[rect] as GpuRect, 0), "TRANSFER_TO_HOST_2D");
    await gpu.ok(transferToHost2d(1, area(64, 64), 0), "TRANSFER_TO_HOST_2D of all of it");
  },
});

cases.add({
  id: "gpu/transfer-2d/beyond-backing",
  title: "TRANSFER_TO_HOST_2D from beyond the backing is refused, or reads nothing from there",
  clauses: [CLAUSE.response],
  needs: GPU,
  parameters: [
    { offset: "4" },
    { offset: "16380" },
    { offset: "16384" },
    { offset: "4294967296" },
    { offset: "18446744073709551615" },
    { offset: "18446744073709551612" },
  ],
  async run(t, { offset }) {
    const gpu = await GpuSession.start(t);
    await gpu.resource(1);
    await gpu.either(transferToHost2d(1, area(64, 64), BigInt(offset)));
    await gpu.ok(transferToHost2d(1, area(64, 64), 0), "TRANSFER_TO_HOST_2D of what is there");
  },
});

cases.add({
  id: "gpu/transfer-2d/without-backing",
  title:
    "TRANSFER_TO_HOST_2D of a resource without backing is refused (section 5.7.6: backing is what makes transfers work)",
  clauses: [CLAUSE.response],
  needs: GPU,
  async run(t) {
    const gpu = await GpuSession.start(t);
    await gpu.create(1, 64, 64);
    await gpu.refuse(transferToHost2d(1, area(64, 64), 0), "TRANSFER_TO_HOST_2D");
    await gpu.attach(1, 64 * 64 * 4);
    await gpu.ok(transferToHost2d(1, area(64, 64), 0), "TRANSFER_TO_HOST_2D with backing");
  },
});

cases.add({
  id: "gpu/transfer-2d/empty",
  title: "TRANSFER_TO_HOST_2D of no pixels is accepted or refused",
  clauses: [CLAUSE.response],
  needs: GPU,
  async run(t) {
    const gpu = await GpuSession.start(t);
    await gpu.resource(1);
    await gpu.either(transferToHost2d(1, area(0, 0), 0));
    await gpu.either(transferToHost2d(1, area(0, 64), 0));
    await gpu.ok(transferToHost2d(1, area(64, 64), 0), "TRANSFER_TO_HOST_2D of all of it");
  },
});

cases.add({
  id: "gpu/transfer-2d/with-virgl",
  title: "2D commands go on working for a driver that negotiated VIRGL",
  clauses: [CLAUSE.response],
  needs: { ...GPU, features: [VIRTIO_GPU_F_VIRGL] },
  async run(t) {
    const gpu = await GpuSession.start(t, [VIRTIO_GPU_F_VIRGL]);
    await gpu.resource(1);
    await gpu.show(0, 1, 64, 64);
    await gpu.ok(transferToHost2d(1, area(64, 64), 0), "TRANSFER_TO_HOST_2D");
    await gpu.ok(flush(1, area(64, 64)), "RESOURCE_FLUSH");
  },
});

/** Scanouts, flushes and transfers: what is answered. */
export const SCANOUT_CASES: readonly CaseDefinition[] = cases.all;
