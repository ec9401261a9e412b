// A browser, and a server that shows it what the tests were built to.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import { locate, peers } from "./peer.ts";

const BUILT_TESTS = ".build/tests";
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const TYPES: Readonly<Record<string, string>> = { ".js": "text/javascript", ".map": "application/json" };

// What the built files import from npm.
const PACKAGE_IMPORT = /from "([a-z@][\w/-]*)"/g;
const PACKAGE_PATH = /^\/npm\/(.+)\.js$/;

/** A page whose script is one of the tests' built files, isolated so that there is SharedArrayBuffer. */
export class TestBrowser {
  readonly page: Page;
  /** What went wrong in the page or its workers without anyone catching it. */
  readonly errors: string[];
  readonly #server: Server;
  readonly #context: BrowserContext;
  readonly #profile: string;

  private constructor(
    server: Server,
    context: BrowserContext,
    profile: string,
    page: Page,
    errors: string[],
  ) {
    this.#server = server;
    this.#context = context;
    this.#profile = profile;
    this.page = page;
    this.errors = errors;
  }

  /** Opens a page that loads `script`, the URL of a built file. */
  static async open(script: URL): Promise<TestBrowser> {
    const root = join(process.cwd(), BUILT_TESTS);
    const path = fileURLToPath(script);
    if (!path.startsWith(root)) throw new Error(`${path} is no built test file`);
    const source = path.slice(root.length).replaceAll("\\", "/");
    return await TestBrowser.#start(
      await serve(
        root,
        `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><script type="module" src="${source}"></script>`,
      ),
    );
  }

  /** Opens a page that is this text. */
  static async openText(html: string): Promise<TestBrowser> {
    return await TestBrowser.#start(await serve(join(process.cwd(), BUILT_TESTS), html));
  }

  static async #start(server: Server): Promise<TestBrowser> {
    const profile = mkdtempSync(join(tmpdir(), "virtio-browser-"));
    const executablePath = locate(peers.chromium);
    const context = await chromium.launchPersistentContext(profile, {
      ...(executablePath === undefined ? {} : { executablePath }),
      headless: true,
      args: FLAGS,
    });
    const page = context.pages()[0] ?? (await context.newPage());
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(error.stack ?? error.message));
    page.on("console", (message) => {
      if (message.type() === "error") errors.push(`${message.text()} (${message.location().url})`);
    });
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    return new TestBrowser(server, context, profile, page, errors);
  }

  async close(): Promise<void> {
    await this.#context.close();
    this.#server.close();
    this.#server.closeAllConnections();
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

function serve(root: string, html: string): Promise<Server> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    // Without these two there is no SharedArrayBuffer.
    response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
    response.setHeader("Cross-Origin-Embedder-Policy", "require-corp");
    response.setHeader("Cache-Control", "no-store");
    if (pathname === "/") {
      response.setHeader("Content-Type", "text/html");
      response.end(html);
      return;
    }
    answer(root, pathname).then(
      (text) => {
        response.setHeader("Content-Type", TYPES[extname(pathname)] ?? "text/plain");
        response.end(text);
      },
      () => response.writeHead(404).end(),
    );
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

async function answer(root: string, pathname: string): Promise<string> {
  const [, name] = PACKAGE_PATH.exec(pathname) ?? [];
  if (name !== undefined) return await packageAsModule(name);
  const file = normalize(join(root, decodeURIComponent(pathname)));
  if (!file.startsWith(root) || TYPES[extname(file)] === undefined) throw new Error("not served");
  return readFileSync(file, "utf8").replace(PACKAGE_IMPORT, 'from "/npm/$1.js"');
}

/** A package of CommonJS as a module, which browsers need; import maps would do, but workers have none. */
async function packageAsModule(name: string): Promise<string> {
  const names = Object.keys((await import(name)) as object).filter((key) => /^[a-z]\w*$/i.test(key));
  const { outputFiles } = await build({
    stdin: {
      contents: `export { ${names.filter((key) => key !== "default").join(", ")} } from "${name}";`,
      resolveDir: process.cwd(),
    },
    bundle: true,
    format: "esm",
    platform: "browser",
    write: false,
    logLevel: "silent",
  });
  return (outputFiles[0] as { text: string }).text;
}
