// From the guest's files to the report: everything `npm run linux` does besides options and output.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { V86 } from "v86";
import type { PciStage } from "../../src/conformance/driver-checker/index.ts";
import type { Display } from "../../src/devices/gpu/index.ts";
import { compileGuestProgram } from "./compile-guest.ts";
import { fetchGuest } from "./fetch-guest.ts";
import { GuestSession, type ScenarioName, type ScenarioReport, type TimelineEntry } from "./guest-session.ts";
import { makeInitramfs } from "./initramfs.ts";
import type { FeatureName, LinuxDevice, LinuxDeviceFactory } from "./linux-device.ts";
import { LinuxUsageError, messageOf } from "./linux-error.ts";
import { bootMachine, emulatorVersion, type Machine, type MachineParts, restoreMachine } from "./machine.ts";
import { guestFolder, guestSources } from "./paths.ts";
import { savePicture } from "./picture-file.ts";
import { countBy, type LinuxReport, type RunReport } from "./report.ts";
import { bootedState, READY } from "./snapshot.ts";

/**
 * Serial console, our own first process; time from the processor's counter and no jitter of addresses, so that runs
 * are alike; the rest leaves out what costs an emulated boot seconds.
 */
const COMMAND_LINE = [
  "console=ttyS0",
  "rdinit=/init",
  "vt.global_cursor_default=0",
  "tsc=reliable",
  "nokaslr",
  "mitigations=off",
  "random.trust_cpu=on",
  "cryptomgr.notests",
  "noisapnp",
  "initcall_blacklist=init_kprobe_trace",
].join(" ");
/** For a guest of one's own, about which nothing is known. */
const PLAIN_COMMAND_LINE = "console=ttyS0";
const HOST_BIOS = "/usr/share/seabios/bios.bin";
const HOST_VGA_BIOS = "/usr/share/seabios/vgabios-stdvga.bin";
/** The size of the golden captures. */
const DISPLAY = { width: 1280, height: 800 } as const;
const OWN_GUEST_TIMEOUT_MS = 600_000;
const SILENCE_MS = 30_000;

export interface RunOptions {
  readonly createDevice: LinuxDeviceFactory;
  readonly scenarios: readonly ScenarioName[];
  readonly featureSets: readonly (readonly FeatureName[])[];
  readonly memoryMebibytes: number;
  readonly kernel?: string | undefined;
  readonly initrd?: string | undefined;
  readonly bios?: string | undefined;
  readonly commandLine?: string | undefined;
  /** Where the screen is shown while the guest runs. */
  readonly display?: Display | undefined;
  /** Watch what the driver does. Default false. */
  readonly checkDriver?: boolean;
  /** How the device is presented to the driver. Default: as it is. */
  readonly stage?: PciStage | undefined;
  /** Where pictures go; none are written when left out. */
  readonly out?: string | undefined;
  /** What is being waited for. */
  readonly onProgress?: (text: string) => void;
  /** The guest's serial console. */
  readonly onConsole?: (line: string) => void;
  /** Ends a guest of one's own. */
  readonly signal?: AbortSignal;
}

/** @throws LinuxError if the guest cannot be had, does not boot or does not answer */
export async function runLinux(options: RunOptions): Promise<LinuxReport> {
  const begin = performance.now();
  const { parts, kernel, isOwnGuest } = await collectParts(options);
  const runs: RunReport[] = [];
  let bootMs: number | null = null;
  for (const features of options.featureSets) {
    const device = options.createDevice({
      features,
      ...DISPLAY,
      display: options.display,
      checkDriver: options.checkDriver ?? false,
      stage: options.stage,
    });
    if (isOwnGuest) {
      runs.push(await runOwnGuest(options, parts, device, features));
      continue;
    }
    // A device that only stands on the bus while the state is made; the one that is used must be untouched.
    const bystander = options.createDevice({ features, ...DISPLAY, stage: options.stage });
    const snapshot = await bootedState({
      parts,
      identity: bystander.identity,
      attach: (emulator) => bystander.attach(emulator),
      folder: guestFolder(),
      ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
      ...(options.onConsole === undefined ? {} : { onLine: options.onConsole }),
    });
    bootMs = snapshot.bootMs ?? bootMs;
    const startedAt = performance.now();
    const machine = await restoreMachine(parts, (emulator) => device.attach(emulator), snapshot.state);
    const startMs = performance.now() - startedAt;
    runs.push(await runScenarios(options, machine, device, features, startMs));
  }
  return {
    kernel,
    emulator: `v86 ${await emulatorVersion()}`,
    bootMs,
    elapsedMs: performance.now() - begin,
    runs,
    problems: runs.reduce((sum, run) => sum + problemsOf(run), 0),
  };
}

/** What went wrong in the scenarios, and what of the driver is not explained. */
function problemsOf({ scenarios, driver }: RunReport): number {
  const unexplained = (driver?.findings ?? []).filter(({ explanation }) => explanation === null);
  return scenarios.reduce((sum, { problems }) => sum + problems.length, unexplained.length);
}

/** What a machine is built of, and what its kernel is called. */
export interface Collected {
  readonly parts: MachineParts;
  readonly kernel: string;
  readonly isOwnGuest: boolean;
}

