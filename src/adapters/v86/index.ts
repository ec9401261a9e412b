/**
 * Devices for guests in v86: memory, a function on its PCI bus, interrupts, snapshots, keys and pointer.
 *
 * @module virtio-emulator/adapters/v86
 */

export { attachToV86, type V86Attachment, type V86AttachOptions } from "./attach.ts";
export type { V86Cpu, V86PciDevice, V86PortRead, V86PortWrite } from "./cpu.ts";
export { connectInput, type InputScreen, type V86Input, type V86InputOptions } from "./input.ts";
export type { HeldLines } from "./interrupt-lines.ts";
export { v86Memory } from "./memory.ts";
export type { V86Registers } from "./registers.ts";
export { type SavedV86Attachment, V86_STATE_VERSION } from "./saved-state.ts";
