/** A split virtqueue, drawn: available ring, descriptor table, used ring, and indirect tables below. */
import { VIRTQ_AVAIL_F_NO_INTERRUPT, VIRTQ_USED_F_NO_NOTIFY } from "../../../wire/split-ring.ts";
import type { RingSnapshot } from "../../result.ts";
import {
  type DescriptorView,
  type DrawnRow,
  decodeAvailable,
  decodeDescriptors,
  decodeUsed,
  flagNames,
  goesOn,
  isIndirect,
  rowsOf,
  slotsBefore,
} from "./decode-ring.ts";
import { type BoxColumn, type BoxRow, boxWidth, Drawing, type PlacedBox } from "./drawing.ts";

const MAX_ENTRIES = 8;
const MAX_DESCRIPTORS = 24;
const MAX_TABLES = 4;
const MAX_CHAIN = 64;
const GUTTER_LEFT = 64;
const GUTTER_RIGHT = 128;
const LANE = 76;
const BETWEEN_TABLES = 26;

const AVAILABLE_COLUMNS: readonly BoxColumn[] = [
  { head: "slot", characters: 5, align: "right" },
  { head: "head", characters: 6, align: "right" },
  { head: "", characters: 5 },
];
const USED_COLUMNS: readonly BoxColumn[] = [
  { head: "slot", characters: 5, align: "right" },
  { head: "id", characters: 7, align: "right" },
  { head: "len", characters: 10, align: "right" },
  { head: "", characters: 5 },
];
const DESCRIPTOR_COLUMNS: readonly BoxColumn[] = [
  { head: "#", characters: 5, align: "right" },
  { head: "addr", characters: 18, align: "right" },
  { head: "len", characters: 10, align: "right" },
  { head: "flags", characters: 19 },
  { head: "next", characters: 5, align: "right" },
];

/** Rows of a table, and where each descriptor is drawn. */
interface PlacedTable {
  readonly box: PlacedBox;
  readonly rows: readonly DrawnRow[];
  readonly length: number;
  /** Row of a descriptor, undefined when it is not drawn. */
  rowOf(index: number): number | undefined;
}

