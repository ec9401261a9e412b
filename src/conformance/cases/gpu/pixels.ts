import { type CaseDefinition, CaseList } from "../../case.ts";
import { attachBacking, flush, setScanout, transferToHost2d, unref } from "../../models/gpu-commands.ts";
import { CLAUSE, PIXELS } from "./common.ts";
import { scanoutCount } from "./displays.ts";
import { encode, FORMATS, type FormatName, gradient, type Pattern, plain, shows } from "./pictures.ts";
import { area, BYTES_PER_PIXEL, GpuSession } from "./session.ts";

const cases = new CaseList();
const W = 96;
const H = 80;
const STRIDE = W * BYTES_PER_PIXEL;
const ALL = area(W, H);

/** A resource of W × H with a picture that is in its backing and on scanout 0, and shown. */
async function picture(gpu: GpuSession, pattern: Pattern, id = 1, scanout = 0) {
  await gpu.create(id, W, H);
  const entries = await gpu.attach(id, STRIDE * H);
  await gpu.show(scanout, id, W, H);
  gpu.fill(entries, encode(pattern, W, H));
  await update(gpu, id);
  return entries;
}

/** Transfers and flushes a rectangle whose bytes stand in the backing at the place they have in the resource. */
async function update(gpu: GpuSession, id = 1, rect = ALL): Promise<void> {
  const offset = rect.y * STRIDE + rect.x * BYTES_PER_PIXEL;
  await gpu.ok(transferToHost2d(id, rect, offset, gpu.fence()), "TRANSFER_TO_HOST_2D");
  await gpu.ok(flush(id, rect, gpu.fence()), "RESOURCE_FLUSH");
}

cases.add({
  id: "gpu/pixels/formats",
  title: "What is transferred and flushed with a fence is on the screen, in each of the eight formats",
  clauses: [CLAUSE.finished, CLAUSE.response],
  needs: PIXELS,
  parameters: Object.keys(FORMATS).map((format) => ({ format })),
  async run(t, { format }) {
    const name = format as FormatName;
    const gpu = await GpuSession.start(t);
    await gpu.create(1, W, H, FORMATS[name]);
    const entries = await gpu.attach(1, STRIDE * H);
    gpu.fill(entries, encode(gradient(), W, H, name));
    await gpu.show(0, 1, W, H);
    await update(gpu);
    await shows(gpu, 0, W, H, gradient());
  },
});

cases.add({
  id: "gpu/pixels/scattered",
  title: "Backing of many pieces is read in the order of its entries",
  clauses: [CLAUSE.finished],
  needs: PIXELS,
  parameters: [{ pieces: 2 }, { pieces: 7 }, { pieces: H }, { pieces: 1000 }],
  async run(t, { pieces }) {
    const gpu = await GpuSession.start(t);
    await gpu.create(1, W, H);
    const entries = await gpu.attach(1, STRIDE * H, pieces);
    gpu.fill(entries, encode(gradient(), W, H));
    await gpu.show(0, 1, W, H);
    await update(gpu);
    await shows(gpu, 0, W, H, gradient());
  },
});

cases.add({
  id: "gpu/pixels/copied-before-returned",
  title: "A transfer with a fence is over when it is returned: what the guest writes afterwards is not seen",
  clauses: [CLAUSE.finished, CLAUSE.response],
  needs: PIXELS,
  async run(t) {
    const gpu = await GpuSession.start(t);
    const entries = await picture(gpu, gradient());
    gpu.fill(entries, encode(gradient(77), W, H));
    await gpu.ok(transferToHost2d(1, ALL, 0, gpu.fence()), "TRANSFER_TO_HOST_2D");
    gpu.fill(entries, encode(plain(255, 0, 255), W, H));
    await gpu.ok(flush(1, ALL, gpu.fence()), "RESOURCE_FLUSH");
    await shows(gpu, 0, W, H, gradient(77));
  },
});

cases.add({
  id: "gpu/pixels/no-transfer",
  title: "What the guest draws is not seen without a transfer, flushed or not",
  clauses: [CLAUSE.finished],
  needs: PIXELS,
  async run(t) {
    const gpu = await GpuSession.start(t);
    const entries = await picture(gpu, gradient());
    gpu.fill(entries, encode(plain(9, 9, 9), W, H));
    await gpu.ok(flush(1, ALL, gpu.fence()), "RESOURCE_FLUSH");
    await shows(gpu, 0, W, H, gradient());
  },
});

