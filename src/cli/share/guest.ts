import { formatUuid } from "../../device/index.ts";
import {
  DriverError,
  RenderBuffer,
  type RenderImportPath,
  type RenderJob,
  RenderJobs,
  type RenderRect,
} from "../../driver/index.ts";
import {
  DRM_FORMAT_XRGB8888,
  type DrmFile,
  type DrmMode,
  ExportedBuffer,
  linuxProfile,
  type PrimeFd,
} from "../../driver/kms/index.ts";
import {
  VIRTIO_GPU_BLOB_FLAG_USE_CROSS_DEVICE,
  VIRTIO_GPU_BLOB_FLAG_USE_SHAREABLE,
  VIRTIO_GPU_BLOB_MEM_GUEST,
  VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM,
} from "../../wire/gpu.ts";
import type { SharingMachine } from "./machine.ts";
import { dirtyPart, drawPicture } from "./scene.ts";
import { FLIP_BUFFERS, type ShareSettings } from "./settings.ts";

/** Time between two pictures, if nothing makes the program wait for longer. */
const FRAME_MS = 6;
const TIMEOUT_MS = 10_000;

/** A buffer that the display driver made, the renderer draws into, and the screen shows. */
interface SharedBuffer {
  readonly handle: number;
  readonly fbId: number;
  readonly fd: PrimeFd;
  readonly target: RenderBuffer;
}

/** What the program measured on the machine's clock. */
export interface GuestResult {
  /** The UUID of the first buffer, null when it has none. */
  readonly uuid: string | null;
  /** How the renderer got at the buffers. */
  readonly path: "uuid" | "pages";
  readonly dirtyFbMs: number;
  readonly flipsMs: number;
}

/** The program of the guest: draws with one device, shows with the other. */
export class Guest {
  readonly #machine: SharingMachine;
  readonly #settings: ShareSettings;
  readonly #file: DrmFile;
  readonly #jobs: RenderJobs;
  readonly #whole: RenderRect;
  readonly #crtcId: number;
  readonly #connectorId: number;
  readonly #mode: DrmMode;
  /** What was asked for last. */
  #latest: RenderJob | null = null;

  constructor(machine: SharingMachine, settings: ShareSettings) {
    const { width, height } = settings;
    this.#machine = machine;
    this.#settings = settings;
    this.#jobs = new RenderJobs(machine.render, { implicitSync: settings.sync });
    this.#whole = { x: 0, y: 0, width, height };
    this.#file = machine.card.open();
    const { crtcs, connectors } = this.#file.getResources();
    const [crtcId] = crtcs;
    const connector = this.#file.getConnector(connectors[0] as number);
    const mode = connector.modes.find(({ hdisplay, vdisplay }) => hdisplay === width && vdisplay === height);
    if (crtcId === undefined || mode === undefined)
      throw new Error(`there is no mode of ${width} × ${height}`);
    this.#crtcId = crtcId;
    this.#connectorId = connector.id;
    this.#mode = mode;
  }

