import { VIRTIO_ID_GPU } from "../../wire/common.ts";
import {
  VIRTIO_GPU_CMD_GET_DISPLAY_INFO,
  VIRTIO_GPU_CMD_MOVE_CURSOR,
  VIRTIO_GPU_CONFIG,
  VIRTIO_GPU_CTRL_HDR,
  VIRTIO_GPU_F_BLOB_ALIGNMENT,
  VIRTIO_GPU_F_CONTEXT_INIT,
  VIRTIO_GPU_F_EDID,
  VIRTIO_GPU_F_RESOURCE_BLOB,
  VIRTIO_GPU_F_RESOURCE_UUID,
  VIRTIO_GPU_F_VIRGL,
  VIRTIO_GPU_RESP_DISPLAY_INFO,
  VIRTIO_GPU_RESP_OK_DISPLAY_INFO,
  VIRTIO_GPU_UPDATE_CURSOR,
} from "../../wire/gpu.ts";
import type { DeviceModel, Exchange } from "./model.ts";

/** Index of the queue for commands. */
export const CONTROLQ = 0;
/** Index of the queue for cursor commands. */
export const CURSORQ = 1;

/** Section 5.7.4. */
const MAX_SCANOUTS = 16;

function command(type: number, lengthBytes: number): Uint8Array {
  const bytes = new Uint8Array(lengthBytes);
  new DataView(bytes.buffer).setUint32(VIRTIO_GPU_CTRL_HDR.type, type, true);
  return bytes;
}

function displayInfo(): Exchange {
  const expected = VIRTIO_GPU_RESP_DISPLAY_INFO.sizeBytes;
  return {
    queue: CONTROLQ,
    readable: command(VIRTIO_GPU_CMD_GET_DISPLAY_INFO, VIRTIO_GPU_CTRL_HDR.sizeBytes),
    writableBytes: expected,
    check(response, lengthBytes) {
      if (lengthBytes !== expected) return `the used length is ${lengthBytes}, not ${expected}`;
      const type = new DataView(response.buffer, response.byteOffset).getUint32(0, true);
      return type === VIRTIO_GPU_RESP_OK_DISPLAY_INFO ? null : `the response type is 0x${type.toString(16)}`;
    },
  };
}

/** Moves the cursor of scanout 0, which shows none. */
function moveCursor(): Exchange {
  return {
    queue: CURSORQ,
    readable: command(VIRTIO_GPU_CMD_MOVE_CURSOR, VIRTIO_GPU_UPDATE_CURSOR.sizeBytes),
    writableBytes: 0,
    check: (_response, lengthBytes) =>
      lengthBytes === 0 ? null : `the used length is ${lengthBytes}, not 0`,
  };
}

/** The GPU device (virtio 1.4, section 5.7). */
export const GPU_MODEL: DeviceModel = {
  name: "gpu",
  deviceId: VIRTIO_ID_GPU,
  queues: ["controlq", "cursorq"],
  configBytes: VIRTIO_GPU_CONFIG.blob_alignment,
  features: [
    { bit: VIRTIO_GPU_F_VIRGL, name: "VIRTIO_GPU_F_VIRGL" },
    { bit: VIRTIO_GPU_F_EDID, name: "VIRTIO_GPU_F_EDID" },
    { bit: VIRTIO_GPU_F_RESOURCE_UUID, name: "VIRTIO_GPU_F_RESOURCE_UUID" },
    { bit: VIRTIO_GPU_F_RESOURCE_BLOB, name: "VIRTIO_GPU_F_RESOURCE_BLOB" },
    { bit: VIRTIO_GPU_F_CONTEXT_INIT, name: "VIRTIO_GPU_F_CONTEXT_INIT", requires: [VIRTIO_GPU_F_VIRGL] },
    {
      bit: VIRTIO_GPU_F_BLOB_ALIGNMENT,
      name: "VIRTIO_GPU_F_BLOB_ALIGNMENT",
      requires: [VIRTIO_GPU_F_RESOURCE_BLOB],
    },
  ],
  config: [
    { name: "events_read", offset: VIRTIO_GPU_CONFIG.events_read, sizeBytes: 4, changes: true },
    { name: "events_clear", offset: VIRTIO_GPU_CONFIG.events_clear, sizeBytes: 4, changes: true },
    { name: "num_scanouts", offset: VIRTIO_GPU_CONFIG.num_scanouts, sizeBytes: 4, range: [1, MAX_SCANOUTS] },
    { name: "num_capsets", offset: VIRTIO_GPU_CONFIG.num_capsets, sizeBytes: 4 },
    {
      name: "blob_alignment",
      offset: VIRTIO_GPU_CONFIG.blob_alignment,
      sizeBytes: 4,
      feature: VIRTIO_GPU_F_BLOB_ALIGNMENT,
      range: [1, 0xffffffff],
    },
  ],
  probe: (queue) => (queue === CURSORQ ? moveCursor() : displayInfo()),
};
