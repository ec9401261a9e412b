/** What the statements on GPU and entropy devices demand of a driver, in words of our own. */
export const GPU_DRIVER = {
  "gpu.prose.device-configuration-fields.1":
    "events_read is the device's to write: a driver acknowledges events through events_clear.",
  "gpu.prose.events.1":
    "After a display event, a driver ought to ask with GET_DISPLAY_INFO what has changed.",
  "gpu.prose.events.2":
    "After a display event, with VIRTIO_GPU_F_EDID negotiated, the EDIDs ought to be read again with GET_EDID.",
  "gpu.prose.device-operation-configure-mouse-cursor.1":
    "A cursor's picture has to be complete, fenced, before UPDATE_CURSOR names its resource.",
  "gpu.prose.device-operation-controlq.1":
    "GET_CAPSET_INFO asks only for indexes below num_capsets of the configuration.",
  "gpu.prose.device-operation-controlq.3":
    "A blob has to say in blob_mem where its memory is: 0 is no answer.",
  "gpu.prose.device-operation-controlq.4":
    "A blob in host memory takes its storage from an object of the rendering context, which blob_id names.",
  "gpu.prose.device-operation-controlq.5":
    "What a blob will be used for (mapping, sharing, other devices) is declared in blob_flags when it is created.",
  "gpu.prose.device-operation-controlq.6":
    "SET_SCANOUT_BLOB gives a pixel format out of enum virtio_gpu_formats, and nothing else.",
  "gpu.driver.device-operation-controlq.1":
    "With VIRTIO_GPU_F_BLOB_ALIGNMENT, the size of each new blob is a multiple of blob_alignment.",
  "gpu.prose.device-operation-controlq-3d.4":
    "A blob that is mapped has to be unmapped before it can be mapped again.",
  "gpu.driver.device-operation-controlq-3d.1":
    "With VIRTIO_GPU_F_BLOB_ALIGNMENT, blobs are mapped at multiples of blob_alignment only.",
  "entropy.driver.device-operation.1":
    "Buffers for an entropy device are there to be filled: they contain nothing for the device to read.",
} as const satisfies Readonly<Record<string, string>>;
