import type {
  DeviceHost,
  DeviceType,
  PlainValue,
  PreparedRestore,
  QueueDescription,
} from "../../../device/device-type.ts";
import type { SharedObjectRegistry, SharedObjectUse } from "../../../device/shared-objects.ts";
import { type DescriptorChain, Scratch } from "../../../virtqueue/chain.ts";
import type { DeviceQueue } from "../../../virtqueue/device-queue.ts";
import { Picture } from "../scene/picture.ts";
import { drawShared, drawTrack } from "../scene/scene.ts";
import {
  PAINT_PANEL,
  PAINT_TRACK,
  PAINTER_DEVICE_ID,
  PAINTER_ERR_NO_OBJECT,
  PAINTER_ERR_REQUEST,
  PAINTER_OK,
  PAINTER_QUEUE_SIZE,
  PAINTER_REQUEST,
  PAINTER_RESPONSE,
} from "./protocol.ts";

const MAX_SIDE_PIXELS = 8192;
const UUID_BYTES = 16;
const BYTES_PER_PIXEL = 4;

/** One request as it was served. */
export interface PainterRecord {
  readonly head: number;
  readonly readableBytes: number;
  readonly writableBytes: number;
  readonly what: "PAINT_PANEL" | "PAINT_TRACK" | "unknown";
  readonly uuid: string;
  readonly frame: number;
  readonly status: "OK" | "ERR_NO_OBJECT" | "ERR_REQUEST";
}

/**
 * A device of the demo's own, in the place of a camera or a video decoder: it is told the UUID of an object that another
 * device exported and draws into it. Small as it is, it shows what a device type of one's own needs.
 */
export class PainterDevice implements DeviceType {
  readonly name = "painter";
  readonly deviceId = PAINTER_DEVICE_ID;
  readonly pciClass = 0xff0000;
  readonly features = [];
  readonly featureDependencies = [];
  readonly queues: readonly QueueDescription[] = [{ name: "paintq", maxSize: PAINTER_QUEUE_SIZE }];
  readonly configLengthBytes = 0;
  readonly sharedMemory = [];
  readonly #sharedObjects: SharedObjectRegistry;
  readonly #onRequest: (record: PainterRecord) => void;
  readonly #request = new Scratch(PAINTER_REQUEST.sizeBytes);
  readonly #response = new Scratch(PAINTER_RESPONSE.sizeBytes);
  readonly #uses = new Map<string, SharedObjectUse>();
  #picture: Picture | null = null;
  #host: DeviceHost | null = null;

  constructor(sharedObjects: SharedObjectRegistry, onRequest: (record: PainterRecord) => void) {
    this.#sharedObjects = sharedObjects;
    this.#onRequest = onRequest;
  }

  attach(host: DeviceHost): void {
    this.#host = host;
  }

  handleQueue(_index: number, queue: DeviceQueue): void {
    for (let chain = queue.pop(); chain !== null; chain = queue.pop()) {
      const status = this.#serve(chain);
      new DataView(this.#response.u8.buffer).setUint32(PAINTER_RESPONSE.status, status, true);
      queue.push(chain, chain.writeHead(this.#response, PAINTER_RESPONSE.sizeBytes));
    }
  }

  #serve(chain: DescriptorChain): number {
    const complete = chain.readHead(this.#request) === PAINTER_REQUEST.sizeBytes;
    const request = new DataView(this.#request.u8.buffer);
    const field = (offset: number): number => request.getUint32(offset, true);
    const what = field(PAINTER_REQUEST.what);
    const frame = field(PAINTER_REQUEST.frame);
    const uuid = this.#request.u8.slice(PAINTER_REQUEST.uuid, PAINTER_REQUEST.uuid + UUID_BYTES);
    const use = complete ? this.#acquire(uuid) : null;
    let status = PAINTER_OK;
    if (!complete) status = PAINTER_ERR_REQUEST;
    else if (use === null) status = PAINTER_ERR_NO_OBJECT;
    else status = this.#paint(use, what, field);
    this.#onRequest({
      head: chain.head,
      readableBytes: chain.readableBytes,
      writableBytes: chain.writableBytes,
      what: what === PAINT_PANEL ? "PAINT_PANEL" : what === PAINT_TRACK ? "PAINT_TRACK" : "unknown",
      uuid: use?.object.uuid ?? "",
      frame,
      status:
        status === PAINTER_OK ? "OK" : status === PAINTER_ERR_NO_OBJECT ? "ERR_NO_OBJECT" : "ERR_REQUEST",
    });
    return status;
  }

  #acquire(uuid: Uint8Array): SharedObjectUse | null {
    const key = this.#sharedObjects.get(uuid)?.uuid;
    if (key === undefined) return null;
    let use = this.#uses.get(key) ?? null;
    if (use === null) {
      use = this.#sharedObjects.acquire(uuid, () => this.#uses.delete(key));
      if (use !== null) this.#uses.set(key, use);
    }
    return use;
  }

  #paint(use: SharedObjectUse, what: number, field: (offset: number) => number): number {
    const { content } = use;
    const x = field(PAINTER_REQUEST.x);
    const y = field(PAINTER_REQUEST.y);
    const width = field(PAINTER_REQUEST.width);
    const height = field(PAINTER_REQUEST.height);
    const stride = field(PAINTER_REQUEST.stride);
    const fits =
      content !== null &&
      width > 0 &&
      height > 0 &&
      Math.max(x, y, width, height) <= MAX_SIDE_PIXELS &&
      (x + width) * BYTES_PER_PIXEL <= stride &&
      (y + height) * stride <= content.sizeBytes;
    if (!fits) return PAINTER_ERR_REQUEST;
    const rect = { x: 0, y: 0, width, height };
    const unit = Math.max(1, Math.min(64, field(PAINTER_REQUEST.unit)));
    if (this.#picture?.width !== width || this.#picture.height !== height) {
      this.#picture = new Picture(width, height);
    }
    const picture = this.#picture;
    if (what === PAINT_PANEL) {
      drawShared(picture, rect, unit);
    } else if (what === PAINT_TRACK) {
      drawTrack(picture, rect, unit, field(PAINTER_REQUEST.frame), field(PAINTER_REQUEST.frames));
    } else {
      return PAINTER_ERR_REQUEST;
    }
    this.#host?.sync();
    picture.copyTo(content, stride, rect, x, y);
    return PAINTER_OK;
  }

  readConfigByte(): number {
    return 0;
  }

  writeConfig(): void {}

  start(): void {}

  queueReset(): void {}

  reset(): void {
    for (const use of this.#uses.values()) use.release();
    this.#uses.clear();
  }

  quiesce(): void {}

  save(): PlainValue {
    return null;
  }

  prepareRestore(): PreparedRestore {
    return { takeOver() {} };
  }
}
