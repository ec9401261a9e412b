import { VirtioDevice } from "../../device/index.ts";
import { GpuDevice } from "../../devices/gpu/index.ts";
import { GuestAllocator, MmioDriverTransport, VirtioDriver } from "../../driver/index.ts";
import {
  cvtMode,
  type DrmMode,
  KmsCard,
  type LinuxProfileName,
  VirtualClock,
} from "../../driver/kms/index.ts";
import { DrmProgram } from "../../driver/kms/programs/drm-program.ts";
import { GuestMemory } from "../../memory/index.ts";
import { MmioTransport } from "../../transport/mmio/index.ts";
import { VIRTIO_F_EVENT_IDX, VIRTIO_F_INDIRECT_DESC, VIRTIO_F_RING_PACKED } from "../../wire/common.ts";
import { VIRTIO_GPU_F_EDID, VIRTIO_GPU_F_RESOURCE_BLOB, VIRTIO_GPU_F_RESOURCE_UUID } from "../../wire/gpu.ts";
import { VIRTIO_MMIO_QUEUE_NOTIFY } from "../../wire/mmio.ts";
import type { CrtcBefore, NegotiatedFeatures, Size } from "./conditions.ts";
import { RecordingGpu } from "./recording-gpu.ts";
import type { ProgramCall, Recording } from "./sent-command.ts";

const RING_FEATURES = [VIRTIO_F_INDIRECT_DESC, VIRTIO_F_EVENT_IDX, VIRTIO_F_RING_PACKED];
/** Rings, requests, cursors, and programs of one's own. */
const OTHER_BYTES = 16 << 20;
/** Programs draw into two framebuffers at a time; pages come from twice as many. */
const FRAMEBUFFERS = 4;

/** A machine with the modelled driver, whose device writes down what it is sent. */
export class ModelMachine {
  readonly #gpu: GpuDevice;
  readonly #recording: RecordingGpu;
  readonly #driver: VirtioDriver;
  readonly #profile: LinuxProfileName;
  readonly #clock = new VirtualClock();
  #card: KmsCard | null = null;
  #calls: ProgramCall[] = [];

  /** `largest` is the size of the largest framebuffer. */
  constructor(
    profile: LinuxProfileName,
    features: NegotiatedFeatures,
    scanouts: number,
    display: Size,
    largest: Size,
  ) {
    this.#profile = profile;
    const { bits } = features;
    const memory = new GuestMemory([
      { base: 0, memory: new ArrayBuffer(FRAMEBUFFERS * 4 * largest.width * largest.height + OTHER_BYTES) },
    ]);
    this.#gpu = new GpuDevice({
      displays: [{ widthPixels: display.width, heightPixels: display.height }],
      scanouts,
      features: {
        edid: bits.has(VIRTIO_GPU_F_EDID),
        resourceUuid: bits.has(VIRTIO_GPU_F_RESOURCE_UUID),
        resourceBlob: bits.has(VIRTIO_GPU_F_RESOURCE_BLOB),
      },
    });
    this.#recording = new RecordingGpu(this.#gpu, () => this.#clock.now());
    const device = new VirtioDevice(this.#recording, {
      memory,
      ringFeatures: RING_FEATURES.filter((bit) => bits.has(bit)),
      // Captures are compared in the order of their commands, which nothing here may stretch over turns of the event loop.
      maxTurnWork: 0x3fffffff,
    });
    const mmio = new MmioTransport(device, {
      onInterrupt: (asserted) => {
        if (asserted) this.#driver.handleInterrupt();
      },
    });
    const transport = MmioDriverTransport.probe({
      read: (offset, width) => mmio.read(offset, width),
      write: (offset, width, value) => {
        if (offset === VIRTIO_MMIO_QUEUE_NOTIFY) this.#recording.notified(value & 0xffff);
        mmio.write(offset, width, value);
      },
    });
    this.#driver = new VirtioDriver(transport as MmioDriverTransport, {
      allocator: new GuestAllocator(memory),
    });
  }

  /** Binds the driver. */
  bind(): Recording {
    this.#card = KmsCard.bind(this.#driver, {
      profile: this.#profile,
      clock: this.#clock,
      onIoctl: (name, error) => this.#calls.push({ name, error }),
    });
    return { ...this.#take(), calls: null };
  }

  /** Runs a program. */
  run(program: (card: KmsCard) => void): Recording {
    this.#take();
    program(this.#boundCard());
    return this.#take();
  }

  /** Makes the preferred mode another one. */
  resize({ width, height }: Size): void {
    this.#gpu.setDisplay(0, { widthPixels: width, heightPixels: height });
  }

  /** Brings the first CRTC into a state: with nothing to show, in whatever mode it is. */
  prepareCrtc(before: CrtcBefore, mode: DrmMode): void {
    const program = new DrmProgram(this.#boundCard());
    program.findDisplay();
    program.setCrtc(0);
    if (before !== "off") {
      program.useMode(before === "on in the same mode" ? mode : otherMode(mode));
      const fb = program.makeFramebuffer();
      program.setCrtc(fb.fbId);
      program.file.dirtyFb(fb.fbId);
      program.removeFramebuffer(fb);
    }
    program.file.close();
  }

  /** The preferred mode of the first display. */
  preferredMode(): DrmMode {
    const program = new DrmProgram(this.#boundCard());
    program.findDisplay();
    program.file.close();
    return program.mode;
  }

  #boundCard(): KmsCard {
    if (this.#card === null) this.bind();
    return this.#card as KmsCard;
  }

  #take(): Recording {
    const calls = this.#calls;
    this.#calls = [];
    return { commands: this.#recording.commands.splice(0), calls };
  }
}

/** A mode of a size, whatever the size: what a program may ask for by name. */
export function modeOfSize({ width, height }: Size): DrmMode {
  const mode = cvtMode(width + 8, height);
  return { ...mode, name: `${width}x${height}`, hdisplay: width };
}

function otherMode(mode: DrmMode): DrmMode {
  const size = mode.hdisplay === 640 ? { width: 800, height: 600 } : { width: 640, height: 480 };
  return modeOfSize(size);
}
