import { hi32, lo32 } from "../../../base/u64.ts";
import {
  VIRTIO_RENDER_FLAG_FENCE,
  VIRTIO_RENDER_HDR,
  VIRTIO_RENDER_RESP_ERR_UNSPEC,
} from "../../../wire/render.ts";
import { renderCommandName, renderResponseName } from "../../../wire/render-names.ts";
import type { DmaBuffer, GuestAllocator } from "../../allocator.ts";
import type { DriverQueue } from "../../driver-queue.ts";
import { DriverError } from "../../errors.ts";
import { regionOf } from "../../guest-buffer.ts";
import { ElementList } from "../../rings/elements.ts";
import { RenderCommandError } from "./render-error.ts";

const HEADER_BYTES = VIRTIO_RENDER_HDR.sizeBytes;

/** Any type of response will do: for requests whose answer the caller reads himself. */
export const ANY_RENDER_RESPONSE = 0xffffffff;

/**
 * The answer to a command, once it is there. For a fenced command it is the fence.
 *
 * @example
 * ```ts
 * const reply = render.requests.nop();
 * reply.onDone(() => console.log(reply.error ?? "done"));
 * ```
 */
export class RenderReply<T = void> {
  /** VIRTIO_RENDER_CMD_*. */
  readonly command: number;
  readonly contextId: number;
  /** 0 for a command without a fence. */
  readonly fenceId: number;
  #done = false;
  #error: DriverError | null = null;
  #value: T | undefined = undefined;
  #waiting: (() => void)[] = [];

  /** @internal */
  constructor(command: number, contextId: number, fenceId: number) {
    this.command = command;
    this.contextId = contextId;
    this.fenceId = fenceId;
  }

  /** True once the answer is there, or never will be. */
  get done(): boolean {
    return this.#done;
  }

  /** What went wrong; null on success, and before the answer is there. */
  get error(): DriverError | null {
    return this.#error;
  }

