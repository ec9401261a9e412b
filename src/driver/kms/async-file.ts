import type { PrimeFd } from "./buffers/dma-buf.ts";
import { type AtomicRequest, type AtomicResult, atomicCommit } from "./ioctls/atomic-ioctl.ts";
import {
  type BlobBuffer,
  type CreateBlob,
  type CreateDumb,
  closeHandle,
  createBlob,
  createDumb,
  type DumbBuffer,
  primeFdToHandle,
  primeHandleToFd,
  waitForBuffer,
} from "./ioctls/buffer-ioctls.ts";
import { type Cursor2, cursorRequest } from "./ioctls/cursor2.ts";
import { closeFile, waitEvent } from "./ioctls/file-ioctls.ts";
import type { DrmEvent, FileState } from "./ioctls/file-state.ts";
import { type AddFb2, addFb2, type DirtyOptions, dirtyFb, rmFb } from "./ioctls/framebuffer-ioctls.ts";
import {
  changeCursor,
  changePlane,
  flipPage,
  type PageFlip,
  type SetCrtc,
  type SetPlane,
  setCrtc,
} from "./ioctls/mode-ioctls.ts";
import { type VblankInfo, type WaitVblank, waitVblank } from "./ioctls/vblank-ioctls.ts";
import type { DrmRect } from "./objects/mode-objects.ts";
import type { Task } from "./time/tasks.ts";

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
  primeHandleToFd(handle: number, flags?: number): Promise<PrimeFd>;
  /** DRM_IOCTL_PRIME_FD_TO_HANDLE, without blocking. */
  primeFdToHandle(fd: PrimeFd): Promise<number>;
  /** DRM_IOCTL_VIRTGPU_RESOURCE_CREATE_BLOB, without blocking. */
  resourceCreateBlob(request: CreateBlob): Promise<BlobBuffer>;
  /** DRM_IOCTL_VIRTGPU_WAIT, without blocking. */
  wait(handle: number): Promise<void>;
  /** DRM_IOCTL_WAIT_VBLANK, without blocking. */
  waitVblank(request: WaitVblank): Promise<VblankInfo>;
  /** Waits for the next event, without blocking; null when the time is over. */
  waitEvent(timeoutMs: number): Promise<DrmEvent | null>;
  /** Closes the file, without blocking. */
  close(): Promise<void>;
}

// biome-ignore lint/correctness/useYield: a call that never waits, in the shape of those that do
function* asTask<T>(call: () => T): Task<T> {
  return call();
}

/** A file descriptor of a call that was given up: nobody has it. */
export function closeFd(fd: PrimeFd): void {
  fd.close();
}

type RunAsync = <T>(name: string, task: Task<T>, orphan?: (result: T) => void) => Promise<T>;

export function makeAsync(state: FileState, run: RunAsync): AsyncDrmFile {
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
    primeHandleToFd: (handle, flags = 0) =>
      run("DRM_IOCTL_PRIME_HANDLE_TO_FD", primeHandleToFd(state, handle, flags), closeFd),
    primeFdToHandle: (fd) => run("DRM_IOCTL_PRIME_FD_TO_HANDLE", primeFdToHandle(state, fd)),
    resourceCreateBlob: (request) =>
      run("DRM_IOCTL_VIRTGPU_RESOURCE_CREATE_BLOB", createBlob(state, request)),
    wait: (handle) => run("DRM_IOCTL_VIRTGPU_WAIT", waitForBuffer(state, handle, false)),
    waitVblank: (request) => run("DRM_IOCTL_WAIT_VBLANK", waitVblank(state, request)),
    waitEvent: (timeoutMs) => run("poll", waitEvent(state, timeoutMs)),
    close: () => run("close", closeFile(state)),
  };
}
