import { DriverError, type DriverErrorCode } from "../errors.ts";
import type { GuestBuffer } from "../guest-buffer.ts";
import type { PrimeFd } from "./buffers/dma-buf.ts";
import type { CardState } from "./card-state.ts";
import { type AtomicRequest, type AtomicResult, atomicCommit } from "./ioctls/atomic-ioctl.ts";
import {
  type BlobBuffer,
  type CreateBlob,
  type CreateDumb,
  closeHandle,
  createBlob,
  createDumb,
  type DumbBuffer,
  getParam,
  mapBuffer,
  primeFdToHandle,
  primeHandleToFd,
  type ResourceInfo,
  resourceInfo,
  waitForBuffer,
} from "./ioctls/buffer-ioctls.ts";
import { FileState, type FlipEvent } from "./ioctls/file-state.ts";
import {
  type AddFb2,
  addFb2,
  type CursorRequest,
  changeCursor,
  changePlane,
  type DirtyOptions,
  dirtyFb,
  dropFramebuffer,
  findConnector,
  findCrtc,
  findPlane,
  flipPage,
  type PageFlip,
  rmFb,
  type SetCrtc,
  type SetPlane,
  setCrtc,
} from "./ioctls/mode-ioctls.ts";
import { type DrmRect, MAX_DIMENSION, MIN_DIMENSION } from "./objects/mode-objects.ts";
import type { DrmMode } from "./objects/modes.ts";
import { type Task, waitFor } from "./time/tasks.ts";

/** Ids of what a card has. */
export interface CardResources {
  readonly framebuffers: readonly number[];
  readonly crtcs: readonly number[];
  readonly connectors: readonly number[];
  readonly encoders: readonly number[];
  /** Size of framebuffers, in pixels. */
  readonly minWidth: number;
  readonly maxWidth: number;
  readonly minHeight: number;
  readonly maxHeight: number;
}

/** What GETCONNECTOR says. */
export interface ConnectorInfo {
  readonly id: number;
  /** `Virtual-1` … */
  readonly name: string;
  readonly encoderId: number;
  readonly connected: boolean;
  /** The preferred one first; none when nothing is connected. */
  readonly modes: readonly DrmMode[];
  /** The CRTC it is on, 0 for none. */
  readonly crtcId: number;
  /** As the device said it; null without one that makes sense. */
  readonly edid: Uint8Array<ArrayBuffer> | null;
}

/** What GETCRTC says. */
export interface CrtcInfo {
  readonly id: number;
  readonly active: boolean;
  readonly mode: DrmMode | null;
  /** 0 for none. */
  readonly fbId: number;
  readonly x: number;
  readonly y: number;
  /** Ids of its planes. */
  readonly primaryPlane: number;
  readonly cursorPlane: number;
}

/** What GETPLANE says. */
export interface PlaneInfo {
  readonly id: number;
  readonly type: "primary" | "cursor";
  /** DRM_FORMAT_*. */
  readonly formats: readonly number[];
  readonly crtcId: number;
  readonly fbId: number;
}

/** Position and image of a cursor for SETCURSOR2. */
export interface Cursor2 {
  readonly crtcId: number;
  /** 0 hides the cursor. */
  readonly handle: number;
  readonly width: number;
  readonly height: number;
  readonly hotX: number;
  readonly hotY: number;
  /** Default: it stays where it is. */
  readonly x?: number;
  readonly y?: number;
}

