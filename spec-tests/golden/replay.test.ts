// Everything a real kernel sent to a virtio-gpu is accepted, and answered as its device answered.
//
// The captures hold only the first entries of long lists, and begin with resources of earlier in the boot on the screen
// (the console's): the rest of the lists is made up so that the sums match, and such resources are made first.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Sent } from "../../src/testing/index.ts";
import { gpuCommandName } from "../../src/wire/index.ts";
import { CONTROLQ, CURSORQ, concat, type Entry, entries, F, msg, OK } from "../support/gpu-messages.ts";
import { expectOk, GpuRig, pattern } from "../support/gpu-rig.ts";

const FOLDER = "spec-tests/fixtures/golden/linux-6.1";
const MEMORY_BYTES = 128 << 20;
const BYTES_PER_PIXEL = 4;

const FEATURES: Readonly<Record<string, readonly number[]>> = {
  edid: [F.EDID],
  uuid: [F.EDID, F.UUID],
  blob: [F.EDID, F.UUID, F.BLOB],
};

const RESPONSES: Readonly<Record<string, number>> = {
  OK_NODATA: OK.NODATA,
  OK_DISPLAY_INFO: OK.DISPLAY_INFO,
  OK_EDID: OK.EDID,
  OK_RESOURCE_UUID: OK.UUID,
};

interface Rect {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

/** A command of a capture. */
interface Captured {
  readonly seq: number;
  readonly q: "control" | "cursor";
  readonly cmd: string;
  readonly hdr: { readonly type: string };
  readonly args: {
    readonly resource_id?: number;
    readonly scanout_id?: number;
    readonly r?: Rect;
    readonly offset?: number;
    readonly size?: number;
    readonly width?: number;
    readonly height?: number;
    readonly x?: number;
    readonly y?: number;
    readonly nr_entries?: number;
    readonly entries_len_sum?: number;
    readonly entries?: readonly { readonly len: number }[];
  };
  readonly desc: {
    readonly indirect: boolean;
    readonly out: readonly number[];
    readonly in: readonly number[];
  };
  readonly kick: number;
  readonly resp: { type: string; written: number; flags: number; fence_id: number } | null;
  readonly hex: string;
}

function load(set: string, scenario: string): Captured[] {
  return readFileSync(join(FOLDER, set, `${scenario}.jsonl`), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Captured)
    .filter((record) => record.cmd !== undefined);
}

/** Lengths of the entries of a list: those captured, and others up to the number and the sum. */
function entryLengths(args: Captured["args"]): number[] {
  const lengths = (args.entries ?? []).map(({ len }) => len);
  const total = args.nr_entries ?? 0;
  let left = (args.entries_len_sum ?? 0) - lengths.reduce((sum, length) => sum + length, 0);
  while (lengths.length < total) {
    const last = lengths.length === total - 1;
    const length = last ? left : 4096 * Math.max(1, Math.floor(left / 4096 / (total - lengths.length)));
    lengths.push(length);
    left -= length;
  }
  assert.is(left, 0);
  return lengths;
}

/** Commands of one kind undo what each other did. */
function kindOf(cmd: string): string {
  return cmd.startsWith("SET_SCANOUT") ? "SET_SCANOUT" : cmd;
}

class Replay {
  readonly rig: GpuRig;
  readonly #isBlobSet: boolean;
  readonly #backing = new Map<number, Entry[]>();
  readonly #widths = new Map<number, number>();
  commands = 0;

  constructor(set: string) {
    this.#isBlobSet = set === "blob";
    const features = FEATURES[set] ?? [];
    this.rig = new GpuRig(
      {
        displays: [{ widthPixels: 1280, heightPixels: 800 }],
        features: {
          edid: true,
          resourceUuid: features.includes(F.UUID),
          resourceBlob: features.includes(F.BLOB),
        },
      },
      // What the kernel sent with one notification is looked at right after it, however much it is.
      { features, memoryBytes: MEMORY_BYTES, device: { maxTurnWork: 2 ** 30 - 1 } },
    );
  }

  /** Guest memory with something in it, in pieces of these lengths. */
  #pages(id: number, lengths: readonly number[]): Entry[] {
    const pages = lengths.map((length): Entry => {
      const address = this.rig.allocate(length + 4096, 4096);
      this.rig.memory.view(address, length).set(pattern(length, address));
      return [address, length];
    });
    this.#backing.set(id, pages);
    return pages;
  }

