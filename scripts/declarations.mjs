// The declarations of the library, as `npm run build` puts them into dist and tests into an installed package.
import { join, relative, sep } from "node:path";
import ts from "typescript";
import { root } from "./entry-points.mjs";

/**
 * Writes the declarations and returns their paths from the root; undefined if the sources have errors, which are then
 * printed.
 * @param {string} [folder]  from the root
 * @returns {string[] | undefined}
 */
export function emitDeclarations(folder = "dist") {
  const host = { ...ts.sys, onUnRecoverableConfigFileDiagnostic: complain };
  const config = ts.getParsedCommandLineOfConfigFile(
    join(root, "tsconfig.build.json"),
    { outDir: join(root, folder) },
    host,
  );
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
