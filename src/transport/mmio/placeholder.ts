import {
  VIRTIO_MMIO_MAGIC,
  VIRTIO_MMIO_MAGIC_VALUE,
  VIRTIO_MMIO_VERSION,
  VIRTIO_MMIO_VERSION_2,
} from "../../wire/mmio.ts";

/**
 * A slot without a device (virtio 1.4, section 4.2.2, DeviceID 0): for memory maps with devices at static, well
 * known addresses. Drivers find the magic value, the version and device id 0, and go on without complaint.
 *
 * @example
 * ```ts
 * new MmioPlaceholder().read(0x008, 4); // 0
 * ```
 */
export class MmioPlaceholder {
  /** As `MmioTransport.read`: everything but MagicValue and Version reads as 0. */
  read(offset: number, widthBytes: number): number {
    if (widthBytes !== 4) return 0;
    if (offset === VIRTIO_MMIO_MAGIC_VALUE) return VIRTIO_MMIO_MAGIC;
    return offset === VIRTIO_MMIO_VERSION ? VIRTIO_MMIO_VERSION_2 : 0;
  }

  /** As `MmioTransport.write`, without any effect. */
  write(_offset: number, _widthBytes: number, _value: number): void {}
}
