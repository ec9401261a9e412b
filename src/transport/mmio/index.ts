export { MmioTransport, type MmioTransportOptions } from "./mmio-transport.ts";
export { MmioPlaceholder } from "./placeholder.ts";
export { MMIO_STATE_VERSION, type SavedMmioTransport } from "./saved-state.ts";
