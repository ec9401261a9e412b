// README and the guides, and the code in them.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** A fenced block of a guide. */
export interface Snippet {
  readonly guide: string;
  readonly line: number;
  readonly language: string;
  readonly code: string;
}

/** README and everything in docs. */
export function guides(): string[] {
  return ["README.md", ...readdirSync("docs").map((name) => `docs/${name}`)].filter((path) =>
    path.endsWith(".md"),
  );
}

/** All fenced blocks of a guide. */
export function snippetsOf(guide: string): Snippet[] {
  const text = readFileSync(guide, "utf8");
  return [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(
    ({ 1: language = "", 2: code = "", index }) => ({
      guide,
      line: text.slice(0, index).split("\n").length,
      language,
      code,
    }),
  );
}

/** An example: a program, or a module that tests and other examples use. */
export interface Example {
  readonly path: string;
  readonly text: string;
  /** What it prints, where it is a program. */
  readonly prints: string | null;
}

/** Every file of code below examples. */
export function examples(): Example[] {
  const files = readdirSync("examples", { recursive: true, encoding: "utf8" });
  const programs = files.filter((name) => /\.(ts|mjs)$/.test(name)).sort();
  return programs.map((name) => {
    const path = `examples/${name.replaceAll("\\", "/")}`;
    const text = readFileSync(path, "utf8");
    const [, printed] = /^\/\/ Prints:\n((?:\/\/.*\n)+)$/m.exec(text) ?? [];
    return { path, text, prints: printed === undefined ? null : printed.replace(/^\/\/ {0,3}/gm, "") };
  });
}

/** Builds all examples into .build/examples; they import the package from dist. */
export function buildExamples(): void {
  const { status, stderr } = spawnSync(process.execPath, ["esbuild.config.mjs", "examples"], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`the examples cannot be built: ${stderr}`);
}
