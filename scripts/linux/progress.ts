import ora from "ora";

/** Says on standard error what is being waited for: a spinner on a terminal, a line each elsewhere. */
export interface Progress {
  say(text: string): void;
  /** A line that stays, above what is being waited for. */
  note(text: string): void;
  end(): void;
}

export function createProgress(): Progress {
  // Terminals without a size, as expect and containers make them, have 0 columns: ora divides by their number.
  return process.stderr.isTTY && process.stderr.columns > 0 ? spinner() : lines();
}

function spinner(): Progress {
  // Without discardStdin, which would swallow Ctrl-C.
  const wheel = ora({ stream: process.stderr, discardStdin: false });
  return {
    say: (text) => {
      if (wheel.isSpinning) wheel.text = text;
      else wheel.start(text);
    },
    note: (text) => {
      wheel.clear();
      process.stderr.write(`${text}\n`);
    },
    end: () => {
      wheel.stop();
    },
  };
}

function lines(): Progress {
  return {
    say: (text) => process.stderr.write(`linux: ${text}\n`),
    note: (text) => process.stderr.write(`${text}\n`),
    end: () => undefined,
  };
}
