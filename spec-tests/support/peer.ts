/**
 * Programs that tests are checked against and that npm does not bring: compilers, browsers, decoders.
 *
 * A test that needs one is declared through `needs`. Where the program is missing the test counts as skipped, and one
 * line on stderr says what was skipped and how to get it. With VIRTIO_FORBID_SKIP=1, as in CI, the test fails
 * instead.
 */
import { spawnSync } from "node:child_process";
import { accessSync, constants, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

/** A program, and how to find it. */
export interface Peer {
  readonly name: string;
  /** How to get it, as a command or a sentence. */
  readonly get: string;
  /** Full path of the program, undefined if it is missing or unfit. Use `locate`, which remembers the answer. */
  readonly find: () => string | undefined;
}

/** The part of uvu's `Test` that `needs` drives; `test` and `suite("…")` both are one. */
interface Declare<Context> {
  (name: string, handler: (context: Context) => void | Promise<void>): void;
  skip(name?: string): void;
}

export const peers = {
  /** Judges EDIDs. */
  edidDecode: {
    name: "edid-decode",
    get: "apt-get install edid-decode",
    find: () => executable("edid-decode"),
  },
  /** A C compiler that sees Linux's user-space headers. */
  cc: {
    name: "a C compiler with <linux/virtio_gpu.h>",
    get: "apt-get install gcc libc6-dev linux-libc-dev",
    find: () =>
      compiler([], "#include <stdint.h>\n#include <linux/virtio_gpu.h>\nint main(void) { return 0; }\n"),
  },
  /** The same compiler, for freestanding 32-bit x86 programs: what runs inside the i686 guest. */
  cc32: {
    name: "a C compiler for freestanding 32-bit x86 programs",
    get: "apt-get install gcc on an x86-64 machine",
    find: () =>
      compiler(["-m32", "-ffreestanding", "-nostdlib", "-static"], "void _start(void) { for (;;) { } }\n"),
  },
  /** A browser that playwright-core can drive. CHROMIUM may name it. */
  chromium: {
    name: "chromium",
    get: "apt-get install chromium, or set CHROMIUM to the path of a browser",
    find: () =>
      process.env["CHROMIUM"] ?? executable("chromium", "chromium-browser", "google-chrome", "chrome"),
  },
  /** A terminal that can be asked what it shows. */
  tmux: {
    name: "tmux",
    get: "apt-get install tmux",
    find: () => executable("tmux"),
  },
  /** A VNC client that saves what it sees as PNG. */
  gvncCapture: {
    name: "gvnccapture",
    get: "apt-get install gvncviewer",
    find: () => executable("gvnccapture"),
  },
  /** Another one, of another family, that saves JPEG. */
  vncSnapshot: {
    name: "vncsnapshot",
    get: "apt-get install vncsnapshot",
    find: () => executable("vncsnapshot"),
  },
  /** Unpacks JPEG. */
  djpeg: {
    name: "djpeg",
    get: "apt-get install libjpeg-turbo-progs",
    find: () => executable("djpeg"),
  },
  /** Unpacks the guest's packages. */
  dpkgDeb: {
    name: "dpkg-deb",
    get: "apt-get install dpkg",
    find: () => executable("dpkg-deb"),
  },
  /** Fetches the guest's packages. */
  apt: {
    name: "apt-get",
    get: "run on Debian or one of its descendants",
    find: () => executable("apt-get"),
  },
  /** Parses XML, and holds it against schemas. */
  xmllint: {
    name: "xmllint",
    get: "apt-get install libxml2-utils",
    find: () => executable("xmllint"),
  },
  /** An independent implementation of the devices. */
  qemu: {
    name: "qemu-system-x86_64",
    get: "apt-get install qemu-system-x86",
    find: () => executable("qemu-system-x86_64"),
  },
  /** The version whose differences to the specification are written down. */
  qemu72: {
    name: "qemu-system-x86_64 of version 7.2",
    get: "apt-get install qemu-system-x86 on Debian 12",
    find: () => {
      const path = executable("qemu-system-x86_64");
      if (path === undefined) return undefined;
      const { stdout } = spawnSync(path, ["--version"], { encoding: "utf8" });
      return /version 7\.2\./.test(stdout) ? path : undefined;
    },
  },
} as const satisfies Record<string, Peer>;

const located = new Map<Peer, string | undefined>();

/** Full path of a peer's program, undefined if it is missing or unfit. */
export function locate(peer: Peer): string | undefined {
  if (!located.has(peer)) located.set(peer, peer.find());
  return located.get(peer);
}

/**
 * How to declare tests that depend on `required`: returns `test` itself where all of them are there, else a
 * function of the same shape that skips (or, with VIRTIO_FORBID_SKIP=1, fails) the test.
 *
 * @example
 * const edid = suite("edid");
 * const withDecoder = needs(edid, peers.edidDecode);
 * withDecoder("the decoder has no complaint", () => { … });
 * edid.run();
 */
export function needs<Context>(
  test: Declare<Context>,
  ...required: readonly Peer[]
): (name: string, handler: (context: Context) => void | Promise<void>) => void {
  const missing = required.filter((peer) => locate(peer) === undefined);
  if (missing.length === 0) return (name, handler) => test(name, handler);
  const reason = missing.map((peer) => `${peer.name} is missing (${peer.get})`).join(", ");
  return (name) => {
    if (process.env["VIRTIO_FORBID_SKIP"] === "1") {
      test(name, () => {
        throw new Error(`must not be skipped here: ${reason}`);
      });
    } else {
      process.stderr.write(`skipped: ${name}: ${reason}\n`);
      test.skip(name);
    }
  };
}

/** Path of the first of these programs that is on PATH. */
function executable(...names: readonly string[]): string | undefined {
  for (const name of names) {
    for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
      const path = join(folder, name);
      try {
        accessSync(path, constants.X_OK);
        if (statSync(path).isFile()) return path;
      } catch {
        // Not in this folder.
      }
    }
  }
  return undefined;
}

/** Path of a C compiler that translates `program`. */
function compiler(flags: readonly string[], program: string): string | undefined {
  const path = executable("cc", "gcc", "clang");
  if (path === undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), "virtio-peer-"));
  try {
    const source = join(folder, "probe.c");
    writeFileSync(source, program);
    const { status } = spawnSync(path, [...flags, "-o", join(folder, "probe"), source], { stdio: "ignore" });
    return status === 0 ? path : undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
