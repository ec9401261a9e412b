import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  base64Letters,
  decodeBase64,
  decodeBase64Into,
  encodeBase64,
  portableBase64,
} from "../../../src/base/base64.ts";
import { engineBase64 } from "../../../src/base/engine-base64.ts";
import { VirtioUsageError } from "../../../src/base/errors.ts";

/** Longer than a slice, whatever the way. */
const LONG_BYTES = (3 << 18) + 5;

function pattern(lengthBytes: number): Uint8Array<ArrayBuffer> {
  // Not at the start of its buffer, as pieces of a larger one are.
  const bytes = new Uint8Array(lengthBytes + 3).subarray(3);
  for (let i = 0; i < lengthBytes; i++) bytes[i] = Math.imul(i + 1, 2654435761) >>> 24;
  return bytes;
}

/** What engines of ECMAScript 2026 have, for those that do not. */
const standard = {
  toBase64(this: Uint8Array): string {
    return Buffer.from(this).toString("base64");
  },
  setFromBase64(this: Uint8Array, text: string): { read: number; written: number } {
    if (!/^[A-Za-z0-9+/\s]*={0,2}$/.test(text)) throw new SyntaxError("no base64");
    const bytes = Buffer.from(text, "base64");
    this.set(bytes.subarray(0, this.length));
    return { read: text.length, written: Math.min(this.length, bytes.length) };
  },
};

/** Runs something in an engine that has the methods of the standard, Node's `Buffer`, or neither. */
function inEngine(kind: "standard" | "node" | "bare", action: () => void): void {
  const { Buffer: node } = globalThis;
  const prototype = Uint8Array.prototype as unknown as Record<string, unknown>;
  const own = Object.keys(standard).map((name) => Object.getOwnPropertyDescriptor(prototype, name));
  const define = (name: string, value: unknown): void => {
    Object.defineProperty(prototype, name, { value, configurable: true, writable: true });
  };
  for (const [name, value] of Object.entries(standard)) define(name, kind === "standard" ? value : undefined);
  if (kind === "bare") Object.assign(globalThis, { Buffer: undefined });
  try {
    action();
  } finally {
    Object.assign(globalThis, { Buffer: node });
    Object.keys(standard).forEach((name, i) => {
      const descriptor = own[i];
      if (descriptor === undefined) delete prototype[name];
      else Object.defineProperty(prototype, name, descriptor);
    });
  }
}

for (const kind of ["standard", "node", "bare"] as const) {
  test(`${kind}: bytes of any length become the text that Buffer makes of them, and come back`, () => {
    for (const lengthBytes of [0, 1, 2, 3, 4, 5, 6, 255, 256, 257, LONG_BYTES]) {
      const bytes = pattern(lengthBytes);
      const expected = Buffer.from(bytes).toString("base64");
      inEngine(kind, () => {
        assert.is(engineBase64() === null, kind === "bare");
        const text = encodeBase64(bytes);
        assert.ok(text === expected, `text of ${lengthBytes} bytes`);
        assert.is(text.length, base64Letters(lengthBytes));
        assert.is(same(decodeBase64(text, lengthBytes), bytes), true, `${lengthBytes} bytes`);
      });
    }
  });

  test(`${kind}: any other letter is refused, wherever it stands`, () => {
    const bytes = pattern(64);
    const text = Buffer.from(bytes).toString("base64");
    for (const bad of ["-", "_", "=", " ", "\n", "*", "\u0141", "\u4141", "\0"]) {
      for (const at of [0, 1, 2, 3, 41, text.length - 5, text.length - 3]) {
        const wrong = text.slice(0, at) + bad + text.slice(at + 1);
        inEngine(kind, () => {
          assert.is(
            decodeBase64Into(wrong, new Uint8Array(64)),
            false,
            `${JSON.stringify(bad)} at ${at} of ${text.length}`,
          );
        });
      }
    }
  });

  test(`${kind}: padding stands where bytes are missing, and nowhere else`, () => {
    inEngine(kind, () => {
      for (const [text, lengthBytes] of [
        ["QUI=", 3],
        ["QUJD", 2],
        ["QQ==", 2],
        ["QUI=", 1],
        ["QQ=A", 1],
        ["QUI", 2],
        ["QUI =", 2],
        ["QQ==QUJD", 5],
      ] as const) {
        assert.is(decodeBase64Into(text, new Uint8Array(lengthBytes)), false, `${text} for ${lengthBytes}`);
      }
      assert.throws(
        () => decodeBase64("QUJ*", 3),
        (error: unknown) =>
          error instanceof VirtioUsageError && /a letter that is not base64/.test(error.message),
      );
      assert.throws(
        () => decodeBase64("QUJD", 4),
        (error: unknown) =>
          error instanceof VirtioUsageError && /4 letters where 4 bytes/.test(error.message),
      );
    });
  });
}

test("nothing beyond the bytes is written when a text is wrong", () => {
  for (const coder of [portableBase64, engineBase64() ?? portableBase64]) {
    const buffer = new Uint8Array(16).fill(0xee);
    decodeBase64Into("QUJDREVGR0hJ", buffer.subarray(4, 13), coder);
    assert.equal([...buffer.subarray(0, 4), ...buffer.subarray(13)], new Array(7).fill(0xee));
    decodeBase64Into("////////////", buffer.subarray(4, 10), coder);
    assert.equal([...buffer.subarray(13)], [0xee, 0xee, 0xee]);
  }
});

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

test.run();
