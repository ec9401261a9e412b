// Stands in for uvu where a test file is run with a mutant: collects the tests instead of running them.

type Handler = (context: unknown) => unknown;

interface Collected {
  readonly name: string;
  readonly handler: Handler;
}

interface Suite {
  (name: string, handler: Handler): void;
  readonly before: Hook;
  readonly after: Hook;
  only(name: string, handler: Handler): void;
  skip(name?: string, handler?: Handler): void;
  run(): void;
}

interface Hook {
  (handler: Handler): void;
  each(handler: Handler): void;
}

interface Plan {
  readonly before: Handler[];
  readonly after: Handler[];
  readonly beforeEach: Handler[];
  readonly afterEach: Handler[];
  readonly tests: readonly Collected[];
  readonly context: unknown;
}

const plans: Plan[] = [];

function hookInto(all: Handler[], each: Handler[]): Hook {
  return Object.assign((handler: Handler) => void all.push(handler), {
    each: (handler: Handler) => void each.push(handler),
  });
}

/** As uvu's. */
export function suite(_name = "", context: unknown = {}): Suite {
  const tests: Collected[] = [];
  const [before, after, beforeEach, afterEach]: Handler[][] = [[], [], [], []];
  const add = (name: string, handler: Handler): void => void tests.push({ name, handler });
  return Object.assign(add, {
    before: hookInto(before as Handler[], beforeEach as Handler[]),
    after: hookInto(after as Handler[], afterEach as Handler[]),
    only: add,
    skip: () => {},
    run: () =>
      void plans.push({
        before: before as Handler[],
        after: after as Handler[],
        beforeEach: beforeEach as Handler[],
        afterEach: afterEach as Handler[],
        tests,
        context,
      }),
  });
}

/** As uvu exports it; test files that have one suite only use it. @public */
export const test: Suite = suite();

/** What came of the tests. */
export interface Verdict {
  /** How many were run. */
  readonly tests: number;
  /** The first that failed, and why; null when none did. */
  readonly failure: { readonly test: string; readonly message: string } | null;
}

/** Runs what was collected, of it the tests whose names hold `only`, until the first that fails. */
export async function runCollected(only = ""): Promise<Verdict> {
  let tests = 0;
  for (const plan of plans) {
    const { before, after, beforeEach, afterEach, context } = plan;
    const chosen = plan.tests.filter(({ name }) => name.includes(only));
    if (chosen.length === 0) continue;
    let name = "(before)";
    try {
      for (const hook of before) await hook(context);
      for (const each of chosen) {
        name = each.name;
        tests++;
        try {
          for (const hook of beforeEach) await hook(context);
          await each.handler(context);
        } finally {
          for (const hook of afterEach) await hook(context);
        }
      }
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return { tests, failure: { test: name, message } };
    } finally {
      for (const hook of after) await hook(context);
    }
  }
  return { tests, failure: null };
}