/** What a program can ask the kernel to do, as promises: the same names and arguments as in {@link DrmFile}. */
export interface AsyncDrmFile {
  /** DRM_IOCTL_MODE_CREATE_DUMB, without blocking. */
  createDumb(request: CreateDumb): Promise<DumbBuffer>;
  /** DRM_IOCTL_MODE_DESTROY_DUMB, without blocking. */
  destroyDumb(handle: number): Promise<void>;
  /** DRM_IOCTL_GEM_CLOSE, without blocking. */
  gemClose(handle: number): Promise<void>;
  /** DRM_IOCTL_MODE_ADDFB2, without blocking. */
  addFb2(request: AddFb2): Promise<number>;
  /** DRM_IOCTL_MODE_RMFB, without blocking. */
  rmFb(fbId: number): Promise<void>;
  /** DRM_IOCTL_MODE_SETCRTC, without blocking. */
  setCrtc(request: SetCrtc): Promise<void>;
  /** DRM_IOCTL_MODE_PAGE_FLIP, without blocking. */
  pageFlip(request: PageFlip): Promise<void>;
  /** DRM_IOCTL_MODE_DIRTYFB, without blocking. */
  dirtyFb(fbId: number, clips?: readonly DrmRect[] | null, options?: DirtyOptions): Promise<void>;
  /** DRM_IOCTL_MODE_SETPLANE, without blocking. */
  setPlane(request: SetPlane): Promise<void>;
  /** DRM_IOCTL_MODE_CURSOR with DRM_MODE_CURSOR_BO, without blocking. */
  setCursor(request: Omit<Cursor2, "hotX" | "hotY" | "x" | "y">): Promise<void>;
  /** DRM_IOCTL_MODE_CURSOR2, without blocking. */
  setCursor2(request: Cursor2): Promise<void>;
  /** DRM_IOCTL_MODE_CURSOR with DRM_MODE_CURSOR_MOVE, without blocking. */
  moveCursor(crtcId: number, x: number, y: number): Promise<void>;
  /** DRM_IOCTL_MODE_ATOMIC, without blocking. */
  atomicCommit(request: AtomicRequest): Promise<AtomicResult>;
  /** DRM_IOCTL_PRIME_HANDLE_TO_FD, without blocking. */
  primeHandleToFd(handle: number): Promise<PrimeFd>;
  /** DRM_IOCTL_PRIME_FD_TO_HANDLE, without blocking. */
  primeFdToHandle(fd: PrimeFd): Promise<number>;
  /** DRM_IOCTL_VIRTGPU_RESOURCE_CREATE_BLOB, without blocking. */
  resourceCreateBlob(request: CreateBlob): Promise<BlobBuffer>;
  /** DRM_IOCTL_VIRTGPU_WAIT, without blocking. */
  wait(handle: number): Promise<void>;
  /** Waits for the next event, without blocking; null when the time is over. */
  waitEvent(timeoutMs: number): Promise<FlipEvent | null>;
  /** Closes the file, without blocking. */
  close(): Promise<void>;
}

/**
 * An open card: what a program can ask the kernel to do. Calls block for as long as the kernel does; {@link async} has
 * the same ones as promises. They throw `DriverError` with the errno the kernel would return, and `KmsHangError` where
 * it would wait for ever.
 *
 * @example
 * ```ts
 * const dumb = file.createDumb({ width: 640, height: 480, bpp: 32 });
 * const pixels = file.mapDumb(dumb.handle);
 * pixels.fillWords(0, 640 * 480, 0x204060);
 * const fbId = file.addFb2({ width: 640, height: 480, format: DRM_FORMAT_XRGB8888, ...dumb });
 * file.setCrtc({ crtcId, fbId, connectors: [connectorId], mode });
 * file.dirtyFb(fbId, [{ x1: 0, y1: 0, x2: 64, y2: 64 }]);
 * ```
 */
export class DrmFile {
  /** @internal */
  readonly state: FileState;
  readonly async: AsyncDrmFile;

  /** @internal */
  constructor(card: CardState) {
    this.state = new FileState(card);
    card.adopt(this.state);
    this.async = makeAsync(this.state, (name, task, orphan) => this.#runAsync(name, task, orphan));
  }

  /** False once the file was closed. */
  get isOpen(): boolean {
    return this.state.isOpen;
  }

  /** Whether this file may set modes. */
  get isMaster(): boolean {
    return this.state.card.master === this.state;
  }

  #run<T>(name: string, task: Task<T>, orphan?: (result: T) => void): T {
    return this.#tell(name, () => this.state.card.gpu.scheduler.runSync(onFile(this.state, task), orphan));
  }

