import { Duplex } from "node:stream";

/** The other end of a qtest or QMP connection, as a test plays it. */
export class FakePeer extends Duplex {
  /** Every line that came, without its end. */
  readonly lines: string[] = [];
  /** How many writes the lines came in. */
  writes = 0;
  readonly #answer: (line: string) => string | null;
  #rest = "";

  /** `answer` gives what is sent back for a line, line ends included; null for nothing. */
  constructor(answer: (line: string) => string | null = () => "OK\n") {
    super();
    this.#answer = answer;
  }

  /** Sends something that was not asked for. */
  say(text: string): void {
    this.push(text);
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.writes++;
    const lines = (this.#rest + chunk.toString("utf8")).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      this.lines.push(line);
      const answer = this.#answer(line);
      if (answer !== null) this.push(answer);
    }
    done();
  }
}

/** A q35 with one PCI function in a slot, as far as configuration space goes. `masks` are those of the six BARs. */
export function fakePciMachine(slot: number, masks: readonly number[]): FakePeer {
  const bars = masks.map((mask) => (mask & 1 ? mask & 3 : mask & 15));
  const other = new Map<string, number>();
  let address = 0;
  const access = (at: { slot: number; offset: number }, value?: number): number => {
    const index = (at.offset - 0x10) / 4;
    const key = `${at.slot}:${at.offset}`;
    if (at.slot !== slot || !Number.isInteger(index) || masks[index] === undefined) {
      if (value !== undefined) other.set(key, value);
      return other.get(key) ?? 0;
    }
    const mask = masks[index] as number;
    // The upper half of a 64-bit register has no type bits.
    const isUpper = index > 0 && ((masks[index - 1] as number) & 7) === 4;
    const typeBits = isUpper ? 0 : mask & (mask & 1 ? 3 : 15);
    if (value !== undefined) bars[index] = ((value & mask & ~typeBits) | typeBits) >>> 0;
    return (bars[index] as number) >>> 0;
  };
  const ecam = (text: string): { slot: number; offset: number } => {
    const within = Number(text) - 0xb0000000;
    return { slot: Math.floor(within / 0x8000), offset: within % 0x8000 };
  };
  const mechanism1 = (port: string): { slot: number; offset: number } => ({
    slot: (address >>> 11) & 31,
    offset: (address & 0xfc) + Number(port) - 0xcfc,
  });
  return new FakePeer((line) => {
    const [command = "", where = "", value = "0"] = line.split(" ");
    const number = Number(value);
    const ok = (result: number): string => `OK 0x${result.toString(16).padStart(16, "0")}\n`;
    if (command.startsWith("out")) {
      if (Number(where) === 0xcf8) address = number;
      else access(mechanism1(where), number);
      return "OK\n";
    }
    if (command.startsWith("in")) return ok(access(mechanism1(where)));
    if (command.startsWith("write")) return access(ecam(where), number) >= 0 ? "OK\n" : null;
    return ok(access(ecam(where)));
  });
}
