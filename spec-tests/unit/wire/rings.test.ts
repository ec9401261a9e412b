import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as wire from "../../../src/wire/index.ts";

const rings = suite("wire/split-ring and packed-ring");

// Section 2.7: descriptor table 16 n, available ring 6 + 2 n, used ring 6 + 8 n, event fields included.
rings("have the sizes of the specification", () => {
  for (const n of [1, 4, 256, wire.VIRTQ_MAX_QUEUE_SIZE]) {
    assert.is(wire.descTableBytes(n), 16 * n);
    assert.is(wire.availRingBytes(n, true), 6 + 2 * n);
    assert.is(wire.usedRingBytes(n, true), 6 + 8 * n);
    assert.is(wire.availRingBytes(n, false), 4 + 2 * n);
    assert.is(wire.usedRingBytes(n, false), 4 + 8 * n);
    assert.is(wire.usedEventOffset(n), 4 + 2 * n);
    assert.is(wire.availEventOffset(n), 4 + 8 * n);
    assert.is(wire.packedDescRingBytes(n), 16 * n);
  }
  assert.is(wire.packedEventSuppressBytes(), 4);
});

rings("have the alignments and the largest size of the specification", () => {
  assert.is(wire.VIRTQ_DESC_ALIGN, 16);
  assert.is(wire.VIRTQ_AVAIL_ALIGN, 2);
  assert.is(wire.VIRTQ_USED_ALIGN, 4);
  assert.is(wire.PVIRTQ_DESC_ALIGN, 16);
  assert.is(wire.PVIRTQ_EVENT_SUPPRESS_ALIGN, 4);
  assert.is(wire.VIRTQ_MAX_QUEUE_SIZE, 32768);
});

// Numbers that stand in prose or tables, where neither a header nor a listing can be asked.
rings("and transports have the numbers that the specification gives in prose", () => {
  assert.is(wire.VIRTIO_MMIO_MAGIC, Buffer.from("virt").readUInt32LE());
  assert.is(wire.VIRTIO_MMIO_VERSION_2, 2);
  assert.is(wire.VIRTIO_MMIO_VERSION_LEGACY, 1);
  assert.is(wire.VIRTIO_PCI_VENDOR_ID, 0x1af4);
  assert.is(wire.VIRTIO_PCI_DEVICE_ID_BASE, 0x1040);
  assert.is(wire.VIRTIO_PCI_DEVICE_ID_FIRST, 0x1000);
  assert.is(wire.VIRTIO_PCI_DEVICE_ID_LAST, 0x107f);
  assert.is(wire.VIRTIO_PCI_ISR_QUEUE, 1);
  assert.is(wire.RING_EVENT_FLAGS_MASK, 3);
  assert.is(wire.VIRTIO_GPU_CONTROLQ, 0);
  assert.is(wire.VIRTIO_GPU_CURSORQ, 1);
  assert.is(wire.VIRTIO_GPU_CURSOR_SIZE, 64);
  assert.is(wire.VIRTIO_GPU_MAX_RING_IDX, 63);
  assert.is(wire.PCI_CLASS_DISPLAY_VGA, 0x0300);
  assert.is(wire.PCI_CLASS_DISPLAY_OTHER, 0x0380);
});

rings.run();
