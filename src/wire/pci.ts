/** Virtio over PCI, section 4.1, and the part of PCI itself that a device and a driver need. */
import { bytes, le8, le16, le32, le64, offsetsOf, struct } from "./schema.ts";

/** Vendor id of all virtio devices. */
export const VIRTIO_PCI_VENDOR_ID = 0x1af4;
/** PCI device id of a non-transitional device = this + virtio device id. */
export const VIRTIO_PCI_DEVICE_ID_BASE = 0x1040;
/** The range of PCI device ids that belong to virtio, section 4.1.2. */
export const VIRTIO_PCI_DEVICE_ID_FIRST = 0x1000;
export const VIRTIO_PCI_DEVICE_ID_LAST = 0x107f;

// Transitional PCI device ids, section 4.1.2.
export const VIRTIO_TRANS_ID_NET = 0x1000;
export const VIRTIO_TRANS_ID_BLOCK = 0x1001;
export const VIRTIO_TRANS_ID_BALLOON = 0x1002;
export const VIRTIO_TRANS_ID_CONSOLE = 0x1003;
export const VIRTIO_TRANS_ID_SCSI = 0x1004;
export const VIRTIO_TRANS_ID_RNG = 0x1005;
export const VIRTIO_TRANS_ID_9P = 0x1009;

// virtio_pci_cap.cfg_type, section 4.1.4.
export const VIRTIO_PCI_CAP_COMMON_CFG = 1;
export const VIRTIO_PCI_CAP_NOTIFY_CFG = 2;
export const VIRTIO_PCI_CAP_ISR_CFG = 3;
export const VIRTIO_PCI_CAP_DEVICE_CFG = 4;
export const VIRTIO_PCI_CAP_PCI_CFG = 5;
export const VIRTIO_PCI_CAP_SHARED_MEMORY_CFG = 8;
export const VIRTIO_PCI_CAP_VENDOR_CFG = 9;

/** Bits of the ISR status byte, section 4.1.4.5. */
export const VIRTIO_PCI_ISR_QUEUE = 0x1;
export const VIRTIO_PCI_ISR_CONFIG = 0x2;

export const virtio_pci_cap = /* @__PURE__ */ struct({
  cap_vndr: le8,
  cap_next: le8,
  cap_len: le8,
  cfg_type: le8,
  bar: le8,
  id: le8,
  padding: /* @__PURE__ */ bytes(2),
  offset: le32,
  length: le32,
});
export const VIRTIO_PCI_CAP = /* @__PURE__ */ offsetsOf(virtio_pci_cap);

export const virtio_pci_cap64 = /* @__PURE__ */ struct({
  cap: virtio_pci_cap,
  offset_hi: le32,
  length_hi: le32,
});
export const VIRTIO_PCI_CAP64 = /* @__PURE__ */ offsetsOf(virtio_pci_cap64);

export const virtio_pci_notify_cap = /* @__PURE__ */ struct({
  cap: virtio_pci_cap,
  notify_off_multiplier: le32,
});
export const VIRTIO_PCI_NOTIFY_CAP = /* @__PURE__ */ offsetsOf(virtio_pci_notify_cap);

export const virtio_pci_cfg_cap = /* @__PURE__ */ struct({
  cap: virtio_pci_cap,
  pci_cfg_data: /* @__PURE__ */ bytes(4),
});
export const VIRTIO_PCI_CFG_CAP = /* @__PURE__ */ offsetsOf(virtio_pci_cfg_cap);

/** Vendor data capability, section 4.1.4.8; vendor-defined bytes follow. */
export const virtio_pci_vndr_data = /* @__PURE__ */ struct({
  cap_vndr: le8,
  cap_next: le8,
  cap_len: le8,
  cfg_type: le8,
  vendor_id: le16,
});
export const VIRTIO_PCI_VNDR_DATA = /* @__PURE__ */ offsetsOf(virtio_pci_vndr_data);

