/** How the names of src/wire are spelled in Linux' headers, as C expressions. */
import type { WireStruct } from "../../src/wire/index.ts";
import type { FactExpressions } from "./linux-headers.ts";
import { wire } from "./wire.ts";

/** Constants that Linux spells differently, or that follow from something in its headers. */
const CONSTANTS: Readonly<Record<string, string>> = {
  VIRTIO_F_INDIRECT_DESC: "VIRTIO_RING_F_INDIRECT_DESC",
  VIRTIO_F_EVENT_IDX: "VIRTIO_RING_F_EVENT_IDX",
  VIRTQ_DESC_F_NEXT: "VRING_DESC_F_NEXT",
  VIRTQ_DESC_F_WRITE: "VRING_DESC_F_WRITE",
  VIRTQ_DESC_F_INDIRECT: "VRING_DESC_F_INDIRECT",
  VIRTQ_AVAIL_F_NO_INTERRUPT: "VRING_AVAIL_F_NO_INTERRUPT",
  VIRTQ_USED_F_NO_NOTIFY: "VRING_USED_F_NO_NOTIFY",
  VIRTQ_DESC_ALIGN: "VRING_DESC_ALIGN_SIZE",
  VIRTQ_AVAIL_ALIGN: "VRING_AVAIL_ALIGN_SIZE",
  VIRTQ_USED_ALIGN: "VRING_USED_ALIGN_SIZE",
  VIRTQ_AVAIL_ELEM_BYTES: "sizeof(((struct vring_avail *)0)->ring[0])",
  VIRTQ_EVENT_BYTES: "sizeof(vring_avail_event((struct vring *)0))",
  VIRTQ_DESC_F_AVAIL: "1 << VRING_PACKED_DESC_F_AVAIL",
  VIRTQ_DESC_F_USED: "1 << VRING_PACKED_DESC_F_USED",
  RING_EVENT_FLAGS_ENABLE: "VRING_PACKED_EVENT_FLAG_ENABLE",
  RING_EVENT_FLAGS_DISABLE: "VRING_PACKED_EVENT_FLAG_DISABLE",
  RING_EVENT_FLAGS_DESC: "VRING_PACKED_EVENT_FLAG_DESC",
  RING_EVENT_DESC_OFF_MASK: "(1 << VRING_PACKED_EVENT_F_WRAP_CTR) - 1",
  RING_EVENT_DESC_WRAP_SHIFT: "VRING_PACKED_EVENT_F_WRAP_CTR",
  PCI_BASE_ADDRESS_MEM_MASK: "(uint32_t)PCI_BASE_ADDRESS_MEM_MASK",
  PCI_BASE_ADDRESS_IO_MASK: "(uint32_t)PCI_BASE_ADDRESS_IO_MASK",
  VIRTIO_GPU_EDID_MAX_BYTES: "sizeof(((struct virtio_gpu_resp_edid *)0)->edid)",
};

const STRUCTS: Readonly<Record<string, string>> = {
  virtq_desc: "vring_desc",
  virtq_avail: "vring_avail",
  virtq_used: "vring_used",
  virtq_used_elem: "vring_used_elem",
  pvirtq_desc: "vring_packed_desc",
  pvirtq_event_suppress: "vring_packed_desc_event",
  virtio_gpu_get_edid: "virtio_gpu_cmd_get_edid",
};

const MEMBERS: Readonly<Record<string, string>> = {
  "pvirtq_event_suppress.desc": "off_wrap",
  "virtio_pci_common_cfg.driver_feature_select": "guest_feature_select",
  "virtio_pci_common_cfg.driver_feature": "guest_feature",
  "virtio_pci_common_cfg.config_msix_vector": "msix_config",
  "virtio_pci_common_cfg.queue_desc": "queue_desc_lo",
  "virtio_pci_common_cfg.queue_driver": "queue_avail_lo",
  "virtio_pci_common_cfg.queue_device": "queue_used_lo",
};

function legacyRegisters(
  registers: readonly (readonly [name: string, offset: string])[],
): Record<string, string> {
  const facts: Record<string, string> = {};
  registers.forEach(([name, offset], i) => {
    const next = registers[i + 1];
    if (next === undefined) return;
    facts[`virtio_pci_legacy_cfg.${name}`] = offset;
    facts[`virtio_pci_legacy_cfg.${name} size`] = `${next[1]} - ${offset}`;
  });
  return facts;
}

