import createSpinner from "yocto-spinner";
import { showsProgress } from "../../src/cli/progress.ts";

/** Says on standard error what is being waited for: a spinner on a terminal, a line each elsewhere. */
export interface Progress {
  say(text: string): void;
  /** A line that stays, above what is being waited for. */
  note(text: string): void;
  end(): void;
}

export function createProgress(): Progress {
  return showsProgress(process.stderr, process.env) ? spinner() : lines();
}

function spinner(): Progress {
  const wheel = createSpinner({ stream: process.stderr });
  return {
    say: (text) => {
      if (wheel.isSpinning) wheel.text = text;
      else wheel.start(text);
    },
    note: (text) => {
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
