// Messages of Vdmabuf written by hand from the tables of its PROTOCOL.md, without src/wire and src/driver: what the
// device is held against.

export const RECV = 0;
export const SEND = 1;
export const NEED_VMID = 0;
export const EXPORT = 0x10;
export const DMABUF_REL = 0x11;
export const PAGE = 4096;

/** Values of the status operand. */
export const S = {
  OK: 0,
  LENGTH: 1,
  COMMAND: 2,
  VMID: 3,
  HELD: 4,
  KEY: 5,
  LIMIT: 6,
  PRIVATE: 7,
  RANGE: 8,
  TABLE: 9,
  PAGE: 10,
  IMPORT: 11,
} as const;

/** Words as little-endian bytes. */
export function words(...values: readonly number[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4 * values.length);
  const view = new DataView(bytes.buffer);
  for (const [i, value] of values.entries()) view.setUint32(4 * i, value, true);
  return bytes;
}

/** What an EXPORT says; everything has a default but the top-level table. */
export interface ExportFields {
  readonly counter?: number;
  readonly vmId?: number;
  readonly key0?: number;
  readonly key1?: number;
  readonly pages?: number;
  readonly offset?: number;
  readonly last?: number;
  readonly topHi?: number;
  readonly top: number;
  /** Default: the length of `data`. */
  readonly privateSize?: number;
  readonly data?: Uint8Array;
}

export function exportMessage(fields: ExportFields): Uint8Array<ArrayBuffer> {
  const data = fields.data ?? new Uint8Array(0);
  const head = words(
    EXPORT,
    fields.counter ?? 1,
    fields.vmId ?? 1,
    fields.key0 ?? 0xaaaa0000,
    fields.key1 ?? 0xbbbb0000,
    fields.pages ?? 1,
    fields.offset ?? 0,
    fields.last ?? PAGE,
    fields.topHi ?? 0,
    fields.top,
    fields.privateSize ?? data.length,
  );
  const bytes = new Uint8Array(head.length + data.length);
  bytes.set(head);
  bytes.set(data, head.length);
  return bytes;
}

/** A message of the device, or an answer: its words. */
export function readWords(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length >>> 2 }, (_, i) => view.getUint32(4 * i, true));
}

/** The status operand of an answer. */
export function statusOf(answer: Uint8Array): number {
  const [, , , , , status] = readWords(answer);
  if (answer.length !== 24 || status === undefined) throw new Error(`an answer of ${answer.length} bytes`);
  return status;
}

/** Writes an address into a table. */
export function writeEntry(table: Uint8Array, entry: number, address: bigint | number): void {
  new DataView(table.buffer, table.byteOffset, table.byteLength).setBigUint64(
    8 * entry,
    BigInt(address),
    true,
  );
}
