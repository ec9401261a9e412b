import type { Style } from "../console.ts";
import type { GpuFeatureName, ShownBy } from "./protocol.ts";
import type { DemoResult } from "./run-demo.ts";
import { formatCount } from "./timeline.ts";

/** What --json prints. */
export interface DemoJson {
  /** Commands of the gpu by name. */
  readonly commands: Readonly<Record<string, number>>;
  /** Their responses by name. */
  readonly responses: Readonly<Record<string, number>>;
  readonly dirtyFb: number;
  readonly pageFlips: number;
  /** Under which the first framebuffer was exported, null without the feature. */
  readonly uuid: string | null;
  /** Bytes copied from guest memory to the host, by everything. */
  readonly bytesCopied: number;
  /** Of these, by page flips. */
  readonly bytesCopiedByFlips: number;
  /** Every picture that was shown, in order: mode set, DIRTYFB, page flips. */
  readonly frames: readonly {
    readonly width: number;
    readonly height: number;
    /** Of the bytes R, G, B, 255 of every pixel, row by row. */
    readonly sha256: string;
    readonly shownBy: ShownBy;
  }[];
  /** Altogether, start and end of the threads included. */
  readonly elapsedMs: number;
  /** Commands a second, from the first to the last, whatever else the two threads did meanwhile. */
  readonly commandsPerSecond: number;
  /** Page flips a second, drawing and hashing the pictures included. */
  readonly flipsPerSecond: number;
  /** Time the gpu itself spent on commands, in milliseconds. */
  readonly deviceMs: number;
  /** Time its display spent on reading and hashing the pictures, in milliseconds. */
  readonly inspectionMs: number;
  readonly notifications: number;
  readonly interrupts: number;
  readonly width: number;
  readonly height: number;
  readonly ring: "split" | "packed";
  readonly features: readonly GpuFeatureName[];
  readonly buffers: number;
  /** The picture that was written, null without one. */
  readonly png: string | null;
  /** Page flips that went on until the user ended them; nothing else here counts them. */
  readonly animatedFlips: number;
  /** What became of the display that was asked for, in words; null without one. */
  readonly display: string | null;
}

/** Draws the sums from a run. */
export function summarize({ settings, device, guest, elapsedMs }: DemoResult, png: string | null): DemoJson {
  const gpu = device.commands.filter(({ queue }) => queue !== "paintq");
  const count = (name: (command: (typeof gpu)[number]) => string): Record<string, number> => {
    const counts: Record<string, number> = {};
    for (const command of gpu) counts[name(command)] = (counts[name(command)] ?? 0) + 1;
    return counts;
  };
  const { flips } = guest;
  const byFlips = gpu.filter(({ at }) => flips !== null && at >= flips.from && at < flips.to);
  const rate = (number: number, ms: number): number => (ms > 0 ? Math.round((number * 1000) / ms) : 0);
  return {
    commands: count(({ name }) => name),
    responses: count(({ response }) => response),
    dirtyFb: guest.dirtyFb,
    pageFlips: guest.pageFlips,
    uuid: guest.uuid,
    bytesCopied: device.bytesCopied,
    bytesCopiedByFlips: byFlips.reduce((sum, { bytesCopied }) => sum + bytesCopied, 0),
    frames: device.frames.map((frame, i) => ({ ...frame, shownBy: guest.shown[i] ?? "page-flip" })),
    elapsedMs: Math.round(elapsedMs),
    commandsPerSecond: rate(gpu.length, guest.guestMs),
    flipsPerSecond: rate(guest.pageFlips, guest.flipMs),
    deviceMs: Math.round(device.gpuMs * 10) / 10,
    inspectionMs: Math.round(device.inspectionMs * 10) / 10,
    notifications: device.notifications,
    interrupts: device.interrupts,
    width: guest.width,
    height: guest.height,
    ring: guest.packed ? "packed" : "split",
    features: guest.features,
    buffers: settings.buffers,
    png,
    animatedFlips: guest.animated?.flips ?? 0,
    display: device.display,
  };
}

