/** Something that can be done again and again. */
export interface Workload {
  run(count: number): void;
  /** Digest of what the work left behind. */
  digest(): string;
}

/** The `maxTurnWork` of devices whose requests are not to wait for another turn, however many pages they come with. */
export const MAX_TURN_WORK = 0x3fffffff;
