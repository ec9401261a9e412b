// Written by scripts/clause-catalogue.mjs, like data.ts: of the same statements those that bind drivers.
export const DRIVER_CLAUSE_DATA = `
> content.tex Basic Facilities of a Virtio Device / Device Status Field
# 2.1.1 Driver Requirements: Device Status Field
content.driver.device-status-field.1 must 61 df3ef2056ab3
content.driver.device-status-field.2 must 66 b709bd4cc341
content.driver.device-status-field.3 must 67 7cb89df6fa1a
content.driver.device-status-field.4 should 70 25ced1c18b9b
> content.tex Basic Facilities of a Virtio Device / Feature Bits
# 2.2.1 Driver Requirements: Feature Bits
content.driver.feature-bits.1 must 142 fcc0a575548e
content.driver.feature-bits.2 must 146 4f2174be86d2
content.driver.feature-bits.3 must 147 7cdd337ba8a6
content.driver.feature-bits.4 must 155 47c7d7e7768d
content.driver.feature-bits.5 must 159 1a5a7383c522
> content.tex Basic Facilities of a Virtio Device / Device Reset
# 2.4.2 Driver Requirements: Device Reset
content.driver.device-reset.1 should 262 1fa7fe6acf8a
> content.tex Basic Facilities of a Virtio Device / Device Configuration Space
# 2.5.1 Driver Requirements: Device Configuration Space
content.driver.device-configuration-space.1 must 284 59a72720c556
content.driver.device-configuration-space.2 must 297 1e91b39bc636
content.driver.device-configuration-space.3 must 304 dd6a593661f4
content.driver.device-configuration-space.4 should 305 cb3b3588c4a8
> content.tex Basic Facilities of a Virtio Device / Virtqueues / Virtqueue Reset / Virtqueue Reset
# 2.6.1.1.2 Driver Requirements: Virtqueue Reset
content.driver.virtqueue-reset.1 must 424 23aad93463b0
content.driver.virtqueue-reset.2 may 427 02331ed5cd58
> content.tex Basic Facilities of a Virtio Device / Virtqueues / Virtqueue Reset / Virtqueue Re-enable
# 2.6.1.2.2 Driver Requirements: Virtqueue Re-enable
content.driver.virtqueue-re-enable.1 must 442 b20e20f6094e
> content.tex General Initialization And Device Operation / Device Initialization
# 3.1.1 Driver Requirements: Device Initialization
content.driver.device-initialization.1 must 521 03d159f05c81
content.driver.device-initialization.2 must 532 81922ef5d38f
content.driver.device-initialization.3 must 535 a69cd09c2fd0
content.driver.device-initialization.4 should 550 5898347c9a5b
content.driver.device-initialization.5 must 552 84718e6f3389
content.driver.device-initialization.6 must 555 f5536e8aae77
> content.tex General Initialization And Device Operation / Device Cleanup
# 3.3.1 Driver Requirements: Device Cleanup
content.driver.device-cleanup.1 must 629 67bc89859dd7
content.driver.device-cleanup.2 must 634 affb9c583525
> content.tex General Initialization And Device Operation / Device Suspend
# 3.4.1 Driver Requirements: Device Suspend
content.driver.device-suspend.1 should 644 04ab2e7c5b06
content.driver.device-suspend.2 must 648 d0127871f939
content.driver.device-suspend.3 must 649 1c6afde1ac75
content.driver.device-suspend.4 must 650 00f13b8114a7
content.driver.device-suspend.5 must 651 418a2aedbccb
content.driver.device-suspend.6 must 654 3b3930829374
> content.tex Reserved Feature Bits
# 6.1 Driver Requirements: Reserved Feature Bits
content.driver.reserved-feature-bits.1 must 951 f5d56b43642a
content.driver.reserved-feature-bits.2 may 951 62a7089f4911
content.driver.reserved-feature-bits.3 must 954 0814dc8bff70
content.driver.reserved-feature-bits.4 must 956 43c08317c88c
content.driver.reserved-feature-bits.5 should 960 9ca4d4d3690c
content.driver.reserved-feature-bits.6 should 962 dad3ea4f1ed0
content.driver.reserved-feature-bits.7 must 963 86314a654843
content.driver.reserved-feature-bits.8 may 966 9d1328714a63
content.driver.reserved-feature-bits.9 must 968 cf3b935ddd58
content.driver.reserved-feature-bits.10 must 970 149f20bd1b61
content.driver.reserved-feature-bits.11 may 974 c41e12afb57b
content.driver.reserved-feature-bits.12 should 981 fbfc7857dfb7
> content.tex Reserved Feature Bits / Legacy Interface: Reserved Feature Bits
# 6.3 Legacy Interface: Reserved Feature Bits
content.legacy.legacy-interface-reserved-feature-bits.3 must 1032 60f91791afea
content.legacy.legacy-interface-reserved-feature-bits.4 should 1039 0979de4ad7ca
> device-types/entropy/description.tex Device Types / Entropy Device / Device Operation
# 5.4.6.1 Driver Requirements: Device Operation
entropy.driver.device-operation.1 must 34 176a1c72a493
entropy.driver.device-operation.2 must 36 293303108dac
> device-types/gpu/description.tex Device configuration fields
# 5.7.4.1 Device configuration fields
gpu.prose.device-configuration-fields.1 must 64 140b0dea0017
> device-types/gpu/description.tex Events
# 5.7.4.2 Events
gpu.prose.events.1 should 82 20cbeb576bbe
gpu.prose.events.2 should 83 c286c423ba89
> device-types/gpu/description.tex Device Operation: Configure mouse cursor
# 5.7.6.6 Device Operation: Configure mouse cursor
gpu.prose.device-operation-configure-mouse-cursor.1 must 187 228509e71485
> device-types/gpu/description.tex Device Types / GPU Device / Device Operation / Device Operation: controlq
# 5.7.6.8 Device Operation: controlq
gpu.prose.device-operation-controlq.1 must 523 9e212ffbbbde
gpu.prose.device-operation-controlq.3 must 651 0d0e92bae775
gpu.prose.device-operation-controlq.4 must 667 f9aa8a887d50
gpu.prose.device-operation-controlq.5 must 672 977b999c4bf2
gpu.prose.device-operation-controlq.6 must 706 3ab9dbed46b7
# 5.7.6.8.1 Driver Requirements: Device Operation: controlq
gpu.driver.device-operation-controlq.1 must 715 4aa1dd5c8b4e
> device-types/gpu/description.tex Device Types / GPU Device / Device Operation / Device Operation: controlq (3d)
# 5.7.6.9 Device Operation: controlq (3d)
gpu.prose.device-operation-controlq-3d.4 must 770 58f25512efac
# 5.7.6.9.1 Driver Requirements: Device Operation: controlq (3d)
gpu.driver.device-operation-controlq-3d.1 must 819 ed48edcf2484
> packed-ring.tex Basic Facilities of a Virtio Device / Packed Virtqueues
# 2.8.11 Driver Requirements: Virtqueues
packed-ring.driver.packed-virtqueues.1 must 392 1fddce68542a
> packed-ring.tex Basic Facilities of a Virtio Device / PAcked Virtqueues / The Virtqueue Descriptor Table
# 2.8.16 Driver Requirements: The Virtqueue Descriptor Table
packed-ring.driver.the-virtqueue-descriptor-table.1 must 456 1ba17a5b9cbd
packed-ring.driver.the-virtqueue-descriptor-table.2 must 458 3f7116522279
packed-ring.driver.the-virtqueue-descriptor-table.3 must 460 d9af3f1c2c87
packed-ring.driver.the-virtqueue-descriptor-table.4 may 464 ddcc5a42d239
> packed-ring.tex Basic Facilities of a Virtio Device / Packed Virtqueues / Scatter-Gather Support
# 2.8.17 Driver Requirements: Scatter-Gather Support
packed-ring.driver.scatter-gather-support.1 must 468 4cb74e53893b
packed-ring.driver.scatter-gather-support.2 must 471 b2a229dddce6
packed-ring.driver.scatter-gather-support.3 must 476 429faf9053ce
packed-ring.driver.scatter-gather-support.4 must 479 67fc3e426f2a
packed-ring.driver.scatter-gather-support.5 must 480 dadabc80202f
packed-ring.driver.scatter-gather-support.6 must 485 7ed476682104
> packed-ring.tex Basic Facilities of a Virtio Device / Packed Virtqueues / The Virtqueue Descriptor Table / Indirect Descriptors
# 2.8.19 Driver Requirements: Indirect Descriptors
packed-ring.driver.indirect-descriptors.1 must 498 910f618ac788
packed-ring.driver.indirect-descriptors.2 must 499 8205e9218dad
packed-ring.driver.indirect-descriptors.3 must 502 6a6502091049
packed-ring.driver.indirect-descriptors.4 must 505 157d7f9a1462
> packed-ring.tex Basic Facilities of a Virtio Device / Packed Virtqueues / Supplying Buffers to The Device / Updating flags
# 2.8.21.1.1 Driver Requirements: Updating flags
packed-ring.driver.updating-flags.1 must 572 747f1dd685a2
> split-ring.tex Basic Facilities of a Virtio Device / Virtqueues
# 2.7.1 Driver Requirements: Virtqueues
split-ring.driver.virtqueues.1 must 61 1fddce68542a
> split-ring.tex Basic Facilities of a Virtio Device / Virtqueues / Legacy Interfaces: A Note on Virtqueue Layout
# 2.7.2 Legacy Interfaces: A Note on Virtqueue Layout
split-ring.legacy.legacy-interfaces-a-note-on-virtqueue-layout.2 must 99 2cec82752926
> split-ring.tex Basic Facilities of a Virtio Device / Virtqueues / Legacy Interfaces: A Note on Virtqueue Endianness
# 2.7.3 Legacy Interfaces: A Note on Virtqueue Endianness
split-ring.legacy.legacy-interfaces-a-note-on-virtqueue-endianness.1 must 121 8532defe9bf9
> split-ring.tex Basic Facilities of a Virtio Device / Message Framing
# 2.7.4.2 Driver Requirements: Message Framing
split-ring.driver.message-framing.1 must 151 429faf9053ce
split-ring.driver.message-framing.2 should 154 84df1c28e1f2
> split-ring.tex Basic Facilities of a Virtio Device / Virtqueues / The Virtqueue Descriptor Table
# 2.7.5.2 Driver Requirements: The Virtqueue Descriptor Table
split-ring.driver.the-virtqueue-descriptor-table.1 must 223 23e123ebb7ce
split-ring.driver.the-virtqueue-descriptor-table.2 must 226 941fc9d56608
> split-ring.tex Basic Facilities of a Virtio Device / Virtqueues / The Virtqueue Descriptor Table / Indirect Descriptors
# 2.7.5.3.1 Driver Requirements: Indirect Descriptors
split-ring.driver.indirect-descriptors.1 must 266 910f618ac788
split-ring.driver.indirect-descriptors.2 must 267 20ac553ca58d
split-ring.driver.indirect-descriptors.3 must 271 4c4b17674522
split-ring.driver.indirect-descriptors.4 must 274 0007ddd0dbaf
split-ring.driver.indirect-descriptors.5 must 277 e03fb190c633
> split-ring.tex Basic Facilities of a Virtio Device / Virtqueues / The Virtqueue Available Ring
# 2.7.6.1 Driver Requirements: The Virtqueue Available Ring
split-ring.driver.the-virtqueue-available-ring.1 must 321 a8f2d5509037
> split-ring.tex Basic Facilities of a Virtio Device / Virtqueues / Used Buffer Notification Suppression
# 2.7.7.1 Driver Requirements: Used Buffer Notification Suppression
split-ring.driver.used-buffer-notification-suppression.1 must 341 bff43a062324
split-ring.driver.used-buffer-notification-suppression.2 may 342 8c0c7926d5ac
split-ring.driver.used-buffer-notification-suppression.3 must 348 2301fa18f81f
split-ring.driver.used-buffer-notification-suppression.4 may 349 ec5274610b1f
split-ring.driver.used-buffer-notification-suppression.5 must 354 36aeea3c9f72
> split-ring.tex Basic Facilities of a Virtio Device / Virtqueues / The Virtqueue Used Ring
# 2.7.8.3 Driver Requirements: The Virtqueue Used Ring
split-ring.driver.the-virtqueue-used-ring.1 must 473 9d9f7c5f326c
> split-ring.tex Basic Facilities of a Virtio Device / Virtqueues / Available Buffer Notification Suppression
# 2.7.10.1 Driver Requirements: Available Buffer Notification Suppression
split-ring.driver.available-buffer-notification-suppression.1 must 515 ac677bc35004
split-ring.driver.available-buffer-notification-suppression.2 must 520 001e4d9dc42e
split-ring.driver.available-buffer-notification-suppression.3 should 523 c369c6e47d32
split-ring.driver.available-buffer-notification-suppression.4 must 524 66d330fe565f
split-ring.driver.available-buffer-notification-suppression.5 must 530 aee1f2a77de2
split-ring.driver.available-buffer-notification-suppression.6 must 533 12c68a35ce0e
split-ring.driver.available-buffer-notification-suppression.7 should 536 e0222b656668
> split-ring.tex Basic Facilities of a Virtio Device / Virtqueues / Supplying Buffers to The Device / Updating idx
# 2.7.13.3.1 Driver Requirements: Updating idx
split-ring.driver.updating-idx.1 must 685 e7e02b6d5db5
> split-ring.tex Basic Facilities of a Virtio Device / Virtqueues / Supplying Buffers to The Device / Notifying The Device
# 2.7.13.4.1 Driver Requirements: Notifying The Device
split-ring.driver.notifying-the-device.1 must 698 c188012f56d6
> transport-mmio.tex Virtio Transport Options / Virtio Over MMIO / MMIO Device Register Layout
# 4.2.2.2 Driver Requirements: MMIO Device Register Layout
transport-mmio.driver.mmio-device-register-layout.1 must 293 2cb49ebf16f5
transport-mmio.driver.mmio-device-register-layout.2 must 299 47f6028f2ed8
transport-mmio.driver.mmio-device-register-layout.3 must 301 f5b0df6cead4
transport-mmio.driver.mmio-device-register-layout.4 must 305 f0f6d09287d7
transport-mmio.driver.mmio-device-register-layout.5 must 308 5c37801c6ae1
transport-mmio.driver.mmio-device-register-layout.6 must 311 57e649755877
transport-mmio.driver.mmio-device-register-layout.7 must 314 4e153197694d
transport-mmio.driver.mmio-device-register-layout.8 must 316 1d1ae79870f8
transport-mmio.driver.mmio-device-register-layout.9 must 318 a1c99c2264fc
transport-mmio.driver.mmio-device-register-layout.10 must 321 48b640428b6b
transport-mmio.driver.mmio-device-register-layout.11 must 325 f2ff0d718c5e
transport-mmio.driver.mmio-device-register-layout.12 must 329 573df0b56518
transport-mmio.driver.mmio-device-register-layout.13 must 331 17014449236c
transport-mmio.driver.mmio-device-register-layout.14 must 334 45f2bb35ac93
transport-mmio.driver.mmio-device-register-layout.15 may 336 20ba1d7e8564
transport-mmio.driver.mmio-device-register-layout.16 may 338 f26469659687
> transport-mmio.tex Virtio Transport Options / Virtio Over MMIO / MMIO-specific Initialization And Device Operation / Device Initialization
# 4.2.3.1.1 Driver Requirements: Device Initialization
transport-mmio.driver.device-initialization.1 must 349 3a8b55e60c26
transport-mmio.driver.device-initialization.2 must 351 093242ee610c
transport-mmio.driver.device-initialization.3 must 355 1eddc0fd6da3
transport-mmio.driver.device-initialization.4 must 358 dcfc7de72174
> transport-mmio.tex Virtio Transport Options / Virtio Over MMIO / MMIO-specific Initialization And Device Operation / Notifications From The Device
# 4.2.3.4.1 Driver Requirements: Notifications From The Device
transport-mmio.driver.notifications-from-the-device.1 must 414 a93af5e1c7da
transport-mmio.driver.notifications-from-the-device.2 should 416 1168344fe4c2
transport-mmio.driver.notifications-from-the-device.3 must 418 7637cc8cfbc3
> transport-pci.tex Virtio Transport Options / Virtio Over PCI Bus / PCI Device Discovery
# 4.1.2.2 Driver Requirements: PCI Device Discovery
transport-pci.driver.pci-device-discovery.1 must 72 8ffe67b887a5
transport-pci.driver.pci-device-discovery.2 must 76 03e788c29fa0
transport-pci.driver.pci-device-discovery.3 must 83 03b7425f3c61
transport-pci.driver.pci-device-discovery.4 may 84 72d989a19045
> transport-pci.tex Virtio Transport Options / Virtio Over PCI Bus / PCI Device Layout
# 4.1.3.1 Driver Requirements: PCI Device Layout
transport-pci.driver.pci-device-layout.1 must 111 d52a6a8c678a
transport-pci.driver.pci-device-layout.2 may 114 4ff528e48fa6
> transport-pci.tex Virtio Transport Options / Virtio Over PCI Bus / Virtio Structure PCI Capabilities
# 4.1.4.1 Driver Requirements: Virtio Structure PCI Capabilities
transport-pci.driver.virtio-structure-pci-capabilities.1 must 267 bf86af55b7e8
transport-pci.driver.virtio-structure-pci-capabilities.2 should 270 66a5699c5792
transport-pci.driver.virtio-structure-pci-capabilities.3 must 273 67a186c92517
transport-pci.driver.virtio-structure-pci-capabilities.4 must 275 422aba3dcc16
transport-pci.driver.virtio-structure-pci-capabilities.5 should 278 5bd1c4a74fb2
transport-pci.driver.virtio-structure-pci-capabilities.6 must 279 57860ada1313
transport-pci.driver.virtio-structure-pci-capabilities.7 must 283 94f823ff638d
> transport-pci.tex Virtio Transport Options / Virtio Over PCI Bus / PCI Device Layout / Common configuration structure layout
# 4.1.4.3.2 Driver Requirements: Common configuration structure layout
transport-pci.driver.common-configuration-structure-layout.1 must 500 71fbca686ae5
transport-pci.driver.common-configuration-structure-layout.2 must 504 3e33a1856a4e
transport-pci.driver.common-configuration-structure-layout.3 must 506 fe96496e80ac
transport-pci.driver.common-configuration-structure-layout.4 must 509 27b0abf34820
transport-pci.driver.common-configuration-structure-layout.5 must 512 58df62c67162
transport-pci.driver.common-configuration-structure-layout.6 must 515 3e4458438381
transport-pci.driver.common-configuration-structure-layout.7 must 517 2ce2f4ac0101
transport-pci.driver.common-configuration-structure-layout.8 may 519 c563b90e29e6
transport-pci.driver.common-configuration-structure-layout.9 may 521 f26469659687
transport-pci.driver.common-configuration-structure-layout.10 must 526 780f9487e82a
transport-pci.driver.common-configuration-structure-layout.11 may 531 8f6d02c6132f
> transport-pci.tex Virtio Transport Options / Virtio Over PCI Bus / PCI Device Layout / ISR status capability
# 4.1.4.5.2 Driver Requirements: ISR status capability
transport-pci.driver.isr-status-capability.1 should 648 6b463d319b39
> transport-pci.tex Virtio Transport Options / Virtio Over PCI Bus / PCI Device Layout / Vendor data capability
# 4.1.4.8.2 Driver Requirements: Vendor data capability
transport-pci.driver.vendor-data-capability.1 should 741 2ebdd52c0a9a
transport-pci.driver.vendor-data-capability.2 must 744 42132418c94a
> transport-pci.tex Virtio Transport Options / Virtio Over PCI Bus / PCI Device Layout / PCI configuration access capability
# 4.1.4.9.2 Driver Requirements: PCI configuration access capability
transport-pci.driver.pci-configuration-access-capability.1 must 798 978aa2a3ad18
transport-pci.driver.pci-configuration-access-capability.2 must 801 65abf9a54715
> transport-pci.tex Virtio Transport Options / Virtio Over PCI Bus / PCI Device Layout / Legacy Interfaces: A Note on PCI Device Layout
# 4.1.4.10 Legacy Interfaces: A Note on PCI Device Layout
transport-pci.legacy.legacy-interfaces-a-note-on-pci-device-layout.2 must 812 1008ac8ae211
transport-pci.legacy.legacy-interfaces-a-note-on-pci-device-layout.4 must 873 f4579cc5d849
> transport-pci.tex Virtio Transport Options / Virtio Over PCI Bus / PCI-specific Initialization And Device Operation / Device Initialization / Virtio Device Configuration Layout Detection / Legacy Interface: A Note on Device Layout Detection
# 4.1.5.1.1.1 Legacy Interface: A Note on Device Layout Detection
transport-pci.legacy.legacy-interface-a-note-on-device-layout-detecti.2 must 958 c211bda61451
transport-pci.legacy.legacy-interface-a-note-on-device-layout-detecti.3 must 960 147ec0d34093
transport-pci.legacy.legacy-interface-a-note-on-device-layout-detecti.4 must 963 8eb044d2699c
transport-pci.legacy.legacy-interface-a-note-on-device-layout-detecti.5 must 965 7d1057fe59bd
> transport-pci.tex Virtio Transport Options / Virtio Over PCI Bus / PCI-specific Initialization And Device Operation / Device Initialization / MSI-X Vector Configuration
# 4.1.5.1.2.2 Driver Requirements: MSI-X Vector Configuration
transport-pci.driver.msi-x-vector-configuration.1 must 1019 cc5558d19d37
transport-pci.driver.msi-x-vector-configuration.2 may 1020 7aa2cc401c9e
transport-pci.driver.msi-x-vector-configuration.3 may 1023 4496f5f0a34b
transport-pci.driver.msi-x-vector-configuration.4 must 1026 fad2b8bb1d51
transport-pci.driver.msi-x-vector-configuration.5 must 1030 cf12c8e63ddc
transport-pci.driver.msi-x-vector-configuration.6 may 1033 f52ebd0c5cf1
> transport-pci.tex Virtio Transport Options / Virtio Over PCI Bus / PCI-specific Initialization And Device Operation / Available Buffer Notifications
# 4.1.5.2.1 Driver Requirements: Available Buffer Notifications
transport-pci.driver.available-buffer-notifications.1 must 1102 0dabc8489d05
transport-pci.driver.available-buffer-notifications.2 must 1105 774a835f3e19
transport-pci.driver.available-buffer-notifications.3 must 1110 a52ee261ab52
transport-pci.driver.available-buffer-notifications.4 must 1113 394f7149ee15
transport-pci.driver.available-buffer-notifications.5 must 1120 f428ced97c02
transport-pci.driver.available-buffer-notifications.6 must 1123 1021e68fd2aa
> transport-pci.tex Virtio Transport Options / Virtio Over PCI Bus / PCI-specific Initialization And Device Operation / Notification of Device Configuration Changes
# 4.1.5.4.2 Driver Requirements: Notification of Device Configuration Changes
transport-pci.driver.notification-of-device-configuration-changes.1 must 1187 7ff62b8264be
`;
