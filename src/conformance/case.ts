import type { Target } from "./device-under-test.ts";
import type { Guest } from "./guest/index.ts";
import { CaseFailure, CaseSkip, CaseWedged } from "./verdicts.ts";

/** A value of a case's parameter. It becomes part of the case's id. */
export type ParameterValue = string | number | boolean;
/** The parameters of one variant of a case. */
export type Parameters = Readonly<Record<string, ParameterValue>>;

/** What a case cannot do without. */
export interface Needs {
  /** Names of the devices it can run on. Default `gpu`, `rng`, and those of which the target brings models. */
  readonly devices?: readonly string[];
  /** The transport. Default: any. */
  readonly transport?: "mmio" | "pci";
  /**
   * Ring format: `split` or `packed` for cases about one; `each` (the default) runs in both; `any` runs once, for cases
   * that have to do with no ring.
   */
  readonly format?: "split" | "packed" | "each" | "any";
  /** Feature bits that must be offered. The case accepts them itself. */
  readonly features?: readonly number[];
  /** A device whose pixels can be seen. */
  readonly pixels?: boolean;
  /** A device whose monitors can be changed from the host's side. */
  readonly displayChange?: boolean;
}

/** A case: one rule, looked at from one side. */
export interface CaseDefinition<P extends Parameters = Parameters> {
  /** Stable: area, subject, rule, in kebab-case: `split-ring/indirect/nested-table`. */
  readonly id: string;
  /** What it checks, one sentence. */
  readonly title: string;
  /** Clauses it covers: a device that breaks one of them fails it. */
  readonly clauses: readonly string[];
  readonly needs?: Needs;
  /** Variants; each is a case of its own in reports. Default: one without parameters. */
  readonly parameters?: readonly P[];
  /** Declared, and not written yet: its verdict is `unimplemented`. */
  readonly unimplemented?: boolean;
  /** Ends normally when the device passes, else throws by way of `t`. */
  run(t: CaseRun, parameters: P): Promise<void>;
}

/**
 * What a running case has at hand.
 *
 * @example
 * ```ts
 * const cases = new CaseList();
 * cases.add({
 *   id: "entropy/mine/one-byte",
 *   title: "A request for one byte is answered with one byte.",
 *   clauses: ["entropy.device.device-operation.2"],
 *   needs: { devices: ["rng"] },
 *   run: async (t) => {
 *     await t.guest.start();
 *     await t.serves();
 *   },
 * });
 * ```
 */
export class CaseRun {
  /** The guest, in front of a device that was just reset. */
  readonly guest: Guest;
  /** Set by {@link refused}: the case ends with `reject`. */
  rejected = false;

  constructor(guest: Guest) {
    this.guest = guest;
  }

  /** Fails unless both are the same number, string, boolean or null. */
  equal(actual: unknown, expected: unknown, what: string): void {
    if (!Object.is(actual, expected)) this.fail(`${what} is ${show(actual)}, not ${show(expected)}`);
  }

  /** Fails unless the bytes are the same; says where they differ first. */
  equalBytes(actual: Uint8Array, expected: Uint8Array, what: string): void {
    this.equal(actual.length, expected.length, `the length of ${what}`);
    const at = actual.findIndex((byte, i) => byte !== expected[i]);
    if (at >= 0) this.fail(`byte ${at} of ${what} is ${show(actual[at])}, not ${show(expected[at])}`);
  }

  /** Fails unless it holds. `what` says what was expected: `the device sets NEEDS_RESET`. */
  ok(condition: boolean, what: string): void {
    if (!condition) this.fail(`it does not hold that ${what}`);
  }

  /** The device broke the statement. */
  fail(message: string): never {
    throw new CaseFailure(message);
  }

  /** The case cannot run here. */
  skip(reason: string): never {
    throw new CaseSkip(reason);
  }

  /** A line in the timeline. */
  note(text: string): void {
    this.guest.timeline.add("note", text);
  }

