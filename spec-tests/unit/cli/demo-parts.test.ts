// The parts of the demo, each by itself.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { styleFor } from "../../../src/cli/console.ts";
import { describeParameters } from "../../../src/cli/demo/device/parameters.ts";
import { PainterDevice, type PainterRecord } from "../../../src/cli/demo/painter/painter-device.ts";
import { PainterDriver } from "../../../src/cli/demo/painter/painter-driver.ts";
import { PAINTER_REQUEST } from "../../../src/cli/demo/painter/protocol.ts";
import type { Chapter, CommandLine } from "../../../src/cli/demo/protocol.ts";
import { Picture, type Rect } from "../../../src/cli/demo/scene/picture.ts";
import {
  boundingBox,
  drawCard,
  drawDamage,
  drawShared,
  drawTrack,
  layOutScene,
} from "../../../src/cli/demo/scene/scene.ts";
import { formatCount, formatTimeline } from "../../../src/cli/demo/timeline.ts";
import { integerBetween, subsetOf } from "../../../src/cli/option-values.ts";
import { type SharedContent, SharedObjectRegistry, VirtioDevice } from "../../../src/device/index.ts";
import { DriverError, GuestAllocator, MmioDriverTransport, VirtioDriver } from "../../../src/driver/index.ts";
import { GuestMemory } from "../../../src/memory/index.ts";
import { MmioTransport } from "../../../src/transport/mmio/index.ts";

const PLAIN = styleFor(false);

const text = suite("demo, words");

text("parameters", () => {
  assert.is(
    describeParameters({ resource_id: 2, format: 2, width: 64, height: 48 }),
    "resource 2 64×48 B8G8R8X8",
  );
  assert.is(
    describeParameters({
      r: { x: 1, y: 2, width: 3, height: 4 },
      scanout_id: 0,
      resource_id: 5,
      strides: [256, 0, 0, 0],
      offsets: [0, 0, 0, 0],
    }),
    "resource 5 scanout 0 3×4+1+2 stride 256",
  );
  assert.is(
    describeParameters({
      resource_id: 3,
      blob_mem: 1,
      blob_flags: 6,
      blob_id: 0n,
      size: 4096n,
      nr_entries: 1000,
    }),
    "resource 3 GUEST SHAREABLE|CROSS_DEVICE 4,096 bytes 1,000 entries",
  );
  assert.is(
    describeParameters({ blob_mem: 9, blob_id: 7n, pos: { x: 1, scanout_id: 2 }, list: [1, 2] }),
    "blob_mem 9 blob 7 pos {scanout 2 x 1} list [1,2]",
  );
  assert.is(describeParameters({}), "");
});

text("numbers", () => {
  assert.is(formatCount(0), "0");
  assert.is(formatCount(999.6), "1,000");
  assert.is(formatCount(1234567), "1,234,567");
});

function command(at: number, changes: Partial<CommandLine> = {}): CommandLine {
  return {
    at: BigInt(at),
    queue: "controlq",
    head: 1,
    readable: [24],
    writable: [24],
    name: `C${at}`,
    parameters: "",
    response: "OK_NODATA",
    reason: "",
    fence: null,
    bytesCopied: 0,
    ...changes,
  };
}

text("a timeline puts commands under their chapters, and leaves out the middle of long ones", () => {
  const chapters: Chapter[] = [
    { at: 0n, title: "first" },
    { at: 10n, title: "empty" },
    { at: 10n, title: "second" },
  ];
  const commands = [3, 9, 10, 11, 12, 13, 14, 15].map((at) => command(at));
  const lines = formatTimeline(commands, chapters, { head: 2, tail: 1 }, PLAIN)
    .split("\n")
    .filter((line) => line !== "")
    .slice(1)
    .map((line) => /C\d+|^\w+$|… \d+/.exec(line)?.[0]);
  assert.equal(lines, ["first", "C3", "C9", "empty", "second", "C10", "C11", "… 3", "C15"]);
  const all = formatTimeline(commands.slice(0, 6), chapters, { head: 2, tail: 1 }, PLAIN);
  assert.match(all, /C13/, "one line left out would save nothing");
});

text("a timeline tells of failures, fences and copies", () => {
  const failed = command(1_500_000, {
    response: "ERR_UNSPEC",
    reason: "no such resource",
    fence: 7n,
    bytesCopied: 4096,
    writable: [],
    readable: [32, 16000],
    parameters: "resource 9",
  });
  const out = formatTimeline([failed], [{ at: 0n, title: "t" }], { head: 1, tail: 1 }, PLAIN);
  assert.match(
    out,
    /1\.500 {2}controlq {5}1 {3}32\+16000 → 0 {2}C1500000 +resource 9 → ERR_UNSPEC fence 7, 4,096 bytes copied, no such resource\n$/,
  );
});