  #tell<T>(name: string, call: () => T): T {
    const { onIoctl } = this.state.card;
    try {
      const result = call();
      onIoctl?.(name, null);
      return result;
    } catch (error) {
      onIoctl?.(name, codeOf(error));
      throw error;
    }
  }

  async #runAsync<T>(name: string, task: Task<T>, orphan?: (result: T) => void): Promise<T> {
    const { onIoctl, gpu } = this.state.card;
    try {
      const result = await gpu.scheduler.runAsync(onFile(this.state, task), orphan);
      onIoctl?.(name, null);
      return result;
    } catch (error) {
      onIoctl?.(name, codeOf(error));
      throw error;
    }
  }

  // About the card

  /** Name and version of the driver. */
  version(): { readonly name: string; readonly version: string } {
    return this.#tell("DRM_IOCTL_VERSION", () => {
      this.state.check();
      return { name: "virtio_gpu", version: "0.1.0" };
    });
  }

  /** Throws EBUSY while another file is master. */
  setMaster(): void {
    this.#tell("DRM_IOCTL_SET_MASTER", () => this.state.card.takeMaster(this.state));
  }

  /** DRM_IOCTL_DROP_MASTER. */
  dropMaster(): void {
    this.#tell("DRM_IOCTL_DROP_MASTER", () => this.state.card.dropMaster(this.state));
  }

  /** Asks for the atomic call. */
  setClientCapAtomic(): void {
    this.#tell("DRM_IOCTL_SET_CLIENT_CAP", () => {
      this.state.checkModesetting();
      this.state.atomic = true;
    });
  }

  /** Throws EOPNOTSUPP on a card without scanouts. */
  getResources(): CardResources {
    return this.#tell("DRM_IOCTL_MODE_GETRESOURCES", () => {
      this.state.checkModesetting();
      const { crtcs, connectors } = this.state.card;
      return {
        framebuffers: this.state.framebuffers.map(({ id }) => id),
        crtcs: crtcs.map(({ id }) => id),
        connectors: connectors.map(({ id }) => id),
        encoders: connectors.map(({ encoderId }) => encoderId),
        minWidth: MIN_DIMENSION,
        maxWidth: MAX_DIMENSION,
        minHeight: MIN_DIMENSION,
        maxHeight: MAX_DIMENSION,
      };
    });
  }

  /** Throws ENOENT. */
  getConnector(connectorId: number): ConnectorInfo {
    return this.#tell("DRM_IOCTL_MODE_GETCONNECTOR", () => {
      this.state.checkModesetting();
      const connector = findConnector(this.state, connectorId);
      const { id, name, encoderId, connected, modes, edid } = connector;
      return { id, name, encoderId, connected, modes, edid, crtcId: connector.state.crtc?.id ?? 0 };
    });
  }

  /** Throws ENOENT. */
  getCrtc(crtcId: number): CrtcInfo {
    return this.#tell("DRM_IOCTL_MODE_GETCRTC", () => {
      this.state.checkModesetting();
      const crtc = findCrtc(this.state, crtcId);
      const plane = crtc.primary.state;
      return {
        id: crtc.id,
        active: crtc.state.active,
        mode: crtc.state.mode,
        fbId: plane.fb?.id ?? 0,
        x: plane.srcX,
        y: plane.srcY,
        primaryPlane: crtc.primary.id,
        cursorPlane: crtc.cursorPlane.id,
      };
    });
  }

  /** Throws ENOENT. */
  getPlane(planeId: number): PlaneInfo {
    return this.#tell("DRM_IOCTL_MODE_GETPLANE", () => {
      this.state.checkModesetting();
      const plane = findPlane(this.state, planeId);
      const { crtc, fb } = plane.state;
      return {
        id: plane.id,
        type: plane.type,
        formats: [plane.format],
        crtcId: crtc?.id ?? 0,
        fbId: fb?.id ?? 0,
      };
    });
  }

  // Buffers

  /** A buffer to draw into. Throws EINVAL, ENOMEM. */
  createDumb(request: CreateDumb): DumbBuffer {
    return this.#run("DRM_IOCTL_MODE_CREATE_DUMB", createDumb(this.state, request));
  }

  /** The memory of a buffer. Throws ENOENT. */
  mapDumb(handle: number): GuestBuffer {
    return this.#tell("DRM_IOCTL_MODE_MAP_DUMB", () => mapBuffer(this.state, handle));
  }

  /** Gives up a handle. Throws EINVAL. */
  destroyDumb(handle: number): void {
    this.#run("DRM_IOCTL_MODE_DESTROY_DUMB", closeHandle(this.state, handle));
  }

  /** Gives up a handle of any buffer. Throws EINVAL. */
  gemClose(handle: number): void {
    this.#run("DRM_IOCTL_GEM_CLOSE", closeHandle(this.state, handle));
  }

  /** A file descriptor for a buffer, to hand to other drivers. Throws ENOENT. */
  primeHandleToFd(handle: number): PrimeFd {
    return this.#run("DRM_IOCTL_PRIME_HANDLE_TO_FD", primeHandleToFd(this.state, handle), closeFd);
  }

  /** A handle for a buffer of a file descriptor: the one it has already, if any. Throws ENODEV, EBADF. */
  primeFdToHandle(fd: PrimeFd): number {
    return this.#run("DRM_IOCTL_PRIME_FD_TO_HANDLE", primeFdToHandle(this.state, fd));
  }

  /** VIRTGPU_PARAM_*. Throws EINVAL for one the kernel does not know. */
  getParam(param: number): number {
    return this.#tell("DRM_IOCTL_VIRTGPU_GETPARAM", () => getParam(this.state, param));
  }

  /** A blob of guest memory. Throws EINVAL, ENOMEM. */
  resourceCreateBlob(request: CreateBlob): BlobBuffer {
    return this.#run("DRM_IOCTL_VIRTGPU_RESOURCE_CREATE_BLOB", createBlob(this.state, request));
  }

  /** The memory of a blob. Throws ENOENT. */
  map(handle: number): GuestBuffer {
    return this.#tell("DRM_IOCTL_VIRTGPU_MAP", () => mapBuffer(this.state, handle));
  }

  /** Throws ENOENT. */
  resourceInfo(handle: number): ResourceInfo {
    return this.#tell("DRM_IOCTL_VIRTGPU_RESOURCE_INFO", () => resourceInfo(this.state, handle));
  }

  /** Waits until nobody is at work on a buffer, 15 s at most. Throws EBUSY. */
  wait(handle: number, options: { readonly nowait?: boolean } = {}): void {
    this.#run("DRM_IOCTL_VIRTGPU_WAIT", waitForBuffer(this.state, handle, options.nowait === true));
  }

  // What is shown

  /** A framebuffer on a buffer; its id. Throws EINVAL, ERANGE, ENOENT for the format. */
  addFb2(request: AddFb2): number {
    return this.#tell("DRM_IOCTL_MODE_ADDFB2", () => addFb2(this.state, request));
  }

  /** Takes a framebuffer off the screen and forgets it. Throws ENOENT. */
  rmFb(fbId: number): void {
    this.#run("DRM_IOCTL_MODE_RMFB", rmFb(this.state, fbId));
  }

  /** Sets a mode, or turns a CRTC off. Throws EACCES, EINVAL, ENOENT, ENOSPC, ERANGE. */
  setCrtc(request: SetCrtc): void {
    this.#run("DRM_IOCTL_MODE_SETCRTC", setCrtc(this.state, request));
  }

  /** Shows another framebuffer. Returns at once; EBUSY while the flip before is under way. */
  pageFlip(request: PageFlip): void {
    this.#run("DRM_IOCTL_MODE_PAGE_FLIP", flipPage(this.state, request));
  }

  /** Says what was drawn; null for everything. Throws EINVAL for an empty list. */
  dirtyFb(fbId: number, clips: readonly DrmRect[] | null = null, options: DirtyOptions = {}): void {
    this.#run("DRM_IOCTL_MODE_DIRTYFB", dirtyFb(this.state, fbId, clips, options));
  }

  /** DRM_IOCTL_MODE_SETPLANE. */
  setPlane(request: SetPlane): void {
    this.#run("DRM_IOCTL_MODE_SETPLANE", changePlane(this.state, request));
  }

  /** A new image for the cursor, without a hot spot. Handle 0 hides it. */
  setCursor(request: Omit<Cursor2, "hotX" | "hotY" | "x" | "y">): void {
    const request2 = cursorRequest({ ...request, hotX: 0, hotY: 0 });
    this.#run("DRM_IOCTL_MODE_CURSOR", changeCursor(this.state, request2));
  }

  /** A new image for the cursor with the pixel that points, and a position if given. */
  setCursor2(request: Cursor2): void {
    this.#run("DRM_IOCTL_MODE_CURSOR2", changeCursor(this.state, cursorRequest(request)));
  }

  /** Moves the cursor; positions may be negative. */
  moveCursor(crtcId: number, x: number, y: number): void {
    this.#run("DRM_IOCTL_MODE_CURSOR", changeCursor(this.state, { crtcId, position: { x, y } }));
  }

  /** A change of many properties at once; needs {@link setClientCapAtomic}. */
  atomicCommit(request: AtomicRequest): AtomicResult {
    return this.#run("DRM_IOCTL_MODE_ATOMIC", atomicCommit(this.state, request));
  }

  // Events and the end

  /** Takes the events that have come. */
  readEvents(): FlipEvent[] {
    return this.state.takeEvents();
  }

  /** Waits for an event, at most so long. All that have come are then {@link readEvents}'s; returns the first. */
  waitEvent(timeoutMs: number): FlipEvent | null {
    return this.state.card.gpu.scheduler.runSync(waitEvent(this.state, timeoutMs));
  }

  /** Closes the file: framebuffers go off the screen, buffers are freed. Throws EBADF when closed already. */
  close(): void {
    this.state.card.gpu.scheduler.runSync(closeFile(this.state));
  }
}

