import { DriverError, type DriverErrorCode } from "../errors.ts";
import type { GuestBuffer } from "../guest-buffer.ts";
import { type AsyncDrmFile, closeFd, makeAsync } from "./async-file.ts";
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
import { DRM_CLIENT_CAP_ATOMIC, getCap, planeIds, setClientCap } from "./ioctls/capabilities.ts";
import { type Cursor2, cursorRequest } from "./ioctls/cursor2.ts";
import { closeFile, waitEvent } from "./ioctls/file-ioctls.ts";
import { type DrmEvent, FileState } from "./ioctls/file-state.ts";
import {
  type AddFb,
  type AddFb2,
  addFb,
  addFb2,
  closeFb,
  type DirtyOptions,
  dirtyFb,
  type FbInfo,
  getFb2,
  rmFb,
} from "./ioctls/framebuffer-ioctls.ts";
import {
  type CardResources,
  type ConnectorInfo,
  type CrtcInfo,
  getConnector,
  getCrtc,
  getPlane,
  getResources,
  type PlaneInfo,
} from "./ioctls/info-ioctls.ts";
import {
  changeCursor,
  changePlane,
  flipPage,
  type PageFlip,
  type SetCrtc,
  type SetPlane,
  setCrtc,
} from "./ioctls/mode-ioctls.ts";
import {
  type CrtcSequence,
  getSequence,
  type QueueSequence,
  queueSequence,
  type VblankInfo,
  type WaitVblank,
  waitVblank,
} from "./ioctls/vblank-ioctls.ts";
import type { DrmRect } from "./objects/mode-objects.ts";
import { type Task, waitFor } from "./time/tasks.ts";

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
    return this.state.isMaster;
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

  /** DRM_CAP_*, what the kernel can do. Throws EINVAL for one it does not know, EOPNOTSUPP without scanouts. */
  getCap(capability: number): number {
    return this.#tell("DRM_IOCTL_GET_CAP", () => getCap(this.state, capability));
  }

  /** DRM_CLIENT_CAP_*, what the program can do. Throws EINVAL, EOPNOTSUPP. */
  setClientCap(capability: number, value: number): void {
    this.#tell("DRM_IOCTL_SET_CLIENT_CAP", () => setClientCap(this.state, capability, value));
  }

  /** Asks for the atomic call. */
  setClientCapAtomic(): void {
    this.setClientCap(DRM_CLIENT_CAP_ATOMIC, 1);
  }

  /** Throws EOPNOTSUPP on a card without scanouts. */
  getResources(): CardResources {
    return this.#tell("DRM_IOCTL_MODE_GETRESOURCES", () => getResources(this.state));
  }

  /** Throws ENOENT. */
  getConnector(connectorId: number): ConnectorInfo {
    return this.#tell("DRM_IOCTL_MODE_GETCONNECTOR", () => getConnector(this.state, connectorId));
  }

  /** Throws ENOENT. */
  getCrtc(crtcId: number): CrtcInfo {
    return this.#tell("DRM_IOCTL_MODE_GETCRTC", () => getCrtc(this.state, crtcId));
  }

  /** Throws ENOENT. */
  getPlane(planeId: number): PlaneInfo {
    return this.#tell("DRM_IOCTL_MODE_GETPLANE", () => getPlane(this.state, planeId));
  }

  /** Ids of the planes, of those kinds that the program has said it knows. Throws EOPNOTSUPP. */
  getPlaneResources(): number[] {
    return this.#tell("DRM_IOCTL_MODE_GETPLANERESOURCES", () => planeIds(this.state));
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

  /** A file descriptor for a buffer, to hand to other drivers. Flags: DRM_CLOEXEC, DRM_RDWR. Throws EINVAL, ENOENT. */
  primeHandleToFd(handle: number, flags = 0): PrimeFd {
    return this.#run("DRM_IOCTL_PRIME_HANDLE_TO_FD", primeHandleToFd(this.state, handle, flags), closeFd);
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

  /** As {@link addFb2}, with the format by its numbers of bits. */
  addFb(request: AddFb): number {
    return this.#tell("DRM_IOCTL_MODE_ADDFB", () => addFb(this.state, request));
  }

  /** What a framebuffer is, no matter who made it, and for the master a new handle to its buffer. Throws ENOENT. */
  getFb2(fbId: number): FbInfo {
    return this.#tell("DRM_IOCTL_MODE_GETFB2", () => getFb2(this.state, fbId));
  }

  /** Gives up a framebuffer, which stays on the screen. Throws ENOENT, and EINVAL before Linux 6.12. */
  closeFb(fbId: number): void {
    this.#tell("DRM_IOCTL_MODE_CLOSEFB", () => closeFb(this.state, fbId));
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

  // Time

  /** Waits for a vertical blank, or asks for an event. Throws EOPNOTSUPP before Linux 7.3, EINVAL, EBUSY after 3 s. */
  waitVblank(request: WaitVblank): VblankInfo {
    return this.#run("DRM_IOCTL_WAIT_VBLANK", waitVblank(this.state, request));
  }

  /** The last vertical blank of a CRTC. Throws EOPNOTSUPP before Linux 7.3, ENOENT, EINVAL while the CRTC is off. */
  crtcGetSequence(crtcId: number): CrtcSequence {
    return this.#tell("DRM_IOCTL_CRTC_GET_SEQUENCE", () => getSequence(this.state, crtcId));
  }

  /** Asks for an event at a vertical blank; returns its number. Throws as {@link crtcGetSequence}, and ENOMEM. */
  crtcQueueSequence(request: QueueSequence): number {
    return this.#tell("DRM_IOCTL_CRTC_QUEUE_SEQUENCE", () => queueSequence(this.state, request));
  }

  // Events and the end

  /** Takes the events that have come. */
  readEvents(): DrmEvent[] {
    return this.state.takeEvents();
  }

  /** Waits for an event, at most so long. All that have come are then {@link readEvents}'s; returns the first. */
  waitEvent(timeoutMs: number): DrmEvent | null {
    return this.state.card.gpu.scheduler.runSync(waitEvent(this.state, timeoutMs));
  }

  /** @internal The program sleeps; what is under way goes on. */
  pause(milliseconds: number): void {
    const { scheduler, clock } = this.state.card.gpu;
    scheduler.runSync(waitFor(clock, () => false, milliseconds, "time to pass", true));
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

function codeOf(error: unknown): DriverErrorCode | null {
  return error instanceof DriverError ? error.code : null;
}
