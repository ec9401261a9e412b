import {
  VIRTIO_RENDER_RESP_ERR_CANCELED,
  VIRTIO_RENDER_RESP_ERR_COMMAND,
  VIRTIO_RENDER_RESP_ERR_FEATURE,
  VIRTIO_RENDER_RESP_ERR_LIMIT,
  VIRTIO_RENDER_RESP_ERR_READ_ONLY,
  VIRTIO_RENDER_RESP_ERR_REVOKED,
  VIRTIO_RENDER_RESP_ERR_UNBACKED,
  VIRTIO_RENDER_RESP_ERR_UNSPEC,
  VIRTIO_RENDER_RESP_ERR_UUID,
} from "../../../wire/render.ts";
import { renderCommandName, renderResponseName } from "../../../wire/render-names.ts";
import { DriverError, type DriverErrorCode } from "../../errors.ts";

/**
 * The device answered a command with VIRTIO_RENDER_RESP_ERR_*.
 *
 * @example
 * ```ts
 * try {
 *   render.fill(99, 0xffffffff, rect);
 * } catch (error) {
 *   if (error instanceof RenderCommandError) console.log(error.message);
 * }
 * ```
 */
export class RenderCommandError extends DriverError {
  override readonly name = "RenderCommandError";
  /** VIRTIO_RENDER_CMD_*. */
  readonly command: number;
  readonly commandName: string;
  /** VIRTIO_RENDER_RESP_ERR_*. */
  readonly response: number;
  readonly responseName: string;

  constructor(command: number, response: number) {
    const commandName = renderCommandName(command);
    const responseName = renderResponseName(response);
    super(errnoOf(response), `${commandName}: ${responseName}`);
    this.command = command;
    this.commandName = commandName;
    this.response = response;
    this.responseName = responseName;
  }
}

function errnoOf(response: number): DriverErrorCode {
  switch (response) {
    case VIRTIO_RENDER_RESP_ERR_COMMAND:
    case VIRTIO_RENDER_RESP_ERR_FEATURE:
      return "EOPNOTSUPP";
    case VIRTIO_RENDER_RESP_ERR_UUID:
      return "ENOENT";
    case VIRTIO_RENDER_RESP_ERR_LIMIT:
      return "ENOSPC";
    case VIRTIO_RENDER_RESP_ERR_READ_ONLY:
      return "EACCES";
    case VIRTIO_RENDER_RESP_ERR_REVOKED:
      return "ENODEV";
    case VIRTIO_RENDER_RESP_ERR_CANCELED:
      return "ECANCELED";
    case VIRTIO_RENDER_RESP_ERR_UNSPEC:
    case VIRTIO_RENDER_RESP_ERR_UNBACKED:
      return "EIO";
    default:
      return "EINVAL";
  }
}