const PARTS = {
  inner: area(31, 17, 13, 21),
  "upper-left": area(16, 16),
  "lower-right": area(32, 32, W - 32, H - 32),
  row: area(W, 1, 0, 40),
  column: area(1, H, 40, 0),
  pixel: area(1, 1, W - 1, H - 1),
} as const;

cases.add({
  id: "gpu/pixels/partial-transfer",
  title: "A transfer changes the pixels of its rectangle and no others",
  clauses: [CLAUSE.finished],
  needs: PIXELS,
  parameters: Object.keys(PARTS).map((part) => ({ part })),
  async run(t, { part }) {
    const rect = PARTS[part as keyof typeof PARTS];
    const gpu = await GpuSession.start(t);
    const entries = await picture(gpu, gradient());
    gpu.fill(entries, encode(gradient(99), W, H));
    const offset = rect.y * STRIDE + rect.x * BYTES_PER_PIXEL;
    await gpu.ok(transferToHost2d(1, rect, offset, gpu.fence()), "TRANSFER_TO_HOST_2D");
    await gpu.ok(flush(1, ALL, gpu.fence()), "RESOURCE_FLUSH");
    const inside = (x: number, y: number): boolean =>
      x >= rect.x && x < rect.x + rect.width && y >= rect.y && y < rect.y + rect.height;
    const old = gradient();
    const fresh = gradient(99);
    await shows(gpu, 0, W, H, (x, y) => (inside(x, y) ? fresh(x, y) : old(x, y)));
  },
});

cases.add({
  id: "gpu/pixels/partial-flush",
  title: "A flush of a part shows this part at least",
  clauses: [CLAUSE.finished],
  needs: PIXELS,
  parameters: Object.keys(PARTS).map((part) => ({ part })),
  async run(t, { part }) {
    const rect = PARTS[part as keyof typeof PARTS];
    const gpu = await GpuSession.start(t);
    const entries = await picture(gpu, gradient());
    gpu.fill(entries, encode(gradient(99), W, H));
    await gpu.ok(transferToHost2d(1, ALL, 0, gpu.fence()), "TRANSFER_TO_HOST_2D");
    await gpu.ok(flush(1, rect, gpu.fence()), "RESOURCE_FLUSH");
    await shows(gpu, 0, W, H, gradient(99), rect);
    await gpu.ok(flush(1, ALL, gpu.fence()), "RESOURCE_FLUSH");
    await shows(gpu, 0, W, H, gradient(99));
  },
});

cases.add({
  id: "gpu/pixels/transfer-offset",
  title: "The offset of a transfer is where its first pixel stands in the backing, not in the resource",
  clauses: [CLAUSE.finished],
  needs: PIXELS,
  async run(t) {
    const gpu = await GpuSession.start(t);
    const entries = await picture(gpu, gradient());
    // Rows of the backing are as far apart as those of the resource: 16 rows from 8 on go to 40 on.
    const rect = area(W, 16, 0, 40);
    const bytes = encode(gradient(), W, H);
    gpu.fill(entries, bytes);
    await gpu.ok(transferToHost2d(1, rect, 8 * STRIDE, gpu.fence()), "TRANSFER_TO_HOST_2D");
    await gpu.ok(flush(1, ALL, gpu.fence()), "RESOURCE_FLUSH");
    const pattern = gradient();
    await shows(gpu, 0, W, H, (x, y) => pattern(x, y >= 40 && y < 56 ? y - 32 : y));
  },
});

cases.add({
  id: "gpu/pixels/part-of-resource",
  title: "A scanout shows its rectangle of the resource",
  clauses: [CLAUSE.finished],
  needs: PIXELS,
  parameters: [
    { x: 0, y: 0 },
    { x: 17, y: 0 },
    { x: 0, y: 23 },
    { x: W - 48, y: H - 32 },
  ],
  async run(t, { x, y }) {
    const gpu = await GpuSession.start(t);
    await picture(gpu, gradient());
    await gpu.ok(setScanout(0, 1, area(48, 32, x, y), gpu.fence()), "SET_SCANOUT");
    await gpu.ok(flush(1, ALL, gpu.fence()), "RESOURCE_FLUSH");
    const pattern = gradient();
    await shows(gpu, 0, 48, 32, (column, row) => pattern(x + column, y + row));
  },
});

