// Written by scripts/clause-catalogue.mjs. A line that begins with ">" names the file of the specification in which the
// statements below it stand, and what their section is about; one with "#" the number and the title of the section right
// above them. Each of the others is a statement: an id, a level, a line of the file, and the first digits of the SHA-1 of
// the wording.
export const CLAUSE_DATA = `
> admin-cmds-capabilities.tex Basic Facilities of a Virtio Device / Device groups / Group administration commands / Device and driver capabilities
# 2.12.1.2.4 Device Requirements: Device and driver capabilities
admin-cmds-capabilities.device.device-and-driver-capabilities.1 must 185 15d08a30b936
admin-cmds-capabilities.device.device-and-driver-capabilities.2 must 192 f1a47ca35c85
admin-cmds-capabilities.device.device-and-driver-capabilities.3 must 195 7a01f563244d
admin-cmds-capabilities.device.device-and-driver-capabilities.4 may 201 abe6e83eb85e
admin-cmds-capabilities.device.device-and-driver-capabilities.5 must 207 9933f89ffe1f
admin-cmds-capabilities.device.device-and-driver-capabilities.6 should 212 bde40a52671e
admin-cmds-capabilities.device.device-and-driver-capabilities.7 should 217 5d2c920b3a8e
admin-cmds-capabilities.device.device-and-driver-capabilities.8 should 222 4ecd3a66d6c1
admin-cmds-capabilities.device.device-and-driver-capabilities.9 must 227 323ad16e239a
admin-cmds-capabilities.device.device-and-driver-capabilities.10 should 229 5117f864428e
# 2.12.1.2.5 Driver Requirements: Device and driver capabilities
admin-cmds-capabilities.driver.device-and-driver-capabilities.1 must 234 bff0f0cef0c7
admin-cmds-capabilities.driver.device-and-driver-capabilities.2 must 237 8bf7d3c094b2
admin-cmds-capabilities.driver.device-and-driver-capabilities.3 must 247 378bdcb1737b
> admin-cmds-device-parts.tex Basic Facilities of a Virtio Device / Device groups / Group administration commands / Device parts
# 2.12.1.4.4.1 Device Requirements: Device parts
admin-cmds-device-parts.device.device-parts.1 must 325 3c55e7fa73bd
admin-cmds-device-parts.device.device-parts.2 must 334 835a65c46e08
admin-cmds-device-parts.device.device-parts.3 must 337 5d353a6afa2a
admin-cmds-device-parts.device.device-parts.4 should 342 363c58376129
admin-cmds-device-parts.device.device-parts.5 must 345 679d7fb10685
admin-cmds-device-parts.device.device-parts.6 must 348 24c1cc04528a
admin-cmds-device-parts.device.device-parts.7 must 353 4b30d650f552
admin-cmds-device-parts.device.device-parts.8 must 364 20ba674e8c1d
admin-cmds-device-parts.device.device-parts.9 must 365 1d1f64e69f1f
admin-cmds-device-parts.device.device-parts.10 must 367 76d14f8030d5
admin-cmds-device-parts.device.device-parts.11 must 369 3307f84c2f52
admin-cmds-device-parts.device.device-parts.12 must 371 c193d0670634
admin-cmds-device-parts.device.device-parts.13 must 372 ea9c62a48af3
admin-cmds-device-parts.device.device-parts.14 must 374 1bd09e80eabe
admin-cmds-device-parts.device.device-parts.15 must 379 81038439e078
admin-cmds-device-parts.device.device-parts.16 must 381 df47aa8769b4
admin-cmds-device-parts.device.device-parts.17 must 387 c2089859c970
admin-cmds-device-parts.device.device-parts.18 must 392 4673ca22ee0f
admin-cmds-device-parts.device.device-parts.19 must 397 df6b5957c057
admin-cmds-device-parts.device.device-parts.20 must 404 a4011f8d391c
admin-cmds-device-parts.device.device-parts.21 must 408 2d4f1846dcbd
admin-cmds-device-parts.device.device-parts.22 must 412 dbf6e42017b8
admin-cmds-device-parts.device.device-parts.23 may 415 9c249ab71f0b
admin-cmds-device-parts.device.device-parts.24 must 422 c6c9f99be558
admin-cmds-device-parts.device.device-parts.25 must 426 62c3574b66a9
admin-cmds-device-parts.device.device-parts.26 must 429 327b8edeffa1
admin-cmds-device-parts.device.device-parts.27 must 432 33737dcc7f34
admin-cmds-device-parts.device.device-parts.28 should 441 06a700a8cecb
# 2.12.1.4.4.2 Driver Requirements: Device parts
admin-cmds-device-parts.driver.device-parts.1 must 451 52787d05fb76
admin-cmds-device-parts.driver.device-parts.2 must 455 8c8998a0c419
admin-cmds-device-parts.driver.device-parts.3 should 460 cf3ab51065e6
admin-cmds-device-parts.driver.device-parts.4 should 465 cf730bc00f32
admin-cmds-device-parts.driver.device-parts.5 should 468 811cd359b9e2
> admin-cmds-legacy-interface.tex Basic Facilities of a Virtio Device / Device groups / Group administration commands / Legacy Interface
# 2.12.1.1.6 Device Requirements: Legacy Interface
admin-cmds-legacy-interface.device.legacy-interface.1 must 241 9055c7b4b794
admin-cmds-legacy-interface.device.legacy-interface.2 must 247 2028399ed1ae
admin-cmds-legacy-interface.device.legacy-interface.3 must 254 6f1aa8eb6b6a
admin-cmds-legacy-interface.device.legacy-interface.4 must 261 f578677b3a2a
admin-cmds-legacy-interface.device.legacy-interface.5 must 268 5777593a3414
admin-cmds-legacy-interface.device.legacy-interface.6 must 272 dd1906015e72
admin-cmds-legacy-interface.device.legacy-interface.7 must 276 c38eaec92d83
admin-cmds-legacy-interface.device.legacy-interface.8 must 280 e871b4d3661b
admin-cmds-legacy-interface.device.legacy-interface.9 should 290 cbe8eaf894ad
admin-cmds-legacy-interface.device.legacy-interface.10 should 294 5906450acc6d
admin-cmds-legacy-interface.device.legacy-interface.11 must 298 1272a4e5f0f6
admin-cmds-legacy-interface.device.legacy-interface.12 must 307 fe7fcf1ec83d
admin-cmds-legacy-interface.device.legacy-interface.13 must 312 21f10cb9cb63
admin-cmds-legacy-interface.device.legacy-interface.14 must 316 956c870e8472
admin-cmds-legacy-interface.device.legacy-interface.15 must 319 704e0783046b
admin-cmds-legacy-interface.device.legacy-interface.16 may 322 9972dbe7a11d
admin-cmds-legacy-interface.device.legacy-interface.17 must 325 a6a788d7a9e3
# 2.12.1.1.7 Driver Requirements: Legacy Interface
admin-cmds-legacy-interface.driver.legacy-interface.1 must 331 db6e99e09df7
admin-cmds-legacy-interface.driver.legacy-interface.2 should 338 bb29b3928b6f
admin-cmds-legacy-interface.driver.legacy-interface.3 should 344 a3a41c14abc2
admin-cmds-legacy-interface.driver.legacy-interface.4 should 349 1e1b4e7488bf
admin-cmds-legacy-interface.driver.legacy-interface.5 must 353 d57cfb78da1d
admin-cmds-legacy-interface.driver.legacy-interface.6 must 357 2f50081496ba
admin-cmds-legacy-interface.driver.legacy-interface.7 must 365 501aac79dee8
> admin-cmds-resource-objects.tex Basic Facilities of a Virtio Device / Device groups / Group administration commands / Device resource objects
# 2.12.1.3.5 Device Requirements: Device resource objects
admin-cmds-resource-objects.device.device-resource-objects.1 should 220 4f2a69eb7706
admin-cmds-resource-objects.device.device-resource-objects.2 should 224 f95aa33430ec
admin-cmds-resource-objects.device.device-resource-objects.3 should 229 6879b6c3669d
admin-cmds-resource-objects.device.device-resource-objects.4 should 233 b7c8e6c489d3
admin-cmds-resource-objects.device.device-resource-objects.5 must 238 c3d766c98e91
admin-cmds-resource-objects.device.device-resource-objects.6 should 243 ebd76c825f77
admin-cmds-resource-objects.device.device-resource-objects.7 may 247 e0f142a7d662
admin-cmds-resource-objects.device.device-resource-objects.8 should 251 aa7b0a05ee3c
admin-cmds-resource-objects.device.device-resource-objects.9 must 254 559effd2f36d
admin-cmds-resource-objects.device.device-resource-objects.10 must 257 ed88d2de47ed
admin-cmds-resource-objects.device.device-resource-objects.11 must 262 804e32426c7d
# 2.12.1.3.6 Driver Requirements: Device resource objects
admin-cmds-resource-objects.driver.device-resource-objects.1 must 267 257bc0f1ef97
admin-cmds-resource-objects.driver.device-resource-objects.2 must 271 943b4e6a94fa
admin-cmds-resource-objects.driver.device-resource-objects.3 should 275 b3b875bd2376
admin-cmds-resource-objects.driver.device-resource-objects.4 should 278 8602cfe5c795
admin-cmds-resource-objects.driver.device-resource-objects.5 must 282 18eb08a15d55
admin-cmds-resource-objects.driver.device-resource-objects.6 must 286 9e9e797cca09
> admin.tex Basic Facilities of a Virtio Device / Device groups / Group administration commands
# 2.12.1.5 Device Requirements: Group administration commands
admin.device.group-administration-commands.1 must 344 22321f4ce002
admin.device.group-administration-commands.2 must 350 ddcafb67cde6
admin.device.group-administration-commands.3 must 352 e022c6ce0d84
admin.device.group-administration-commands.4 must 355 2a98e5960a3d
admin.device.group-administration-commands.5 must 360 4645c2d3cf3a
admin.device.group-administration-commands.6 must 363 2bf68575b883
admin.device.group-administration-commands.7 must 366 133623a9b03f
admin.device.group-administration-commands.8 should 371 547f6e04c229
admin.device.group-administration-commands.9 may 374 4df681b6a299
admin.device.group-administration-commands.10 must 380 cff295c91005
admin.device.group-administration-commands.11 must 385 2f1bd976b886
admin.device.group-administration-commands.12 must 391 9ab105b9c7b2
admin.device.group-administration-commands.13 must 395 f12e23a4079c
admin.device.group-administration-commands.14 must 401 5f029d394900
admin.device.group-administration-commands.15 must 404 be052cd627e7
admin.device.group-administration-commands.16 may 412 0f8702ddf182
admin.device.group-administration-commands.17 must 417 aae9cec8504d
# 2.12.1.6 Driver Requirements: Group administration commands
admin.driver.group-administration-commands.1 may 436 8fd2ab43e95a
admin.driver.group-administration-commands.2 must 440 dc225cb82d55
admin.driver.group-administration-commands.3 must 446 3e4d1afac135
admin.driver.group-administration-commands.4 should 451 d447634b81ac
admin.driver.group-administration-commands.5 must 455 b70b523e63d9
admin.driver.group-administration-commands.6 must 459 42324dc6a945
admin.driver.group-administration-commands.7 may 463 f1b3cb4b49e4
admin.driver.group-administration-commands.8 must 467 026e4247943a
admin.driver.group-administration-commands.9 must 471 c008d460e1c3
admin.driver.group-administration-commands.10 must 477 cce2467afa82
> admin.tex Basic Facilities of a Virtio Device / Administration virtqueues
# 2.13.1 Device Requirements: Group administration commands
admin.device.administration-virtqueues.1 must 564 2bad2cd53a25
admin.device.administration-virtqueues.2 must 573 ebe49954d2d2
admin.device.administration-virtqueues.3 should 584 06b8850817b2
admin.device.administration-virtqueues.4 must 589 660e5a74313e
admin.device.administration-virtqueues.5 must 593 6a6293580a2c
admin.device.administration-virtqueues.6 must 597 6c4c68b1f686
admin.device.administration-virtqueues.7 must 600 cbbc3855264d
admin.device.administration-virtqueues.8 may 603 f42b0aca5d57
admin.device.administration-virtqueues.9 must 607 b1a3ad02eed0
# 2.13.2 Driver Requirements: Group administration commands
admin.driver.administration-virtqueues.1 may 613 3f4ff354eed4
admin.driver.administration-virtqueues.2 should 617 549015b0ce6f
admin.driver.administration-virtqueues.3 must 622 85caad38c855
admin.driver.administration-virtqueues.4 must 626 80699eb2d5ac
admin.driver.administration-virtqueues.5 may 628 5a8919c5144c
admin.driver.administration-virtqueues.6 must 632 005f77797080
admin.driver.administration-virtqueues.7 must 638 25c54623379f
admin.driver.administration-virtqueues.8 should 642 51eee3a34f38
> content.tex Basic Facilities of a Virtio Device / Device Status Field
# 2.1.1 Driver Requirements: Device Status Field
content.driver.device-status-field.1 must 61 df3ef2056ab3
content.driver.device-status-field.2 must 66 b709bd4cc341
content.driver.device-status-field.3 must 67 7cb89df6fa1a
content.driver.device-status-field.4 should 70 25ced1c18b9b
# 2.1.2 Device Requirements: Device Status Field
content.device.device-status-field.1 must 81 5384c17951e3
content.device.device-status-field.2 should 84 eff7204ec99c
content.device.device-status-field.3 must 85 17f40dafb86c
> content.tex Basic Facilities of a Virtio Device / Feature Bits
# 2.2.1 Driver Requirements: Feature Bits
content.driver.feature-bits.1 must 142 fcc0a575548e
content.driver.feature-bits.2 must 146 4f2174be86d2
content.driver.feature-bits.3 must 147 7cdd337ba8a6
content.driver.feature-bits.4 must 155 47c7d7e7768d
content.driver.feature-bits.5 must 159 1a5a7383c522
# 2.2.2 Device Requirements: Feature Bits
content.device.feature-bits.1 must 163 357cd74a3d93
content.device.feature-bits.2 must 164 d6c58a8642ce
content.device.feature-bits.3 must 168 05b5f44465c7
content.device.feature-bits.4 should 179 c2465fdb3557
# 2.2.3 Legacy Interface: A Note on Feature Bits
content.device.feature-bits.5 must 190 361775b12029
content.device.feature-bits.6 must 192 55ff7d642c86
content.device.feature-bits.7 may 197 1577b30b2496
content.device.feature-bits.8 must 204 d3724b72ca1c
> content.tex Basic Facilities of a Virtio Device / Device Reset
# 2.4.1 Device Requirements: Device Reset
content.device.device-reset.1 must 254 1b6778408007
content.device.device-reset.2 must 256 d782ab7ca780
# 2.4.2 Driver Requirements: Device Reset
content.driver.device-reset.1 should 262 1fa7fe6acf8a
> content.tex Basic Facilities of a Virtio Device / Device Configuration Space
# 2.5.1 Driver Requirements: Device Configuration Space
content.driver.device-configuration-space.1 must 284 59a72720c556
content.driver.device-configuration-space.2 must 297 1e91b39bc636
content.driver.device-configuration-space.3 must 304 dd6a593661f4
content.driver.device-configuration-space.4 should 305 cb3b3588c4a8
# 2.5.2 Device Requirements: Device Configuration Space
content.device.device-configuration-space.1 must 318 b2c18fe77c90
> content.tex Basic Facilities of a Virtio Device / Device Configuration Space / Legacy Interface: Device Configuration Space
# 2.5.4 Legacy Interface: Device Configuration Space
content.legacy.legacy-interface-device-configuration-space.1 should 332 f19905e2c0e5
> content.tex Basic Facilities of a Virtio Device / Virtqueues / Virtqueue Reset / Virtqueue Reset
# 2.6.1.1.1 Device Requirements: Virtqueue Reset
content.device.virtqueue-reset.1 must 416 add6e575743e
content.device.virtqueue-reset.2 must 419 038089eaf6ab
# 2.6.1.1.2 Driver Requirements: Virtqueue Reset
content.driver.virtqueue-reset.1 must 424 23aad93463b0
content.driver.virtqueue-reset.2 may 427 02331ed5cd58
> content.tex Basic Facilities of a Virtio Device / Virtqueues / Virtqueue Reset / Virtqueue Re-enable
# 2.6.1.2.1 Device Requirements: Virtqueue Re-enable
content.device.virtqueue-re-enable.1 must 437 c208fda3e03b
# 2.6.1.2.2 Driver Requirements: Virtqueue Re-enable
content.driver.virtqueue-re-enable.1 must 442 b20e20f6094e
> content.tex Basic Facilities of a Virtio Device / Exporting Objects
# 2.11 Exporting Objects
content.prose.exporting-objects.1 should 505 d43bd6e8aca5
> content.tex General Initialization And Device Operation / Device Initialization
# 3.1.1 Driver Requirements: Device Initialization
content.driver.device-initialization.1 must 521 03d159f05c81
content.driver.device-initialization.2 must 532 81922ef5d38f
content.driver.device-initialization.3 must 535 a69cd09c2fd0
content.driver.device-initialization.4 should 550 5898347c9a5b
content.driver.device-initialization.5 must 552 84718e6f3389
content.driver.device-initialization.6 must 555 f5536e8aae77
> content.tex General Initialization And Device Operation / Device Initialization / Legacy Interface: Device Initialization
# 3.1.2 Legacy Interface: Device Initialization
content.legacy.legacy-interface-device-initialization.1 must 581 bce8092237bc
content.legacy.legacy-interface-device-initialization.2 must 590 3f6b1ef4b3a6
content.legacy.legacy-interface-device-initialization.3 must 595 5b69d11c10ec
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
# 3.4.2 Device Requirements: Device Suspend
content.device.device-suspend.1 must 660 3e2402157bd3
content.device.device-suspend.2 should 662 1b5ccadd70f2
content.device.device-suspend.3 must 665 4db31010cece
content.device.device-suspend.4 must 669 64c7b71d1652
content.device.device-suspend.5 must 671 a54127bd56c2
content.device.device-suspend.6 must 673 98bebc9b1b94
content.device.device-suspend.7 must 676 7cb2c363f0dc
content.device.device-suspend.8 should 679 fb26280a9b8c
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
# 6.2 Device Requirements: Reserved Feature Bits
content.device.reserved-feature-bits.1 must 985 91acfaf685c9
content.device.reserved-feature-bits.2 may 985 a213032ddc12
content.device.reserved-feature-bits.3 should 988 21db0b066dc1
content.device.reserved-feature-bits.4 may 993 7cbbf67f106a
content.device.reserved-feature-bits.5 must 996 518199e30b91
content.device.reserved-feature-bits.6 may 999 a0882801ba44
content.device.reserved-feature-bits.7 may 1001 c4d1f52ab5d9
content.device.reserved-feature-bits.8 should 1004 9dfc139f4ddb
content.device.reserved-feature-bits.9 must 1008 f304bb3ed3b9
> content.tex Reserved Feature Bits / Legacy Interface: Reserved Feature Bits
# 6.3 Legacy Interface: Reserved Feature Bits
content.legacy.legacy-interface-reserved-feature-bits.1 may 1014 c8d45a1cc99b
content.legacy.legacy-interface-reserved-feature-bits.2 must 1016 ca5c67bf3d3f
content.legacy.legacy-interface-reserved-feature-bits.3 must 1032 60f91791afea
content.legacy.legacy-interface-reserved-feature-bits.4 should 1039 0979de4ad7ca
> device-types/balloon/description.tex Device Types / Memory Balloon Device / Feature bits
# 5.5.3.1 Driver Requirements: Feature bits
balloon.driver.feature-bits.1 should 55 ea4a6cd76205
balloon.driver.feature-bits.2 should 58 e26a83325a94
balloon.driver.feature-bits.3 must 62 0d41c2c66b7e
# 5.5.3.2 Device Requirements: Feature bits
balloon.device.feature-bits.1 may 67 a9dba186aef4
> device-types/balloon/description.tex Legacy Interface: Feature bits
# 5.5.3.2.0.1 Legacy Interface: Feature bits
balloon.legacy.legacy-interface-feature-bits.1 must 73 01a1ce3817e4
> device-types/balloon/description.tex Legacy Interface: Device configuration layout
# 5.5.4.0.0.1 Legacy Interface: Device configuration layout
balloon.legacy.legacy-interface-device-configuration-layout.1 must 100 f4b551337d1d
> device-types/balloon/description.tex Device Types / Memory Balloon Device / Device Operation
# 5.5.6.1 Driver Requirements: Device Operation
balloon.driver.device-operation.1 should 179 516b817828ef
balloon.driver.device-operation.2 may 182 fdb0b8e8adb5
balloon.driver.device-operation.3 may 185 3991a6ff987b
balloon.driver.device-operation.4 must 188 5109170f9032
balloon.driver.device-operation.5 may 193 f91149322ae2
balloon.driver.device-operation.6 must 200 709bd8ec2820
balloon.driver.device-operation.7 must 203 f9d2af0627f4
balloon.driver.device-operation.8 may 207 5fdcffcdf3d6
balloon.driver.device-operation.9 must 212 29bac0e3a0aa
balloon.driver.device-operation.10 must 216 995824a4d2a4
balloon.driver.device-operation.11 must 220 c56081e9046a
balloon.driver.device-operation.12 may 223 e9688eae7923
# 5.5.6.2 Device Requirements: Device Operation
balloon.device.device-operation.1 may 228 4a19535266e1
balloon.device.device-operation.2 may 233 fda33832f5e5
> device-types/balloon/description.tex Legacy Interface: Device Operation
# 5.5.6.2.1 Legacy Interface: Device Operation
balloon.legacy.legacy-interface-device-operation.1 should 241 63171541375b
balloon.legacy.legacy-interface-device-operation.2 must 248 a321b9bdd128
balloon.legacy.legacy-interface-device-operation.3 should 252 953db47c113a
> device-types/balloon/description.tex Device Types / Memory Balloon Device / Device Operation / Memory Statistics
# 5.5.6.3.1 Driver Requirements: Memory Statistics
balloon.driver.memory-statistics.1 must 317 19165c9e3924
balloon.driver.memory-statistics.2 must 320 ff26344572f3
balloon.driver.memory-statistics.3 must 323 a70e1fa80a21
balloon.driver.memory-statistics.4 must 326 daa5a792dcee
balloon.driver.memory-statistics.5 must 330 2b5bf4f8e80f
balloon.driver.memory-statistics.6 may 333 9ead81f23d7e
balloon.driver.memory-statistics.7 may 337 df89511bd0fa
balloon.driver.memory-statistics.8 must 340 3df3c77e126d
# 5.5.6.3.2 Device Requirements: Memory Statistics
balloon.device.memory-statistics.1 must 347 611217512e03
balloon.device.memory-statistics.2 must 350 cf34e1bac7d0
> device-types/balloon/description.tex Device Types / Memory Balloon Device / Device Operation / Memory Statistics / Legacy Interface: Memory Statistics
# 5.5.6.3.3 Legacy Interface: Memory Statistics
balloon.legacy.legacy-interface-memory-statistics.1 must 356 dd24bbd2515e
balloon.legacy.legacy-interface-memory-statistics.2 should 361 143a7b4c2aa0
> device-types/balloon/description.tex Device Types / Memory Balloon Device / Device Operation / Free Page Hinting
# 5.5.6.5.1 Driver Requirements: Free Page Hinting
balloon.driver.free-page-hinting.1 must 470 839687bf3210
balloon.driver.free-page-hinting.2 must 473 d999ee340203
balloon.driver.free-page-hinting.3 must 476 2b83a05abbf3
balloon.driver.free-page-hinting.4 should 479 a6aa2cb8237f
balloon.driver.free-page-hinting.5 should 482 c0ae6c3faa90
balloon.driver.free-page-hinting.6 must 486 890a1ff2c9b6
balloon.driver.free-page-hinting.7 may 489 d57ba9faefa3
balloon.driver.free-page-hinting.8 must 492 9c772d21c8a1
balloon.driver.free-page-hinting.9 must 495 b855ce859f09
balloon.driver.free-page-hinting.10 should 499 10e5c045b7d8
# 5.5.6.5.2 Device Requirements: Free Page Hinting
balloon.device.free-page-hinting.1 should 508 214205dba639
balloon.device.free-page-hinting.2 must 512 170c59429a03
balloon.device.free-page-hinting.3 must 515 67a93022f07c
balloon.device.free-page-hinting.4 may 518 63707b3a3497
balloon.device.free-page-hinting.5 must 522 f6406d5e6569
balloon.device.free-page-hinting.6 must 525 b9ae82f766dd
> device-types/balloon/description.tex Device Types / Memory Balloon Device / Device Operation / Free Page Hinting / Legacy Interface: Free Page Hinting
# 5.5.6.5.3 Legacy Interface: Free Page Hinting
balloon.legacy.legacy-interface-free-page-hinting.1 must 531 6b5b3e1fe3a7
> device-types/balloon/description.tex Device Types / Memory Balloon Device / Device Operation / Page Poison
# 5.5.6.6.1 Driver Requirements: Page Poison
balloon.driver.page-poison.1 must 555 7594a01dcac5
balloon.driver.page-poison.2 must 558 733660432685
balloon.driver.page-poison.3 must 561 7fd48fd6539b
# 5.5.6.6.2 Device Requirements: Page Poison
balloon.device.page-poison.1 may 568 da9a0b36ff78
> device-types/balloon/description.tex Device Types / Memory Balloon Device / Device Operation / Free Page Reporting
# 5.5.6.7.1 Driver Requirements: Free Page Reporting
balloon.driver.free-page-reporting.1 must 606 32640afc206d
balloon.driver.free-page-reporting.2 must 609 664c3d9d9c43
balloon.driver.free-page-reporting.3 must 613 e61c266094fe
balloon.driver.free-page-reporting.4 may 616 0ebb7469b1d6
balloon.driver.free-page-reporting.5 should 618 0d8149bea34b
balloon.driver.free-page-reporting.6 should 620 357c5afcb986
# 5.5.6.7.2 Device Requirements: Free Page Reporting
balloon.device.free-page-reporting.1 may 628 e80618289227
balloon.device.free-page-reporting.2 must 632 8b147897bb97
> device-types/blk/description.tex Device Types / Block Device / Device configuration layout / Legacy Interface: Device configuration layout
# 5.2.4.1 Legacy Interface: Device configuration layout
blk.legacy.legacy-interface-device-configuration-layout.1 must 219 23a359527524
> device-types/blk/description.tex Device Types / Block Device / Device Initialization
# 5.2.5.1 Driver Requirements: Device Initialization
blk.driver.device-initialization.1 should 285 80be2c69f3e1
blk.driver.device-initialization.2 may 288 a8b7220fc2b1
blk.driver.device-initialization.3 should 290 d9aed8dd77df
blk.driver.device-initialization.4 must 293 1ca90d26a81a
blk.driver.device-initialization.5 must 296 c6e1a6dcb608
blk.driver.device-initialization.6 must 300 66d63c094934
blk.driver.device-initialization.7 may 304 5cb71c8c4c22
blk.driver.device-initialization.8 must 310 17786628b51a
blk.driver.device-initialization.9 may 314 05c017294975
blk.driver.device-initialization.10 should 316 b77ff78cf9e3
# 5.2.5.2 Device Requirements: Device Initialization
blk.device.device-initialization.1 must 322 10273a423bb0
blk.device.device-initialization.2 must 325 b82ca7e0a46b
blk.device.device-initialization.3 must 328 6e877d76b8cd
blk.device.device-initialization.4 should 331 b0bb2f9ac1f8
blk.device.device-initialization.5 must 335 22b51973edb7
blk.device.device-initialization.6 should 339 3ebf833d566a
blk.device.device-initialization.7 must 343 c7bf6627efb7
blk.device.device-initialization.8 must 348 d5ec16866ba3
blk.device.device-initialization.9 must 365 5ee26b71ca2f
blk.device.device-initialization.10 may 366 e159e6817c99
blk.device.device-initialization.11 must 378 1d03c0507af0
blk.device.device-initialization.12 must 384 e78f435806ab
blk.device.device-initialization.13 must 390 245c8fdcaf66
blk.device.device-initialization.14 must 392 bd5015ab3078
blk.device.device-initialization.15 may 393 4dbe0a8bb849
blk.device.device-initialization.16 must 397 20d918bc1698
blk.device.device-initialization.17 must 402 8482de726969
> device-types/blk/description.tex Device Types / Block Device / Device Initialization / Legacy Interface: Device Initialization
# 5.2.5.3 Legacy Interface: Device Initialization
blk.legacy.legacy-interface-device-initialization.1 must 407 812a3b850d98
blk.legacy.legacy-interface-device-initialization.2 may 413 5bc26dccdf9b
blk.legacy.legacy-interface-device-initialization.3 must 416 62b1cb2a199b
blk.legacy.legacy-interface-device-initialization.4 must 421 6b23d6df3024
> device-types/blk/description.tex Device Types / Block Device / Device Operation
# 5.2.6.1 Driver Requirements: Device Operation
blk.driver.device-operation.1 should 868 9b3af249aa0f
blk.driver.device-operation.2 must 871 5a5e93afd505
blk.driver.device-operation.3 should 874 551c9b19f08f
blk.driver.device-operation.4 must 876 3c4ff8e3a51d
blk.driver.device-operation.5 should 877 3713468d4775
blk.driver.device-operation.6 must 879 4d074b34771a
blk.driver.device-operation.7 must 882 f4e53ed293ce
blk.driver.device-operation.8 must 886 30b229e6da39
blk.driver.device-operation.9 must 888 7e850dbfebb0
blk.driver.device-operation.10 must 892 ad0ea7b48528
blk.driver.device-operation.11 must 896 e2cef04012e1
blk.driver.device-operation.12 may 900 e70a59d3a0ca
blk.driver.device-operation.13 must 902 7901919f899b
blk.driver.device-operation.14 must 906 f96ab3b0ac77
blk.driver.device-operation.15 must 906 9a4d4b9def98
blk.driver.device-operation.16 must 910 6c0144d424bf
blk.driver.device-operation.17 must 918 05cf47c26578
blk.driver.device-operation.18 must 920 51c2724fc8a4
blk.driver.device-operation.19 may 922 c8968f3b9ee0
blk.driver.device-operation.20 must 924 81030e6a6503
blk.driver.device-operation.21 must 928 a9324dbfdce8
blk.driver.device-operation.22 must 931 3c4afdfa4a7f
blk.driver.device-operation.23 must 933 ffa04b33142b
blk.driver.device-operation.24 may 938 03338bc98054
blk.driver.device-operation.25 must 942 2ded9e798cca
# 5.2.6.2 Device Requirements: Device Operation
blk.device.device-operation.1 may 961 ae55d2a58ddb
blk.device.device-operation.2 should 962 6a8121f3dd91
blk.device.device-operation.3 must 965 48a11eb80c2c
blk.device.device-operation.4 must 969 2e483a20fa78
blk.device.device-operation.5 must 971 73ef59f4c13b
blk.device.device-operation.6 may 974 0bb589ba88e0
blk.device.device-operation.7 may 977 ea3fe02ce15f
blk.device.device-operation.8 must 979 54ad843d0c3c
blk.device.device-operation.9 should 983 d98997abfa83
blk.device.device-operation.10 should 985 790e8f84954d
blk.device.device-operation.11 must 1007 5321e9f21391
blk.device.device-operation.12 may 1023 6895302a916c
blk.device.device-operation.13 should 1038 295f1eca65e6
blk.device.device-operation.14 must 1040 edf464487726
blk.device.device-operation.15 must 1042 64054458e796
blk.device.device-operation.16 must 1054 5936dbf83b91
blk.device.device-operation.17 must 1062 d98a12ae0f54
blk.device.device-operation.18 must 1067 26597d6ec2d7
blk.device.device-operation.19 must 1072 668f07e87214
blk.device.device-operation.20 must 1074 f1b7e1471a60
blk.device.device-operation.21 must 1081 109559e8cd22
blk.device.device-operation.22 must 1086 4d117034a5d0
blk.device.device-operation.23 must 1093 4d117034a5d0
blk.device.device-operation.24 must 1105 6bd49d99995e
blk.device.device-operation.25 must 1109 72bf860df448
blk.device.device-operation.26 must 1113 12cb5baf1d9f
blk.device.device-operation.27 must 1118 994c89608bde
blk.device.device-operation.28 must 1130 47e9efc71bb4
blk.device.device-operation.29 must 1134 03c35b8f5528
blk.device.device-operation.30 must 1139 13d0ff8d72b8
blk.device.device-operation.31 must 1144 dba4cb8f0f31
blk.device.device-operation.32 may 1148 da94f81b19ce
blk.device.device-operation.33 must 1152 74549e15e122
blk.device.device-operation.34 must 1156 303681bc7106
blk.device.device-operation.35 must 1159 b3fe173236b5
blk.device.device-operation.36 must 1165 8edfdd6f2ac1
blk.device.device-operation.37 must 1181 a92f1e43e74f
blk.device.device-operation.38 must 1185 1fe7e43131dd
blk.device.device-operation.39 must 1189 356daa920572
> device-types/blk/description.tex Device Types / Block Device / Device Operation / Legacy Interface: Device Operation
# 5.2.6.3 Legacy Interface: Device Operation
blk.legacy.legacy-interface-device-operation.1 must 1194 cc89419a0cd7
blk.legacy.legacy-interface-device-operation.2 should 1199 6b52e8d6d80d
blk.legacy.legacy-interface-device-operation.3 must 1215 59e4b81aabbb
blk.legacy.legacy-interface-device-operation.4 should 1222 8352b573b9da
blk.legacy.legacy-interface-device-operation.5 may 1236 8a61a3deb8c3
blk.legacy.legacy-interface-device-operation.6 must 1271 6fec435a9aca
blk.legacy.legacy-interface-device-operation.7 should 1283 ae100797e4aa
> device-types/blk/description.tex Device Types / Block Device / Legacy Interface: Framing Requirements
# 5.2.6.4 Legacy Interface: Framing Requirements
blk.legacy.legacy-interface-framing-requirements.1 must 1301 c7b8a79183af
blk.legacy.legacy-interface-framing-requirements.2 must 1307 23d395f8c0c0
> device-types/can/description.tex Device Types / CAN Device / Device Operation / Initialization
# 5.20.4.1 Driver Requirements: Device Initialization
can.driver.initialization.1 must 90 17042df9a681
> device-types/can/description.tex Device Types / CAN Device / Device Operation / CAN Message Transmission
# 5.20.5.2 Device Requirements: CAN Message Transmission
can.device.can-message-transmission.1 must 183 3300b962b63e
can.device.can-message-transmission.2 must 189 f8af7989352d
can.device.can-message-transmission.3 must 196 11699161a677
can.device.can-message-transmission.4 may 199 57c29922614b
> device-types/console/description.tex Device Types / Console Device
# 5.3 Console Device
console.prose.console-device.1 may 4 66c55a90605b
> device-types/console/description.tex Device Types / Console Device / Device configuration layout / Legacy Interface: Device configuration layout
# 5.3.4.1 Legacy Interface: Device configuration layout
console.legacy.legacy-interface-device-configuration-layout.1 must 70 b232035fe6f9
> device-types/console/description.tex Device Types / Console Device / Device Initialization
# 5.3.5.1 Device Requirements: Device Initialization
console.device.device-initialization.1 must 105 6aa1d86070de
console.device.device-initialization.2 should 108 c5e1a50829c9
> device-types/console/description.tex Device Types / Console Device / Device Operation
# 5.3.6.1 Driver Requirements: Device Operation
console.driver.device-operation.1 must 140 87b89242bc04
console.driver.device-operation.2 must 140 3a33b373c557
> device-types/console/description.tex Device Types / Console Device / Device Operation / Multiport Device Operation
# 5.3.6.2 Multiport Device Operation
console.prose.multiport-device-operation.1 may 173 057e41281ae9
# 5.3.6.2.1 Device Requirements: Multiport Device Operation
console.device.multiport-device-operation.1 must 195 038810a92f90
console.device.multiport-device-operation.2 must 199 cdeb9692551d
# 5.3.6.2.2 Driver Requirements: Multiport Device Operation
console.driver.multiport-device-operation.1 must 204 da53b55ce284
console.driver.multiport-device-operation.2 must 207 8ff4d77d3c59
> device-types/console/description.tex Device Types / Console Device / Device Operation / Legacy Interface: Device Operation
# 5.3.6.3 Legacy Interface: Device Operation
console.legacy.legacy-interface-device-operation.1 must 213 8fbc787a8490
console.legacy.legacy-interface-device-operation.2 should 218 781e07aa453b
> device-types/console/description.tex Legacy Interface: Framing Requirements
# 5.3.6.4 Legacy Interface: Framing Requirements
console.legacy.legacy-interface-framing-requirements.1 must 229 723bbf6b8370
> device-types/crypto/description.tex Device Types / Crypto Device / Device configuration layout
# 5.9.5 Device configuration layout
crypto.prose.device-configuration-layout.1 may 246 54e00438b143
# 5.9.5.1 Device Requirements: Device configuration layout
crypto.device.device-configuration-layout.1 must 280 f7be6d130dd7
crypto.device.device-configuration-layout.2 must 281 b72af437964a
crypto.device.device-configuration-layout.3 must 282 bb1248360212
crypto.device.device-configuration-layout.4 must 283 20be0db6d8f0
crypto.device.device-configuration-layout.5 must 284 40601abc71d7
crypto.device.device-configuration-layout.6 must 285 cbd69fd4b3cf
crypto.device.device-configuration-layout.7 must 286 5066f21c8d81
crypto.device.device-configuration-layout.8 must 287 0cea18f2c200
crypto.device.device-configuration-layout.9 must 289 f6050c33ef89
# 5.9.5.2 Driver Requirements: Device configuration layout
crypto.driver.device-configuration-layout.1 must 296 e4d1ccb52e4d
crypto.driver.device-configuration-layout.2 must 298 9dba7128a195
crypto.driver.device-configuration-layout.3 must 299 53a52e55fdd1
crypto.driver.device-configuration-layout.4 must 300 85422c2aa545
crypto.driver.device-configuration-layout.5 should 301 7564365f0835
crypto.driver.device-configuration-layout.6 must 302 a4fa2f6f597e
crypto.driver.device-configuration-layout.7 must 303 7e710825ccc4
crypto.driver.device-configuration-layout.8 must 307 03f970fd7369
crypto.driver.device-configuration-layout.9 must 310 2a3539de1f5c
> device-types/crypto/description.tex Device Types / Crypto Device / Device Initialization
# 5.9.6.1 Driver Requirements: Device Initialization
crypto.driver.device-initialization.1 must 320 917cc8420f8f
crypto.driver.device-initialization.2 must 321 1322ef188362
crypto.driver.device-initialization.3 must 322 6565d47cea7c
> device-types/crypto/description.tex Device Types / Crypto Device / Device Operation / Operation status
# 5.9.9.1 Operation Status
crypto.prose.operation-status.1 must 370 a1a6ccf960cf
> device-types/crypto/description.tex Session operation: Symmetric algorithms session
# 5.9.9.2.1.3 Session operation: Symmetric algorithms session
crypto.prose.session-operation-symmetric-algorithms-session.1 must 665 37c83d0771d6
crypto.prose.session-operation-symmetric-algorithms-session.2 must 700 fb11f18392b1
crypto.prose.session-operation-symmetric-algorithms-session.3 must 720 a7efce8a123e
> device-types/crypto/description.tex Session operation: AKCIPHER session
# 5.9.9.2.1.5 Session operation: AKCIPHER session
crypto.prose.session-operation-akcipher-session.1 must 793 a0e05d410e04
crypto.prose.session-operation-akcipher-session.2 must 847 7cd8bdb84234
> device-types/crypto/description.tex Device Types / Crypto Device / Device Operation / Control Virtqueue / Session operation / Session operation: create session
# 5.9.9.2.1.6 Driver Requirements: Session operation: create session
crypto.driver.session-operation-create-session.1 must 922 3d1c4472e115
crypto.driver.session-operation-create-session.2 must 923 6154a87029a9
crypto.driver.session-operation-create-session.3 must 926 8b8b77b8fc85
# 5.9.9.2.1.7 Device Requirements: Session operation: create session
crypto.device.session-operation-create-session.1 must 933 097a2dea9f37
crypto.device.session-operation-create-session.2 must 935 8454fe9c19e4
crypto.device.session-operation-create-session.3 must 936 4be4b863f7ff
crypto.device.session-operation-create-session.4 must 945 588b5e5d0a1a
> device-types/crypto/description.tex Device Types / Crypto Device / Device Operation / Control Virtqueue / Session operation / Session operation: destroy session
# 5.9.9.2.1.8 Driver Requirements: Session operation: destroy session
crypto.driver.session-operation-destroy-session.1 must 953 3d1c4472e115
crypto.driver.session-operation-destroy-session.2 must 954 4e35945f24bd
# 5.9.9.2.1.9 Device Requirements: Session operation: destroy session
crypto.device.session-operation-destroy-session.1 must 962 bc87c411efcb
> device-types/crypto/description.tex Device Types / Crypto Device / Device Operation / Data Virtqueue
# 5.9.9.3 Data Virtqueue
crypto.prose.data-virtqueue.1 should 1017 b04e80048bde
crypto.prose.data-virtqueue.2 must 1024 cf8f73cb9b52
crypto.prose.data-virtqueue.3 must 1028 de3fafd73c45
> device-types/crypto/description.tex Device Types / Crypto Device / Device Operation / HASH Service Operation
# 5.9.9.4.1 Driver Requirements: HASH Service Operation
crypto.driver.hash-service-operation.1 must 1197 7782d4d689ea
crypto.driver.hash-service-operation.2 must 1200 d9e31d6663fc
crypto.driver.hash-service-operation.3 must 1206 a87455a54ddd
# 5.9.9.4.2 Device Requirements: HASH Service Operation
crypto.device.hash-service-operation.1 must 1212 b55f8f3e6650
crypto.device.hash-service-operation.2 must 1214 4ef4c044de26
crypto.device.hash-service-operation.3 must 1217 b963df8f3cc4
crypto.device.hash-service-operation.4 must 1219 b3f2bdae20fe
> device-types/crypto/description.tex Device Types / Crypto Device / Device Operation / MAC Service Operation
# 5.9.9.5.1 Driver Requirements: MAC Service Operation
crypto.driver.mac-service-operation.1 must 1295 7782d4d689ea
crypto.driver.mac-service-operation.2 must 1298 728bfa4adbb3
crypto.driver.mac-service-operation.3 must 1304 baf7ddff029c
# 5.9.9.5.2 Device Requirements: MAC Service Operation
crypto.device.mac-service-operation.1 must 1310 589dd7517963
crypto.device.mac-service-operation.2 must 1313 2fa7b3623aa9
crypto.device.mac-service-operation.3 must 1315 b3f2bdae20fe
> device-types/crypto/description.tex Device Types / Crypto Device / Device Operation / Symmetric algorithms Operation
# 5.9.9.6 Symmetric algorithms Operation
crypto.prose.symmetric-algorithms-operation.1 must 1439 db5c8684630d
crypto.prose.symmetric-algorithms-operation.2 must 1449 8ef383c8c5e8
crypto.prose.symmetric-algorithms-operation.3 must 1589 db5c8684630d
crypto.prose.symmetric-algorithms-operation.4 must 1599 8ef383c8c5e8
# 5.9.9.6.1 Driver Requirements: Symmetric algorithms Operation
crypto.driver.symmetric-algorithms-operation.1 must 1611 7782d4d689ea
crypto.driver.symmetric-algorithms-operation.2 must 1614 1abe29c62be5
crypto.driver.symmetric-algorithms-operation.3 must 1621 c8cd5b58a4f0
crypto.driver.symmetric-algorithms-operation.4 must 1623 f6def8573541
crypto.driver.symmetric-algorithms-operation.5 must 1626 cddfdb39ea07
# 5.9.9.6.2 Device Requirements: Symmetric algorithms Operation
crypto.device.symmetric-algorithms-operation.1 must 1635 e081c6e2945c
crypto.device.symmetric-algorithms-operation.2 must 1638 8fa70bb61ad9
crypto.device.symmetric-algorithms-operation.3 must 1640 bd88eb0a490d
crypto.device.symmetric-algorithms-operation.4 must 1643 c5701fd2becf
crypto.device.symmetric-algorithms-operation.5 must 1647 44ef67750399
crypto.device.symmetric-algorithms-operation.6 must 1649 ff669bb8d312
crypto.device.symmetric-algorithms-operation.7 must 1651 a5f827aa8657
crypto.device.symmetric-algorithms-operation.8 must 1653 080c0401a05f
> device-types/crypto/description.tex Device Types / Crypto Device / Device Operation / AEAD Service Operation
# 5.9.9.7.1 Driver Requirements: AEAD Service Operation
crypto.driver.aead-service-operation.1 must 1768 7782d4d689ea
crypto.driver.aead-service-operation.2 must 1771 cfc8679b2fa2
crypto.driver.aead-service-operation.3 must 1777 801973f5e57a
# 5.9.9.7.2 Device Requirements: AEAD Service Operation
crypto.device.aead-service-operation.1 must 1784 6a9642c8a285
crypto.device.aead-service-operation.2 must 1787 2705f5aeb908
crypto.device.aead-service-operation.3 must 1788 f3323096992d
crypto.device.aead-service-operation.4 must 1789 080c0401a05f
crypto.device.aead-service-operation.5 must 1791 7de9a97d91fa
> device-types/crypto/description.tex Device Types / Crypto Device / Device Operation / AKCIPHER Service Operation
# 5.9.9.8 AKCIPHER Service Operation
crypto.prose.akcipher-service-operation.1 must 1848 ea6c96253dd4
# 5.9.9.8.1 Driver Requirements: AKCIPHER Service Operation
crypto.driver.akcipher-service-operation.1 must 1901 7782d4d689ea
crypto.driver.akcipher-service-operation.2 must 1904 261c9bf4ff86
crypto.driver.akcipher-service-operation.3 must 1910 baf6968c8470
# 5.9.9.8.2 Device Requirements: AKCIPHER Service Operation
crypto.device.akcipher-service-operation.1 must 1918 7f762e0fc23f
crypto.device.akcipher-service-operation.2 must 1921 2705f5aeb908
crypto.device.akcipher-service-operation.3 must 1922 080c0401a05f
> device-types/crypto/description.tex Data processing
# 5.9.9.9.3 Data processing
crypto.prose.data-processing.1 must 2269 bb2b3221cc36
> device-types/crypto/description.tex Device Types / Crypto Device / Device Operation / IPsec Service Operation
# 5.9.9.9.4 Device Requirements: IPsec Service Operation
crypto.device.ipsec-service-operation.1 must 2283 9bf3f09c99c5
crypto.device.ipsec-service-operation.2 must 2285 8feb1608b667
crypto.device.ipsec-service-operation.3 must 2292 6630d64f7e45
crypto.device.ipsec-service-operation.4 must 2300 d32bfb8b38e8
crypto.device.ipsec-service-operation.5 must 2305 719d76ef41ba
crypto.device.ipsec-service-operation.6 must 2314 d7775c60c973
crypto.device.ipsec-service-operation.7 should 2323 54f60b3ba695
crypto.device.ipsec-service-operation.8 must 2326 58c62d1df099
crypto.device.ipsec-service-operation.9 may 2331 6158f4bd9ccb
crypto.device.ipsec-service-operation.10 must 2336 804e32426c7d
crypto.device.ipsec-service-operation.11 must 2338 4a79a5874361
crypto.device.ipsec-service-operation.12 must 2339 825e7a383b54
# 5.9.9.9.5 Driver Requirements: IPsec Service Operation
crypto.driver.ipsec-service-operation.1 must 2353 f3ee4e185c8e
crypto.driver.ipsec-service-operation.2 must 2356 ad791fac8323
crypto.driver.ipsec-service-operation.3 must 2360 d409382a1ba8
crypto.driver.ipsec-service-operation.4 must 2364 f3358c885e85
crypto.driver.ipsec-service-operation.5 must 2367 a923651dc219
crypto.driver.ipsec-service-operation.6 must 2370 80d0ebd400b1
crypto.driver.ipsec-service-operation.7 must 2373 02ca707d027a
> device-types/entropy/description.tex Device Types / Entropy Device / Device Operation
# 5.4.6.1 Driver Requirements: Device Operation
entropy.driver.device-operation.1 must 34 176a1c72a493
entropy.driver.device-operation.2 must 36 293303108dac
# 5.4.6.2 Device Requirements: Device Operation
entropy.device.device-operation.1 must 41 166c05abf0bc
> device-types/fs/description.tex Device Types / File System Device / Device configuration layout
# 5.11.4.1 Driver Requirements: Device configuration layout
fs.driver.device-configuration-layout.1 must 71 750b86b043da
fs.driver.device-configuration-layout.2 may 73 0c1d9374986e
# 5.11.4.2 Device Requirements: Device configuration layout
fs.device.device-configuration-layout.1 must 77 30963b0f4dbb
fs.device.device-configuration-layout.2 must 79 0fffd6e6de24
> device-types/fs/description.tex Device Types / File System Device / Device Operation / Device Operation: High Priority Queue
# 5.11.6.2.1 Device Requirements: Device Operation: High Priority Queue
fs.device.device-operation-high-priority-queue.1 must 188 bffeabb858a6
fs.device.device-operation-high-priority-queue.2 may 191 a63f21298bd6
# 5.11.6.2.2 Driver Requirements: Device Operation: High Priority Queue
fs.driver.device-operation-high-priority-queue.1 must 195 0889a76fe083
fs.driver.device-operation-high-priority-queue.2 must 197 4353557ced03
fs.driver.device-operation-high-priority-queue.3 must 199 d9ab7e302287
> device-types/fs/description.tex Device Types / File System Device / Device Operation / Device Operation: Notification Queue
# 5.11.6.3.1 Driver Requirements: Device Operation: Notification Queue
fs.driver.device-operation-notification-queue.1 must 228 c5fd31591f49
fs.driver.device-operation-notification-queue.2 should 230 c23f5465a960
> device-types/fs/description.tex Device Types / File System Device / Device Operation / Device Operation: DAX Window
# 5.11.6.4.1 Device Requirements: Device Operation: DAX Window
fs.device.device-operation-dax-window.1 may 273 dad52c7dfe6b
fs.device.device-operation-dax-window.2 must 273 70e9cb26d91c
fs.device.device-operation-dax-window.3 must 275 41ba9d97729f
fs.device.device-operation-dax-window.4 must 277 5f74a8e0fb7f
fs.device.device-operation-dax-window.5 must 279 b5189182a6ef
# 5.11.6.4.2 Driver Requirements: Device Operation: DAX Window
fs.driver.device-operation-dax-window.1 should 283 dd2cb9596f08
fs.driver.device-operation-dax-window.2 may 285 7af080fd580f
fs.driver.device-operation-dax-window.3 must 287 d653bb628361
> device-types/gpio/description.tex Device Types / GPIO Device / requestq Operation
# 5.18.6.8 Driver Requirements: requestq Operation
gpio.driver.requestq-operation.1 must 388 99fef7a30c33
gpio.driver.requestq-operation.2 must 390 a9e26d297af0
gpio.driver.requestq-operation.3 must 393 468cb39cfe85
gpio.driver.requestq-operation.4 must 396 ae2f3bb5b47c
gpio.driver.requestq-operation.5 may 399 1f277305507a
gpio.driver.requestq-operation.6 must 402 a2fdf21b1cda
gpio.driver.requestq-operation.7 must 405 617932d41a0c
gpio.driver.requestq-operation.8 must 408 e89d409f13c7
gpio.driver.requestq-operation.9 must 412 f7fc90d7e4fd
# 5.18.6.9 Device Requirements: requestq Operation
gpio.device.requestq-operation.1 must 420 d051ba0d1c65
gpio.device.requestq-operation.2 must 423 0e9aa3a06a33
gpio.device.requestq-operation.3 must 426 371ba1db690e
gpio.device.requestq-operation.4 must 430 af19b07465b9
gpio.device.requestq-operation.5 must 432 d2083f76be72
gpio.device.requestq-operation.6 must 436 d22eecd30543
gpio.device.requestq-operation.7 may 440 7f729c1339b9
gpio.device.requestq-operation.8 must 443 fdcaff069b86
gpio.device.requestq-operation.9 must 447 01cb33877d5b
gpio.device.requestq-operation.10 must 450 a0e15c9bc421
gpio.device.requestq-operation.11 must 453 473912bf7408
> device-types/gpio/description.tex Device Types / GPIO Device / eventq Operation
# 5.18.7.2 Driver Requirements: eventq Operation
gpio.driver.eventq-operation.1 must 567 6d10cba16563
gpio.driver.eventq-operation.2 must 570 0c99b337ec39
gpio.driver.eventq-operation.3 must 572 f7daefe7654f
gpio.driver.eventq-operation.4 must 575 89aa0b809394
# 5.18.7.3 Device Requirements: eventq Operation
gpio.device.eventq-operation.1 must 582 c07f0f79ea87
gpio.device.eventq-operation.2 must 586 bf6d3dfb4f44
> device-types/gpu/description.tex Device configuration fields
# 5.7.4.1 Device configuration fields
gpu.prose.device-configuration-fields.1 must 64 140b0dea0017
> device-types/gpu/description.tex Events
# 5.7.4.2 Events
gpu.prose.events.1 should 82 20cbeb576bbe
gpu.prose.events.2 should 83 c286c423ba89
> device-types/gpu/description.tex Device Types / GPU Device / Device Initialization
# 5.7.5 Device Requirements: Device Initialization
gpu.device.device-initialization.1 should 91 725b0ba6dfe0
gpu.device.device-initialization.2 should 93 9e078ac22865
gpu.device.device-initialization.3 may 95 b966341714a9
gpu.device.device-initialization.4 should 99 4c80f30f6d36
gpu.device.device-initialization.5 must 100 65d8b1df2889
gpu.device.device-initialization.6 must 113 9f371c54dbef
> device-types/gpu/description.tex Device Types / GPU Device / Device Operation / Device Operation: Command lifecycle and fencing
# 5.7.6.5 Device Requirements: Device Operation: Command lifecycle and fencing
gpu.device.device-operation-command-lifecycle-and-fencing.1 may 175 338e366dfdc2
gpu.device.device-operation-command-lifecycle-and-fencing.2 must 178 cd00128a6fe2
> device-types/gpu/description.tex Device Operation: Configure mouse cursor
# 5.7.6.6 Device Operation: Configure mouse cursor
gpu.prose.device-operation-configure-mouse-cursor.1 must 187 228509e71485
> device-types/gpu/description.tex Device Types / GPU Device / Device Operation / Device Operation: Request header
# 5.7.6.7 Device Operation: Request header
gpu.prose.device-operation-request-header.1 must 275 65eb0555e451
gpu.prose.device-operation-request-header.2 may 284 fcab01272228
gpu.prose.device-operation-request-header.3 must 293 e5f4eee5298c
> device-types/gpu/description.tex Device Types / GPU Device / Device Operation / Device Operation: controlq
# 5.7.6.8 Device Operation: controlq
gpu.prose.device-operation-controlq.1 must 523 9e212ffbbbde
gpu.prose.device-operation-controlq.2 must 529 86dd6bff70c7
gpu.prose.device-operation-controlq.3 must 651 0d0e92bae775
gpu.prose.device-operation-controlq.4 must 667 f9aa8a887d50
gpu.prose.device-operation-controlq.5 must 672 977b999c4bf2
gpu.prose.device-operation-controlq.6 must 706 3ab9dbed46b7
gpu.prose.device-operation-controlq.7 may 707 1152c09b7cd7
# 5.7.6.8.1 Driver Requirements: Device Operation: controlq
gpu.driver.device-operation-controlq.1 must 715 4aa1dd5c8b4e
> device-types/gpu/description.tex Device Types / GPU Device / Device Operation / Device Operation: controlq (3d)
# 5.7.6.9 Device Operation: controlq (3d)
gpu.prose.device-operation-controlq-3d.1 must 741 85809afefb27
gpu.prose.device-operation-controlq-3d.2 may 743 3e067b9959be
gpu.prose.device-operation-controlq-3d.3 must 746 b2ac79227bc3
gpu.prose.device-operation-controlq-3d.4 must 770 58f25512efac
# 5.7.6.9.1 Driver Requirements: Device Operation: controlq (3d)
gpu.driver.device-operation-controlq-3d.1 must 819 ed48edcf2484
> device-types/i2c/description.tex Device Types / I2C Adapter Device / Device Operation
# 5.16.6.3 Driver Requirements: Device Operation
i2c.driver.device-operation.1 must 148 0ce2d6b93d87
i2c.driver.device-operation.2 must 152 685a7a14421a
i2c.driver.device-operation.3 must 154 0b6ce104ae50
i2c.driver.device-operation.4 must 156 93bbeee51d95
i2c.driver.device-operation.5 must 158 bfcb47c391e1
i2c.driver.device-operation.6 must 161 853c266645aa
i2c.driver.device-operation.7 must 164 771fb1f22f6f
i2c.driver.device-operation.8 must 167 a73ead3ac6e9
i2c.driver.device-operation.9 must 170 2a558c13e986
# 5.16.6.4 Device Requirements: Device Operation
i2c.device.device-operation.1 must 177 416dab6d55a6
i2c.device.device-operation.2 should 180 55535b8a492f
i2c.device.device-operation.3 must 183 ae4786e2330d
i2c.device.device-operation.4 must 186 5411275da96d
i2c.device.device-operation.5 must 188 ccb4fa2cfc7d
i2c.device.device-operation.6 must 191 30d1bf533824
i2c.device.device-operation.7 must 194 1e4469a0d346
> device-types/input/description.tex Device Types / Input Device / Device Initialization
# 5.8.5.1 Driver Requirements: Device Initialization
input.driver.device-initialization.1 must 136 8264567ab00f
input.driver.device-initialization.2 must 139 9ac7c6d5770f
input.driver.device-initialization.3 should 142 c152fa6fa0d4
# 5.8.5.2 Device Requirements: Device Initialization
input.device.device-initialization.1 must 146 e7a3dac9324d
> device-types/input/description.tex Device Types / Input Device / Device Operation
# 5.8.6.1 Driver Requirements: Device Operation
input.driver.device-operation.1 should 174 cb003f8312d4
input.driver.device-operation.2 must 174 23ec7c246271
input.driver.device-operation.3 must 178 960bc038ceee
input.driver.device-operation.4 should 181 2006c1cdd7a4
# 5.8.6.2 Device Requirements: Device Operation
input.device.device-operation.1 may 188 f8c06302f38c
input.device.device-operation.2 should 189 677a8c068525
input.device.device-operation.3 should 193 d7524e42cda1
> device-types/iommu/description.tex Device Types / IOMMU Device / Feature bits
# 5.13.3.1 Driver Requirements: Feature bits
iommu.driver.feature-bits.1 should 81 e75f6317dc33
# 5.13.3.2 Device Requirements: Feature bits
iommu.device.feature-bits.1 should 87 3215ade89ed3
iommu.device.feature-bits.2 should 90 0a6880e462be
iommu.device.feature-bits.3 should 91 850cf61b07de
> device-types/iommu/description.tex Device Types / IOMMU Device / Device configuration layout
# 5.13.4.1 Driver Requirements: Device configuration layout
iommu.driver.device-configuration-layout.1 may 119 0c6470406541
iommu.driver.device-configuration-layout.2 must 120 55cf1fe92ccc
iommu.driver.device-configuration-layout.3 must 123 bfbc9800ce21
iommu.driver.device-configuration-layout.4 should 124 82e4326a69a6
# 5.13.4.2 Device Requirements: Device configuration layout
iommu.device.device-configuration-layout.1 must 129 6ea721a9a4c3
iommu.device.device-configuration-layout.2 may 130 6710c1344f78
iommu.device.device-configuration-layout.3 may 133 ec9a6e5b3ca5
iommu.device.device-configuration-layout.4 should 134 65f740501864
iommu.device.device-configuration-layout.5 must 138 7158ef6f3405
> device-types/iommu/description.tex Device Types / IOMMU Device / Device Initialization
# 5.13.5.1 Driver Requirements: Device Initialization
iommu.driver.device-initialization.1 must 151 e1590e56a484
iommu.driver.device-initialization.2 should 154 c13aaa840f69
> device-types/iommu/description.tex Device Types / IOMMU Device / Device operations
# 5.13.6.1 Driver Requirements: Device operations
iommu.driver.device-operations.1 must 271 b0a67a44ffda
iommu.driver.device-operations.2 should 275 7107769e84e1
iommu.driver.device-operations.3 must 278 0a018a9a532e
iommu.driver.device-operations.4 must 283 91b44086ecba
# 5.13.6.2 Device Requirements: Device operations
iommu.device.device-operations.1 should 289 1d91330c4d4c
iommu.device.device-operations.2 should 292 a0a69cd0780d
iommu.device.device-operations.3 must 295 39a2866677a0
iommu.device.device-operations.4 should 299 ac745445ed85
> device-types/iommu/description.tex Device Types / IOMMU Device / Device operations / ATTACH request
# 5.13.6.3.1 Driver Requirements: ATTACH request
iommu.driver.attach-request.1 should 346 65294f20d501
iommu.driver.attach-request.2 should 348 1d1459531d93
iommu.driver.attach-request.3 should 351 0c87c4d8ad9e
iommu.driver.attach-request.4 should 352 0b19a8c13c89
# 5.13.6.3.2 Device Requirements: ATTACH request
iommu.device.attach-request.1 must 358 2fc818ff71f3
iommu.device.attach-request.2 must 361 bb67fb8291b1
iommu.device.attach-request.3 must 365 e1f7d4236987
iommu.device.attach-request.4 may 368 99128556da9c
iommu.device.attach-request.5 must 370 262b6ae0eefd
iommu.device.attach-request.6 should 373 c45767cc1ca6
iommu.device.attach-request.7 should 377 41afb1e667e7
iommu.device.attach-request.8 should 379 012fa60bd7a9
iommu.device.attach-request.9 must 381 914db36611c1
iommu.device.attach-request.10 should 385 6f68a0f53c5a
iommu.device.attach-request.11 should 387 fab71b087d50
iommu.device.attach-request.12 must 391 da6a97119e19
> device-types/iommu/description.tex Device Types / IOMMU Device / Device operations / DETACH request
# 5.13.6.4.1 Driver Requirements: DETACH request
iommu.driver.detach-request.1 should 415 65294f20d501
# 5.13.6.4.2 Device Requirements: DETACH request
iommu.device.detach-request.1 must 419 68fb1fe2b9b8
iommu.device.detach-request.2 must 421 0eece57dacfd
iommu.device.detach-request.3 may 425 44d293db49ee
iommu.device.detach-request.4 must 430 22d38480b848
> device-types/iommu/description.tex Device Types / IOMMU Device / Device operations / MAP request
# 5.13.6.5.1 Driver Requirements: MAP request
iommu.driver.map-request.1 should 493 230864a3c45f
iommu.driver.map-request.2 should 495 3332b0fec071
iommu.driver.map-request.3 must 497 11bbe5e4ae58
iommu.driver.map-request.4 should 499 b8f094c73424
iommu.driver.map-request.5 should 500 a52b9d5f3b00
iommu.driver.map-request.6 must 504 8d8129b59d6d
iommu.driver.map-request.7 must 507 8fbfbdc349a8
# 5.13.6.5.2 Device Requirements: MAP request
iommu.device.map-request.1 should 512 3b4f7ad27728
iommu.device.map-request.2 should 516 7f2ee1993103
iommu.device.map-request.3 must 519 0afcaecc3f3b
iommu.device.map-request.4 should 522 b71c7d07991b
iommu.device.map-request.5 should 525 7061283db656
iommu.device.map-request.6 must 528 045eba4fda46
iommu.device.map-request.7 may 529 a252dda4b769
> device-types/iommu/description.tex Device Types / IOMMU Device / Device operations / UNMAP request
# 5.13.6.6.1 Driver Requirements: UNMAP request
iommu.driver.unmap-request.1 should 595 99b30e78b4b1
iommu.driver.unmap-request.2 should 597 6baacd4a9c4f
iommu.driver.unmap-request.3 may 598 3d6d08eb9d9c
iommu.driver.unmap-request.4 must 601 9760a9ad9df9
iommu.driver.unmap-request.5 must 602 dd02f672b5aa
iommu.driver.unmap-request.6 should 605 04e0ca1d83b6
# 5.13.6.6.2 Device Requirements: UNMAP request
iommu.device.unmap-request.1 may 609 8ebe84f62365
iommu.device.unmap-request.2 should 613 1ce35700d0c9
iommu.device.unmap-request.3 should 616 7061283db656
iommu.device.unmap-request.4 should 619 90bc5cc10c66
iommu.device.unmap-request.5 should 624 5244a05d9cee
> device-types/iommu/description.tex Device Types / IOMMU Device / Device operations / PROBE request
# 5.13.6.7.1 Driver Requirements: PROBE request
iommu.driver.probe-request.1 must 691 4945d1bae0e1
iommu.driver.probe-request.2 should 693 7601a411c393
iommu.driver.probe-request.3 should 695 fd493976b7e1
iommu.driver.probe-request.4 should 698 e461edf356c8
iommu.driver.probe-request.5 must 700 9f34c8456644
iommu.driver.probe-request.6 should 703 1460a5e443e8
# 5.13.6.7.2 Device Requirements: PROBE request
iommu.device.probe-request.1 must 707 e89e88b602d2
iommu.device.probe-request.2 should 709 626b9f5804e1
iommu.device.probe-request.3 should 713 c481b7439752
iommu.device.probe-request.4 should 717 a25b5a350bfd
iommu.device.probe-request.5 must 719 76d832836a74
iommu.device.probe-request.6 must 722 278b44ea75e1
iommu.device.probe-request.7 should 726 d1cb140508cb
iommu.device.probe-request.8 should 727 afffd56243f7
iommu.device.probe-request.9 should 730 78e6022b5348
> device-types/iommu/description.tex Device Types / IOMMU Device / Device operations / PROBE properties / RESVMEM
# 5.13.6.8.1.1 Driver Requirements: Property RESV_MEM
iommu.driver.resvmem.1 should 776 d9004936079f
iommu.driver.resvmem.2 must 779 32860e090ec1
iommu.driver.resvmem.3 should 781 3d7ce66acc2d
# 5.13.6.8.1.2 Device Requirements: Property RESV_MEM
iommu.device.resvmem.1 should 786 dae9ea42d2ea
iommu.device.resvmem.2 should 788 7650377bde95
iommu.device.resvmem.3 should 791 123ac8a99a7e
iommu.device.resvmem.4 should 794 63f28c5ba323
iommu.device.resvmem.5 should 796 025d6a3b92b6
> device-types/iommu/description.tex Device Types / IOMMU Device / Device operations / Fault reporting
# 5.13.6.9.1 Driver Requirements: Fault reporting
iommu.driver.fault-reporting.1 must 856 caa0e14c980d
iommu.driver.fault-reporting.2 must 859 3c538eee8459
iommu.driver.fault-reporting.3 must 861 3ed4f62a37c1
iommu.driver.fault-reporting.4 should 863 6d4bee423ec7
# 5.13.6.9.2 Device Requirements: Fault reporting
iommu.device.fault-reporting.1 should 868 a2d66e0352eb
iommu.device.fault-reporting.2 should 870 8c59a5220826
iommu.device.fault-reporting.3 should 872 1c2a6ccaf495
iommu.device.fault-reporting.4 may 874 822f99b6d997
iommu.device.fault-reporting.5 should 877 dd4258886f93
iommu.device.fault-reporting.6 may 878 c258c04825dd
> device-types/media/description.tex Device Types / Media Device / Device Operation / Open device
# 5.22.6.1.3.1 Device Requirements: Device Operation: Open device
media.device.open-device.1 must 165 ae0a1bc2a1af
> device-types/media/description.tex Device Types / Media Device / Device Operation / Close device
# 5.22.6.1.4.1 Driver Requirements: Device Operation: Close device
media.driver.close-device.1 must 191 5b5b6169c830
> device-types/media/description.tex Device Types / Media Device / Device Operation / V4L2 ioctls
# 5.22.6.1.5.2 Device Requirements: Device Operation: V4L2 ioctls
media.device.v4l2-ioctls.1 must 270 ecaf10b2daa1
# 5.22.6.1.5.3 Driver Requirements: Device Operation: V4L2 ioctls
media.driver.v4l2-ioctls.1 must 281 c40a801925de
media.driver.v4l2-ioctls.2 must 284 007d6a6a1fe4
> device-types/media/description.tex Device Types / Media Device / Device Operation / Pointers in V4l2 ioctls
# 5.22.6.1.5.5 Device Requirements: Handling of pointers to data in ioctl payload
media.device.pointers-in-v4l2-ioctls.1 must 309 d6570d76d53f
> device-types/media/description.tex Device Types / Media Device / Device Operation / Unsupported ioctls
# 5.22.6.1.5.8 Device Requirements: Device Operation: Unsupported ioctls
media.device.unsupported-ioctls.1 must 369 0edaddd74100
> device-types/media/description.tex Device Types / Media Device / Device Operation / Mapping a MMAP buffer
# 5.22.6.1.6.1 Device Requirements: Device Operation: Mapping a MMAP buffer
media.device.mapping-a-mmap-buffer.1 must 419 ee368f51c001
> device-types/media/description.tex Device Types / Media Device / Device Operation / Unmapping a MMAP buffer
# 5.22.6.1.7.1 Device Requirements: Device Operation: Unmapping a MMAP buffer
media.device.unmapping-a-mmap-buffer.1 must 448 1b1ed10b6857
> device-types/media/description.tex Device Types / Media Device / Device Operation / Shared Pages
# 5.22.6.1.8.3 Device Requirements: Device Operation: Shared Pages
media.device.shared-pages.1 must 491 eb2288e0ca74
> device-types/media/description.tex Device Types / Media Device / Device Operation / Virtio Object
# 5.22.6.1.8.5 Device Requirements: Device Operation: Virtio Object
media.device.virtio-object.1 must 523 991363ff2f23
> device-types/media/description.tex Device Types / Media Device / Device Operation / Device-side error
# 5.22.6.2.2.1 Device Requirements: Device Operation: Device-side error
media.device.device-side-error.1 must 574 2b93476cbdd9
# 5.22.6.2.2.2 Driver Requirements: Device Operation: Device-side error
media.driver.device-side-error.1 must 580 97aa87bd4f05
> device-types/media/description.tex Device Types / Media Device / Device Operation / Dequeue buffer
# 5.22.6.2.3.1 Driver Requirements: Device Operation: Dequeue buffer
media.driver.dequeue-buffer.1 must 617 b692f0f092d6
> device-types/mem/description.tex Device Types / Memory Device / Device configuration layout
# 5.15.4.1 Driver Requirements: Device configuration layout
mem.driver.device-configuration-layout.1 must 107 750b86b043da
mem.driver.device-configuration-layout.2 must 109 9bb986c3b2f1
mem.driver.device-configuration-layout.3 must 111 313294a33d42
# 5.15.4.2 Device Requirements: Device configuration layout
mem.device.device-configuration-layout.1 may 116 953ae79e3d6e
mem.device.device-configuration-layout.2 must 119 785cb2a2bdd1
mem.device.device-configuration-layout.3 must 122 71b164f93732
mem.device.device-configuration-layout.4 must 125 b940c03f0f04
mem.device.device-configuration-layout.5 must 128 75babac9671c
mem.device.device-configuration-layout.6 must 130 7b781c7cb629
mem.device.device-configuration-layout.7 must 134 71e7586ad469
mem.device.device-configuration-layout.8 must 136 a90d5b2c2f70
mem.device.device-configuration-layout.9 must 139 3db400262306
mem.device.device-configuration-layout.10 should 143 7780a13e1ca0
mem.device.device-configuration-layout.11 may 146 191ead58bcc7
> device-types/mem/description.tex Device Types / Memory Device / Device Initialization
# 5.15.5.1 Driver Requirements: Device Initialization
mem.driver.device-initialization.1 should 163 f41e2d95cc69
mem.driver.device-initialization.2 should 166 efa987df253d
# 5.15.5.2 Device Requirements: Device Initialization
mem.device.device-initialization.1 may 171 ef5dfa60c822
mem.device.device-initialization.2 must 174 9d74e7f20506
mem.device.device-initialization.3 must 176 db0ae7c4c563
mem.device.device-initialization.4 should 179 b6085ecd6c40
> device-types/mem/description.tex Device Types / Memory Device / Device Operation
# 5.15.6.1 Driver Requirements: Device Operation
mem.driver.device-operation.1 must 243 a2c3e8b410dc
mem.driver.device-operation.2 must 246 46eb32caab35
mem.driver.device-operation.3 must 249 07ef4977989e
mem.driver.device-operation.4 should 252 18b1b85a87af
mem.driver.device-operation.5 must 256 18afc04d964d
mem.driver.device-operation.6 must 259 1c393d5db904
mem.driver.device-operation.7 should 262 5df8213919cb
mem.driver.device-operation.8 should 265 30fa6db01a1c
mem.driver.device-operation.9 should 269 f09ba09b9a1c
mem.driver.device-operation.10 may 271 d1be8ab540d1
mem.driver.device-operation.11 must 276 e7ad16d9ba8c
# 5.15.6.2 Device Requirements: Device Operation
mem.device.device-operation.1 must 281 eb4b2d3ada27
mem.device.device-operation.2 may 285 c30c2a3270f7
mem.device.device-operation.3 must 288 5df689b6af7c
mem.device.device-operation.4 must 291 af4e9c236257
mem.device.device-operation.5 must 294 96b460c4faa9
mem.device.device-operation.6 may 300 c37191074a29
mem.device.device-operation.7 should 302 b1a739cb867f
mem.device.device-operation.8 must 304 b2802731b499
> device-types/mem/description.tex Device Types / Memory Device / Device Operation / PLUG request
# 5.15.6.3.1 Driver Requirements: PLUG request
mem.driver.plug-request.1 must 329 8846a25a4bcf
# 5.15.6.3.2 Device Requirements: PLUG request
mem.device.plug-request.1 must 333 7f67a1d6fc3e
mem.device.plug-request.2 must 336 408828bc2e39
mem.device.plug-request.3 must 339 f207fe6237eb
mem.device.plug-request.4 must 344 6c48f24ad91b
mem.device.plug-request.5 may 347 3ef766505c09
mem.device.plug-request.6 must 350 aad20f3e6f1a
mem.device.plug-request.7 must 351 57f40b0b2776
> device-types/mem/description.tex Device Types / Memory Device / Device Operation / UNPLUG request
# 5.15.6.4.1 Driver Requirements: UNPLUG request
mem.driver.unplug-request.1 must 375 8846a25a4bcf
# 5.15.6.4.2 Device Requirements: UNPLUG request
mem.device.unplug-request.1 must 379 7f67a1d6fc3e
mem.device.unplug-request.2 must 382 408828bc2e39
mem.device.unplug-request.3 must 385 f207fe6237eb
mem.device.unplug-request.4 must 390 daee4fbffbe0
mem.device.unplug-request.5 may 393 3ef766505c09
mem.device.unplug-request.6 must 396 f5cb1dd2553f
mem.device.unplug-request.7 must 397 57f40b0b2776
> device-types/mem/description.tex Device Types / Memory Device / Device Operation / UNPLUG ALL request
# 5.15.6.5.1 Driver Requirements: UNPLUG request
mem.driver.unplug-all-request.1 must 412 6cdc5a521a0d
# 5.15.6.5.2 Device Requirements: UNPLUG request
mem.device.unplug-all-request.1 must 416 fae58b7edde0
mem.device.unplug-all-request.2 must 418 408828bc2e39
mem.device.unplug-all-request.3 may 421 3ef766505c09
mem.device.unplug-all-request.4 must 424 f5cb1dd2553f
mem.device.unplug-all-request.5 must 427 92f8c2e86c02
mem.device.unplug-all-request.6 may 430 45a7c350db46
> device-types/mem/description.tex Device Types / Memory Device / Device Operation / STATE request
# 5.15.6.6.1 Driver Requirements: STATE request
mem.driver.state-request.1 must 468 ff98f7ee5639
mem.driver.state-request.2 must 471 e747de205bac
# 5.15.6.6.2 Device Requirements: STATE request
mem.device.state-request.1 must 476 7f67a1d6fc3e
mem.device.state-request.2 must 479 408828bc2e39
mem.device.state-request.3 must 482 f207fe6237eb
mem.device.state-request.4 must 487 e847be68a0f4
mem.device.state-request.5 must 490 c4fbcc3f2dd3
mem.device.state-request.6 must 491 c329e2ad2803
mem.device.state-request.7 must 493 7d13f3baadd5
> device-types/net/description.tex Device Types / Network Device / Feature bits
# 5.1.3 Feature bits
net.prose.feature-bits.1 should 146 a2de813f7b25
> device-types/net/description.tex Device Types / Network Device / Device configuration layout
# 5.1.4.1 Device Requirements: Device configuration layout
net.device.device-configuration-layout.1 must 281 58acc5207779
net.device.device-configuration-layout.2 must 284 54fa9a8f2f14
net.device.device-configuration-layout.3 should 287 76158d6e44e5
net.device.device-configuration-layout.4 must 290 9c8efc812790
net.device.device-configuration-layout.5 must 292 aaf1bd682843
net.device.device-configuration-layout.6 must 296 280212bcfae9
net.device.device-configuration-layout.7 must 301 400a2d1139f3
net.device.device-configuration-layout.8 must 304 376327a5d06b
net.device.device-configuration-layout.9 may 307 fd2b4b99bd80
net.device.device-configuration-layout.10 must 310 a40ed8126c84
net.device.device-configuration-layout.11 must 314 3f030e42c89f
net.device.device-configuration-layout.12 should 318 d40b7fff5c70
net.device.device-configuration-layout.13 should 323 3d5c892924d6
net.device.device-configuration-layout.14 should 326 dde503cabb8b
# 5.1.4.2 Driver Requirements: Device configuration layout
net.driver.device-configuration-layout.1 must 331 547be5342ec5
net.driver.device-configuration-layout.2 should 333 c7b4ed25ccb0
net.driver.device-configuration-layout.3 must 334 97e4a167cfec
net.driver.device-configuration-layout.4 should 335 200ab9edabb9
net.driver.device-configuration-layout.5 should 339 69eff5a582cf
net.driver.device-configuration-layout.6 should 343 d6d8bce80b94
net.driver.device-configuration-layout.7 must 345 fa1750be9928
net.driver.device-configuration-layout.8 must 349 e0199e57a9b3
net.driver.device-configuration-layout.9 should 353 9a4e2ea3e1dc
net.driver.device-configuration-layout.10 must 355 05f90651e895
net.driver.device-configuration-layout.11 should 360 5193bf481f41
net.driver.device-configuration-layout.12 should 364 5137dd0c4515
net.driver.device-configuration-layout.13 should 367 ce51961508bf
> device-types/net/description.tex Device Types / Network Device / Device configuration layout / Legacy Interface: Device configuration layout
# 5.1.4.3 Legacy Interface: Device configuration layout
net.legacy.legacy-interface-device-configuration-layout.1 must 371 d8af61d1ca30
> device-types/net/description.tex Device Types / Network Device / Device Operation / Legacy Interface: Device Operation
# 5.1.9.1 Legacy Interface: Device Operation
net.legacy.legacy-interface-device-operation.1 must 639 e0b379772531
net.legacy.legacy-interface-device-operation.2 should 648 121c0b8a574b
> device-types/net/description.tex Device Types / Network Device / Device Operation / Packet Transmission
# 5.1.9.2 Packet Transmission
net.prose.packet-transmission.1 may 666 10f0a8472c03
net.prose.packet-transmission.2 must 669 c719131a1bd6
# 5.1.9.2.1 Driver Requirements: Packet Transmission
net.driver.packet-transmission.1 must 796 c123e8349ce8
net.driver.packet-transmission.2 must 799 3e08868536b4
net.driver.packet-transmission.3 must 801 3a52f0c1328c
net.driver.packet-transmission.4 may 805 2f2bb7493317
net.driver.packet-transmission.5 must 810 2ffbb90791a7
net.driver.packet-transmission.6 must 815 cfdaec0f1b00
net.driver.packet-transmission.7 must 820 4b28ac9d0566
net.driver.packet-transmission.8 must 825 a27e9cf14ec3
net.driver.packet-transmission.9 must 830 187470b3aa11
net.driver.packet-transmission.10 must 836 1cee7b3057f4
net.driver.packet-transmission.11 must 844 faa6ed4e202e
net.driver.packet-transmission.12 must 849 b8ebde74f993
net.driver.packet-transmission.13 must 857 c2933a00cafe
net.driver.packet-transmission.14 must 862 5cfa54800c38
net.driver.packet-transmission.15 must 866 6f7431833552
net.driver.packet-transmission.16 must 869 e8a9b8b787f1
net.driver.packet-transmission.17 may 873 05a10869e194
net.driver.packet-transmission.18 must 877 53292a02d0a2
net.driver.packet-transmission.19 must 887 1c356c0235bc
net.driver.packet-transmission.20 must 889 ac6416cc9f08
net.driver.packet-transmission.21 must 897 587f589843b3
net.driver.packet-transmission.22 must 901 62e1bfa2a3a4
net.driver.packet-transmission.23 must 909 c0693f6a9440
net.driver.packet-transmission.24 should 917 3d0194906369
net.driver.packet-transmission.25 may 924 c85fa50b298f
net.driver.packet-transmission.26 must 928 54b12f958423
net.driver.packet-transmission.27 must 934 a4c28b8e5e39
net.driver.packet-transmission.28 must 947 a39acaf15bd7
net.driver.packet-transmission.29 must 951 bbe90b316bb6
net.driver.packet-transmission.30 must 967 d6b7d9430348
net.driver.packet-transmission.31 must 971 587cd429efa0
net.driver.packet-transmission.32 should 975 cb4076f39514
net.driver.packet-transmission.33 must 978 6cf6dd9719d4
net.driver.packet-transmission.34 must 981 f618d0aeb52a
net.driver.packet-transmission.35 must 988 877d2d394c5f
net.driver.packet-transmission.36 must 990 79302114e39f
# 5.1.9.2.2 Device Requirements: Packet Transmission
net.device.packet-transmission.1 must 995 306b56846f55
net.device.packet-transmission.2 must 997 e982a6c9f8f5
net.device.packet-transmission.3 may 1000 3c0dd440bb34
net.device.packet-transmission.4 must 1002 b4b2787f52d7
net.device.packet-transmission.5 may 1008 c727afb93cff
net.device.packet-transmission.6 may 1017 b71f04291970
net.device.packet-transmission.7 must 1021 679de469b10c
net.device.packet-transmission.8 must 1028 de7e520886b1
net.device.packet-transmission.9 must 1032 f718252adc02
net.device.packet-transmission.10 must 1045 08ddbf80342e
net.device.packet-transmission.11 must 1052 6ecea2374eae
net.device.packet-transmission.12 must 1055 0cee12875ba0
> device-types/net/description.tex Device Types / Network Device / Device Operation / Setting Up Receive Buffers
# 5.1.9.3.1 Driver Requirements: Setting Up Receive Buffers
net.driver.setting-up-receive-buffers.1 should 1092 9af263cb4cc4
net.driver.setting-up-receive-buffers.2 should 1096 be44cce1f868
net.driver.setting-up-receive-buffers.3 must 1100 a84fd98cbe9e
net.driver.setting-up-receive-buffers.4 must 1109 bcf9e593811e
net.driver.setting-up-receive-buffers.5 should 1115 6afd3605473a
# 5.1.9.3.2 Device Requirements: Setting Up Receive Buffers
net.device.setting-up-receive-buffers.1 must 1120 d5896527348b
net.device.setting-up-receive-buffers.2 must 1123 a91657230845
> device-types/net/description.tex Device Types / Network Device / Device Operation / Processing of Incoming Packets
# 5.1.9.4 Processing of Incoming Packets
net.prose.processing-of-incoming-packets.1 may 1165 974718132fb7
net.prose.processing-of-incoming-packets.2 may 1177 2ca84736fc9e
net.prose.processing-of-incoming-packets.3 may 1202 25b2144239a2
# 5.1.9.4.1 Device Requirements: Processing of Incoming Packets
net.device.processing-of-incoming-packets.1 must 1236 00c6d2f5975a
net.device.processing-of-incoming-packets.2 must 1239 f338de41235b
net.device.processing-of-incoming-packets.3 must 1243 54786299a53f
net.device.processing-of-incoming-packets.4 must 1248 5478a78dda01
net.device.processing-of-incoming-packets.5 must 1252 c23a3459c3fb
net.device.processing-of-incoming-packets.6 must 1256 0d88e11eb978
net.device.processing-of-incoming-packets.7 must 1259 b418d993fd1d
net.device.processing-of-incoming-packets.8 must 1262 f6bbc3ca85fd
net.device.processing-of-incoming-packets.9 must 1265 1bf527d29d24
net.device.processing-of-incoming-packets.10 must 1268 9b7797b58f29
net.device.processing-of-incoming-packets.11 must 1272 6c60e7120cb3
net.device.processing-of-incoming-packets.12 must 1275 1bade371e4b4
net.device.processing-of-incoming-packets.13 may 1281 a77ea32ef8af
net.device.processing-of-incoming-packets.14 must 1283 129ed7df8dd7
net.device.processing-of-incoming-packets.15 may 1286 f158b5ab381e
net.device.processing-of-incoming-packets.16 must 1290 a19e79eaf99b
net.device.processing-of-incoming-packets.17 must 1293 ec3c1dd56863
net.device.processing-of-incoming-packets.18 must 1295 7cf18280f750
net.device.processing-of-incoming-packets.19 must 1303 36c03f460545
net.device.processing-of-incoming-packets.20 must 1312 9fcda6c3246a
net.device.processing-of-incoming-packets.21 must 1316 9a6a208d93a2
net.device.processing-of-incoming-packets.22 must 1320 504521a208cb
net.device.processing-of-incoming-packets.23 must 1323 41dcda7bf0ed
net.device.processing-of-incoming-packets.24 must 1328 a12558b33bea
net.device.processing-of-incoming-packets.25 should 1331 fe77e9e15d9e
net.device.processing-of-incoming-packets.26 must 1338 40f1c47218fe
net.device.processing-of-incoming-packets.27 must 1348 1fd1dc420897
net.device.processing-of-incoming-packets.28 must 1353 5726f2be4bf7
net.device.processing-of-incoming-packets.29 must 1360 d6b5dd7a633a
net.device.processing-of-incoming-packets.30 must 1367 85ea9d9e30d9
net.device.processing-of-incoming-packets.31 must 1368 56188b18709a
net.device.processing-of-incoming-packets.32 must 1369 1db74255b73b
net.device.processing-of-incoming-packets.33 must 1372 bb1574376996
net.device.processing-of-incoming-packets.34 must 1373 56188b18709a
net.device.processing-of-incoming-packets.35 must 1374 50d516caeaa4
net.device.processing-of-incoming-packets.36 must 1377 fff7ca44c70c
# 5.1.9.4.2 Driver Requirements: Processing of Incoming Packets
net.driver.processing-of-incoming-packets.1 must 1386 b9ff3652bcf0
net.driver.processing-of-incoming-packets.2 may 1388 4a1b5cb0cf4b
net.driver.processing-of-incoming-packets.3 must 1390 d98717574496
net.driver.processing-of-incoming-packets.4 must 1392 e6862e9b5795
net.driver.processing-of-incoming-packets.5 may 1396 b051847ed8a1
net.driver.processing-of-incoming-packets.6 must 1399 dee96013ba61
net.driver.processing-of-incoming-packets.7 must 1404 1af65a1c333f
net.driver.processing-of-incoming-packets.8 must 1408 72c547c6d070
net.driver.processing-of-incoming-packets.9 must 1412 c6dbbf3d24e7
net.driver.processing-of-incoming-packets.10 must 1425 b7483df96f12
> device-types/net/description.tex Hash calculation for incoming packets
# 5.1.9.4.3 Hash calculation for incoming packets
net.prose.hash-calculation-for-incoming-packets.1 must 1466 567e36d6efd3
net.prose.hash-calculation-for-incoming-packets.2 must 1469 294eb9eae599
net.prose.hash-calculation-for-incoming-packets.3 must 1471 693a22c72892
> device-types/net/description.tex Device Types / Network Device / Device Operation / Control Virtqueue / Inner Header Hash
# 5.1.9.4.4.4 Device Requirements: Inner Header Hash
net.device.inner-header-hash.1 must 1666 143230744f03
net.device.inner-header-hash.2 should 1669 d9a3c5209b93
net.device.inner-header-hash.3 must 1672 f2e5354bf4fc
# 5.1.9.4.4.5 Driver Requirements: Inner Header Hash
net.driver.inner-header-hash.1 must 1677 8106fd7ab6ab
net.driver.inner-header-hash.2 must 1679 c1ebf6748071
net.driver.inner-header-hash.3 must 1681 9b9340cf22c2
> device-types/net/description.tex Device Types / Network Device / Device Operation / Control Virtqueue / Packet Receive Filtering
# 5.1.9.5.1.1 Device Requirements: Packet Receive Filtering
net.device.packet-receive-filtering.1 must 1769 05001a93ed1c
net.device.packet-receive-filtering.2 should 1775 81d3e8fac025
net.device.packet-receive-filtering.3 should 1777 cc8b8d855158
net.device.packet-receive-filtering.4 should 1781 7065e34bb863
net.device.packet-receive-filtering.5 must 1785 46601b51eb1b
net.device.packet-receive-filtering.6 should 1791 ea9fe729edb4
net.device.packet-receive-filtering.7 should 1796 a7504969a9b9
net.device.packet-receive-filtering.8 should 1798 3306b804e7f1
net.device.packet-receive-filtering.9 should 1799 74d55ca0dd12
net.device.packet-receive-filtering.10 should 1803 29664f2e2740
net.device.packet-receive-filtering.11 should 1805 f10fc6533f7a
net.device.packet-receive-filtering.12 should 1809 80245319e1f7
net.device.packet-receive-filtering.13 should 1811 3306b804e7f1
# 5.1.9.5.1.2 Driver Requirements: Packet Receive Filtering
net.driver.packet-receive-filtering.1 must 1816 ed44adb8677a
net.driver.packet-receive-filtering.2 must 1820 ee2c6f0279ae
> device-types/net/description.tex Device Types / Network Device / Device Operation / Control Virtqueue / Setting MAC Address Filtering
# 5.1.9.5.2.1 Device Requirements: Setting MAC Address Filtering
net.device.setting-mac-address-filtering.1 must 1863 a399e81a7fdd
net.device.setting-mac-address-filtering.2 must 1865 8df47938c4fb
net.device.setting-mac-address-filtering.3 must 1868 130dc15b22c4
net.device.setting-mac-address-filtering.4 should 1872 941bcb741c06
# 5.1.9.5.2.2 Driver Requirements: Setting MAC Address Filtering
net.driver.setting-mac-address-filtering.1 must 1878 aa58c830cf35
net.driver.setting-mac-address-filtering.2 should 1881 5080ab864e60
net.driver.setting-mac-address-filtering.3 must 1885 767f2e76fb74
net.driver.setting-mac-address-filtering.4 may 1888 571d4aa45534
> device-types/net/description.tex Device Types / Network Device / Device Operation / Control Virtqueue / Setting MAC Address Filtering / Legacy Interface: Setting MAC Address Filtering
# 5.1.9.5.2.3 Legacy Interface: Setting MAC Address Filtering
net.legacy.legacy-interface-setting-mac-address-filtering.1 must 1891 ee4e011a3442
net.legacy.legacy-interface-setting-mac-address-filtering.2 may 1898 a873b88fdec9
> device-types/net/description.tex Device Types / Network Device / Device Operation / Control Virtqueue / VLAN Filtering
# 5.1.9.5.3.1 Device Requirements: VLAN Filtering
net.device.vlan-filtering.1 must 1935 8addf8147a4a
net.device.vlan-filtering.2 must 1938 82723870addb
> device-types/net/description.tex Device Types / Network Device / Device Operation / Control Virtqueue / VLAN Filtering / Legacy Interface: VLAN Filtering
# 5.1.9.5.3.2 Legacy Interface: VLAN Filtering
net.legacy.legacy-interface-vlan-filtering.1 must 1944 6303d29e63f9
> device-types/net/description.tex Device Types / Network Device / Device Operation / Control Virtqueue / Gratuitous Packet Sending
# 5.1.9.5.4.1 Driver Requirements: Gratuitous Packet Sending
net.driver.gratuitous-packet-sending.1 should 1983 3d9f74c09970
net.driver.gratuitous-packet-sending.2 must 1985 9cc88d898478
# 5.1.9.5.4.2 Device Requirements: Gratuitous Packet Sending
net.device.gratuitous-packet-sending.1 must 1990 6febc4c9f8cc
> device-types/net/description.tex Device Types / Network Device / Device Operation / Control Virtqueue / Device operation in multiqueue mode
# 5.1.9.5.5 Device operation in multiqueue mode
net.prose.device-operation-in-multiqueue-mode.1 may 1997 94d9f76b4445
net.prose.device-operation-in-multiqueue-mode.2 may 2005 be3438a19cdb
net.prose.device-operation-in-multiqueue-mode.3 may 2005 45add4b1a04f
> device-types/net/description.tex Device Types / Network Device / Device Operation / Control Virtqueue / Automatic receive steering in multiqueue mode
# 5.1.9.5.6 Automatic receive steering in multiqueue mode
net.prose.automatic-receive-steering-in-multiqueue-mode.1 may 2021 221ed46c399e
net.prose.automatic-receive-steering-in-multiqueue-mode.2 may 2026 7b037649b0d2
net.prose.automatic-receive-steering-in-multiqueue-mode.3 must 2041 02cc4eaedf59
net.prose.automatic-receive-steering-in-multiqueue-mode.4 should 2043 50c3135c7909
net.prose.automatic-receive-steering-in-multiqueue-mode.5 may 2045 9bf0dd6161e3
# 5.1.9.5.6.1 Driver Requirements: Automatic receive steering in multiqueue mode
net.driver.automatic-receive-steering-in-multiqueue-mode.1 must 2054 ea6c38f8fa93
net.driver.automatic-receive-steering-in-multiqueue-mode.2 must 2057 05174e6127ea
net.driver.automatic-receive-steering-in-multiqueue-mode.3 must 2060 7c3c7c1aa71e
net.driver.automatic-receive-steering-in-multiqueue-mode.4 must 2063 e155c74335f2
# 5.1.9.5.6.2 Device Requirements: Automatic receive steering in multiqueue mode
net.device.automatic-receive-steering-in-multiqueue-mode.1 must 2068 2070687dd938
net.device.automatic-receive-steering-in-multiqueue-mode.2 must 2070 a0a3794da097
net.device.automatic-receive-steering-in-multiqueue-mode.3 should 2074 629ab65b729f
net.device.automatic-receive-steering-in-multiqueue-mode.4 must 2075 61b5031bb503
> device-types/net/description.tex Device Types / Network Device / Device Operation / Control Virtqueue / Automatic receive steering in multiqueue mode / Legacy Interface: Automatic receive steering in multiqueue mode
# 5.1.9.5.6.3 Legacy Interface: Automatic receive steering in multiqueue mode
net.legacy.legacy-interface-automatic-receive-steering-in-m.1 must 2079 178ae269204f
> device-types/net/description.tex Device Types / Network Device / Device Operation / Control Virtqueue / Automatic receive steering in multiqueue mode / Hash calculation
# 5.1.9.5.6.4 Hash calculation
net.prose.hash-calculation.1 must 2085 17af5817fa85
net.prose.hash-calculation.2 must 2106 e32a5896d917
> device-types/net/description.tex Device Types / Network Device / Device Operation / Control Virtqueue / Receive-side scaling (RSS) 
# 5.1.9.5.7.2 Driver Requirements: Setting RSS parameters
net.driver.receive-side-scaling-rss.1 must 2160 9cc8f19ce4ad
net.driver.receive-side-scaling-rss.2 must 2162 97380584bf21
net.driver.receive-side-scaling-rss.3 must 2165 8edadd7eea64
net.driver.receive-side-scaling-rss.4 must 2167 4ed34941e822
net.driver.receive-side-scaling-rss.5 must 2169 516833d085e5
> device-types/net/description.tex Device Types / Network Device / Device Operation / Control Virtqueue / Receive-side scaling (RSS) / RSS processing
# 5.1.9.5.7.3 Device Requirements: RSS processing
net.device.rss-processing.1 must 2172 df2e1a4e98d4
net.device.rss-processing.2 must 2179 ce718e43b849
> device-types/net/description.tex Device Types / Network Device / Device Operation / Control Virtqueue / RSS Context
# 5.1.9.5.8.3 Device Requirements: RSS Context
net.device.rss-context.1 must 2252 0f75d2077fd7
net.device.rss-context.2 must 2254 b8d9870b96c1
# 5.1.9.5.8.4 Driver Requirements: RSS Context
net.driver.rss-context.1 must 2258 9c8c6916aebb
net.driver.rss-context.2 must 2260 3f822fda99e9
net.driver.rss-context.3 must 2262 f717bc814859
> device-types/net/description.tex Device Types / Network Device / Device Operation / Control Virtqueue / Offloads State Configuration / Setting Offloads State
# 5.1.9.5.9.2 Driver Requirements: Setting Offloads State
net.driver.setting-offloads-state.1 must 2303 5b1aa9189c7f
> device-types/net/description.tex Device Types / Network Device / Device Operation / Control Virtqueue / Offloads State Configuration / Setting Offloads State / Legacy Interface: Setting Offloads State
# 5.1.9.5.9.3 Legacy Interface: Setting Offloads State
net.legacy.legacy-interface-setting-offloads-state.1 must 2307 6fe7089f1cd1
> device-types/net/description.tex Device Types / Network Device / Device Operation / Control Virtqueue / Notifications Coalescing
# 5.1.9.5.10.5 Driver Requirements: Notifications Coalescing
net.driver.notifications-coalescing.1 must 2433 31fd4b4bd2ea
net.driver.notifications-coalescing.2 must 2435 83258291ed75
net.driver.notifications-coalescing.3 must 2437 5c84c74151d7
net.driver.notifications-coalescing.4 must 2439 7801dd9933e5
# 5.1.9.5.10.6 Device Requirements: Notifications Coalescing
net.device.notifications-coalescing.1 must 2443 68fb1fe2b9b8
net.device.notifications-coalescing.2 should 2445 68ffc264a6ae
net.device.notifications-coalescing.3 must 2447 032d00dae349
net.device.notifications-coalescing.4 must 2449 fe81ca0228e3
net.device.notifications-coalescing.5 must 2452 c3c37d3e04ee
net.device.notifications-coalescing.6 must 2455 6275f487fc80
net.device.notifications-coalescing.7 may 2458 4581afd9f49b
net.device.notifications-coalescing.8 should 2461 15c6a3df4c2f
net.device.notifications-coalescing.9 must 2463 41826335913d
> device-types/net/description.tex Device Types / Network Device / Device Operation / Control Virtqueue / Device Statistics
# 5.1.9.5.11.12 Device Requirements: Device Statistics
net.device.device-statistics.1 must 2919 35d3d788ab9d
net.device.device-statistics.2 must 2924 cee4a06f04af
net.device.device-statistics.3 must 2925 5f5aa46a34e8
net.device.device-statistics.4 must 2936 001b0daf5cbf
net.device.device-statistics.5 must 2937 c94e7a9de566
net.device.device-statistics.6 must 2942 91221c2e25d7
net.device.device-statistics.7 must 2945 85febade2341
# 5.1.9.5.11.13 Driver Requirements: Device Statistics
net.driver.device-statistics.1 must 2950 e390c29b027f
net.driver.device-statistics.2 must 2953 66f63875ed46
net.driver.device-statistics.3 must 2956 1b95670a005d
> device-types/net/description.tex Device Types / Network Device / Device Operation / Flow filter
# 5.1.9.6.4 Device Requirements: Flow filter
net.device.flow-filter.1 must 3380 2bbc16380878
net.device.flow-filter.2 must 3383 dfba8c13bdd4
net.device.flow-filter.3 should 3391 28ebdfcd8670
net.device.flow-filter.4 should 3400 ed63e70ea049
net.device.flow-filter.5 should 3405 44e2de6b70f4
net.device.flow-filter.6 should 3411 813ab81a6c52
net.device.flow-filter.7 should 3417 962f04a5288f
net.device.flow-filter.8 should 3421 e7e271f85d7c
net.device.flow-filter.9 should 3425 a9215a459ab9
net.device.flow-filter.10 must 3439 7e5d53d7d0b0
net.device.flow-filter.11 must 3443 f2b55666a75e
net.device.flow-filter.12 must 3446 ffd720805eaf
net.device.flow-filter.13 must 3447 b4c685be7e5d
net.device.flow-filter.14 must 3448 6d18a4b43c63
net.device.flow-filter.15 must 3453 ed6b12f7fec3
net.device.flow-filter.16 must 3455 d165b68ec73f
net.device.flow-filter.17 may 3458 56d0c9c4c405
net.device.flow-filter.18 must 3461 c7100643fa45
net.device.flow-filter.19 must 3472 c8073ae80b59
net.device.flow-filter.20 must 3475 fc1aff1a4baa
net.device.flow-filter.21 must 3484 eefd3646c1a6
# 5.1.9.6.5 Driver Requirements: Flow filter
net.driver.flow-filter.1 must 3493 90c98514606f
net.driver.flow-filter.2 should 3496 0303e8d68391
net.driver.flow-filter.3 should 3498 c4c2d3c34231
net.driver.flow-filter.4 should 3501 1ea19d66518d
net.driver.flow-filter.5 should 3503 cf47cb9c96be
net.driver.flow-filter.6 should 3506 595de5312a35
net.driver.flow-filter.7 should 3508 f75f4287c4d0
net.driver.flow-filter.8 must 3512 d3b0e75989d6
net.driver.flow-filter.9 must 3522 d3b0e75989d6
net.driver.flow-filter.10 must 3532 04223c0d84a3
net.driver.flow-filter.11 must 3539 f5f921b786c1
net.driver.flow-filter.12 should 3546 c9d5858b910a
> device-types/net/description.tex Packet processing order
# 5.1.9.7.1 Packet processing order
net.prose.packet-processing-order.1 should 3579 ee576d9293f2
> device-types/net/description.tex Device Types / Network Device / Device Operation / IPsec Operation
# 5.1.9.7.4 Device Requirements: IPsec Operation
net.device.ipsec-operation.1 must 3609 a23219ab7553
net.device.ipsec-operation.2 must 3611 9bdc4ea03def
net.device.ipsec-operation.3 must 3618 e45a98fd2052
net.device.ipsec-operation.4 must 3626 f8b40abed74c
net.device.ipsec-operation.5 must 3631 c994de9d0409
net.device.ipsec-operation.6 must 3639 ff0f0fc3f933
net.device.ipsec-operation.7 should 3647 94e7c92eb4df
net.device.ipsec-operation.8 must 3650 58c62d1df099
net.device.ipsec-operation.9 may 3655 9c6cf1255371
net.device.ipsec-operation.10 must 3660 804e32426c7d
# 5.1.9.7.5 Driver Requirements: IPsec Operation
net.driver.ipsec-operation.1 must 3664 f3ee4e185c8e
net.driver.ipsec-operation.2 must 3667 f6f7b7852818
net.driver.ipsec-operation.3 must 3671 33e17354727a
net.driver.ipsec-operation.4 must 3675 72eb5a5d3f18
net.driver.ipsec-operation.5 must 3678 15212f4dc03e
net.driver.ipsec-operation.6 should 3682 0a384dd8461a
net.driver.ipsec-operation.7 must 3684 1f749c461b89
> device-types/net/description.tex Legacy Interface: Framing Requirements
# 5.1.9.8 Legacy Interface: Framing Requirements
net.legacy.legacy-interface-framing-requirements.1 must 3691 1e1d64acd069
net.legacy.legacy-interface-framing-requirements.2 must 3696 34d991252e77
net.legacy.legacy-interface-framing-requirements.3 must 3706 eabf3c0983b1
> device-types/pmem/description.tex Device Types / PMEM Device / Device Initialization
# 5.19.5.1 Device Requirements: Device Initialization
pmem.device.device-initialization.1 must 63 fb4eec2a9f88
pmem.device.device-initialization.2 must 64 3b792bbc01e3
pmem.device.device-initialization.3 should 65 dfeefa3a9620
pmem.device.device-initialization.4 must 67 f9e7f1d9cf1d
pmem.device.device-initialization.5 must 68 46a17272b531
# 5.19.5.2 Driver Requirements: Device Initialization
pmem.driver.device-initialization.1 must 74 dbaac0e5eff2
pmem.driver.device-initialization.2 must 78 36a4d85f68a3
> device-types/pmem/description.tex Device Types / PMEM Device / Device Operation / Virtqueue flush
# 5.19.7.1 Device Requirements: Device Operation: Virtqueue flush
pmem.device.virtqueue-flush.1 must 102 fb12a905bac4
> device-types/pmem/description.tex Device Types / PMEM Device / Device Operation / Virtqueue return
# 5.19.7.3 Device Requirements: Device Operation: Virtqueue return
pmem.device.virtqueue-return.1 must 115 c12ea0ad3249
> device-types/rpmb/description.tex Device Types / RPMB Device / Device configuration layout
# 5.12.4 Device configuration layout
rpmb.prose.device-configuration-layout.1 must 37 2c5cb3fa169e
> device-types/rpmb/description.tex Device Types / RPMB Device / Device Initialization
# 5.12.5 Device Requirements: Device Initialization
rpmb.device.device-initialization.1 must 47 4b1e477f22c9
> device-types/rpmb/description.tex Device Types / RPMB Device / Device Operation / Device Operation: Program Key
# 5.12.6.1.1 Device Requirements: Device Operation: Program Key
rpmb.device.device-operation-program-key.1 should 175 f1e6b51db3a3
rpmb.device.device-operation-program-key.2 should 179 8594475d1ec1
rpmb.device.device-operation-program-key.3 should 182 573e4c9014a4
rpmb.device.device-operation-program-key.4 should 185 7701991e632a
rpmb.device.device-operation-program-key.5 should 188 f9fc8482ccdd
> device-types/rpmb/description.tex Device Types / RPMB Device / Device Operation / Device Operation: Get Write Counter
# 5.12.6.1.2 Device Requirements: Device Operation: Get Write Counter
rpmb.device.device-operation-get-write-counter.1 should 193 3fc7df40386e
rpmb.device.device-operation-get-write-counter.2 should 196 4b11fc83bd38
rpmb.device.device-operation-get-write-counter.3 should 199 8681d1239038
> device-types/rpmb/description.tex Device Types / RPMB Device / Device Operation / Device Operation: Data Write
# 5.12.6.1.3 Device Requirements: Device Operation: Data Write
rpmb.device.device-operation-data-write.1 should 203 a41b12cc0c33
rpmb.device.device-operation-data-write.2 should 208 f00405ab6bb7
rpmb.device.device-operation-data-write.3 should 211 bc50d8ab52fb
rpmb.device.device-operation-data-write.4 must 214 1cd86c15dce7
rpmb.device.device-operation-data-write.5 should 215 e6e2f9446a4d
rpmb.device.device-operation-data-write.6 should 218 0cc7827a6a45
rpmb.device.device-operation-data-write.7 must 221 bac13d6976e8
rpmb.device.device-operation-data-write.8 should 222 d87a8fd4ac57
rpmb.device.device-operation-data-write.9 should 225 92d59989c4a8
rpmb.device.device-operation-data-write.10 should 229 6fbf2c2b0558
rpmb.device.device-operation-data-write.11 should 232 537409168ee0
rpmb.device.device-operation-data-write.12 should 234 6e65594ec588
rpmb.device.device-operation-data-write.13 should 237 35a7563f41a8
> device-types/rpmb/description.tex Device Types / RPMB Device / Device Operation / Device Operation: Data Read
# 5.12.6.1.4 Device Requirements: Device Operation: Data Read
rpmb.device.device-operation-data-read.1 should 243 e45b29778567
rpmb.device.device-operation-data-read.2 should 246 6c980932fc42
rpmb.device.device-operation-data-read.3 should 249 0cc7827a6a45
rpmb.device.device-operation-data-read.4 should 252 c908d68b1982
rpmb.device.device-operation-data-read.5 should 255 cbe7d3f72e21
rpmb.device.device-operation-data-read.6 should 258 db79c890a656
> device-types/rpmb/description.tex Device Types / RPMB Device / Device Operation / Device Operation: Result Read
# 5.12.6.1.5 Device Requirements: Device Operation: Result Read
rpmb.device.device-operation-result-read.1 should 263 06af68b975b5
> device-types/rpmb/description.tex Device Types / RPMB Device / Device Operation
# 5.12.6.2 Driver Requirements: Device Operation
rpmb.driver.device-operation.1 must 268 a6254c4480e6
rpmb.driver.device-operation.2 must 269 8ad8d5fc396d
# 5.12.6.3 Device Requirements: Device Operation
rpmb.device.device-operation.1 should 273 bdaaf677f7b5
rpmb.device.device-operation.2 must 278 205c0aab5f22
rpmb.device.device-operation.3 must 280 e5ae0dc1a10c
rpmb.device.device-operation.4 must 282 a39788ee17bf
rpmb.device.device-operation.5 must 282 4fcf08d9ae31
rpmb.device.device-operation.6 must 286 a5e7cbf435d3
rpmb.device.device-operation.7 must 288 799f253cd3de
> device-types/rtc/description.tex Device Types / RTC Device / Feature bits
# 5.23.3.1 Device Requirements: Feature bits
rtc.device.feature-bits.1 should 37 d237037162a4
> device-types/rtc/description.tex Device Types / RTC Device / Device Operation
# 5.23.6.1 Driver Requirements: Device Operation
rtc.driver.device-operation.1 must 120 4816fffebcce
rtc.driver.device-operation.2 must 124 3a3a6e00e0ac
rtc.driver.device-operation.3 must 127 186dedf7d1d9
rtc.driver.device-operation.4 must 130 7efffd5b1475
rtc.driver.device-operation.5 must 133 ae71103e78f2
rtc.driver.device-operation.6 must 137 44e2d9d04596
# 5.23.6.2 Device Requirements: Device Operation
rtc.device.device-operation.1 must 142 275d28206d1b
rtc.device.device-operation.2 must 146 caba0840087b
rtc.device.device-operation.3 must 150 5a9e99a7236f
rtc.device.device-operation.4 must 154 291bbf210179
rtc.device.device-operation.5 must 159 b2e87ddc1c98
rtc.device.device-operation.6 must 164 d3f6368cc711
rtc.device.device-operation.7 must 168 34feaaaca4ca
rtc.device.device-operation.8 must 174 bb614825edb2
rtc.device.device-operation.9 must 179 2008026a17af
rtc.device.device-operation.10 must 185 7b012dcfbe31
rtc.device.device-operation.11 must 189 87e6ad48aadb
rtc.device.device-operation.12 must 193 6f09df563eff
rtc.device.device-operation.13 must 197 9e13c0b22e52
rtc.device.device-operation.14 must 201 808b56b09a5a
rtc.device.device-operation.15 must 204 0d47d9341c62
rtc.device.device-operation.16 must 207 96ee52ae7c4e
rtc.device.device-operation.17 should 212 a28e970a1b02
rtc.device.device-operation.18 must 219 2dc46d2c986d
> device-types/rtc/description.tex Device Types / RTC Device / Device Operation / Control Requests
# 5.23.6.4.1 Driver Requirements: Control Requests
rtc.driver.control-requests.1 must 455 c9439a9e87c8
# 5.23.6.4.2 Device Requirements: Control Requests
rtc.device.control-requests.1 must 461 87513be53961
rtc.device.control-requests.2 must 464 e0726a55ee75
rtc.device.control-requests.3 must 468 6fea4b173f2b
rtc.device.control-requests.4 must 471 239f8b1693ba
rtc.device.control-requests.5 must 474 48b71a15f090
rtc.device.control-requests.6 must 479 6dd45c09f5bf
rtc.device.control-requests.7 must 484 6ac628655afd
rtc.device.control-requests.8 must 487 2879bd23bebe
rtc.device.control-requests.9 must 491 efccf535450d
rtc.device.control-requests.10 must 495 d5caf2b43d47
rtc.device.control-requests.11 must 499 80c6a7240b5a
rtc.device.control-requests.12 must 503 1e1341f83250
rtc.device.control-requests.13 must 507 76398a3c1a28
rtc.device.control-requests.14 must 511 51f91d4cddc5
rtc.device.control-requests.15 must 515 58eb9627a98a
rtc.device.control-requests.16 may 519 fcd6446536d5
rtc.device.control-requests.17 must 522 09f986419c43
rtc.device.control-requests.18 must 525 5faff1d61432
rtc.device.control-requests.19 must 528 bc68f652f664
rtc.device.control-requests.20 must 531 cb95473227bf
rtc.device.control-requests.21 must 534 06f803ba9334
rtc.device.control-requests.22 must 538 7ad73f6a2312
rtc.device.control-requests.23 should 544 669d9310fba5
> device-types/rtc/description.tex Device Types / RTC Device / Device Operation / Read Requests
# 5.23.6.5.1 Driver Requirements: Read Requests
rtc.driver.read-requests.1 must 668 c8cb5181e475
# 5.23.6.5.2 Device Requirements: Read Requests
rtc.device.read-requests.1 should 674 b2f5e0530a7f
rtc.device.read-requests.2 must 677 e8d7c187da1e
rtc.device.read-requests.3 must 683 02f13375d405
rtc.device.read-requests.4 must 687 7686f225c1a5
rtc.device.read-requests.5 must 694 09466d81ef31
rtc.device.read-requests.6 must 696 92deecbf0cee
rtc.device.read-requests.7 must 700 562be5501520
rtc.device.read-requests.8 must 703 059766a7fd35
rtc.device.read-requests.9 should 709 d5166157d693
rtc.device.read-requests.10 must 713 e1d939ffa5ff
rtc.device.read-requests.11 must 719 573fb2f8fd0f
rtc.device.read-requests.12 must 731 428603fdc8c6
rtc.device.read-requests.13 must 735 4ebf738d1c57
> device-types/rtc/description.tex Device Types / RTC Device / Device Operation / Alarm Operation
# 5.23.6.6.1 Device Requirements: Alarm Operation
rtc.device.alarm-operation.1 may 848 45ce9ba7f203
rtc.device.alarm-operation.2 must 851 8f1f95531641
rtc.device.alarm-operation.3 must 854 8e39c9694890
rtc.device.alarm-operation.4 must 857 8a86c4d79e08
rtc.device.alarm-operation.5 must 862 2b6040e27c30
rtc.device.alarm-operation.6 must 865 303e93600c08
rtc.device.alarm-operation.7 must 869 63034f6aae48
rtc.device.alarm-operation.8 must 874 45a72af411f3
rtc.device.alarm-operation.9 must 878 64a1a368db5e
rtc.device.alarm-operation.10 must 882 3492a5853ece
rtc.device.alarm-operation.11 must 887 688c717a82b6
rtc.device.alarm-operation.12 must 890 9151a7389031
rtc.device.alarm-operation.13 may 894 cb6cb548ccc4
rtc.device.alarm-operation.14 may 897 31ebcb035926
rtc.device.alarm-operation.15 may 900 829632a09532
rtc.device.alarm-operation.16 must 903 443937809b7f
rtc.device.alarm-operation.17 may 908 3b2978b910b8
rtc.device.alarm-operation.18 may 913 41211bad08ff
rtc.device.alarm-operation.19 may 916 0165bcceaf62
> device-types/rtc/description.tex Device Types / RTC Device / Device Operation / Alarm Operation / Alarm Control Requests
# 5.23.6.6.2.1 Driver Requirements: Alarm Control Requests
rtc.driver.alarm-control-requests.1 must 1015 86cfd85d06b3
# 5.23.6.6.2.2 Device Requirements: Alarm Control Requests
rtc.device.alarm-control-requests.1 must 1021 325360d1570a
rtc.device.alarm-control-requests.2 must 1025 906770c86770
rtc.device.alarm-control-requests.3 must 1029 f837bf47cd4a
rtc.device.alarm-control-requests.4 must 1032 934049031ab1
rtc.device.alarm-control-requests.5 must 1036 8cb7405bb1aa
rtc.device.alarm-control-requests.6 must 1040 3faa169be4f0
rtc.device.alarm-control-requests.7 must 1043 7936bed43901
rtc.device.alarm-control-requests.8 must 1047 ed93edff66e0
rtc.device.alarm-control-requests.9 must 1051 8883cb92d0a0
rtc.device.alarm-control-requests.10 must 1055 1fb385925885
rtc.device.alarm-control-requests.11 must 1059 0239ae5aff9f
rtc.device.alarm-control-requests.12 must 1063 a369420ca145
> device-types/rtc/description.tex Device Types / RTC Device / Device Operation / Alarm Operation / Alarm Notifications
# 5.23.6.6.3.1 Driver Requirements: Alarm Notifications
rtc.driver.alarm-notifications.1 should 1104 3397513909a9
rtc.driver.alarm-notifications.2 must 1107 f6d06ec20332
rtc.driver.alarm-notifications.3 should 1110 e9e226d66720
# 5.23.6.6.3.2 Device Requirements: Alarm Notifications
rtc.device.alarm-notifications.1 must 1116 a400b12a33a2
> device-types/scmi/description.tex Device Types / SCMI Device / Feature bits
# 5.17.3.1 Device Requirements: Feature bits
scmi.device.feature-bits.1 must 63 4e2079e58133
scmi.device.feature-bits.2 must 66 773403bf15dd
> device-types/scmi/description.tex Device Types / SCMI Device / Device Operation / cmdq Operation
# 5.17.6.1.1 Device Requirements: cmdq Operation
scmi.device.cmdq-operation.1 may 142 ab578f5efde1
scmi.device.cmdq-operation.2 must 144 c98483d98057
scmi.device.cmdq-operation.3 must 147 3d64674ef069
scmi.device.cmdq-operation.4 should 151 446675e8a69b
scmi.device.cmdq-operation.5 must 155 9b2cf4488cb9
scmi.device.cmdq-operation.6 must 159 1f74b0e70fa2
# 5.17.6.1.2 Driver Requirements: cmdq Operation
scmi.driver.cmdq-operation.1 must 165 18b4466073b4
scmi.driver.cmdq-operation.2 must 169 88ea078fa104
scmi.driver.cmdq-operation.3 must 173 35b21d1fef23
> device-types/scmi/description.tex Device Types / SCMI Device / Device Operation / Setting Up eventq Buffers
# 5.17.6.2.1 Driver Requirements: Setting Up eventq Buffers
scmi.driver.setting-up-eventq-buffers.1 should 182 7ed6fbced15d
scmi.driver.setting-up-eventq-buffers.2 must 185 0f43ec5df347
scmi.driver.setting-up-eventq-buffers.3 must 187 697fa496ca17
> device-types/scmi/description.tex Device Types / SCMI Device / Device Operation / eventq Operation
# 5.17.6.3.1 Device Requirements: eventq Operation
scmi.device.eventq-operation.1 may 216 1d61c96ebc99
scmi.device.eventq-operation.2 may 220 892afd715a29
scmi.device.eventq-operation.3 may 223 5736587afdf1
scmi.device.eventq-operation.4 may 227 4f4611b3de91
scmi.device.eventq-operation.5 must 231 9844f98b56c2
scmi.device.eventq-operation.6 must 235 978cc6da6b30
> device-types/scmi/description.tex Device Types / SCMI Device / Device Operation / Shared Memory Operation
# 5.17.6.4.1 Device Requirements: Shared Memory Operation
scmi.device.shared-memory-operation.1 may 246 94cf1e529f3e
scmi.device.shared-memory-operation.2 must 250 f52097aae102
> device-types/scsi/description.tex Device Types / SCSI Host Device / Feature bits
# 5.6.3 Feature bits
scsi.prose.feature-bits.1 should 42 35cc21b77d21
scsi.prose.feature-bits.2 should 44 3d85ac29606a
scsi.prose.feature-bits.3 should 46 53b114cc16d2
> device-types/scsi/description.tex Device Types / SCSI Host Device / Device configuration layout
# 5.6.4 Device configuration layout
scsi.prose.device-configuration-layout.1 may 75 dd90fd78965b
scsi.prose.device-configuration-layout.2 must 94 c0daf64e111d
scsi.prose.device-configuration-layout.3 must 99 8e542377362c
scsi.prose.device-configuration-layout.4 should 106 46daa77c6aa9
scsi.prose.device-configuration-layout.5 should 107 cc651a61fdb0
scsi.prose.device-configuration-layout.6 should 107 aaa75d6429ab
# 5.6.4.1 Driver Requirements: Device configuration layout
scsi.driver.device-configuration-layout.1 must 113 468257b94068
scsi.driver.device-configuration-layout.2 must 116 82d30af5921f
# 5.6.4.2 Device Requirements: Device configuration layout
scsi.device.device-configuration-layout.1 must 122 d98432fbd525
> device-types/scsi/description.tex Device Types / SCSI Host Device / Device configuration layout / Legacy Interface: Device configuration layout
# 5.6.4.3 Legacy Interface: Device configuration layout
scsi.legacy.legacy-interface-device-configuration-layout.1 must 126 e68fe3fd0b29
> device-types/scsi/description.tex Device Types / SCSI Host Device / Device Initialization
# 5.6.5 Device Requirements: Device Initialization
scsi.device.device-initialization.1 should 133 0365b31041fe
scsi.device.device-initialization.2 should 136 1d686c796693
scsi.device.device-initialization.3 may 139 812704475ea0
> device-types/scsi/description.tex Legacy Interface: Device Operation
# 5.6.6.0.1 Legacy Interface: Device Operation
scsi.legacy.legacy-interface-device-operation.1 should 150 63171541375b
> device-types/scsi/description.tex Device Types / SCSI Host Device / Device Operation / Device Operation: Request Queues
# 5.6.6.1 Device Operation: Request Queues
scsi.prose.device-operation-request-queues.1 should 221 257a9ce90066
scsi.prose.device-operation-request-queues.2 may 228 c02010f7566b
scsi.prose.device-operation-request-queues.3 may 233 7b3cd06485ef
scsi.prose.device-operation-request-queues.4 may 234 89ceb2bb4d37
scsi.prose.device-operation-request-queues.5 should 236 bbfb053e3032
# 5.6.6.1.1 Device Requirements: Device Operation: Request Queues
scsi.device.device-operation-request-queues.1 must 288 23463ddc183c
scsi.device.device-operation-request-queues.2 must 291 45f3d73522a0
scsi.device.device-operation-request-queues.3 must 333 f4186083edba
# 5.6.6.1.2 Driver Requirements: Device Operation: Request Queues
scsi.driver.device-operation-request-queues.1 should 338 33c4b6c90463
scsi.driver.device-operation-request-queues.2 should 340 b755dd56647f
> device-types/scsi/description.tex Device Types / SCSI Host Device / Device Operation / Device Operation: Request Queues / Legacy Interface: Device Operation: Request Queues
# 5.6.6.1.3 Legacy Interface: Device Operation: Request Queues
scsi.legacy.legacy-interface-device-operation-request-queues.1 must 344 73ce321deab5
> device-types/scsi/description.tex Device Types / SCSI Host Device / Device Operation / Device Operation: controlq
# 5.6.6.2 Device Operation: controlq
scsi.prose.device-operation-controlq.1 must 425 b82aaccdd21c
scsi.prose.device-operation-controlq.2 must 428 38f5132e1143
scsi.prose.device-operation-controlq.3 must 431 c0f5cd774758
> device-types/scsi/description.tex Device Types / SCSI Host Device / Device Operation / Device Operation: controlq / Legacy Interface: Device Operation: controlq
# 5.6.6.2.1 Legacy Interface: Device Operation: controlq
scsi.legacy.legacy-interface-device-operation-controlq.1 must 504 677b93ba29ea
> device-types/scsi/description.tex Device Types / SCSI Host Device / Device Operation / Device Operation: eventq
# 5.6.6.3 Device Operation: eventq
scsi.prose.device-operation-eventq.1 may 553 5d066e92aaca
scsi.prose.device-operation-eventq.2 may 559 30426be873c1
scsi.prose.device-operation-eventq.3 may 597 cdc97898106c
scsi.prose.device-operation-eventq.4 should 651 1f8664f6b01d
# 5.6.6.3.1 Driver Requirements: Device Operation: eventq
scsi.driver.device-operation-eventq.1 should 666 1924eed9e329
scsi.driver.device-operation-eventq.2 must 666 73d740a24a1a
scsi.driver.device-operation-eventq.3 should 671 05449effc6e9
scsi.driver.device-operation-eventq.4 should 676 8d4569cf5d91
# 5.6.6.3.2 Device Requirements: Device Operation: eventq
scsi.device.device-operation-eventq.1 must 684 4d02acbcde98
scsi.device.device-operation-eventq.2 must 688 a89719a0e7af
scsi.device.device-operation-eventq.3 must 692 9072a46d96c7
> device-types/scsi/description.tex Device Types / SCSI Host Device / Device Operation / Device Operation: eventq / Legacy Interface: Device Operation: eventq
# 5.6.6.3.3 Legacy Interface: Device Operation: eventq
scsi.legacy.legacy-interface-device-operation-eventq.1 must 695 f57549ba048d
> device-types/scsi/description.tex Legacy Interface: Framing Requirements
# 5.6.6.4 Legacy Interface: Framing Requirements
scsi.legacy.legacy-interface-framing-requirements.1 must 703 5d991417cb1f
> device-types/sound/description.tex Device Types / Sound Device / Device Initialization
# 5.14.5.1 Driver Requirements: Device Initialization
sound.driver.device-initialization.1 must 92 b5819698d9c0
sound.driver.device-initialization.2 must 94 3f88eacdcaef
sound.driver.device-initialization.3 must 96 41de34448fe7
> device-types/sound/description.tex Device Types / Sound Device / Item Information Request
# 5.14.6.2 Driver Requirements: Item Information Request
sound.driver.item-information-request.1 must 257 0c448bc980f1
sound.driver.item-information-request.2 must 260 5ad39959d86a
> device-types/sound/description.tex Device Types / Sound Device / Device Operation / Jack Information
# 5.14.6.4.1.1 Device Requirements: Jack Information
sound.device.jack-information.1 must 340 15c07678de0a
sound.device.jack-information.2 must 341 a431b49fa698
> device-types/sound/description.tex Device Types / Sound Device / Device Operation / PCM Stream Information
# 5.14.6.6.2.1 Device Requirements: Stream Information
sound.device.pcm-stream-information.1 must 551 f19958955c66
sound.device.pcm-stream-information.2 must 553 a431b49fa698
> device-types/sound/description.tex Device Types / Sound Device / Device Operation / PCM Stream Parameters
# 5.14.6.6.3 VIRTIO_SND_R_PCM_SET_PARAMS
sound.prose.pcm-stream-parameters.1 must 585 95b59fb52faa
sound.prose.pcm-stream-parameters.2 must 587 ddbcdbf50c1a
# 5.14.6.6.3.1 Device Requirements: Stream Parameters
sound.device.pcm-stream-parameters.1 must 603 6d89fb226dd5
# 5.14.6.6.3.2 Driver Requirements: Stream Parameters
sound.driver.pcm-stream-parameters.1 must 610 54ef386ffa84
sound.driver.pcm-stream-parameters.2 must 611 b6757d5d8b6a
sound.driver.pcm-stream-parameters.3 must 612 eb911def65ba
sound.driver.pcm-stream-parameters.4 must 614 44a130f2348d
sound.driver.pcm-stream-parameters.5 must 616 3a58f9b5678b
sound.driver.pcm-stream-parameters.6 must 618 b0668f0055bd
sound.driver.pcm-stream-parameters.7 must 619 f6e65b273cc5
> device-types/sound/description.tex Device Types / Sound Device / Device Operation / PCM Stream Release
# 5.14.6.6.5.1 Device Requirements: Stream Release
sound.device.pcm-stream-release.1 must 635 1110d9955a1f
sound.device.pcm-stream-release.2 must 637 d6bf7ec76c7a
> device-types/sound/description.tex Device Types / Sound Device / Device Operation / PCM Output Stream
# 5.14.6.8.1.1 Device Requirements: Output Stream
sound.device.pcm-output-stream.1 must 715 02af56f7b520
# 5.14.6.8.1.2 Driver Requirements: Output Stream
sound.driver.pcm-output-stream.1 should 722 1df44f67a06b
sound.driver.pcm-output-stream.2 must 724 a97e25533cd1
> device-types/sound/description.tex Device Types / Sound Device / Device Operation / PCM Input Stream
# 5.14.6.8.2.1 Device Requirements: Input Stream
sound.device.pcm-input-stream.1 must 740 395e2162d0da
# 5.14.6.8.2.2 Driver Requirements: Input Stream
sound.driver.pcm-input-stream.1 should 747 8ab9e736d4fa
sound.driver.pcm-input-stream.2 must 749 e638227b13fa
> device-types/sound/description.tex Device Types / Sound Device / Device Operation / Channel Map Information
# 5.14.6.9.1.1 Device Requirements: Channel Map Information
sound.device.channel-map-information.1 must 830 4dca6c9b6165
sound.device.channel-map-information.2 must 831 b82cc7fc642d
> device-types/sound/description.tex Device Types / Sound Device / Device Operation / Control Element Information
# 5.14.6.10.1.1 Device Requirements: Control Element Information
sound.device.control-element-information.1 must 997 0be59deea74e
sound.device.control-element-information.2 must 999 1a7514747868
sound.device.control-element-information.3 must 1009 ee8ff036ad4a
sound.device.control-element-information.4 must 1011 895dd9ad3f26
> device-types/sound/description.tex Device Types / Sound Device / Device Operation / Control Element Value
# 5.14.6.10.2.1 Driver Requirements: Control Element Value
sound.driver.control-element-value.1 must 1075 0b0bd804c138
sound.driver.control-element-value.2 must 1076 c48487f86cb3
> device-types/sound/description.tex Device Types / Sound Device / Device Operation / Control Element Metadata
# 5.14.6.10.3.1 Device Requirements: Control Element Metadata
sound.device.control-element-metadata.1 should 1129 480396e6877b
# 5.14.6.10.3.2 Driver Requirements: Control Element Metadata
sound.driver.control-element-metadata.1 must 1136 cd59f93907ba
sound.driver.control-element-metadata.2 must 1138 4b5b3c901385
sound.driver.control-element-metadata.3 must 1140 d96565e6434f
sound.driver.control-element-metadata.4 must 1142 159599e123a3
> device-types/sound/description.tex Device Types / Sound Device / Device Operation / Control Element Notifications
# 5.14.6.10.4.1 Device Requirements: Control Element Notifications
sound.device.control-element-notifications.1 must 1180 befb613cf7b3
> device-types/spi/description.tex Device Types / SPI Controller Device / Device Operation
# 5.21.6.3 Driver Requirements: Device Operation
spi.driver.device-operation.1 must 257 0f8810f90eae
spi.driver.device-operation.2 must 260 a41a8edded8f
spi.driver.device-operation.3 must 263 bfc94c84d095
spi.driver.device-operation.4 must 267 60accb68a477
spi.driver.device-operation.5 must 270 e660a53a0c14
# 5.21.6.4 Device Requirements: Device Operation
spi.device.device-operation.1 must 275 3c96f20ed60e
spi.device.device-operation.2 must 278 93fe920e0bb4
spi.device.device-operation.3 must 280 861626ee42ef
spi.device.device-operation.4 must 284 4081cf939425
spi.device.device-operation.5 must 285 4d7604a8fb9c
> device-types/vsock/description.tex Device Types / Socket Device / Feature bits
# 5.10.3.1 Driver Requirements: Feature bits
vsock.driver.feature-bits.1 should 27 53972dce40d3
vsock.driver.feature-bits.2 should 30 eb33c98ad7aa
vsock.driver.feature-bits.3 may 33 969e0469afc0
# 5.10.3.2 Device Requirements: Feature bits
vsock.device.feature-bits.1 should 39 f859043aa80a
vsock.device.feature-bits.2 should 41 1af14b5a8159
vsock.device.feature-bits.3 may 44 30c298eab7c2
> device-types/vsock/description.tex Device Types / Socket Device / Device Operation / Virtqueue Flow Control
# 5.10.6.1.1 Driver Requirements: Device Operation: Virtqueue Flow Control
vsock.driver.virtqueue-flow-control.1 must 158 1117db458bb5
# 5.10.6.1.2 Device Requirements: Device Operation: Virtqueue Flow Control
vsock.device.virtqueue-flow-control.1 must 162 0bc5cf61a3c9
> device-types/vsock/description.tex Device Types / Socket Device / Device Operation / Buffer Space Management
# 5.10.6.3.1 Driver Requirements: Device Operation: Buffer Space Management
vsock.driver.buffer-space-management.1 must 207 790ddc99df7f
vsock.driver.buffer-space-management.2 must 210 db2d32e38703
# 5.10.6.3.2 Device Requirements: Device Operation: Buffer Space Management
vsock.device.buffer-space-management.1 must 214 790ddc99df7f
vsock.device.buffer-space-management.2 must 217 db2d32e38703
> device-types/vsock/description.tex Device Types / Socket Device / Device Operation / Receive and Transmit
# 5.10.6.4.1 Driver Requirements: Device Operation: Receive and Transmit
vsock.driver.receive-and-transmit.1 must 236 11deed41758b
vsock.driver.receive-and-transmit.2 must 239 1cd8a0a1af2a
# 5.10.6.4.2 Device Requirements: Device Operation: Receive and Transmit
vsock.device.receive-and-transmit.1 must 244 dfee5aba8eef
vsock.device.receive-and-transmit.2 must 246 1cd8a0a1af2a
> device-types/vsock/description.tex Device Types / Socket Device / Device Operation / Device Events
# 5.10.6.7.1 Driver Requirements: Device Operation: Device Events
vsock.driver.device-events.1 should 326 7bce83ac12b4
vsock.driver.device-events.2 must 329 d47c64a325b9
vsock.driver.device-events.3 must 332 b1a3a5b6abaa
vsock.driver.device-events.4 must 335 2fd5ceec765f
> introduction.tex Terminology
# 1.3 Terminology
introduction.prose.terminology.1 must 201 656d2ef6dc5d
> introduction.tex Legacy Interface: Terminology
# 1.3.1 Legacy Interface: Terminology
introduction.legacy.legacy-interface-terminology.1 may 213 2137f12d2431
introduction.legacy.legacy-interface-terminology.2 may 217 68c6b6dcec6b
introduction.legacy.legacy-interface-terminology.3 may 233 5048d3ee0bf4
introduction.legacy.legacy-interface-terminology.4 may 242 33686961de5b
> packed-ring.tex Basic Facilities of a Virtio Device / Packed Virtqueues
# 2.8.11 Driver Requirements: Virtqueues
packed-ring.driver.packed-virtqueues.1 must 392 1fddce68542a
# 2.8.12 Device Requirements: Virtqueues
packed-ring.device.packed-virtqueues.1 must 397 eba0b7d87052
packed-ring.device.packed-virtqueues.2 must 399 34f93ed291b6
packed-ring.device.packed-virtqueues.3 may 401 0bb0e97ae39c
> packed-ring.tex Basic Facilities of a Virtio Device / Packed Virtqueues / The Virtqueue Descriptor Table
# 2.8.15 Device Requirements: The Virtqueue Descriptor Table
packed-ring.device.the-virtqueue-descriptor-table.1 must 447 6b591d6d97a3
packed-ring.device.the-virtqueue-descriptor-table.2 must 449 ae2ad4327545
packed-ring.device.the-virtqueue-descriptor-table.3 must 452 ac50df855b31
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
# 2.8.18 Device Requirements: Scatter-Gather Support
packed-ring.device.scatter-gather-support.1 must 490 37d5ddd25ae3
packed-ring.device.scatter-gather-support.2 may 494 f096bb0d643a
> packed-ring.tex Basic Facilities of a Virtio Device / Packed Virtqueues / The Virtqueue Descriptor Table / Indirect Descriptors
# 2.8.19 Driver Requirements: Indirect Descriptors
packed-ring.driver.indirect-descriptors.1 must 498 910f618ac788
packed-ring.driver.indirect-descriptors.2 must 499 8205e9218dad
packed-ring.driver.indirect-descriptors.3 must 502 6a6502091049
packed-ring.driver.indirect-descriptors.4 must 505 157d7f9a1462
> packed-ring.tex Basic Facilities of a Virtio Device / Virtqueues / Supplying Buffers to The Device / Placing Available Buffers Into The Descriptor Ring
# 2.8.21.1 Placing Available Buffers Into The Descriptor Ring
packed-ring.prose.placing-available-buffers-into-the-descriptor-ri.1 may 559 0ee80504a4ea
packed-ring.prose.placing-available-buffers-into-the-descriptor-ri.2 may 567 2f172ac352e3
> packed-ring.tex Basic Facilities of a Virtio Device / Packed Virtqueues / Supplying Buffers to The Device / Updating flags
# 2.8.21.1.1 Driver Requirements: Updating flags
packed-ring.driver.updating-flags.1 must 572 747f1dd685a2
> packed-ring.tex Sending Available Buffer Notifications
# 2.8.21.2 Sending Available Buffer Notifications
packed-ring.prose.sending-available-buffer-notifications.1 may 581 ea88f7fa7457
> packed-ring.tex Basic Facilities of a Virtio Device / Packed Virtqueues / Supplying Buffers to The Device / Implementation Example
# 2.8.21.3.1 Driver Requirements: Sending Available Buffer Notifications
packed-ring.prose.implementation-example.1 must 649 7c0d53cc110e
> packed-ring.tex Basic Facilities of a Virtio Device / Packed Virtqueues / Receiving Used Buffers From The Device
# 2.8.22 Receiving Used Buffers From The Device
packed-ring.prose.receiving-used-buffers-from-the-device.1 may 666 4c5e20e2536a
> shared-mem.tex Basic Facilities of a Virtio Device / Shared Memory Regions
# 2.10.2 Device Requirements: Shared Memory Regions
shared-mem.device.shared-memory-regions.1 must 38 7d69cbfeffba
> split-ring.tex Basic Facilities of a Virtio Device / Virtqueues
# 2.7.1 Driver Requirements: Virtqueues
split-ring.driver.virtqueues.1 must 61 1fddce68542a
> split-ring.tex Basic Facilities of a Virtio Device / Virtqueues / Legacy Interfaces: A Note on Virtqueue Layout
# 2.7.2 Legacy Interfaces: A Note on Virtqueue Layout
split-ring.legacy.legacy-interfaces-a-note-on-virtqueue-layout.1 must 83 1a850d3bc971
split-ring.legacy.legacy-interfaces-a-note-on-virtqueue-layout.2 must 99 2cec82752926
> split-ring.tex Basic Facilities of a Virtio Device / Virtqueues / Legacy Interfaces: A Note on Virtqueue Endianness
# 2.7.3 Legacy Interfaces: A Note on Virtqueue Endianness
split-ring.legacy.legacy-interfaces-a-note-on-virtqueue-endianness.1 must 121 8532defe9bf9
> split-ring.tex Basic Facilities of a Virtio Device / Message Framing
# 2.7.4.1 Device Requirements: Message Framing
split-ring.device.message-framing.1 must 146 5816f744725f
split-ring.device.message-framing.2 may 147 2af99e8812c8
# 2.7.4.2 Driver Requirements: Message Framing
split-ring.driver.message-framing.1 must 151 429faf9053ce
split-ring.driver.message-framing.2 should 154 84df1c28e1f2
> split-ring.tex Basic Facilities of a Virtio Device / Virtqueues / The Virtqueue Descriptor Table
# 2.7.5.1 Device Requirements: The Virtqueue Descriptor Table
split-ring.device.the-virtqueue-descriptor-table.1 must 218 4db372516e7c
split-ring.device.the-virtqueue-descriptor-table.2 must 220 1c2bf2d8fa36
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
# 2.7.5.3.2 Device Requirements: Indirect Descriptors
split-ring.device.indirect-descriptors.1 must 282 914288e02dca
split-ring.device.indirect-descriptors.2 must 284 33849dbe0bf8
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
# 2.7.7.2 Device Requirements: Used Buffer Notification Suppression
split-ring.device.used-buffer-notification-suppression.1 must 360 de095b73c397
split-ring.device.used-buffer-notification-suppression.2 should 363 d2ea43471ce1
split-ring.device.used-buffer-notification-suppression.3 must 364 7d37b0ade19d
split-ring.device.used-buffer-notification-suppression.4 must 370 3a56e0bb4027
split-ring.device.used-buffer-notification-suppression.5 must 373 31daec303082
split-ring.device.used-buffer-notification-suppression.6 should 376 4da723e80ef4
> split-ring.tex Basic Facilities of a Virtio Device / Virtqueues / The Virtqueue Used Ring
# 2.7.8.2 Device Requirements: The Virtqueue Used Ring
split-ring.device.the-virtqueue-used-ring.1 must 456 8b8593484b34
split-ring.device.the-virtqueue-used-ring.2 must 458 baa343adc090
split-ring.device.the-virtqueue-used-ring.3 may 462 efc91577de4a
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
# 2.7.10.2 Device Requirements: Available Buffer Notification Suppression
split-ring.device.available-buffer-notification-suppression.1 must 543 67353a8d2bc0
split-ring.device.available-buffer-notification-suppression.2 may 544 1cfc704c7712
split-ring.device.available-buffer-notification-suppression.3 must 550 1e8c3364165d
split-ring.device.available-buffer-notification-suppression.4 may 551 c4e19039aabb
split-ring.device.available-buffer-notification-suppression.5 must 555 352e2b67a7df
> split-ring.tex Basic Facilities of a Virtio Device / Virtqueues / Supplying Buffers to The Device
# 2.7.13 Supplying Buffers to The Device
split-ring.prose.supplying-buffers-to-the-device.1 may 595 f22cb26513bb
> split-ring.tex Basic Facilities of a Virtio Device / Virtqueues / Supplying Buffers to The Device / Updating The Available Ring
# 2.7.13.2 Updating The Available Ring
split-ring.prose.updating-the-available-ring.1 may 655 cefae600c29f
split-ring.prose.updating-the-available-ring.2 may 662 7fc6574b7394
> split-ring.tex Updating \\field{idx
# 2.7.13.3 Updating idx
split-ring.prose.updating-field-idx.1 may 680 b03dcd6c60fa
> split-ring.tex Basic Facilities of a Virtio Device / Virtqueues / Supplying Buffers to The Device / Updating idx
# 2.7.13.3.1 Driver Requirements: Updating idx
split-ring.driver.updating-idx.1 must 685 e7e02b6d5db5
> split-ring.tex Basic Facilities of a Virtio Device / Virtqueues / Supplying Buffers to The Device / Notifying The Device
# 2.7.13.4 Notifying The Device
split-ring.prose.notifying-the-device.1 may 691 61e3f2a23a46
# 2.7.13.4.1 Driver Requirements: Notifying The Device
split-ring.driver.notifying-the-device.1 must 698 c188012f56d6
> split-ring.tex Basic Facilities of a Virtio Device / Virtqueues / Receiving Used Buffers From The Device
# 2.7.14 Receiving Used Buffers From The Device
split-ring.prose.receiving-used-buffers-from-the-device.1 may 711 f8ccffc1a482
> transport-ccw.tex Virtio Transport Options / Virtio over channel I/O / Basic Concepts
# 4.3.1.3 Device Requirements: Basic Concepts
transport-ccw.device.basic-concepts.1 must 126 579996630058
transport-ccw.device.basic-concepts.2 must 129 c2eb430079e5
transport-ccw.device.basic-concepts.3 must 133 6bd80c2f9730
transport-ccw.device.basic-concepts.4 should 135 936b415e809f
# 4.3.1.4 Driver Requirements: Basic Concepts
transport-ccw.driver.basic-concepts.1 must 141 a80a20e09a76
transport-ccw.driver.basic-concepts.2 should 144 efe7ad500940
> transport-ccw.tex Virtio Transport Options / Virtio over channel I/O / Device Initialization / Setting the Virtio Revision
# 4.3.2.1.1 Device Requirements: Setting the Virtio Revision
transport-ccw.device.setting-the-virtio-revision.1 must 189 3a37476c781a
transport-ccw.device.setting-the-virtio-revision.2 must 190 890a1565ac4a
transport-ccw.device.setting-the-virtio-revision.3 must 191 ff87d1f2d51e
transport-ccw.device.setting-the-virtio-revision.4 should 194 73ea05b5aab9
transport-ccw.device.setting-the-virtio-revision.5 must 198 16c5d612069a
transport-ccw.device.setting-the-virtio-revision.6 must 201 4efa09587c11
# 4.3.2.1.2 Driver Requirements: Setting the Virtio Revision
transport-ccw.driver.setting-the-virtio-revision.1 should 208 32b3db8892c9
transport-ccw.driver.setting-the-virtio-revision.2 must 211 145ec76b3e7b
transport-ccw.driver.setting-the-virtio-revision.3 must 214 de62fd7bae1c
> transport-ccw.tex Virtio Transport Options / Virtio over channel I/O / Device Initialization / Setting the Virtio Revision / Legacy Interfaces: A Note on Setting the Virtio Revision
# 4.3.2.1.3 Legacy Interfaces: A Note on Setting the Virtio Revision
transport-ccw.legacy.legacy-interfaces-a-note-on-setting-the-virtio-r.1 must 220 b1795146c74c
transport-ccw.legacy.legacy-interfaces-a-note-on-setting-the-virtio-r.2 must 221 cfd9899e1b2b
transport-ccw.legacy.legacy-interfaces-a-note-on-setting-the-virtio-r.3 must 225 490775fa9f33
transport-ccw.legacy.legacy-interfaces-a-note-on-setting-the-virtio-r.4 must 227 52c445f2da69
transport-ccw.legacy.legacy-interfaces-a-note-on-setting-the-virtio-r.5 must 228 aa5d6173b4a9
> transport-ccw.tex Virtio Transport Options / Virtio over channel I/O / Device Initialization / Configuring a Virtqueue
# 4.3.2.2.1 Device Requirements: Configuring a Virtqueue
transport-ccw.device.configuring-a-virtqueue.1 must 269 8b19913e8f87
> transport-ccw.tex Virtio Transport Options / Virtio over channel I/O / Device Initialization / Communicating Status Information
# 4.3.2.3.1 Driver Requirements: Communicating Status Information
transport-ccw.driver.communicating-status-information.1 must 305 a06ea8ed728b
transport-ccw.driver.communicating-status-information.2 should 310 9df5a0bd73fd
transport-ccw.driver.communicating-status-information.3 must 314 2d14b30e4da2
# 4.3.2.3.2 Device Requirements: Communicating Status Information
transport-ccw.device.communicating-status-information.1 must 319 44851dfa9280
transport-ccw.device.communicating-status-information.2 must 324 7a3056eef08a
> transport-ccw.tex Virtio Transport Options / Virtio over channel I/O / Device Initialization / Setting Up Indicators / Setting Up Classic Queue Indicators
# 4.3.2.6.1 Setting Up Classic Queue Indicators
transport-ccw.prose.setting-up-classic-queue-indicators.1 must 396 f8f3376ee029
> transport-ccw.tex Virtio Transport Options / Virtio over channel I/O / Device Initialization / Setting Up Indicators / Setting Up Two-Stage Queue Indicators
# 4.3.2.6.3 Setting Up Two-Stage Queue Indicators
transport-ccw.prose.setting-up-two-stage-queue-indicators.1 may 441 159f75192431
# 4.3.2.6.3.1 Device Requirements: Setting Up Two-Stage Queue Indicators
transport-ccw.device.setting-up-two-stage-queue-indicators.1 must 448 472ded97ed68
> transport-ccw.tex Virtio Transport Options / Virtio over channel I/O / Device Operation / Host->Guest Notification / Notification via Adapter I/O Interrupts
# 4.3.3.1.2.1 Device Requirements: Notification via Adapter I/O Interrupts
transport-ccw.device.notification-via-adapter-i-o-interrupts.1 should 512 ec941159f97c
# 4.3.3.1.2.2 Driver Requirements: Notification via Adapter I/O Interrupts
transport-ccw.driver.notification-via-adapter-i-o-interrupts.1 must 516 c0839156d935
> transport-ccw.tex Virtio Transport Options / Virtio over channel I/O / Device Operation / Guest->Host Notification
# 4.3.3.2.1 Device Requirements: Guest->Host Notification
transport-ccw.device.guest-host-notification.1 must 558 f62aee340451
transport-ccw.device.guest-host-notification.2 may 562 67d786e32667
# 4.3.3.2.2 Driver Requirements: Guest->Host Notification
transport-ccw.driver.guest-host-notification.1 should 567 e0f1a165a565
> transport-ccw.tex Virtio Transport Options / Virtio over channel I/O / Device Operation / Resetting Devices
# 4.3.3.3.1 Device Requirements: Resetting Devices
transport-ccw.device.resetting-devices.1 must 590 306776c970c9
transport-ccw.device.resetting-devices.2 must 594 0ea0d8ee1c10
# 4.3.3.3.2 Driver Requirements: Resetting Devices
transport-ccw.driver.resetting-devices.1 may 599 e23b92d20f17
> transport-mmio.tex Virtio Transport Options / Virtio Over MMIO / MMIO Device Register Layout
# 4.2.2.1 Device Requirements: MMIO Device Register Layout
transport-mmio.device.mmio-device-register-layout.1 must 263 92b2e4cd67ae
transport-mmio.device.mmio-device-register-layout.2 must 265 d6778791f01f
transport-mmio.device.mmio-device-register-layout.3 must 267 785e489efef9
transport-mmio.device.mmio-device-register-layout.4 must 269 ed125aff7d2b
transport-mmio.device.mmio-device-register-layout.5 must 272 d4558a049daf
transport-mmio.device.mmio-device-register-layout.6 must 275 168ac360ba8c
transport-mmio.device.mmio-device-register-layout.7 must 278 a382f68b1c70
transport-mmio.device.mmio-device-register-layout.8 must 280 81fb687bc9dd
transport-mmio.device.mmio-device-register-layout.9 must 283 e415b418691f
transport-mmio.device.mmio-device-register-layout.10 must 286 29846d67dbc8
transport-mmio.device.mmio-device-register-layout.11 must 286 55e1d8529335
transport-mmio.device.mmio-device-register-layout.12 must 288 36da81da26c8
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
> transport-pci.tex Virtio Transport Options / Virtio Over PCI Bus
# 4.1.1 Device Requirements: Virtio Over PCI Bus
transport-pci.device.virtio-over-pci-bus.1 must 13 974f7ce95bf7
> transport-pci.tex Virtio Transport Options / Virtio Over PCI Bus / PCI Device Discovery
# 4.1.2 PCI Device Discovery
transport-pci.prose.pci-device-discovery.1 may 26 9002716211bd
# 4.1.2.1 Device Requirements: PCI Device Discovery
transport-pci.device.pci-device-discovery.1 must 31 c3d5c38c03d7
transport-pci.device.pci-device-discovery.2 must 32 49a4b50f2018
transport-pci.device.pci-device-discovery.3 may 60 e14332f9b1dc
transport-pci.device.pci-device-discovery.4 should 63 53c2cbd1fb69
transport-pci.device.pci-device-discovery.5 should 65 9812c830a31c
transport-pci.device.pci-device-discovery.6 should 66 d11c6eb5db76
# 4.1.2.2 Driver Requirements: PCI Device Discovery
transport-pci.driver.pci-device-discovery.1 must 72 8ffe67b887a5
transport-pci.driver.pci-device-discovery.2 must 76 03e788c29fa0
transport-pci.driver.pci-device-discovery.3 must 83 03b7425f3c61
transport-pci.driver.pci-device-discovery.4 may 84 72d989a19045
> transport-pci.tex Virtio Transport Options / Virtio Over PCI Bus / PCI Device Discovery / Legacy Interfaces: A Note on PCI Device Discovery
# 4.1.2.3 Legacy Interfaces: A Note on PCI Device Discovery
transport-pci.legacy.legacy-interfaces-a-note-on-pci-device-discovery.1 must 88 e59f91c13be0
transport-pci.legacy.legacy-interfaces-a-note-on-pci-device-discovery.2 must 89 24f344e09f2a
transport-pci.legacy.legacy-interfaces-a-note-on-pci-device-discovery.3 must 91 13617cb8dfde
> transport-pci.tex Virtio Transport Options / Virtio Over PCI Bus / PCI Device Layout
# 4.1.3.1 Driver Requirements: PCI Device Layout
transport-pci.driver.pci-device-layout.1 must 111 d52a6a8c678a
transport-pci.driver.pci-device-layout.2 may 114 4ff528e48fa6
# 4.1.3.2 Device Requirements: PCI Device Layout
transport-pci.device.pci-device-layout.1 must 120 89db9f6be34a
> transport-pci.tex Virtio Transport Options / Virtio Over PCI Bus / Virtio Structure PCI Capabilities
# 4.1.4 Virtio Structure PCI Capabilities
transport-pci.prose.virtio-structure-pci-capabilities.1 may 171 9c8493fd1d8f
transport-pci.prose.virtio-structure-pci-capabilities.2 may 197 8b23ffabb3b5
transport-pci.prose.virtio-structure-pci-capabilities.3 may 234 f790a2a94c83
transport-pci.prose.virtio-structure-pci-capabilities.4 may 240 c7f4e610d21e
# 4.1.4.1 Driver Requirements: Virtio Structure PCI Capabilities
transport-pci.driver.virtio-structure-pci-capabilities.1 must 267 bf86af55b7e8
transport-pci.driver.virtio-structure-pci-capabilities.2 should 270 66a5699c5792
transport-pci.driver.virtio-structure-pci-capabilities.3 must 273 67a186c92517
transport-pci.driver.virtio-structure-pci-capabilities.4 must 275 422aba3dcc16
transport-pci.driver.virtio-structure-pci-capabilities.5 should 278 5bd1c4a74fb2
transport-pci.driver.virtio-structure-pci-capabilities.6 must 279 57860ada1313
transport-pci.driver.virtio-structure-pci-capabilities.7 must 283 94f823ff638d
# 4.1.4.2 Device Requirements: Virtio Structure PCI Capabilities
transport-pci.device.virtio-structure-pci-capabilities.1 must 289 6dfe9c10fb6e
transport-pci.device.virtio-structure-pci-capabilities.2 may 291 98946eefd53a
transport-pci.device.virtio-structure-pci-capabilities.3 should 294 e31bbbe64d3c
> transport-pci.tex Virtio Transport Options / Virtio Over PCI Bus / PCI Device Layout / Common configuration structure layout
# 4.1.4.3.1 Device Requirements: Common configuration structure layout
transport-pci.device.common-configuration-structure-layout.1 must 434 a196ea5d3fdc
transport-pci.device.common-configuration-structure-layout.2 must 436 1043fddfd96f
transport-pci.device.common-configuration-structure-layout.3 must 438 f04867a4aa90
transport-pci.device.common-configuration-structure-layout.4 must 443 670ef9099fe3
transport-pci.device.common-configuration-structure-layout.5 may 443 6a224779e9f5
transport-pci.device.common-configuration-structure-layout.6 must 455 437ecd9addea
transport-pci.device.common-configuration-structure-layout.7 must 467 698905b67142
transport-pci.device.common-configuration-structure-layout.8 must 470 2a3548d407f0
transport-pci.device.common-configuration-structure-layout.9 must 472 ab905a15dd1b
transport-pci.device.common-configuration-structure-layout.10 must 475 0691dd864069
transport-pci.device.common-configuration-structure-layout.11 must 478 9d9a8c544d99
transport-pci.device.common-configuration-structure-layout.12 must 478 67289a311636
transport-pci.device.common-configuration-structure-layout.13 must 480 844bfb35210f
transport-pci.device.common-configuration-structure-layout.14 must 484 b5f58d803ade
transport-pci.device.common-configuration-structure-layout.15 must 487 47e8baf7d213
transport-pci.device.common-configuration-structure-layout.16 must 491 dae444a7e3c7
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
> transport-pci.tex Virtio Transport Options / Virtio Over PCI Bus / PCI Device Layout / Notification capability
# 4.1.4.4.1 Device Requirements: Notification capability
transport-pci.device.notification-capability.1 must 564 d2ca657eea8f
transport-pci.device.notification-capability.2 must 568 3348739850ff
transport-pci.device.notification-capability.3 must 570 986f243c691e
transport-pci.device.notification-capability.4 must 573 2b92d3b0f402
transport-pci.device.notification-capability.5 must 577 dfe9dc35fc4c
transport-pci.device.notification-capability.6 must 584 411cd18defd5
transport-pci.device.notification-capability.7 must 588 e6893662da85
transport-pci.device.notification-capability.8 must 590 6a508f5c400e
transport-pci.device.notification-capability.9 must 594 dfe9dc35fc4c
> transport-pci.tex Virtio Transport Options / Virtio Over PCI Bus / PCI Device Layout / ISR status capability
# 4.1.4.5.1 Device Requirements: ISR status capability
transport-pci.device.isr-status-capability.1 must 628 31c032cf7b83
transport-pci.device.isr-status-capability.2 must 630 cfb3e677ba2c
transport-pci.device.isr-status-capability.3 must 634 f290c0911d28
transport-pci.device.isr-status-capability.4 must 638 07ca739965a7
transport-pci.device.isr-status-capability.5 must 644 f18731d5968f
# 4.1.4.5.2 Driver Requirements: ISR status capability
transport-pci.driver.isr-status-capability.1 should 648 6b463d319b39
> transport-pci.tex Virtio Transport Options / Virtio Over PCI Bus / PCI Device Layout / Device-specific configuration
# 4.1.4.6 Device-specific configuration
transport-pci.prose.device-specific-configuration.1 must 653 022ed96e6bb3
# 4.1.4.6.1 Device Requirements: Device-specific configuration
transport-pci.device.device-specific-configuration.1 must 658 4615d3a83e0c
> transport-pci.tex Virtio Transport Options / Virtio Over PCI Bus / PCI Device Layout / Shared memory capability
# 4.1.4.7.1 Device Requirements: Shared memory capability
transport-pci.device.shared-memory-capability.1 must 674 1fe64086d1fd
transport-pci.device.shared-memory-capability.2 must 679 0344877ce050
> transport-pci.tex Vendor data capability
# 4.1.4.8 Vendor data capability
transport-pci.prose.vendor-data-capability.1 must 717 6bdb115f3d5d
> transport-pci.tex Virtio Transport Options / Virtio Over PCI Bus / PCI Device Layout / Vendor data capability
# 4.1.4.8.1 Device Requirements: Vendor data capability
transport-pci.device.vendor-data-capability.1 must 730 7cf948255524
transport-pci.device.vendor-data-capability.2 must 732 6e29ccc84e8c
transport-pci.device.vendor-data-capability.3 must 734 4b571002977f
# 4.1.4.8.2 Driver Requirements: Vendor data capability
transport-pci.driver.vendor-data-capability.1 should 741 2ebdd52c0a9a
transport-pci.driver.vendor-data-capability.2 must 744 42132418c94a
> transport-pci.tex Virtio Transport Options / Virtio Over PCI Bus / PCI Device Layout / PCI configuration access capability
# 4.1.4.9.1 Device Requirements: PCI configuration access capability
transport-pci.device.pci-configuration-access-capability.1 must 783 ea2749e0da1f
transport-pci.device.pci-configuration-access-capability.2 must 785 de8775385f7d
transport-pci.device.pci-configuration-access-capability.3 must 790 4b64b0eef7d8
# 4.1.4.9.2 Driver Requirements: PCI configuration access capability
transport-pci.driver.pci-configuration-access-capability.1 must 798 978aa2a3ad18
transport-pci.driver.pci-configuration-access-capability.2 must 801 65abf9a54715
> transport-pci.tex Virtio Transport Options / Virtio Over PCI Bus / PCI Device Layout / Legacy Interfaces: A Note on PCI Device Layout
# 4.1.4.10 Legacy Interfaces: A Note on PCI Device Layout
transport-pci.legacy.legacy-interfaces-a-note-on-pci-device-layout.1 must 809 6d8e56549db4
transport-pci.legacy.legacy-interfaces-a-note-on-pci-device-layout.2 must 812 1008ac8ae211
transport-pci.legacy.legacy-interfaces-a-note-on-pci-device-layout.3 must 816 ebfa416ad4c8
transport-pci.legacy.legacy-interfaces-a-note-on-pci-device-layout.4 must 873 f4579cc5d849
transport-pci.legacy.legacy-interfaces-a-note-on-pci-device-layout.5 must 878 320af631896b
transport-pci.legacy.legacy-interfaces-a-note-on-pci-device-layout.6 must 883 43ac55c5283d
> transport-pci.tex Device Requirements: Non-transitional Device With Legacy Driver
# 4.1.4.11.0.1 Device Requirements: Non-transitional Device With Legacy Driver
transport-pci.legacy.device-requirements-non-transitional-device-with.1 should 920 e50e94a6df13
> transport-pci.tex Virtio Transport Options / Virtio Over PCI Bus / PCI-specific Initialization And Device Operation / Device Initialization / Virtio Device Configuration Layout Detection / Legacy Interface: A Note on Device Layout Detection
# 4.1.5.1.1.1 Legacy Interface: A Note on Device Layout Detection
transport-pci.legacy.legacy-interface-a-note-on-device-layout-detecti.1 must 955 1113780a6ca0
transport-pci.legacy.legacy-interface-a-note-on-device-layout-detecti.2 must 958 c211bda61451
transport-pci.legacy.legacy-interface-a-note-on-device-layout-detecti.3 must 960 147ec0d34093
transport-pci.legacy.legacy-interface-a-note-on-device-layout-detecti.4 must 963 8eb044d2699c
transport-pci.legacy.legacy-interface-a-note-on-device-layout-detecti.5 must 965 7d1057fe59bd
> transport-pci.tex Virtio Transport Options / Virtio Over PCI Bus / PCI-specific Initialization And Device Operation / Device Initialization / MSI-X Vector Configuration
# 4.1.5.1.2.1 Device Requirements: MSI-X Vector Configuration
transport-pci.device.msi-x-vector-configuration.1 should 991 b108ea210bce
transport-pci.device.msi-x-vector-configuration.2 must 993 fdf434724d52
transport-pci.device.msi-x-vector-configuration.3 should 996 f4dc4b4ee008
transport-pci.device.msi-x-vector-configuration.4 must 1002 f1c655834696
transport-pci.device.msi-x-vector-configuration.5 must 1004 b9a81859fc6d
transport-pci.device.msi-x-vector-configuration.6 must 1006 f809ab4636e6
transport-pci.device.msi-x-vector-configuration.7 must 1008 0db741b743ee
transport-pci.device.msi-x-vector-configuration.8 should 1011 0b201220273d
transport-pci.device.msi-x-vector-configuration.9 must 1013 189b6826f3cc
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
> transport-pci.tex Virtio Transport Options / Virtio Over PCI Bus / PCI-specific Initialization And Device Operation / Used Buffer Notifications
# 4.1.5.3.1 Device Requirements: Used Buffer Notifications
transport-pci.device.used-buffer-notifications.1 must 1150 ed6d951d1095
> transport-pci.tex Virtio Transport Options / Virtio Over PCI Bus / PCI-specific Initialization And Device Operation / Notification of Device Configuration Changes
# 4.1.5.4 Notification of Device Configuration Changes
transport-pci.prose.notification-of-device-configuration-changes.1 may 1176 9b88d016acee
# 4.1.5.4.1 Device Requirements: Notification of Device Configuration Changes
transport-pci.device.notification-of-device-configuration-changes.1 must 1181 0fa37dd57c2c
# 4.1.5.4.2 Driver Requirements: Notification of Device Configuration Changes
transport-pci.driver.notification-of-device-configuration-changes.1 must 1187 7ff62b8264be
`;
