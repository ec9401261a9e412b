/** A command as it was sent: what a recording of the model and a capture of a kernel have in common. */
export interface SentCommand {
  readonly queue: "control" | "cursor";
  /** The whole first device-readable descriptor. */
  readonly bytes: Uint8Array;
  /** Lengths of the device-readable and of the device-writable descriptors. */
  readonly out: readonly number[];
  readonly in: readonly number[];
  /** Whether the descriptors lie in an indirect table. */
  readonly indirect: boolean;
  /** Commands of a queue with the same number came with one notification. */
  readonly notification: number;
  /** Bytes of guest memory in the list that the command carries; null when it carries none. */
  readonly listedBytes: number | null;
  /** When it was sent, in milliseconds since some moment; null when nobody looked at a clock. */
  readonly timeMs: number | null;
}

/** A call of the program with its result. */
export interface ProgramCall {
  /** `DRM_IOCTL_…`. */
  readonly name: string;
  /** Name of the error, null for success. */
  readonly error: string | null;
}

/** What happened while a program ran. */
export interface Recording {
  readonly commands: readonly SentCommand[];
  /** In order; null when nobody took notes. */
  readonly calls: readonly ProgramCall[] | null;
}
