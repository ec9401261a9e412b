import { type DriverMutant, driverMutant, rawMutant } from "../../support/mutants/driver-mutant.ts";

const REQUESTS = "src/driver/drivers/gpu/gpu-requests.ts";
const GPU = { name: "gpu", transport: "pci", ring: ["indirect", "event"] } as const;
const PACKED = { name: "gpu", transport: "mmio", ring: ["packed"] } as const;

export const GPU_MUTANTS: readonly DriverMutant[] = [
  driverMutant(
    "clears-the-wrong-field",
    ["gpu.prose.device-configuration-fields.1"],
    "src/driver/drivers/gpu/gpu-driver.ts",
    "this.driver.writeConfig(VIRTIO_GPU_CONFIG.events_clear, 4, events);",
    "this.driver.writeConfig(VIRTIO_GPU_CONFIG.events_read, 4, events);",
    GPU,
  ),
  rawMutant("gpu-display-event-ignored", ["gpu.prose.events.1", "gpu.prose.events.2"]),
  rawMutant("gpu-cursor-of-another-size", ["gpu.prose.device-operation-configure-mouse-cursor.1"]),
  rawMutant("gpu-cursor-never-populated", ["gpu.prose.device-operation-configure-mouse-cursor.1"]),
  rawMutant("gpu-cursor-without-a-fence", ["gpu.prose.device-operation-configure-mouse-cursor.1"]),
  rawMutant("gpu-capset-beyond-the-last", ["gpu.prose.device-operation-controlq.1"]),
  driverMutant(
    "capset-index-counted-from-one",
    ["gpu.prose.device-operation-controlq.1"],
    REQUESTS,
    "VIRTIO_GPU_GET_CAPSET_INFO.capset_index, capsetIndex);",
    "VIRTIO_GPU_GET_CAPSET_INFO.capset_index, capsetIndex + 2);",
    PACKED,
  ),
  driverMutant(
    "blob-without-memory",
    ["gpu.prose.device-operation-controlq.3"],
    REQUESTS,
    "VIRTIO_GPU_RESOURCE_CREATE_BLOB.blob_mem, options.mem);",
    "VIRTIO_GPU_RESOURCE_CREATE_BLOB.blob_mem, 0);",
    GPU,
  ),
  driverMutant(
    "host-blob-of-no-context",
    ["gpu.prose.device-operation-controlq.4"],
    REQUESTS,
    "      VIRTIO_GPU_RESOURCE_CREATE_BLOB.sizeBytes,\n      options.contextId ?? 0,",
    "      VIRTIO_GPU_RESOURCE_CREATE_BLOB.sizeBytes,\n      0,",
    GPU,
  ),
  driverMutant(
    "blob-without-flags",
    ["gpu.prose.device-operation-controlq.5"],
    REQUESTS,
    "VIRTIO_GPU_RESOURCE_CREATE_BLOB.blob_flags, options.flags ?? 0);",
    "VIRTIO_GPU_RESOURCE_CREATE_BLOB.blob_flags, 0);",
    GPU,
  ),
  rawMutant("gpu-blob-shared-without-a-flag", ["gpu.prose.device-operation-controlq.5"]),
  driverMutant(
    "scanout-blob-of-no-format",
    ["gpu.prose.device-operation-controlq.6"],
    REQUESTS,
    "channel.set(VIRTIO_GPU_SET_SCANOUT_BLOB.format, options.format);",
    "channel.set(VIRTIO_GPU_SET_SCANOUT_BLOB.format, 5);",
    GPU,
  ),
  driverMutant(
    "blob-of-any-size",
    ["gpu.driver.device-operation-controlq.1"],
    REQUESTS,
    "this.#set64(VIRTIO_GPU_RESOURCE_CREATE_BLOB.size, options.sizeBytes);",
    "this.#set64(VIRTIO_GPU_RESOURCE_CREATE_BLOB.size, Number(options.sizeBytes) - 16);",
    GPU,
  ),
  driverMutant(
    "blob-mapped-anywhere",
    ["gpu.driver.device-operation-controlq-3d.1"],
    REQUESTS,
    "this.#set64(VIRTIO_GPU_RESOURCE_MAP_BLOB.offset, offset);",
    "this.#set64(VIRTIO_GPU_RESOURCE_MAP_BLOB.offset, Number(offset) + 16);",
    PACKED,
  ),
  rawMutant("gpu-blob-mapped-twice", ["gpu.prose.device-operation-controlq-3d.4"]),
];
