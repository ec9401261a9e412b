/** Something that can be done again and again. */
export interface Workload {
  run(count: number): void;
  /** Digest of what the work left behind. */
  digest(): string;
}
