// An error means that nothing happened: whichever call of a back end fails, at once or late, a command that is answered
// with an error has left the guest's memory, the device and its back ends as they were.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { HostHeap } from "../../src/devices/gpu/index.ts";
import type { Sent } from "../../src/testing/index.ts";
import { BackendPlan, FAILURES } from "../../src/testing/index.ts";
import { describeCursor, describeSource, FickleDisplay, FickleRenderer } from "../support/fickle-backends.ts";
import { CMD, CONTROLQ, CURSORQ, type Entry, msg } from "../support/gpu-messages.ts";
import { GpuRig, pattern } from "../support/gpu-rig.ts";
import { Numbers } from "../support/hostile/numbers.ts";

const MEMORY_BYTES = 8 << 20;
/** Guest memory that only resources use. */
const PAGES = 4 << 20;
const SCANOUTS = 5;
const IDS = [1, 2, 3, 4, 5, 6, 7, 8] as const;
const CONTEXTS = [1, 2] as const;
const FULL = { x: 0, y: 0, w: 64, h: 64 };
const HOST3D = 2;
const FIRST_ERROR = 0x1200;
const FIELDS_3D = [2, 1, 10, 64, 64, 1, 1, 0, 0, 0];

function newStage(profile: "spec" | "qemu" | "crosvm") {
  const plan = new BackendPlan();
  const renderer = new FickleRenderer(plan);
  const display = new FickleDisplay(plan);
  const hostHeap = new HostHeap(1 << 17);
  const rig = new GpuRig(
    {
      profile,
      renderer,
      display: display as never,
      hostHeap,
      displays: Array.from({ length: SCANOUTS }, () => ({})),
      features: { resourceUuid: true },
    },
    { memoryBytes: MEMORY_BYTES },
  );
  rig.memory.write(PAGES, pattern(1 << 17, 7));
  const saved = () => rig.device.save().type as unknown as SavedGpu;
  const snapshot = () =>
    JSON.stringify({
      resources: rig.gpu.resources(),
      hostBytes: rig.gpu.hostBytes,
      mapped: hostHeap.mappedBlobs,
      window: sum(new Uint8Array(hostHeap.buffer)),
      scanouts: Array.from({ length: SCANOUTS }, (_, i) => describeSource(rig.gpu.scanout(i))),
      cursors: Array.from({ length: SCANOUTS }, (_, i) => describeCursor(rig.gpu.cursor(i))),
      saved: JSON.stringify(saved()),
      guest: sum(rig.memory.view(PAGES, 1 << 20)),
      renderer: renderer.snapshot(),
      display: display.snapshot(),
    });
  /** The latest snapshot, as long as it holds. */
  const known: { snapshot: string | null } = { snapshot: null };
  return { plan, renderer, rig, saved, snapshot, known };
}

/** What of a saved state is looked at more closely. */
interface SavedGpu {
  readonly contexts: readonly { readonly id: number; readonly resources: readonly number[] }[];
  readonly resources: readonly { readonly id: number; readonly kind: string; readonly mappedAt: number }[];
}

type Stage = ReturnType<typeof newStage>;

function sum(bytes: Uint8Array): number {
  let result = 0;
  for (let i = 0; i < bytes.length; i += 61) result = (Math.imul(result, 31) + (bytes[i] as number)) | 0;
  return result;
}

/** Every method of both back ends that a command calls. */
const ALL_CALLS = [
  "getCapset",
  "createContext",
  "destroyContext",
  "attachResource",
  "detachResource",
  "createResource",
  "createBlob",
  "unrefResource",
  "setBacking",
  "transferToHost",
  "transferFromHost",
  "submit",
  "mapBlob",
  "unmapBlob",
  "pixels",
  "flush",
  "setScanout",
  "display.flush",
  "setCursor",
  "moveCursor",
];

