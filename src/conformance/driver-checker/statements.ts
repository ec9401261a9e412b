import { CLAUSES } from "../clauses/catalogue.ts";
import { KIT_AREAS } from "../clauses/coverage.ts";

/** Statements outside of the sections for drivers that bind drivers all the same. */
const BINDING_ELSEWHERE: ReadonlySet<string> = new Set([
  "content.legacy.legacy-interface-device-configuration-space.1",
  "content.legacy.legacy-interface-device-initialization.1",
  "content.legacy.legacy-interface-reserved-feature-bits.3",
  "content.legacy.legacy-interface-reserved-feature-bits.4",
  "split-ring.legacy.legacy-interfaces-a-note-on-virtqueue-layout.1",
  "split-ring.legacy.legacy-interfaces-a-note-on-virtqueue-layout.2",
  "split-ring.legacy.legacy-interfaces-a-note-on-virtqueue-endianness.1",
  "packed-ring.prose.implementation-example.1",
  "transport-pci.legacy.legacy-interfaces-a-note-on-pci-device-layout.2",
  "transport-pci.legacy.legacy-interfaces-a-note-on-pci-device-layout.4",
  "transport-pci.legacy.legacy-interface-a-note-on-device-layout-detecti.2",
  "transport-pci.legacy.legacy-interface-a-note-on-device-layout-detecti.3",
  "transport-pci.legacy.legacy-interface-a-note-on-device-layout-detecti.4",
  "transport-pci.legacy.legacy-interface-a-note-on-device-layout-detecti.5",
  "gpu.prose.device-configuration-fields.1",
  "gpu.prose.events.1",
  // It says "the device", but it is the driver that sends VIRTIO_GPU_CMD_GET_EDID.
  "gpu.prose.events.2",
  "gpu.prose.device-operation-configure-mouse-cursor.1",
  "gpu.prose.device-operation-controlq.1",
  "gpu.prose.device-operation-controlq.3",
  "gpu.prose.device-operation-controlq.4",
  "gpu.prose.device-operation-controlq.5",
  "gpu.prose.device-operation-controlq.6",
  "gpu.prose.device-operation-controlq-3d.4",
]);

/** The statements that bind drivers, MUST and SHOULD, of the areas the kit covers; what drivers MAY do breaks nothing. */
export const STATEMENTS_OF_DRIVERS: readonly string[] = /* @__PURE__ */ CLAUSES.filter(
  ({ id, area, role, level }) =>
    KIT_AREAS.includes(area) && level !== "may" && (role === "driver" || BINDING_ELSEWHERE.has(id)),
).map(({ id }) => id);