cases.add({
  id: "gpu/pixels/flush-in-part",
  title: "Coordinates of a flush are those of the resource, also when the scanout shows a part of it",
  clauses: [CLAUSE.finished],
  needs: PIXELS,
  async run(t) {
    const gpu = await GpuSession.start(t);
    const entries = await picture(gpu, gradient());
    await gpu.ok(setScanout(0, 1, area(48, 32, 40, 40), gpu.fence()), "SET_SCANOUT");
    await gpu.ok(flush(1, ALL, gpu.fence()), "RESOURCE_FLUSH");
    gpu.fill(entries, encode(gradient(50), W, H));
    const rect = area(20, 20, 44, 42);
    await update(gpu, 1, rect);
    const fresh = gradient(50);
    await shows(gpu, 0, 48, 32, (x, y) => fresh(40 + x, 40 + y), area(20, 20, 4, 2));
  },
});

cases.add({
  id: "gpu/pixels/flush-outside-part",
  title: "A flush of what a scanout does not show is accepted, and changes nothing there",
  clauses: [CLAUSE.finished],
  needs: PIXELS,
  async run(t) {
    const gpu = await GpuSession.start(t);
    await picture(gpu, gradient());
    await gpu.ok(setScanout(0, 1, area(32, 32, 64, 48), gpu.fence()), "SET_SCANOUT");
    await gpu.ok(flush(1, ALL, gpu.fence()), "RESOURCE_FLUSH");
    await gpu.ok(flush(1, area(32, 32), gpu.fence()), "RESOURCE_FLUSH elsewhere");
    const pattern = gradient();
    await shows(gpu, 0, 32, 32, (x, y) => pattern(64 + x, 48 + y));
  },
});

cases.add({
  id: "gpu/pixels/page-flip",
  title: "Two resources take turns on a scanout; the one that is not shown can be drawn",
  clauses: [CLAUSE.finished],
  needs: PIXELS,
  async run(t) {
    const gpu = await GpuSession.start(t);
    await picture(gpu, gradient(1), 1);
    await picture(gpu, gradient(2), 2);
    for (const id of [1, 2, 1]) {
      await gpu.show(0, id, W, H);
      await gpu.ok(flush(id, ALL, gpu.fence()), "RESOURCE_FLUSH");
      await shows(gpu, 0, W, H, gradient(id));
    }
    const entries = await gpu.resource(3, W, H);
    gpu.fill(entries, encode(gradient(3), W, H));
    await update(gpu, 3);
    await shows(gpu, 0, W, H, gradient(1));
  },
});

cases.add({
  id: "gpu/pixels/mirrored",
  title: "A flush shows on every scanout that the resource is used on",
  clauses: [CLAUSE.finished],
  needs: PIXELS,
  async run(t) {
    const gpu = await GpuSession.start(t);
    if ((await scanoutCount(gpu)) < 2) t.skip("the device has one scanout");
    await gpu.create(1, W, H);
    const entries = await gpu.attach(1, STRIDE * H);
    gpu.fill(entries, encode(gradient(5), W, H));
    await gpu.show(0, 1, W, H);
    await gpu.ok(setScanout(1, 1, area(64, 48, 32, 16)), "SET_SCANOUT 1");
    await update(gpu);
    const pattern = gradient(5);
    await shows(gpu, 0, W, H, pattern);
    await shows(gpu, 1, 64, 48, (x, y) => pattern(32 + x, 16 + y));
  },
});

cases.add({
  id: "gpu/pixels/scanouts-apart",
  title: "Scanouts with resources of their own do not mix",
  clauses: [CLAUSE.finished],
  needs: PIXELS,
  async run(t) {
    const gpu = await GpuSession.start(t);
    const count = await scanoutCount(gpu);
    for (let scanout = 0; scanout < count; scanout++)
      await picture(gpu, gradient(scanout + 1), scanout + 1, scanout);
    for (let scanout = 0; scanout < count; scanout++) await shows(gpu, scanout, W, H, gradient(scanout + 1));
    await gpu.ok(setScanout(0, 0, area(0, 0), gpu.fence()), "SET_SCANOUT of resource 0");
    for (let scanout = 1; scanout < count; scanout++) await shows(gpu, scanout, W, H, gradient(scanout + 1));
  },
});