/** Fetches and builds what is missing. */
export async function collectParts(
  options: Pick<RunOptions, "kernel" | "initrd" | "bios" | "commandLine" | "memoryMebibytes" | "onProgress">,
): Promise<Collected> {
  const { kernel, initrd, bios, memoryMebibytes, onProgress } = options;
  const folder = guestFolder();
  const fetch = () => fetchGuest({ folder, ...(onProgress === undefined ? {} : { onProgress }) });
  if (initrd !== undefined) {
    const ownKernel = kernel ?? (await fetch()).kernel;
    const [kernelBytes, initrdBytes] = [await read(ownKernel), await read(initrd)];
    const biosFile = bios ?? (existsSync(HOST_BIOS) ? HOST_BIOS : (await fetch()).bios);
    const vgaBios = [join(folder, "debian/vgabios.bin"), HOST_VGA_BIOS].find((path) => existsSync(path));
    return {
      kernel: basename(ownKernel),
      isOwnGuest: true,
      parts: {
        kernel: kernelBytes,
        initrd: initrdBytes,
        bios: await read(biosFile),
        vgaBios: vgaBios === undefined ? undefined : await read(vgaBios),
        commandLine: options.commandLine ?? PLAIN_COMMAND_LINE,
        memoryMebibytes,
      },
    };
  }
  const guest = await fetch();
  const program = await compileGuestProgram({
    sources: guestSources(),
    folder,
    ...(onProgress === undefined ? {} : { onProgress }),
  });
  const root = await makeInitramfs({
    guest,
    init: await read(join(guestSources(), "init")),
    scenarios: await read(program),
  });
  const version = guest.packages[`linux-image-${guest.kernelRelease}`];
  return {
    kernel: `Linux ${guest.kernelRelease} (Debian ${version})`,
    isOwnGuest: false,
    parts: {
      kernel: await read(guest.kernel),
      initrd: root,
      bios: await read(bios ?? guest.bios),
      vgaBios: await read(guest.vgaBios),
      commandLine: options.commandLine ?? COMMAND_LINE,
      memoryMebibytes,
    },
  };
}

async function runScenarios(
  options: RunOptions,
  machine: Machine,
  device: LinuxDevice,
  features: readonly FeatureName[],
  startMs: number,
): Promise<RunReport> {
  const folder = options.out === undefined ? undefined : join(options.out, features.join("-") || "none");
  const stop = options.onConsole === undefined ? undefined : machine.console.onLine(options.onConsole);
  const session = new GuestSession({
    machine,
    device,
    ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
    ...(folder === undefined
      ? {}
      : { onPicture: (stage, picture) => savePicture(folder, stage.replaceAll("/", "-"), picture) }),
  });
  const scenarios: ScenarioReport[] = [];
  try {
    for (const name of options.scenarios) scenarios.push(...(await session.run(name)));
  } finally {
    stop?.();
    await machine.close();
  }
  return report(device, features, startMs, scenarios);
}

/** A guest about which nothing is known: it may serve our scenarios, else it is watched until it falls silent. */
async function runOwnGuest(
  options: RunOptions,
  parts: MachineParts,
  device: LinuxDevice,
  features: readonly FeatureName[],
): Promise<RunReport> {
  options.onProgress?.("booting; this ends when the guest falls silent, or with Ctrl-C");
  const begin = performance.now();
  const machine = await bootMachine(parts, (emulator: V86) => device.attach(emulator));
  const stop = options.onConsole === undefined ? undefined : machine.console.onLine(options.onConsole);
  const isReady = await waitForOwnGuest(machine, device, options.signal);
  stop?.();
  const startMs = performance.now() - begin;
  if (isReady) return runScenarios(options, machine, device, features, startMs);
  const timeline: TimelineEntry[] = device.commands.map((record) => ({ kind: "command", record }));
  const screen = device.scanout();
  if (screen !== undefined && options.out !== undefined) {
    const picture = await savePicture(options.out, "screen", screen);
    timeline.push({ kind: "note", text: `screen ${screen.width}×${screen.height}: ${picture}` });
  }
  await machine.close();
  const watched = {
    name: "boot",
    exitCode: 0,
    elapsedMs: startMs,
    timeline,
    kernelMessages: [],
    problems: [],
  };
  return report(device, features, startMs, [watched]);
}

/** @returns whether the guest has said that it serves commands */
async function waitForOwnGuest(
  machine: Machine,
  device: LinuxDevice,
  signal?: AbortSignal,
): Promise<boolean> {
  let commands = 0;
  let lastSign = performance.now();
  const begin = lastSign;
  return new Promise((resolve) => {
    const end = (isReady: boolean): void => {
      clearInterval(timer);
      stop();
      signal?.removeEventListener("abort", onAbort);
      resolve(isReady);
    };
    const onAbort = (): void => end(false);
    const stop = machine.console.onLine((line) => {
      lastSign = performance.now();
      if (line.startsWith(READY)) end(true);
    });
    const timer = setInterval(() => {
      const now = performance.now();
      if (device.commands.length !== commands) {
        commands = device.commands.length;
        lastSign = now;
      }
      if (now - lastSign > SILENCE_MS || now - begin > OWN_GUEST_TIMEOUT_MS) end(false);
    }, 500);
    signal?.addEventListener("abort", onAbort);
  });
}

function report(
  device: LinuxDevice,
  features: readonly FeatureName[],
  startMs: number,
  scenarios: readonly ScenarioReport[],
): RunReport {
  return {
    features,
    startMs,
    commands: countBy(device.commands, ({ command }) => command),
    responses: countBy(device.commands, ({ response }) => response),
    scenarios,
    driver: device.checkedDriver(),
  };
}

async function read(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
    throw new LinuxUsageError(
      isMissing ? `there is no file ${path}` : `cannot read ${path}: ${messageOf(error)}`,
    );
  }
}
