// How a case ends other than by passing. Thrown inside cases and caught by the runner only.

/** The device broke a statement. */
export class CaseFailure extends Error {
  override readonly name: string = "CaseFailure";
}

/** The case cannot run: the message says what the device or the target lacks. */
export class CaseSkip extends Error {
  override readonly name: string = "CaseSkip";
}

/** Nothing works until the device is reset, and it did not say so. */
export class CaseWedged extends Error {
  override readonly name: string = "CaseWedged";
}
