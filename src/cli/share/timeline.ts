import type { Style } from "../console.ts";
import type { ChapterName, ShareEvent } from "./events.ts";
import type { JudgedPicture, ShareResult } from "./run-share.ts";

/** How much of a timeline to show: per chapter this many lines from its beginning and its end. */
export interface TimelineLimits {
  readonly head: number;
  readonly tail: number;
}

const TITLES: Readonly<Record<ChapterName, string>> = {
  setup: "buffers: made, exported, imported into the renderer",
  dirtyfb: "one buffer: render, DIRTYFB",
  flips: "three buffers: render, page flip",
};
const WIDTH = { time: 9, device: 7, name: 22 };

/** Everything that happened, in its order. */
export function formatTimeline(result: ShareResult, limits: TimelineLimits, style: Style): string {
  const lines = [
    style.dim(
      `${"ms".padStart(WIDTH.time)}  ${"device".padEnd(WIDTH.device)}  ${"command".padEnd(WIDTH.name)}  parameters → response`,
    ),
  ];
  const parts = partsOf(result);
  for (const { chapter, events } of parts) {
    // The way back is the way there, the other way round.
    const isEnd = chapter === "setup" && parts[0]?.events !== events;
    lines.push("", style.bold(isEnd ? "buffers: given back" : TITLES[chapter]));
    lines.push(
      ...cut(
        events.map((event) => formatEvent(event, style)),
        limits,
        style,
      ),
    );
  }
  return `${lines.join("\n")}\n`;
}

interface Part {
  readonly chapter: ChapterName;
  readonly events: ShareEvent[];
}

function partsOf({ events, pictures }: ShareResult): Part[] {
  const parts: Part[] = [];
  const left: JudgedPicture[] = [...pictures];
  for (const event of events) {
    let part = parts.at(-1);
    if (part === undefined || part.chapter !== event.chapter) {
      part = { chapter: event.chapter, events: [] };
      parts.push(part);
    }
    const isFlush = event.device === "gpu" && event.name === "RESOURCE_FLUSH";
    part.events.push(event);
    if (isFlush && left[0]?.chapter === event.chapter)
      part.events.push(shownBy(left.shift() as JudgedPicture));
  }
  return parts;
}

/** The display's line behind the flush that it followed. */
function shownBy({ chapter, frame, atMs, state }: JudgedPicture): ShareEvent {
  return {
    chapter,
    atMs,
    device: "display",
    name: `picture ${frame}`,
    parameters: "",
    response: state === "late" ? "not drawn yet" : state,
    failed: state === "torn",
    remarks: [],
  };
}

function cut(lines: readonly string[], { head, tail }: TimelineLimits, style: Style): string[] {
  // To leave out one line saves nothing.
  if (lines.length <= head + tail + 1) return [...lines];
  const omitted = lines.length - head - tail;
  const note = style.dim(`${"⋮".padStart(WIDTH.time)}  … ${omitted} more like these …`);
  return [...lines.slice(0, head), note, ...lines.slice(lines.length - tail)];
}

function formatEvent(event: ShareEvent, style: Style): string {
  const { atMs, device, name, parameters, response, failed, remarks } = event;
  const outcome = (failed ? style.bad : style.good)(response);
  const rest = [parameters, `→ ${outcome}`, style.dim(remarks.join(", "))].filter((text) => text !== "");
  return [
    style.dim(atMs.toFixed(3).padStart(WIDTH.time)),
    device.padEnd(WIDTH.device),
    style.bold(name.padEnd(WIDTH.name)),
    rest.join(" "),
  ].join("  ");
}
