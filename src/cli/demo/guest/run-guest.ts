import { attachDriver } from "../../../adapters/worker/attach-driver.ts";
import type { ChannelHandle } from "../../../adapters/worker/channel.ts";
import { DriverEndpoint } from "../../../adapters/worker/driver-endpoint.ts";
import { formatUuid } from "../../../device/shared-objects.ts";
import { GuestAllocator } from "../../../driver/allocator.ts";
import { GpuDriver } from "../../../driver/drivers/gpu/gpu-driver.ts";
import { GuestMemory } from "../../../memory/guest-memory.ts";
import { VIRTIO_F_RING_PACKED } from "../../../wire/common.ts";
import {
  VIRTIO_GPU_F_EDID,
  VIRTIO_GPU_F_RESOURCE_BLOB,
  VIRTIO_GPU_F_RESOURCE_UUID,
} from "../../../wire/gpu.ts";
import { PainterDriver } from "../painter/painter-driver.ts";
import type {
  Chapter,
  DemoSettings,
  GpuFeatureName,
  GuestMessage,
  GuestOrder,
  GuestReport,
  ShownBy,
} from "../protocol.ts";
import { Picture, type Rect } from "../scene/picture.ts";
import { drawCard, drawDamage, drawShared, drawTrack, layOutScene, type Scene } from "../scene/scene.ts";
import { FIRST_RESOURCE_ID, Kms, type KmsBuffer } from "./kms.ts";

// The device's thread may be busy with a large picture, on a machine busy with other things.
const WAIT_MS = 20_000;
const PROGRESS_MS = 100;
/** What is only to be looked at moves at the pace of a monitor, and repeats itself after so many frames. */
const ANIMATION_HZ = 60;
const ANIMATION_FRAMES = 180;
// The first page stays empty, as address 0 does in most machines.
const FIRST_ADDRESS = 4096;

const FEATURE_BITS: Readonly<Record<GpuFeatureName, number>> = {
  edid: VIRTIO_GPU_F_EDID,
  uuid: VIRTIO_GPU_F_RESOURCE_UUID,
  blob: VIRTIO_GPU_F_RESOURCE_BLOB,
};

/** The guest: finds its devices, draws, shares, shows. Blocks the thread until everything is done. */
export function runGuest(order: GuestOrder, post: (message: GuestMessage) => void): GuestReport {
  const guest = new Guest(order, post);
  try {
    return guest.run();
  } finally {
    guest.close();
  }
}

/** A framebuffer that takes its turn, and what was last seen of it. */
interface FlipBuffer {
  readonly buffer: KmsBuffer;
  /** Null without the feature. */
  readonly uuid: Uint8Array | null;
}

class Guest {
  readonly #settings: DemoSettings;
  readonly #stop: Int32Array;
  readonly #post: (message: GuestMessage) => void;
  readonly #gpuBus: DriverEndpoint;
  readonly #painterBus: DriverEndpoint;
  readonly #gpu: GpuDriver;
  readonly #painter: PainterDriver | null;
  readonly #kms: Kms;
  readonly #chapters: Chapter[] = [];
  readonly #shown: ShownBy[] = [];

