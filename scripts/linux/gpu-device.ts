// This project's virtio-gpu on v86's PCI bus, with a display that keeps what is shown.
import type { V86 } from "v86";
import {
  attachToV86,
  type V86PciDevice,
  type V86Registers,
  v86Memory,
} from "../../src/adapters/v86/index.ts";
import { readScanoutRgba } from "../../src/backends/display/memory/index.ts";
import type { TraceEvent } from "../../src/base/index.ts";
import { TeeDisplay } from "../../src/cli/display/tee-display.ts";
import { DriverChecker } from "../../src/conformance/driver-checker/index.ts";
import { DEFAULT_RING_FEATURES, VirtioDevice } from "../../src/device/index.ts";
import {
  type CursorImage,
  type Display,
  type GpuCommandRecord,
  GpuDevice,
  type GpuFieldValue,
  type ScanoutSource,
} from "../../src/devices/gpu/index.ts";
import {
  VIRTIO_F_NOTIF_CONFIG_DATA,
  VIRTIO_F_ORDER_PLATFORM,
  VIRTIO_F_RING_PACKED,
} from "../../src/wire/index.ts";
import { type CheckedDriver, summarize } from "./checked-driver.ts";
import type {
  CommandRecord,
  CursorState,
  LinuxDevice,
  LinuxDeviceOptions,
  Picture,
  PlainValue,
} from "./linux-device.ts";
import type { DeviceIdentity } from "./snapshot.ts";

/** Events of the driver's that are kept: all of a usual run. */
const TIMELINE_LENGTH = 1 << 20;
const COMMAND_PREFIX = "VIRTIO_GPU_CMD_";
const RESPONSE_PREFIX = "VIRTIO_GPU_RESP_";
/** Commands behind whose struct a list of guest memory follows. */
const WITH_BACKING: ReadonlySet<string> = new Set(["RESOURCE_ATTACH_BACKING", "RESOURCE_CREATE_BLOB"]);

export class LinuxGpu implements LinuxDevice {
  readonly commands: CommandRecord[] = [];
  readonly complaints: string[] = [];
  readonly #options: LinuxDeviceOptions;
  readonly #gpu: GpuDevice;
  readonly #screen = new Screen();
  readonly #begin = performance.now();
  #device: VirtioDevice | undefined;
  #checker: DriverChecker | undefined;

  constructor(options: LinuxDeviceOptions) {
    this.#options = options;
    const { features, width, height, display } = options;
    this.#gpu = new GpuDevice({
      display: display === undefined ? this.#screen : new TeeDisplay(this.#screen, display),
      displays: [{ widthPixels: width, heightPixels: height }],
      features: {
        edid: features.includes("edid"),
        resourceUuid: features.includes("uuid"),
        resourceBlob: features.includes("blob"),
      },
      onCommand: (record) => this.#record(record),
    });
  }

  /** What a device of these options registers, seen on a bus that is none. */
  get identity(): DeviceIdentity {
    let registered: V86PciDevice | undefined;
    const nothing = (): void => undefined;
    new LinuxGpu(this.#options).attach({
      v86: {
        cpu: {
          wasm_memory: { buffer: new ArrayBuffer(8) },
          mem8: { byteOffset: 0, length: 8 },
          instruction_counter: [0],
          get_eflags: () => 0,
          jit_dirty_cache: nothing,
          device_raise_irq: nothing,
          device_lower_irq: nothing,
          run_hardware_timers: () => 0,
          reboot_internal: nothing,
          set_state: nothing,
          memory_map_read8: [],
          io: { ports: [], register_read: nothing, register_write: nothing, mmap_register: nothing },
          devices: {
            pci: {
              pci_addr: new Uint8Array(4),
              device_spaces: [],
              register_device: (device: V86PciDevice) => {
                registered = device;
              },
              raise_irq: nothing,
              lower_irq: nothing,
            },
          },
        },
      },
    });
    if (registered === undefined) throw new Error("the adapter has registered no PCI device");
    return {
      pciId: registered.pci_id,
      configSpace: Uint8Array.from(registered.pci_space),
      barSizes: registered.pci_bars.map((bar) => bar?.size ?? 0),
    };
  }

  attach(emulator: V86 | object): void {
    const ringFeatures = DEFAULT_RING_FEATURES.filter(
      (feature) => feature !== VIRTIO_F_RING_PACKED || this.#options.features.includes("packed"),
    );
    // What a driver should accept if it is offered: whether it does is for the checker to see.
    if (this.#options.checkDriver === true) {
      ringFeatures.push(VIRTIO_F_ORDER_PLATFORM, VIRTIO_F_NOTIF_CONFIG_DATA);
    }
    const memory = v86Memory(emulator);
    this.#device = new VirtioDevice(this.#gpu, {
      memory,
      ringFeatures,
      trace: (event) => {
        this.complaints.push(describe(event));
        this.#checker?.trace(event);
      },
    });
    const { stage } = this.#options;
    const present = stage === undefined ? {} : { present: (bus: V86Registers) => stage.present(bus) };
    if (this.#options.checkDriver !== true) {
      attachToV86(emulator, this.#device, present);
      return;
    }
    const checker = new DriverChecker({
      memory,
      timelineLength: TIMELINE_LENGTH,
      // v86 answers for configuration space, from a copy.
      seesConfigSpace: false,
      drivesOthers: true,
      polled: false,
    });
    this.#checker = checker;
    attachToV86(emulator, this.#device, {
      ...present,
      interpose: (registers) =>
        checker.pci(registers, stage === undefined ? null : { ...stage, present: (shown) => shown }),
      onInterrupt: checker.line(() => undefined),
    });
  }

  checkedDriver(): CheckedDriver | null {
    return this.#checker === undefined ? null : summarize(this.#checker);
  }

  /** Whether the driver has accepted this feature bit, and the device the driver's choice. */
  hasFeature(bit: number): boolean {
    return this.#device?.hasFeature(bit) ?? false;
  }

  resize(width: number, height: number): void {
    this.#gpu.setDisplay(0, { widthPixels: width, heightPixels: height });
  }

  scanout(): Picture | undefined {
    return this.#screen.picture();
  }

  cursor(): CursorState | undefined {
    return this.#screen.cursor;
  }

  #record(record: GpuCommandRecord): void {
    const { queue, head, indirect, ctxId, ringIdx, fence, fields, readable, writable, writtenBytes, reason } =
      record;
    const command = withoutPrefix(record.name, COMMAND_PREFIX);
    const resource = WITH_BACKING.has(command)
      ? this.#gpu.resources().find(({ id }) => id === fields["resource_id"])
      : undefined;
    this.commands.push({
      atMs: performance.now() - this.#begin,
      queue,
      head,
      indirect,
      command,
      ctxId,
      ringIdx,
      fenceId: fence === null ? null : Number(fence),
      args: plainFields(fields),
      backingBytes: resource?.backingBytes ?? null,
      readableBytes: readable,
      writableBytes: writable,
      response: withoutPrefix(record.response, RESPONSE_PREFIX),
      writtenBytes,
      reason,
    });
  }
}

