import { errorFrom } from "../../../base/brands.ts";
import {
  VIRTIO_VDMABUF_CMD_DMABUF_REL,
  VIRTIO_VDMABUF_CMD_EXPORT,
  VIRTIO_VDMABUF_EXPORT,
  VIRTIO_VDMABUF_MSG,
  VIRTIO_VDMABUF_REL,
  VIRTIO_VDMABUF_REPLY,
} from "../../../wire/vdmabuf.ts";
import type { DmaBuffer, GuestAllocator } from "../../allocator.ts";
import type { DriverQueue } from "../../driver-queue.ts";
import { DriverError } from "../../errors.ts";
import { regionOf } from "../../guest-buffer.ts";
import { ElementList } from "../../rings/elements.ts";

/** What names a buffer: `vm id << 32 | counter`, and two random keys. Four unsigned 32-bit numbers. */
export interface VdmabufBufferId {
  readonly vmId: number;
  readonly counter: number;
  readonly key0: number;
  readonly key1: number;
}

/** The host's answer to a message. */
export interface VdmabufReply {
  readonly command: number;
  /** Operands 0 to 3. */
  readonly result: readonly [number, number, number, number];
  /** VIRTIO_VDMABUF_S_*. */
  readonly status: number;
}

/**
 * Where the host is to put its answers: `in-place` into room behind the message, or into the queue of the host's own
 * messages, as in the proposal.
 */
export type VdmabufReplies = "in-place" | "recv";

const MESSAGE_BYTES = VIRTIO_VDMABUF_MSG.sizeBytes;
const REPLY_BYTES = VIRTIO_VDMABUF_REPLY.sizeBytes;
// Both a multiple of 8, which is what allocations are aligned to.
const MESSAGE_ROOM = (MESSAGE_BYTES + 7) & ~7;
const SLOT_BYTES = MESSAGE_ROOM + ((REPLY_BYTES + 7) & ~7);

/** A message under way. */
export class VdmabufSlot {
  readonly index: number;
  busy = false;
  /** The buffer came back. */
  returned = false;
  reply: VdmabufReply | null = null;
  /** Bytes written behind the message. */
  written = 0;
  /** Its answer comes through the receive queue. */
  repliesByRecv = false;
  command = 0;
  counter = 0;

  constructor(index: number) {
    this.index = index;
  }

  get done(): boolean {
    return this.returned && (!this.repliesByRecv || this.reply !== null);
  }
}

/** Choices for a {@link VdmabufChannel}. */
interface ChannelOptions {
  readonly recv: DriverQueue;
  readonly send: DriverQueue;
  readonly allocator: GuestAllocator;
  /** Messages under way at once. */
  readonly slots: number;
  /** Buffers that wait for messages of the host. */
  readonly receiveBuffers: number;
  /** False while nothing may be made available: the device is suspended. */
  readonly isLive: () => boolean;
  readonly onRelease: (id: VdmabufBufferId) => void;
  /** The host said something that makes no sense. */
  readonly onStray: () => void;
}

/** Sends messages and matches answers to them; hears what the host says by itself. */
export class VdmabufChannel {
  readonly #options: ChannelOptions;
  readonly #sendMemory: DmaBuffer;
  readonly #recvMemory: DmaBuffer;
  readonly #slots: VdmabufSlot[];
  readonly #slotOfToken: number[] = [];
  readonly #receiverOfToken: number[] = [];
  readonly #elements = new ElementList(2);
  #failure: Error | null = null;
  /** Buffers were put back into the receive queue that the device does not see yet. */
  #refilled = false;

  constructor(options: ChannelOptions) {
    this.#options = options;
    const { allocator, slots, receiveBuffers } = options;
    this.#sendMemory = allocator.allocate(slots * SLOT_BYTES);
    this.#recvMemory = allocator.allocate(Math.max(1, receiveBuffers) * MESSAGE_ROOM);
    this.#slots = Array.from({ length: slots }, (_, index) => new VdmabufSlot(index));
    options.recv.onUsed = () => this.#processInterrupt(options.recv);
    options.send.onUsed = () => this.#processInterrupt(options.send);
    for (let i = 0; i < receiveBuffers; i++) this.#receive(i);
    options.recv.kick();
  }

