// An error means that nothing happened, for the renderer: whatever an exporter whose object is used does, at any of its
// calls, a command that is answered with an error has left contexts, imports, users of objects and guest memory as they
// were. What cannot be taken back are pixels: a drawing that failed may have written rows before.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { BackendError, VirtioUsageError } from "../../src/base/index.ts";
import type { SharedContent } from "../../src/device/index.ts";
import { Numbers } from "../support/hostile/numbers.ts";
import { RERR, rmsg } from "../support/render-messages.ts";
import { ARGB, FakeExport, RenderRig } from "../support/render-rig.ts";

const WIDTH = 8;
const HEIGHT = 4;
const PAGES = 2;
const ALL_CALLS = ["guestSegments", "image", "read", "sizeBytes", "write"];

/** Fails at the call that is planned; knows which were made. */
class Plan {
  failAfter = -1;
  what: () => Error = () => new BackendError("lost", "as planned");
  /** Fails from then on instead of once. */
  forGood = false;
  failed: string[] = [];

  call(name: string): void {
    if (this.failAfter < 0) return;
    if (this.failAfter > 0) {
      this.failAfter--;
      return;
    }
    if (!this.forGood) this.failAfter = -1;
    this.failed.push(name);
    throw this.what();
  }
}

/** An export that asks a plan before it answers anything. */
function fickle(plan: Plan, content: FakeExport): SharedContent {
  return new Proxy(content, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      const isAsked = typeof name === "string" && ALL_CALLS.includes(name);
      if (typeof value === "function") {
        return (...args: unknown[]) => {
          if (isAsked) plan.call(name);
          return Reflect.apply(value, target, args) as unknown;
        };
      }
      if (isAsked) plan.call(name);
      return value;
    },
  });
}

function newStage() {
  const plan = new Plan();
  const rig = new RenderRig({ limits: { maxImports: 6 } }, { memoryBytes: 1 << 20 });
  const uuids = [1, 2].map((number) => {
    const uuid = Uint8Array.from({ length: 16 }, (_, i) => (i === 6 ? 0x40 : i === 8 ? 0x80 : number));
    const image = { widthPixels: WIDTH, heightPixels: HEIGHT, format: ARGB, strideBytes: WIDTH * 4 };
    const content = new FakeExport(WIDTH * HEIGHT * 4, image);
    rig.registry.publish(uuid, fickle(plan, content));
    return uuid;
  });
  rig.command(rmsg.ctxCreate({ ctx: 1 }));
  const entries = rig.pages(PAGES, { width: WIDTH, height: HEIGHT });
  rig.command(rmsg.importUuid(1, uuids[0] as Uint8Array));
  rig.command(rmsg.importUuid(4, uuids[1] as Uint8Array));
  let fences = 0;
  const fence = () => ({ fence: ++fences, ctx: 1 });
  const snapshot = (withPixels: boolean) => {
    const { contexts, ...saved } = rig.device.save().type as { readonly contexts: unknown };
    return JSON.stringify({
      saved,
      contexts: rig.render.contexts,
      imports: rig.render.imports(),
      users: uuids.map((uuid) => rig.registry.get(uuid)?.users),
      pixels: withPixels ? [...rig.words(entries)] : [],
    });
  };
  return { plan, rig, uuids, fence, snapshot };
}

type Stage = ReturnType<typeof newStage>;

interface Command {
  readonly draws: boolean;
  readonly make: (stage: Stage) => Uint8Array;
}

const RECT = [0, 0, WIDTH, HEIGHT] as const;
const command = (make: Command["make"]): Command => ({ draws: false, make });
const drawing = (make: Command["make"]): Command => ({ draws: true, make });

const COMMANDS: readonly Command[] = [
  command(({ uuids: [first = new Uint8Array(16)], fence }) => rmsg.importUuid(3, first, null, fence())),
  command(({ uuids: [, second = new Uint8Array(16)], fence }) =>
    rmsg.importUuid(3, second, { width: 4, height: 2, stride: 40, offset: 8 }, fence()),
  ),
  command(({ fence }) => rmsg.getImport(1, fence())),
  command(({ fence }) => rmsg.release(1, fence())),
  command(({ fence }) => rmsg.importPages(3, [[0x80000, 4096]], { width: 8, height: 8 }, fence())),
  command(({ fence }) => rmsg.nop(fence())),
  ...[1, 4, PAGES].flatMap((id) => [
    drawing(({ fence }) => rmsg.fill(id, 0xff102030, RECT, fence())),
    drawing(({ fence }) => rmsg.gradient(id, RECT, [0, 0, 8, 4], [0xff000000, 0xffffffff], fence())),
    drawing(({ fence }) => rmsg.triangle(id, 30, RECT, [1, 2, 3], fence())),
    ...[1, 4, PAGES].map((source) => drawing(({ fence }) => rmsg.blit(id, source, 0, 0, RECT, fence()))),
  ]),
];

