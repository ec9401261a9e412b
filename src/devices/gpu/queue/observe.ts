/** A field of a request as an observer sees it: 64-bit numbers as bigint, structs as objects. */
export type GpuFieldValue =
  | number
  | bigint
  | string
  | readonly number[]
  | { readonly [name: string]: GpuFieldValue };

/** Everything about one command, for timelines and logs. */
export interface GpuCommandRecord {
  readonly queue: "controlq" | "cursorq";
  /** Head of the descriptor chain (split) or buffer id (packed). */
  readonly head: number;
  readonly descriptors: number;
  readonly indirect: boolean;
  /** Lengths of the elements of the chain, in bytes. */
  readonly readable: readonly number[];
  readonly writable: readonly number[];
  /** The command's name in the specification, or its type in hexadecimal. */
  readonly name: string;
  readonly type: number;
  /** The fields of its fixed struct behind the header; empty when the request is too short for them. */
  readonly fields: { readonly [name: string]: GpuFieldValue };
  /** The fence id, null without VIRTIO_GPU_FLAG_FENCE. */
  readonly fence: bigint | null;
  readonly ctxId: number;
  /** The ring, null without VIRTIO_GPU_FLAG_INFO_RING_IDX (or without VIRTIO_GPU_F_CONTEXT_INIT). */
  readonly ringIdx: number | null;
  /** The response's name in the specification. */
  response: string;
  responseType: number;
  /** Why it was refused, empty on success. */
  reason: string;
  /** Bytes written to the guest; the used length. */
  writtenBytes: number;
  /** Bytes that a transfer copied. */
  bytesCopied: number;
  /** True when it waited for a back end or for a fence. */
  late: boolean;
}

/** Receives every command once it is answered, in the order of the answers. It must not throw. */
export type GpuCommandObserver = (record: GpuCommandRecord) => void;
