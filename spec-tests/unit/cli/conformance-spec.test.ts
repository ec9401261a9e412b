// What a statement demands, where it stands, and its wording out of a copy of the specification.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { ConformanceOptions } from "../../../src/cli/conformance/options.ts";
import { runConformance } from "../../../src/cli/conformance/run-conformance.ts";
import { openSources } from "../../../src/cli/conformance/spec/sources.ts";
import { openSpecification, wordingAt } from "../../../src/cli/conformance/spec/wording.ts";
import { builtinTarget } from "../../../src/cli/conformance/targets/builtin.ts";
import { ExitCode } from "../../../src/cli/exit-code.ts";
import { runCommandLine } from "../../../src/cli/run.ts";
import type { CaseDefinition } from "../../../src/conformance/index.ts";

const CLAUSE = "entropy.device.device-operation.1";
const SENTENCE = "Each buffer comes back with at least one random byte in it, though not necessarily full.";
const FAILS: CaseDefinition = {
  id: "entropy/fails",
  title: "It fails.",
  clauses: [CLAUSE],
  needs: { devices: ["rng"], format: "split" },
  run: async (t) => t.fail("2, not 3"),
};

interface Texts {
  out: string;
  error: string;
}

const consoleOf = (texts: Texts) => ({
  out: (text: string) => {
    texts.out += text;
  },
  error: (text: string) => {
    texts.error += text;
  },
  outIsTerminal: false,
});

async function command(...args: string[]): Promise<Texts & { code: number }> {
  const texts = { out: "", error: "" };
  const code = await runCommandLine(["conformance", ...args], consoleOf(texts));
  return { code, ...texts };
}

/** A run that fails once, where a copy of the specification says this. */
async function failWith(options: Partial<ConformanceOptions>, warning: string | null = null): Promise<Texts> {
  const texts = { out: "", error: "" };
  const kit = {
    cases: [FAILS],
    openTarget: () => builtinTarget("mmio"),
    openSpecification: () => ({
      wordingOf: (id: string) => (id === CLAUSE ? "In <their> words." : null),
      warning,
    }),
  };
  try {
    await runConformance({ target: ["builtin-mmio"], format: "both", ...options }, consoleOf(texts), kit);
  } catch (error) {
    if (!(error instanceof ExitCode)) throw error;
  }
  return texts;
}

