import { type DeviceType, SharedObjectRegistry, type SharedObjectUse } from "../../../src/device/index.ts";
import { VdmabufDevice, VdmabufHost } from "../../../src/devices/vdmabuf/index.ts";
import {
  DMABUF_REL,
  EXPORT,
  exportMessage,
  NEED_VMID,
  PAGE,
  RECV,
  readWords,
  S,
  SEND,
  words,
} from "../vdmabuf-messages.ts";
import { hex, type Offer, type Subject, type Surroundings, type Use } from "./subject.ts";
import type { Taken } from "./watched-type.ts";

const REPLY_BYTES = 24;
const RELEASE_BYTES = 20;
/** Tables and pages of good exports. */
const TOP = 0xc000;
const SECOND = 0xd000;
const LIMITS = { maxBuffers: 4, maxPagesPerBuffer: 600, maxPages: 700, maxPrivateBytes: 64, maxEvents: 5 };
/** Pages of all memory that a machine has, or a few more. */
const MOST_PAGES = 40;

/** A Vdmabuf device whose importer has moods, and whose buffers another device uses now and then. */
export class VdmabufSubject implements Subject {
  readonly kind = "vdmabuf";
  readonly #around: Surroundings;
  readonly #withRegistry: boolean;
  readonly #vmId: number;
  readonly #uses: SharedObjectUse[] = [];
  #registry = new SharedObjectRegistry();
  #device: VdmabufDevice | null = null;

  constructor(around: Surroundings) {
    this.#around = around;
    this.#withRegistry = around.numbers.chance(50);
    this.#vmId = around.numbers.pick([1, 7, 0xffffffff]);
  }

  get #vdmabuf(): VdmabufDevice {
    if (this.#device === null) throw new Error("there is no vdmabuf");
    return this.#device;
  }

