import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  type FenceCounter,
  frameLikeLinux,
  GpuChannel,
  GpuCursorRequests,
  GpuRequests,
  MemEntryList,
} from "../../src/driver/index.ts";
import { drive, ECHO_DEVICE_ID, EchoDevice } from "../../src/testing/index.ts";

// What a real kernel put on the wire, command for command: the GPU driver given the same arguments must write the
// same bytes into elements of the same lengths.
const FOLDER = "spec-tests/fixtures/golden/linux-6.1";

interface Rect {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

interface Captured {
  readonly q: "control" | "cursor";
  readonly cmd: string;
  readonly hdr: { readonly flags: number; readonly fence_id: number };
  // biome-ignore lint/suspicious/noExplicitAny: the arguments differ from command to command
  readonly args: any;
  readonly desc: { readonly out: readonly number[]; readonly in: readonly number[] };
  readonly hex: string;
}

function entriesOf(args: Captured["args"]): MemEntryList {
  const entries = new MemEntryList();
  let left: number = args.entries_len_sum;
  for (let i = 0; i < args.nr_entries; i++) {
    const known = args.entries[i];
    const last = i + 1 === args.nr_entries;
    const length = known?.len ?? (last ? left : 4096);
    entries.add(0, Number(known?.addr ?? 0), length);
    left -= length;
  }
  return entries;
}

function send(requests: GpuRequests, cursor: GpuCursorRequests, { cmd, args }: Captured): boolean {
  const r: Rect = args.r ?? { x: 0, y: 0, w: 0, h: 0 };
  switch (cmd) {
    case "GET_DISPLAY_INFO":
      requests.getDisplayInfo();
      return true;
    case "GET_EDID":
      requests.getEdid(args.scanout);
      return true;
    case "RESOURCE_CREATE_2D":
      requests.resourceCreate2D(args.resource_id, args.format, args.width, args.height);
      return true;
    case "RESOURCE_UNREF":
      requests.resourceUnref(args.resource_id);
      return true;
    case "SET_SCANOUT":
      requests.setScanout(args.scanout_id, args.resource_id, r.x, r.y, r.w, r.h);
      return true;
    case "RESOURCE_FLUSH":
      requests.resourceFlush(args.resource_id, r.x, r.y, r.w, r.h);
      return true;
    case "TRANSFER_TO_HOST_2D":
      requests.transferToHost2D(args.resource_id, r.x, r.y, r.w, r.h, args.offset);
      return true;
    case "RESOURCE_ATTACH_BACKING":
      requests.resourceAttachBacking(args.resource_id, entriesOf(args));
      return true;
    case "RESOURCE_DETACH_BACKING":
      requests.resourceDetachBacking(args.resource_id);
      return true;
    case "RESOURCE_ASSIGN_UUID":
      requests.resourceAssignUuid(args.resource_id);
      return true;
    case "RESOURCE_CREATE_BLOB":
      requests.resourceCreateBlob(args.resource_id, {
        mem: args.blob_mem,
        flags: args.blob_flags,
        blobId: args.blob_id,
        sizeBytes: args.size,
        entries: entriesOf(args),
      });
      return true;
    case "SET_SCANOUT_BLOB":
      requests.setScanoutBlob(args.scanout_id, args.resource_id, {
        x: r.x,
        y: r.y,
        shownWidth: r.w,
        shownHeight: r.h,
        width: args.width,
        height: args.height,
        format: args.format,
        strides: args.strides,
        offsets: args.offsets,
      });
      return true;
    case "UPDATE_CURSOR":
      cursor.updateCursor(args.scanout_id, args.x, args.y, args.resource_id, args.hot_x, args.hot_y);
      return true;
    case "MOVE_CURSOR":
      cursor.moveCursor(args.scanout_id, args.x, args.y, args.resource_id, args.hot_x, args.hot_y);
      return true;
    default:
      return false;
  }
}

const test = suite("gpu driver against Linux 6.1");
for (const features of readdirSync(FOLDER)) {
  for (const file of readdirSync(join(FOLDER, features))) {
    test(`${features}/${file}: the same bytes in the same elements`, () => {
      const echo = new EchoDevice({ queues: 2 });
      const { driver, allocator } = drive(echo, { transport: "mmio" });
      driver.initialize({
        deviceId: ECHO_DEVICE_ID,
        features: [],
        setUp: () => {
          driver.setUpQueue({ index: 0, name: "controlq" });
          driver.setUpQueue({ index: 1, name: "cursorq" });
        },
      });
      const fences: FenceCounter = { last: 0 };
      const lengths: { out: number[]; in: number[] }[] = [];
      const channel = (index: number) => {
        const queue = driver.queue(index);
        if (queue === null) throw new Error("no queue");
        return new GpuChannel({
          queue,
          allocator,
          fences,
          slots: 4,
          frame: (elements, pieces) => {
            frameLikeLinux(elements, pieces);
            const all = [...elements.lengths.slice(0, elements.count)];
            lengths.push({
              out: all.slice(0, elements.readableCount),
              in: all.slice(elements.readableCount),
            });
          },
        });
      };
      const requests = new GpuRequests(channel(0), {
        hasFeature: () => true,
        blobAlignment: 1,
        permissive: false,
      });
      const cursor = new GpuCursorRequests(channel(1), false);
      let compared = 0;
      for (const line of readFileSync(join(FOLDER, features, file), "utf8").split("\n")) {
        if (!line.includes('"hex"')) continue;
        const captured = JSON.parse(line) as Captured;
        if ((captured.hdr.flags & 1) !== 0) {
          fences.last = captured.hdr.fence_id - 1;
          requests.fenceNext();
        }
        assert.ok(send(requests, cursor, captured), `no way to send ${captured.cmd}`);
        const used = captured.q === "control" ? requests.channel : cursor.channel;
        used.kick();
        used.process();
        used.takeFailures();
        const bytes = echo.seen.pop() ?? new Uint8Array();
        const head = captured.hex.length / 2;
        assert.is(Buffer.from(bytes.slice(0, head)).toString("hex"), captured.hex, captured.cmd);
        assert.equal(lengths.pop(), { out: [...captured.desc.out], in: [...captured.desc.in] }, captured.cmd);
        compared++;
      }
      assert.ok(compared > 0 || !file.startsWith("init"), "there is something to compare");
    });
  }
}
test.run();
