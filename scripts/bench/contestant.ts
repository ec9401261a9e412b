import { type ChildProcess, fork, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/**
 * One implementation of a workload in a process of its own, so that neither compiled code nor garbage is shared with
 * those it is compared with.
 */
export interface Contestant {
  readonly name: string;
  /** Contestants of one group must leave the same bytes behind. */
  readonly group: string;
  /** Does the workload `count` times; resolves to the CPU time that took, in seconds. */
  run(count: number): Promise<number>;
  /** Digest of the memory after the units of work done so far: equal digests, equal work. */
  digest(): Promise<string>;
  close(): void;
}

/** With a young generation so large that most of what {@link ScriptContestant.allocated} counts is not collected. */
const COUNTING_FLAGS = ["--expose-gc", "--min-semi-space-size=128", "--max-semi-space-size=128"];

export type ContestantName = Pick<Contestant, "name" | "group">;

/** Requests to a contestant's process; the reply to `run` is a number, to `digest` a string. */
export type ContestantRequest =
  | { readonly kind: "run" | "allocated"; readonly count: number }
  | { readonly kind: "digest" };

export type ContestantReply = { readonly value: number | string } | { readonly error: string };

/** A contestant that is JavaScript. */
export interface ScriptContestant extends Contestant {
  /** Does the workload `count` times; resolves to the bytes that were allocated on the heap for each. */
  allocated(count: number): Promise<number>;
}

/** Starts a contestant that is JavaScript: `workload` is one of those that workloads.ts knows. */
export function startScript(
  name: ContestantName,
  workload: string,
  ...parameters: readonly string[]
): Contestant {
  return startProcess(name, [], workload, parameters);
}

/** As {@link startScript}, for counting. */
export function startCounter(
  name: ContestantName,
  workload: string,
  ...parameters: readonly string[]
): ScriptContestant {
  return startProcess(name, COUNTING_FLAGS, workload, parameters);
}

function startProcess(
  { name, group }: ContestantName,
  execArgv: readonly string[],
  workload: string,
  parameters: readonly string[],
): ScriptContestant {
  const child = fork(
    fileURLToPath(new URL("./contestant.worker.ts", import.meta.url)),
    [workload, ...parameters],
    { execArgv: [...execArgv], stdio: ["ignore", "inherit", "inherit", "ipc"] },
  );
  const answers = new Answers(child, name);
  child.on("message", (reply: ContestantReply) => {
    if ("error" in reply) answers.fail(new Error(`${name}: ${reply.error}`));
    else answers.give(reply.value);
  });
  const ask = (request: ContestantRequest) => answers.after(() => child.send(request));
  return {
    name,
    group,
    run: async (count) => Number(await ask({ kind: "run", count })),
    digest: async () => String(await ask({ kind: "digest" })),
    allocated: async (count) => Number(await ask({ kind: "allocated", count })),
    close: () => child.kill(),
  };
}

/** Starts a contestant that is a native program: one command per line in, one answer per line out. */
export function startProgram(
  { name, group }: ContestantName,
  program: string,
  ...parameters: readonly string[]
): Contestant {
  const child = spawn(program, parameters, { stdio: ["pipe", "pipe", "inherit"] });
  const answers = new Answers(child, name);
  createInterface({ input: child.stdout }).on("line", (line) => answers.give(line));
  const ask = (line: string) => answers.after(() => child.stdin.write(`${line}\n`));
  return {
    name,
    group,
    run: async (count) => Number(await ask(`run ${count}`)),
    digest: async () => String(await ask("digest")),
    close: () => child.kill(),
  };
}

/** One question at a time, one answer each; a child that ends instead is an error. */
class Answers {
  #resolve: ((value: number | string) => void) | null = null;
  #reject: ((reason: Error) => void) | null = null;
  #failure: Error | null = null;

  constructor(child: ChildProcess, name: string) {
    child.once("error", (error) => this.fail(error));
    child.once("exit", (code, signal) =>
      this.fail(new Error(`${name} ended (${signal ?? `exit code ${code}`})`)),
    );
  }

  after(ask: () => void): Promise<number | string> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== null) {
        reject(this.#failure);
        return;
      }
      this.#resolve = resolve;
      this.#reject = reject;
      ask();
    });
  }

  give(value: number | string): void {
    this.#resolve?.(value);
    this.#resolve = this.#reject = null;
  }

  fail(reason: Error): void {
    this.#failure = reason;
    this.#reject?.(reason);
    this.#resolve = this.#reject = null;
  }
}