/** Section 4.1.4.3, with the specification's field names. */
export const virtio_pci_common_cfg = /* @__PURE__ */ struct({
  device_feature_select: le32,
  device_feature: le32,
  driver_feature_select: le32,
  driver_feature: le32,
  config_msix_vector: le16,
  num_queues: le16,
  device_status: le8,
  config_generation: le8,
  queue_select: le16,
  queue_size: le16,
  queue_msix_vector: le16,
  queue_enable: le16,
  queue_notify_off: le16,
  queue_desc: le64,
  queue_driver: le64,
  queue_device: le64,
  queue_notif_config_data: le16,
  queue_reset: le16,
  admin_queue_index: le16,
  admin_queue_num: le16,
});
export const VIRTIO_PCI_COMMON_CFG = /* @__PURE__ */ offsetsOf(virtio_pci_common_cfg);

/**
 * The legacy configuration structure at the start of BAR 0, section 4.1.4.10, as it is while MSI-X is enabled; without
 * MSI-X it ends before `config_msix_vector`. The device-specific configuration follows at once.
 */
export const virtio_pci_legacy_cfg = /* @__PURE__ */ struct({
  device_features: le32,
  driver_features: le32,
  queue_address: le32,
  queue_size: le16,
  queue_select: le16,
  queue_notify: le16,
  device_status: le8,
  isr_status: le8,
  config_msix_vector: le16,
  queue_msix_vector: le16,
});
export const VIRTIO_PCI_LEGACY_CFG = /* @__PURE__ */ offsetsOf(virtio_pci_legacy_cfg);

/** `queue_address` counts pages of 2 to the power of this. */
export const VIRTIO_PCI_QUEUE_ADDR_SHIFT = 12;
/** Alignment of the used ring in bytes where legacy virtqueues lie in one piece of memory, section 2.7.2. */
export const VIRTIO_PCI_VRING_ALIGN = 4096;

// PCI configuration space: the type 0 header. Values are byte offsets.
export const PCI_CFG_SPACE_SIZE = 256;
export const PCI_CFG_SPACE_EXP_SIZE = 4096;
export const PCI_STD_HEADER_SIZEOF = 64;
export const PCI_STD_NUM_BARS = 6;
export const PCI_VENDOR_ID = 0x00;
export const PCI_DEVICE_ID = 0x02;
export const PCI_COMMAND = 0x04;
export const PCI_STATUS = 0x06;
export const PCI_CLASS_REVISION = 0x08;
export const PCI_REVISION_ID = 0x08;
export const PCI_CLASS_PROG = 0x09;
export const PCI_CLASS_DEVICE = 0x0a;
export const PCI_CACHE_LINE_SIZE = 0x0c;
export const PCI_LATENCY_TIMER = 0x0d;
export const PCI_HEADER_TYPE = 0x0e;
export const PCI_BIST = 0x0f;
export const PCI_BASE_ADDRESS_0 = 0x10;
export const PCI_BASE_ADDRESS_1 = 0x14;
export const PCI_BASE_ADDRESS_2 = 0x18;
export const PCI_BASE_ADDRESS_3 = 0x1c;
export const PCI_BASE_ADDRESS_4 = 0x20;
export const PCI_BASE_ADDRESS_5 = 0x24;
export const PCI_CARDBUS_CIS = 0x28;
export const PCI_SUBSYSTEM_VENDOR_ID = 0x2c;
export const PCI_SUBSYSTEM_ID = 0x2e;
export const PCI_ROM_ADDRESS = 0x30;
export const PCI_CAPABILITY_LIST = 0x34;
export const PCI_INTERRUPT_LINE = 0x3c;
export const PCI_INTERRUPT_PIN = 0x3d;
export const PCI_MIN_GNT = 0x3e;
export const PCI_MAX_LAT = 0x3f;

// Values of PCI_HEADER_TYPE.
export const PCI_HEADER_TYPE_MASK = 0x7f;
export const PCI_HEADER_TYPE_NORMAL = 0;

// Bits of PCI_COMMAND.
export const PCI_COMMAND_IO = 0x1;
export const PCI_COMMAND_MEMORY = 0x2;
export const PCI_COMMAND_MASTER = 0x4;
export const PCI_COMMAND_SPECIAL = 0x8;
export const PCI_COMMAND_INVALIDATE = 0x10;
export const PCI_COMMAND_VGA_PALETTE = 0x20;
export const PCI_COMMAND_PARITY = 0x40;
export const PCI_COMMAND_WAIT = 0x80;
export const PCI_COMMAND_SERR = 0x100;
export const PCI_COMMAND_FAST_BACK = 0x200;
export const PCI_COMMAND_INTX_DISABLE = 0x400;

