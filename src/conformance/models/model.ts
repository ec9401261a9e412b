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

/** What the kit has to know of a type of device to test what all devices have in common. */
export interface DeviceModel {
  /** `gpu`, `rng`, … */
  readonly name: string;
  /** Virtio device id (virtio 1.4, chapter 5). */
  readonly deviceId: number;
  /** Names of its virtqueues, by index. */
  readonly queues: readonly string[];
  /** Bytes of its configuration space that every such device has. */
  readonly configBytes: number;
  /** Feature bits that the specification gives to the type. Default none. */
  readonly features?: readonly number[];
  /** Pairs of them: the first may be offered and accepted only with the second. Default none. */
  readonly featureDependencies?: readonly (readonly [feature: number, requires: number])[];
  /** A request that the device answers at once whatever its state, and that changes nothing. */
  probe(queue: number): Exchange;
}
