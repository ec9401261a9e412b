/** What the user gets to read of a comparison. */
import { VIRTIO_F_EVENT_IDX, VIRTIO_F_INDIRECT_DESC, VIRTIO_F_RING_PACKED } from "../../wire/common.ts";
import { VIRTIO_GPU_F_EDID, VIRTIO_GPU_F_RESOURCE_BLOB, VIRTIO_GPU_F_RESOURCE_UUID } from "../../wire/gpu.ts";
import type { Style } from "../console.ts";
import type { Comparison, Difference } from "./compare.ts";
import type { FolderResult, ScenarioResult } from "./compare-folder.ts";

const NAMES: readonly (readonly [number, string])[] = [
  [VIRTIO_GPU_F_EDID, "EDID"],
  [VIRTIO_GPU_F_RESOURCE_UUID, "RESOURCE_UUID"],
  [VIRTIO_GPU_F_RESOURCE_BLOB, "RESOURCE_BLOB"],
  [VIRTIO_F_INDIRECT_DESC, "INDIRECT_DESC"],
  [VIRTIO_F_EVENT_IDX, "EVENT_IDX"],
  [VIRTIO_F_RING_PACKED, "RING_PACKED"],
];

/** The report as JSON. */
export function reportJson(profile: string, folders: readonly FolderResult[]) {
  return {
    profile,
    equal: count(folders, "equal"),
    different: count(folders, "different"),
    skipped: count(folders, "skipped"),
    folders: folders.map(({ path, features, display, scenarios }) => ({
      path,
      features: featureNames(features.bits),
      featuresStated: features.stated,
      display,
      scenarios: scenarios.map(({ name, status, note, comparison }) => ({
        name,
        status,
        note,
        commands: comparison?.commands ?? 0,
        notifications: comparison?.notifications ?? 0,
        notificationsSuppressed: comparison?.suppressed ?? 0,
        calls: comparison?.calls ?? 0,
        pacing: comparison?.pacing ?? null,
        difference: comparison?.difference ?? null,
      })),
    })),
  };
}

/** The report as text: a line for each scenario, and below it where it differs. */
export function formatReport(profile: string, folders: readonly FolderResult[], style: Style): string {
  const lines: string[] = [];
  for (const folder of folders) {
    const { width, height } = folder.display;
    const names = featureNames(folder.features.bits).join(", ") || "no features";
    lines.push(`${style.bold(folder.path)} against ${profile}`);
    lines.push(
      style.dim(`  ${names}; ${width}x${height}${folder.features.stated ? "" : "; as the commands show"}`),
    );
    if (folder.features.virgl) lines.push("  The driver has negotiated VIRGL; the model does not render.");
    const widest = Math.max(0, ...folder.scenarios.map(({ name }) => name.length));
    for (const scenario of folder.scenarios) lines.push(...formatScenario(scenario, widest, style));
    lines.push("");
  }
  const sums = (["equal", "different", "skipped"] as const).map(
    (status) => `${count(folders, status)} ${status}`,
  );
  return `${lines.join("\n")}\n${sums.join(", ")}\n`;
}

function formatScenario(scenario: ScenarioResult, widest: number, style: Style): string[] {
  const { name, status, note, comparison } = scenario;
  const label = `  ${name.padEnd(widest)}  `;
  if (comparison === null) return [`${label}${style.dim(`skipped: ${note}`)}`];
  const { difference } = comparison;
  if (difference !== null) {
    const where = difference.command === null ? "" : ` at command ${difference.command},`;
    const first = `${label}${style.bad(status)}${where} ${difference.name}${note === null ? "" : ` (${note})`}`;
    return [first, ...formatFields(difference)];
  }
  const told = describe(comparison);
  return [`${label}${style.good(status)}  ${told}${note === null ? "" : style.dim(`; ${note}`)}`];
}

function plural(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

function describe({ commands, notifications, suppressed, calls, pacing }: Comparison): string {
  const parts = [plural(commands, "command")];
  if (notifications > 0)
    parts.push(
      `${plural(notifications, "notification")}${suppressed > 0 ? ` (${suppressed} suppressed)` : ""}`,
    );
  if (calls > 0) parts.push(plural(calls, "call"));
  if (pacing !== null && pacing.modelMedianMs > 0) {
    parts.push(
      `frames ${pacing.medianMs.toFixed(1)} ms apart, at least ${pacing.modelMedianMs.toFixed(1)} in the model`,
    );
  }
  return parts.join(", ");
}

function formatFields({ fields }: Difference): string[] {
  const widest = Math.max(...fields.map(({ field }) => field.length));
  return fields.map(
    ({ field, expected, got }) => `      ${field.padEnd(widest)}  expected ${expected}, got ${got}`,
  );
}

function featureNames(bits: ReadonlySet<number>): string[] {
  return NAMES.filter(([bit]) => bits.has(bit)).map(([, name]) => name);
}

function count(folders: readonly FolderResult[], status: ScenarioResult["status"]): number {
  return folders.flatMap(({ scenarios }) => scenarios).filter((scenario) => scenario.status === status)
    .length;
}