  /** Sends the model's probe and fails unless it is answered as it should be. */
  async serves(queue = 0, what = "the device serves"): Promise<void> {
    const wrong = await this.guest.probe(queue);
    if (wrong !== null) this.fail(`it does not hold that ${what}: ${wrong}`);
  }

  /**
   * The case broke a rule on `queue`. Decides what the device made of it: it said DEVICE_NEEDS_RESET, or it still serves
   * the queue, so it refused and is alive; or it serves nothing any more without saying so, then it is wedged.
   */
  async refused(queue = 0): Promise<void> {
    const { guest } = this;
    await guest.dut.settle();
    this.rejected = true;
    if (await guest.needsReset()) {
      this.note("the device says DEVICE_NEEDS_RESET");
      return;
    }
    const ring = guest.ring(queue);
    // What it still owes for the broken request may come back first.
    const wrong = await guest.probe(queue, undefined, () => {
      this.note(`${ring.name}: the broken request was returned`);
    });
    if (wrong === null) {
      this.note(`${ring.name} goes on`);
      return;
    }
    if (await guest.needsReset()) return;
    throw new CaseWedged(
      `${ring.name} serves no more (${wrong}), and the device does not say DEVICE_NEEDS_RESET`,
    );
  }
}

function show(value: unknown): string {
  return typeof value === "number" && Number.isInteger(value) && value > 9
    ? `${value} (0x${value.toString(16)})`
    : String(value);
}

/**
 * Collects the cases of one area.
 *
 * @example
 * ```ts
 * const cases = new CaseList();
 * cases.add(definition);
 * const report = await runCases(target, cases.all);
 * ```
 */
export class CaseList {
  readonly #cases: CaseDefinition[] = [];

  /** Adds a case. */
  add<P extends Parameters>(definition: CaseDefinition<P>): void {
    this.#cases.push(definition as unknown as CaseDefinition);
  }

  /** All of them, in the order they were added. */
  get all(): readonly CaseDefinition[] {
    return this.#cases;
  }
}

/** One case with one set of parameters on one device in one ring format: what the runner runs. */
export interface CaseInstance {
  /** `split-ring/indirect/nested-table:depth=2,device=gpu`. */
  readonly id: string;
  readonly definition: CaseDefinition;
  readonly parameters: Parameters;
  readonly device: string;
  readonly format: "split" | "packed";
}

const DEFAULT_DEVICES = ["gpu", "rng"];

/**
 * All the instances of cases for a target's transport and devices, in a stable order.
 *
 * @example
 * ```ts
 * const split = instancesOf(CASES, target, ["split"]);
 * for (const { id } of split) console.log(id);
 * ```
 */
export function instancesOf(
  cases: readonly CaseDefinition[],
  target: Pick<Target, "transport" | "devices"> & { readonly models?: readonly { readonly name: string }[] },
  formats: readonly ("split" | "packed")[] = ["split", "packed"],
): CaseInstance[] {
  const instances: CaseInstance[] = [];
  const general = new Set([...DEFAULT_DEVICES, ...(target.models ?? []).map(({ name }) => name)]);
  for (const definition of cases) {
    const { needs = {} } = definition;
    if (needs.transport !== undefined && needs.transport !== target.transport) continue;
    const fit = needs.devices ?? [...general];
    const devices = fit.filter((device) => target.devices.includes(device));
    const format = needs.format ?? "each";
    const inFormats =
      format === "any" ? formats.slice(0, 1) : formats.filter((f) => format === "each" || f === format);
    for (const device of devices) {
      for (const parameters of definition.parameters ?? [{}]) {
        for (const ring of inFormats) {
          const tail: Record<string, ParameterValue> = { ...parameters, device };
          if (format === "each") tail["format"] = ring;
          const text = Object.entries(tail).map(([name, value]) => `${name}=${value}`);
          instances.push({
            id: `${definition.id}:${text.join(",")}`,
            definition,
            parameters,
            device,
            format: ring,
          });
        }
      }
    }
  }
  return instances;
}
