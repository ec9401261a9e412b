/** What a person decided about single statements of an area, each with its reason. */
export interface Reviewed {
  /** Statements that bind a device and cannot be seen from outside it: id → why. */
  readonly notObservable: Readonly<Record<string, string>>;
  /** Statements of the roles `legacy` and `prose` that bind the driver: the driver checker's business. */
  readonly bindsDriver: readonly string[];
}