  make(): DeviceType {
    const { numbers: n, mood } = this.#around;
    this.#registry = new SharedObjectRegistry();
    const host = new VdmabufHost({
      importer: {
        onExport: (buffer) => {
          // One in a good mood takes what there is and keeps it: what was restored, too.
          if (mood.badness === 0) return;
          mood.nothing();
          if (n.chance(30)) buffer.release();
          if (n.chance(3)) throw new Error("not this one");
        },
        onRelease: () => {
          if (n.chance(3)) mood.reenter();
        },
      },
      ...(this.#withRegistry && { sharedObjects: this.#registry }),
    });
    this.#device = new VdmabufDevice({
      host,
      vmId: this.#vmId,
      limits: LIMITS,
      queueSize: 8,
      ...(n.chance(30) && { onMessage: () => {} }),
    });
    return this.#device;
  }

  next(): Offer {
    const { numbers: n } = this.#around;
    if (n.chance(30)) {
      return {
        queue: RECV,
        request: new Uint8Array(n.chance(95) ? 0 : 5),
        room: n.pick([24, 24, 20, 19, 3]),
      };
    }
    const request = n.chance(85) ? this.#export() : words(n.pick([NEED_VMID, DMABUF_REL, n.weird()]));
    if (n.chance(5)) request[n.below(request.length)] = n.below(256);
    const cut = n.chance(5) ? request.slice(0, n.below(request.length + 1)) : request;
    return { queue: SEND, request: cut, room: n.chance(70) ? REPLY_BYTES : n.below(40) };
  }

  #export(): Uint8Array<ArrayBuffer> {
    const { numbers: n } = this.#around;
    const pages = n.pick([1, 1, 1, 2, 3, 8, 512, 513, n.weird()]);
    const top = this.#writeTables(Math.min(pages, 16));
    const data = new Uint8Array(n.pick([0, 0, 40, 70]));
    return exportMessage({
      counter: n.below(8),
      vmId: n.chance(92) ? this.#vmId : n.weird(),
      key0: n.chance(95) ? 1 : n.weird(),
      key1: 2,
      pages,
      offset: n.chance(80) ? 0 : n.weird(),
      last: n.chance(80) ? PAGE : n.weird(),
      topHi: Number(top >> 32n),
      top: Number(top & 0xffffffffn),
      data,
      privateSize: n.chance(95) ? data.length : n.weird(),
    });
  }

  /** Fills in tables; returns the address of the first, which may be any. */
  #writeTables(pages: number): bigint {
    const { numbers: n, memory } = this.#around;
    const table = new DataView(memory.view(SECOND, PAGE).buffer, memory.view(SECOND, PAGE).byteOffset, PAGE);
    const aligned = (): bigint => {
      const at = this.#around.chooseMemory(PAGE);
      return n.chance(96) ? (at >> 12n) << 12n : at;
    };
    for (let i = 0; i < pages; i++) {
      const good = this.#around.deviceAddress(0xe000 + PAGE * n.below(8));
      table.setBigUint64(8 * i, n.chance(80) ? good : aligned(), true);
    }
    const top = memory.view(TOP, PAGE);
    const entries = new DataView(top.buffer, top.byteOffset, PAGE);
    for (let i = 0; i < 3; i++) {
      const good = this.#around.deviceAddress(n.chance(90) ? SECOND : TOP);
      entries.setBigUint64(8 * i, n.chance(92) ? good : aligned(), true);
    }
    return n.chance(90) ? this.#around.deviceAddress(TOP) : aligned();
  }

  began(): void {}
  taken(): void {}
  wasReset(): void {}
  allowances(): void {}
  tick(): void {}

  judge(chain: Taken, response: Uint8Array): string | null {
    if (chain.queue === RECV) return this.#judgeEvent(response);
    const expected = Math.min(REPLY_BYTES, chain.writableBytes);
    if (response.length !== expected) return `an answer of ${response.length} bytes`;
    if (response.length < REPLY_BYTES) return null;
    return this.#judgeReply(response, readWords(chain.request));
  }

  #judgeEvent(response: Uint8Array): string | null {
    if (response.length === 0) return null;
    if (response.length === REPLY_BYTES) return this.#judgeReply(response, null);
    if (response.length !== RELEASE_BYTES) return `an event of ${response.length} bytes`;
    const [command, , vmId] = readWords(response);
    return command === DMABUF_REL && vmId === this.#vmId ? null : "no release of a buffer of this VM";
  }

  #judgeReply(response: Uint8Array, asked: readonly number[] | null): string | null {
    const [command = 0, counter = 0, vmId = 0, key0 = 0, key1 = 0, status = 0] = readWords(response);
    if (status > S.IMPORT) return `status ${status}`;
    if (command === NEED_VMID && (vmId !== 0 || key0 !== 0 || key1 !== 0)) return "an id with keys";
    if (command === NEED_VMID && counter !== (status === S.OK ? this.#vmId : 0)) return "the wrong VM id";
    // Of a message that is too long nothing is read but the command.
    if (asked === null || command !== EXPORT || status === S.LENGTH) return null;
    const same = [command, counter, vmId, key0, key1].every((word, i) => word === asked[i]);
    return same ? null : `an answer to something else: ${hex(response)}`;
  }

  check(): void {
    const device = this.#vdmabuf;
    const { buffers } = device;
    if (buffers.length > LIMITS.maxBuffers) throw new Error(`${buffers.length} buffers`);
    const pages = buffers.reduce((sum, { pageCount }) => sum + pageCount, 0);
    if (pages > Math.min(LIMITS.maxPages, LIMITS.maxBuffers * MOST_PAGES)) throw new Error(`${pages} pages`);
    if (device.pendingEvents > LIMITS.maxEvents) throw new Error("events beyond the limit");
    if (this.#registry.size > LIMITS.maxBuffers) throw new Error("shared objects beyond the limit");
    const some = new Uint8Array(64);
    for (const buffer of buffers) {
      const position = Math.max(0, buffer.sizeBytes - 50);
      if (buffer.read(position, some, 0, 64) > buffer.sizeBytes - position) throw new Error("read too much");
      if (buffer.write() !== 0) throw new Error("a buffer of the guest was written to");
    }
  }

  /** The importer gives a buffer back, or another device takes or leaves one. */
  happen(): void {
    const { numbers: n } = this.#around;
    const { buffers } = this.#vdmabuf;
    if (buffers.length > 0 && n.chance(60)) n.pick(buffers).release();
    else if (this.#uses.length > 0 && n.chance(60)) this.#uses.shift()?.release();
    else if (buffers.length > 0) {
      const { id } = n.pick(buffers);
      const use = this.#registry.acquire(new Uint8Array(words(id.counter, id.vmId, id.key0, id.key1)), () => {
        if (n.chance(10)) this.#around.mood.reenter();
      });
      if (use !== null) this.#uses.push(use);
    }
  }

  look(): void {
    void this.#vdmabuf.buffers;
  }

  fingerprint(): string {
    return JSON.stringify([
      this.#vdmabuf.buffers.filter(({ held }) => held).map(({ id, sizeBytes }) => ({ ...id, sizeBytes })),
    ]);
  }

  finishWork(): void {
    for (const use of this.#uses.splice(0)) use.release();
  }

  emptied(): void {
    const device = this.#vdmabuf;
    if (device.buffers.length !== 0) throw new Error("a reset left buffers");
    if (device.pendingEvents !== 0) throw new Error("a reset left events");
    if (this.#registry.size !== 0) throw new Error("a reset left shared objects");
    if (this.#uses.some(({ content }) => content !== null)) throw new Error("a reset left a use");
  }

  use(use: Use): void {
    const { memory } = this.#around;
    const answer = readWords(use(SEND, words(NEED_VMID), REPLY_BYTES));
    if (answer[1] !== this.#vmId || answer[5] !== S.OK) throw new Error("the VM id cannot be had");
    memory.write(0xe000, new Uint8Array(PAGE).fill(0x42));
    memory.write(TOP, words(SECOND, 0));
    memory.write(SECOND, words(0xe000, 0));
    const message = exportMessage({ counter: 100, vmId: this.#vmId, top: TOP });
    const status = readWords(use(SEND, message, REPLY_BYTES))[5];
    if (status !== S.OK) throw new Error(`an export gets status ${status}`);
    const copy = new Uint8Array(PAGE);
    for (const buffer of this.#vdmabuf.buffers) {
      if (buffer.read(0, copy, 0, PAGE) !== PAGE || copy.some((byte) => byte !== 0x42)) {
        throw new Error("after a reset a buffer holds something else");
      }
      buffer.release();
    }
    if (this.#vdmabuf.buffers.length !== 0) throw new Error("a buffer cannot be given back");
  }
}
