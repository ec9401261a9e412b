import { type Mutant, mutant } from "../../support/mutants/mutant.ts";

const DEVICE = "src/device/virtio-device.ts";
const CONFIG_SPACE = "src/device/config-space.ts";
const QUEUES = "src/device/queue-set.ts";
const NEGOTIATION = "src/device/negotiation.ts";
const MMIO = "src/transport/mmio/mmio-transport.ts";
const PCI = "src/transport/pci/pci-transport.ts";
const GPU = "src/devices/gpu/device.ts";
const CORE = "src/virtqueue/ring-core.ts";

const clause = (section: string, number: number): readonly string[] => [
  `content.device.${section}.${number}`,
];
const status = (number: number): readonly string[] => clause("device-status-field", number);
const features = (number: number): readonly string[] => clause("feature-bits", number);
const reserved = (number: number): readonly string[] => clause("reserved-feature-bits", number);
const reset = (number: number): readonly string[] => clause("device-reset", number);
const queueReset = (number: number): readonly string[] => clause("virtqueue-reset", number);
const suspend = (number: number): readonly string[] => clause("device-suspend", number);
const CONFIG = clause("device-configuration-space", 1);
const RE_ENABLED = clause("virtqueue-re-enable", 1);
const onMmio = { targets: ["builtin-mmio"] };
const onPci = { targets: ["builtin-pci"] };

const ENABLES_LIVE = "const live = (this.#status & VIRTIO_CONFIG_S_DRIVER_OK) !== 0;";
const BEGUN = "return (this.#status & VIRTIO_CONFIG_S_DRIVER_OK) !== 0 || this.legacyDriver;";
const OFFERED_WORD = "return this.#features.offered.word(index);";
const ACCEPTED = "if (!accepted.isSubsetOf(this.offered) || !accepted.has(VIRTIO_F_VERSION_1)) return false;";
const LEGACY = "return this.#legacyOffered !== null && !this.accepted.has(VIRTIO_F_VERSION_1);";
const CLOSES = "closeSlot(slot);\n    // Before anybody";
const ACTIVATES =
  "const result = activateQueue(owner.format(), slot.config, owner.dma(), options, progress);";
const RESET_DONE = "this.#hooks?.deviceReset();";
const CONFIG_BYTE = "(shown === null ? this.#border.readConfigByte(at) : (shown[at] as number))";
const CHANGED = "this.#config.change(change, this.#suspended);";
const SUSPENDED = "this.#status = (this.#status | VIRTIO_CONFIG_S_SUSPEND) & ~VIRTIO_CONFIG_S_DRIVER_OK;";
const RESUMES = "if ((wanted & VIRTIO_CONFIG_S_DRIVER_OK) !== 0) this.#resume();";
const RESUMED = "this.#status = (this.#status | VIRTIO_CONFIG_S_DRIVER_OK) & ~VIRTIO_CONFIG_S_SUSPEND;";
const TOLD_ON_RESUME = "if (this.#configInterruptDue) this.#configInterrupt();";
const ORDERED = "this.inOrderChains[(this.orderHead + this.orderCount) % this.size] = chain;";

