import { constants, createDeflate, type Deflate } from "node:zlib";

/** More than a single call ever produces, so that zlib never waits for its output to be read. */
const OUTPUT_LIMIT_BYTES = 1 << 26;
/** What zlib hands over at a time; each time costs a turn through the event loop. */
const CHUNK_BYTES = 1 << 16;

/** One zlib stream that lasts as long as a client; compresses in Node's thread pool. */
export class Deflater {
  readonly #stream: Deflate;

  /** `level` is zlib's, 0 to 9. */
  constructor(level: number) {
    this.#stream = createDeflate({
      level,
      flush: constants.Z_SYNC_FLUSH,
      chunkSize: CHUNK_BYTES,
      readableHighWaterMark: OUTPUT_LIMIT_BYTES,
    } as Parameters<typeof createDeflate>[0]);
    // A failed or destroyed stream is reported through the callback of the write that it fails.
    this.#stream.on("error", () => undefined);
  }

  /**
   * Compresses bytes, which must stay as they are until the promise settles; they can all be recovered from what this
   * and the earlier calls returned. One call at a time.
   */
  async deflate(bytes: Uint8Array): Promise<Buffer> {
    await new Promise<void>((resolve, reject) => {
      this.#stream.write(bytes, (error) => (error == null ? resolve() : reject(error)));
    });
    const parts: Buffer[] = [];
    for (let part = this.#stream.read(); part !== null; part = this.#stream.read())
      parts.push(part as Buffer);
    return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
  }

  close(): void {
    this.#stream.destroy();
  }
}
