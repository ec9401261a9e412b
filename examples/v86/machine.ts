import type { V86 } from "v86";
import { attachToV86, connectInput, type V86Attachment, v86Memory } from "virtio-emulator/adapters/v86";
import { MemoryDisplay } from "virtio-emulator/backends/display/memory";
import { PacedDisplay } from "virtio-emulator/backends/display/paced";
import { VirtioDevice } from "virtio-emulator/device";
import { type Display, GpuDevice } from "virtio-emulator/gpu";

const displays = [{ widthPixels: 1024, heightPixels: 768, maxWidthPixels: 1920, maxHeightPixels: 1080 }];

/** The same devices in the same order, for the first start and for every snapshot. */
export function attachDevices(emulator: V86, display: Display) {
  const gpu = new GpuDevice({ display, displays });
  const device = new VirtioDevice(gpu, {
    memory: v86Memory(emulator),
    trace: (event) => console.warn(event.source, event.kind, event.detail),
  });
  return { gpu, attachment: attachToV86(emulator, device) };
}

export function pacedScreen() {
  const screen = new MemoryDisplay();
  return { screen, display: new PacedDisplay(screen, { refreshHz: 60 }) };
}

export function inputOf(emulator: V86) {
  const input = connectInput(emulator, { screens: displays });
  // new VncServer({ onKey: input.key, onPointer: input.pointer })
  return input;
}

/** A snapshot: the machine as v86 saves it, and the device. */
export interface Snapshot {
  readonly machine: ArrayBuffer;
  readonly device: string;
}

export async function saveAll(emulator: V86, attachment: V86Attachment): Promise<Snapshot> {
  await emulator.stop();
  const device = JSON.stringify(await attachment.save());
  const machine = await emulator.save_state();
  return { machine, device };
}

export async function restoreAll(emulator: V86, display: Display, { machine, device }: Snapshot) {
  const { gpu, attachment } = attachDevices(emulator, display);
  await emulator.restore_state(machine);
  attachment.restore(JSON.parse(device));
  return { gpu, attachment };
}
