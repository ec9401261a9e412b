/**
 * Typed helpers over buffer-layout, the schema language of everything that crosses guest memory.
 *
 * A struct is declared once; offsets and sizes are derived from the declaration when the module loads.
 * `decode` and `encode` take any Uint8Array. They cost two orders of magnitude more than a `DataView`, so they serve
 * tools and as the oracle of tests, and never run in the request path.
 */
import { blob, seq, struct as structure, u8, u16, u32 } from "buffer-layout";

/** Bytes as buffer-layout wants them: with two methods of Node's `Buffer`. */
export type WireBuffer = Uint8Array & {
  /** Reads 1 to 6 bytes, little-endian. */
  readUIntLE(offset: number, byteLength: number): number;
  /** Writes 1 to 6 bytes, little-endian. */
  writeUIntLE(value: number, offset: number, byteLength: number): number;
};

/** One field type of the wire: how many bytes it spans and what it decodes to. */
export interface WireField<T> {
  /** Size in bytes. */
  readonly span: number;
  /** Name inside the enclosing struct, undefined for a bare type. */
  readonly property: string | undefined;
  /** Decodes one value. Throws RangeError when there are too few bytes. */
  decode(bytes: Uint8Array, offset?: number): T;
  /** Returns the number of bytes written. */
  encode(source: T, bytes: Uint8Array, offset?: number): number;
  /** The same field under a name. */
  replicate(property: string): WireField<T>;
}

/** A struct whose decoded form is `T`. Fields follow each other without implicit padding. */
export interface WireStruct<T> extends WireField<T> {
  readonly fields: readonly WireField<unknown>[];
  /** The same struct under a name, as a field of another. */
  replicate(property: string): WireStruct<T>;
}

/** A 64-bit number as two unsigned 32-bit halves: exact, without `bigint`. */
export interface Halves {
  readonly lo: number;
  readonly hi: number;
}

/** What a struct or field type decodes to: `Decoded<typeof virtq_desc>`. */
export type Decoded<F> = F extends WireField<infer T> ? T : never;

/** Byte offset of every field, and the size of the whole. */
export type Offsets<T> = { readonly [K in keyof T]: number } & { readonly sizeBytes: number };

