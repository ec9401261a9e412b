/** Which cases are meant. */
import {
  type CaseDefinition,
  type CaseInstance,
  DEVICE_MODELS,
  type RunOptions,
  selectInstances,
  type TargetFacts,
} from "../../conformance/index.ts";
import { UsageError } from "../usage-error.ts";
import type { ConformanceOptions } from "./options.ts";

/** The cases of one target. */
export interface Selection {
  readonly target: TargetFacts;
  /** For the runner. */
  readonly run: RunOptions;
  /** What it will run, in order. */
  readonly instances: readonly CaseInstance[];
  /** Ids of all cases that there are for the target. */
  readonly all: ReadonlySet<string>;
}

/** Selects cases for each target. Throws {@link UsageError} when a device or a pattern fits nothing. */
export function selectCases(
  targets: readonly TargetFacts[],
  cases: readonly CaseDefinition[],
  options: Pick<ConformanceOptions, "device" | "format" | "filter" | "shard">,
): Selection[] {
  checkDevices(targets, options.device);
  for (const target of targets) checkModels(target);
  const formats = options.format === "both" ? (["split", "packed"] as const) : [options.format];
  const devices = options.device === undefined ? {} : { devices: options.device };
  const candidates = targets.map((target) => selectInstances(target, cases, { formats, ...devices }));
  const leftOut = (fits: (instance: CaseInstance) => boolean): string => {
    const by: string[] = [];
    if (options.device !== undefined) by.push(`--device ${options.device.join(",")}`);
    if (options.format !== "both") by.push(`--format ${options.format}`);
    const others = targets.flatMap((target) => selectInstances(target, cases)).filter(fits);
    if (others.length === 0) return ": --list prints them all";
    return ` that ${by.join(" and ")} leaves: without, it fits ${others.length}`;
  };
  const meant = (options.filter ?? []).map((pattern) => {
    const fits = matcher(pattern);
    const ids = new Set(
      candidates
        .flat()
        .filter(fits)
        .map(({ id }) => id),
    );
    if (ids.size === 0) {
      throw new UsageError(`--filter ${JSON.stringify(pattern)} fits no case${leftOut(fits)}.`);
    }
    return ids;
  });
  const filter = meant.length === 0 ? {} : { filter: (id: string) => meant.some((ids) => ids.has(id)) };
  const shard = options.shard === undefined ? {} : { shard: options.shard };
  const run: RunOptions = { formats, ...devices, ...filter, ...shard };
  const selections = targets.map((target) => {
    // Not every target has every device that was named: those that it has.
    const own = options.device?.filter((device) => target.devices.includes(device));
    const ofTarget = own === undefined ? run : { ...run, devices: own };
    return {
      target,
      run: ofTarget,
      instances: selectInstances(target, cases, ofTarget),
      all: new Set(selectInstances(target, cases).map(({ id }) => id)),
    };
  });
  // A run of nothing would look like one without findings.
  const some = selections.filter(({ instances }) => instances.length > 0);
  if (some.length > 0) return some;
  const names = targets.map(({ name }) => name).join(", ");
  const { index, count } = options.shard ?? { index: 0, count: 1 };
  throw new UsageError(
    options.shard === undefined
      ? `no case fits ${names}: --list prints those that there are.`
      : `--shard ${index + 1}/${count} has no case of ${names}: there are fewer cases than parts.`,
  );
}

/** Without its model no case can be run on a device. */
function checkModels(target: TargetFacts): void {
  const known = new Set([...(target.models ?? []), ...DEVICE_MODELS].map(({ name }) => name));
  const strange = target.devices.find((device) => !known.has(device));
  if (strange === undefined) return;
  throw new UsageError(
    `${target.name}: the kit has no model of its device ${JSON.stringify(strange)}; it knows ` +
      `${[...known].join(", ")}, and a target can bring others in its models.`,
  );
}

function checkDevices(targets: readonly TargetFacts[], devices: readonly string[] | undefined): void {
  const offered = [...new Set(targets.flatMap((target) => target.devices))];
  const unknown = devices?.find((device) => !offered.includes(device));
  if (unknown === undefined) return;
  const names = targets.map(({ name }) => name).join(", ");
  throw new UsageError(
    `--device ${JSON.stringify(unknown)} is unknown: ${names} can start ${offered.join(", ")}.`,
  );
}

/**
 * Whether a pattern fits a case: its id, its id up to the parameters, or the id of a statement it covers. In a pattern
 * `*` stands for any characters, `?` for any one.
 */
export function matcher(pattern: string): (instance: CaseInstance) => boolean {
  const expression = globExpression(pattern);
  return ({ id, definition }) =>
    expression.test(id) ||
    expression.test(definition.id) ||
    definition.clauses.some((clause) => expression.test(clause));
}

/** The ids that a pattern fits as a whole. */
export function globExpression(pattern: string): RegExp {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replace(/\*+/g, ".*")
    .replace(/\?/g, ".");
  return new RegExp(`^${source}$`, "s");
}