/** Draws the queue; the result is an `svg` element. */
export function drawSplitRing(ring: RingSnapshot): string {
  const drawing = new Drawing();
  const descriptors = decodeDescriptors(ring.descriptors, "split");
  const available = decodeAvailable(ring);
  const used = decodeUsed(ring);
  const hot = new Set(ring.highlight);

  const availableSlots = slotsBefore(available.idx, ring.size, MAX_ENTRIES);
  const usedSlots = slotsBefore(used.idx, ring.size, MAX_ENTRIES);
  const heads = availableSlots.slice(0, -1).map((slot) => available.entries[slot]?.head ?? 0);
  const ids = usedSlots.slice(0, -1).map((slot) => used.entries[slot]?.id ?? 0);
  const wanted = [
    ...ring.highlight,
    ...heads.reverse().flatMap((head) => chainFrom(head, descriptors)),
    ...ids,
  ];

  const tableX = boxWidth(AVAILABLE_COLUMNS) + GUTTER_LEFT;
  const usedX = tableX + boxWidth(DESCRIPTOR_COLUMNS) + GUTTER_RIGHT;
  const availableBox = drawing.box({
    x: 0,
    y: 0,
    title: `Available ring  ${hex(ring.addresses.driver)}`,
    subtitle: [
      `flags ${available.flags}${available.flags === VIRTQ_AVAIL_F_NO_INTERRUPT ? " NO_INTERRUPT" : ""}`,
      `idx ${available.idx}`,
      ...(available.event === null ? [] : [`used_event ${available.event}`]),
    ].join("  "),
    columns: AVAILABLE_COLUMNS,
    rows: availableSlots.map((slot, at) => {
      const last = at === availableSlots.length - 1;
      const head = available.entries[slot]?.head;
      return {
        cells: [`${slot}`, head === undefined ? "?" : `${head}`, last ? "◂ idx" : ""],
        tone: last ? "mark" : head !== undefined && hot.has(head) ? "hot" : "plain",
      };
    }),
  });
  const table = drawTable(drawing, tableX, 0, {
    title: `Descriptor table  ${hex(ring.addresses.descriptors)}`,
    subtitle: `${ring.size} descriptors`,
    descriptors,
    wanted,
    hot,
  });
  const usedBox = drawing.box({
    x: usedX,
    y: 0,
    title: `Used ring  ${hex(ring.addresses.device)}`,
    subtitle: [
      `flags ${used.flags}${used.flags === VIRTQ_USED_F_NO_NOTIFY ? " NO_NOTIFY" : ""}`,
      `idx ${used.idx}`,
      ...(used.event === null ? [] : [`avail_event ${used.event}`]),
    ].join("  "),
    columns: USED_COLUMNS,
    rows: usedSlots.map((slot, at) => {
      const last = at === usedSlots.length - 1;
      const entry = used.entries[slot];
      return {
        cells: [
          `${slot}`,
          entry === undefined ? "?" : `${entry.id}`,
          `${entry?.len ?? "?"}`,
          last ? "◂ idx" : "",
        ],
        tone: last ? "mark" : entry !== undefined && hot.has(entry.id) ? "hot" : "plain",
      };
    }),
  });

  availableSlots.slice(0, -1).forEach((slot, row) => {
    const head = available.entries[slot]?.head ?? 0;
    const from = { x: availableBox.right, y: availableBox.rowY(row) };
    const target = table.rowOf(head);
    if (target !== undefined) {
      drawing.curve(from, { x: table.box.left, y: table.box.rowY(target) }, hot.has(head) ? "hot" : "plain");
    } else if (head >= table.length) {
      drawing.stub(from, "?", "bad");
    }
  });
  usedSlots.slice(0, -1).forEach((slot, row) => {
    const id = used.entries[slot]?.id ?? 0;
    const target = table.rowOf(id);
    if (target === undefined) return;
    const to = { x: table.box.right, y: table.box.rowY(target) };
    drawing.curve({ x: usedBox.left, y: usedBox.rowY(row) }, to, hot.has(id) ? "mark" : "plain");
  });
  drawIndirectTables(drawing, ring, table, tableX, hot);
  return drawing.toSvg(describe(ring, descriptors));
}

/** What a table is drawn from. */
interface TableContents {
  readonly title: string;
  readonly subtitle: string;
  readonly descriptors: readonly DescriptorView[];
  readonly wanted: readonly number[];
  readonly hot: ReadonlySet<number>;
}

function drawTable(drawing: Drawing, x: number, y: number, contents: TableContents): PlacedTable {
  const { title, subtitle, descriptors, wanted, hot } = contents;
  const rows = rowsOf(descriptors, wanted, MAX_DESCRIPTORS);
  const box = drawing.box({
    x,
    y,
    title,
    subtitle,
    columns: DESCRIPTOR_COLUMNS,
    rows: rows.map((row) => boxRow(row, hot)),
  });
  const places = new Map(
    rows.flatMap(
      (row, at) => (row.kind === "descriptor" ? [[row.descriptor.index, at]] : []) as [number, number][],
    ),
  );
  const table = { box, rows, length: descriptors.length, rowOf: (index: number) => places.get(index) };
  for (const row of rows) if (row.kind === "descriptor") drawNext(drawing, table, row.descriptor, hot);
  return table;
}

function boxRow(row: DrawnRow, hot: ReadonlySet<number>): BoxRow {
  if (row.kind === "gap") return { cells: gapText(row.left, row.blank) };
  const { index, addr, len, flags, link } = row.descriptor;
  return {
    cells: [
      `${index}`,
      addr,
      `${len}`,
      flagNames(flags, "split"),
      goesOn(row.descriptor) || link > 0 ? `${link}` : "",
    ],
    tone: hot.has(index) ? "hot" : "plain",
  };
}

