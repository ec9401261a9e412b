// The three ways in which the same pages of a guest get onto a display of the host.

import { MemoryDisplay, readScanoutRgba } from "../../backends/display/memory/index.ts";
import { type DeviceType, VirtioDevice } from "../../device/index.ts";
import { type GpuCommandRecord, GpuDevice } from "../../devices/gpu/index.ts";
import { VdmabufDevice, VdmabufHost, type VdmabufMessageRecord } from "../../devices/vdmabuf/index.ts";
import {
  encodeVdmabufPicture,
  GpuDriver,
  type GuestAllocator,
  type GuestBuffer,
  MemEntryList,
  MmioDriverTransport,
  VdmabufDriver,
  type VdmabufGuestBuffer,
  VirtioDriver,
} from "../../driver/index.ts";
import type { GuestMemory } from "../../memory/index.ts";
import { MmioTransport } from "../../transport/mmio/index.ts";
import {
  VIRTIO_GPU_BLOB_FLAG_USE_SHAREABLE,
  VIRTIO_GPU_BLOB_MEM_GUEST,
  VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM,
  VIRTIO_GPU_MEM_ENTRY,
  VIRTQ_DESC,
} from "../../wire/index.ts";
import { DisplayImporter } from "./display-importer.ts";

const FORMAT = VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM;
const SCANOUT = 0;

/** The three ways, in the order in which they are shown. */
export const WAY_NAMES = ["vdmabuf", "blob", "2d"] as const;
export type WayName = (typeof WAY_NAMES)[number];

/** What something costs. */
export interface Costs {
  /** Messages of the guest to the host, and of the host to the guest. */
  readonly toHost: number;
  readonly toGuest: number;
  /** Available-buffer notifications, and interrupts. */
  readonly notifications: number;
  readonly interrupts: number;
  /** Descriptors of 16 bytes that the device read, those that only point to a table of others included. */
  readonly descriptors: number;
  readonly descriptorBytes: number;
  /** Messages and their answers, without tables. */
  readonly messageBytes: number;
  /** Lists of pages that the device read. */
  readonly tableBytes: number;
  /** Pixels that the device copied. */
  readonly bytesCopied: number;
}

/** What a guest shows on a display. */
export interface Picture {
  readonly pages: GuestBuffer;
  readonly width: number;
  readonly height: number;
}

/** A device with its driver, through which pictures are shown. */
export interface Way {
  readonly name: WayName;
  /** Everything that is done once for each buffer. */
  prepare(picture: Picture): void;
  /** True when the guest may draw into the buffer. */
  mayDraw(picture: Picture): boolean;
  /** Shows a buffer, all of it, and waits until the host says that it is there. */
  show(picture: Picture): void;
  /** The costs up to now. */
  costs(): Costs;
  /** What the display shows, as bytes R, G, B, 255. */
  read(): Uint8Array<ArrayBuffer>;
}

/** What all devices of the guest stand on. */
export interface Machine {
  readonly memory: GuestMemory;
  readonly allocator: GuestAllocator;
  /** Feature bits that the drivers don't accept. */
  readonly refuse: readonly number[];
}

/** The messages of a device, added up. */
class Tally {
  toHost = 0;
  toGuest = 0;
  descriptors = 0;
  messageBytes = 0;
  tableBytes = 0;

  add(
    chain: { readonly descriptors: number; readonly indirect: boolean },
    messageBytes: number,
    tableBytes: number,
  ): void {
    // One more descriptor points to the table of the others.
    this.descriptors += chain.descriptors + (chain.indirect ? 1 : 0);
    this.messageBytes += messageBytes;
    this.tableBytes += tableBytes;
  }

  costs(device: VirtioDevice, bytesCopied: number): Costs {
    return {
      toHost: this.toHost,
      toGuest: this.toGuest,
      notifications: device.counters.notifications,
      interrupts: device.counters.queueInterrupts,
      descriptors: this.descriptors,
      descriptorBytes: this.descriptors * VIRTQ_DESC.sizeBytes,
      messageBytes: this.messageBytes,
      tableBytes: this.tableBytes,
      bytesCopied,
    };
  }
}

/** Puts a device behind registers, and a driver in front of them. */
function plugIn(
  type: DeviceType,
  { memory, allocator }: Machine,
): { device: VirtioDevice; driver: VirtioDriver } {
  const device = new VirtioDevice(type, { memory });
  let driver: VirtioDriver | null = null;
  const registers = new MmioTransport(device, {
    onInterrupt: (asserted) => {
      if (asserted) driver?.handleInterrupt();
    },
  });
  const transport = MmioDriverTransport.probe(registers);
  if (transport === null) throw new Error("there is no device behind the registers");
  driver = new VirtioDriver(transport, { allocator });
  return { device, driver };
}

