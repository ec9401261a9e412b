import { CLAUSES, citeStatement, statementLines, type WordingOf } from "../../conformance/index.ts";
import { UsageError } from "../usage-error.ts";
import { globExpression } from "./select.ts";

/** What the statements that fit the patterns demand, as text. Throws {@link UsageError} when a pattern fits none. */
export function explain(patterns: readonly string[], wordingOf?: WordingOf): string {
  const meant = new Set(patterns.flatMap(statementsLike));
  const blocks = [...meant].map((id) => {
    const statement = citeStatement(id, wordingOf);
    return statement === null ? "" : `${statementLines(statement).join("\n")}\n`;
  });
  return blocks.join("\n");
}

function statementsLike(pattern: string): string[] {
  const expression = globExpression(pattern);
  const ids = CLAUSES.filter(({ id }) => expression.test(id)).map(({ id }) => id);
  if (ids.length > 0) return ids;
  throw new UsageError(
    `--explain ${JSON.stringify(pattern)} fits no statement: their ids are like split-ring.device.message-framing.1, ` +
      "and * stands for any characters.",
  );
}
