/** What the statements on GPU and entropy devices demand of a device, in words of our own. */
export const GPU_DEVICE = {
  "gpu.device.device-initialization.1":
    "The first thing to ask a GPU is GET_DISPLAY_INFO, and the first scanouts ought to be set up by its answer.",
  "gpu.device.device-initialization.2":
    "Where VIRTIO_GPU_F_EDID was negotiated, EDIDs ought to be fetched with GET_EDID, which the device has to answer.",
  "gpu.device.device-initialization.3":
    "With no display enabled, a driver is free to fall back on some common mode on scanout 0.",
  "gpu.device.device-initialization.4":
    "The shared memory regions of a GPU ought to be looked up while it is brought up.",
  "gpu.device.device-initialization.5":
    "A shared memory region of a GPU bears one of the ids that its chapter defines.",
  "gpu.device.device-initialization.6":
    "A GPU that has the host visible region answers RESOURCE_MAP_BLOB and RESOURCE_UNMAP_BLOB.",
  "gpu.device.device-operation-command-lifecycle-and-fencing.1":
    "Without a fence, a control command is allowed to be answered while work on it still goes on.",
  "gpu.device.device-operation-command-lifecycle-and-fencing.2":
    "A command with VIRTIO_GPU_FLAG_FENCE is answered only when all its work has been done.",
  "gpu.prose.device-operation-request-header.1":
    "The answer to a fenced request bears the fence flag and the same fence_id, and comes only after the work is finished.",
  "gpu.prose.device-operation-request-header.2":
    "With VIRTIO_GPU_F_CONTEXT_INIT, a request is free to name one of its context's rings in ring_idx.",
  "gpu.prose.device-operation-request-header.3":
    "When a fence on a timeline is reached, all earlier fences on that timeline are answered, too.",
  "gpu.prose.device-operation-controlq.2":
    "The capset_id in an answer about capability sets is one of those that the chapter lists.",
  "gpu.prose.device-operation-controlq-3d.1":
    "CTX_CREATE brings a rendering context with the request's ctx_id into being.",
  "gpu.prose.device-operation-controlq-3d.2":
    "With VIRTIO_GPU_F_CONTEXT_INIT, a driver is free to choose the context's capability set in context_init.",
  "gpu.prose.device-operation-controlq-3d.3":
    "A context created for a capability set has to understand the commands of that set.",
  "entropy.device.device-operation.1":
    "Each buffer comes back with at least one random byte in it, though not necessarily full.",
} as const satisfies Readonly<Record<string, string>>;
