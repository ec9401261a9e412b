// Reports of runs that never were, for the tests of what is made of reports: real statements, invented cases.
import { readFileSync } from "node:fs";
import type {
  CaseDetail,
  CaseResult,
  ClauseResult,
  ClauseStatus,
  RingSnapshot,
  RunReport,
  TimelineEntry,
  Verdict,
} from "../../src/conformance/result.ts";

const CATALOGUE = "spec-tests/fixtures/spec/clauses.tsv";
const VERDICTS: readonly Verdict[] = ["pass", "reject", "fail", "wedged", "skip", "unimplemented"];
const KIT = new Set([
  "content",
  "split-ring",
  "packed-ring",
  "shared-mem",
  "transport-mmio",
  "transport-pci",
  "gpu",
  "entropy",
]);

/** A split virtqueue of 8 in which a chain of three was made available, refers to a table, and was returned. */
export function splitRing(changes: Partial<RingSnapshot> = {}): RingSnapshot {
  const descriptors = new DataView(new ArrayBuffer(8 * 16));
  const put = (view: DataView, at: number, addr: number, len: number, flags: number, next: number) => {
    view.setBigUint64(16 * at, BigInt(addr), true);
    view.setUint32(16 * at + 8, len, true);
    view.setUint16(16 * at + 12, flags, true);
    view.setUint16(16 * at + 14, next, true);
  };
  put(descriptors, 0, 0x20_3000, 24, 2, 0);
  put(descriptors, 2, 0x20_1000, 32, 1, 3);
  put(descriptors, 3, 0x20_1800, 16, 1, 5);
  put(descriptors, 5, 0x20_8000, 48, 4, 0);
  const table = new DataView(new ArrayBuffer(3 * 16));
  put(table, 0, 0x20_9000, 16, 1, 1);
  put(table, 1, 0x20_a000, 4096, 3, 2);
  put(table, 2, 0x20_b000, 24, 2, 0);
  const available = new Uint16Array([0, 2, 0, 2, 0, 0, 0, 0, 0, 0, 1]);
  const used = new DataView(new ArrayBuffer(4 + 8 * 8 + 2));
  used.setUint16(2, 1, true);
  used.setUint32(4, 0, true);
  used.setUint32(8, 24, true);
  return {
    queue: "controlq",
    format: "split",
    size: 8,
    addresses: { descriptors: 0x10_0000, driver: 0x10_1000, device: 0x10_2000 },
    descriptors: hex(descriptors.buffer),
    driver: hex(available.buffer),
    device: hex(used.buffer),
    tables: [{ address: 0x20_8000, bytes: hex(table.buffer) }],
    highlight: [2, 3, 5],
    ...changes,
  };
}

/** A packed virtqueue of 8: one descriptor used, a chain of two available, events wanted at a descriptor. */
export function packedRing(changes: Partial<RingSnapshot> = {}): RingSnapshot {
  const AVAIL = 1 << 7;
  const USED = 1 << 15;
  const ring = new DataView(new ArrayBuffer(8 * 16));
  const put = (at: number, addr: number, len: number, id: number, flags: number) => {
    ring.setBigUint64(16 * at, BigInt(addr), true);
    ring.setUint32(16 * at + 8, len, true);
    ring.setUint16(16 * at + 12, id, true);
    ring.setUint16(16 * at + 14, flags, true);
  };
  put(0, 0x20_0000, 24, 7, AVAIL | USED | 2);
  put(1, 0x20_1000, 32, 0, AVAIL | 1);
  put(2, 0x20_2000, 24, 4, AVAIL | 2);
  return {
    queue: "cursorq",
    format: "packed",
    size: 8,
    addresses: { descriptors: 0x11_0000, driver: 0x11_1000, device: 0x11_2000 },
    descriptors: hex(ring.buffer),
    driver: hex(new Uint16Array([0x8002, 2]).buffer),
    device: hex(new Uint16Array([0, 1]).buffer),
    tables: [],
    highlight: [1, 2],
    ...changes,
  };
}

function hex(bytes: ArrayBufferLike): string {
  return Buffer.from(new Uint8Array(bytes)).toString("hex");
}

