import type { TraceSink } from "../../base/trace.ts";
import { DriverError, type DriverErrorCode } from "../errors.ts";
import type { VirtioDriver } from "../virtio-driver.ts";
import type { ChangeContext } from "./atomic/display-changes.ts";
import { Buffers } from "./buffers/buffers.ts";
import { type DmaBuf, PrimeFd } from "./buffers/dma-buf.ts";
import { Connector, Crtc, type Framebuffer, Plane } from "./objects/mode-objects.ts";
import type { LinuxProfile } from "./profiles.ts";
import type { KmsClock } from "./time/clock.ts";
import { TaskLock } from "./time/tasks.ts";
import { VblankTimer } from "./time/vblank.ts";
import type { EntryListMemory } from "./virtio/command-queue.ts";
import type { KmsCapset } from "./virtio/probe.ts";
import { VirtioGpu } from "./virtio/virtio-gpu.ts";

/** What file descriptors of buffers count from: standard streams and the card itself come before. */
const FIRST_FD = 4;

/** A file as its card knows it. */
interface CardFile {
  /** The card is gone. */
  abandon(): void;
}

/** What a {@link CardState} is made with. */
export interface CardStateOptions {
  readonly profile: LinuxProfile;
  readonly clock: KmsClock;
  readonly refuse: readonly number[];
  readonly entryLists: EntryListMemory;
  readonly hangAfterMs: number;
  readonly pollMs: number;
  readonly trace: TraceSink | null;
  readonly onIoctl: ((name: string, error: DriverErrorCode | null) => void) | null;
}

/** What the kernel keeps for a card, below both the card and its files. */
export class CardState {
  readonly gpu: VirtioGpu;
  readonly buffers: Buffers;
  readonly context: ChangeContext;
  readonly connectors: readonly Connector[];
  readonly crtcs: readonly Crtc[];
  readonly planes: readonly Plane[];
  readonly onIoctl: ((name: string, error: DriverErrorCode | null) => void) | null;
  readonly framebuffers: Map<number, Framebuffer> = new Map();
  /** Held while the names of buffers change: handles, and the dma-bufs that go with them. */
  readonly names: TaskLock = new TaskLock("the names of buffers");
  /** Capability sets that the device has told. */
  capsets: readonly KmsCapset[] = [];
  readonly #files = new Set<CardFile>();
  #master: CardFile | null = null;
  #nextId = 1;
  #nextFd = FIRST_FD;
  #removed = false;

  /** Initializes the device. Throws {@link DriverError}. */
  constructor(driver: VirtioDriver, options: CardStateOptions) {
    this.onIoctl = options.onIoctl;
    this.gpu = new VirtioGpu(driver, options);
    this.buffers = new Buffers(this.gpu);
    const heads = Array.from({ length: this.gpu.scanouts }, (_, index) => this.#makeHead(index));
    this.crtcs = heads.map(({ crtc }) => crtc);
    this.planes = heads.flatMap(({ crtc }) => [crtc.primary, crtc.cursorPlane]);
    this.connectors = heads.map(({ connector }) => connector);
    this.context = { gpu: this.gpu, buffers: this.buffers, objects: this };
  }

  #makeHead(index: number): { crtc: Crtc; connector: Connector } {
    const primary = new Plane(this.newId(), 2 * index, "primary", index);
    const cursor = new Plane(this.newId(), 2 * index + 1, "cursor", index);
    const { clock, profile, scheduler, vblanks } = this.gpu;
    const vblank = profile.hasVblankTimer ? new VblankTimer(clock, () => scheduler.run()) : null;
    if (vblank !== null) vblanks.push(vblank);
    const crtc = new Crtc(this.newId(), index, primary, cursor, vblank);
    return { crtc, connector: new Connector(this.newId(), this.newId(), index) };
  }

  /** Whether there is mode setting: not without scanouts. */
  get hasModesetting(): boolean {
    return this.gpu.scanouts > 0;
  }

  /** Ids of all objects count up together. */
  newId(): number {
    return this.#nextId++;
  }

  // Files

  /** The file that may set modes; null when there is none. */
  get master(): CardFile | null {
    return this.#master;
  }

  /** A file was opened. The first becomes master. */
  adopt(file: CardFile): void {
    this.#files.add(file);
    this.#master ??= file;
  }

  /** Throws {@link DriverError} EBUSY while another file is master. */
  takeMaster(file: CardFile): void {
    if (this.#master === file) return;
    if (this.#master !== null) throw new DriverError("EBUSY", "another file is master");
    this.#master = file;
  }

  /** Throws {@link DriverError} EINVAL. */
  dropMaster(file: CardFile): void {
    if (this.#master !== file) throw new DriverError("EINVAL", "this file is not master");
    this.#master = null;
  }

  /** A file was closed. */
  forget(file: CardFile): void {
    this.#files.delete(file);
    if (this.#master === file) this.#master = null;
  }

  openPrimeFd(dmaBuf: DmaBuf): PrimeFd {
    return new PrimeFd(this.#nextFd++, dmaBuf);
  }

  // The end

  /** The device is reset, and everything given up without telling it. */
  remove(): void {
    if (this.#removed) return;
    this.#removed = true;
    for (const vblank of this.gpu.vblanks) vblank.remove();
    this.gpu.scheduler.stop();
    this.gpu.close();
    this.framebuffers.clear();
    this.buffers.removeAll(() => {
      for (const file of this.#files) file.abandon();
    });
  }

  /** Throws {@link DriverError} ENODEV after {@link remove}. */
  checkPresent(): void {
    if (this.#removed) throw new DriverError("ENODEV", "the card was removed");
  }
}
