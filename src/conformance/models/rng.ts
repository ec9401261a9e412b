import { VIRTIO_ID_RNG } from "../../wire/common.ts";
import type { DeviceModel } from "./model.ts";

const PROBE_BYTES = 16;

/** The entropy device (virtio 1.4, section 5.4). */
export const RNG_MODEL: DeviceModel = {
  name: "rng",
  deviceId: VIRTIO_ID_RNG,
  queues: ["requestq"],
  configBytes: 0,
  features: [],
  probe: (queue) => ({
    queue,
    readable: new Uint8Array(0),
    writableBytes: PROBE_BYTES,
    check: (_response, lengthBytes) =>
      lengthBytes >= 1 && lengthBytes <= PROBE_BYTES
        ? null
        : `the used length is ${lengthBytes}, not 1 to ${PROBE_BYTES}`,
  }),
};

/** The entropy device with the transitional PCI interface as well. */
export const TRANSITIONAL_RNG_MODEL: DeviceModel = { ...RNG_MODEL, name: "rng-transitional" };