// Bits of PCI_STATUS.
export const PCI_STATUS_IMM_READY = 0x01;
export const PCI_STATUS_INTERRUPT = 0x08;
export const PCI_STATUS_CAP_LIST = 0x10;
export const PCI_STATUS_66MHZ = 0x20;
export const PCI_STATUS_FAST_BACK = 0x80;
export const PCI_STATUS_PARITY = 0x100;
export const PCI_STATUS_DEVSEL_MASK = 0x600;
export const PCI_STATUS_SIG_TARGET_ABORT = 0x800;
export const PCI_STATUS_REC_TARGET_ABORT = 0x1000;
export const PCI_STATUS_REC_MASTER_ABORT = 0x2000;
export const PCI_STATUS_SIG_SYSTEM_ERROR = 0x4000;
export const PCI_STATUS_DETECTED_PARITY = 0x8000;

// Bits of a base address register.
export const PCI_BASE_ADDRESS_SPACE = 0x01;
export const PCI_BASE_ADDRESS_SPACE_IO = 0x01;
export const PCI_BASE_ADDRESS_SPACE_MEMORY = 0x00;
export const PCI_BASE_ADDRESS_MEM_TYPE_MASK = 0x06;
export const PCI_BASE_ADDRESS_MEM_TYPE_32 = 0x00;
export const PCI_BASE_ADDRESS_MEM_TYPE_64 = 0x04;
export const PCI_BASE_ADDRESS_MEM_PREFETCH = 0x08;
/** The address bits of the low 32 bits of a memory BAR, as an unsigned number. */
export const PCI_BASE_ADDRESS_MEM_MASK = 0xfffffff0;
/** The address bits of an I/O BAR, as an unsigned number. */
export const PCI_BASE_ADDRESS_IO_MASK = 0xfffffffc;
export const PCI_ROM_ADDRESS_ENABLE = 0x01;
/** The address bits of PCI_ROM_ADDRESS, as an unsigned number. */
export const PCI_ROM_ADDRESS_MASK = 0xfffff800;

// Capability list: offsets inside a capability, and ids.
export const PCI_CAP_LIST_ID = 0;
export const PCI_CAP_LIST_NEXT = 1;
export const PCI_CAP_FLAGS = 2;
export const PCI_CAP_ID_PM = 0x01;
export const PCI_CAP_ID_MSI = 0x05;
export const PCI_CAP_ID_VNDR = 0x09;
export const PCI_CAP_ID_EXP = 0x10;
export const PCI_CAP_ID_MSIX = 0x11;

// MSI-X capability: offsets, then bits of the registers.
export const PCI_MSIX_FLAGS = 2;
export const PCI_MSIX_TABLE = 4;
export const PCI_MSIX_PBA = 8;
export const PCI_CAP_MSIX_SIZEOF = 12;
/** Table size minus one. */
export const PCI_MSIX_FLAGS_QSIZE = 0x07ff;
export const PCI_MSIX_FLAGS_MASKALL = 0x4000;
export const PCI_MSIX_FLAGS_ENABLE = 0x8000;
export const PCI_MSIX_TABLE_BIR = 0x00000007;
export const PCI_MSIX_TABLE_OFFSET = 0xfffffff8;
export const PCI_MSIX_PBA_BIR = 0x00000007;
export const PCI_MSIX_PBA_OFFSET = 0xfffffff8;

// One entry of the MSI-X table, in a BAR.
export const PCI_MSIX_ENTRY_SIZE = 16;
export const PCI_MSIX_ENTRY_LOWER_ADDR = 0x0;
export const PCI_MSIX_ENTRY_UPPER_ADDR = 0x4;
export const PCI_MSIX_ENTRY_DATA = 0x8;
export const PCI_MSIX_ENTRY_VECTOR_CTRL = 0xc;
export const PCI_MSIX_ENTRY_CTRL_MASKBIT = 0x00000001;

// Base class in the high byte, subclass in the low byte, as in PCI_CLASS_DEVICE.
export const PCI_CLASS_DISPLAY_VGA = 0x0300;
export const PCI_CLASS_DISPLAY_OTHER = 0x0380;
