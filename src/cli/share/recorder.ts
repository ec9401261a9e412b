import { createHash } from "node:crypto";
import { readScanoutRgba } from "../../backends/display/memory/index.ts";
import type { Display, ScanoutSource } from "../../devices/gpu/index.ts";
import type { EventLog } from "./events.ts";

/** A picture as bytes R, G, B, A. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8Array<ArrayBuffer>;
}

/** A display that looks at its source with every flush, as a screen that is refreshed then and only then. */
export class Recorder implements Display {
  readonly #log: EventLog;
  readonly #now: () => number;
  /** Says of a picture whether it is worth keeping. */
  readonly #keep: (sha256: string) => boolean;
  #source: ScanoutSource | null = null;
  #rgba: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  /** The last picture that was worth keeping, else the last one. */
  kept: Picture | null = null;
  #keptOnPurpose = false;

  constructor(log: EventLog, now: () => number, keep: (sha256: string) => boolean) {
    this.#log = log;
    this.#now = now;
    this.#keep = keep;
  }

  setScanout(_scanoutId: number, source: ScanoutSource | null): void {
    this.#source = source;
  }

  flush(): void {
    const source = this.#source;
    if (source === null) return;
    const { widthPixels: width, heightPixels: height } = source;
    if (this.#rgba.length !== width * height * 4) this.#rgba = new Uint8Array(width * height * 4);
    const rgba = readScanoutRgba(source, this.#rgba);
    const sha256 = createHash("sha256").update(rgba).digest("hex");
    this.#log.pictures.push({ chapter: this.#log.chapter, atMs: this.#now(), sha256 });
    const keep = this.#keep(sha256);
    if (this.#keptOnPurpose && !keep) return;
    this.#keptOnPurpose ||= keep;
    this.kept = { width, height, rgba: rgba.slice() };
  }
}
