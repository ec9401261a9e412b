import { type Mutant, mutant } from "../../support/mutants/mutant.ts";

/** Clauses of the gpu chapter that mutants break. */
export const RULES = {
  config: ["gpu.prose.device-configuration-fields.1"],
  events: ["gpu.prose.events.1"],
  displayInfo: ["gpu.device.device-initialization.1"],
  edid: ["gpu.device.device-initialization.2"],
  regionIds: ["gpu.device.device-initialization.5"],
  mapBlob: ["gpu.device.device-initialization.6"],
  finished: ["gpu.device.device-operation-command-lifecycle-and-fencing.2"],
  cursor: ["gpu.prose.device-operation-configure-mouse-cursor.1"],
  response: ["gpu.prose.device-operation-request-header.1"],
  ringIdx: ["gpu.prose.device-operation-request-header.2"],
  timeline: ["gpu.prose.device-operation-request-header.3"],
  capsetIndex: ["gpu.prose.device-operation-controlq.1"],
  capsetId: ["gpu.prose.device-operation-controlq.2"],
  blobMem: ["gpu.prose.device-operation-controlq.3"],
  blobOfContext: ["gpu.prose.device-operation-controlq.4"],
  blobFormat: ["gpu.prose.device-operation-controlq.6"],
  createContext: ["gpu.prose.device-operation-controlq-3d.1"],
  contextOfCapset: ["gpu.prose.device-operation-controlq-3d.3"],
  mapTwice: ["gpu.prose.device-operation-controlq-3d.4"],
} as const;

/** A mutant of a file of the gpu device, or of its displays, looked at over mmio: the transport makes no difference. */
export function breaks(
  file: string,
): (rule: keyof typeof RULES, id: string, find: string, replace: string) => Mutant {
  const path = file.startsWith("src/") ? file : `src/devices/gpu/${file}.ts`;
  return (rule, id, find, replace) =>
    mutant(id, RULES[rule], path, find, replace, { targets: ["builtin-mmio"] });
}