/** Shows what was flushed, and nothing that was not. */
class Screen implements Display {
  cursor: CursorState | undefined;
  #source: ScanoutSource | null = null;
  #rgba: Uint8Array<ArrayBuffer> = new Uint8Array(0);

  setScanout(scanoutId: number, source: ScanoutSource | null): void {
    if (scanoutId !== 0) return;
    this.#source = source;
    if (source === null) return;
    const lengthBytes = source.widthPixels * source.heightPixels * 4;
    if (this.#rgba.length !== lengthBytes) this.#rgba = new Uint8Array(lengthBytes);
  }

  flush(scanoutId: number, x: number, y: number, widthPixels: number, heightPixels: number): void {
    if (scanoutId !== 0 || this.#source === null) return;
    readScanoutRgba(this.#source, this.#rgba, { x, y, widthPixels, heightPixels });
  }

  setCursor(scanoutId: number, cursor: CursorImage | null): void {
    if (scanoutId !== 0) return;
    if (cursor === null) {
      this.cursor = undefined;
      return;
    }
    const { widthPixels: width, heightPixels: height, pixels, hotX, hotY, x, y } = cursor;
    // Linux draws cursors as ARGB8888, whatever the format it gives the resource.
    const words = new DataView(pixels.buffer, pixels.byteOffset, pixels.byteLength);
    const image = Uint32Array.from({ length: width * height }, (_, i) => words.getUint32(4 * i, true));
    this.cursor = { x, y, hotX, hotY, image: { width, height, pixels: image } };
  }

  moveCursor(scanoutId: number, x: number, y: number): void {
    if (scanoutId === 0 && this.cursor !== undefined) this.cursor = { ...this.cursor, x, y };
  }

  picture(): Picture | undefined {
    if (this.#source === null) return undefined;
    const { widthPixels: width, heightPixels: height } = this.#source;
    const bytes = new DataView(this.#rgba.buffer);
    const pixels = Uint32Array.from({ length: width * height }, (_, i) => bytes.getUint32(4 * i) >>> 8);
    return { width, height, pixels };
  }
}

function describe({ source, kind, detail }: TraceEvent): string {
  const values = Object.entries(detail).map(([name, value]) => `${name}=${value}`);
  return [source, kind, ...values].join(" ");
}

function withoutPrefix(name: string, prefix: string): string {
  return name.startsWith(prefix) ? name.slice(prefix.length) : name;
}

function plainFields(fields: { readonly [name: string]: GpuFieldValue }): { [name: string]: PlainValue } {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, plain(value)]));
}

function plain(value: GpuFieldValue): PlainValue {
  if (typeof value === "bigint") return Number(value);
  if (typeof value !== "object") return value;
  return Array.isArray(value)
    ? (value as readonly number[])
    : plainFields(value as { readonly [name: string]: GpuFieldValue });
}
