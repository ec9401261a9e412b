import type { Style } from "../console.ts";
import { formatCount } from "../demo/timeline.ts";
import type { JudgedPicture, PictureState, ShareResult } from "./run-share.ts";
import { FLIP_BUFFERS } from "./settings.ts";

/** What --json prints. */
export interface ShareJson {
  readonly width: number;
  readonly height: number;
  readonly profile: string;
  readonly blob: boolean;
  readonly sync: boolean;
  readonly import: "uuid" | "pages";
  /** UUID of the first buffer, null when it has none. */
  readonly uuid: string | null;
  readonly pictures: readonly JudgedPicture[];
  readonly whole: number;
  readonly late: number;
  readonly torn: number;
  readonly totals: ShareResult["totals"];
  /** Time on the machine's clock. */
  readonly dirtyFbMs: number;
  readonly flipsMs: number;
  /** The picture that was written, null without one. */
  readonly png: string | null;
  readonly elapsedMs: number;
}

function countOf(result: ShareResult, state: PictureState): number {
  return result.pictures.filter((picture) => picture.state === state).length;
}

/** The result as JSON. */
export function summarize(result: ShareResult, png: string | null): ShareJson {
  const { settings, guest, pictures, totals } = result;
  const { width, height, profile, blob, sync } = settings;
  return {
    width,
    height,
    profile,
    blob,
    sync,
    import: guest.path,
    uuid: guest.uuid,
    pictures,
    whole: countOf(result, "whole"),
    late: countOf(result, "late"),
    torn: countOf(result, "torn"),
    totals,
    dirtyFbMs: guest.dirtyFbMs,
    flipsMs: guest.flipsMs,
    png,
    elapsedMs: Math.round(result.elapsedMs),
  };
}

const LABEL_WIDTH = 24;

/** The sums as text. */
export function formatSummary(result: ShareResult, style: Style): string {
  const { settings, guest, totals } = result;
  const torn = countOf(result, "torn");
  const late = countOf(result, "late");
  const whole = countOf(result, "whole");
  const count = (number: number, what: string) => `${formatCount(number)} ${what}${number === 1 ? "" : "s"}`;
  const seen = [`${formatCount(whole)} whole`];
  if (late > 0) seen.push(`${formatCount(late)} not drawn yet`);
  seen.push(`${formatCount(torn)} torn`);
  const copied =
    totals.bytesCopied === 0
      ? style.good("0 bytes")
      : `${formatCount(totals.bytesCopied)} bytes, for ${formatCount(totals.bytesTransferred)} of damage`;
  const rows: [string, string][] = [
    ["pictures", `${(torn > 0 ? style.bad : style.good)(seen.join(", "))} (${syncText(result)})`],
    ["copied by virtio-gpu", copied],
    ["drawn by the renderer", count(totals.pixelsDrawn, "pixel")],
    [
      "commands",
      `${formatCount(totals.gpuCommands)} to virtio-gpu with ${count(totals.gpuNotifications, "notification")}, ` +
        `${formatCount(totals.renderCommands)} to the renderer with ${formatCount(totals.renderNotifications)}; ` +
        `${count(totals.fences, "fence")}`,
    ],
    [
      "page flips",
      `between ${FLIP_BUFFERS} buffers, ${count(totals.flips, "change")} of what is scanned out`,
    ],
    [
      "time of the machine",
      `${guest.dirtyFbMs.toFixed(1)} ms for DIRTYFB, ${guest.flipsMs.toFixed(1)} ms for page flips`,
    ],
  ];
  if (settings.frames === 0) rows.splice(4, 2);
  return `${rows.map(([label, text]) => `${label.padEnd(LABEL_WIDTH)}${text}`).join("\n")}\n`;
}

function syncText({ settings }: ShareResult): string {
  if (!settings.sync) return "nobody waits for anybody";
  return settings.profile === "linux-7.3"
    ? "the kernel waits for the renderer"
    : "the program waits for the renderer; this kernel does not";
}

/** What the run is about, in two lines. */
export function formatSetting(result: ShareResult, style: Style): string {
  const { settings, guest } = result;
  const { width, height, frames, blob, profile } = settings;
  const buffers = blob
    ? guest.path === "uuid"
      ? "blobs of guest memory"
      : "dumb buffers, which are blobs"
    : "dumb buffers with a copy on the host";
  const how =
    guest.path === "uuid"
      ? `by UUID, the first ${guest.uuid}`
      : guest.uuid === null
        ? "by their pages"
        : "by their pages; their UUIDs name the host's copies";
  return (
    `${style.bold(`${frames} pictures with DIRTYFB, ${frames} with page flips`)}, ${width} × ${height}, as ${profile} does it.\n` +
    `Buffers: ${buffers}, imported into the renderer ${how}.\n`
  );
}
