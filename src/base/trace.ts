/**
 * Something worth knowing that is not the embedder's error: a register access that was ignored, a queue that
 * stopped, a command the guest got wrong. Numbers are plain, addresses are strings in hexadecimal.
 */
export interface TraceEvent {
  /** Which part speaks, for instance `device`, `mmio`, `pci`, `gpu`. */
  readonly source: string;
  /** What happened, in kebab-case, stable across releases: `register-ignored`, `queue-fault`, … */
  readonly kind: string;
  readonly detail: Readonly<Record<string, string | number | boolean>>;
}

/** Receives trace events. It must not throw; it is called synchronously. */
export type TraceSink = (event: TraceEvent) => void;

/** A sink after which `returned` runs: it may let the guest's memory grow, and hardly any of its callers expects that. */
export function guardTrace(trace: TraceSink, returned: () => void): TraceSink {
  return (event) => {
    trace(event);
    returned();
  };
}
