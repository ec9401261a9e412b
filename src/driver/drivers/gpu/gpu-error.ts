import {
  VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID,
  VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER,
  VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID,
  VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID,
  VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY,
} from "../../../wire/gpu.ts";
import { gpuCommandName, gpuResponseName } from "../../../wire/gpu-names.ts";
import { DriverError, type DriverErrorCode } from "../../errors.ts";

/**
 * The device answered a command with VIRTIO_GPU_RESP_ERR_*.
 *
 * @example
 * ```ts
 * try {
 *   framebuffer.flush();
 * } catch (error) {
 *   if (error instanceof GpuCommandError) console.log(error.commandName, error.responseName);
 * }
 * ```
 */
export class GpuCommandError extends DriverError {
  override readonly name = "GpuCommandError";
  /** VIRTIO_GPU_CMD_*. */
  readonly command: number;
  readonly commandName: string;
  /** VIRTIO_GPU_RESP_ERR_*. */
  readonly response: number;
  readonly responseName: string;

  constructor(command: number, response: number) {
    const commandName = gpuCommandName(command);
    const responseName = gpuResponseName(response);
    super(errnoOf(response), `${commandName}: ${responseName}`);
    this.command = command;
    this.commandName = commandName;
    this.response = response;
    this.responseName = responseName;
  }
}

function errnoOf(response: number): DriverErrorCode {
  switch (response) {
    case VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY:
      return "ENOMEM";
    case VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID:
    case VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID:
    case VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID:
    case VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER:
      return "EINVAL";
    default:
      return "EIO";
  }
}
