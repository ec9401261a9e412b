import type { CheckedMachine } from "../checked-driver.ts";

/**
 * A driver written for one statement: as it should be, or with that statement broken. Hands out its machine as soon as
 * there is one.
 */
export type RawDriver = (broken: boolean, made: (machine: CheckedMachine) => void) => void;
