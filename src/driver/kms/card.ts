import type { TraceSink } from "../../base/trace.ts";
import { DriverError, type DriverErrorCode } from "../errors.ts";
import type { VirtioDriver } from "../virtio-driver.ts";
import type { ChangeContext } from "./atomic/display-changes.ts";
import { Buffers } from "./buffers/buffers.ts";
import { type DmaBuf, PrimeFd } from "./buffers/dma-buf.ts";
import { DrmFile } from "./file.ts";
import type { FileState } from "./ioctls/file-state.ts";
import { Connector, Crtc, type Framebuffer, Plane } from "./objects/mode-objects.ts";
import { type LinuxProfileName, linuxProfile } from "./profiles.ts";
import { type KmsClock, SystemClock } from "./time/clock.ts";
import { type Task, TaskLock } from "./time/tasks.ts";
import type { EntryListMemory } from "./virtio/command-queue.ts";
import { type KmsCapset, Prober } from "./virtio/probe.ts";
import { VirtioGpu } from "./virtio/virtio-gpu.ts";

/** What file descriptors of buffers count from: standard streams and the card itself come before. */
const FIRST_FD = 4;
/** Linux reports a task that hangs for so long. */
const HUNG_TASK_MS = 120_000;

/** Choices for a {@link KmsCard}. */
export interface KmsCardOptions {
  /** The kernel to be like. Default `linux-6.1`. */
  readonly profile?: LinuxProfileName;
  /** What timeouts run on. Default: the time of the machine. */
  readonly clock?: KmsClock;
  /** Feature bits not to accept. */
  readonly refuse?: readonly number[];
  /** Where the kernel finds memory for lists of guest memory. Default `contiguous`. */
  readonly entryLists?: EntryListMemory;
  /** Milliseconds after which a wait without limit is reported as `KmsHangError`. Default 120 000. */
  readonly hangAfterMs?: number;
  /**
   * Milliseconds between two looks at the queues while something waits in the background, for devices that do not
   * interrupt. Default 0: interrupts come.
   */
  readonly pollMs?: number;
  /** What the kernel would log: `error-response`, `flush-timeout`, `queue-broken` … */
  readonly trace?: TraceSink;
  /** Called after every call of a program with its name (`DRM_IOCTL_…`) and its error, null for success. */
  readonly onIoctl?: (name: string, error: DriverErrorCode | null) => void;
}

/**
 * A graphics card as Linux' mode setting has it (`/dev/dri/card0`), driven by its virtio-gpu driver. Programs
 * {@link open} it. It sends what that driver sends: the same commands in the same order, with the same notifications.
 *
 * Rendering is not modelled: VIRTIO_GPU_F_VIRGL and VIRTIO_GPU_F_CONTEXT_INIT are not accepted, as on a big-endian guest.
 *
 * @example
 * ```ts
 * const card = KmsCard.bind(new VirtioDriver(transport, { allocator }), { profile: "linux-6.1" });
 * const file = card.open();
 * const [connector] = file.getResources().connectors;
 * const { modes } = file.getConnector(connector);
 * const dumb = file.createDumb({ width: modes[0].hdisplay, height: modes[0].vdisplay, bpp: 32 });
 * ```
 */
export class KmsCard {
  /** @internal The driver below: queues, fences, time. */
  readonly gpu: VirtioGpu;
  /** @internal */
  readonly buffers: Buffers;
  /** @internal */
  readonly context: ChangeContext;
  /** @internal */
  readonly connectors: readonly Connector[];
  /** @internal */
  readonly crtcs: readonly Crtc[];
  /** @internal */
  readonly planes: readonly Plane[];
  /** Called when the kernel announces that something was plugged in or out, or a monitor's modes changed. */
  onHotplug: (() => void) | null = null;
  /** As given by the options; null when nobody listens. */
  readonly onIoctl: ((name: string, error: DriverErrorCode | null) => void) | null;
  /** @internal */
  readonly framebuffers: Map<number, Framebuffer> = new Map();
  /** @internal Held while the names of buffers change: handles, and the dma-bufs that go with them. */
  readonly names: TaskLock = new TaskLock("the names of buffers");
  readonly #prober: Prober;
  readonly #files = new Set<FileState>();
  #master: FileState | null = null;
  #nextId = 1;
  #nextFd = FIRST_FD;
  #bound = false;
  #removed = false;

