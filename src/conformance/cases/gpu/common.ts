import type { Needs } from "../../case.ts";

/** Statements of the chapter that many cases rest on. */
export const CLAUSE = {
  /** Configuration fields. */
  config: "gpu.prose.device-configuration-fields.1",
  events: "gpu.prose.events.1",
  eventsEdid: "gpu.prose.events.2",
  displayInfo: "gpu.device.device-initialization.1",
  edid: "gpu.device.device-initialization.2",
  fallback: "gpu.device.device-initialization.3",
  allRegions: "gpu.device.device-initialization.4",
  regionIds: "gpu.device.device-initialization.5",
  mapBlob: "gpu.device.device-initialization.6",
  asynchronous: "gpu.device.device-operation-command-lifecycle-and-fencing.1",
  finished: "gpu.device.device-operation-command-lifecycle-and-fencing.2",
  cursor: "gpu.prose.device-operation-configure-mouse-cursor.1",
  /** Fences; and, at the end of that section, which responses there are. */
  response: "gpu.prose.device-operation-request-header.1",
  ringIdx: "gpu.prose.device-operation-request-header.2",
  timeline: "gpu.prose.device-operation-request-header.3",
  capsetIndex: "gpu.prose.device-operation-controlq.1",
  capsetId: "gpu.prose.device-operation-controlq.2",
  blobMem: "gpu.prose.device-operation-controlq.3",
  blobOfContext: "gpu.prose.device-operation-controlq.4",
  blobFlags: "gpu.prose.device-operation-controlq.5",
  blobFormat: "gpu.prose.device-operation-controlq.6",
  createContext: "gpu.prose.device-operation-controlq-3d.1",
  contextInit: "gpu.prose.device-operation-controlq-3d.2",
  contextOfCapset: "gpu.prose.device-operation-controlq-3d.3",
  mapTwice: "gpu.prose.device-operation-controlq-3d.4",
} as const;

/** Of most cases: what they are about has nothing to do with the format of the ring. */
export const GPU: Needs = { devices: ["gpu"], format: "any" };
/** Cases that look at the screen. */
export const PIXELS: Needs = { ...GPU, pixels: true };