  /** What the device answered. Throws the {@link error}, or {@link DriverError} EBUSY before the answer is there. */
  get value(): T {
    if (!this.#done) throw new DriverError("EBUSY", `${renderCommandName(this.command)} is under way`);
    if (this.#error !== null) throw this.#error;
    return this.#value as T;
  }

  /** Calls once the answer is there: at once when it is already. */
  onDone(call: () => void): void {
    if (this.#done) call();
    else this.#waiting.push(call);
  }

  /** @internal */
  resolve(value: T): void {
    this.#settle(null, value);
  }

  /** @internal */
  reject(error: DriverError): void {
    this.#settle(error, undefined);
  }

  #settle(error: DriverError | null, value: T | undefined): void {
    if (this.#done) return;
    this.#done = true;
    this.#error = error;
    this.#value = value;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const call of waiting) call();
  }
}

/** One command as it is sent. */
export interface RenderMessage<T> {
  readonly command: number;
  readonly contextId: number;
  readonly fenced: boolean;
  /** Of the whole request, its header included. */
  readonly requestBytes: number;
  /** Fills in what stands behind the header; the rest is zero. */
  readonly fill: (request: DataView) => void;
  /** Type of the successful response. */
  readonly expected: number;
  readonly responseBytes: number;
  /** Reads the response: a private copy, as long as what the device wrote, at least `responseBytes`. */
  readonly decode: (response: DataView) => T;
}

interface Pending {
  readonly memory: DmaBuffer;
  readonly requestBytes: number;
  readonly responseAt: number;
  readonly responseBytes: number;
  readonly reply: RenderReply<unknown>;
  readonly complete: (response: DataView, written: number) => void;
}

/** Choices for a {@link RenderChannel}. */
export interface RenderChannelOptions {
  readonly queue: DriverQueue;
  readonly allocator: GuestAllocator;
}

/**
 * The queue of a render device. Requests that find no room in the ring wait in memory and go when there is; nothing
 * blocks but {@link wait}.
 *
 * @example
 * ```ts
 * const reply = render.requests.fill(importId, 0xff00ff00, rect);
 * render.requests.channel.kick();
 * render.requests.channel.wait(reply);
 * ```
 */
export class RenderChannel {
  readonly queue: DriverQueue;
  readonly #allocator: GuestAllocator;
  readonly #elements = new ElementList(2);
  /** With the device, by token. */
  readonly #pending = new Map<number, Pending>();
  /** Without room in the ring yet, the oldest first. */
  #backlog: Pending[] = [];
  /** The last fence id of each context. */
  readonly #fences = new Map<number, number>();
  /** Memory that a device which broke its ring may still write to. */
  #lost: DmaBuffer[] = [];
  #captured: RenderReply<unknown>[] | null = null;
  #closed = false;

  constructor(options: RenderChannelOptions) {
    this.queue = options.queue;
    this.#allocator = options.allocator;
    this.queue.onUsed = () => this.#interrupted();
  }

  /** Requests that are not answered. */
  get outstanding(): number {
    return this.#pending.size + this.#backlog.length;
  }

  /** The last fence id used in a context, 0 at the beginning. */
  lastFence(contextId: number): number {
    return this.#fences.get(contextId) ?? 0;
  }

  /** A context is no more: another of the same id begins anew. */
  forgetFences(contextId: number): void {
    this.#fences.delete(contextId);
  }

  /** Queues a request; the device sees it with the next {@link kick}. Throws {@link DriverError} ENOMEM. */
  send<T>(message: RenderMessage<T>): RenderReply<T> {
    if (this.#closed) throw new DriverError("ECANCELED", "the driver was closed");
    const { command, contextId, fenced, requestBytes, responseBytes } = message;
    const responseAt = (requestBytes + 7) & ~7;
    const memory = this.#allocator.allocate(responseAt + Math.max(responseBytes, 1));
    const fenceId = fenced ? this.lastFence(contextId) + 1 : 0;
    if (fenced) this.#fences.set(contextId, fenceId);
    const view = viewOf(memory, 0, requestBytes);
    if (requestBytes >= HEADER_BYTES) {
      view.setUint32(VIRTIO_RENDER_HDR.type, command, true);
      view.setUint32(VIRTIO_RENDER_HDR.flags, fenced ? VIRTIO_RENDER_FLAG_FENCE : 0, true);
      view.setUint32(VIRTIO_RENDER_HDR.fence_id, lo32(fenceId), true);
      view.setUint32(VIRTIO_RENDER_HDR.fence_id + 4, hi32(fenceId), true);
      view.setUint32(VIRTIO_RENDER_HDR.ctx_id, contextId, true);
    }
    message.fill(view);
    const reply = new RenderReply<T>(command, contextId, fenceId);
    this.#captured?.push(reply as RenderReply<unknown>);
    this.#submit({
      memory,
      requestBytes,
      responseAt,
      responseBytes,
      reply: reply as RenderReply<unknown>,
      complete: (response, written) => complete(message, reply, response, written),
    });
    return reply;
  }

  /** Calls `queue`, and returns the replies of everything that it queued. */
  capture(queue: () => void): RenderReply<unknown>[] {
    const replies: RenderReply<unknown>[] = [];
    const outer = this.#captured;
    this.#captured = replies;
    try {
      queue();
    } finally {
      this.#captured = outer;
    }
    return replies;
  }

  #submit(pending: Pending): void {
    if (this.#backlog.length > 0 || !this.#add(pending)) this.#backlog.push(pending);
  }

  #add(pending: Pending): boolean {
    const elements = this.#elements;
    elements.clear();
    elements.readableBuffer(pending.memory, 0, pending.requestBytes);
    if (pending.responseBytes > 0) {
      elements.writableBuffer(pending.memory, pending.responseAt, pending.responseBytes);
    }
    const token = this.queue.add(elements);
    if (token < 0) return false;
    this.#pending.set(token, pending);
    return true;
  }

  /** Shows the device what is queued, as far as there is room for it. Returns true when it was notified. */
  kick(): boolean {
    return this.queue.ring.unpublished > 0 && this.queue.kick();
  }

  /**
   * Takes in whatever the device has answered, and sends what waited for room. Throws {@link DriverError} EIO when the
   * device broke the ring; everybody who waits learns of it, too.
   */
  process(): void {
    try {
      // Armed anew each time: with event indexes a device interrupts once for what it was asked for, and no more.
      do this.#takeAnswers();
      while (this.queue.ring.enableNotifications());
    } catch (error) {
      if (error instanceof DriverError) this.#fail(error);
      throw error;
    }
  }

  #takeAnswers(): void {
    const { queue } = this;
    for (let token = queue.pollUsed(); token >= 0; token = queue.pollUsed()) {
      const pending = this.#pending.get(token) as Pending;
      const written = queue.ring.lastWritten;
      this.#pending.delete(token);
      const copy = new Uint8Array(Math.min(written, pending.responseBytes));
      const at = pending.memory.offset + pending.responseAt;
      copy.set(regionOf(pending.memory).u8.subarray(at, at + copy.length));
      this.#allocator.free(pending.memory);
      this.#refill();
      pending.complete(new DataView(copy.buffer), written);
    }
  }