  /** Makes the resources that commands refer to before any of them made them. */
  prepare(commands: readonly Captured[]): void {
    const made = new Set<number>([0]);
    const size = new Map<number, { w: number; h: number }>();
    for (const { cmd, args } of commands) {
      const id = args.resource_id ?? 0;
      if (cmd === "RESOURCE_CREATE_2D" || cmd === "RESOURCE_CREATE_BLOB") made.add(id);
      if (made.has(id)) continue;
      const { r } = args;
      const { w, h } = size.get(id) ?? { w: 0, h: 0 };
      size.set(id, { w: Math.max(w, (r?.x ?? 0) + (r?.w ?? 0)), h: Math.max(h, (r?.y ?? 0) + (r?.h ?? 0)) });
    }
    for (const [id, { w, h }] of size) {
      const lengths = [w * h * BYTES_PER_PIXEL];
      if (this.#isBlobSet) {
        expectOk(
          this.rig.command(
            msg.createBlob(id, { size: lengths[0] as number, entries: this.#pages(id, lengths) }),
          ),
        );
      } else {
        expectOk(this.rig.command(msg.create2d(id, 2, w, h)));
        expectOk(this.rig.command(msg.attach(id, this.#pages(id, lengths))));
        this.#widths.set(id, w);
      }
    }
  }

  /** Sends the commands as they were sent: what had one notification has one here. */
  run(commands: readonly Captured[]): void {
    let batch: Captured[] = [];
    const flush = () => {
      if (batch.length > 0) this.#send(batch);
      batch = [];
    };
    for (const command of commands) {
      const first = batch[0];
      if (first !== undefined && (first.kick !== command.kick || first.q !== command.q)) flush();
      batch.push(command);
    }
    flush();
  }

  #send(batch: readonly Captured[]): void {
    const queue = batch[0]?.q === "cursor" ? CURSORQ : CONTROLQ;
    const sent = batch.map((command) => this.#offer(queue, command));
    const before = this.rig.interrupts[queue] as number;
    this.rig.notify(queue);
    assert.is(this.rig.interrupts[queue], before + 1);
    for (const [i, command] of batch.entries()) {
      this.#check(command, sent[i] as Sent);
      // What a later command of the batch did again can't be seen any more.
      const again = batch.slice(i + 1).some(({ cmd }) => kindOf(cmd) === kindOf(command.cmd));
      if (!again) this.#checkEffect(command);
    }
  }

  #offer(queue: number, command: Captured): Sent {
    const head = Uint8Array.from(Buffer.from(command.hex, "hex"));
    const { args, desc } = command;
    assert.is(head.length, desc.out[0]);
    const parts = [head];
    if (desc.out.length > 1) {
      const pages = this.#pages(args.resource_id ?? 0, entryLengths(args));
      parts.push(entries(pages));
      assert.is(parts[1]?.length, desc.out[1]);
    }
    if (command.cmd === "RESOURCE_CREATE_2D") this.#widths.set(args.resource_id ?? 0, args.width ?? 0);
    return this.rig.offer(queue, parts, desc.in, desc.indirect);
  }

  #check(command: Captured, sent: Sent): void {
    this.commands++;
    const answer = this.rig.answer(sent);
    const where = `${command.cmd} ${command.seq}`;
    assert.is(gpuCommandName(Number(command.hdr.type)), `VIRTIO_GPU_CMD_${command.cmd}`);
    assert.is(answer.written, command.resp?.written ?? 0, where);
    if (command.resp !== null) {
      assert.is(answer.type, RESPONSES[command.resp.type], where);
      assert.is(answer.flags, command.resp.flags, where);
      assert.is(answer.fence, BigInt(command.resp.fence_id), where);
    }
  }

  /** What the display and the resource must look like after the command. */
  #checkEffect({ cmd, args }: Captured): void {
    const { r, resource_id: id = 0 } = args;
    const screen = this.rig.display.screen(args.scanout_id ?? 0);
    switch (cmd) {
      case "SET_SCANOUT":
      case "SET_SCANOUT_BLOB":
        assert.is(screen.source?.resourceId ?? 0, id);
        if (id === 0 || r === undefined) break;
        assert.equal([screen.source?.widthPixels, screen.source?.heightPixels], [r.w, r.h]);
        assert.is(screen.source?.pages !== null, this.#isBlobSet);
        break;
      case "RESOURCE_FLUSH":
        if (screen.source?.resourceId !== id || r === undefined) break;
        assert.equal(screen.damage, { x: r.x, y: r.y, widthPixels: r.w, heightPixels: r.h });
        break;
      case "TRANSFER_TO_HOST_2D":
        if (!this.#isBlobSet && r !== undefined) this.#checkPixels(id, r);
        break;
      case "UPDATE_CURSOR":
        assert.is(this.rig.gpu.cursor(args.scanout_id ?? 0) !== null, id !== 0);
        break;
      case "MOVE_CURSOR":
        assert.equal([screen.cursorX, screen.cursorY], [(args.x ?? 0) | 0, (args.y ?? 0) | 0]);
        break;
      default:
        break;
    }
  }

  /** The first and last row of a transferred rectangle against the guest's memory. */
  #checkPixels(id: number, r: Rect): void {
    // Its pixels can be seen while it is on the screen only.
    const source = this.rig.display.screen(0).source;
    if (source?.resourceId !== id) return;
    const stride = (this.#widths.get(id) ?? 0) * BYTES_PER_PIXEL;
    for (const y of [r.y, r.y + r.h - 1]) {
      const at = y * stride + r.x * BYTES_PER_PIXEL;
      const length = r.w * BYTES_PER_PIXEL;
      assert.equal(source.pixels?.slice(at, at + length), this.#guestBytes(id, at, length));
    }
  }

  #guestBytes(id: number, position: number, length: number): Uint8Array {
    const parts: Uint8Array[] = [];
    let start = 0;
    for (const [address, size] of this.#backing.get(id) ?? []) {
      const from = Math.max(position, start);
      const end = Math.min(position + length, start + size);
      if (from < end) parts.push(this.rig.memory.read(Number(address) + from - start, end - from));
      start += size;
    }
    return concat(...parts);
  }
}

for (const set of Object.keys(FEATURES)) {
  const test = suite(`linux 6.1, ${set}`);
  const scenarios = readdirSync(join(FOLDER, set))
    .filter((name) => name.endsWith(".jsonl") && !name.startsWith("_"))
    .map((name) => name.slice(0, -".jsonl".length));
  for (const scenario of scenarios) {
    test(scenario, () => {
      const replay = new Replay(set);
      replay.run(load(set, "init"));
      if (scenario === "init") {
        assert.is(replay.commands, 2);
        return;
      }
      const commands = load(set, scenario);
      replay.prepare(commands);
      replay.run(commands);
      assert.is(replay.commands, commands.length + 2);
      assert.is(replay.rig.gpu.counters.errors, 0);
    });
  }
  test.run();
}
