import { closeSync, ftruncateSync, openSync, rmSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { QemuGoneError, QemuUnfitError } from "./errors.ts";
import { QemuRam } from "./guest-ram.ts";
import { haltBios } from "./halt-bios.ts";
import type { QemuDeviceOptions, QemuMachineOptions } from "./options.ts";
import { listenAt, makeFolder, memoryFile, QemuProcess } from "./qemu-process.ts";
import type { QemuProgram } from "./qemu-program.ts";
import { QmpClient } from "./qmp-client.ts";
import { QtestClient } from "./qtest-client.ts";

const MIB = 1 << 20;
const DEFAULT_ANSWER_TIMEOUT_MS = 10_000;
const START_TIMEOUT_MS = 15_000;

/** The first slots of q35 may be taken by devices of the board. */
export const FIRST_SLOT = 4;

const MICROVM_OPTIONS =
  "x-option-roms=off,pic=off,pit=off,rtc=off,isa-serial=off,acpi=off,pcie=off,ioapic2=off";

/** What a machine consists of, once QEMU is up. */
export interface MachineParts {
  readonly program: QemuProgram;
  readonly process: QemuProcess;
  readonly sockets: readonly Socket[];
  readonly qtest: QtestClient;
  readonly qmp: QmpClient;
  readonly ram: QemuRam;
  readonly gone: Promise<QemuGoneError>;
}

/** Starts the process, and waits until both sockets are there and QEMU is through with its start. */
export async function launch(
  program: QemuProgram,
  options: QemuMachineOptions,
  ramBytes: number,
): Promise<MachineParts> {
  const folder = makeFolder();
  const ramPath = memoryFile(folder, ramBytes);
  let ram: QemuRam | undefined;
  let qemu: QemuProcess | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isSlow = false;
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
    timer = setTimeout(() => {
      isSlow = true;
      started.kill();
    }, START_TIMEOUT_MS);
    const failed = started.ended.then((error) => {
      throw new QemuUnfitError(
        isSlow ? `QEMU did not start within ${START_TIMEOUT_MS / 1000} seconds` : error.message,
      );
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
    clearTimeout(timer);
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

/** QEMU's name of a device. */
export function deviceId(device: QemuDeviceOptions, index: number): string {
  return device.id ?? `device${index}`;
}

/** Name of the VNC server of a display, and of its socket. */
export function vncName(index: number, head: number): string {
  return `vnc${index}-${head}`;
}

/** A value for QEMU's option syntax, where a comma separates. */
function escaped(value: string): string {
  return value.replaceAll(",", ",,");
}
