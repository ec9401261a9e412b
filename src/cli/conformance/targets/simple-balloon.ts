import type { DeviceType, PlainValue, PreparedRestore } from "../../../device/index.ts";
import { listOf, whole } from "../../../device/state/schema.ts";
import type { DeviceQueue } from "../../../virtqueue/index.ts";
import { VIRTIO_ID_BALLOON } from "../../../wire/common.ts";

const QUEUE_SIZE = 128;
/** Number of pages the device wants, and where it stands. */
const NUM_PAGES = 0x1234;
/** Where the driver says how many it gave. */
const ACTUAL = 4;
const CONFIG_BYTES = 8;

/**
 * A traditional memory balloon (virtio 1.4, section 5.5) that takes every page and does nothing with it: what the
 * conformance kit needs of a device of before virtio 1.0 with a configuration space.
 */
export class SimpleBalloon implements DeviceType {
  readonly name = "balloon";
  readonly deviceId = VIRTIO_ID_BALLOON;
  readonly queues = [
    { name: "inflateq", maxSize: QUEUE_SIZE },
    { name: "deflateq", maxSize: QUEUE_SIZE },
  ];
  readonly config = new Uint8Array(CONFIG_BYTES);

  constructor() {
    new DataView(this.config.buffer).setUint32(0, NUM_PAGES, true);
  }

  writeConfig(offset: number, widthBytes: number, value: number): void {
    for (let i = 0; i < widthBytes; i++) {
      if (offset + i >= ACTUAL) this.config[offset + i] = (value >>> (8 * i)) & 0xff;
    }
  }

  handleQueue(_index: number, queue: DeviceQueue): void {
    for (let chain = queue.pop(); chain !== null; chain = queue.pop()) queue.push(chain, 0);
  }

  reset(): void {
    this.config.fill(0, ACTUAL);
  }

  save(): PlainValue {
    return [...this.config];
  }

  prepareRestore(state: PlainValue): PreparedRestore {
    const config = listOf(whole(0, 0xff), this.config.length)(state);
    return { takeOver: () => this.config.set(config) };
  }
}
