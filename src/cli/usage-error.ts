/**
 * The user asked for something that cannot be done. The message is one line and says what is wrong and what to do;
 * the command ends with exit code 2.
 */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
