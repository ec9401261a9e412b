import { decodeBase64Into, encodeBase64, portableBase64 } from "../../../src/base/base64.ts";
import type { Workload } from "../workload.ts";

const MIB = 1 << 20;
/** As much as a large picture, so that caches do not help. */
const BYTES: number = 16 * MIB;

/** The library as it is, the library without the engine's help, Node's own. */
export type Base64Coder = "own" | "portable" | "buffer";

interface Coder {
  encode(bytes: Uint8Array<ArrayBuffer>): string;
  decode(text: string, bytes: Uint8Array<ArrayBuffer>): boolean;
}

const CODERS: Readonly<Record<Base64Coder, Coder>> = {
  own: { encode: encodeBase64, decode: decodeBase64Into },
  portable: {
    encode: portableBase64.encode,
    decode: (text, bytes) => decodeBase64Into(text, bytes, portableBase64),
  },
  buffer: {
    encode: (bytes) => Buffer.from(bytes.buffer).toString("base64"),
    decode: (text, bytes) => Buffer.from(bytes.buffer).write(text, "base64") === bytes.length,
  },
};

/** Bytes to text, or text to bytes: 16 MiB each time. */
export function base64(who: Base64Coder, direction: "encode" | "decode"): Workload {
  const bytes = new Uint8Array(BYTES);
  for (let i = 0; i < BYTES; i++) bytes[i] = Math.imul(i, 2654435761) >>> 24;
  const text = Buffer.from(bytes.buffer).toString("base64");
  const coder = CODERS[who];
  return {
    run(count) {
      for (let i = 0; i < count; i++) {
        if (direction === "encode") {
          if (coder.encode(bytes).length !== text.length) throw new Error("wrong text");
        } else if (!coder.decode(text, bytes)) throw new Error("wrong bytes");
      }
    },
    digest: () => String(coder.encode(bytes) === text),
  };
}
