/** Types for the part of buffer-layout 1.2.2 (which ships none) that `schema.ts` uses. */
declare module "buffer-layout" {
  /** What buffer-layout reads from and writes to: a Node `Buffer`. */
  type LayoutBuffer = Uint8Array & {
    readUIntLE(offset: number, byteLength: number): number;
    writeUIntLE(value: number, offset: number, byteLength: number): number;
  };

  class Layout<T> {
    readonly span: number;
    readonly property: string | undefined;
    decode(buffer: LayoutBuffer, offset?: number): T;
    encode(source: T, buffer: LayoutBuffer, offset?: number): number;
    replicate(property: string): this;
  }

  class Structure<T> extends Layout<T> {
    readonly fields: readonly Layout<unknown>[];
  }

  function u8(property?: string): Layout<number>;
  function u16(property?: string): Layout<number>;
  function u32(property?: string): Layout<number>;
  function blob(lengthBytes: number, property?: string): Layout<Uint8Array>;
  function seq<T>(element: Layout<T>, count: number, property?: string): Layout<T[]>;
  function struct<T>(fields: readonly Layout<unknown>[], property?: string): Structure<T>;
}
