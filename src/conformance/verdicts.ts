// How a case ends other than by passing. Thrown inside cases and caught by the runner only.

/**
 * The device broke a statement.
 *
 * @example
 * ```ts
 * throw new CaseFailure("the used length is 0");
 * ```
 */
export class CaseFailure extends Error {
  override readonly name: string = "CaseFailure";
}

/**
 * The case cannot run: the message says what the device or the target lacks.
 *
 * @example
 * ```ts
 * throw new CaseSkip("the device does not offer VIRTIO_F_RING_RESET");
 * ```
 */
export class CaseSkip extends Error {
  override readonly name: string = "CaseSkip";
}

/**
 * Nothing works until the device is reset, and it did not say so.
 *
 * @example
 * ```ts
 * throw new CaseWedged("queue 0 does not answer, and DEVICE_NEEDS_RESET is not set");
 * ```
 */
export class CaseWedged extends Error {
  override readonly name: string = "CaseWedged";
}
