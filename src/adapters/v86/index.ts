export { attachToV86, type V86Attachment, type V86AttachOptions, type V86Registers } from "./attach.ts";
export type { V86Cpu, V86PciDevice, V86PortRead, V86PortWrite } from "./cpu.ts";
export { v86Memory } from "./memory.ts";
