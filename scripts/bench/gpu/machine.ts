import { VirtioDevice } from "../../../src/device/index.ts";
import { type Display, GpuDevice, type ScanoutSource } from "../../../src/devices/gpu/index.ts";
import { GuestMemory } from "../../../src/memory/index.ts";
import {
  VIRTIO_CONFIG_S_ACKNOWLEDGE,
  VIRTIO_CONFIG_S_DRIVER,
  VIRTIO_CONFIG_S_DRIVER_OK,
  VIRTIO_CONFIG_S_FEATURES_OK,
  VIRTIO_GPU_CONTROLQ,
  VIRTIO_GPU_CTRL_HDR,
  VIRTIO_GPU_F_RESOURCE_BLOB,
  VIRTIO_GPU_MEM_ENTRY,
  VIRTIO_GPU_RESP_OK_NODATA,
  VIRTQ_DESC_F_NEXT,
  VIRTQ_DESC_F_WRITE,
} from "../../../src/wire/index.ts";

const QUEUE_SIZE = 64;
/** Requests of two descriptors each. */
const SLOTS: number = QUEUE_SIZE / 2;
const DESC_AT = 0x1000;
const DRIVER_AT = 0x2000;
const DEVICE_AT = 0x3000;
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
  readonly #halves: Uint16Array;
  /** Requests begun and requests answered, since ever. */
  #submitted = 0;
  #collected = 0;
  #interrupts = 0;

  constructor(memory: ArrayBufferLike) {
    this.gpu = new GpuDevice({ display: this.display, controlQueueSize: QUEUE_SIZE });
    this.#device = new VirtioDevice(this.gpu, { memory: new GuestMemory([{ base: 0, memory }]) });
    this.words = new Uint32Array(memory);
    this.#halves = new Uint16Array(memory);
    this.#start();
  }

  #start(): void {
    const device = this.#device;
    device.connect({
      queueInterrupt: () => {
        this.#interrupts++;
      },
      configInterrupt: () => {},
      deviceReset: () => {},
    });
    let status = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER;
    device.writeStatus(status);
    device.writeDriverFeatureWord(0, 1 << VIRTIO_GPU_F_RESOURCE_BLOB);
    device.writeDriverFeatureWord(1, 1);
    status |= VIRTIO_CONFIG_S_FEATURES_OK;
    device.writeStatus(status);
    device.writeQueueConfig(VIRTIO_GPU_CONTROLQ, {
      size: QUEUE_SIZE,
      descLo: DESC_AT,
      driverLo: DRIVER_AT,
      deviceLo: DEVICE_AT,
    });
    device.enableQueue(VIRTIO_GPU_CONTROLQ);
    device.writeStatus(status | VIRTIO_CONFIG_S_DRIVER_OK);
    if ((device.status & VIRTIO_CONFIG_S_DRIVER_OK) === 0) throw new Error("the device did not start");
  }

  /** Starts a request; returns the index of its first word, whose header is filled in. At most 32 before a kick. */
  begin(type: number): number {
    const at = (MESSAGES_AT + (this.#submitted & (SLOTS - 1)) * MESSAGE_BYTES) >>> 2;
    const words = this.words;
    words[at] = type;
    for (let i = 1; i < VIRTIO_GPU_CTRL_HDR.sizeBytes / 4; i++) words[at + i] = 0;
    return at;
  }

  /** Makes the request that {@link begin} started available; it is `lengthBytes` long. */
  end(lengthBytes: number): void {
    const words = this.words;
    const slot = this.#submitted & (SLOTS - 1);
    const head = slot << 1;
    const at = (DESC_AT >>> 2) + (head << 2);
    const message = MESSAGES_AT + slot * MESSAGE_BYTES;
    words[at] = message;
    words[at + 1] = 0;
    words[at + 2] = lengthBytes;
    words[at + 3] = VIRTQ_DESC_F_NEXT | ((head + 1) << 16);
    words[at + 4] = message + RESPONSE_IN_MESSAGE;
    words[at + 5] = 0;
    words[at + 6] = VIRTIO_GPU_CTRL_HDR.sizeBytes;
    words[at + 7] = VIRTQ_DESC_F_WRITE;
    this.#halves[(DRIVER_AT >>> 1) + 2 + (this.#submitted & (QUEUE_SIZE - 1))] = head;
    this.#submitted = (this.#submitted + 1) | 0;
  }

  /** Notifies the device, which must answer everything with OK_NODATA at once. */
  kick(): void {
    const halves = this.#halves;
    const words = this.words;
    const end = this.#submitted;
    const interrupts = this.#interrupts;
    halves[(DRIVER_AT >>> 1) + 1] = end;
    this.#device.notify(VIRTIO_GPU_CONTROLQ);
    if (halves[(DEVICE_AT >>> 1) + 1] !== (end & 0xffff)) throw new Error("a request was not answered");
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
    // Three descriptors: the last two of the table are free as long as requests go one at a time.
    const slot = this.#submitted & (SLOTS - 1);
    if (slot === SLOTS - 1) throw new Error("the slot's descriptors are taken");
    this.end(header + 4 * fields.length);
    const first = (DESC_AT >>> 2) + (slot << 3);
    const last = (DESC_AT >>> 2) + ((QUEUE_SIZE - 1) << 2);
    for (let i = 0; i < 4; i++) words[last + i] = words[first + 4 + i] as number;
    words[first + 4] = ENTRIES_AT;
    words[first + 6] = pages.length * VIRTIO_GPU_MEM_ENTRY.sizeBytes;
    words[first + 7] = VIRTQ_DESC_F_NEXT | ((QUEUE_SIZE - 1) << 16);
    this.kick();
  }
}