/** A call on a file. One that hung goes on though the file was closed: what it has got by then goes, too. */
function* onFile<T>(state: FileState, task: Task<T>): Task<T> {
  try {
    return yield* task;
  } finally {
    if (!state.isOpen) state.deleteHandles();
  }
}

/** A file descriptor of a call that was given up: nobody has it. */
function closeFd(fd: PrimeFd): void {
  fd.close();
}

function codeOf(error: unknown): DriverErrorCode | null {
  return error instanceof DriverError ? error.code : null;
}

// biome-ignore lint/correctness/useYield: a call that never waits, in the shape of those that do
function* asTask<T>(call: () => T): Task<T> {
  return call();
}

function cursorRequest({ crtcId, handle, width, height, hotX, hotY, x, y }: Cursor2): CursorRequest {
  const image = { handle, width, height, hotX, hotY };
  return x === undefined || y === undefined ? { crtcId, image } : { crtcId, image, position: { x, y } };
}

function* waitEvent(state: FileState, timeoutMs: number): Task<FlipEvent | null> {
  yield* waitFor(state.card.gpu.clock, () => state.events.length > 0, timeoutMs, "an event", true);
  return state.events[0] ?? null;
}

function* closeFile(state: FileState): Task<void> {
  if (!state.isOpen) throw new DriverError("EBADF", "the file is closed already");
  state.isOpen = false;
  state.takeEvents();
  for (const fb of state.framebuffers.splice(0)) yield* dropFramebuffer(state, fb);
  state.deleteHandles();
  state.card.forget(state);
}

