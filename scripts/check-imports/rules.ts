/**
 * Who may import whom. The layers of src, from the bottom up, and for each what it may see of the others, of npm
 * packages and of the platform (`node:` modules, and `reference` directives that bring platform types). That the
 * lower layers do not use platform *globals* either is the business of tsconfig.core.json, which does not know any.
 */
import { dirname, join } from "node:path/posix";
import ts from "typescript";

interface Rule {
  /** Other layers it may import. Its own files it always may. */
  readonly layers: readonly Layer[];
  /** npm packages it may import. */
  readonly packages: readonly string[] | "any";
  /** Whether it may know that there are Node, Workers and a DOM. */
  readonly platform: boolean;
  /** Layers of which it may import types only. */
  readonly types?: readonly Layer[];
  /** Each folder inside is a unit of its own: they may not import each other. */
  readonly separate?: boolean;
}

const LAYERS = [
  "base",
  "wire",
  "memory",
  "virtqueue",
  "device",
  "transport",
  "devices",
  "backends",
  "driver",
  "adapters",
  "testing",
  "conformance",
  "fuzz",
  "index.ts",
  "cli",
  "inspector",
] as const;

export type Layer = (typeof LAYERS)[number];

const LIBRARY = ["base", "wire", "memory", "virtqueue", "device", "transport", "devices", "driver"] as const;
const DEVICE_AND_BELOW = ["device", "virtqueue", "memory", "wire", "base"] as const;
const DRIVER_AND_BELOW = ["driver", "wire", "memory", "base"] as const;

const RULES: Readonly<Record<Layer, Rule>> = {
  base: { layers: [], packages: [], platform: false },
  wire: { layers: ["base"], packages: ["buffer-layout"], platform: false },
  memory: { layers: ["base"], packages: [], platform: false },
  virtqueue: { layers: ["memory", "wire", "base"], packages: [], platform: false },
  device: { layers: ["virtqueue", "memory", "wire", "base"], packages: [], platform: false },
  transport: { layers: DEVICE_AND_BELOW, packages: [], platform: false },
  devices: { layers: DEVICE_AND_BELOW, packages: [], platform: false, separate: true },
  backends: {
    layers: ["wire", "base"],
    types: ["devices"],
    packages: ["pngjs"],
    platform: true,
    separate: true,
  },
  driver: { layers: ["wire", "memory", "base"], packages: [], platform: false },
  testing: { layers: [...LIBRARY, "backends", "adapters"], packages: [], platform: false },
  conformance: { layers: DRIVER_AND_BELOW, packages: [], platform: false },
  fuzz: { layers: DRIVER_AND_BELOW, packages: [], platform: false },
  adapters: { layers: LIBRARY, packages: ["v86"], platform: true },
  "index.ts": { layers: [...LIBRARY, "backends", "conformance", "fuzz"], packages: [], platform: false },
  cli: { layers: LAYERS, packages: "any", platform: true },
  inspector: { layers: LAYERS, packages: "any", platform: true },
};

/** One forbidden import, or one file where none belongs. */
export interface Violation {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly message: string;
}

/** The layer a file belongs to, by its path from the root of the repository; undefined if it belongs to none. */
export function layerOf(file: string): Layer | undefined {
  const [top, first, ...rest] = file.split("/");
  if (top !== "src" || first === undefined) return undefined;
  const layer = LAYERS.find((name) => name === first);
  // index.ts is a file, all other layers are folders.
  return layer === undefined || (layer === "index.ts") !== (rest.length === 0) ? undefined : layer;
}

/** Checks one file of src. `file` is its path from the root of the repository. */
export function checkImports(file: string, text: string): Violation[] {
  const violations: Violation[] = [];
  const layer = layerOf(file);
  if (layer === undefined) {
    return [
      { file, line: 1, message: "belongs to no layer: add its folder to the table of who imports whom" },
    ];
  }
  const rule = RULES[layer];
  if (rule.separate && file.split("/").length < 4) {
    return [{ file, line: 1, message: `belongs into a folder of its own inside src/${layer}` }];
  }
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest);
  const complain = (position: number, message: string): void => {
    const line = source.getLineAndCharacterOfPosition(position).line + 1;
    violations.push({ file, line, message });
  };

  for (const { fileName, pos } of [...source.typeReferenceDirectives, ...source.libReferenceDirectives]) {
    if (!rule.platform) complain(pos, `src/${layer} may not reference the types of "${fileName}"`);
  }
  for (const { fileName, pos } of source.referencedFiles) checkSpecifier(`./${fileName}`, pos);
  visit(source);
  return violations;

  function visit(node: ts.Node): void {
    const specifier = specifierOf(node);
    if (specifier !== undefined) {
      if (ts.isStringLiteralLike(specifier)) {
        checkSpecifier(specifier.text, specifier.getStart(source), isTypeOnly(node));
      } else if (!rule.platform)
        complain(node.getStart(source), `src/${layer} may not import a computed module`);
    }
    ts.forEachChild(node, visit);
  }

  function checkSpecifier(specifier: string, position: number, typeOnly = false): void {
    if (specifier.startsWith("node:")) {
      if (!rule.platform) complain(position, `src/${layer} may not import "${specifier}"`);
    } else if (!specifier.startsWith(".")) {
      const name = specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
      if (rule.packages !== "any" && !rule.packages.includes(name)) {
        complain(position, `src/${layer} may not import the package "${name}"`);
      }
    } else {
      const target = join(dirname(file), specifier);
      const message = forbidden(target, typeOnly);
      if (message !== undefined) complain(position, message);
    }
  }

  function forbidden(target: string, typeOnly: boolean): string | undefined {
    const other = layerOf(target);
    if (other === undefined) return `${target} is in no layer of src`;
    if (other !== layer) {
      if (rule.types?.includes(other)) {
        return typeOnly ? undefined : `src/${layer} may import types only of src/${other} (${target})`;
      }
      return rule.layers.includes(other) ? undefined : `src/${layer} may not import src/${other} (${target})`;
    }
    const unit = (path: string) => path.split("/")[2];
    return rule.separate && unit(target) !== unit(file)
      ? `src/${layer}/${unit(file)} may not import src/${layer}/${unit(target)}`
      : undefined;
  }
}

/** True for `import type`, `export type`, and types in the place of a type: nothing of it is left at run time. */
function isTypeOnly(node: ts.Node): boolean {
  if (ts.isImportDeclaration(node)) return node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
  return ts.isExportDeclaration(node) ? node.isTypeOnly : ts.isImportTypeNode(node);
}

/** The module that a statement, type or call imports. */
function specifierOf(node: ts.Node): ts.Node | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return node.moduleSpecifier;
  if (ts.isImportTypeNode(node))
    return ts.isLiteralTypeNode(node.argument) ? node.argument.literal : node.argument;
  if (ts.isExternalModuleReference(node)) return node.expression;
  if (!ts.isCallExpression(node)) return undefined;
  const imports =
    node.expression.kind === ts.SyntaxKind.ImportKeyword ||
    (ts.isIdentifier(node.expression) && node.expression.text === "require");
  return imports ? node.arguments[0] : undefined;
}
