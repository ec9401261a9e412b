// The package as npm would install it, for the compiler: its manifest and its declarations, and programs beside it.
import { copyFileSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import ts from "typescript";

interface Declarations {
  emitDeclarations(folder: string): string[] | undefined;
}

/** What every strict project asks for. */
const STRICT: ts.CompilerOptions = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noImplicitOverride: true,
  noUnusedLocals: true,
  verbatimModuleSyntax: true,
  isolatedModules: true,
  noEmit: true,
  allowImportingTsExtensions: true,
  allowJs: true,
  checkJs: true,
  target: ts.ScriptTarget.ES2023,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
};

/** Where somebody's program lies whose node_modules hold this package. */
export class InstalledPackage {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Writes the declarations of the sources as they are. */
  static async install(folder: string): Promise<InstalledPackage> {
    rmSync(folder, { recursive: true, force: true });
    const modules = join(folder, "node_modules");
    const self = join(modules, "virtio-emulator");
    mkdirSync(self, { recursive: true });
    // Without a manifest of its own the folder would be part of this package, whose name then means dist.
    writeFileSync(join(folder, "package.json"), '{ "name": "somebodys-program", "type": "module" }');
    copyFileSync("package.json", join(self, "package.json"));
    const script = pathToFileURL(resolve("scripts/declarations.mjs")).href;
    const { emitDeclarations } = (await import(script)) as Declarations;
    if (emitDeclarations(join(self, "dist")) === undefined) throw new Error("the sources have errors");
    for (const name of ["v86", "@types"])
      symlinkSync(resolve("node_modules", name), join(modules, name), "junction");
    return new InstalledPackage(folder);
  }

  /** What the compiler says of files, with the library names (`ES2023`, `DOM`) and packages of types given. */
  check(files: readonly string[], lib: readonly string[], options: ts.CompilerOptions): string[] {
    const program = ts.createProgram(
      files.map((file) => resolve(this.folder, file)),
      { ...STRICT, lib: lib.map((name) => `lib.${name.toLowerCase()}.d.ts`), ...options },
    );
    return ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
      const line = file === undefined ? 0 : file.getLineAndCharacterOfPosition(start ?? 0).line + 1;
      return `${file?.fileName ?? ""}:${line}: ${ts.flattenDiagnosticMessageText(messageText, " ")}`;
    });
  }
}
