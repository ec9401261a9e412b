import { createHash } from "node:crypto";
import { readScanoutRgba } from "../../../backends/display/memory/index.ts";
import type { Display, GpuCommandRecord, ScanoutSource } from "../../../devices/gpu/index.ts";
import type { PainterRecord } from "../painter/painter-device.ts";
import type { CommandLine, ShownFrame } from "../protocol.ts";
import { describeParameters } from "./parameters.ts";

interface Recorded<Kind, Record> {
  readonly kind: Kind;
  readonly at: bigint;
  readonly record: Record;
}

/** Writes down what the devices do. While they are at work it only keeps; words are made of it in the end. */
export class CommandRecorder {
  #onEnd: (() => void) | null = null;
  #ended = false;
  readonly #records: (Recorded<"gpu", GpuCommandRecord> | Recorded<"painter", PainterRecord>)[] = [];

  gpu(record: GpuCommandRecord): void {
    if (this.#ended) return;
    this.#records.push({ kind: "gpu", at: process.hrtime.bigint(), record });
    if (this.#onEnd === null) return;
    this.#ended = true;
    this.#onEnd();
  }

  painter(record: PainterRecord): void {
    if (!this.#ended) this.#records.push({ kind: "painter", at: process.hrtime.bigint(), record });
  }

  /** Makes the gpu's next command the last that is written down; `onEnd` runs behind it. */
  endWithNext(onEnd: () => void): void {
    this.#onEnd = onEnd;
  }

  lines(): CommandLine[] {
    return this.#records.map((entry) =>
      entry.kind === "gpu" ? lineOfGpu(entry.at, entry.record) : lineOfPainter(entry.at, entry.record),
    );
  }
}

function lineOfGpu(at: bigint, record: GpuCommandRecord): CommandLine {
  return {
    at,
    queue: record.queue,
    head: record.head,
    readable: record.readable,
    writable: record.writable,
    name: record.name.replace("VIRTIO_GPU_CMD_", ""),
    parameters: describeParameters(record.fields),
    response: record.response.replace("VIRTIO_GPU_RESP_", ""),
    reason: record.reason,
    fence: record.fence,
    bytesCopied: record.bytesCopied,
  };
}

function lineOfPainter(at: bigint, record: PainterRecord): CommandLine {
  const frame = record.frame === 0 ? "" : ` frame ${record.frame}`;
  return {
    at,
    queue: "paintq",
    head: record.head,
    readable: [record.readableBytes],
    writable: [record.writableBytes],
    name: record.what,
    parameters: `object ${record.uuid.slice(0, 8)}…${frame}`,
    response: record.status,
    reason: "",
    fence: null,
    bytesCopied: 0,
  };
}

/**
 * A display without a screen: every picture that is shown leaves its hash, the last one stays. With the last of `most`
 * pictures it calls `onFull`, and looks at no more.
 */
export class HashingDisplay implements Display {
  readonly frames: ShownFrame[] = [];
  /** The last picture that was flushed, as bytes R, G, B, 255. */
  rgba: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  inspectionMs = 0;
  #source: ScanoutSource | null = null;
  readonly #most: number;
  readonly #onFull: () => void;

  constructor(most: number, onFull: () => void) {
    this.#most = most;
    this.#onFull = onFull;
  }

  setScanout(scanoutId: number, source: ScanoutSource | null): void {
    if (scanoutId === 0) this.#source = source;
  }

  flush(scanoutId: number): void {
    const source = this.#source;
    if (scanoutId !== 0 || source === null || this.frames.length === this.#most) return;
    const begin = performance.now();
    const { widthPixels: width, heightPixels: height } = source;
    const lengthBytes = width * height * 4;
    if (this.rgba.length !== lengthBytes) this.rgba = new Uint8Array(lengthBytes);
    readScanoutRgba(source, this.rgba);
    this.frames.push({ width, height, sha256: createHash("sha256").update(this.rgba).digest("hex") });
    this.inspectionMs += performance.now() - begin;
    if (this.frames.length === this.#most) this.#onFull();
  }
}
