import { VirtioUsageError } from "../base/errors.ts";

/** Takes a number out of a saved state, or says why it is none. */
export function savedNumber(value: unknown, what: string, max: number): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > max) {
    throw new VirtioUsageError(`saved state: ${what} is not a whole number in 0 … ${max}`);
  }
  return value;
}

/** Takes an array of numbers of a known length out of a saved state. */
export function savedNumbers(value: unknown, what: string, length: number, max: number): readonly number[] {
  if (!Array.isArray(value) || value.length !== length) {
    throw new VirtioUsageError(`saved state: ${what} is not an array of ${length} numbers`);
  }
  for (const element of value) savedNumber(element, what, max);
  return value;
}

/** Refuses a state of another transport or version. */
export function checkSavedHead(
  state: { readonly transport: string; readonly version: number },
  transport: string,
  version: number,
): void {
  if (typeof state !== "object" || state === null || state.transport !== transport) {
    throw new VirtioUsageError(`this is no saved state of virtio-${transport}`);
  }
  if (state.version !== version) {
    throw new VirtioUsageError(`saved state has version ${state.version}, this is ${version}`);
  }
}
