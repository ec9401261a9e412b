import { readFileSync, rmSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { VirtioUsageError } from "../../base/errors.ts";
import { checkOptions } from "../../base/options.ts";
import { type QemuGoneError, QemuUnfitError } from "./errors.ts";
import type { QemuRam } from "./guest-ram.ts";
import { deviceId, FIRST_SLOT, launch, type MachineParts, vncName } from "./launch.ts";
import { QemuMmioRegisters } from "./mmio-registers.ts";
import { QEMU_MACHINE_RULES, type QemuMachineOptions } from "./options.ts";
import { QemuPciFunction, QemuPciHost } from "./pci-host.ts";
import { parsePpm, type QemuPicture } from "./ppm.ts";
import type { QemuProcess } from "./qemu-process.ts";
import { probeQemu, type QemuProgram } from "./qemu-program.ts";
import type { QmpClient } from "./qmp-client.ts";
import type { QtestClient } from "./qtest-client.ts";
import { RfbResizer } from "./rfb-resizer.ts";

const DEFAULT_RAM_BYTES = 64 << 20;
const MIB = 1 << 20;
const MAX_DEVICES = 8;

/** Where microvm has its virtio-mmio devices, and which line of the I/O APIC the first of them has. */
const MICROVM = { address: 0xfeb00000, strideBytes: 0x200, firstLine: 5 } as const;

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
    checkOptions("QemuMachine.start", options, QEMU_MACHINE_RULES, ["devices"]);
    const ramBytes = options.ramBytes ?? DEFAULT_RAM_BYTES;
    if (!(ramBytes > 0) || ramBytes % MIB !== 0) {
      throw new VirtioUsageError(`ramBytes ${ramBytes}: use a multiple of 1 MiB`);
    }
    if (options.devices.length > MAX_DEVICES) {
      throw new VirtioUsageError(`${options.devices.length} devices: use at most ${MAX_DEVICES}`);
    }
    const program = typeof options.qemu === "object" ? options.qemu : await probeQemu(options.qemu, []);
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
      if (picture === undefined) throw new QemuUnfitError("QEMU wrote something that is not a picture");
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
