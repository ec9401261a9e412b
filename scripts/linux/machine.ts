// The emulated PC: v86 with a kernel, or with a state that was saved earlier.
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { V86 } from "v86";
import type { FastKernel } from "./fast-kernel.ts";
import { GuestConsole } from "./guest-console.ts";
import { LinuxUsageError } from "./linux-error.ts";

/** v86 puts an initrd at this address, whatever its size. */
const INITRD_START = 0x0400_0000;
const BYTES_PER_MEBIBYTE = 1024 * 1024;
const BIOS_UNIT_BYTES = 64 * 1024;
const MOST_BIOS_BYTES = 512 * 1024;
/** Offsets in a kernel's setup header. */
const BOOT_SIGNATURE = 0x1fe;
const HEADER_MAGIC = 0x202;
/** v86 looks at the kernel as at words of four bytes. */
const KERNEL_UNIT_BYTES = 4;

/** What the emulator is built of. Everything here is part of a saved state's identity. */
export interface MachineParts {
  readonly bios: Uint8Array;
  readonly vgaBios: Uint8Array | undefined;
  readonly kernel: Uint8Array;
  readonly initrd: Uint8Array;
  readonly commandLine: string;
  readonly memoryMebibytes: number;
  /** Whether the machine has v86's ne2k, which shares an interrupt pin with slot 9. Default false. */
  readonly networkCard?: boolean;
}

export type Attach = (emulator: V86) => void;

export interface Machine {
  readonly emulator: V86;
  readonly console: GuestConsole;
  /** Stops the emulator and frees its memory. */
  close(): Promise<void>;
}

/**
 * Switches on a PC that boots the kernel.
 * @param attach puts devices on the bus before the first instruction
 * @param fast the same kernel, unpacked
 */
export async function bootMachine(parts: MachineParts, attach: Attach, fast?: FastKernel): Promise<Machine> {
  checkParts(parts);
  const neededMebibytes = Math.ceil((INITRD_START + parts.initrd.length) / BYTES_PER_MEBIBYTE);
  if (parts.memoryMebibytes < neededMebibytes) {
    throw new LinuxUsageError(
      `an initrd of this size needs a guest with --memory ${neededMebibytes} or more`,
    );
  }
  const emulator = await createEmulator(parts, {
    bzimage: image(fast === undefined ? parts.kernel : fast.image, KERNEL_UNIT_BYTES),
    initrd: image(parts.initrd),
    cmdline: parts.commandLine,
  });
  for (const { address, bytes } of fast?.segments ?? []) emulator.write_memory(bytes, address);
  return start(emulator, attach, undefined);
}

/** v86 does not check what it is given. */
function checkParts({ kernel, bios }: MachineParts): void {
  const header = Buffer.from(kernel.buffer, kernel.byteOffset, kernel.byteLength);
  const isBzImage =
    header.length > 1024 && header.toString("latin1", HEADER_MAGIC, HEADER_MAGIC + 4) === "HdrS";
  if (!isBzImage || header.readUInt16LE(BOOT_SIGNATURE) !== 0xaa55) {
    throw new LinuxUsageError("the kernel is not a bzImage for x86");
  }
  if (bios.length === 0 || bios.length > MOST_BIOS_BYTES || bios.length % BIOS_UNIT_BYTES !== 0) {
    throw new LinuxUsageError("the BIOS has to be a multiple of 64 KiB of at most 512 KiB");
  }
}

/**
 * Goes on from a saved state. The devices on the bus have to be those that were there when it was saved.
 * @param restored called before the first instruction, when the devices can be restored
 */
export async function restoreMachine(
  parts: Pick<MachineParts, "bios" | "vgaBios" | "memoryMebibytes" | "networkCard">,
  attach: Attach,
  state: ArrayBuffer,
  restored?: () => void,
): Promise<Machine> {
  return start(await createEmulator(parts, {}), attach, { state, restored });
}

/** Stops the machine and saves it. */
export async function saveMachine(machine: Machine): Promise<ArrayBuffer> {
  await machine.emulator.stop();
  return machine.emulator.save_state();
}

/** The version of v86 that is installed. */
export async function emulatorVersion(): Promise<string> {
  const manifest = join(emulatorFolder(), "..", "package.json");
  return (JSON.parse(await readFile(manifest, "utf8")) as { version: string }).version;
}

function emulatorFolder(): string {
  return dirname(fileURLToPath(import.meta.resolve("v86")));
}

/** A copy, since v86 writes into some; filled up to whole units. */
function image(bytes: Uint8Array, unitBytes = 1): { buffer: ArrayBuffer } {
  const copy = new Uint8Array(Math.ceil(bytes.length / unitBytes) * unitBytes);
  copy.set(bytes);
  return { buffer: copy.buffer };
}

type Boot = Pick<ConstructorParameters<typeof V86>[0], "bzimage" | "initrd" | "cmdline">;

async function createEmulator(
  parts: Pick<MachineParts, "bios" | "vgaBios" | "memoryMebibytes" | "networkCard">,
  boot: Boot,
): Promise<V86> {
  const emulator = new V86({
    wasm_path: join(emulatorFolder(), "v86.wasm"),
    bios: image(parts.bios),
    ...(parts.vgaBios === undefined ? {} : { vga_bios: image(parts.vgaBios) }),
    ...boot,
    ...(parts.networkCard === true ? { net_device: { type: "ne2k" as const } } : {}),
    memory_size: parts.memoryMebibytes * BYTES_PER_MEBIBYTE,
    autostart: false,
    disable_keyboard: true,
    disable_mouse: true,
    disable_speaker: true,
  });
  await new Promise<void>((resolve) => emulator.add_listener("emulator-loaded", () => resolve()));
  return emulator;
}

interface Restored {
  readonly state: ArrayBuffer;
  readonly restored: (() => void) | undefined;
}

async function start(emulator: V86, attach: Attach, from: Restored | undefined): Promise<Machine> {
  const console = new GuestConsole(emulator);
  attach(emulator);
  if (from !== undefined) {
    await emulator.restore_state(from.state);
    from.restored?.();
  }
  await emulator.run();
  return {
    emulator,
    console,
    async close() {
      console.close();
      await emulator.destroy();
    },
  };
}