text("option values", () => {
  const number = integerBetween(2, 16);
  assert.is(number("2"), 2);
  assert.is(number("16"), 16);
  for (const wrong of ["1", "17", "", " 3", "3.0", "0x3", "1e1", "-3", "+3", "999999999999999999"]) {
    assert.throws(() => number(wrong), /from 2 to 16/, wrong);
  }
  const subset = subsetOf(["a", "b"]);
  assert.equal(subset("b,a"), ["a", "b"]);
  assert.equal(subset("b, b"), ["b"]);
  assert.equal(subset("none"), []);
  for (const wrong of ["", "c", "a,,b", "a,none", "A"])
    assert.throws(() => subset(wrong), /choose from a, b/);
});
text.run();

const scene = suite("demo, its scene");

scene("is inside the screen at every size, and its parts don't overlap", () => {
  for (const [width, height] of [
    [64, 64],
    [4096, 64],
    [64, 4096],
    [321, 199],
    [1280, 800],
  ] as const) {
    const layout = layOutScene(width, height);
    const { damage, shared, track, clips } = layout;
    for (const rect of [damage, shared, track, ...clips, boundingBox(clips)]) {
      assert.ok(rect.width > 0 && rect.height > 0, `${width}×${height}`);
      assert.ok(rect.x >= 0 && rect.x + rect.width <= width);
      assert.ok(rect.y >= 0 && rect.y + rect.height <= height);
    }
    assert.ok(damage.x + damage.width <= shared.x);
    assert.ok(damage.y + damage.height <= track.y);
    const box = boundingBox(clips);
    assert.ok(box.x >= damage.x && box.y >= damage.y);
    assert.ok(box.x + box.width <= damage.x + damage.width && box.y + box.height <= damage.y + damage.height);
  }
});

scene("what is drawn stays in its place, and moves from frame to frame", () => {
  const layout = layOutScene(320, 200);
  const inside = (rect: Rect, i: number): boolean => {
    const [x, y] = [i % 320, Math.floor(i / 320)];
    return x >= rect.x && x < rect.x + rect.width && y >= rect.y && y < rect.y + rect.height;
  };
  const steps: readonly (readonly [Rect, (picture: Picture) => void])[] = [
    [boundingBox(layout.clips), (picture) => drawDamage(picture, layout)],
    [layout.shared, (picture) => drawShared(picture, layout.shared, layout.unit)],
    [layout.track, (picture) => drawTrack(picture, layout.track, layout.unit, 5, 9)],
    [layout.track, (picture) => drawTrack(picture, layout.track, layout.unit, 6, 9)],
  ];
  const picture = new Picture(320, 200);
  drawCard(picture, layout);
  for (const [rect, draw] of steps) {
    const before = picture.pixels.slice();
    draw(picture);
    const changed = [...before.keys()].filter((i) => before[i] !== picture.pixels[i]);
    assert.ok(changed.length > 0);
    assert.ok(changed.every((i) => inside(rect, i)));
  }
});

scene("looks the same wherever it is drawn", () => {
  const layout = layOutScene(320, 200);
  const { track, shared, unit } = layout;
  const large = new Picture(320, 200);
  for (const frame of [0, 1, 17, 60, 200]) {
    for (const [rect, draw] of [
      [track, (picture: Picture, at: Rect) => drawTrack(picture, at, unit, frame, 200)],
      [shared, (picture: Picture, at: Rect) => drawShared(picture, at, unit)],
    ] as const) {
      const small = new Picture(rect.width, rect.height);
      draw(large, rect);
      draw(small, { ...rect, x: 0, y: 0 });
      for (let y = 0; y < rect.height; y++) {
        const from = (rect.y + y) * large.width + rect.x;
        const row = large.pixels.slice(from, from + rect.width);
        assert.equal(
          row,
          small.pixels.slice(y * rect.width, (y + 1) * rect.width),
          `frame ${frame}, row ${y}`,
        );
      }
    }
  }
});