function readDisplay(display: MemoryDisplay): Uint8Array<ArrayBuffer> {
  const { source } = display.screen(SCANOUT);
  if (source === null) throw new Error("the display is off");
  return readScanoutRgba(source);
}

/** Every picture is exported anew; its buffer comes back once the next one is shown. */
export function vdmabufWay(machine: Machine): Way {
  const display = new MemoryDisplay();
  const tally = new Tally();
  const type = new VdmabufDevice({
    host: new VdmabufHost({ importer: new DisplayImporter(display) }),
    onMessage: (record: VdmabufMessageRecord) => {
      if (record.queue === "send") tally.toHost++;
      else tally.toGuest++;
      const answerBytes = record.queue === "send" ? record.writtenBytes : 0;
      tally.add(record, record.messageBytes + answerBytes, record.tableBytes);
    },
  });
  const { device, driver } = plugIn(type, machine);
  const vdmabuf = VdmabufDriver.start(driver, { refuse: machine.refuse });
  vdmabuf.needVmId();
  const buffers = new Map<GuestBuffer, VdmabufGuestBuffer>();
  const bufferOf = ({ pages }: Picture) => buffers.get(pages) as VdmabufGuestBuffer;
  return {
    name: "vdmabuf",
    prepare({ pages, width, height }) {
      buffers.set(pages, vdmabuf.wrap(pages, 0, width * height * 4));
    },
    mayDraw: (picture) => !bufferOf(picture).exported,
    show(picture) {
      const { width, height } = picture;
      vdmabuf.export(bufferOf(picture), encodeVdmabufPicture({ width, height, format: FORMAT }));
      vdmabuf.process();
    },
    costs: () => tally.costs(device, type.counters.bytesCopied),
    read: () => readDisplay(display),
  };
}

/** Pictures are resources; with blobs the device shows the guest's pages, without it copies them. */
export function gpuWay(machine: Machine, blob: boolean): Way {
  const display = new MemoryDisplay();
  const tally = new Tally();
  const type = new GpuDevice({
    display,
    onCommand: (record: GpuCommandRecord) => {
      tally.toHost++;
      const { nr_entries: entries = 0 } = record.fields;
      const tableBytes = Number(entries) * VIRTIO_GPU_MEM_ENTRY.sizeBytes;
      const sent = record.readable.reduce((sum, lengthBytes) => sum + lengthBytes, 0);
      tally.add(record, sent - tableBytes + record.writtenBytes, tableBytes);
    },
  });
  const { device, driver } = plugIn(type, machine);
  const gpu = GpuDriver.start(driver, { refuse: machine.refuse });
  const { requests } = gpu;
  const ids = new Map<GuestBuffer, number>();
  const idOf = ({ pages }: Picture) => ids.get(pages) as number;
  return {
    name: blob ? "blob" : "2d",
    prepare({ pages, width, height }) {
      const id = gpu.newResourceId();
      ids.set(pages, id);
      const entries = MemEntryList.ofPages(pages);
      if (blob) {
        gpu.resourceCreateBlob(id, {
          mem: VIRTIO_GPU_BLOB_MEM_GUEST,
          flags: VIRTIO_GPU_BLOB_FLAG_USE_SHAREABLE,
          sizeBytes: pages.lengthBytes,
          entries,
        });
      } else {
        requests.resourceCreate2D(id, FORMAT, width, height);
        requests.resourceAttachBacking(id, entries);
        gpu.drain();
      }
    },
    // The answer to the last flush, for which the guest has waited, was the permission.
    mayDraw: () => true,
    show(picture) {
      const { width, height } = picture;
      const id = idOf(picture);
      if (blob) {
        requests.setScanoutBlob(SCANOUT, id, { width, height, format: FORMAT, strides: [width * 4] });
        gpu.fenceNext();
      } else {
        requests.transferToHost2D(id, 0, 0, width, height, 0);
        requests.setScanout(SCANOUT, id, 0, 0, width, height);
      }
      requests.resourceFlush(id, 0, 0, width, height);
      gpu.drain();
    },
    costs: () => tally.costs(device, type.counters.bytesCopied),
    read: () => readDisplay(display),
  };
}
