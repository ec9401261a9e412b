/** A request and what a device that works answers to it. */
export interface Exchange {
  /** Index of the virtqueue. */
  readonly queue: number;
  /** The device-readable bytes; empty when there are none. */
  readonly readable: Uint8Array;
  /** The device-writable bytes; 0 when there are none. */
  readonly writableBytes: number;
  /** Says what is wrong with an answer, null when nothing is. `lengthBytes` is the used length. */
  check(response: Uint8Array, lengthBytes: number): string | null;
}

/** A feature of a device type: one of bits 0 to 23 or 50 to 127. */
export interface ModelFeature {
  readonly bit: number;
  /** Its name, as the specification has it: `VIRTIO_BLK_F_SEG_MAX`. */
  readonly name: string;
  /** Bits without which it is neither offered nor accepted. Default none. */
  readonly requires?: readonly number[];
}

/** A field of a device type's configuration space. */
export interface ConfigField {
  readonly name: string;
  /** From the beginning of the configuration space, bytes. */
  readonly offset: number;
  readonly sizeBytes: 1 | 2 | 4 | 8;
  /** The feature without which the field is not there. Default: it always is. */
  readonly feature?: number;
  /** The least and the largest value it may have. Default: any. */
  readonly range?: readonly [least: number, most: number];
  /** Whether it changes by itself, or a driver may write to it: such fields are not compared. Default false. */
  readonly changes?: boolean;
}

/**
 * What the kit has to know of a type of device to test what all devices have in common. A target brings models of its own
 * device types, and they are checked when a run begins.
 */
export interface DeviceModel {
  /** `gpu`, `rng`, … */
  readonly name: string;
  /** Virtio device id (virtio 1.4, chapter 5). */
  readonly deviceId: number;
  /** Names of its virtqueues, by index. */
  readonly queues: readonly string[];
  /** Bytes of its configuration space that every such device has. */
  readonly configBytes: number;
  /** The features there are for the device type. Left out: any bit that the specification leaves to device types. */
  readonly features?: readonly ModelFeature[];
  /** Fields of its configuration space. Default: none is looked at. */
  readonly config?: readonly ConfigField[];
  /** A request that the device answers at once whatever its state, and that changes nothing. */
  probe(queue: number): Exchange;
}
