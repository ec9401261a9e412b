/** A packed virtqueue, drawn: descriptor ring with its AVAIL and USED bits, and both event suppression structures. */
import {
  RING_EVENT_FLAGS_DESC,
  RING_EVENT_FLAGS_DISABLE,
  RING_EVENT_FLAGS_ENABLE,
} from "../../../wire/packed-ring.ts";
import type { RingSnapshot } from "../../result.ts";
import {
  type DescriptorView,
  type DrawnRow,
  decodeDescriptors,
  decodeEvent,
  type EventView,
  flagNames,
  goesOn,
  isIndirect,
  packedBits,
  rowsOf,
} from "./decode-ring.ts";
import { type BoxColumn, type BoxRow, boxWidth, Drawing, type PlacedBox } from "./drawing.ts";
import { gapText, hex } from "./split-drawing.ts";

const MAX_DESCRIPTORS = 24;
const MAX_TABLES = 4;
const GUTTER_LEFT = 64;
const GUTTER_RIGHT = 110;
const LANE = 66;
const BETWEEN_TABLES = 26;

const EVENT_COLUMNS: readonly BoxColumn[] = [
  { head: "field", characters: 7 },
  { head: "value", characters: 10 },
];
const RING_COLUMNS: readonly BoxColumn[] = [
  { head: "#", characters: 5, align: "right" },
  { head: "addr", characters: 18, align: "right" },
  { head: "len", characters: 10, align: "right" },
  { head: "id", characters: 6, align: "right" },
  { head: "AV  US", characters: 7 },
  { head: "flags", characters: 19 },
  { head: "state", characters: 14 },
];
const TABLE_COLUMNS: readonly BoxColumn[] = RING_COLUMNS.map((column, index) =>
  index === 4 || index === 6 ? { ...column, head: "" } : column,
);

const EVENT_NAMES: Readonly<Record<number, string>> = {
  [RING_EVENT_FLAGS_ENABLE]: "ENABLE",
  [RING_EVENT_FLAGS_DISABLE]: "DISABLE",
  [RING_EVENT_FLAGS_DESC]: "DESC",
};

/** Draws the queue; the result is an `svg` element. */
export function drawPackedRing(ring: RingSnapshot): string {
  const drawing = new Drawing();
  const descriptors = decodeDescriptors(ring.descriptors, "packed");
  const hot = new Set(ring.highlight);
  const driver = decodeEvent(ring.driver);
  const device = decodeEvent(ring.device);
  const wanted = [...ring.highlight, ...[driver, device].filter(aims).map(({ offset }) => offset)];
  const rows = rowsOf(descriptors, wanted, MAX_DESCRIPTORS);
  const places = new Map(
    rows.flatMap(
      (row, at) => (row.kind === "descriptor" ? [[row.descriptor.index, at]] : []) as [number, number][],
    ),
  );

  const ringX = boxWidth(EVENT_COLUMNS) + GUTTER_LEFT;
  const driverBox = eventBox(drawing, 0, "Driver event suppression", ring.addresses.driver, driver);
  const box = drawing.box({
    x: ringX,
    y: 0,
    title: `Descriptor ring  ${hex(ring.addresses.descriptors)}`,
    subtitle: `${ring.size} descriptors`,
    columns: RING_COLUMNS,
    rows: rows.map((row) => boxRow(row, hot.has(indexOf(row)), true)),
  });
  const deviceX = box.right + GUTTER_RIGHT;
  const deviceBox = eventBox(drawing, deviceX, "Device event suppression", ring.addresses.device, device);

  const bitsX = ringX + boxWidth(RING_COLUMNS.slice(0, 4)) + 8;
  rows.forEach((row, at) => {
    if (row.kind !== "descriptor") return;
    const { avail, used } = packedBits(row.descriptor);
    drawing.bits(bitsX, box.rowY(at), [avail, used]);
    if (goesOn(row.descriptor)) drawNext(drawing, box, row.descriptor, at, places, descriptors.length, hot);
  });
  const aim = (event: EventView, from: PlacedBox, x: number, side: number) => {
    const target = places.get(event.offset);
    if (!aims(event) || target === undefined) return;
    drawing.curve({ x: side, y: from.rowY(1) }, { x, y: box.rowY(target) }, "mark");
  };
  aim(driver, driverBox, box.left, driverBox.right);
  aim(device, deviceBox, box.right, deviceBox.left);
  drawTables(drawing, ring, box, rows, ringX, hot);
  return drawing.toSvg(describe(ring, descriptors));
}

const aims = ({ flags }: EventView): boolean => flags === RING_EVENT_FLAGS_DESC;
const indexOf = (row: DrawnRow): number => (row.kind === "descriptor" ? row.descriptor.index : -1);

