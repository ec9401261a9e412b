/** Everything that crosses guest memory: structs, their offsets and sizes, constants. */
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
