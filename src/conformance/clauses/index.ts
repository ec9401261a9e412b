export {
  CLAUSES,
  type Clause,
  type ClauseLevel,
  type ClauseRole,
  clauseById,
  SPECIFICATION,
} from "./catalogue.ts";
export { clauseResults, KIT_AREAS } from "./coverage.ts";
export { BINDS_DRIVER, NOT_OBSERVABLE } from "./reviewed/index.ts";