/** Any command that may have something to do. */
function anyCommand(n: Numbers): { readonly request: Uint8Array; readonly queue: number } {
  const id = n.pick(IDS);
  const o = { ctx: n.pick(CONTEXTS) };
  const scanout = n.below(SCANOUTS);
  const entries: Entry[] = [[PAGES + 32768 * n.below(4), 16384 + 4096 * n.below(2)]];
  const control = (request: Uint8Array) => ({ request, queue: CONTROLQ });
  switch (n.below(22)) {
    case 0:
      return control(msg.create2d(id, 2, 64, 64));
    case 1:
      return control(msg.create3d(id, FIELDS_3D));
    case 2:
      return control(msg.createBlob(id, { mem: HOST3D, flags: 1, size: 16384 }, o));
    case 3:
      return control(msg.createBlob(id, { mem: 1, size: 16384, entries: n.chance(60) ? entries : [] }));
    case 4:
      return control(msg.createBlob(id, { mem: 3, flags: 1, size: 16384, entries }, o));
    case 5:
      return control(msg.unref(id));
    case 6:
    case 7:
      return control(msg.attach(id, entries));
    case 8:
      return control(msg.detach(id));
    case 9:
    case 10:
      return control(
        msg.setScanout(scanout, n.chance(85) ? id : 0, n.chance(70) ? FULL : { x: 8, y: 4, w: 16, h: 16 }),
      );
    case 11:
      return control(msg.setScanoutBlob(scanout, n.chance(85) ? id : 0, { w: 64, h: 64 }));
    case 12:
      return control(msg.flush(id, FULL));
    case 13:
      return control(msg.mapBlob(id, 16384 * n.below(4)));
    case 14:
      return control(msg.unmapBlob(id));
    case 15:
      return control(msg.ctxCreate(0, "", o));
    case 16:
      return control(n.chance(30) ? msg.ctxDestroy(o) : msg.submit(new Uint8Array(8), o));
    case 17:
      return control(msg.ctxAttach(id, o));
    case 18:
      return control(msg.ctxDetach(id, o));
    case 19: {
      const type = n.pick([CMD.TRANSFER_TO_HOST_3D, CMD.TRANSFER_FROM_HOST_3D]);
      if (n.chance(50)) return control(msg.transfer(id, FULL, 0));
      return control(msg.transfer3d(type, id, [0, 0, 0, 1, 1, 1], 0, 0, 0, 0, o));
    }
    case 20:
      return control(n.chance(50) ? msg.capset(1, 1) : msg.assignUuid(id));
    default: {
      const type = n.chance(60) ? CMD.UPDATE_CURSOR : CMD.MOVE_CURSOR;
      const request = msg.cursor(
        type,
        scanout,
        n.below(100),
        n.below(100),
        n.chance(80) ? id : 0,
        n.below(9),
        0,
      );
      return { request, queue: CURSORQ };
    }
  }
}

/** Lets promises settle. Only microtasks: there are thousands of commands. */
async function settle(): Promise<void> {
  for (let i = 0; i < 24; i++) await null;
}

const CURSOR_IMAGE = 1;
const RENDERED = 2;
const MAPPED = 3;
const GUEST_BLOB = 4;
const FREE = 5;
const BACKED = 6;
const MAPPABLE = 7;
const WITHOUT_PAGES = 8;

/** Something of every kind, attached and shown, so that commands find what they refer to. */
function prepare({ rig }: Stage): void {
  const blob = { mem: HOST3D, flags: 1, size: 16384 };
  const frame = { w: 64, h: 64 };
  for (const id of CONTEXTS) rig.command(msg.ctxCreate(0, "", { ctx: id }));
  rig.command(msg.create2d(CURSOR_IMAGE, 2, 64, 64));
  rig.command(msg.attach(CURSOR_IMAGE, [[PAGES, 16384]]));
  rig.command(msg.create3d(RENDERED, FIELDS_3D));
  rig.command(msg.ctxAttach(RENDERED, { ctx: 1 }));
  rig.command(msg.setScanout(0, RENDERED, FULL));
  rig.command(msg.createBlob(MAPPED, blob, { ctx: 1 }));
  rig.command(msg.ctxAttach(MAPPED, { ctx: 2 }));
  rig.command(msg.mapBlob(MAPPED, 0), 32);
  rig.command(msg.setScanoutBlob(1, MAPPED, frame));
  rig.command(msg.createBlob(GUEST_BLOB, { mem: 1, size: 16384, entries: [[PAGES + 65536, 16384]] }));
  rig.command(msg.setScanoutBlob(2, GUEST_BLOB, frame));
  rig.command(msg.create3d(BACKED, FIELDS_3D));
  rig.command(msg.attach(BACKED, [[PAGES + 32768, 16384]]));
  rig.command(msg.createBlob(MAPPABLE, blob, { ctx: 1 }));
  rig.command(msg.setScanoutBlob(3, MAPPABLE, frame));
  rig.command(msg.createBlob(WITHOUT_PAGES, { mem: 1, size: 16384, entries: [[PAGES + 98304, 16384]] }));
  rig.command(msg.setScanoutBlob(4, WITHOUT_PAGES, frame));
  rig.command(msg.detach(WITHOUT_PAGES));
  rig.cursorCommand(msg.cursor(CMD.UPDATE_CURSOR, 0, 5, 5, CURSOR_IMAGE));
}

