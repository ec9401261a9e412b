import type { DmaBuffer } from "../../../driver/allocator.ts";
import type { DriverQueue } from "../../../driver/driver-queue.ts";
import { DriverError } from "../../../driver/errors.ts";
import { ElementList } from "../../../driver/rings/elements.ts";
import type { VirtioDriver } from "../../../driver/virtio-driver.ts";
import type { Rect } from "../scene/picture.ts";
import {
  PAINT_PANEL,
  PAINT_TRACK,
  PAINTER_DEVICE_ID,
  PAINTER_OK,
  PAINTER_REQUEST,
  PAINTER_RESPONSE,
} from "./protocol.ts";

/** Where the painter is to draw: an object shared by its UUID, and a rectangle of it. */
export interface PaintPlace {
  readonly uuid: Uint8Array;
  readonly rect: Rect;
  readonly strideBytes: number;
  readonly unit: number;
}

/** The guest's driver of the painter. */
export class PainterDriver {
  readonly #queue: DriverQueue;
  readonly #request: DmaBuffer;
  readonly #response: DmaBuffer;
  readonly #elements = new ElementList(2);

  private constructor(driver: VirtioDriver, queue: DriverQueue) {
    const { allocator } = driver.platform;
    this.#queue = queue;
    this.#request = allocator.allocate(PAINTER_REQUEST.sizeBytes);
    this.#response = allocator.allocate(PAINTER_RESPONSE.sizeBytes);
  }

  static start(driver: VirtioDriver, refuse: readonly number[]): PainterDriver {
    driver.initialize({
      deviceId: PAINTER_DEVICE_ID,
      features: [],
      refuse,
      setUp: () => void driver.setUpQueue({ index: 0, name: "paintq" }),
    });
    return new PainterDriver(driver, driver.queue(0) as DriverQueue);
  }

  /** Has the still picture drawn, and waits until it is. */
  paintPanel(place: PaintPlace): void {
    this.#paint(PAINT_PANEL, place, 0, 0);
  }

  /** Has the track drawn as it is in a frame, and waits until it is. */
  paintTrack(place: PaintPlace, frame: number, frames: number): void {
    this.#paint(PAINT_TRACK, place, frame, frames);
  }

  #paint(what: number, place: PaintPlace, frame: number, frames: number): void {
    const { rect } = place;
    const request = viewOf(this.#request);
    const set = (offset: number, value: number): void => request.setUint32(offset, value, true);
    set(PAINTER_REQUEST.what, what);
    this.#request.region.u8.set(place.uuid, this.#request.offset + PAINTER_REQUEST.uuid);
    set(PAINTER_REQUEST.x, rect.x);
    set(PAINTER_REQUEST.y, rect.y);
    set(PAINTER_REQUEST.width, rect.width);
    set(PAINTER_REQUEST.height, rect.height);
    set(PAINTER_REQUEST.stride, place.strideBytes);
    set(PAINTER_REQUEST.unit, place.unit);
    set(PAINTER_REQUEST.frame, frame);
    set(PAINTER_REQUEST.frames, frames);
    const elements = this.#elements;
    elements.clear();
    elements.readableBuffer(this.#request, 0, PAINTER_REQUEST.sizeBytes);
    elements.writableBuffer(this.#response, 0, PAINTER_RESPONSE.sizeBytes);
    if (this.#queue.add(elements) < 0) throw new DriverError("ENOSPC", "the painter's queue is full");
    this.#queue.kick();
    this.#queue.waitUsedSync();
    this.#queue.pollUsed();
    const status = viewOf(this.#response).getUint32(PAINTER_RESPONSE.status, true);
    if (status !== PAINTER_OK) throw new DriverError("EIO", `the painter answers with error ${status}`);
  }
}

function viewOf({ region, offset, lengthBytes }: DmaBuffer): DataView {
  return new DataView(region.u8.buffer, region.u8.byteOffset + offset, lengthBytes);
}