  #refill(): void {
    let sent = 0;
    while (sent < this.#backlog.length && this.#add(this.#backlog[sent] as Pending)) sent++;
    if (sent === 0) return;
    this.#backlog.splice(0, sent);
    this.kick();
  }

  /** A device that broke the ring must not throw into the code that delivers interrupts. */
  #interrupted(): void {
    try {
      this.process();
    } catch (error) {
      if (!(error instanceof DriverError)) throw error;
    }
  }

  /** Sends what is queued and waits for an answer. Throws what went wrong. */
  wait<T>(reply: RenderReply<T>): T {
    while (!reply.done) {
      this.kick();
      if (!reply.done) this.queue.waitUsedSync(() => reply.done);
      this.process();
    }
    return reply.value;
  }

  /** As {@link wait}, without blocking. */
  async settled<T>(reply: RenderReply<T>): Promise<T> {
    while (!reply.done) {
      this.kick();
      if (!reply.done) await this.queue.waitUsed(() => reply.done);
      this.process();
    }
    return reply.value;
  }

  #fail(error: DriverError): void {
    const failed = [...this.#pending.values(), ...this.#backlog];
    this.#pending.clear();
    this.#backlog = [];
    for (const { memory } of failed) this.#lost.push(memory);
    for (const { reply } of failed) reply.reject(error);
  }

  /** Gives up everything under way and frees its memory. Only after the device was reset. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const given = [...this.#pending.values(), ...this.#backlog];
    this.#pending.clear();
    this.#backlog = [];
    for (const memory of [...given.map((each) => each.memory), ...this.#lost]) this.#allocator.free(memory);
    this.#lost = [];
    for (const { reply } of given) reply.reject(new DriverError("ECANCELED", "the device was reset"));
  }
}

/** Checks a response and settles the reply. */
function complete<T>(
  message: RenderMessage<T>,
  reply: RenderReply<T>,
  response: DataView,
  written: number,
): void {
  const { command, expected, responseBytes } = message;
  const name = renderCommandName(command);
  if (expected === ANY_RENDER_RESPONSE) {
    reply.resolve(message.decode(response));
    return;
  }
  const type = response.byteLength >= HEADER_BYTES ? response.getUint32(VIRTIO_RENDER_HDR.type, true) : 0;
  if (type >= VIRTIO_RENDER_RESP_ERR_UNSPEC && type < VIRTIO_RENDER_RESP_ERR_UNSPEC + 0x100) {
    reply.reject(new RenderCommandError(command, type));
  } else if (type !== expected || response.byteLength < responseBytes) {
    const answered = `${renderResponseName(type)} (${written} bytes)`;
    reply.reject(new DriverError("EIO", `${name}: answered with ${answered}`));
  } else if (reply.fenceId !== 0 && !echoes(response, reply.fenceId)) {
    reply.reject(new DriverError("EIO", `${name}: the response has another fence than ${reply.fenceId}`));
  } else {
    reply.resolve(message.decode(response));
  }
}

function echoes(response: DataView, fenceId: number): boolean {
  return (
    (response.getUint32(VIRTIO_RENDER_HDR.flags, true) & VIRTIO_RENDER_FLAG_FENCE) !== 0 &&
    response.getUint32(VIRTIO_RENDER_HDR.fence_id, true) === lo32(fenceId) &&
    response.getUint32(VIRTIO_RENDER_HDR.fence_id + 4, true) === hi32(fenceId)
  );
}

function viewOf(buffer: DmaBuffer, at: number, lengthBytes: number): DataView {
  const { u8 } = regionOf(buffer);
  return new DataView(u8.buffer, u8.byteOffset + buffer.offset + at, lengthBytes);
}
