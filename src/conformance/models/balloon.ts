import { VIRTIO_ID_BALLOON } from "../../wire/common.ts";
import type { DeviceModel } from "./model.ts";

/** num_pages and actual, 32 bits each; the driver writes the latter. */
const CONFIG_BYTES = 8;
/** Number of a page that no case uses. */
const PAGE = 1;

/**
 * The traditional memory balloon device with the transitional PCI interface (virtio 1.4, section 5.5): the simplest
 * device of before virtio 1.0 that has a configuration space.
 */
export const TRANSITIONAL_BALLOON_MODEL: DeviceModel = {
  name: "balloon-transitional",
  deviceId: VIRTIO_ID_BALLOON,
  queues: ["inflateq", "deflateq"],
  configBytes: CONFIG_BYTES,
  probe: (queue) => ({
    queue,
    readable: new Uint8Array([PAGE, 0, 0, 0]),
    writableBytes: 0,
    check: (_response, lengthBytes) =>
      lengthBytes === 0 ? null : `the used length is ${lengthBytes}, not 0`,
  }),
};