function eventBox(drawing: Drawing, x: number, title: string, address: number, event: EventView): PlacedBox {
  const { flags, offset, wrap, reserved } = event;
  const rows: BoxRow[] = [
    { cells: ["flags", EVENT_NAMES[flags] ?? `${flags} reserved`], tone: flags === 3 ? "bad" : "plain" },
    { cells: ["offset", `${offset}`] },
    { cells: ["wrap", `${wrap}`] },
  ];
  if (reserved !== 0) rows.push({ cells: ["other", `0x${reserved.toString(16)}`], tone: "bad" });
  return drawing.box({ x, y: 0, title, subtitle: hex(address), columns: EVENT_COLUMNS, rows });
}

function boxRow(row: DrawnRow, isHot: boolean, inRing: boolean): BoxRow {
  if (row.kind === "gap") return { cells: gapText(row.left, row.blank) };
  const { index, addr, len, flags, link, blank } = row.descriptor;
  const state = inRing && !blank ? stateOf(row.descriptor) : "";
  return {
    cells: [
      `${index}`,
      addr,
      `${len}`,
      `${link}`,
      inRing ? bitsText(row.descriptor) : "",
      flagNames(flags, "packed"),
      state,
    ],
    tone: isHot ? "hot" : "plain",
  };
}

/** The two bits, each with room for its square before it. */
function bitsText(descriptor: DescriptorView): string {
  const { avail, used } = packedBits(descriptor);
  return `  ${avail}   ${used}`;
}

/** What the two bits say. Which wrap counter is the present one they do not say. */
function stateOf(descriptor: DescriptorView): string {
  const { avail, used } = packedBits(descriptor);
  if (avail !== used) return `avail, wrap ${avail}`;
  return `used, wrap ${used}`;
}

function drawNext(
  drawing: Drawing,
  box: PlacedBox,
  { index }: DescriptorView,
  row: number,
  places: ReadonlyMap<number, number>,
  size: number,
  hot: ReadonlySet<number>,
): void {
  const next = (index + 1) % size;
  const from = { x: box.right, y: box.rowY(row) + 3 };
  const target = places.get(next);
  if (target === undefined) {
    drawing.stub(from, `${next}`, "plain");
    return;
  }
  const to = { x: box.right, y: box.rowY(target) - 3 };
  const reach = Math.min(46, 16 + Math.abs(to.y - from.y) / 6);
  drawing.bow(from, to, reach, hot.has(index) && hot.has(next) ? "hot" : "plain");
}

function drawTables(
  drawing: Drawing,
  ring: RingSnapshot,
  ringBox: PlacedBox,
  ringRows: readonly DrawnRow[],
  x: number,
  hot: ReadonlySet<number>,
): void {
  let y = ringBox.bottom + BETWEEN_TABLES;
  ring.tables.slice(0, MAX_TABLES).forEach(({ address, bytes }, order) => {
    const descriptors = decodeDescriptors(bytes, "packed");
    const rows = rowsOf(descriptors, [], MAX_DESCRIPTORS);
    const addr = hex(address);
    const refers = ringRows.flatMap((row, at) =>
      row.kind === "descriptor" && isIndirect(row.descriptor) && row.descriptor.addr === addr
        ? [{ at, isHot: hot.has(row.descriptor.index) }]
        : [],
    );
    const isHot = refers.some((reference) => reference.isHot);
    const box = drawing.box({
      x,
      y,
      title: `Indirect table  ${addr}`,
      subtitle: `${descriptors.length} descriptors, one after the other`,
      columns: TABLE_COLUMNS,
      rows: rows.map((row) => boxRow(row, isHot, false)),
    });
    for (const reference of refers) {
      drawing.detour(
        { x: ringBox.right, y: ringBox.rowY(reference.at) },
        { x: box.titleRight + 8, y: box.titleY - 4 },
        ringBox.right + LANE + order * 10,
        reference.isHot ? "hot" : "plain",
      );
    }
    y = box.bottom + BETWEEN_TABLES;
  });
}

function describe(ring: RingSnapshot, descriptors: readonly DescriptorView[]): string {
  const chain = ring.highlight.map((index) => {
    const descriptor = descriptors[index];
    return descriptor === undefined
      ? `${index} (none)`
      : `${index} (${descriptor.addr}, ${descriptor.len} bytes, id ${descriptor.link}, ${stateOf(descriptor)})`;
  });
  return `Packed virtqueue ${ring.queue} of ${ring.size} descriptors. Chain: ${chain.join(", ") || "none"}.`;
}
