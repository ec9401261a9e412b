export {
  CLAUSES,
  clauseById,
  SPECIFICATION,
  SPECIFICATION_TAG,
} from "./catalogue.ts";
export { citeStatement, sentenceOf } from "./cite.ts";
export type { Clause, ClauseLevel, ClauseRole } from "./clause.ts";
export { clauseResults, KIT_AREAS } from "./coverage.ts";
export { BINDS_DRIVER, NOT_OBSERVABLE } from "./reviewed/index.ts";
export { type CitedStatement, statementLines, type WordingOf } from "./statement.ts";