/** What all devices have in common, with one rule broken each. */
export const CONTENT_MUTANTS: readonly Mutant[] = [
  {
    id: "works-from-features-ok-on",
    clauses: status(1),
    edits: [
      { file: DEVICE, find: ENABLES_LIVE, replace: ENABLES_LIVE.replace("DRIVER_OK", "FEATURES_OK") },
      { file: DEVICE, find: BEGUN, replace: BEGUN.replace("DRIVER_OK", "FEATURES_OK") },
    ],
  },
  mutant(
    "notifies-of-queues-that-are-enabled",
    status(1),
    DEVICE,
    'if (!negotiated || !this.#queues.enable(index, live)) this.ignored("queue-enable", index);',
    'if (!negotiated || !this.#queues.enable(index, live)) this.ignored("queue-enable", index); else this.#hooks?.queueInterrupt(index);',
  ),
  mutant(
    "is-silent-of-a-broken-ring",
    status(2),
    DEVICE,
    'this.#emit("queue-fault", { queue: index, code, head, value });',
    'this.#emit("queue-fault", { queue: index, code, head, value }); if (head >= -1) return;',
  ),
  mutant(
    "gives-up-a-ring-that-is-in-order",
    status(2),
    QUEUES,
    "owner.border.handleQueue(index, queue);",
    "owner.border.handleQueue(index, queue); if ((slot.drains = (slot.drains ?? 0) + 1) > 12) queue.close();",
  ),
  mutant(
    "does-not-notify-of-needs-reset",
    status(3),
    DEVICE,
    "// [content.device.device-status-field.3]\n    this.#configInterrupt();",
    "",
  ),
  mutant(
    "notifies-of-needs-reset-as-of-a-buffer",
    status(3),
    DEVICE,
    "// [content.device.device-status-field.3]\n    this.#configInterrupt();",
    "this.#hooks?.queueInterrupt(0);",
  ),
  mutant(
    "offers-context-init-without-virgl",
    features(1),
    DEVICE,
    OFFERED_WORD,
    "return index === 0 ? (this.#features.offered.word(0) & ~1) >>> 0 : this.#features.offered.word(index);",
  ),
  mutant(
    "offers-blob-alignment-without-blobs",
    features(1),
    DEVICE,
    OFFERED_WORD,
    "return index === 0 ? (this.#features.offered.word(0) & ~8) >>> 0 : this.#features.offered.word(index);",
  ),
  mutant(
    "accepts-what-it-does-not-offer",
    features(2),
    NEGOTIATION,
    ACCEPTED,
    "if (!accepted.has(VIRTIO_F_VERSION_1)) return false;",
  ),
  mutant(
    "accepts-low-bits-it-does-not-offer",
    features(2),
    NEGOTIATION,
    ACCEPTED,
    "if ((accepted.word(1) & ~this.offered.word(1)) !== 0 || !accepted.has(VIRTIO_F_VERSION_1)) return false;",
  ),
  mutant(
    "accepts-features-without-those-they-require",
    features(2),
    NEGOTIATION,
    "if (accepted.has(feature) && !accepted.has(requires)) return false;",
    "",
  ),
  mutant(
    "refuses-and-keeps-features-ok",
    features(2),
    DEVICE,
    "next &= ~VIRTIO_CONFIG_S_FEATURES_OK;\n        this.#emit",
    "this.#emit",
  ),
  mutant(
    "wants-all-or-nothing",
    features(2),
    NEGOTIATION,
    ACCEPTED,
    `${ACCEPTED} if (accepted.bits().length > 2 && !this.offered.isSubsetOf(accepted)) return false;`,
  ),
  mutant(
    "offers-what-nobody-knows",
    features(3),
    DEVICE,
    OFFERED_WORD,
    "return (this.#features.offered.word(index) | (index === 1 ? 1 << 14 : 0)) >>> 0;",
  ),
  mutant(
    "offers-administration-queues",
    features(3),
    DEVICE,
    OFFERED_WORD,
    "return (this.#features.offered.word(index) | (index === 1 ? 1 << 9 : 0)) >>> 0;",
    onMmio,
  ),
  mutant(
    "offers-indirect-tables-and-refuses-them",
    features(3),
    "src/device/queue-options.ts",
    'indirectDesc: hasFeature(VIRTIO_F_INDIRECT_DESC) || policy.indirectUnnegotiated === "accept",',
    "indirectDesc: false,",
  ),
  mutant(
    "offers-packed-rings-and-goes-by-split-ones",
    features(3),
    DEVICE,
    'format: () => (this.hasFeature(VIRTIO_F_RING_PACKED) ? "packed" : "split"),',
    'format: () => "split",',
  ),
  mutant(
    "offers-notification-data-and-is-confused-by-it",
    features(3),
    MMIO,
    "this.device.hasFeature(VIRTIO_F_NOTIFICATION_DATA) ? value & 0xffff : value;",
    "value;",
    onMmio,
  ),
  mutant(
    "accepts-features-once",
    features(4),
    NEGOTIATION,
    ACCEPTED,
    `const key = accepted.bits().join(); if (this.seen === key) return false; this.seen = key; ${ACCEPTED}`,
  ),
  mutant(
    "does-not-offer-version-1",
    [...features(5), ...reserved(1)],
    DEVICE,
    OFFERED_WORD,
    "return index === 1 ? (this.#features.offered.word(1) & ~1) >>> 0 : this.#features.offered.word(index);",
  ),
  mutant("never-sees-a-legacy-driver", features(6), NEGOTIATION, LEGACY, "return false;", onPci),
  mutant(
    "takes-every-driver-for-a-legacy-one",
    features(6),
    NEGOTIATION,
    LEGACY,
    "return this.#legacyOffered !== null;",
    onPci,
  ),
  mutant(
    "wants-features-ok-of-legacy-drivers",
    features(8),
    DEVICE,
    "if (started !== 0 && (next & VIRTIO_CONFIG_S_FEATURES_OK) === 0 && !this.legacyDriver) {",
    "if (started !== 0 && (next & VIRTIO_CONFIG_S_FEATURES_OK) === 0) {",
    onPci,
  ),
  mutant("keeps-its-status", reset(1), DEVICE, "    this.#status = 0;\n", "    this.#status &= 0x0f;\n"),
  mutant(
    "keeps-needs-reset",
    reset(1),
    DEVICE,
    "    this.#status = 0;\n",
    "    this.#status &= VIRTIO_CONFIG_S_NEEDS_RESET;\n",
  ),
  mutant("keeps-failed", reset(1), DEVICE, "    this.#status = 0;\n", "    this.#status &= 0x80;\n"),
  mutant("keeps-queues-enabled", reset(1), QUEUES, "slot.enabled = false;\n", "\n"),
  {
    id: "goes-on-with-its-queues",
    clauses: reset(2),
    edits: [
      { file: DEVICE, find: "this.#queues.reset();\n    this.#status = 0;", replace: "this.#status = 0;" },
      { file: DEVICE, find: BEGUN, replace: "return this.#queues.anyLive;" },
    ],
  },
  mutant(
    "notifies-of-its-reset",
    reset(2),
    DEVICE,
    RESET_DONE,
    `${RESET_DONE} this.#hooks?.queueInterrupt(0);`,
  ),
  mutant(
    "notifies-of-its-reset-as-of-a-change",
    reset(2),
    DEVICE,
    RESET_DONE,
    `${RESET_DONE} this.#hooks?.configInterrupt();`,
  ),
  mutant("keeps-its-interrupt-on-mmio", reset(2), MMIO, "this.#interruptStatus = 0;", "", onMmio),
  mutant("keeps-its-interrupt-on-pci", reset(2), PCI, "this.#interrupts.setIsr(0);", "", onPci),
  mutant(
    "hides-its-configuration-until-features-ok",
    CONFIG,
    DEVICE,
    "return this.#config.read(offset, widthBytes);",
    "return this.#status & VIRTIO_CONFIG_S_FEATURES_OK ? this.#config.read(offset, widthBytes) : 0;",
  ),
  mutant(
    "hides-a-field-until-its-feature-is-accepted",
    CONFIG,
    GPU,
    "return this.#blobAlignmentBytes;",
    "return this.#host?.hasFeature(5) ? this.#blobAlignmentBytes : 0;",
  ),
  mutant("does-not-stop-a-queue", queueReset(1), QUEUES, CLOSES, "// Before anybody"),
  mutant(
    "notifies-of-the-reset-of-a-queue",
    queueReset(1),
    QUEUES,
    "this.#owner.border.queueReset(index);",
    "this.#owner.border.queueReset(index); if (resetConfig) this.#owner.schedule(() => this.#owner.usedBuffers(index));",
  ),
  mutant(
    "stops-the-other-queues-too",
    queueReset(1),
    QUEUES,
    CLOSES,
    "for (const each of this.#slots) closeSlot(each);\n    // Before anybody",
  ),
  {
    id: "goes-on-where-a-queue-stood",
    clauses: queueReset(2),
    edits: [
      {
        file: QUEUES,
        find: ACTIVATES,
        replace: ACTIVATES.replace("progress)", "progress ?? slot.old ?? null)"),
      },
      { file: QUEUES, find: CLOSES, replace: `slot.old = slot.queue?.progress(); ${CLOSES}` },
      {
        file: QUEUES,
        find: "for (const slot of this.#slots) closeSlot(slot);",
        replace: "for (const slot of this.#slots) { closeSlot(slot); slot.old = undefined; }",
      },
    ],
  },
  {
    id: "keeps-the-used-state-of-a-queue",
    clauses: queueReset(2),
    edits: [
      {
        file: QUEUES,
        find: ACTIVATES,
        replace: ACTIVATES.replace(
          "progress)",
          "progress ?? (slot.old ? { ...slot.old, nextAvail: 0, availWrap: 1 } : null))",
        ),
      },
      { file: QUEUES, find: CLOSES, replace: `slot.old = slot.queue?.progress(); ${CLOSES}` },
      {
        file: QUEUES,
        find: "for (const slot of this.#slots) closeSlot(slot);",
        replace: "for (const slot of this.#slots) { closeSlot(slot); slot.old = undefined; }",
      },
    ],
  },
  mutant(
    "keeps-a-queue-enabled",
    queueReset(2),
    QUEUES,
    CLOSES,
    "closeSlot(slot); slot.enabled = true;\n    // Before anybody",
  ),
  mutant(
    "keeps-the-registers-of-a-queue",
    queueReset(2),
    QUEUES,
    "if (resetConfig) this.#resetConfig(index, slot);",
    "",
    onPci,
  ),
  mutant(
    "keeps-the-size-of-a-queue",
    RE_ENABLED,
    QUEUES,
    ACTIVATES,
    ACTIVATES.replace("slot.config", "{ ...slot.config, size: (slot.size ??= slot.config.size) }"),
  ),
  mutant(
    "keeps-the-addresses-of-a-queue",
    RE_ENABLED,
    QUEUES,
    ACTIVATES,
    ACTIVATES.replace("slot.config", "(slot.kept ??= { ...slot.config })"),
  ),
  mutant(
    "suspends-before-driver-ok",
    suspend(1),
    DEVICE,
    "if (!this.hasFeature(VIRTIO_F_SUSPEND) || (this.#status & VIRTIO_CONFIG_S_DRIVER_OK) === 0) {",
    "if (!this.hasFeature(VIRTIO_F_SUSPEND)) {",
  ),
  mutant(
    "lets-suspend-stand-without-the-feature",
    suspend(1),
    DEVICE,
    "if (!this.hasFeature(VIRTIO_F_SUSPEND) || (this.#status & VIRTIO_CONFIG_S_DRIVER_OK) === 0) {",
    "if (this.#status < 0) {",
  ),
  mutant(
    "takes-writes-while-suspended",
    suspend(2),
    DEVICE,
    "if (offset + widthBytes > this.type.configLengthBytes || this.#suspended) {",
    "if (offset + widthBytes > this.type.configLengthBytes) {",
  ),
  {
    id: "works-while-suspended",
    clauses: suspend(3),
    edits: [
      { file: DEVICE, find: BEGUN, replace: BEGUN.replace("|| this.legacyDriver", "|| this.#suspended") },
      { file: DEVICE, find: "&& !this.#suspending && !this.#suspended", replace: "" },
    ],
  },
  mutant(
    "changes-its-configuration-while-suspended",
    suspend(3),
    CONFIG_SPACE,
    CONFIG_BYTE,
    "this.#border.readConfigByte(at)",
  ),
  mutant(
    "notifies-of-changes-while-suspended",
    suspend(4),
    DEVICE,
    CHANGED,
    `if (this.#suspended) this.#hooks?.configInterrupt(); ${CHANGED}`,
  ),
  mutant("forgets-to-notify-on-resume", suspend(5), DEVICE, TOLD_ON_RESUME, ""),
  mutant("notifies-on-every-resume", suspend(5), DEVICE, TOLD_ON_RESUME, "this.#configInterrupt();"),
  mutant("does-not-show-that-it-is-suspended", suspend(6), DEVICE, SUSPENDED, ""),
  mutant(
    "keeps-driver-ok-while-suspended",
    suspend(6),
    DEVICE,
    SUSPENDED,
    "this.#status |= VIRTIO_CONFIG_S_SUSPEND;",
  ),
  mutant("does-not-resume", suspend(7), DEVICE, RESUMES, ""),
  mutant(
    "keeps-suspend-when-it-resumes",
    suspend(7),
    DEVICE,
    RESUMED,
    "this.#status |= VIRTIO_CONFIG_S_DRIVER_OK;",
  ),
  mutant(
    "says-it-resumes-and-does-not",
    suspend(7),
    DEVICE,
    "this.#suspended = false;\n    this.#status = (this.#status | VIRTIO_CONFIG_S_DRIVER_OK)",
    "this.#status = (this.#status | VIRTIO_CONFIG_S_DRIVER_OK)",
  ),
  mutant(
    "gives-back-the-newest-first",
    reserved(5),
    CORE,
    ORDERED,
    "this.orderHead = (this.orderHead + this.size - 1) % this.size; this.inOrderChains[this.orderHead] = chain;",
  ),
  mutant(
    "counts-a-batch-as-one",
    reserved(5),
    CORE,
    "this.writeUsed(chain.head, written, slots, buffers);",
    "this.writeUsed(chain.head, written, slots, 1);",
  ),
  {
    id: "ends-a-batch-with-its-first",
    clauses: reserved(5),
    edits: [
      { file: CORE, find: "buffers++;", replace: "buffers++; this.firstOfBatch ??= chain.head;" },
      {
        file: CORE,
        find: "this.writeUsed(chain.head, written, slots, buffers);",
        replace: "this.writeUsed(this.firstOfBatch, written, slots, buffers); this.firstOfBatch = undefined;",
      },
    ],
  },
  mutant(
    "offers-sr-iov",
    reserved(9),
    DEVICE,
    OFFERED_WORD,
    "return (this.#features.offered.word(index) | (index === 1 ? 1 << 5 : 0)) >>> 0;",
  ),
];