  constructor(order: GuestOrder, post: (message: GuestMessage) => void) {
    this.#settings = order.settings;
    this.#stop = new Int32Array(order.stop);
    this.#post = post;
    const memory = new GuestMemory([{ base: 0, memory: order.gpu.ram }]);
    const allocator = new GuestAllocator(memory, { base: FIRST_ADDRESS });
    const refuse = order.settings.ring === "split" ? [VIRTIO_F_RING_PACKED] : [];
    const open = (handle: ChannelHandle): DriverEndpoint =>
      new DriverEndpoint(handle, { timeoutMs: WAIT_MS });
    this.#gpuBus = open(order.gpu);
    this.#painterBus = open(order.painter);
    this.#chapter("The guest finds a gpu and asks what is connected");
    this.#gpu = GpuDriver.start(attachDriver(this.#gpuBus, { allocator, timeoutMs: WAIT_MS }), {
      refuse,
      firstResourceId: FIRST_RESOURCE_ID,
    });
    this.#painter = this.#gpu.driver.hasFeature(VIRTIO_GPU_F_RESOURCE_UUID)
      ? PainterDriver.start(attachDriver(this.#painterBus, { allocator, timeoutMs: WAIT_MS }), refuse)
      : null;
    this.#kms = new Kms(this.#gpu);
  }

  run(): GuestReport {
    const begin = performance.now();
    const { width, height } = this.#kms.probe();
    const scene = layOutScene(width, height);
    const picture = new Picture(width, height);
    const screen: Rect = { x: 0, y: 0, width, height };
    drawCard(picture, scene);

    this.#chapter("A dumb buffer becomes the framebuffer of a CRTC");
    const dumb = this.#kms.createDumb(width, height);
    picture.copyTo(dumb.pages, dumb.strideBytes, screen);
    this.#kms.setCrtc(dumb);
    this.#shown.push("mode-set");

    const uuid = this.#export(dumb);
    this.#drawThroughBoth(picture, scene, dumb, uuid);

    const flipping = this.#makeFlipBuffers(picture, screen);
    const from = process.hrtime.bigint();
    const pageFlips = this.#flip(picture, scene, flipping);
    const to = process.hrtime.bigint();
    const animated = this.#settings.live ? this.#animate(picture, scene, flipping) : null;

    this.#chapter("The CRTC goes off, the buffers are closed");
    this.#kms.off();
    this.#kms.destroy([dumb, ...flipping.map(({ buffer }) => buffer)]);
    return {
      chapters: this.#chapters,
      shown: this.#shown,
      dirtyFb: this.#shown.filter((by) => by === "dirtyfb").length,
      pageFlips,
      uuid: uuid === null ? null : formatUuid(uuid),
      flips: pageFlips === 0 ? null : { from, to },
      flipMs: Number(to - from) / 1e6,
      guestMs: performance.now() - begin - (animated?.ms ?? 0),
      animated,
      features: this.#features(),
      packed: this.#gpu.driver.hasFeature(VIRTIO_F_RING_PACKED),
      width,
      height,
      pages: dumb.pages.count,
      segments: dumb.segments,
    };
  }

  close(): void {
    this.#gpuBus.close();
    this.#painterBus.close();
  }

  #features(): GpuFeatureName[] {
    const names = Object.keys(FEATURE_BITS) as GpuFeatureName[];
    return names.filter((name) => this.#gpu.driver.hasFeature(FEATURE_BITS[name]));
  }

  #export(buffer: KmsBuffer): Uint8Array | null {
    if (this.#painter === null) return null;
    this.#chapter("It is exported under a UUID");
    return this.#kms.exportUuid(buffer);
  }

  /** Two clips drawn by the guest, then a panel drawn by another device into the same buffer. */
  #drawThroughBoth(picture: Picture, scene: Scene, dumb: KmsBuffer, uuid: Uint8Array | null): void {
    this.#chapter("The guest draws two rectangles: DIRTYFB sends the box around both");
    drawDamage(picture, scene);
    picture.copyTo(dumb.pages, dumb.strideBytes, scene.damage);
    this.#kms.dirtyFb(scene.clips);
    this.#shown.push("dirtyfb");

    const { shared, unit } = scene;
    drawShared(picture, shared, unit);
    if (this.#painter !== null && uuid !== null) {
      this.#chapter("Another device draws into the object it finds by the UUID: nothing to transfer");
      this.#painter.paintPanel({ uuid, rect: shared, strideBytes: dumb.strideBytes, unit });
      this.#kms.dirtyFbOnHost(shared);
    } else {
      this.#chapter("The guest draws another rectangle");
      picture.copyTo(dumb.pages, dumb.strideBytes, shared);
      this.#kms.dirtyFb([shared]);
    }
    this.#shown.push("dirtyfb");
  }

  #makeFlipBuffers(picture: Picture, screen: Rect): FlipBuffer[] {
    const { buffers, frames, live } = this.#settings;
    if (frames === 0 && !live) return [];
    const blob = this.#gpu.driver.hasFeature(VIRTIO_GPU_F_RESOURCE_BLOB);
    this.#chapter(
      blob
        ? `${buffers} blobs of guest memory are made, to be scanned out where they lie`
        : `${buffers} dumb buffers are made, to be shown by turns`,
    );
    return Array.from({ length: buffers }, () => {
      const { width, height } = screen;
      const buffer = blob
        ? this.#kms.createBlob(width, height, this.#painter !== null)
        : this.#kms.createDumb(width, height);
      const uuid = this.#painter === null ? null : this.#kms.exportUuid(buffer);
      picture.copyTo(buffer.pages, buffer.strideBytes, screen);
      return { buffer, uuid };
    });
  }

  #flip(picture: Picture, scene: Scene, flipping: readonly FlipBuffer[]): number {
    const { frames } = this.#settings;
    if (frames === 0) return 0;
    this.#chapter(`${frames} page flips between ${flipping.length} buffers`);
    const tickets: number[] = [];
    let told = performance.now();
    for (let frame = 1; frame <= frames; frame++) {
      // A buffer may be drawn into once the flip that took it off the screen is complete.
      const gone = frame - flipping.length + 1;
      if (gone >= 1) this.#kms.waitForFlip(tickets[gone - 1] as number);
      const target = flipping[(frame - 1) % flipping.length] as FlipBuffer;
      this.#drawFrame(picture, scene, target, frame, frames);
      tickets.push(this.#pageFlip(target));
      this.#shown.push("page-flip");
      if (performance.now() - told > PROGRESS_MS) {
        told = performance.now();
        this.#post({ kind: "flips", done: frame });
      }
    }
    for (const ticket of tickets.slice(Math.max(0, frames - flipping.length + 1)))
      this.#kms.waitForFlip(ticket);
    this.#kms.waitForAll();
    return frames;
  }

  /** The same without end, for viewers: until the user has seen enough. */
  #animate(picture: Picture, scene: Scene, flipping: readonly FlipBuffer[]): GuestReport["animated"] {
    this.#chapter("The flips go on until the user ends them; this is not written down");
    const begin = performance.now();
    const frameMs = 1000 / ANIMATION_HZ;
    const tickets: (number | null)[] = flipping.map(() => null);
    const waitForFlipOf = (buffer: number): void => {
      const ticket = tickets[buffer] ?? null;
      if (ticket !== null) this.#kms.waitForFlip(ticket);
      tickets[buffer] = null;
    };
    let flips = 0;
    for (let due = begin; ; due = Math.max(due + frameMs, performance.now() - frameMs)) {
      const wait = Math.max(0, due - performance.now());
      if (Atomics.wait(this.#stop, 0, 0, wait) !== "timed-out") break;
      // The buffer was on the screen until the flip after its own.
      const next = (this.#settings.frames + flips) % flipping.length;
      waitForFlipOf((next + 1) % flipping.length);
      const target = flipping[next] as FlipBuffer;
      this.#drawFrame(picture, scene, target, (flips % ANIMATION_FRAMES) + 1, ANIMATION_FRAMES);
      tickets[next] = this.#pageFlip(target);
      flips++;
    }
    for (const buffer of flipping.keys()) waitForFlipOf(buffer);
    this.#kms.waitForAll();
    return { flips, ms: performance.now() - begin };
  }

  #pageFlip({ buffer }: FlipBuffer): number {
    return this.#kms.pageFlip(buffer, this.#painter !== null && !buffer.blob);
  }

  /** What moves is drawn by the other device if there is one, else by the guest. */
  #drawFrame(
    picture: Picture,
    scene: Scene,
    { buffer, uuid }: FlipBuffer,
    frame: number,
    frames: number,
  ): void {
    const { track, unit } = scene;
    if (this.#painter === null || uuid === null) {
      drawTrack(picture, track, unit, frame, frames);
      picture.copyTo(buffer.pages, buffer.strideBytes, track);
      return;
    }
    // What the guest drew has to be there before the other device draws over it.
    if (!buffer.blob) this.#kms.upload(buffer);
    this.#painter.paintTrack({ uuid, rect: track, strideBytes: buffer.strideBytes, unit }, frame, frames);
  }

  #chapter(title: string): void {
    this.#chapters.push({ at: process.hrtime.bigint(), title });
  }
}
