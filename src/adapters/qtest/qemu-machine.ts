import { closeSync, ftruncateSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { VirtioUsageError } from "../../base/errors.ts";
import { QemuGoneError, QemuUnfitError } from "./errors.ts";
import { QemuRam } from "./guest-ram.ts";
import { haltBios } from "./halt-bios.ts";
import { QemuMmioRegisters } from "./mmio-registers.ts";
import { QemuPciFunction, QemuPciHost } from "./pci-host.ts";
import { parsePpm, type QemuPicture } from "./ppm.ts";
import { listenAt, makeFolder, memoryFile, QemuProcess } from "./qemu-process.ts";
import { probeQemu, type QemuProgram } from "./qemu-program.ts";
import { QmpClient } from "./qmp-client.ts";
import { QtestClient } from "./qtest-client.ts";
import { RfbResizer } from "./rfb-resizer.ts";

/** A device to plug into a {@link QemuMachine}. */
export interface QemuDeviceOptions {
  /** QEMU's name of the type, for instance `virtio-gpu-device` (microvm) or `virtio-gpu-pci` (q35). */
  readonly type: string;
  /** What the device is called in the machine. Default `device0`, `device1`, … */
  readonly id?: string;
  /** Properties, as `-device TYPE,help` lists them. Booleans become `on` and `off`. */
  readonly properties?: Readonly<Record<string, string | number | boolean>>;
  /** How many of its displays can be given other sizes, see {@link QemuMachine.resizeDisplay}. Default 0. */
  readonly resizableDisplays?: number;
}

/** Choices for a {@link QemuMachine}. */
export interface QemuMachineOptions {
  /** Path of the program, a name on PATH, or what `probeQemu` found. Default `qemu-system-x86_64`. */
  readonly qemu?: string | QemuProgram;
  /** `microvm`: devices on virtio-mmio; `q35`: devices on PCI. Default `microvm`. */
  readonly machine?: "microvm" | "q35";
  /** At most 8. */
  readonly devices: readonly QemuDeviceOptions[];
  /** Memory in bytes, a multiple of 1 MiB. Default 64 MiB. */
  readonly ramBytes?: number;
  /** Milliseconds without an answer after which QEMU counts as hanging, and is killed. Default 10 000. */
  readonly answerTimeoutMs?: number;
  /** More of QEMU's command line. */
  readonly extraArguments?: readonly string[];
}

const DEFAULT_RAM_BYTES = 64 << 20;
const MIB = 1 << 20;
const DEFAULT_ANSWER_TIMEOUT_MS = 10_000;
const MAX_DEVICES = 8;

/** Where microvm has its virtio-mmio devices, and which line of the I/O APIC the first of them has. */
const MICROVM = { address: 0xfeb00000, strideBytes: 0x200, firstLine: 5 } as const;
const MICROVM_OPTIONS =
  "x-option-roms=off,pic=off,pit=off,rtc=off,isa-serial=off,acpi=off,pcie=off,ioapic2=off";
/** The first slots of q35 may be taken by devices of the board. */
const FIRST_SLOT = 4;

/**
 * A QEMU whose processor stands still and whose devices are driven from here: registers over the qtest socket, the
 * guest's memory as a shared file, management over QMP. The differential runner and the conformance kit put QEMU's
 * devices next to ours with it.
 *
 * When QEMU crashes or hangs, whatever waits for it rejects with {@link QemuGoneError}. It never outlives this
 * process, and leaves no file behind.
 *
 * @example
 * ```ts
 * const machine = await QemuMachine.start({ devices: [{ type: "virtio-rng-device" }] });
 * console.log(machine.program.version, (await machine.mmio(0).read(8, 4)) === 4);
 * await machine.close();
 * ```
 */
export class QemuMachine {
  readonly program: QemuProgram;
  readonly ram: QemuRam;
  readonly qtest: QtestClient;
  readonly qmp: QmpClient;
  /** Resolves when QEMU is gone for whatever reason, {@link QemuMachine.close} included. */
  readonly gone: Promise<QemuGoneError>;
  readonly #process: QemuProcess;
  readonly #sockets: readonly Socket[];
  readonly #options: QemuMachineOptions;
  readonly #pciHost: QemuPciHost | undefined;
  readonly #pciFunctions: QemuPciFunction[] = [];
  readonly #lines: (number | undefined)[] = [];
  readonly #resizers = new Map<string, Promise<RfbResizer>>();
  #pictures = 0;
  #isGone = false;

  private constructor(parts: MachineParts, options: QemuMachineOptions) {
    this.program = parts.program;
    this.ram = parts.ram;
    this.qtest = parts.qtest;
    this.qmp = parts.qmp;
    this.gone = parts.gone;
    this.#process = parts.process;
    this.#sockets = parts.sockets;
    this.#options = options;
    this.#pciHost = options.machine === "q35" ? new QemuPciHost(this.qtest) : undefined;
    this.gone.then(() => {
      this.#isGone = true;
      for (const socket of this.#sockets) socket.destroy();
    });
  }

  /**
   * Starts QEMU with a machine, its devices fresh from power-on; on q35 the base address registers have addresses
   * already. Rejects with {@link QemuUnfitError} when there is no QEMU, or it refuses.
   */
  static async start(options: QemuMachineOptions): Promise<QemuMachine> {
    const ramBytes = options.ramBytes ?? DEFAULT_RAM_BYTES;
    if (!(ramBytes > 0) || ramBytes % MIB !== 0) {
      throw new VirtioUsageError(`ramBytes ${ramBytes}: use a multiple of 1 MiB`);
    }
    if (options.devices.length > MAX_DEVICES) {
      throw new VirtioUsageError(`${options.devices.length} devices: use at most ${MAX_DEVICES}`);
    }
    const program =
      typeof options.qemu === "object" ? options.qemu : await probeQemu(options.qemu, typesIn(options));
    const machine = new QemuMachine(await launch(program, options, ramBytes), options);
    try {
      await machine.#begin();
    } catch (error) {
      await machine.close();
      throw error;
    }
    return machine;
  }

  /** The process's number. */
  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** What QEMU said on stderr, the last 16 KiB. */
  get stderr(): string {
    return this.#process.stderr;
  }

  /** Registers of the device with this index in `devices`, on microvm. */
  mmio(index: number): QemuMmioRegisters {
    if (this.#pciHost !== undefined || this.#options.devices[index] === undefined) {
      throw new VirtioUsageError(`there is no virtio-mmio device ${index}`);
    }
    return new QemuMmioRegisters(this.qtest, MICROVM.address + index * MICROVM.strideBytes);
  }

  /** The function of the device with this index in `devices`, on q35. */
  pci(index: number): QemuPciFunction {
    const found = this.#pciFunctions[index];
    if (found === undefined) throw new VirtioUsageError(`there is no PCI device ${index}`);
    return found;
  }

  /** Whether the interrupt line (INTx on q35) of the device with this index is asserted, asking QEMU. */
  async isInterruptAsserted(index: number): Promise<boolean> {
    await this.qtest.settle();
    const line = this.#lines[index];
    return line !== undefined && this.qtest.isAsserted(line);
  }

  /** Resolves when the devices have done what they put off to QEMU's main loop. */
  settle(): Promise<void> {
    return this.qtest.settle();
  }

  /**
   * What a display of the device with this index shows, the pixels exact. A display that is disabled shows a text of
   * QEMU's, see `isPlaceholder`.
   */
  async screendump(index: number, head = 0): Promise<QemuPicture> {
    const filename = join(this.#process.folder, `screen-${this.#pictures++}.ppm`);
    try {
      await this.qmp.execute("screendump", { filename, device: this.deviceId(index), head });
      const picture = parsePpm(readFileSync(filename));
      if (picture === undefined) throw new QemuUnfitError("QEMU wrote something that is no picture");
      return picture;
    } finally {
      rmSync(filename, { force: true });
    }
  }

  /**
   * Plugs a monitor of another size, in pixels, into a display of the device with this index, as a viewer would by
   * resizing its window; 0 × 0 unplugs it. The display must be one of its `resizableDisplays`.
   */
  async resizeDisplay(index: number, head: number, width: number, height: number): Promise<void> {
    const name = vncName(index, head);
    if (head >= (this.#options.devices[index]?.resizableDisplays ?? 0)) {
      throw new VirtioUsageError(
        `display ${head} of device ${index} cannot be resized; see resizableDisplays`,
      );
    }
    let resizer = this.#resizers.get(name);
    if (resizer === undefined) {
      resizer = RfbResizer.connect(join(this.#process.folder, name));
      this.#resizers.set(name, resizer);
    }
    await Promise.race([resizer.then((client) => client.resize(width, height)), this.#goneAsFailure()]);
    // The device is told by a timer that has run out already.
    await this.qtest.settle();
  }

  /** Presses the machine's reset button: all devices are as after power-on, memory is empty. */
  async reset(): Promise<void> {
    const done = this.qmp.nextEvent("RESET");
    await this.qmp.execute("system_reset");
    await Promise.race([done, this.#goneAsFailure()]);
    this.ram.clear();
    await this.#placeDevices();
  }

  /** QEMU's name of the device with this index. */
  deviceId(index: number): string {
    const device = this.#options.devices[index];
    if (device === undefined) throw new VirtioUsageError(`there is no device ${index}`);
    return deviceId(device, index);
  }

  /** Ends QEMU and deletes what was its. May be called more than once, and after a crash. */
  async close(): Promise<void> {
    for (const resizer of this.#resizers.values()) resizer.then((client) => client.close()).catch(() => {});
    this.#process.kill();
    await this.gone;
    this.ram.close();
  }

  async #begin(): Promise<void> {
    await this.qtest.interceptIrqs("ioapic");
    await this.#placeDevices();
  }

  async #placeDevices(): Promise<void> {
    const host = this.#pciHost;
    if (host === undefined) {
      this.#options.devices.forEach((_, i) => {
        this.#lines[i] = MICROVM.firstLine + i;
      });
      return;
    }
    await host.initialize();
    for (let i = 0; i < this.#options.devices.length; i++) {
      const slot = FIRST_SLOT + i;
      const found = new QemuPciFunction(this.qtest, host, slot, await host.place(slot));
      this.#pciFunctions[i] = found;
      this.#lines[i] = await found.interruptLine();
    }
  }

  /** Never resolves; rejects when QEMU is gone. */
  async #goneAsFailure(): Promise<never> {
    throw await this.gone;
  }

  /** Whether QEMU has ended. */
  get isGone(): boolean {
    return this.#isGone;
  }
}

interface MachineParts {
  readonly program: QemuProgram;
  readonly process: QemuProcess;
  readonly sockets: readonly Socket[];
  readonly qtest: QtestClient;
  readonly qmp: QmpClient;
  readonly ram: QemuRam;
  readonly gone: Promise<QemuGoneError>;
}

/** Starts the process, and waits until both sockets are there and QEMU is through with its start. */
async function launch(
  program: QemuProgram,
  options: QemuMachineOptions,
  ramBytes: number,
): Promise<MachineParts> {
  const folder = makeFolder();
  const ramPath = memoryFile(folder, ramBytes);
  let ram: QemuRam | undefined;
  let qemu: QemuProcess | undefined;
  const servers: { close(): void }[] = [];
  try {
    const file = openSync(ramPath, "wx+", 0o600);
    ftruncateSync(file, ramBytes);
    closeSync(file);
    ram = new QemuRam(ramPath);
    writeFileSync(join(folder, "halt.bin"), haltBios());
    const [forQtest, forQmp] = await Promise.all([
      listenAt(join(folder, "qtest")),
      listenAt(join(folder, "qmp")),
    ]);
    servers.push(forQtest.server, forQmp.server);
    qemu = new QemuProcess(program.path, commandLine(program, options, ramBytes, ramPath), folder);
    const started = qemu;
    const failed = started.ended.then((error) => {
      throw new QemuUnfitError(error.message);
    });
    failed.catch(() => {});
    const sockets = await Promise.race([Promise.all([forQtest.connection, forQmp.connection]), failed]);
    // Whatever goes wrong on a socket, the end of the process tells.
    for (const socket of sockets) socket.on("error", () => {});
    let hang: QemuGoneError | undefined;
    const answerTimeoutMs = options.answerTimeoutMs ?? DEFAULT_ANSWER_TIMEOUT_MS;
    const onStall = (): void => {
      const command = qtest.waitingFor ?? qmp.waitingFor;
      hang ??= new QemuGoneError("hang", `QEMU did not answer within ${answerTimeoutMs} ms: ${command}`);
      started.kill();
    };
    const qtest = new QtestClient(sockets[0], { answerTimeoutMs, onStall });
    const qmp = new QmpClient(sockets[1], sockets[1], { answerTimeoutMs, onStall });
    const gone = started.ended.then((crash) => {
      const error = hang ?? crash;
      qtest.fail(error);
      qmp.fail(error);
      return error;
    });
    await Promise.race([qmp.begin(), failed]);
    return { program, process: started, sockets, qtest, qmp, ram, gone };
  } catch (error) {
    ram?.close();
    if (qemu === undefined) rmSync(folder, { recursive: true, force: true });
    else qemu.kill();
    throw error;
  } finally {
    for (const server of servers) server.close();
    // QEMU and we have it open, nobody else needs to.
    rmSync(ramPath, { force: true });
  }
}

function commandLine(
  program: QemuProgram,
  options: QemuMachineOptions,
  ramBytes: number,
  ramPath: string,
): string[] {
  const machine = options.machine ?? "microvm";
  const megabytes = ramBytes / MIB;
  const line = ["-nodefaults", "-no-user-config", "-display", "none", "-bios", "halt.bin"];
  line.push("-accel", program.accelerator, "-m", `${megabytes}`);
  line.push("-object", `memory-backend-file,id=ram,size=${megabytes}M,mem-path=${escaped(ramPath)},share=on`);
  const extra = machine === "microvm" ? MICROVM_OPTIONS : "usb=off,smm=off";
  line.push("-machine", `${machine},memory-backend=ram,dump-guest-core=off,${extra}`);
  line.push("-qtest", "unix:qtest", "-qtest-log", "/dev/null", "-qmp", "unix:qmp");
  if (machine === "microvm") line.push("-global", "virtio-mmio.force-legacy=false");
  options.devices.forEach((device, index) => {
    const place =
      machine === "microvm" ? `bus=virtio-mmio-bus.${index}` : `addr=0x${(FIRST_SLOT + index).toString(16)}`;
    const properties = Object.entries(device.properties ?? {}).map(([name, value]) => {
      const text = typeof value === "boolean" ? (value ? "on" : "off") : escaped(`${value}`);
      return `,${name}=${text}`;
    });
    const id = deviceId(device, index);
    line.push("-device", `${device.type},id=${id},${place}${properties.join("")}`);
    for (let head = 0; head < (device.resizableDisplays ?? 0); head++) {
      line.push("-vnc", `unix:${vncName(index, head)},id=${vncName(index, head)},display=${id},head=${head}`);
    }
  });
  line.push(...(options.extraArguments ?? []));
  return line;
}

function typesIn(options: QemuMachineOptions): string[] {
  return options.devices.map(({ type }) => type);
}

function deviceId(device: QemuDeviceOptions, index: number): string {
  return device.id ?? `device${index}`;
}

function vncName(index: number, head: number): string {
  return `vnc${index}-${head}`;
}

/** A value for QEMU's option syntax, where a comma separates. */
function escaped(value: string): string {
  return value.replaceAll(",", ",,");
}