/** Lets everything come to its end, in any order. */
async function finish({ plan, rig }: Stage, n: Numbers): Promise<void> {
  for (let turn = 0; turn < 100; turn++) {
    await settle();
    if (plan.owed === 0) break;
    plan.settle(n.below(plan.owed));
  }
  await settle();
  rig.collect(CONTROLQ);
  rig.collect(CURSORQ);
}

/** The renderer knows what the device believes that it knows. */
function checkRenderer({ rig, renderer, saved }: Stage): void {
  const { contexts, resources } = saved();
  const rendered = resources.filter(({ kind }) => kind === "3d" || kind === "host-blob");
  const known = new Set(rendered.map(({ id }) => id));
  assert.equal([...renderer.resources.keys()].sort(), [...known].sort());
  assert.equal([...renderer.contexts.keys()].sort(), contexts.map(({ id }) => id).sort());
  for (const { id, resources: ids } of contexts) {
    const attached = [...(renderer.contexts.get(id) as Set<number>)].filter((each) => known.has(each));
    assert.equal(attached.sort(), ids.filter((each) => known.has(each)).sort(), `context ${id}`);
  }
  for (const { id, mappedAt } of rendered) {
    assert.is(renderer.resources.get(id)?.mapped, mappedAt >= 0, `mapping of ${id}`);
    const backingBytes = rig.gpu.resources().find((each) => each.id === id)?.backingBytes;
    assert.is(renderer.resources.get(id)?.backing?.totalBytes ?? 0, backingBytes, `backing of ${id}`);
  }
}

const unhandled: unknown[] = [];
process.on("unhandledRejection", (reason) => unhandled.push(reason));

const c = { ctx: 1 };
const onControl = (request: Uint8Array) => ({ request, queue: CONTROLQ });
const onCursor = (type: number, id: number) => ({
  request: msg.cursor(type, 0, 9, 9, id, 1, 1),
  queue: CURSORQ,
});

/** For what {@link prepare} has made: one command, or more, for each call of a back end. */
const COMMANDS = [
  onControl(msg.ctxCreate(0, "", { ctx: 3 })),
  onControl(msg.ctxDestroy(c)),
  onControl(msg.create3d(FREE, FIELDS_3D)),
  onControl(msg.createBlob(FREE, { mem: HOST3D, flags: 1, size: 4096 }, c)),
  onControl(msg.createBlob(FREE, { mem: 3, flags: 1, size: 4096, entries: [[PAGES, 4096]] }, c)),
  onControl(msg.attach(RENDERED, [[PAGES, 16384]])),
  onControl(msg.attach(WITHOUT_PAGES, [[PAGES, 16384]])),
  onControl(msg.detach(GUEST_BLOB)),
  onControl(msg.detach(BACKED)),
  onControl(msg.unref(RENDERED)),
  onControl(msg.unref(GUEST_BLOB)),
  onControl(msg.setScanout(0, CURSOR_IMAGE, FULL)),
  onControl(msg.setScanout(0, 0, FULL)),
  onControl(msg.setScanout(1, RENDERED, FULL)),
  onControl(msg.setScanoutBlob(0, GUEST_BLOB, { w: 64, h: 64 })),
  onControl(msg.flush(RENDERED, FULL)),
  onControl(msg.flush(GUEST_BLOB, FULL)),
  onControl(msg.unmapBlob(MAPPED)),
  onControl(msg.mapBlob(MAPPABLE, 16384)),
  onControl(msg.ctxAttach(BACKED, c)),
  onControl(msg.ctxDetach(RENDERED, c)),
  onControl(msg.transfer(BACKED, FULL, 0)),
  onControl(msg.transfer3d(CMD.TRANSFER_FROM_HOST_3D, BACKED, [0, 0, 0, 1, 1, 1], 0, 0, 0, 0, c)),
  onControl(msg.submit(new Uint8Array(8), c)),
  onControl(msg.capset(1, 1)),
  onCursor(CMD.UPDATE_CURSOR, CURSOR_IMAGE),
  onCursor(CMD.UPDATE_CURSOR, RENDERED),
  onCursor(CMD.UPDATE_CURSOR, 0),
  onCursor(CMD.MOVE_CURSOR, 0),
];

