import { BackendError } from "../../../base/backend-error.ts";
import {
  VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID,
  VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER,
  VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID,
  VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID,
  VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY,
  VIRTIO_GPU_RESP_ERR_UNSPEC,
} from "../../../wire/gpu.ts";

/** Why a display or a renderer could not do what it was asked to. */
export type GpuBackendErrorCode =
  | "out-of-memory"
  | "invalid-scanout"
  | "invalid-resource"
  | "invalid-context"
  | "invalid-parameter"
  | "unsupported"
  | "lost";

/** The response to a failure of a back end; anything that is not a {@link BackendError} becomes ERR_UNSPEC. */
export function responseToFailure(failure: unknown): number {
  if (!(failure instanceof BackendError)) return VIRTIO_GPU_RESP_ERR_UNSPEC;
  switch (failure.code as GpuBackendErrorCode) {
    case "out-of-memory":
      return VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY;
    case "invalid-scanout":
      return VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID;
    case "invalid-resource":
      return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
    case "invalid-context":
      return VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID;
    case "invalid-parameter":
      return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
    default:
      return VIRTIO_GPU_RESP_ERR_UNSPEC;
  }
}
