import type { Reviewed } from "./reviewed.ts";

export const GPU_REVIEWED: Reviewed = {
  notObservable: {
    "gpu.prose.device-operation-controlq.7":
      "no value of enum virtio_gpu_formats names a compressed format, so there is no request that uses the permission",
  },
  bindsDriver: [
    // "The driver MUST NOT write to this field."
    "gpu.prose.device-configuration-fields.1",
    "gpu.prose.events.1",
    // "… the device SHOULD also fetch the updated EDID blobs": it is the driver that fetches them.
    "gpu.prose.events.2",
    "gpu.prose.device-operation-configure-mouse-cursor.1",
    // "the driver MAY set VIRTIO_GPU_FLAG_INFO_RING_IDX"
    "gpu.prose.device-operation-request-header.2",
    // Fields of requests: capset_index, blob_mem, blob_flags, format. What the device makes of wrong ones has cases, too.
    "gpu.prose.device-operation-controlq.1",
    "gpu.prose.device-operation-controlq.3",
    "gpu.prose.device-operation-controlq.5",
    "gpu.prose.device-operation-controlq.6",
    // What the driver puts into context_init.
    "gpu.prose.device-operation-controlq-3d.2",
    // "The driver MUST not map a blob resource that is already mapped."
    "gpu.prose.device-operation-controlq-3d.4",
  ],
};