/** The text of a row that stands for several. */
export function gapText(left: number, blank: boolean): string {
  return `⋮ ${left} ${blank ? "blank" : "more"}`;
}

function drawNext(
  drawing: Drawing,
  { box, length, rowOf }: PlacedTable,
  descriptor: DescriptorView,
  hot: ReadonlySet<number>,
): void {
  if (!goesOn(descriptor)) return;
  const { index, link } = descriptor;
  const from = { x: box.right, y: box.rowY(rowOf(index) ?? 0) };
  const target = rowOf(link);
  if (target === undefined) {
    drawing.stub(from, link >= length ? "none" : `${link}`, link >= length ? "bad" : "plain");
    return;
  }
  const to = { x: box.right, y: box.rowY(target) };
  const backwards = to.y <= from.y;
  const reach = Math.min(46, 16 + Math.abs(to.y - from.y) / 6);
  const tone = hot.has(index) && hot.has(link) ? "hot" : "plain";
  if (link === index) drawing.bow({ x: from.x, y: from.y - 5 }, { x: to.x, y: to.y + 5 }, 22, "bad");
  else drawing.bow({ ...from, y: from.y + 3 }, { ...to, y: to.y - 3 }, reach, backwards ? "bad" : tone);
}

/** The tables the queue's descriptors refer to, below the descriptor table; each with an arrow from who refers. */
function drawIndirectTables(
  drawing: Drawing,
  ring: RingSnapshot,
  table: PlacedTable,
  x: number,
  hot: ReadonlySet<number>,
): void {
  let y = table.box.bottom + BETWEEN_TABLES;
  const sources: PlacedTable[] = [table];
  ring.tables.slice(0, MAX_TABLES).forEach(({ address, bytes }, order) => {
    const descriptors = decodeDescriptors(bytes, "split");
    const addr = hex(address);
    const refers = sources.flatMap((source) =>
      source.rows.flatMap((row, at) =>
        row.kind === "descriptor" && isIndirect(row.descriptor) && row.descriptor.addr === addr
          ? [{ source, at, index: row.descriptor.index }]
          : [],
      ),
    );
    const isHot = refers.some(({ source, index }) => source !== table || hot.has(index));
    const placed = drawTable(drawing, x, y, {
      title: `Indirect table  ${addr}`,
      subtitle: `${descriptors.length} descriptors`,
      descriptors,
      wanted: [],
      hot: isHot ? new Set(chainFrom(0, descriptors)) : new Set(),
    });
    for (const { source, at, index } of refers) {
      drawing.detour(
        { x: source.box.right, y: source.box.rowY(at) },
        { x: placed.box.titleRight + 8, y: placed.box.titleY - 4 },
        table.box.right + LANE + order * 10,
        source !== table || hot.has(index) ? "hot" : "plain",
      );
    }
    sources.push(placed);
    y = placed.box.bottom + BETWEEN_TABLES;
  });
}

function chainFrom(head: number, descriptors: readonly DescriptorView[]): number[] {
  const chain = new Set<number>();
  let at = descriptors[head];
  while (at !== undefined && !chain.has(at.index) && chain.size < MAX_CHAIN) {
    chain.add(at.index);
    at = goesOn(at) ? descriptors[at.link] : undefined;
  }
  return [...chain];
}

function describe(ring: RingSnapshot, descriptors: readonly DescriptorView[]): string {
  const chain = ring.highlight.map((index) => {
    const descriptor = descriptors[index];
    return descriptor === undefined
      ? `${index} (none)`
      : `${index} (${descriptor.addr}, ${descriptor.len} bytes, ${flagNames(descriptor.flags, "split") || "no flags"})`;
  });
  return `Split virtqueue ${ring.queue} of ${ring.size} descriptors. Chain: ${chain.join(", ") || "none"}.`;
}

/** An address in hexadecimal, with 0x. */
export function hex(address: number): string {
  return `0x${address.toString(16)}`;
}