/** Sends a command whose back ends fail as planned; true when it was answered with an error, which is looked at. */
async function isRefused(
  stage: Stage,
  n: Numbers,
  command: { request: Uint8Array; queue: number },
  what: string,
) {
  const { plan, rig, snapshot, known } = stage;
  plan.failed.length = 0;
  const before = known.snapshot ?? snapshot();
  known.snapshot = null;
  const sent = rig.begin(command.request, 64, command.queue);
  await finish(stage, n);
  plan.failAfter = -1;
  const { type } = rig.answer(sent);
  // Where the cursor queue gets no response nobody is told of an error.
  if (sent.written === 0 || type < FIRST_ERROR) return false;
  const name = `0x${new DataView(command.request.buffer).getUint32(0, true).toString(16)}`;
  assert.is(snapshot(), before, `${what}: ${name} was answered with 0x${type.toString(16)}, ${plan.failed}`);
  known.snapshot = before;
  return true;
}

test("whichever call fails, and however: a command answered with an error has changed nothing", async () => {
  const refused = new Set<string>();
  let stage: Stage | null = null;
  for (const [at, command] of COMMANDS.entries()) {
    for (let call = 0, made = true; made; call++) {
      for (const [way, failure] of FAILURES.entries()) {
        if (stage === null) {
          stage = newStage("spec");
          prepare(stage);
        }
        const { plan } = stage;
        const n = new Numbers(at * 100 + call * 10 + way);
        plan.late = () => way % 2 === 1 && n.chance(50);
        plan.failAfter = call;
        plan.failure = failure;
        const failed = await isRefused(stage, n, command, `call ${call}, ${failure}`);
        if (failed) for (const each of plan.failed) refused.add(each.split(":")[0] as string);
        // What was done instead is not what the next one is to find.
        else stage = null;
        // It makes no more calls than that.
        made = plan.failed.length > 0;
        if (!made) break;
      }
    }
  }
  assert.equal([...refused].sort(), [...ALL_CALLS].sort());
  assert.equal(unhandled, []);
});

for (const profile of ["spec", "qemu", "crosvm"] as const) {
  test(`the same for any commands in any order, ${profile}`, async () => {
    for (let seed = 0; seed < 5; seed++) {
      const n = new Numbers(seed);
      const stage = newStage(profile);
      const { plan } = stage;
      prepare(stage);
      for (let i = 0; i < 20; i++) {
        plan.late = () => n.chance(30);
        plan.failAfter = n.chance(80) ? n.below(3) : -1;
        plan.failure = n.pick(FAILURES);
        await isRefused(stage, n, anyCommand(n), `seed ${seed}, step ${i}`);
      }
      checkRenderer(stage);
    }
    assert.equal(unhandled, []);
  });

  test(`commands that overlap: the renderer knows what the device believes, ${profile}`, async () => {
    for (let seed = 100; seed < 107; seed++) {
      const n = new Numbers(seed);
      const stage = newStage(profile);
      const { plan, rig } = stage;
      prepare(stage);
      for (let i = 0; i < 6; i++) {
        plan.late = () => n.chance(50);
        plan.failAfter = n.chance(70) ? n.below(8) : -1;
        plan.failure = n.pick(FAILURES);
        const sent: Sent[] = [];
        for (let k = 0; k < 8; k++) {
          const { request, queue } = anyCommand(n);
          sent.push(rig.begin(request, 64, queue));
          if (n.chance(30) && plan.owed > 0) plan.settle(n.below(plan.owed));
        }
        await finish(stage, n);
        for (const each of sent) assert.ok(each.written >= 0, "every command is answered");
        plan.failAfter = -1;
        checkRenderer(stage);
      }
    }
    assert.equal(unhandled, []);
  });
}

test.run();