  private constructor(driver: VirtioDriver, options: KmsCardOptions) {
    const clock = options.clock ?? new SystemClock();
    this.onIoctl = options.onIoctl ?? null;
    this.gpu = new VirtioGpu(driver, {
      profile: linuxProfile(options.profile ?? "linux-6.1"),
      clock,
      refuse: options.refuse ?? [],
      entryLists: options.entryLists ?? "contiguous",
      hangAfterMs: options.hangAfterMs ?? HUNG_TASK_MS,
      pollMs: options.pollMs ?? 0,
      trace: options.trace ?? null,
    });
    this.buffers = new Buffers(this.gpu);
    const heads = Array.from({ length: this.gpu.scanouts }, (_, index) => this.#makeHead(index));
    this.crtcs = heads.map(({ crtc }) => crtc);
    this.planes = heads.flatMap(({ crtc }) => [crtc.primary, crtc.cursorPlane]);
    this.connectors = heads.map(({ connector }) => connector);
    this.context = { gpu: this.gpu, buffers: this.buffers, objects: this };
    this.#prober = new Prober(this.gpu, this.connectors, () => {
      if (this.#bound) this.onHotplug?.();
    });
    driver.onConfigChange = () => this.#prober.configChanged();
  }

  #makeHead(index: number): { crtc: Crtc; connector: Connector } {
    const primary = new Plane(this.newId(), 2 * index, "primary", index);
    const cursor = new Plane(this.newId(), 2 * index + 1, "cursor", index);
    const crtc = new Crtc(this.newId(), index, primary, cursor);
    return { crtc, connector: new Connector(this.newId(), this.newId(), index) };
  }

  /**
   * Binds the driver to its device, blocking: up to 5 s for a device that does not answer, and for each capability set.
   * Throws {@link DriverError}: ENODEV for a device that cannot be driven, EINVAL for one without scanouts where the
   * kernel insists on them.
   */
  static bind(driver: VirtioDriver, options: KmsCardOptions = {}): KmsCard {
    const card = new KmsCard(driver, options);
    card.gpu.scheduler.runSync(card.#bind());
    return card;
  }

  /** As {@link bind}, without blocking. */
  static async bindAsync(driver: VirtioDriver, options: KmsCardOptions = {}): Promise<KmsCard> {
    const card = new KmsCard(driver, options);
    await card.gpu.scheduler.runAsync(card.#bind());
    return card;
  }

  *#bind(): Task<void> {
    yield* this.#prober.probe();
    this.#bound = true;
  }

  /** Whether there is mode setting: not without scanouts. */
  get hasModesetting(): boolean {
    return this.gpu.scanouts > 0;
  }

  /** Capability sets that the device has told. */
  get capsets(): readonly KmsCapset[] {
    return this.#prober.capsets;
  }

  /** Buffer objects that exist, those included that are only still with the device. */
  get bufferCount(): number {
    return this.buffers.count;
  }

  /** @internal */
  newId(): number {
    return this.#nextId++;
  }

  // Files

  /** @internal The file that may set modes; null when there is none. */
  get master(): FileState | null {
    return this.#master;
  }

  /** Opens the card. The first to open it becomes master. Throws {@link DriverError} ENODEV after {@link remove}. */
  open(): DrmFile {
    this.checkPresent();
    const file = new DrmFile(this);
    this.#files.add(file.state);
    this.#master ??= file.state;
    return file;
  }

  /** @internal */
  takeMaster(file: FileState): void {
    if (this.#master === file) return;
    if (this.#master !== null) throw new DriverError("EBUSY", "another file is master");
    this.#master = file;
  }

  /** @internal */
  dropMaster(file: FileState): void {
    if (this.#master !== file) throw new DriverError("EINVAL", "this file is not master");
    this.#master = null;
  }

  /** @internal */
  forget(file: FileState): void {
    this.#files.delete(file);
    if (this.#master === file) this.#master = null;
  }

  /** @internal */
  openPrimeFd(dmaBuf: DmaBuf): PrimeFd {
    return new PrimeFd(this.#nextFd++, dmaBuf);
  }

  // Time and the end

  /** Takes in what the device has answered and lets waiting work go on: for devices that do not interrupt. */
  process(): void {
    this.gpu.process();
    this.gpu.scheduler.run();
  }

  /**
   * Unbinds the driver: the device is reset, nothing more is sent. Files can only be closed from then on, and buffers
   * that other drivers have imported live until those let go.
   */
  remove(): void {
    if (this.#removed) return;
    this.#removed = true;
    this.gpu.scheduler.stop();
    this.gpu.close();
    this.framebuffers.clear();
    this.buffers.removeAll(() => {
      for (const file of this.#files) file.abandon();
    });
  }

  /** @internal */
  checkPresent(): void {
    if (this.#removed) throw new DriverError("ENODEV", "the card was removed");
  }
}