type RunAsync = <T>(name: string, task: Task<T>, orphan?: (result: T) => void) => Promise<T>;

function makeAsync(state: FileState, run: RunAsync): AsyncDrmFile {
  return {
    createDumb: (request) => run("DRM_IOCTL_MODE_CREATE_DUMB", createDumb(state, request)),
    destroyDumb: (handle) => run("DRM_IOCTL_MODE_DESTROY_DUMB", closeHandle(state, handle)),
    gemClose: (handle) => run("DRM_IOCTL_GEM_CLOSE", closeHandle(state, handle)),
    addFb2: (request) =>
      run(
        "DRM_IOCTL_MODE_ADDFB2",
        asTask(() => addFb2(state, request)),
      ),
    rmFb: (fbId) => run("DRM_IOCTL_MODE_RMFB", rmFb(state, fbId)),
    setCrtc: (request) => run("DRM_IOCTL_MODE_SETCRTC", setCrtc(state, request)),
    pageFlip: (request) => run("DRM_IOCTL_MODE_PAGE_FLIP", flipPage(state, request)),
    dirtyFb: (fbId, clips = null, options = {}) =>
      run("DRM_IOCTL_MODE_DIRTYFB", dirtyFb(state, fbId, clips, options)),
    setPlane: (request) => run("DRM_IOCTL_MODE_SETPLANE", changePlane(state, request)),
    setCursor: (request) =>
      run("DRM_IOCTL_MODE_CURSOR", changeCursor(state, cursorRequest({ ...request, hotX: 0, hotY: 0 }))),
    setCursor2: (request) => run("DRM_IOCTL_MODE_CURSOR2", changeCursor(state, cursorRequest(request))),
    moveCursor: (crtcId, x, y) =>
      run("DRM_IOCTL_MODE_CURSOR", changeCursor(state, { crtcId, position: { x, y } })),
    atomicCommit: (request) => run("DRM_IOCTL_MODE_ATOMIC", atomicCommit(state, request)),
    primeHandleToFd: (handle) => run("DRM_IOCTL_PRIME_HANDLE_TO_FD", primeHandleToFd(state, handle), closeFd),
    primeFdToHandle: (fd) => run("DRM_IOCTL_PRIME_FD_TO_HANDLE", primeFdToHandle(state, fd)),
    resourceCreateBlob: (request) =>
      run("DRM_IOCTL_VIRTGPU_RESOURCE_CREATE_BLOB", createBlob(state, request)),
    wait: (handle) => run("DRM_IOCTL_VIRTGPU_WAIT", waitForBuffer(state, handle, false)),
    waitEvent: (timeoutMs) => run("poll", waitEvent(state, timeoutMs)),
    close: () => run("close", closeFile(state)),
  };
}
