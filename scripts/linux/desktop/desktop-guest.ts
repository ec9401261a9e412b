// The guest with a desktop: a gpu whose screen is kept, at the rate of a monitor, and what is seen of it.
import { readFile } from "node:fs/promises";
import {
  attachToV86,
  connectInput,
  type SavedV86Attachment,
  type V86Attachment,
  type V86Input,
  v86Memory,
} from "../../../src/adapters/v86/index.ts";
import { MemoryDisplay } from "../../../src/backends/display/memory/index.ts";
import { PacedDisplay } from "../../../src/backends/display/paced/index.ts";
import type { TraceEvent } from "../../../src/base/index.ts";
import { VirtioDevice } from "../../../src/device/index.ts";
import { GpuDevice } from "../../../src/devices/gpu/index.ts";
import type { Picture } from "../linux-device.ts";
import { LinuxError } from "../linux-error.ts";
import { bootMachine, type Machine, restoreMachine } from "../machine.ts";
import type { DesktopFiles } from "./fetch-desktop.ts";

const MEMORY_MEBIBYTES = 1024;
const DISPLAY = { widthPixels: 1024, heightPixels: 768 } as const;
const REFRESH_HZ = 60;
/** As for the scenarios; v86's own VGA must not become the first card. */
const COMMAND_LINE =
  "console=ttyS0 rdinit=/init vt.global_cursor_default=0 tsc=reliable nokaslr mitigations=off random.trust_cpu=on " +
  "cryptomgr.notests noisapnp initcall_blacklist=init_kprobe_trace modprobe.blacklist=bochs";

/** A desktop that runs. */
export interface Desktop {
  readonly machine: Machine;
  readonly gpu: GpuDevice;
  readonly attachment: V86Attachment;
  readonly input: V86Input;
  /** What the device complains of. */
  readonly complaints: string[];
  picture(): Picture;
  /** Waits until the guest has flipped so many times more. @throws LinuxError when it stands still */
  flips(count: number, patienceMs: number): Promise<void>;
}

/** A desktop between two instructions. */
export interface SavedDesktop {
  readonly machine: ArrayBuffer;
  readonly device: SavedV86Attachment;
}

async function firmware(files: DesktopFiles) {
  return {
    bios: await readFile(files.bios),
    vgaBios: await readFile(files.vgaBios),
    memoryMebibytes: MEMORY_MEBIBYTES,
  };
}

/** Boots the kernel up to the first line that its first process writes. */
export async function bootDesktop(files: DesktopFiles): Promise<Desktop> {
  const plug = new Plug();
  const parts = {
    ...(await firmware(files)),
    kernel: await readFile(files.kernel),
    initrd: await readFile(files.root),
    commandLine: COMMAND_LINE,
  };
  const machine = await bootMachine(parts, (emulator) => plug.attach(emulator));
  await machine.console.waitFor((line) => line.startsWith("@@READY"), "first process", 600_000);
  return plug.desktop(machine);
}

/** Goes on where a desktop was saved. */
export async function resumeDesktop(files: DesktopFiles, saved: SavedDesktop): Promise<Desktop> {
  const plug = new Plug();
  const machine = await restoreMachine(
    await firmware(files),
    (emulator) => plug.attach(emulator),
    saved.machine,
    () => plug.attachment.restore(saved.device),
  );
  return plug.desktop(machine);
}

/** Stops the machine and saves it with its device. */
export async function saveDesktop({ machine, attachment }: Desktop): Promise<SavedDesktop> {
  await machine.emulator.stop();
  const device = await attachment.save();
  return { machine: await machine.emulator.save_state(), device };
}

class Plug {
  readonly screen = new MemoryDisplay();
  readonly gpu = new GpuDevice({
    display: new PacedDisplay(this.screen, { refreshHz: REFRESH_HZ }),
    displays: [DISPLAY],
  });
  readonly complaints: string[] = [];
  #attachment: V86Attachment | undefined;
  #input: V86Input | undefined;

  attach(emulator: object): void {
    const trace = ({ source, kind, detail }: TraceEvent): void => {
      this.complaints.push([source, kind, JSON.stringify(detail)].join(" "));
    };
    const device = new VirtioDevice(this.gpu, { memory: v86Memory(emulator), trace });
    this.#attachment = attachToV86(emulator, device);
    this.#input = connectInput(emulator, { screens: [DISPLAY] });
  }

  get attachment(): V86Attachment {
    if (this.#attachment === undefined) throw new LinuxError("the machine has no gpu");
    return this.#attachment;
  }

  desktop(machine: Machine): Desktop {
    const { gpu, attachment, complaints } = this;
    const input = this.#input;
    if (input === undefined) throw new LinuxError("the machine has no keyboard");
    return {
      machine,
      gpu,
      attachment,
      input,
      complaints,
      picture: () => this.#picture(),
      flips: (count, patienceMs) => waitForFlips(gpu, count, patienceMs),
    };
  }

  #picture(): Picture {
    const { widthPixels: width, heightPixels: height } = DISPLAY;
    const rgba = this.screen.picture(0, { withCursor: true });
    if (rgba === null) throw new LinuxError("the guest shows nothing");
    const words = new DataView(rgba.buffer, rgba.byteOffset, rgba.byteLength);
    const pixels = Uint32Array.from({ length: width * height }, (_, i) => words.getUint32(4 * i) >>> 8);
    return { width, height, pixels };
  }
}

async function waitForFlips(gpu: GpuDevice, count: number, patienceMs: number): Promise<void> {
  const wanted = gpu.counters.flips + count;
  const until = performance.now() + patienceMs;
  while (gpu.counters.flips < wanted) {
    if (performance.now() > until) {
      throw new LinuxError(
        `the desktop stands still: ${gpu.counters.flips} flips, where ${wanted} should be`,
      );
    }
    await new Promise((done) => setTimeout(done, 50));
  }
}
