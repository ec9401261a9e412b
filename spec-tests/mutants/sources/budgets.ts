import { mutantsOfEach, type SourceMutant, sourceMutant } from "../../support/mutants/source-mutant.ts";

const PRICES = ["spec-tests/unit/device/work.test.ts"];
const BUDGET = ["spec-tests/unit/base/work-budget.test.ts"];
const GPU_TURNS = "spec-tests/unit/devices/gpu/turns.test.ts";
const TURNS = ["spec-tests/unit/device/turns.test.ts"];
const LATE = ["spec-tests/regression/drain-without-end.test.ts"];
const WORK_BUDGET = "src/base/work-budget.ts";
const QUEUES = "src/device/queue-set.ts";
const IN_TURNS = "src/device/backend/in-turns.ts";

/** A mutant for each thing that is charged: it costs nothing. */
function uncharged(file: string, tests: readonly string[] = PRICES): SourceMutant[] {
  return [
    ...mutantsOfEach(file, { find: /[\w.#]*budget\.charge\(/g, replace: "(() => {})(" }, tests),
    ...mutantsOfEach(file, { find: /budget\.left -= /g, replace: "budget.left -= 0 && " }, tests),
  ];
}

function budget(id: string, find: string, replace: string): SourceMutant {
  return sourceMutant(id, WORK_BUDGET, find, replace, BUDGET);
}

function queues(id: string, find: string, replace: string): SourceMutant {
  return sourceMutant(id, QUEUES, find, replace, TURNS);
}

/** Work that costs nothing, or something else; turns that do not end, or are lost. */
export const BUDGET_MUTANTS: readonly SourceMutant[] = [
  ...[
    "gpu/queue/command-queue",
    "gpu/commands/commands-2d",
    "gpu/commands/commands-blob",
    "gpu/commands/commands-3d",
    "gpu/commands/attach",
    "rng/device",
    "vdmabuf/device",
  ].flatMap((name) => uncharged(`src/devices/${name}.ts`)),
  ...mutantsOfEach("src/device/work.ts", { find: /(?<== )(?=\d+( << 20)?;)/g, replace: "2 * " }, PRICES).map(
    (each) => ({ ...each, id: `${each.id} doubled` }),
  ),
  ...["gpu/resources/host-heap", "gpu/transfer/slices"].flatMap((name) =>
    uncharged(`src/devices/${name}.ts`, [...PRICES, GPU_TURNS]),
  ),
  ...uncharged("src/devices/gpu/resources/contexts.ts"),
  ...uncharged("src/backends/display/vnc/conversions.ts", [
    "spec-tests/unit/backends/display/vnc-turns.test.ts",
  ]),
  ...uncharged("src/backends/display/canvas/canvas-screen.ts", [
    "spec-tests/unit/backends/display/canvas.test.ts",
  ]),
  ...mutantsOfEach("src/virtqueue/constants.ts", { find: /(?<=_WORK = )(?=\d)/g, replace: "2 * " }, PRICES),
  sourceMutant(
    "elements-cost-nothing",
    "src/virtqueue/ring-core.ts",
    "if (elements > 2) budget.charge((elements - 2) * ELEMENT_WORK);",
    "",
    PRICES,
  ),
  sourceMutant(
    "runs-of-a-translator-cost-nothing",
    "src/virtqueue/ring-core.ts",
    "this.options.budget?.charge(walked * TRANSLATED_WORK);",
    "",
    PRICES,
  ),
  sourceMutant(
    "rows-of-a-transfer-cost-nothing",
    "src/devices/gpu/transfer/slices.ts",
    "(rowBytes === strideBytes ? 0 : rows * ROW_WORK)",
    "0",
    PRICES,
  ),
  sourceMutant(
    "pieces-of-a-transfer-cost-nothing",
    "src/devices/gpu/transfer/slices.ts",
    "return work + pages.count * SEGMENT_WORK;",
    "return work;",
    PRICES,
  ),
  sourceMutant(
    "exports-of-a-resource-cost-nothing",
    "src/devices/gpu/commands/commands-2d.ts",
    "ENTRY_WORK * (1 + core.exports.count(resource))",
    "ENTRY_WORK",
    PRICES,
  ),
  budget(
    "a-charge-is-nothing",
    "charge(units: number): void {\n    this.left -= units;\n",
    "charge(units: number): void {\n",
  ),
  budget(
    "a-turn-has-what-was-left",
    "    this.#inTurn = true;\n    this.left = this.max;\n",
    "    this.#inTurn = true;\n",
  ),
  budget("each-notification-renews", "if (this.#tasks.length === 0) this.left", "this.left"),
  budget("a-turn-for-each-task", "    if (this.#asked) return;\n", ""),
  budget("a-turn-has-no-end", " && this.left > 0 && ", " && "),
  budget("new-tasks-run-in-the-same-turn", "    this.#tasks = fresh;\n    let done", "    let done"),
  budget("new-tasks-come-first", "[...tasks.slice(done), ...fresh]", "[...fresh, ...tasks.slice(done)]"),
  budget("tasks-left-over-are-lost", "this.#tasks = [...tasks.slice(done), ...fresh];", "{}"),
  budget("no-turn-for-what-is-left", "if (this.#tasks.length > 0) this.#ask();", ""),
  budget("forgotten-tasks-go-on", "this.left > 0 && this.#tasks === fresh)", "this.left > 0)"),
  budget(
    "forgotten-tasks-come-back",
    "if (this.#tasks === fresh && done < tasks.length)",
    "if (done < tasks.length)",
  ),
  budget("forgetting-keeps-the-tasks", "  clear(): void {\n    this.#tasks = [];\n", "  clear(): void {\n"),
  budget(
    "forgetting-keeps-the-debt",
    "    this.#tasks = [];\n    this.left = this.max;\n",
    "    this.#tasks = [];\n",
  ),
  budget(
    "work-done-at-once-costs-nothing",
    "      this.left -= units;\n      return work();",
    "      return work();",
  ),
  budget("work-that-waited-costs-nothing", "        this.left -= units;\n        try", "        try"),
  budget(
    "work-overtakes-what-waits",
    "if (this.left > 0 && this.#tasks.length === 0) {",
    "if (this.left > 0) {",
  ),
  budget("any-limit", '    checkArgument("WorkBudget", "maxWork", maxWork, TURN_LIMIT_RULE);\n', ""),
  budget("limits-of-0", "[1, MAX_WORK]", "[0, MAX_WORK]"),
  budget("limits-one-too-large", "[1, MAX_WORK]", "[1, MAX_WORK + 1]"),
  budget("limits-twice-as-large", "MAX_WORK = 0x3fffffff", "MAX_WORK = 0x7fffffff"),
  queues("a-drain-without-a-budget", "queue.limited || budget.left <= 0", "queue.limited"),
  queues(
    "a-continuation-for-each-notification",
    "    if (slot.waiting) return;\n    slot.waiting",
    "    slot.waiting",
  ),
  queues(
    "work-before-the-continuation",
    "    // What is there now the continuation finds, too.\n    if (slot.waiting) return;\n",
    "",
  ),
  queues(
    "no-continuation-where-the-budget-was-spent",
    "      if (queue.hasNext) this.#drainLater(slot);\n      return;",
    "      return;",
  ),
  queues(
    "no-continuation-of-a-drain",
    "if (slot.queue === queue && (queue.limited || queue.hasNext)) this.#drainLater(slot);",
    "",
  ),
  queues("a-continuation-that-goes-on-waiting", "(this.#slots[index] as QueueSlot).waiting = false;", ""),
  queues("a-reset-keeps-continuations", "    this.#owner.budget.clear();\n", ""),
  queues(
    "a-reset-leaves-queues-waiting",
    "      slot.waiting = false;\n      this.#resetConfig",
    "      this.#resetConfig",
  ),
  queues("notifications-renew-nothing", "if (this.#depth === 0) this.#owner.budget.renew();", ""),
  queues("notifications-from-within-renew", "if (this.#depth === 0) this.#owner", "this.#owner"),
  sourceMutant(
    "rounds-without-end",
    QUEUES,
    "if (++rounds < MAX_DRAIN_ROUNDS) slot.again",
    "if (++rounds > 0) slot.again",
    LATE,
    "always a little late",
  ),
  sourceMutant(
    "what-the-rounds-left-is-lost",
    QUEUES,
    "else if (slot.queue === queue) this.#drainLater(slot);",
    "",
    LATE,
    "always a little late",
  ),
  ...(
    [
      ["steps-of-the-old-life", "    if (!alive()) return;\n", ""],
      ["views-are-not-renewed-between-steps", "      host.sync();\n", ""],
      [
        "one-step-is-all",
        "if (!step()) host.budget.later(next);\n      else done.resolve();",
        "step();\n      done.resolve();",
      ],
      ["a-step-that-throws-throws-into-the-turn", "      done.reject(error);\n", "      throw error;\n"],
      ["the-first-step-is-left-out", "  if (step()) return undefined;\n", ""],
    ] as const
  ).map(([id, find, replace]) =>
    sourceMutant(id, IN_TURNS, find, replace, ["spec-tests/unit/device/in-turns.test.ts"]),
  ),
];
