export { type EntropySource, type RngCounters, RngDevice, type RngDeviceOptions } from "./device.ts";