/**
 * Facts that need an expression of their own. Linux splits 64-bit registers in two, and adds fields to
 * virtio_pci_common_cfg by wrapping it into virtio_pci_modern_common_cfg.
 */
const EXPRESSIONS: Readonly<Record<string, string>> = {
  "virtio_pci_common_cfg.queue_desc size":
    "sizeof(((struct virtio_pci_common_cfg *)0)->queue_desc_lo) + sizeof(((struct virtio_pci_common_cfg *)0)->queue_desc_hi)",
  "virtio_pci_common_cfg.queue_driver size":
    "sizeof(((struct virtio_pci_common_cfg *)0)->queue_avail_lo) + sizeof(((struct virtio_pci_common_cfg *)0)->queue_avail_hi)",
  "virtio_pci_common_cfg.queue_device size":
    "sizeof(((struct virtio_pci_common_cfg *)0)->queue_used_lo) + sizeof(((struct virtio_pci_common_cfg *)0)->queue_used_hi)",
  "virtio_pci_common_cfg.queue_notif_config_data": "VIRTIO_PCI_COMMON_Q_NDATA",
  "virtio_pci_common_cfg.queue_notif_config_data size":
    "VIRTIO_PCI_COMMON_Q_RESET - VIRTIO_PCI_COMMON_Q_NDATA",
  "virtio_pci_common_cfg.queue_reset": "VIRTIO_PCI_COMMON_Q_RESET",
  "virtio_pci_common_cfg.queue_reset size": "sizeof(((struct virtio_pci_modern_common_cfg *)0)->queue_reset)",
  "virtio_pci_common_cfg.admin_queue_index":
    "offsetof(struct virtio_pci_modern_common_cfg, admin_queue_index)",
  "virtio_pci_common_cfg.admin_queue_index size":
    "sizeof(((struct virtio_pci_modern_common_cfg *)0)->admin_queue_index)",
  "virtio_pci_common_cfg.admin_queue_num": "offsetof(struct virtio_pci_modern_common_cfg, admin_queue_num)",
  "virtio_pci_common_cfg.admin_queue_num size":
    "sizeof(((struct virtio_pci_modern_common_cfg *)0)->admin_queue_num)",
  // Linux has no struct for the legacy layout: each offset is a macro, and a field ends where the next one begins.
  ...legacyRegisters([
    ["device_features", "VIRTIO_PCI_HOST_FEATURES"],
    ["driver_features", "VIRTIO_PCI_GUEST_FEATURES"],
    ["queue_address", "VIRTIO_PCI_QUEUE_PFN"],
    ["queue_size", "VIRTIO_PCI_QUEUE_NUM"],
    ["queue_select", "VIRTIO_PCI_QUEUE_SEL"],
    ["queue_notify", "VIRTIO_PCI_QUEUE_NOTIFY"],
    ["device_status", "VIRTIO_PCI_STATUS"],
    ["isr_status", "VIRTIO_PCI_ISR"],
    ["config_msix_vector", "VIRTIO_MSI_CONFIG_VECTOR"],
    ["queue_msix_vector", "VIRTIO_MSI_QUEUE_VECTOR"],
    ["", "VIRTIO_PCI_CONFIG_OFF(1)"],
  ]),
  "struct virtio_pci_legacy_cfg": "VIRTIO_PCI_CONFIG_OFF(1)",
  "struct virtio_pci_common_cfg": "sizeof(struct virtio_pci_modern_common_cfg)",
  // Comparable only when the header knows the last field.
  "struct virtio_gpu_config":
    "sizeof(((struct virtio_gpu_config *)0)->blob_alignment) * 0 + sizeof(struct virtio_gpu_config)",
};

const QUEUE_SIZES = [1, 2, 3, 8, 256, 1000, 32768] as const;

/** Protocols of this project's own, which no header knows. Their numbers are compared in spec-tests/unit/wire. */
const OWN_PROTOCOL = /^virtio_(?:vdmabuf|render)_/i;

const isStruct = (value: unknown): value is WireStruct<unknown> =>
  typeof value === "object" && value !== null && "fields" in value && "span" in value && "decode" in value;

/** True for names of this project's own protocols. */
export const isOwnProtocol = (name: string): boolean => OWN_PROTOCOL.test(name);