/** The sums as text. */
export function formatSummary(result: DemoResult, json: DemoJson, style: Style): string {
  const { device, guest } = result;
  const total = Object.values(json.commands).reduce((sum, count) => sum + count, 0);
  const rows: [string, string][] = [
    ["commands", formatCounts(json.commands)],
    ["responses", formatCounts(json.responses)],
    ["shown", `1 mode set, ${json.dirtyFb} DIRTYFB, ${json.pageFlips} page flips`],
    ["exported", json.uuid === null ? "nothing: RESOURCE_UUID is not offered" : `uuid ${json.uuid}`],
    ["copied", copies(json)],
    [
      "signals",
      `${formatCount(json.notifications)} notifications, ${formatCount(json.interrupts)} interrupts, ` +
        `${formatCount(device.registerAccesses)} register accesses`,
    ],
    [
      "rates",
      `${formatCount(json.commandsPerSecond)} commands/s, ${formatCount(json.flipsPerSecond)} flips/s, ` +
        "drawing and hashing every picture included",
    ],
    [
      "time",
      `gpu ${json.deviceMs} ms; ` +
        `reading and hashing ${json.frames.length} pictures ${formatCount(json.inspectionMs)} ms` +
        (device.painted === 0 ? "" : `; the other device ${formatCount(device.painterMs)} ms`),
    ],
  ];
  const last = json.frames.at(-1);
  if (last !== undefined) rows.push(["last", `${last.width} × ${last.height}, sha256 ${last.sha256}`]);
  if (guest.animated !== null) {
    const seconds = (guest.animated.ms / 1000).toFixed(1);
    rows.push([
      "animated",
      `${formatCount(guest.animated.flips)} more page flips in ${seconds} s, in no other sum`,
    ]);
  }
  if (json.display !== null) rows.push(["display", json.display]);
  const body = rows.map(([name, text]) => `  ${style.dim(name.padEnd(10))}${text}`).join("\n");
  const seconds = (json.elapsedMs / 1000).toFixed(1);
  const painted = device.painted === 0 ? "" : `, and ${formatCount(device.painted)} of the other device,`;
  return `${style.bold(`${formatCount(total)} commands${painted} in ${formatCount(guest.guestMs)} ms`)} (${seconds} s with starting two threads)\n${body}\n`;
}

/** What was negotiated, as text. */
export function formatSetting(result: DemoResult, json: DemoJson): string {
  const { guest, ramBytes } = result;
  const features = json.features.map((name) => FEATURE_TITLES[name]).join(", ") || "none";
  return (
    `virtio-gpu over MMIO: the device in one thread, its guest in another, ${formatCount(ramBytes / 2 ** 20)} MiB shared\n` +
    `${json.width} × ${json.height} pixels, ${json.ring} rings, features: ${features}; ` +
    `a framebuffer is ${formatCount(guest.pages)} pages in ${formatCount(guest.segments)} segments\n`
  );
}

const FEATURE_TITLES: Readonly<Record<GpuFeatureName, string>> = {
  edid: "EDID",
  uuid: "RESOURCE_UUID",
  blob: "RESOURCE_BLOB",
};

function copies(json: DemoJson): string {
  const flips =
    json.pageFlips === 0
      ? "no page flips"
      : json.bytesCopiedByFlips === 0
        ? "none by page flips: the device shows the guest's own pages"
        : `${formatCount(json.bytesCopiedByFlips)} by page flips, ${formatCount(json.bytesCopiedByFlips / json.pageFlips)} each`;
  return `${formatCount(json.bytesCopied)} bytes, ${flips}`;
}

function formatCounts(counts: Readonly<Record<string, number>>): string {
  const sorted = Object.entries(counts).sort(([, a], [, b]) => b - a);
  return sorted.map(([name, count]) => `${formatCount(count)} ${name}`).join(", ");
}
