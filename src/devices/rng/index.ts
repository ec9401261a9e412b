/**
 * virtio-rng, the entropy device (virtio 1.4, section 5.4), with entropy from the platform or from you.
 *
 * @module virtio-emulator/rng
 */

export { type EntropySource, type RngCounters, RngDevice, type RngDeviceOptions } from "./device.ts";