/** Exports of src/wire that say nothing a header could: names for printing, and what structs are declared with. */
const NO_FACTS: ReadonlySet<string> = new Set([
  "GPU_COMMAND_NAMES",
  "GPU_FORMATS",
  "GPU_RESPONSE_NAMES",
  "RENDER_COMMAND_NAMES",
  "RENDER_RESPONSE_NAMES",
  "le8",
  "le16",
  "le32",
  "le64",
]);

/**
 * Exports of src/wire that no comparison knows of: neither a number nor a struct, nor the offsets of a struct under its
 * name in upper case, nor a function.
 */
export function unknownExports(): string[] {
  const structs = new Set(Object.entries(wire).flatMap(([name, value]) => (isStruct(value) ? [name] : [])));
  return Object.entries(wire)
    .filter(([name, value]) => {
      if (typeof value === "number" || typeof value === "function") return false;
      return !(structs.has(name) || structs.has(name.toLowerCase()) || NO_FACTS.has(name));
    })
    .map(([name]) => name);
}

/** Every struct of src/wire by its name. `le64` is made of two halves, but is no struct of the specification. */
export function wireStructs(): Map<string, WireStruct<unknown>> {
  const structs = new Map<string, WireStruct<unknown>>();
  for (const [name, value] of Object.entries(wire)) {
    if (isStruct(value) && name !== "le64" && !OWN_PROTOCOL.test(name)) structs.set(name, value);
  }
  return structs;
}

/** What src/wire claims: the value of every constant, struct size, field offset and field size. */
export function wireFacts(): Map<string, number> {
  const facts = new Map<string, number>();
  for (const [name, value] of Object.entries(wire)) {
    if (typeof value === "number" && !OWN_PROTOCOL.test(name)) facts.set(name, value);
  }
  for (const [name, schema] of wireStructs()) {
    facts.set(`struct ${name}`, schema.span);
    for (const field of wire.fieldsOf(schema)) {
      facts.set(`${name}.${field.name}`, field.offsetBytes);
      // A flexible array has no size in C.
      if (field.sizeBytes > 0) facts.set(`${name}.${field.name} size`, field.sizeBytes);
    }
  }
  for (const size of QUEUE_SIZES) {
    facts.set(`descTableBytes(${size})`, wire.descTableBytes(size));
    facts.set(`usedEventOffset(${size})`, wire.usedEventOffset(size));
    facts.set(`availEventOffset(${size})`, wire.availEventOffset(size));
    const driver = wire.descTableBytes(size) + wire.availRingBytes(size, true);
    facts.set(`legacyUsedOffset(${size})`, wire.legacyUsedOffset(size, 4096));
    facts.set(`legacyQueueBytes(${size})`, wire.legacyQueueBytes(size, 4096));
    facts.set(`vring_size(${size})`, Math.ceil(driver / 4) * 4 + wire.usedRingBytes(size, true));
  }
  return facts;
}

/** The C expression of every fact of `wireFacts()`. */
export function wireExpressions(): FactExpressions {
  const expressions = new Map<string, string>();
  for (const name of wireFacts().keys()) expressions.set(name, EXPRESSIONS[name] ?? expressionOf(name));
  return expressions;
}

function expressionOf(fact: string): string {
  const call = /^(\w+)\((\d+)\)$/.exec(fact);
  if (call) {
    const [, name, size] = call;
    if (name === "descTableBytes") return `sizeof(struct vring_desc[${size}])`;
    if (name === "usedEventOffset") return `used_event_offset(${size})`;
    if (name === "availEventOffset") return `avail_event_offset(${size})`;
    if (name === "legacyUsedOffset") return `legacy_used_offset(${size})`;
    // Linux allocates whole pages.
    if (name === "legacyQueueBytes") return `(vring_size(${size}, 4096) + 4095) / 4096 * 4096`;
    return `vring_size(${size}, 4)`;
  }
  if (fact.startsWith("struct ")) return `sizeof(struct ${structName(fact.slice("struct ".length))})`;
  const field = /^(\w+)\.(\w+)( size)?$/.exec(fact);
  if (!field) return CONSTANTS[fact] ?? fact;
  const [, struct = "", name = "", size] = field;
  const member = MEMBERS[`${struct}.${name}`] ?? name;
  return size
    ? `sizeof(((struct ${structName(struct)} *)0)->${member})`
    : `offsetof(struct ${structName(struct)}, ${member})`;
}

const structName = (name: string) => STRUCTS[name] ?? name;
