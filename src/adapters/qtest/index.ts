/**
 * The devices of a QEMU, driven from outside over its qtest socket with the processor halted: registers, guest
 * memory, interrupts, screenshots. A second opinion on what a device should do. Needs Node and a QEMU of 7.2 or
 * newer.
 *
 * @module virtio-emulator/adapters/qtest
 */

export { QemuGoneError, QemuRefusedError, QemuUnfitError } from "./errors.ts";
export type { QemuRam } from "./guest-ram.ts";
export { HALT_BIOS_BYTES, haltBios } from "./halt-bios.ts";
export type { QemuMmioRegisters } from "./mmio-registers.ts";
export type { QemuDeviceOptions, QemuMachineOptions } from "./options.ts";
export type { QemuPciBar, QemuPciFunction } from "./pci-host.ts";
export { isPlaceholder } from "./placeholder.ts";
export { parsePpm, type QemuPicture } from "./ppm.ts";
export { QemuMachine } from "./qemu-machine.ts";
export { probeQemu, type QemuProgram } from "./qemu-program.ts";
export { type QemuVersion, QmpClient, type QmpClientOptions, type QmpObject } from "./qmp-client.ts";
export { QtestClient, type QtestClientOptions, type QtestWidth } from "./qtest-client.ts";
