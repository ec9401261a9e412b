import { VirtioDevice } from "../../../src/device/index.ts";
import { type Display, GpuDevice, type ScanoutSource } from "../../../src/devices/gpu/index.ts";
import { GuestMemory } from "../../../src/memory/index.ts";
import {
  VIRTIO_F_RING_PACKED,
  VIRTIO_GPU_CONTROLQ,
  VIRTIO_GPU_CTRL_HDR,
  VIRTIO_GPU_F_RESOURCE_BLOB,
  VIRTIO_GPU_MEM_ENTRY,
  VIRTIO_GPU_RESP_OK_NODATA,
} from "../../../src/wire/index.ts";
import {
  createRing,
  type DriverRing,
  RING_SIZE,
  type RingFormat,
  type RingPlace,
  startDevice,
} from "../device/ring.ts";
import { MAX_TURN_WORK } from "../workload.ts";

/** Requests that may be under way. */
const SLOTS: number = RING_SIZE / 4;
const RING: RingPlace = { descAt: 0x1000, driverAt: 0x2000, deviceAt: 0x3000 };
const MESSAGES_AT = 0x4000;
const MESSAGE_BYTES = 256;
const RESPONSE_IN_MESSAGE = 192;
/** Lists of memory entries, larger than a slot. */
const ENTRIES_AT = 0x10000;
/** Here begins what is left to pictures. */
export const PIXELS_AT = 0x100000;

/** A display that looks at nothing and counts. */
class CountingDisplay implements Display {
  sources = 0;
  flushes = 0;
  shown: ScanoutSource | null = null;

  setScanout(_scanoutId: number, source: ScanoutSource | null): void {
    this.sources++;
    this.shown = source;
  }

  flush(): void {
    this.flushes++;
  }
}

/**
 * The GPU device without a transport, and a driver that writes requests straight into the ring. For little-endian
 * hosts. Requests are put into slots with {@link begin} and {@link end}; {@link kick} has them processed.
 */
export class GpuMachine {
  readonly display: CountingDisplay = new CountingDisplay();
  readonly gpu: GpuDevice;
  readonly words: Uint32Array;

  readonly #device: VirtioDevice;
  readonly #ring: DriverRing;
  /** Requests begun and requests answered, since ever. */
  #submitted = 0;
  #collected = 0;
  #interrupts = 0;

  constructor(memory: ArrayBufferLike, format: RingFormat = "split") {
    this.gpu = new GpuDevice({ display: this.display, controlQueueSize: RING_SIZE });
    this.#device = new VirtioDevice(this.gpu, {
      memory: new GuestMemory([{ base: 0, memory }]),
      ringFeatures: [VIRTIO_F_RING_PACKED],
      maxTurnWork: MAX_TURN_WORK,
    });
    this.words = new Uint32Array(memory);
    this.#ring = createRing(format, memory, RING);
    this.#device.connect({
      queueInterrupt: () => {
        this.#interrupts++;
      },
      configInterrupt: () => {},
      deviceReset: () => {},
    });
    startDevice(this.#device, 1 << VIRTIO_GPU_F_RESOURCE_BLOB, format, [RING]);
  }

  /** Starts a request; returns the index of its first word, whose header is filled in. At most 32 before a kick. */
  begin(type: number): number {
    const at = (MESSAGES_AT + (this.#submitted & (SLOTS - 1)) * MESSAGE_BYTES) >>> 2;
    const words = this.words;
    words[at] = type;
    for (let i = 1; i < VIRTIO_GPU_CTRL_HDR.sizeBytes / 4; i++) words[at + i] = 0;
    return at;
  }

  /** Makes the request that {@link begin} started available; it is `lengthBytes` long, and entries may follow. */
  end(lengthBytes: number, entriesBytes = 0): void {
    const slot = this.#submitted & (SLOTS - 1);
    const message = MESSAGES_AT + slot * MESSAGE_BYTES;
    const reply = message + RESPONSE_IN_MESSAGE;
    this.#ring.add(
      slot,
      message,
      lengthBytes,
      ENTRIES_AT,
      entriesBytes,
      reply,
      VIRTIO_GPU_CTRL_HDR.sizeBytes,
    );
    this.#submitted = (this.#submitted + 1) | 0;
  }

  /** Notifies the device, which must answer everything with OK_NODATA at once. */
  kick(): void {
    const words = this.words;
    const end = this.#submitted;
    const interrupts = this.#interrupts;
    this.#ring.publish();
    this.#device.notify(VIRTIO_GPU_CONTROLQ);
    if (!this.#ring.finished) throw new Error("a request was not answered");
    if (this.#interrupts === interrupts) throw new Error("no used-buffer notification");
    for (; this.#collected !== end; this.#collected = (this.#collected + 1) | 0) {
      const slot = this.#collected & (SLOTS - 1);
      const type = words[(MESSAGES_AT + slot * MESSAGE_BYTES + RESPONSE_IN_MESSAGE) >>> 2] as number;
      if (type !== VIRTIO_GPU_RESP_OK_NODATA) throw new Error(`the device answered 0x${type.toString(16)}`);
    }
  }

  /** A single request with a list of pages behind it, in an element of its own as Linux has it. */
  sendWithPages(type: number, fields: readonly number[], pages: Uint32Array, pageBytes: number): void {
    const words = this.words;
    const at = this.begin(type);
    const header = VIRTIO_GPU_CTRL_HDR.sizeBytes;
    for (let i = 0; i < fields.length; i++) words[at + header / 4 + i] = fields[i] as number;
    const entryWords = VIRTIO_GPU_MEM_ENTRY.sizeBytes / 4;
    for (let i = 0; i < pages.length; i++) {
      const entry = (ENTRIES_AT >>> 2) + i * entryWords;
      words[entry] = PIXELS_AT + (pages[i] as number) * pageBytes;
      words[entry + 1] = 0;
      words[entry + 2] = pageBytes;
      words[entry + 3] = 0;
    }
    this.end(header + 4 * fields.length, pages.length * VIRTIO_GPU_MEM_ENTRY.sizeBytes);
    this.kick();
  }
}
