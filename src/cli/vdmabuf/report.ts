import type { Style } from "../console.ts";
import type { CompareResult, WayResult } from "./compare.ts";
import type { Costs, WayName } from "./ways.ts";

/** What --json prints. */
export interface VdmabufJson {
  readonly width: number;
  readonly height: number;
  readonly buffers: number;
  readonly ring: "split" | "packed";
  /** Pages of one buffer, and in how many segments those of all buffers lie. */
  readonly pages: number;
  readonly segments: number;
  /** Every picture was the same on all displays. */
  readonly identical: boolean;
  readonly frames: readonly { readonly sha256: Readonly<Record<WayName, string>> }[];
  readonly costs: Readonly<
    Record<
      WayName,
      {
        /** Before the first frame, all buffers included. */
        readonly once: Costs;
        /** All frames together. */
        readonly frames: Costs;
        readonly perFrame: Costs;
        readonly microsecondsPerFrame: number;
      }
    >
  >;
  /** The picture that was written, null without one. */
  readonly png: string | null;
  readonly elapsedMs: number;
}

/** The result as JSON. */
export function summarize(result: CompareResult, png: string | null): VdmabufJson {
  const { settings, hashes, ways } = result;
  const costs = Object.fromEntries(
    ways.map((way) => [
      way.name,
      {
        once: way.once,
        frames: way.frames,
        perFrame: perFrame(way, settings.frames),
        microsecondsPerFrame: Math.round(way.microsecondsPerFrame * 10) / 10,
      },
    ]),
  ) as VdmabufJson["costs"];
  return {
    width: settings.width,
    height: settings.height,
    buffers: settings.buffers,
    ring: settings.ring,
    pages: result.pages,
    segments: result.segments,
    identical: result.identical,
    frames: hashes.vdmabuf.map((vdmabuf, i) => ({
      sha256: { vdmabuf, blob: hashes.blob[i] as string, "2d": hashes["2d"][i] as string },
    })),
    costs,
    png,
    elapsedMs: Math.round(result.elapsedMs),
  };
}

function perFrame({ frames }: WayResult, count: number): Costs {
  const each = (name: keyof Costs): number => (count === 0 ? 0 : frames[name] / count);
  return {
    toHost: each("toHost"),
    toGuest: each("toGuest"),
    notifications: each("notifications"),
    interrupts: each("interrupts"),
    descriptors: each("descriptors"),
    descriptorBytes: each("descriptorBytes"),
    messageBytes: each("messageBytes"),
    tableBytes: each("tableBytes"),
    bytesCopied: each("bytesCopied"),
  };
}

const HEADINGS: Readonly<Record<WayName, string>> = {
  vdmabuf: "Vdmabuf",
  blob: "gpu, blob",
  "2d": "gpu, 2D",
};

const ROWS: readonly (readonly [keyof Costs, string])[] = [
  ["toHost", "commands, guest to host"],
  ["toGuest", "commands, host to guest"],
  ["notifications", "notifications"],
  ["interrupts", "interrupts"],
  ["descriptors", "descriptors"],
  ["descriptorBytes", "descriptor bytes"],
  ["messageBytes", "message bytes"],
  ["tableBytes", "page table bytes"],
  ["bytesCopied", "bytes copied"],
];

const LABEL_WIDTH = 26;
const COLUMN_WIDTH = 13;

/** The result as a table. */
export function formatComparison(result: CompareResult, style: Style): string {
  const { settings, ways, pages, segments } = result;
  const { width, height, frames, buffers, ring } = settings;
  const lines = [
    `${count(frames)} pictures of ${width} × ${height}, in ${buffers} buffers of ${count(pages)} pages ` +
      `(${count(segments)} segments altogether), shown three ways; ${ring} rings.`,
    result.identical
      ? `${style.good("Identical:")} every picture, pixel by pixel, on all three displays.`
      : `${style.bad("Different:")} the displays did not show the same.`,
    "",
    style.bold(
      line(
        "",
        ways.map(({ name }) => HEADINGS[name]),
      ),
    ),
    style.dim(`once, for all ${buffers} buffers`),
    ...ROWS.map(([name, label]) =>
      line(
        `  ${label}`,
        ways.map(({ once }) => count(once[name])),
      ),
    ),
  ];
  if (frames > 0) {
    const each = ways.map((way) => perFrame(way, frames));
    lines.push(
      style.dim("for each picture, on average"),
      ...ROWS.map(([name, label]) =>
        line(
          `  ${label}`,
          each.map((costs) => count(costs[name])),
        ),
      ),
      line(
        "  microseconds, median",
        ways.map(({ microsecondsPerFrame }) => count(microsecondsPerFrame)),
      ),
    );
  }
  return `${lines.map((text) => text.trimEnd()).join("\n")}\n`;
}

function line(label: string, cells: readonly string[]): string {
  return label.padEnd(LABEL_WIDTH) + cells.map((cell) => cell.padStart(COLUMN_WIDTH)).join("");
}

/** A number with its thousands apart, and one digit behind the point where there is something to say. */
function count(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: 1 });
}
