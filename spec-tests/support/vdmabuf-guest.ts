// A guest with a Vdmabuf device behind virtio-mmio, on rings of either format, that can send anything.
import {
  type VdmabufBuffer,
  VdmabufDevice,
  type VdmabufDeviceOptions,
  VdmabufHost,
  type VdmabufImporter,
} from "../../src/devices/vdmabuf/index.ts";
import {
  type DriverQueue,
  ElementList,
  GuestAllocator,
  VdmabufDriver,
  type VdmabufDriverOptions,
} from "../../src/driver/index.ts";
import { type AddressTranslator, GuestMemory } from "../../src/memory/index.ts";
import { type Driven, type DrivenOptions, drive } from "../../src/testing/index.ts";
import { VIRTIO_F_RING_PACKED } from "../../src/wire/index.ts";
import { PAGE, RECV, readWords, writeEntry } from "./vdmabuf-messages.ts";

export const FORMATS = ["split", "packed"] as const;

export interface VdmabufGuestOptions {
  readonly format?: "split" | "packed";
  readonly importer?: VdmabufImporter;
  readonly host?: VdmabufHost;
  readonly device?: VdmabufDeviceOptions;
  readonly driver?: VdmabufDriverOptions;
  readonly driven?: Partial<DrivenOptions>;
  /** Between the device and memory; addresses are the same on both sides. */
  readonly translator?: AddressTranslator;
}

export const RAM_BASE = 0x8000_0000;
export const RAM_BYTES = 16 << 20;

export class VdmabufGuest {
  readonly type: VdmabufDevice;
  readonly host: VdmabufHost;
  readonly driven: Driven;
  readonly memory: GuestMemory;
  readonly driver: VdmabufDriver;
  /** What the default importer got and keeps. */
  readonly exported: VdmabufBuffer[] = [];

  constructor(options: VdmabufGuestOptions = {}) {
    const importer = options.importer ?? { onExport: (buffer) => void this.exported.push(buffer) };
    this.host = options.host ?? new VdmabufHost({ importer });
    this.type = new VdmabufDevice({ host: this.host, ...options.device });
    const { translator } = options;
    this.memory = new GuestMemory([{ base: RAM_BASE, memory: new ArrayBuffer(RAM_BYTES) }]);
    const allocator = new GuestAllocator(
      this.memory,
      translator === undefined ? {} : { toDeviceAddress: (physical) => physical },
    );
    this.driven = drive(this.type, {
      transport: "mmio",
      ...options.driven,
      device: {
        memory: this.memory,
        ...(translator === undefined ? {} : { translator }),
        ...options.driven?.device,
      },
      platform: { allocator, ...options.driven?.platform },
    });
    const refuse = options.format === "packed" ? [] : [VIRTIO_F_RING_PACKED];
    this.driver = VdmabufDriver.start(this.driven.driver, { refuse, receiveBuffers: 0, ...options.driver });
  }

  /** Sends any bytes; what the device wrote behind them. */
  send(message: Uint8Array, replyBytes = 24): Uint8Array<ArrayBuffer> {
    return this.driver.raw(message, replyBytes);
  }

  /** The address of a new page, or of several that lie one behind the other. */
  page(count = 1): number {
    const { hi, lo } = this.driven.allocator.allocate(count * PAGE, PAGE);
    return hi * 2 ** 32 + lo;
  }

  /** Writes a table and returns its address. */
  table(addresses: readonly (bigint | number)[], at: number = this.page()): number {
    const bytes = this.memory.view(at, PAGE);
    for (const [i, address] of addresses.entries()) writeEntry(bytes, i, address);
    return at;
  }

  /** Tables for pages; the address of the top-level one. */
  tables(pages: readonly (bigint | number)[]): number {
    const second: number[] = [];
    for (let i = 0; i < pages.length; i += 512) second.push(this.table(pages.slice(i, i + 512)));
    return this.table(second);
  }

  /**
   * Offers buffers of these lengths to the host and takes in what comes back: the used length of each, and the words
   * in it. Length 0 stands for a buffer that the device may only read.
   */
  hear(...lengths: readonly number[]): { readonly written: number; readonly words: number[] }[] {
    const queue = this.driven.driver.queue(RECV) as DriverQueue;
    queue.onUsed = null;
    const elements = new ElementList();
    const places = new Map<number, number>();
    for (const length of lengths) {
      const { hi, lo } = this.driven.allocator.allocate(Math.max(8, length));
      elements.clear();
      if (length > 0) elements.writable(hi, lo, length);
      else elements.readable(hi, lo, 8);
      places.set(queue.add(elements), hi * 2 ** 32 + lo);
    }
    queue.kick();
    const heard: { written: number; words: number[] }[] = [];
    for (let token = queue.pollUsed(); token >= 0; token = queue.pollUsed()) {
      const written = queue.ring.lastWritten;
      heard.push({ written, words: readWords(this.memory.read(places.get(token) as number, written)) });
    }
    return heard;
  }
}
