import {
  VIRTIO_VDMABUF_S_HELD,
  VIRTIO_VDMABUF_S_IMPORT,
  VIRTIO_VDMABUF_S_KEY,
  VIRTIO_VDMABUF_S_LIMIT,
  VIRTIO_VDMABUF_S_VMID,
  vdmabufCommandName,
  vdmabufStatusName,
} from "../../../wire/vdmabuf.ts";
import { DriverError, type DriverErrorCode } from "../../errors.ts";

/**
 * The host answered a message with another status than VIRTIO_VDMABUF_S_OK.
 *
 * @example
 * ```ts
 * try {
 *   vdmabuf.export(buffer);
 * } catch (error) {
 *   if (error instanceof VdmabufStatusError) console.log(error.message);
 * }
 * ```
 */
export class VdmabufStatusError extends DriverError {
  override readonly name = "VdmabufStatusError";
  /** VIRTIO_VDMABUF_CMD_*. */
  readonly command: number;
  /** VIRTIO_VDMABUF_S_*. */
  readonly status: number;
  readonly statusName: string;

  constructor(command: number, status: number) {
    const statusName = vdmabufStatusName(status);
    super(errnoOf(status), `${vdmabufCommandName(command)}: ${statusName}`);
    this.command = command;
    this.status = status;
    this.statusName = statusName;
  }
}

function errnoOf(status: number): DriverErrorCode {
  switch (status) {
    case VIRTIO_VDMABUF_S_VMID:
    case VIRTIO_VDMABUF_S_KEY:
      return "EACCES";
    case VIRTIO_VDMABUF_S_HELD:
      return "EBUSY";
    case VIRTIO_VDMABUF_S_LIMIT:
      return "ENOSPC";
    case VIRTIO_VDMABUF_S_IMPORT:
      return "EIO";
    default:
      return "EINVAL";
  }
}