  // Sending

  /**
   * Sends a message with room for an answer of `replyBytes` bytes. Returns its slot, to be given to {@link finish}.
   * Throws {@link DriverError} ENOSPC when too many are under way.
   */
  send(message: Uint8Array, replyBytes: number, repliesByRecv: boolean): VdmabufSlot {
    const slot = this.#slots.find(({ busy }) => !busy);
    if (slot === undefined) throw new DriverError("ENOSPC", "too many messages are under way");
    if (message.length > MESSAGE_ROOM || replyBytes > SLOT_BYTES - MESSAGE_ROOM) {
      throw new DriverError("EINVAL", `a message of ${message.length} bytes, an answer of ${replyBytes}`);
    }
    const { offset } = this.#sendMemory;
    const { u8 } = regionOf(this.#sendMemory);
    const at = slot.index * SLOT_BYTES;
    u8.fill(0, offset + at, offset + at + SLOT_BYTES);
    u8.set(message, offset + at);
    const elements = this.#elements;
    elements.clear();
    if (message.length > 0) elements.readableBuffer(this.#sendMemory, at, message.length);
    if (replyBytes > 0) elements.writableBuffer(this.#sendMemory, at + MESSAGE_ROOM, replyBytes);
    const token = this.#options.send.add(elements);
    if (token < 0) throw new DriverError("ENOSPC", "the send queue is full");
    this.#slotOfToken[token] = slot.index;
    slot.busy = true;
    slot.returned = false;
    slot.reply = null;
    slot.written = 0;
    slot.repliesByRecv = repliesByRecv;
    const words = new DataView(u8.buffer, u8.byteOffset + offset + at, MESSAGE_ROOM);
    slot.command = words.getUint32(VIRTIO_VDMABUF_MSG.cmd, true);
    slot.counter = words.getUint32(VIRTIO_VDMABUF_EXPORT.id, true);
    this.#options.send.kick();
    return slot;
  }

  /** Waits for the answer to a message and frees its slot. Null when there was no room for one. */
  finish(slot: VdmabufSlot): VdmabufReply | null {
    this.waitSync(() => slot.done);
    return this.#take(slot);
  }

  /** As {@link finish}, without blocking. */
  async finishAsync(slot: VdmabufSlot): Promise<VdmabufReply | null> {
    await this.wait(() => slot.done);
    return this.#take(slot);
  }

  /** Waits as {@link finish} does; the bytes that the device wrote behind the message. */
  finishRaw(slot: VdmabufSlot): Uint8Array<ArrayBuffer> {
    this.waitSync(() => slot.returned);
    const from = this.#sendMemory.offset + slot.index * SLOT_BYTES + MESSAGE_ROOM;
    const bytes = new Uint8Array(slot.written);
    bytes.set(regionOf(this.#sendMemory).u8.subarray(from, from + slot.written));
    slot.busy = false;
    return bytes;
  }

  #take(slot: VdmabufSlot): VdmabufReply | null {
    const { reply, written, index, repliesByRecv } = slot;
    slot.busy = false;
    if (repliesByRecv) return reply;
    if (written < REPLY_BYTES) throw new DriverError("EIO", `the host's answer has ${written} bytes`);
    return this.#decode(this.#sendMemory, index * SLOT_BYTES + MESSAGE_ROOM);
  }

  #decode(buffer: DmaBuffer, position: number): VdmabufReply {
    const { u8 } = regionOf(buffer);
    const view = new DataView(u8.buffer, u8.byteOffset + buffer.offset + position, REPLY_BYTES);
    const result = (i: number) => view.getUint32(VIRTIO_VDMABUF_REPLY.result + 4 * i, true);
    return {
      command: view.getUint32(VIRTIO_VDMABUF_REPLY.cmd, true),
      result: [result(0), result(1), result(2), result(3)],
      status: view.getUint32(VIRTIO_VDMABUF_REPLY.status, true),
    };
  }

  // Waiting

  /** Takes in messages until `done`. Throws {@link DriverError} ETIMEDOUT, or EIO when the device needs a reset. */
  waitSync(done: () => boolean): void {
    for (this.process(); !done(); this.process()) this.#busyQueue.waitUsedSync(done);
  }

  /** As {@link waitSync}, without blocking. */
  async wait(done: () => boolean): Promise<void> {
    for (this.process(); !done(); this.process()) await this.#busyQueue.waitUsed(done);
  }

  /** Where the next thing happens: answers in place come before what the host says by itself. */
  get #busyQueue(): DriverQueue {
    const { send, recv } = this.#options;
    return send.ring.inFlight > 0 ? send : recv;
  }

  // Receiving

  /** Takes in whatever came back. Throws {@link DriverError} EIO when the device broke a ring. */
  process(): void {
    const failure = this.#failure;
    if (failure !== null) {
      this.#failure = null;
      throw failure;
    }
    this.#processSent();
    this.#processReceived();
  }

  #processSent(): void {
    const { send } = this.#options;
    for (let token = send.pollUsed(); token >= 0; token = send.pollUsed()) {
      const slot = this.#slots[this.#slotOfToken[token] as number] as VdmabufSlot;
      slot.written = send.ring.lastWritten;
      slot.returned = true;
    }
  }

  #processReceived(): void {
    const { recv } = this.#options;
    for (let token = recv.pollUsed(); token >= 0; token = recv.pollUsed()) {
      const index = this.#receiverOfToken[token] as number;
      this.#hear(index * MESSAGE_ROOM, recv.ring.lastWritten);
      this.#receive(index);
      this.#refilled = true;
    }
    if (!this.#refilled || !this.#options.isLive()) return;
    this.#refilled = false;
    recv.kick();
  }

  /** Makes a buffer available to the host, with room for the longest message. */
  #receive(index: number): void {
    const elements = this.#elements;
    elements.clear();
    elements.writableBuffer(this.#recvMemory, index * MESSAGE_ROOM, MESSAGE_BYTES);
    const token = this.#options.recv.add(elements);
    if (token < 0) throw new DriverError("ENOSPC", "the receive queue is smaller than its buffers");
    this.#receiverOfToken[token] = index;
  }

  /** A message of the host; whatever it is, the guest lives on. */
  #hear(position: number, lengthBytes: number): void {
    if (lengthBytes < VIRTIO_VDMABUF_REL.sizeBytes) {
      this.#options.onStray();
      return;
    }
    const message = this.#decode(this.#recvMemory, position);
    if (message.command === VIRTIO_VDMABUF_CMD_DMABUF_REL) {
      const [counter, vmId, key0, key1] = message.result;
      this.#options.onRelease({ vmId, counter, key0, key1 });
      return;
    }
    const slot =
      lengthBytes < REPLY_BYTES ? undefined : this.#slots.find((each) => isAnsweredBy(each, message));
    if (slot === undefined) this.#options.onStray();
    else slot.reply = message;
  }

  /** A device that broke a ring must not throw into the code that delivers interrupts: the next call learns of it. */
  #processInterrupt(queue: DriverQueue): void {
    try {
      do {
        if (queue === this.#options.send) this.#processSent();
        else this.#processReceived();
      } while (queue.ring.enableNotifications());
    } catch (error) {
      this.#failure = errorFrom(error);
    }
  }

  /** Frees the memory; the device must have been reset. */
  close(): void {
    const { allocator } = this.#options;
    allocator.free(this.#sendMemory);
    allocator.free(this.#recvMemory);
  }
}

function isAnsweredBy(slot: VdmabufSlot, message: VdmabufReply): boolean {
  if (!slot.busy || !slot.repliesByRecv || slot.reply !== null || slot.command !== message.command)
    return false;
  return message.command !== VIRTIO_VDMABUF_CMD_EXPORT || slot.counter === message.result[0];
}
