/** A statement that binds drivers and that nobody can see kept or broken from the device's side. */
export interface NotObservable {
  readonly clause: string;
  readonly reason: string;
}

/** Statements that the driver checker cannot judge, reviewed one by one. */
export const NOT_OBSERVABLE_OF_DRIVERS: readonly NotObservable[] = [];
