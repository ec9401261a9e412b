import { VirtioUsageError } from "../../../base/errors.ts";
import {
  COUNT_FROM_0_RULE,
  COUNT_RULE,
  checkArgument,
  checkOptions,
  type OptionRules,
} from "../../../base/options.ts";
import { VIRTIO_ID_DMABUF } from "../../../wire/common.ts";
import {
  VIRTIO_VDMABUF_CMD_EXPORT,
  VIRTIO_VDMABUF_CMD_NEED_VMID,
  VIRTIO_VDMABUF_EVENTS,
  VIRTIO_VDMABUF_MAX_PRIVATE_BYTES,
  VIRTIO_VDMABUF_PAGE_BYTES,
  VIRTIO_VDMABUF_RECVQ,
  VIRTIO_VDMABUF_REPLY,
  VIRTIO_VDMABUF_S_OK,
  VIRTIO_VDMABUF_SENDQ,
} from "../../../wire/vdmabuf.ts";
import type { GuestAllocator } from "../../allocator.ts";
import type { DriverQueue } from "../../driver-queue.ts";
import { DriverError } from "../../errors.ts";
import { REFUSE_RULE } from "../../features.ts";
import type { GuestBuffer } from "../../guest-buffer.ts";
import { VIRTIO_DRIVER_RULE, type VirtioDriver } from "../../virtio-driver.ts";
import { VdmabufGuestBuffer } from "./vdmabuf-buffer.ts";
import {
  type VdmabufBufferId,
  VdmabufChannel,
  type VdmabufReplies,
  type VdmabufReply,
  type VdmabufSlot,
} from "./vdmabuf-channel.ts";
import { VdmabufStatusError } from "./vdmabuf-error.ts";
import { exportMessage, needVmIdMessage } from "./vdmabuf-messages.ts";

declare const crypto: { getRandomValues(target: Uint32Array<ArrayBuffer>): unknown };

/** The proposal counts buffers up to here, then from 0 again. */
const MAX_COUNTER = 0x7fffffff;
const DEFAULT_SLOTS = 16;
const DEFAULT_RECEIVE_BUFFERS = 32;
const NOTHING = new Uint8Array(0);

/** Choices for a {@link VdmabufDriver}. */
export interface VdmabufDriverOptions {
  /** Feature bits not to accept. */
  readonly refuse?: readonly number[];
  /** Where the host is to put its answers. Default `in-place`. */
  readonly replies?: VdmabufReplies;
  /** Buffers that wait for messages of the host; 0 for a guest that never listens. Default 32. */
  readonly receiveBuffers?: number;
  /** Messages under way at once. Default 16. */
  readonly slots?: number;
  /** Fills the keys of identifiers with random words. Default: the platform's cryptographic generator. */
  readonly randomWords?: (target: Uint32Array<ArrayBuffer>) => void;
}

const RULES: OptionRules<VdmabufDriverOptions> = {
  refuse: REFUSE_RULE,
  replies: { oneOf: ["in-place", "recv"] },
  receiveBuffers: COUNT_FROM_0_RULE,
  slots: COUNT_RULE,
  randomWords: "function",
};

/** Something the host did, as the user of the driver sees it. */
export interface VdmabufDriverEvent {
  readonly kind: "released";
  readonly buffer: VdmabufGuestBuffer;
}

/**
 * Drives a Vdmabuf device, an experiment described in src/devices/vdmabuf/PROTOCOL.md: hands the pages of buffers to
 * the host and learns when they come back.
 *
 * @example
 * ```ts
 * const vdmabuf = VdmabufDriver.start(new VirtioDriver(transport, { allocator }));
 * const buffer = vdmabuf.allocate(640 * 480 * 4);
 * buffer.pages.fill(0xff);
 * vdmabuf.export(buffer, encodeVdmabufPicture({ width: 640, height: 480, format: 2 }));
 * vdmabuf.waitReleased(buffer); // now the guest may draw again
 * ```
 */
export class VdmabufDriver {
  readonly driver: VirtioDriver;
  readonly allocator: GuestAllocator;
  /** Events that nobody took in time: there are never more than 32, one more drops the oldest. */
  eventsDropped = 0;
  /** Messages of the host that made no sense: of buffers it does not hold, with wrong keys, too short. */
  strayMessages = 0;
  readonly #channel: VdmabufChannel;
  readonly #replies: VdmabufReplies;
  readonly #randomWords: (target: Uint32Array<ArrayBuffer>) => void;
  readonly #buffers = new Set<VdmabufGuestBuffer>();
  /** Buffers that have an identifier, by its counter. */
  readonly #named = new Map<number, VdmabufGuestBuffer>();
  #events: VdmabufDriverEvent[] = [];
  #vmId: number | null = null;
  #counter = 0;