/** Where a field lies, in bytes from the start of its struct. */
export interface FieldPlace {
  readonly name: string;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

/** `u8` of the specification. */
export const le8: WireField<number> = /* @__PURE__ */ forAnyBytes(/* @__PURE__ */ u8());
/** `le16` of the specification. */
export const le16: WireField<number> = /* @__PURE__ */ forAnyBytes(/* @__PURE__ */ u16());
/** `le32` of the specification. */
export const le32: WireField<number> = /* @__PURE__ */ forAnyBytes(/* @__PURE__ */ u32());
/** `le64` of the specification. The low half comes first. */
export const le64: WireField<Halves> = /* @__PURE__ */ forAnyBytes(
  /* @__PURE__ */ structure<Halves>([/* @__PURE__ */ u32("lo"), /* @__PURE__ */ u32("hi")]),
);

/**
 * `u8 name[lengthBytes]`; length 0 is a flexible array at the end of a struct.
 *
 * @example
 * ```ts
 * struct({ uuid: bytes(16) }).span; // 16
 * ```
 */
export function bytes(lengthBytes: number): WireField<Uint8Array> {
  const field = blob(lengthBytes);
  // buffer-layout's own goes through Node's `Buffer`, and hands out a view where a copy is expected.
  field.decode = (from, offset = 0) => new Uint8Array(from.subarray(offset, offset + lengthBytes));
  field.encode = (source, to, offset = 0) => {
    if (source.length !== lengthBytes)
      throw new RangeError(`${source.length} bytes for a field of ${lengthBytes}`);
    to.set(source, offset);
    return lengthBytes;
  };
  return field;
}

/**
 * `element name[count]`; count 0 is a flexible array at the end of a struct.
 *
 * @example
 * ```ts
 * struct({ sizes: array(le32, 4) }).span; // 16
 * ```
 */
export function array<T>(element: WireField<T>, count: number): WireField<T[]> {
  return forAnyBytes(seq(element as Parameters<typeof seq<T>>[0], count));
}

/**
 * Declares a struct: its fields in the order of the keys.
 *
 * @example
 * ```ts
 * const HEADER = struct({ type: le32, flags: le32 });
 * HEADER.span; // 8, the length in bytes
 * HEADER.decode(new Uint8Array(8)).type; // 0
 * ```
 */
export function struct<F extends Readonly<Record<string, WireField<unknown>>>>(
  fields: F,
): WireStruct<{ -readonly [K in keyof F]: Decoded<F[K]> }> {
  const named = Object.entries(fields).map(([name, field]) => field.replicate(name));
  return forAnyBytes(structure(named as unknown as Parameters<typeof structure>[0]));
}

/**
 * Bytes that buffer-layout can read and write, wherever there is no Node `Buffer`: the same memory under the two methods
 * that it calls. Structs of this module take any Uint8Array and do it by themselves.
 *
 * @example
 * ```ts
 * const { type } = struct({ type: le32, flags: le32 }).decode(wireBuffer(new Uint8Array(8)));
 * ```
 */
export function wireBuffer(bytes: Uint8Array): WireBuffer {
  if ("readUIntLE" in bytes) return bytes as WireBuffer;
  const view = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  return Object.assign(view, { readUIntLE: readNumber, writeUIntLE: writeNumber });
}

function readNumber(this: Uint8Array, offset: number, lengthBytes: number): number {
  if (offset + lengthBytes > this.length)
    throw new RangeError(`no ${lengthBytes} bytes at ${offset} of ${this.length}`);
  let value = 0;
  for (let i = lengthBytes - 1; i >= 0; i--) value = value * 256 + (this[offset + i] ?? 0);
  return value;
}

function writeNumber(this: Uint8Array, value: number, offset: number, lengthBytes: number): number {
  if (offset + lengthBytes > this.length)
    throw new RangeError(`no ${lengthBytes} bytes at ${offset} of ${this.length}`);
  let rest = value;
  for (let i = 0; i < lengthBytes; i++) {
    this[offset + i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return offset + lengthBytes;
}

interface Codec {
  decode(buffer: WireBuffer, offset?: number): unknown;
  encode(source: never, buffer: WireBuffer, offset?: number): number;
}

/** Lets a layout take any bytes. `replicate` copies own properties, so that copies under a name do the same. */
function forAnyBytes<L extends Codec>(layout: L): L {
  const { decode, encode } = layout;
  layout.decode = function (this: L, bytes, offset) {
    return decode.call(this, wireBuffer(bytes), offset);
  };
  layout.encode = function (this: L, source, bytes, offset) {
    return encode.call(this, source, wireBuffer(bytes), offset);
  };
  return layout;
}

/**
 * The direct fields of a struct, in order.
 *
 * @example
 * ```ts
 * for (const field of fieldsOf(struct({ type: le32, flags: le32 }))) console.log(field);
 * ```
 */
export function fieldsOf(schema: WireStruct<unknown>): FieldPlace[] {
  const places: FieldPlace[] = [];
  let offsetBytes = 0;
  for (const field of schema.fields) {
    places.push({ name: field.property ?? "", offsetBytes, sizeBytes: field.span });
    offsetBytes += field.span;
  }
  return places;
}

/**
 * The byte offset of every direct field, plus `sizeBytes` of the whole.
 *
 * @example
 * const point = struct({ x: le32, y: le32 });
 * offsetsOf(point); // { x: 0, y: 4, sizeBytes: 8 }
 */
export function offsetsOf<T>(schema: WireStruct<T>): Offsets<T> {
  const offsets: Record<string, number> = {};
  for (const place of fieldsOf(schema)) offsets[place.name] = place.offsetBytes;
  offsets["sizeBytes"] = schema.span;
  return Object.freeze(offsets) as Offsets<T>;
}
