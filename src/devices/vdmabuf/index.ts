/**
 * Vdmabuf, a proposal of 2021, as an experimental device: guests hand pages to the host, which gives them back. The
 * protocol is described in PROTOCOL.md beside this file.
 *
 * @module virtio-emulator/vdmabuf
 */
export { VdmabufBuffer } from "./buffer.ts";
export { type VdmabufCounters, VdmabufDevice } from "./device.ts";
export {
  VdmabufHost,
  type VdmabufHostOptions,
  type VdmabufImporter,
  type VdmabufReleaseReason,
} from "./host.ts";
export { formatVdmabufId, sameVdmabufId, type VdmabufId, vdmabufIdBytes } from "./id.ts";
export { readVdmabufImage, type VdmabufImage } from "./image.ts";
export type { VdmabufMessageObserver, VdmabufMessageRecord } from "./observe.ts";
export { DEFAULT_VDMABUF_LIMITS, type VdmabufDeviceOptions, type VdmabufLimits } from "./options.ts";
