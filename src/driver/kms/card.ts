import { checkArgument, checkOptions, type OptionRules, TIMER_MS_RULE } from "../../base/options.ts";
import type { TraceSink } from "../../base/trace.ts";
import type { DriverErrorCode } from "../errors.ts";
import { REFUSE_RULE } from "../features.ts";
import { VIRTIO_DRIVER_RULE, type VirtioDriver } from "../virtio-driver.ts";
import { CardState } from "./card-state.ts";
import { DrmFile } from "./file.ts";
import type { Connector, Crtc, Plane } from "./objects/mode-objects.ts";
import { type LinuxProfileName, linuxProfile } from "./profiles.ts";
import { type KmsClock, SystemClock } from "./time/clock.ts";
import type { Task } from "./time/tasks.ts";
import type { EntryListMemory } from "./virtio/command-queue.ts";
import { type KmsCapset, Prober } from "./virtio/probe.ts";
import type { VirtioGpu } from "./virtio/virtio-gpu.ts";

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

const RULES: OptionRules<KmsCardOptions> = {
  profile: "string",
  clock: { like: "a KmsClock", has: ["now", "block", "callAt"] },
  refuse: REFUSE_RULE,
  entryLists: "string",
  hangAfterMs: { number: [0, Number.MAX_SAFE_INTEGER] },
  pollMs: TIMER_MS_RULE,
  trace: "function",
  onIoctl: "function",
};

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
 * const [connectorId = 0] = file.getResources().connectors;
 * const [mode] = file.getConnector(connectorId).modes;
 * if (mode !== undefined) file.createDumb({ width: mode.hdisplay, height: mode.vdisplay, bpp: 32 });
 * ```
 */
export class KmsCard {
  /** Called when the kernel announces that something was plugged in or out, or a monitor's modes changed. */
  onHotplug: (() => void) | null = null;
  readonly #state: CardState;
  readonly #prober: Prober;
  #bound = false;

  private constructor(driver: VirtioDriver, options: KmsCardOptions) {
    checkOptions("KmsCard", options, RULES);
    checkArgument("KmsCard", "driver", driver, VIRTIO_DRIVER_RULE);
    this.#state = new CardState(driver, {
      profile: linuxProfile(options.profile ?? "linux-6.1"),
      clock: options.clock ?? new SystemClock(),
      refuse: options.refuse ?? [],
      entryLists: options.entryLists ?? "contiguous",
      hangAfterMs: options.hangAfterMs ?? HUNG_TASK_MS,
      pollMs: options.pollMs ?? 0,
      trace: options.trace ?? null,
      onIoctl: options.onIoctl ?? null,
    });
    this.#prober = new Prober(this.gpu, this.connectors, () => {
      if (this.#bound) this.onHotplug?.();
    });
    driver.onConfigChange = () => this.#prober.configChanged();
  }

  /**
   * Binds the driver to its device, blocking: up to 5 s for a device that does not answer, and for each capability set.
   * Throws `DriverError`: ENODEV for a device that cannot be driven, EINVAL for one without scanouts where the
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
    this.#state.capsets = this.#prober.capsets;
    this.#bound = true;
  }

  /** @internal The driver below: queues, fences, time. */
  get gpu(): VirtioGpu {
    return this.#state.gpu;
  }

  /** @internal */
  get connectors(): readonly Connector[] {
    return this.#state.connectors;
  }

  /** @internal */
  get crtcs(): readonly Crtc[] {
    return this.#state.crtcs;
  }

  /** @internal */
  get planes(): readonly Plane[] {
    return this.#state.planes;
  }

  /** Whether there is mode setting: not without scanouts. */
  get hasModesetting(): boolean {
    return this.#state.hasModesetting;
  }

  /** Capability sets that the device has told. */
  get capsets(): readonly KmsCapset[] {
    return this.#state.capsets;
  }

  /** Buffer objects that exist, those included that are only still with the device. */
  get bufferCount(): number {
    return this.#state.buffers.count;
  }

  /** Opens the card. The first to open it becomes master. Throws `DriverError` ENODEV after {@link remove}. */
  open(): DrmFile {
    this.#state.checkPresent();
    return new DrmFile(this.#state);
  }

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
    this.#state.remove();
  }
}
