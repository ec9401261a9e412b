// `npm run build`: the whole of dist. Bundles by esbuild, declarations by the TypeScript compiler.
import { rmSync } from "node:fs";
import { join, relative, sep } from "node:path";
import ts from "typescript";
import { build } from "../esbuild.config.mjs";
import { filesBelow, missingEntryPoints, root } from "./entry-points.mjs";

/** Writes the declarations and returns their paths; undefined if the sources have errors, which are then printed. */
function emitDeclarations() {
  const host = { ...ts.sys, onUnRecoverableConfigFileDiagnostic: complain };
  const config = ts.getParsedCommandLineOfConfigFile(join(root, "tsconfig.build.json"), {}, host);
  if (config === undefined) return undefined;
  const program = ts.createProgram(config.fileNames, config.options);
  const outputs = [];
  const { diagnostics } = program.emit(undefined, (path, text) => {
    outputs.push(relative(root, path).split(sep).join("/"));
    ts.sys.writeFile(path, withJsExtensions(text));
  });
  const errors = [...config.errors, ...ts.getPreEmitDiagnostics(program), ...diagnostics];
  for (const error of errors) complain(error);
  return errors.length > 0 ? undefined : outputs;
}

function complain(diagnostic) {
  process.stderr.write(
    ts.formatDiagnostic(diagnostic, {
      getCanonicalFileName: (name) => name,
      getCurrentDirectory: () => root,
      getNewLine: () => "\n",
    }),
  );
}

/**
 * Declarations keep the `.ts` of the sources' imports, which stand for no file of the package; here they become `.js`,
 * the way every resolver and older compilers understand.
 */
function withJsExtensions(text) {
  let result = text;
  const { importedFiles } = ts.preProcessFile(text, true, false);
  for (const { fileName, end } of importedFiles.toSorted((left, right) => right.pos - left.pos)) {
    if (!/^\.{1,2}\/.*(?<!\.d)\.ts$/.test(fileName)) continue;
    const extension = result.lastIndexOf(".ts", end);
    result = `${result.slice(0, extension)}.js${result.slice(extension + ".ts".length)}`;
  }
  return result;
}

for (const { subpath, source } of missingEntryPoints()) {
  process.stderr.write(`build: ${source} (${subpath}) does not exist\n`);
}
try {
  const bundles = await build("lib");
  const declarations = emitDeclarations();
  if (declarations === undefined) {
    process.exitCode = 1;
  } else {
    const outputs = new Set([...bundles, ...declarations]);
    for (const path of filesBelow("dist", (file) => !outputs.has(file)))
      rmSync(join(root, path), { force: true });
  }
} catch (error) {
  if (error.errors === undefined) throw error; // esbuild has printed its own
  process.exitCode = 1;
}
