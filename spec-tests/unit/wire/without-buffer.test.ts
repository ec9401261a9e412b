// Browsers have no `Buffer`: the library is loaded here after it was taken away, which is why nothing else may be imported
// from src, and what the structs make of plain bytes is compared with what they make of a Buffer afterwards.
import { suite } from "uvu";
import * as assert from "uvu/assert";

const test = suite("wire without Node's Buffer");

const NodeBuffer = globalThis.Buffer;

interface Struct {
  readonly span: number;
  decode(bytes: Uint8Array, offset?: number): object;
  encode(source: object, bytes: Uint8Array, offset?: number): number;
}

const isStruct = (value: unknown): value is Struct =>
  typeof value === "object" && value !== null && "decode" in value && "encode" in value && "span" in value;

async function withoutBuffer<T>(body: () => T | Promise<T>): Promise<T> {
  Reflect.deleteProperty(globalThis, "Buffer");
  try {
    assert.is(typeof (globalThis as { Buffer?: unknown }).Buffer, "undefined");
    return await body();
  } finally {
    globalThis.Buffer = NodeBuffer;
  }
}

const load = () => import("../../../src/wire/index.ts");

/** Bytes that are nowhere the same as their neighbours, at an offset that no field is aligned to. */
const OFFSET = 3;
const bytesFor = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 37 + 11) & 0xff);

test("every struct decodes and encodes a plain Uint8Array, as it does a Buffer", async () => {
  const found = await withoutBuffer(async () => {
    const wire = await load();
    const exported: [string, unknown][] = Object.entries(wire);
    return exported.flatMap(([name, value]) => {
      if (!isStruct(value) || value.span <= 0) return [];
      const bytes = bytesFor(OFFSET + value.span);
      const decoded = value.decode(bytes, OFFSET);
      const encoded = new Uint8Array(OFFSET + value.span);
      assert.is(value.encode(decoded, encoded, OFFSET), value.span, name);
      return [{ name, value, decoded, encoded }];
    });
  });
  assert.ok(found.length > 20, `${found.length} structs`);
  for (const { name, value, decoded, encoded } of found) {
    const buffer = NodeBuffer.from(bytesFor(OFFSET + value.span));
    assert.equal(decoded, value.decode(buffer, OFFSET), name);
    const other = NodeBuffer.alloc(OFFSET + value.span);
    value.encode(decoded, other, OFFSET);
    assert.equal(encoded, new Uint8Array(other), name);
  }
});

test("a helper makes any bytes fit for layouts of one's own, over the same memory", async () => {
  await withoutBuffer(async () => {
    const { wireBuffer } = await load();
    const bytes = Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7).subarray(2);
    const fit = wireBuffer(bytes);
    assert.is(fit.readUIntLE(0, 4), 0x05040302);
    fit.writeUIntLE(0xa1b2, 4, 2);
    assert.equal([...bytes], [2, 3, 4, 5, 0xb2, 0xa1]);
    assert.throws(() => fit.readUIntLE(3, 4), /no 4 bytes at 3 of 6/);
  });
});

test.run();