  private constructor(
    driver: VirtioDriver,
    recv: DriverQueue,
    send: DriverQueue,
    options: VdmabufDriverOptions,
  ) {
    this.driver = driver;
    this.allocator = driver.platform.allocator;
    this.#replies = options.replies ?? "in-place";
    this.#randomWords = options.randomWords ?? ((target) => void crypto.getRandomValues(target));
    this.#channel = new VdmabufChannel({
      recv,
      send,
      allocator: this.allocator,
      slots: options.slots ?? DEFAULT_SLOTS,
      receiveBuffers: Math.min(options.receiveBuffers ?? DEFAULT_RECEIVE_BUFFERS, recv.ring.size),
      isLive: () => driver.state === "live",
      onRelease: (id) => this.#released(id),
      onStray: () => this.strayMessages++,
    });
  }

  /** Initializes the device and returns its driver. Throws {@link DriverError}; the device has FAILED then. */
  static start(driver: VirtioDriver, options: VdmabufDriverOptions = {}): VdmabufDriver {
    checkOptions("VdmabufDriver.start", options, RULES);
    checkArgument("VdmabufDriver.start", "driver", driver, VIRTIO_DRIVER_RULE);
    const queues: DriverQueue[] = [];
    driver.initialize({
      deviceId: VIRTIO_ID_DMABUF,
      features: [],
      refuse: options.refuse ?? [],
      setUp: () => {
        queues.push(
          driver.setUpQueue({ index: VIRTIO_VDMABUF_RECVQ, name: "recv" }),
          driver.setUpQueue({ index: VIRTIO_VDMABUF_SENDQ, name: "send" }),
        );
      },
    });
    const [recv, send] = queues as [DriverQueue, DriverQueue];
    return new VdmabufDriver(driver, recv, send, options);
  }

  // Who am I?

  /** The id of this VM, null until the host was asked. */
  get vmId(): number | null {
    return this.#vmId;
  }

  /** Sends VIRTIO_VDMABUF_CMD_NEED_VMID; the id of this VM. */
  needVmId(): number {
    return this.#takeVmId(this.#channel.finish(this.#sendMessage(needVmIdMessage())));
  }

  /** As {@link needVmId}, without blocking. */
  async needVmIdAsync(): Promise<number> {
    return this.#takeVmId(await this.#channel.finishAsync(this.#sendMessage(needVmIdMessage())));
  }

  #takeVmId(reply: VdmabufReply | null): number {
    const { result } = this.#check(VIRTIO_VDMABUF_CMD_NEED_VMID, reply);
    this.#vmId = result[0];
    return result[0];
  }

  // Buffers

  /**
   * Allocates a buffer in pages of its own, scattered unless `contiguous`. Throws {@link DriverError} ENOMEM, EINVAL
   * for more than 1 GiB.
   */
  allocate(lengthBytes: number, contiguous = false): VdmabufGuestBuffer {
    const pages = this.allocator.allocatePages(
      Math.ceil(lengthBytes / VIRTIO_VDMABUF_PAGE_BYTES),
      contiguous,
    );
    try {
      return this.#add(pages, 0, lengthBytes, true);
    } catch (error) {
      this.allocator.freePages(pages);
      throw error;
    }
  }

  /**
   * Makes a buffer of pages that belong to somebody else, such as a framebuffer of a gpu; the data starts and ends at
   * any byte. Throws {@link VirtioUsageError} for a range that is not inside.
   */
  wrap(
    pages: GuestBuffer,
    offsetBytes = 0,
    lengthBytes: number = pages.lengthBytes - offsetBytes,
  ): VdmabufGuestBuffer {
    if (!(offsetBytes >= 0 && lengthBytes > 0 && offsetBytes + lengthBytes <= pages.lengthBytes)) {
      throw new VirtioUsageError(`${lengthBytes} bytes from ${offsetBytes} on of ${pages.lengthBytes}`);
    }
    return this.#add(pages, offsetBytes, lengthBytes, false);
  }

  #add(pages: GuestBuffer, offsetBytes: number, lengthBytes: number, owned: boolean): VdmabufGuestBuffer {
    const buffer = new VdmabufGuestBuffer(this.allocator, pages, offsetBytes, lengthBytes, owned);
    this.#buffers.add(buffer);
    return buffer;
  }

  /** Frees a buffer. Throws {@link DriverError} EBUSY while the host holds it. */
  free(buffer: VdmabufGuestBuffer): void {
    if (buffer.exported) throw new DriverError("EBUSY", "the host holds the buffer");
    if (!this.#buffers.delete(buffer))
      throw new VirtioUsageError("the buffer is not of this driver, or was freed");
    if (buffer.id !== null) this.#named.delete(buffer.id.counter);
    this.#freeMemory(buffer);
  }

  #freeMemory(buffer: VdmabufGuestBuffer): void {
    buffer.tables.free();
    if (buffer.ownsPages) this.allocator.freePages(buffer.pages);
  }

  // Exporting

  /**
   * Sends VIRTIO_VDMABUF_CMD_EXPORT: from now on, and until its release, the buffer is the host's. Throws
   * {@link DriverError} EBUSY while the host holds it, EINVAL for more than 216 bytes of private data, and
   * {@link VdmabufStatusError} when the host says no; the buffer is the guest's then.
   */
  export(buffer: VdmabufGuestBuffer, privateData: Uint8Array = NOTHING): void {
    if (this.#vmId === null) this.needVmId();
    const slot = this.#sendExport(buffer, privateData);
    try {
      this.#check(VIRTIO_VDMABUF_CMD_EXPORT, this.#channel.finish(slot));
    } catch (error) {
      notTaken(buffer, error);
      throw error;
    }
  }

  /** As {@link export}, without blocking. */
  async exportAsync(buffer: VdmabufGuestBuffer, privateData: Uint8Array = NOTHING): Promise<void> {
    if (this.#vmId === null) await this.needVmIdAsync();
    const slot = this.#sendExport(buffer, privateData);
    try {
      this.#check(VIRTIO_VDMABUF_CMD_EXPORT, await this.#channel.finishAsync(slot));
    } catch (error) {
      notTaken(buffer, error);
      throw error;
    }
  }

  #sendExport(buffer: VdmabufGuestBuffer, privateData: Uint8Array): VdmabufSlot {
    if (buffer.exported) throw new DriverError("EBUSY", "the host holds the buffer");
    if (privateData.length > VIRTIO_VDMABUF_MAX_PRIVATE_BYTES) {
      throw new DriverError("EINVAL", `${privateData.length} bytes of private data`);
    }
    if (!this.#buffers.has(buffer))
      throw new VirtioUsageError("the buffer is not of this driver, or was freed");
    buffer.id ??= this.#newId(buffer);
    // Before it is sent: the host may give the buffer back before the answer is here.
    buffer.exported = true;
    buffer.exports++;
    try {
      return this.#sendMessage(exportMessage(buffer, buffer.id, privateData));
    } catch (error) {
      buffer.exported = false;
      buffer.exports--;
      throw error;
    }
  }

  #newId(buffer: VdmabufGuestBuffer): VdmabufBufferId {
    // With all numbers in use there would be no memory left.
    do this.#counter = this.#counter < MAX_COUNTER ? this.#counter + 1 : 0;
    while (this.#named.has(this.#counter));
    const keys = new Uint32Array(2);
    this.#randomWords(keys);
    this.#named.set(this.#counter, buffer);
    return {
      vmId: this.#vmId as number,
      counter: this.#counter,
      key0: keys[0] as number,
      key1: keys[1] as number,
    };
  }

  #sendMessage(message: Uint8Array): VdmabufSlot {
    const byRecv = this.#replies === "recv";
    return this.#channel.send(message, byRecv ? 0 : VIRTIO_VDMABUF_REPLY.sizeBytes, byRecv);
  }

  #check(command: number, reply: VdmabufReply | null): VdmabufReply {
    if (reply === null || reply.command !== command) {
      throw new DriverError("EIO", "the host answers another message than was sent");
    }
    if (reply.status !== VIRTIO_VDMABUF_S_OK) throw new VdmabufStatusError(command, reply.status);
    return reply;
  }

  /** Any bytes as a message, with room for an answer of up to 24 bytes; what came back. For testing devices. */
  raw(message: Uint8Array, replyBytes: number = VIRTIO_VDMABUF_REPLY.sizeBytes): Uint8Array<ArrayBuffer> {
    return this.#channel.finishRaw(this.#channel.send(message, replyBytes, false));
  }

  // What the host says

  /** Takes in what came from the device, without waiting. */
  process(): void {
    this.#channel.process();
  }

  /** Waits until the host gives a buffer back. */
  waitReleased(buffer: VdmabufGuestBuffer): void {
    this.#channel.waitSync(() => !buffer.exported);
  }

  /** As {@link waitReleased}, without blocking. */
  waitReleasedAsync(buffer: VdmabufGuestBuffer): Promise<void> {
    return this.#channel.wait(() => !buffer.exported);
  }

  /** What happened since the last call, oldest first; at most 32 events. */
  takeEvents(): readonly VdmabufDriverEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  #released(id: VdmabufBufferId): void {
    const buffer = this.#named.get(id.counter);
    // The keys are there so that nobody can make the guest write into a buffer that the host still reads.
    if (buffer === undefined || !buffer.exported || !hasId(buffer, id)) {
      this.strayMessages++;
      return;
    }
    buffer.exported = false;
    buffer.releases++;
    if (this.#events.length === VIRTIO_VDMABUF_EVENTS) {
      this.#events.shift();
      this.eventsDropped++;
    }
    this.#events.push({ kind: "released", buffer });
  }

  /** Resets the device, takes all buffers back and frees them. */
  close(): void {
    this.driver.reset();
    this.#channel.close();
    for (const buffer of this.#buffers) {
      buffer.exported = false;
      this.#freeMemory(buffer);
    }
    this.#buffers.clear();
    this.#named.clear();
  }
}

function hasId({ id }: VdmabufGuestBuffer, other: VdmabufBufferId): boolean {
  return id !== null && id.vmId === other.vmId && id.key0 === other.key0 && id.key1 === other.key1;
}

/** Only a host that says no leaves the buffer to the guest: without an answer nobody knows whose it is. */
function notTaken(buffer: VdmabufGuestBuffer, error: unknown): void {
  if (!(error instanceof VdmabufStatusError)) return;
  buffer.exported = false;
  buffer.exports--;
}