  /** `onPicture` is called after every picture that was shown. */
  async run(onPicture: () => Promise<void>): Promise<GuestResult> {
    const { log, clock } = this.#machine;
    const { frames } = this.#settings;
    const single = this.#makeBuffer();
    const several = Array.from({ length: FLIP_BUFFERS }, () => this.#makeBuffer());
    this.#show(single);
    log.chapter = "dirtyfb";
    const begin = clock.now();
    for (let frame = 0; frame < frames; frame++) {
      this.#showDirty(single, frame);
      await onPicture();
    }
    this.#finish();
    const middle = clock.now();
    log.chapter = "flips";
    for (let frame = 0; frame < frames; frame++) {
      this.#flip(several[frame % FLIP_BUFFERS] as SharedBuffer, frame);
      await onPicture();
    }
    if (frames > 0) this.#file.waitEvent(TIMEOUT_MS);
    this.#finish();
    const end = clock.now();
    const uuid = uuidOf(single.fd);
    log.chapter = "setup";
    for (const buffer of [single, ...several]) this.#destroy(buffer);
    this.#file.close();
    return { uuid, path: single.target.path, dirtyFbMs: middle - begin, flipsMs: end - middle };
  }

  #makeBuffer(): SharedBuffer {
    const { width, height } = this.#settings;
    const file = this.#file;
    const pitch = width * 4;
    const handle = this.#allocate(pitch);
    const fd = file.primeHandleToFd(handle);
    const layout = { format: VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, width, height, strideBytes: pitch };
    const path: RenderImportPath = this.#settings.path;
    const target = RenderBuffer.importDmaBuf(this.#machine.render, fd.dmaBuf, layout, path);
    const fbId = file.addFb2({ width, height, format: DRM_FORMAT_XRGB8888, handle, pitch });
    return { handle, fbId, fd, target };
  }

  /** With a UUID for a blob, or dumb: a blob where there are blobs, but never with a UUID then. */
  #allocate(pitch: number): number {
    const { height, blob, path } = this.#settings;
    if (!blob || path === "pages") {
      return this.#file.createDumb({ width: pitch / 4, height, bpp: 32 }).handle;
    }
    return this.#file.resourceCreateBlob({
      blobMem: VIRTIO_GPU_BLOB_MEM_GUEST,
      blobFlags: VIRTIO_GPU_BLOB_FLAG_USE_SHAREABLE | VIRTIO_GPU_BLOB_FLAG_USE_CROSS_DEVICE,
      sizeBytes: Math.ceil((pitch * height) / 4096) * 4096,
    }).handle;
  }

  #show({ fbId }: SharedBuffer): void {
    const connectors = [this.#connectorId];
    this.#file.setCrtc({ crtcId: this.#crtcId, fbId, connectors, mode: this.#mode });
  }

  /** Draws a picture, whenever the buffer is free for it. No program draws ahead for long: one picture at a time. */
  #draw({ target }: SharedBuffer, rect: RenderRect, frame: number): RenderJob {
    this.#waitFor(this.#latest);
    const job = this.#jobs.submit(`picture ${frame}`, target, [], (requests, options) => {
      drawPicture(requests, target.importId, rect, frame, options);
    });
    // The display driver may be waiting for it in the background.
    job.fence.onSignal(() => this.#machine.card.process());
    this.#latest = job;
    return job;
  }

  #waitFor(job: RenderJob | null): void {
    const { clock } = this.#machine;
    const deadline = clock.now() + TIMEOUT_MS;
    while (job?.fence.signaled === false) {
      if (clock.now() >= deadline) throw new Error("the renderer does not come to an end");
      clock.block(deadline);
    }
  }

  /** Before the kernels that wait themselves, programs had to. */
  #waitLikeAnOldProgram(job: RenderJob): void {
    const { sync, profile } = this.#settings;
    if (sync && !linuxProfile(profile).hasImplicitSync) this.#waitFor(job);
  }

  #showDirty(buffer: SharedBuffer, frame: number): void {
    const rect = dirtyPart(this.#settings);
    const job = this.#draw(buffer, rect, frame);
    this.#machine.clock.advance(FRAME_MS);
    this.#waitLikeAnOldProgram(job);
    const { x, y, width, height } = rect;
    this.#file.dirtyFb(buffer.fbId, [{ x1: x, y1: y, x2: x + width, y2: y + height }]);
  }

  #flip(buffer: SharedBuffer, frame: number): void {
    const job = this.#draw(buffer, this.#whole, frame);
    this.#machine.clock.advance(FRAME_MS);
    this.#waitLikeAnOldProgram(job);
    if (frame > 0) this.#file.waitEvent(TIMEOUT_MS);
    this.#file.readEvents();
    this.#file.pageFlip({ crtcId: this.#crtcId, fbId: buffer.fbId, event: true });
  }

  /** Waits until the renderer has nothing left to do. */
  #finish(): void {
    this.#machine.render.nop();
  }

  #destroy({ handle, fbId, fd, target }: SharedBuffer): void {
    target.release();
    this.#file.rmFb(fbId);
    fd.close();
    this.#file.gemClose(handle);
  }
}

/** The UUID of a buffer, null when the kernel has none for it. */
function uuidOf({ dmaBuf }: PrimeFd): string | null {
  if (!(dmaBuf instanceof ExportedBuffer)) return null;
  try {
    return formatUuid(dmaBuf.uuid());
  } catch (error) {
    if (error instanceof DriverError && error.code === "ENODEV") return null;
    throw error;
  }
}