cases.add({
  id: "gpu/pixels/disabled",
  title: "A scanout set to resource 0 shows nothing any more",
  clauses: [CLAUSE.finished],
  needs: PIXELS,
  async run(t) {
    const gpu = await GpuSession.start(t);
    await picture(gpu, gradient());
    await gpu.ok(setScanout(0, 0, area(0, 0), gpu.fence()), "SET_SCANOUT of resource 0");
    await t.guest.dut.settle();
    const now = await t.guest.dut.screenshot?.(0);
    t.equal(now ?? null, null, "what scanout 0 shows");
  },
});

cases.add({
  id: "gpu/pixels/unref-goes-dark",
  title: "A scanout whose resource is destroyed shows it no longer once it has another",
  clauses: [CLAUSE.finished],
  needs: PIXELS,
  async run(t) {
    const gpu = await GpuSession.start(t);
    await picture(gpu, gradient(1), 1);
    await gpu.ok(unref(1, gpu.fence()), "RESOURCE_UNREF");
    await picture(gpu, gradient(2), 2);
    await shows(gpu, 0, W, H, gradient(2));
  },
});

cases.add({
  id: "gpu/pixels/refused-changes-nothing",
  title: "A transfer that is refused leaves the pixels alone",
  clauses: [CLAUSE.response],
  needs: PIXELS,
  async run(t) {
    const gpu = await GpuSession.start(t);
    const entries = await picture(gpu, gradient());
    gpu.fill(entries, encode(plain(200, 100, 50), W, H));
    await gpu.refuse(transferToHost2d(1, area(W, H, 1, 0), 0, gpu.fence()), "a rectangle beyond the edge");
    await gpu.refuse(transferToHost2d(1, area(W, H + 1), 0, gpu.fence()), "a rectangle that is too high");
    await gpu.ok(flush(1, ALL, gpu.fence()), "RESOURCE_FLUSH");
    await shows(gpu, 0, W, H, gradient());
  },
});

cases.add({
  id: "gpu/pixels/refused-scanout-stays",
  title: "A SET_SCANOUT that is refused leaves the scanout as it was",
  clauses: [CLAUSE.response],
  needs: PIXELS,
  async run(t) {
    const gpu = await GpuSession.start(t);
    await picture(gpu, gradient());
    await gpu.refuse(setScanout(0, 1, area(W, H + 1), gpu.fence()), "a rectangle that is too high");
    await gpu.refuse(setScanout(0, 99, ALL, gpu.fence()), "a resource that is not there");
    await shows(gpu, 0, W, H, gradient());
  },
});

cases.add({
  id: "gpu/pixels/short-backing",
  title: "Backing that ends early serves for the rows it has",
  clauses: [CLAUSE.finished],
  needs: PIXELS,
  async run(t) {
    const gpu = await GpuSession.start(t);
    await gpu.create(1, W, H);
    const half = encode(gradient(), W, H).slice(0, (STRIDE * H) / 2);
    const address = t.guest.arena.place(half, 64);
    await gpu.ok(attachBacking(1, [{ address, lengthBytes: half.length }]), "RESOURCE_ATTACH_BACKING");
    await gpu.show(0, 1, W, H);
    await update(gpu, 1, area(W, H / 2));
    await gpu.ok(flush(1, ALL, gpu.fence()), "RESOURCE_FLUSH");
    await shows(gpu, 0, W, H, gradient(), area(W, H / 2));
  },
});

cases.add({
  id: "gpu/pixels/large",
  title: "A larger picture of many pieces comes through whole",
  clauses: [CLAUSE.finished],
  needs: PIXELS,
  async run(t) {
    const gpu = await GpuSession.start(t);
    await gpu.create(1, 480, 320);
    const entries = await gpu.attach(1, 480 * 320 * BYTES_PER_PIXEL, 320);
    const pattern = gradient(11);
    gpu.fill(entries, encode(pattern, 480, 320));
    await gpu.show(0, 1, 480, 320);
    await gpu.ok(transferToHost2d(1, area(480, 320), 0, gpu.fence()), "TRANSFER_TO_HOST_2D");
    await gpu.ok(flush(1, area(480, 320), gpu.fence()), "RESOURCE_FLUSH");
    await shows(gpu, 0, 480, 320, pattern);
  },
});

/** What is seen on the screen. */
export const PIXEL_CASES: readonly CaseDefinition[] = cases.all;
