export { type AreaSummary, summarizeAreas } from "./areas.ts";
export {
  type Expectations,
  type ExpectedCase,
  expectationsOf,
  type Finding,
  formatExpectations,
  type Judgement,
  judge,
  type KnownDifference,
  parseExpectations,
} from "./expectations.ts";
export { formatHtml } from "./html/page.ts";
export { formatJson } from "./json.ts";
export type { JudgedRun } from "./judged-run.ts";
export { formatJunit } from "./junit.ts";
export { formatTable, type TableStyle } from "./table.ts";