function inFolder(body: (folder: string) => void | Promise<void>): () => Promise<void> {
  return async () => {
    const folder = mkdtempSync(join(tmpdir(), "virtio-spec-test-"));
    try {
      await body(folder);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };
}

function git(folder: string, ...args: string[]): void {
  const who = ["-c", "user.name=Nobody", "-c", "user.email=nobody@example.org", "-c", "commit.gpgsign=false"];
  execFileSync("git", [...who, "-C", folder, ...args], { stdio: "ignore" });
}

const explained = suite("--explain");

explained("a statement's sentence, section, source and link", async () => {
  const { code, out, error } = await command("--explain", CLAUSE);
  assert.is(code, 0);
  assert.is(error, "");
  assert.equal(out.split("\n"), [
    `${CLAUSE}  MUST  5.4.6.2 Device Requirements: Device Operation`,
    `  ${SENTENCE}`,
    "  device-types/entropy/description.tex:41  " +
      "https://github.com/oasis-tcs/virtio-spec/blob/v1.4-cs01/device-types/entropy/description.tex#L41",
    "  section 5.4.6.2 of https://docs.oasis-open.org/virtio/virtio/v1.4/cs01/virtio-v1.4-cs01.html",
    "",
  ]);
});

explained("several, by pattern, each once; without a sentence where nothing judges them", async () => {
  const { out } = await command(
    "--explain",
    "entropy.*",
    "--explain",
    CLAUSE,
    "--explain",
    "net.driver.setting-up-receive-buffers.5",
  );
  assert.is(out.split(CLAUSE).length, 2);
  assert.match(out, /^entropy\.driver\.device-operation\.1 {2}MUST/m);
  assert.match(
    out,
    /^net\.driver\.setting-up-receive-buffers\.5 {2}SHOULD {2}5\.1\.9\.3\.1 .*\n {2}device-types\/net\//m,
  );
});

explained("what fits no statement is one line and exit code 2", async () => {
  const { code, out, error } = await command("--explain", "toaster.*");
  assert.is(code, 2);
  assert.is(out, "");
  assert.match(error, /--explain "toaster\.\*" fits no statement: .*\n$/);
  assert.is(error.trim().split("\n").length, 1);
});

explained("the wording, where a copy is at hand", async () => {
  const { out } = await failWith({ explain: [CLAUSE], spec: "somewhere" });
  assert.match(out, '\n  "In <their> words."\n');
  assert.not.match(out, "findings");
});

explained.run();

const wording = suite("--spec");

wording(
  "the wording stands in text, JSON, JUnit and HTML; without --spec the sentence alone does",
  inFolder(async (folder) => {
    const files = Object.fromEntries(
      (["json", "junit", "html"] as const).map((name) => [name, join(folder, name)]),
    );
    const reports = async (options: Partial<ConformanceOptions>) => {
      const { out } = await failWith({ ...files, ...options });
      return [out, ...Object.values(files).map((file) => readFileSync(file, "utf8"))];
    };
    for (const text of await reports({ spec: "somewhere" })) {
      assert.match(text, SENTENCE);
      assert.match(text, /In (<|&lt;|\\u003c)their(>|&gt;|\\u003e) words\./);
      assert.match(text, "5.4.6.2");
      assert.match(text, "description.tex#L41");
    }
    for (const text of await reports({})) {
      assert.match(text, SENTENCE);
      assert.not.match(text, /their(>|&gt;|\\u003e)/);
    }
  }),
);

wording("a copy of another version is said to be one, in one line", async () => {
  const { error } = await failWith({ spec: "somewhere" }, "It is another version");
  assert.is(error, "It is another version.\n");
});

wording(
  "a folder that is not a copy is one line and exit code 2, before anything runs",
  inFolder(async (folder) => {
    writeFileSync(join(folder, "file"), "");
    for (const [directory, complaint] of [
      ["", /--spec is empty/],
      [join(folder, "nowhere"), /is not a folder/],
      [join(folder, "file"), /is not a folder/],
      [folder, /has no content\.tex, neither as a file nor in git/],
    ] as const) {
      const { code, out, error } = await command("--spec", directory);
      assert.is(code, 2, directory);
      assert.is(out, "");
      assert.match(error, complaint);
      assert.is(error.trim().split("\n").length, 1, error);
    }
  }),
);

wording(
  "of a repository the version of the catalogue is read, else its files, else what HEAD names",
  inFolder((folder) => {
    const repository = join(folder, "repository");
    mkdirSync(repository);
    const write = (text: string) => writeFileSync(join(repository, "content.tex"), text);
    write("released");
    assert.is(openSources(repository)("content.tex"), "released", "no repository at all");
    git(repository, "init", "--quiet");
    git(repository, "add", ".");
    git(repository, "commit", "--quiet", "-m", "Release");
    git(folder, "clone", "--quiet", "--bare", repository, join(folder, "bare.git"));
    assert.is(openSources(join(folder, "bare.git"))("content.tex"), "released");
    write("edited");
    assert.is(openSources(repository)("content.tex"), "edited");
    git(repository, "tag", "v1.4-cs01");
    assert.is(openSources(repository)("content.tex"), "released");
    assert.is(openSources(join(repository, ".git"))("content.tex"), "released");
    assert.is(openSources(repository)("no-such.tex"), null);
  }),
);

wording(
  "where the words are others, the copy is another version",
  inFolder((folder) => {
    writeFileSync(join(folder, "content.tex"), "A device MUST be a device.\n".repeat(1000));
    const { wordingOf, warning } = openSpecification(folder);
    assert.match(
      warning ?? "",
      /is another version of the specification than virtio 1\.4 .*: (\d+) of the \1 /,
    );
    assert.is(wordingOf(CLAUSE), null);
    assert.is(wordingOf("content.device.device-reset.1"), null);
  }),
);

const sha1 = (words: string) => createHash("sha1").update(words).digest("hex").slice(0, 12);

wording("a statement is found by the sum of its words, wherever in its line it begins", () => {
  const statement = "A device MUST hum while it works, see \\ref{sec:Humming}.";
  for (const lines of [
    ["", statement, "More."],
    ["", `Before. ${statement} After.`],
    ["", "Before. A device MUST hum", "  while it works,", "see \\ref{sec:Humming}. After."],
    ["", "\\item", statement],
  ]) {
    assert.is(
      wordingAt({ line: 2, sha1: sha1(statement) }, lines),
      "A device MUST hum while it works, see “Humming”.",
    );
  }
  assert.is(wordingAt({ line: 2, sha1: sha1(`${statement}!`) }, ["", statement]), null);
  assert.is(wordingAt({ line: 7, sha1: sha1(statement) }, ["", statement]), null);
});

wording("a list that a statement leads up to belongs to it", () => {
  const lines = [
    "The device MUST:",
    "\\begin{itemize}",
    "\\item hum, and",
    "\\item glow.",
    "\\end{itemize}",
    "More.",
  ];
  const shown = wordingAt({ line: 1, sha1: sha1("The device MUST:") }, lines);
  assert.is(shown, "The device MUST: • hum, and • glow.");
});

wording("the markup of LaTeX is left out", () => {
  const shown = (text: string) => wordingAt({ line: 1, sha1: sha1(text) }, [text]);
  for (const [text, plain] of [
    ["The \\field{device\\_status} MUST be 0\\%.", "The device_status MUST be 0%."],
    ["Device / Humming} A device MUST NOT.", "A device MUST NOT."],
    ["\\item[\\field{idx}] MUST be \\hyperref[intro:PCI]{[PCI]}'s.", "• idx: MUST be [PCI]'s."],
    ["\\drivernormative{\\paragraph}{Hum} {A / B / Hum} It MUST.", "It MUST."],
    ["At most $2^{32}$ of ``them'' {\\em all}.", 'At most 2^32 of "them" all.'],
  ]) {
    assert.is(shown(text as string), plain);
  }
});

wording.run();
