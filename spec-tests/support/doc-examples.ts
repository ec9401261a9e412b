// The examples of docstrings as programs: what they name of this package is imported, what they take for granted is given.
import { readdirSync, readFileSync } from "node:fs";
import ts from "typescript";
import { GIVEN } from "./doc-examples-given.ts";

/** An `@example` of a docstring. */
export interface DocExample {
  /** File and line of the tag. */
  readonly place: string;
  readonly code: string;
}

/** All examples below a folder. */
export function docExamples(folder: string): DocExample[] {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".ts"),
  );
  return files.sort().flatMap((file) => {
    const path = `${folder}/${file.replaceAll("\\", "/")}`;
    const text = readFileSync(path, "utf8");
    return [...text.matchAll(/^ *\* @example\b[^\n]*\n((?: *\*(?!\/| @)[^\n]*\n)*)/gm)].map((match) => ({
      place: `${path}:${text.slice(0, match.index).split("\n").length}`,
      code: (match[1] ?? "").replace(/^ *\* ?/gm, "").replace(/^```\w*\n/gm, ""),
    }));
  });
}

/** Names that a program uses, those of properties left out. */
export function namesIn(code: string): Set<string> {
  const names = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) && !isMember(node)) names.add(node.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile("example.ts", code, ts.ScriptTarget.ES2023, true));
  return names;
}

function isMember(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node;
  if (ts.isPropertyAssignment(parent)) return parent.name === node;
  return ts.isMethodDeclaration(parent) || ts.isPropertyDeclaration(parent);
}

/** Which entry points have a name: how they are imported, and the folder of src they are made of. */
export type Exports = ReadonlyMap<string, readonly { readonly specifier: string; readonly folder: string }[]>;

/** The entry point to import a name from: that of the example's own folder, if it has the name. */
function importOf(exports: Exports, name: string, place: string): string | undefined {
  const [first, ...others] = exports.get(name) ?? [];
  const own = others.filter(({ folder }) => place.startsWith(folder));
  return own.length > 0 && !place.startsWith(first?.folder ?? "?") ? own[0]?.specifier : first?.specifier;
}

/**
 * A module that runs the example within a function, so that what it declares hides what is given.
 */
export function moduleOf({ place, code }: DocExample, exports: Exports): string {
  const imports = code.match(/^import .*$/gm) ?? [];
  const head: string[] = [...imports];
  const given: Readonly<Record<string, string>> = Object.assign(
    {},
    ...GIVEN.filter(([path]) => place.startsWith(path)).map(([, types]) => types),
  );
  for (const name of namesIn(code)) {
    const from = importOf(exports, name, place);
    const type = given[name]?.replace(/(?<![."\w])[A-Z]\w*/g, (word) =>
      exports.has(word) ? `import("${importOf(exports, word, place)}").${word}` : word,
    );
    if (type !== undefined) head.push(`declare const ${name}: ${type};`);
    else if (from !== undefined && !imports.some((line) => new RegExp(`\\b${name}\\b`).test(line)))
      head.push(`import { ${name} } from "${from}";`);
  }
  return `${head.join("\n")}\nexport async function example() {\n${code.replace(/^import .*$/gm, "")}}\n`;
}

/** What the entry points of an installed package export. */
export function exportsOf(
  entries: Readonly<Record<string, { readonly types: string } | string>>,
  folder: string,
): Exports {
  const points = Object.entries(entries).flatMap(([subpath, entry]) =>
    typeof entry === "string"
      ? []
      : [
          {
            specifier: `virtio-emulator${subpath.slice(1)}`,
            folder: entry.types.replace(/^\.\/dist\//, "src/").replace(/[^/]*$/, ""),
            file: `${folder}/${entry.types}`,
          },
        ],
  );
  const program = ts.createProgram(
    points.map(({ file }) => file),
    { module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext, types: ["node"] },
  );
  const checker = program.getTypeChecker();
  const exports = new Map<string, { specifier: string; folder: string }[]>();
  for (const { specifier, folder: from, file } of points) {
    const source = program.getSourceFile(file);
    const symbol = source === undefined ? undefined : checker.getSymbolAtLocation(source);
    for (const { name } of symbol === undefined ? [] : checker.getExportsOfModule(symbol)) {
      const list = exports.get(name) ?? [];
      list.push({ specifier, folder: from });
      exports.set(name, list);
    }
  }
  return exports;
}