const ERRORS: readonly (() => Error)[] = [
  () => new BackendError("lost", "as planned"),
  () => new VirtioUsageError("as planned"),
  () => new TypeError("this exporter has a bug"),
];

const FIRST_ERROR = Math.min(...Object.values(RERR));

/** Sends a command whose exporters fail as planned; the type of its answer, which is looked at. */
function send(stage: Stage, { draws, make }: Command, what: string): number {
  const { plan, rig, snapshot } = stage;
  const { failAfter } = plan;
  plan.failAfter = -1;
  const before = snapshot(!draws);
  plan.failed = [];
  plan.failAfter = failAfter;
  const answer = rig.command(make(stage));
  plan.failAfter = -1;
  const isError = answer.type >= FIRST_ERROR;
  if (isError) assert.is(snapshot(!draws), before, `${what}: 0x${answer.type.toString(16)}, ${plan.failed}`);
  return answer.type;
}

test("whichever call of an exporter fails: a command answered with an error has changed nothing", () => {
  const calls = new Set<string>();
  let refused = 0;
  for (const [at, each] of COMMANDS.entries()) {
    for (const forGood of [false, true]) {
      for (let call = 0, made = true; made && call < 40; call++) {
        const what = ERRORS[(at + call) % ERRORS.length] as () => Error;
        const stage = newStage();
        Object.assign(stage.plan, { failAfter: call, what, forGood });
        const type = send(stage, each, `command ${at}, call ${call}, ${what().name}`);
        for (const name of stage.plan.failed) calls.add(name);
        made = stage.plan.failed.length > 0;
        if (type >= FIRST_ERROR) refused++;
        // Whatever it was, the device goes on, and the object is as good as before.
        assert.ok(stage.rig.command(rmsg.nop(stage.fence())).type < FIRST_ERROR);
        stage.rig.device.reset();
        assert.equal(
          stage.uuids.map((uuid) => stage.rig.registry.get(uuid)?.users),
          [0, 0],
        );
      }
    }
  }
  assert.equal([...calls].sort(), ALL_CALLS);
  assert.ok(refused > 50, String(refused));
});

test("an exporter whose answers mean nothing has nothing that could be imported", () => {
  for (const wrong of [
    { image: { widthPixels: Number.NaN, heightPixels: 4, strideBytes: 32, format: ARGB } },
    { image: { widthPixels: 8, heightPixels: 4, format: ARGB } },
    { image: 7 },
    { sizeBytes: Number.NaN },
    { sizeBytes: "128" },
    { sizeBytes: -1 },
  ]) {
    const { rig, fence } = newStage();
    const uuid = Uint8Array.from({ length: 16 }, (_, i) => (i === 6 ? 0x40 : i === 8 ? 0x80 : 3));
    const image = { widthPixels: WIDTH, heightPixels: HEIGHT, format: ARGB, strideBytes: WIDTH * 4 };
    const content: SharedContent = new FakeExport(WIDTH * HEIGHT * 4, image);
    rig.registry.publish(
      uuid,
      new Proxy(content, {
        get: (target, name) => ({ ...wrong })[name as "image"] ?? (Reflect.get(target, name) as unknown),
      }),
    );
    assert.is(rig.type(rmsg.importUuid(3, uuid, null, fence())), RERR.LAYOUT, JSON.stringify(wrong));
    assert.is(rig.registry.get(uuid)?.users, 0);
  }
});

test("the same for any commands in any order", () => {
  let refused = 0;
  for (let seed = 0; seed < 40; seed++) {
    const n = new Numbers(seed);
    const stage = newStage();
    for (let i = 0; i < 30; i++) {
      Object.assign(stage.plan, {
        failAfter: n.chance(60) ? n.below(6) : -1,
        what: n.pick(ERRORS),
        forGood: n.chance(30),
      });
      if (send(stage, n.pick(COMMANDS), `seed ${seed}, step ${i}`) >= FIRST_ERROR) refused++;
    }
  }
  assert.ok(refused > 200, String(refused));
});

test.run();
