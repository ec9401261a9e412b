import { DriverError } from "../../errors.ts";
import type { PendingEvent } from "../atomic/atomic-state.ts";
import type { BufferObject } from "../buffers/buffer-object.ts";
import type { DmaBuf } from "../buffers/dma-buf.ts";
import type { CardState } from "../card-state.ts";
import type { Crtc, Framebuffer } from "../objects/mode-objects.ts";

/** Room for events nobody has read, in bytes, and what each takes. */
const EVENT_SPACE_BYTES = 4096;
const EVENT_BYTES = 32;

/** What an event is about: DRM_EVENT_FLIP_COMPLETE, DRM_EVENT_VBLANK, DRM_EVENT_CRTC_SEQUENCE. */
export type DrmEventType = "flip-complete" | "vblank" | "crtc-sequence";

/** A page flip is complete, or a vertical blank has come that was asked for. */
export interface DrmEvent {
  readonly type: DrmEventType;
  /** 0 for `crtc-sequence`, which does not tell. */
  readonly crtcId: number;
  /** As passed with the call that asked for it. */
  readonly userData: number;
  /** Vertical blanks of the CRTC so far; 0 where the kernel has none. */
  readonly sequence: number;
  /** When it was, in the clock's milliseconds. */
  readonly timeMs: number;
}

/** What the kernel keeps for an open file. */
export class FileState {
  readonly card: CardState;
  isOpen = true;
  /** The program knows atomic mode setting. */
  atomic = false;
  /** The program knows primary and cursor planes. */
  universalPlanes = false;
  /** The program moves cursors as this kernel wants it: with hot spots. */
  cursorHotspots = false;
  readonly handles: Map<number, BufferObject> = new Map();
  /** Framebuffers that go when the file does, oldest first. */
  readonly framebuffers: Framebuffer[] = [];
  readonly events: DrmEvent[] = [];
  #eventSpaceBytes = EVENT_SPACE_BYTES;
  // Which dma-buf belongs to which handle: an import of the same buffer gives the same handle.
  readonly #handleOf = new Map<DmaBuf, number>();
  readonly #dmaBufOf = new Map<number, DmaBuf>();

  constructor(card: CardState) {
    this.card = card;
  }

  // Handles

  /** Throws {@link DriverError} ENOENT. */
  object(handle: number): BufferObject {
    const object = this.handles.get(handle);
    if (object === undefined) throw new DriverError("ENOENT", `no buffer has handle ${handle}`);
    return object;
  }

  /** A new handle to an object: the lowest number that is free. The device is notified of what was sent for it. */
  createHandle(object: BufferObject): number {
    let handle = 1;
    while (this.handles.has(handle)) handle++;
    this.handles.set(handle, object);
    if (object.handles++ === 0) object.retain();
    this.card.gpu.notify();
    return handle;
  }

  /** Throws {@link DriverError} EINVAL when there is no such handle. */
  deleteHandle(handle: number): void {
    const object = this.handles.get(handle);
    if (object === undefined) throw new DriverError("EINVAL", `no buffer has handle ${handle}`);
    this.handles.delete(handle);
    const dmaBuf = this.#dmaBufOf.get(handle);
    if (dmaBuf !== undefined) {
      this.#dmaBufOf.delete(handle);
      this.#handleOf.delete(dmaBuf);
      dmaBuf.release();
    }
    if (--object.handles > 0) return;
    const { exported } = object;
    object.exported = null;
    exported?.release();
    object.release();
  }

  /** The card is gone: lets go of everything without telling it. */
  abandon(): void {
    this.events.length = 0;
    this.framebuffers.length = 0;
    this.deleteHandles();
  }

  /** Gives up all handles, in the order of their numbers. */
  deleteHandles(): void {
    for (const handle of [...this.handles.keys()].sort((a, b) => a - b)) this.deleteHandle(handle);
  }

  handleOf(dmaBuf: DmaBuf): number | null {
    return this.#handleOf.get(dmaBuf) ?? null;
  }

  dmaBufOf(handle: number): DmaBuf | null {
    return this.#dmaBufOf.get(handle) ?? null;
  }

  /** Remembers that a handle and a dma-buf are the same buffer. */
  pair(handle: number, dmaBuf: DmaBuf): void {
    dmaBuf.retain();
    this.#handleOf.set(dmaBuf, handle);
    this.#dmaBufOf.set(handle, dmaBuf);
  }

  // Events

  /** Sets room for an event aside. Throws {@link DriverError} ENOMEM when nobody reads them. */
  reserveEvent(userData: number, type: DrmEventType = "flip-complete"): PendingEvent & { cancel(): void } {
    if (this.#eventSpaceBytes < EVENT_BYTES)
      throw new DriverError("ENOMEM", "too many events nobody has read");
    this.#eventSpaceBytes -= EVENT_BYTES;
    return {
      send: (crtc: Crtc, sequence: number, timeMs: number) => {
        if (!this.isOpen) return;
        const crtcId = type === "crtc-sequence" ? 0 : crtc.id;
        this.events.push({ type, crtcId, userData, sequence, timeMs });
      },
      cancel: () => {
        this.#eventSpaceBytes += EVENT_BYTES;
      },
    };
  }

  takeEvents(): DrmEvent[] {
    for (const vblank of this.card.gpu.vblanks) vblank.process();
    const events = this.events.splice(0);
    this.#eventSpaceBytes += events.length * EVENT_BYTES;
    return events;
  }

  // Rights

  /** Whether this file may set modes. */
  get isMaster(): boolean {
    return this.card.master === this;
  }

  /** Throws {@link DriverError} EACCES unless this file may set modes, EOPNOTSUPP when nobody can. */
  checkMaster(): void {
    this.check();
    if (!this.isMaster) throw new DriverError("EACCES", "this file is not master");
    this.checkModesetting();
  }

  /** Throws {@link DriverError} EOPNOTSUPP on a card without scanouts. */
  checkModesetting(): void {
    this.check();
    if (!this.card.hasModesetting)
      throw new DriverError("EOPNOTSUPP", "the card has no scanouts: no mode setting");
  }

  /** Throws {@link DriverError} EBADF when closed, ENODEV when the card is gone. */
  check(): void {
    if (!this.isOpen) throw new DriverError("EBADF", "the file is closed");
    this.card.checkPresent();
  }
}
