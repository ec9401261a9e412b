import type { GpuChannel } from "./gpu-channel.ts";
import type { GpuRequests } from "./gpu-requests.ts";
import {
  decodeCapset,
  decodeCapsetInfo,
  decodeDisplayInfo,
  decodeEdid,
  decodeMapInfo,
  decodeNothing,
  decodeUuid,
  type ResponseDecoder,
} from "./responses.ts";

/** How the response of each command is decoded. */
const GPU_RESPONSE_DECODERS = {
  getDisplayInfo: decodeDisplayInfo,
  getEdid: decodeEdid,
  resourceCreate2D: decodeNothing,
  resourceUnref: decodeNothing,
  setScanout: decodeNothing,
  resourceFlush: decodeNothing,
  transferToHost2D: decodeNothing,
  resourceAttachBacking: decodeNothing,
  resourceDetachBacking: decodeNothing,
  getCapsetInfo: decodeCapsetInfo,
  getCapset: decodeCapset,
  resourceAssignUuid: decodeUuid,
  resourceCreateBlob: decodeNothing,
  setScanoutBlob: decodeNothing,
  ctxCreate: decodeNothing,
  ctxDestroy: decodeNothing,
  ctxAttachResource: decodeNothing,
  ctxDetachResource: decodeNothing,
  resourceCreate3D: decodeNothing,
  transferToHost3D: decodeNothing,
  transferFromHost3D: decodeNothing,
  submit3D: decodeNothing,
  resourceMapBlob: decodeMapInfo,
  resourceUnmapBlob: decodeNothing,
  raw: (bytes: Uint8Array<ArrayBuffer>) => bytes,
} satisfies { [K in keyof GpuRequests]?: ResponseDecoder<unknown> };

/** Commands that {@link GpuAsync} has. */
export type GpuCommandName = keyof typeof GPU_RESPONSE_DECODERS;

/**
 * The commands of the control queue as promises. Commands of one turn of the event loop go out with one notification.
 * Rejects with `GpuCommandError` for error responses, `DriverError` otherwise.
 */
export type GpuAsync = {
  readonly [K in GpuCommandName]: (
    ...args: Parameters<GpuRequests[K]>
  ) => Promise<ReturnType<(typeof GPU_RESPONSE_DECODERS)[K]>>;
};

/** Makes the promise form of every command. */
export function makeAsync(requests: GpuRequests): GpuAsync {
  const sender = new Sender(requests.channel);
  const methods: Record<string, unknown> = {};
  for (const name of Object.keys(GPU_RESPONSE_DECODERS) as GpuCommandName[]) {
    const decode: ResponseDecoder<unknown> = GPU_RESPONSE_DECODERS[name];
    const queue = requests[name].bind(requests) as (...args: unknown[]) => number;
    methods[name] = (...args: unknown[]) => sender.send(() => queue(...args), decode);
  }
  return methods as GpuAsync;
}

/** Sends in order, waits for room without blocking, and keeps one pump going while somebody waits. */
class Sender {
  readonly #channel: GpuChannel;
  /** Settles once everything before was queued; null while nothing waits for room. */
  #before: Promise<void> | null = null;
  #kicking = false;
  #pumping = false;

  constructor(channel: GpuChannel) {
    this.#channel = channel;
  }

  async send<T>(queue: () => number, decode: ResponseDecoder<T>): Promise<T> {
    if (this.#before !== null || !this.#channel.hasRoom) {
      const fence = this.#channel.disarmFence();
      const turn = this.#waitForRoom(this.#before);
      this.#before = turn;
      try {
        await turn;
      } finally {
        if (this.#before === turn) this.#before = null;
      }
      if (fence !== null) this.#channel.armFence(fence);
    }
    const answer = this.#channel.settle(queue(), decode);
    this.#kickSoon();
    return answer;
  }

  async #waitForRoom(before: Promise<void> | null): Promise<void> {
    await before;
    await this.#channel.waitForRoom();
  }

  #kickSoon(): void {
    if (this.#kicking) return;
    this.#kicking = true;
    void Promise.resolve().then(() => {
      this.#kicking = false;
      this.#channel.kickOrReject();
      if (!this.#pumping) void this.#pump();
    });
  }

  async #pump(): Promise<void> {
    this.#pumping = true;
    await this.#channel.pump();
    this.#pumping = false;
  }
}
