/**
 * Everything that crosses guest memory or registers, by the names of the specification: structs with their offsets
 * and sizes, feature bits, registers, commands, responses. Structs are declared once with buffer-layout, and
 * compared with Linux' headers in the tests.
 *
 * @module virtio-emulator/wire
 */

export * from "./common.ts";
export * from "./gpu.ts";
export * from "./gpu-names.ts";
export * from "./mmio.ts";
export * from "./packed-ring.ts";
export * from "./pci.ts";
export * from "./render.ts";
export * from "./render-names.ts";
export * from "./schema.ts";
export * from "./split-ring.ts";
export * from "./vdmabuf.ts";