scene("pictures are clipped", () => {
  const picture = new Picture(4, 3);
  picture.fill({ x: -2, y: -2, width: 3, height: 3 }, 1);
  picture.fill({ x: 3, y: 2, width: 9, height: 9 }, 2);
  picture.fill({ x: 9, y: 9, width: 2, height: 2 }, 3);
  assert.equal([...picture.pixels], [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
  const bytes = new Uint8Array(4 * 3 * 4);
  picture.copyTo(
    {
      write: (position, source, offset, length) =>
        bytes.set(source.subarray(offset, offset + length), position),
    },
    16,
    { x: 3, y: 2, width: 5, height: 5 },
    -1,
    -1,
  );
  assert.is(bytes.indexOf(2), 16 + 2 * 4, "little-endian, at the moved place");
});
scene.run();

/** A painter and its driver in one thread, with one shared object. */
class PainterPair {
  readonly records: PainterRecord[] = [];
  readonly object = new Uint8Array(16 * 8 * 4);
  readonly uuid = new Uint8Array(16).fill(7);
  readonly registry = new SharedObjectRegistry();
  readonly driver: PainterDriver;
  readonly device: VirtioDevice;

  constructor() {
    const { object } = this;
    const content: SharedContent = {
      owner: "test",
      kind: "blob",
      sizeBytes: object.length,
      image: null,
      hostBytes: () => object,
      guestSegments: () => null,
      read: () => 0,
      write: (position, source, offset, length) => {
        object.set(source.subarray(offset, offset + length), position);
        return length;
      },
    };
    this.registry.publish(this.uuid, content);
    const memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(1 << 20) }]);
    const painter = new PainterDevice(this.registry, (record) => this.records.push(record));
    this.device = new VirtioDevice(painter, { memory });
    const bus = new MmioTransport(this.device);
    const transport = MmioDriverTransport.probe(bus);
    if (transport === null) throw new Error("no device");
    this.driver = PainterDriver.start(
      new VirtioDriver(transport, { allocator: new GuestAllocator(memory, { base: 4096 }) }),
      [],
    );
  }

  place(changes: { rect?: Partial<Rect>; strideBytes?: number; unit?: number; uuid?: Uint8Array } = {}) {
    const rect = { x: 2, y: 1, width: 10, height: 6, ...changes.rect };
    return { uuid: this.uuid, strideBytes: 64, unit: 1, ...changes, rect };
  }
}

const painter = suite("demo, the painter");
const fails = (error: unknown): boolean => error instanceof DriverError && error.code === "EIO";

painter("draws into the object and nowhere else of it", () => {
  const pair = new PainterPair();
  pair.driver.paintPanel(pair.place());
  const drawn = [...pair.object.keys()].filter((i) => pair.object[i] !== 0);
  const columns = drawn.map((i) => Math.floor((i % 64) / 4));
  const rows = drawn.map((i) => Math.floor(i / 64));
  assert.is(Math.min(...columns), 2);
  assert.is(Math.max(...columns), 11);
  assert.is(Math.min(...rows), 1);
  assert.is(Math.max(...rows), 6);
  assert.is(pair.records[0]?.status, "OK");
  assert.is(pair.records[0]?.readableBytes, PAINTER_REQUEST.sizeBytes);
});

painter("refuses what does not fit into the object", () => {
  const pair = new PainterPair();
  const MAX = 0xffffffff;
  for (const place of [
    pair.place({ rect: { width: 0 } }),
    pair.place({ rect: { height: 0 } }),
    pair.place({ rect: { x: 7 } }),
    pair.place({ rect: { y: 3 } }),
    pair.place({ rect: { x: MAX } }),
    pair.place({ rect: { y: MAX } }),
    pair.place({ rect: { width: MAX, height: MAX } }),
    pair.place({ strideBytes: 0 }),
    pair.place({ strideBytes: MAX }),
    pair.place({ strideBytes: 1 << 20 }),
  ]) {
    assert.throws(() => pair.driver.paintPanel(place), fails, JSON.stringify(place));
    assert.is(pair.records.at(-1)?.status, "ERR_REQUEST");
  }
  assert.ok(pair.object.every((byte) => byte === 0));
  pair.driver.paintTrack(pair.place({ unit: MAX }), MAX, MAX);
  assert.is(pair.records.at(-1)?.status, "OK");
});

painter("refuses objects that nobody shares, or not any more", () => {
  const pair = new PainterPair();
  const stranger = new Uint8Array(16).fill(8);
  assert.throws(() => pair.driver.paintPanel(pair.place({ uuid: stranger })), fails);
  assert.is(pair.records.at(-1)?.status, "ERR_NO_OBJECT");
  pair.driver.paintPanel(pair.place());
  assert.is(pair.registry.get(pair.uuid)?.users, 1);
  pair.registry.get(pair.uuid)?.revoke();
  assert.throws(() => pair.driver.paintPanel(pair.place()), fails);
  assert.is(pair.records.at(-1)?.status, "ERR_NO_OBJECT");
});

painter("lets go of objects when it is reset", () => {
  const pair = new PainterPair();
  pair.driver.paintPanel(pair.place());
  pair.device.reset();
  assert.is(pair.registry.get(pair.uuid)?.users, 0);
});
painter.run();
