/**
 * The registers of virtio-mmio, version 2 (virtio 1.4, section 4.2). The embedder passes on the guest's accesses
 * and hears of the interrupt line.
 *
 * @module virtio-emulator/transport/mmio
 */

export { MmioTransport, type MmioTransportOptions } from "./mmio-transport.ts";
export { MmioPlaceholder } from "./placeholder.ts";
export { MMIO_STATE_VERSION, type SavedMmioTransport } from "./saved-state.ts";
