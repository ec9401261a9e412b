/** The process of one case: argv is its name and how often it is done. Answers with the longest turns, in milliseconds. */
import { plainTransfer, TURN_CASES, type TurnCase } from "./cases.ts";
import { longestTurn } from "./watch.ts";

/** Transfers before the first that is measured: by then their code is compiled. */
const WARM_UP = 100;
const PLAIN_ROUNDS = 15;
/** Rounds of a case that are not counted, for the same reason. */
const COLD_ROUNDS = 2;

export interface Turns {
  /** The longest turn of each round of the case, and the turns of plain transfers. */
  readonly longest: readonly number[];
  readonly plain: readonly number[];
}

async function measure(name: string, rounds: number): Promise<Turns> {
  const prepare = TURN_CASES[name];
  if (prepare === undefined) throw new Error(`there is no case ${name}`);
  const transfer = await plainTransfer();
  const turn = (subject: TurnCase): Promise<number> => {
    subject.prepare?.();
    return longestTurn(subject.begin, subject.finished);
  };
  for (let i = 0; i < WARM_UP; i++) await turn(transfer);
  const longest: number[] = [];
  const plain: number[] = [];
  for (let round = 0; round < COLD_ROUNDS + rounds; round++) {
    const subject = await prepare();
    for (let i = 0; i < PLAIN_ROUNDS; i++) plain.push(await turn(transfer));
    const longestOfAll = await turn(subject);
    if (round >= COLD_ROUNDS) longest.push(longestOfAll);
    await subject.close?.();
  }
  return { longest, plain };
}

const [name = "", rounds = "1"] = process.argv.slice(2);
measure(name, Number(rounds)).then(
  (turns) => process.send?.({ turns }, () => process.exit()),
  (error: unknown) => process.send?.({ error: String((error as Error).stack) }, () => process.exit(1)),
);