const TIMELINE: readonly TimelineEntry[] = [
  { ms: 0, who: "driver", text: "Status ← 0x00" },
  { ms: 0.04, who: "driver", text: "Status ← 0x0b (ACKNOWLEDGE DRIVER FEATURES_OK)" },
  { ms: 0.11, who: "driver", text: "Status ← 0x0f (DRIVER_OK)" },
  { ms: 0.2, who: "note", text: "an indirect descriptor whose table holds <another> indirect descriptor" },
  { ms: 0.23, who: "driver", text: "controlq: 3 descriptors available, head 2" },
  { ms: 0.25, who: "driver", text: "QueueNotify ← 0" },
  { ms: 0.31, who: "device", text: "controlq: used id 0, 24 bytes" },
  { ms: 5.02, who: "device", text: "Status is 0x0f" },
];

/** What a case that did not pass has to show. */
export function evidence(message: string, changes: Partial<CaseDetail> = {}): CaseDetail {
  return { message, timeline: TIMELINE, rings: [splitRing(), packedRing()], ...changes };
}

/** A case, passed unless said otherwise. */
export function caseResult(id: string, changes: Partial<CaseResult> = {}): CaseResult {
  return {
    id,
    verdict: "pass",
    ms: 1.25,
    clauses: [],
    title: `What ${id} checks.`,
    detail: null,
    ...changes,
  };
}

/** All statements of the catalogue, without anything known of them. */
export function catalogue(): ClauseResult[] {
  const [, ...lines] = readFileSync(CATALOGUE, "utf8").trim().split("\n");
  return lines.map((line) => {
    const [id = "", area = "", role, level, section = ""] = line.split("\t");
    return {
      id,
      area,
      role: role as ClauseResult["role"],
      level: level as ClauseResult["level"],
      section,
      status: "unimplemented",
      cases: [],
    };
  });
}

/** A report of these cases, with the statements standing as the cases say. */
export function reportOf(
  target: string,
  cases: readonly CaseResult[],
  clauses: readonly ClauseResult[] = catalogue(),
): RunReport {
  const totals = Object.fromEntries(
    VERDICTS.map((verdict) => [verdict, cases.filter((result) => result.verdict === verdict).length]),
  ) as Record<Verdict, number>;
  return {
    spec: "virtio 1.4 (v1.4-cs01)",
    target,
    description: `${target}, as invented for a test`,
    startedAt: "2026-11-22T20:15:30.123Z",
    ms: 4321,
    clauses: clauses.map((clause) => {
      const own = cases.filter((result) => result.clauses.includes(clause.id));
      return own.length === 0 ? clause : { ...clause, status: standing(own), cases: own.map(({ id }) => id) };
    }),
    cases,
    totals,
  };
}

function standing(cases: readonly CaseResult[]): ClauseStatus {
  const order = ["fail", "wedged", "pass", "reject", "skip"] as const;
  return order.find((verdict) => cases.some((result) => result.verdict === verdict)) ?? "unimplemented";
}

/** A report as large as real ones: cases of every verdict about all statements of the kit's areas. */
export function largeReport(target: string, seed: number, casesPerStatement = 3): RunReport {
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const verdicts = { fail: 0.012, wedged: 0.016, reject: 0.11, skip: 0.15 } as const;
  const cases: CaseResult[] = [];
  const clauses = catalogue().map((clause): ClauseResult => {
    if (!KIT.has(clause.area)) return clause;
    if (clause.role === "driver") return { ...clause, status: "driver" };
    if (random() < 0.05)
      return { ...clause, status: "not-observable", reason: "Nothing of it leaves the device." };
    return clause;
  });
  for (const { id, area, role, status } of clauses) {
    if (!KIT.has(area) || role === "driver" || status !== "unimplemented") continue;
    for (let index = 0; index < casesPerStatement; index++) {
      const dice = random();
      const verdict = (Object.keys(verdicts) as (keyof typeof verdicts)[]).find(
        (name) => dice < verdicts[name],
      );
      cases.push(
        caseResult(
          `${area}/${id.split(".")[2]}/rule-${cases.length}:device=gpu,format=${index % 2 === 0 ? "split" : "packed"}`,
          {
            clauses: [id],
            title: "An indirect descriptor inside an indirect table is refused.",
            ms: random() * 8,
            ...(verdict === undefined ? {} : { verdict, detail: detailOf(verdict) }),
          },
        ),
      );
    }
  }
  return reportOf(target, cases, clauses);
}

function detailOf(verdict: Verdict): CaseDetail {
  if (verdict === "skip") return { message: "feature bit 34 is not offered" };
  return evidence("Status is 15 (0xf), not 79 (0x4f): the device goes on with a table inside a table");
}
