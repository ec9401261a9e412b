/** A finding that was looked into: why Linux does what the statement forbids, or advises against. */
export interface KnownFinding {
  readonly clause: string;
  /** Kernel releases, as far as somebody looked. */
  readonly kernels: string;
  readonly reason: string;
}

/**
 * What the driver checker says of stock kernels, looked into one by one. A finding that is not in here is news.
 */
export const KNOWN_FINDINGS: readonly KnownFinding[] = [
  {
    clause: "content.driver.reserved-feature-bits.12",
    kernels: "6.1",
    reason:
      "the statement is a SHOULD, and that kernel's virtio core does not know VIRTIO_F_NOTIF_CONFIG_DATA: it is not " +
      "among the bits that its PCI transport keeps, so it is ignored like every unknown feature, and queues go on being " +
      "notified by their index. Offered here only so that the checker can see it.",
  },
];
