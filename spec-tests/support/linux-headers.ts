/**
 * What a C compiler says about the names of src/wire, from Linux' own headers.
 *
 * Every fact is one C expression of an integer. One compilation finds the expressions that the installed
 * headers do not support, a second one prints the values of the others.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** C expressions by the name of the fact. */
export type FactExpressions = ReadonlyMap<string, string>;

export interface HeaderFacts {
  /** Version of the kernel that the headers belong to, as `6.1.192`. */
  readonly version: string;
  readonly facts: Readonly<Record<string, number>>;
  /** Every identifier in the headers that starts like a name of src/wire. */
  readonly identifiers: readonly string[];
}

export const HEADERS = [
  "linux/pci_regs.h",
  "linux/virtio_config.h",
  "linux/virtio_gpu.h",
  "linux/virtio_ids.h",
  "linux/virtio_mmio.h",
  "linux/virtio_pci.h",
  "linux/virtio_ring.h",
  "linux/virtio_types.h",
] as const;

const IDENTIFIERS = /\b(?:VIRTIO_(?:GPU|MMIO|ID|TRANS_ID|F|CONFIG_S|PCI_CAP)_\w+|virtio_(?:gpu|pci)_\w+)\b/g;

const PRELUDE = `#include <stddef.h>
#include <stdio.h>
#include <stdint.h>
#include <linux/version.h>
${HEADERS.map((header) => `#include <${header}>`).join("\n")}
static long long used_event_offset(unsigned num) {
  struct vring vr; static char memory[16];
  vring_init(&vr, num, memory, 4);
  return (char *)&vring_used_event(&vr) - (char *)vr.avail;
}
static long long avail_event_offset(unsigned num) {
  struct vring vr; static char memory[16];
  vring_init(&vr, num, memory, 4);
  return (char *)&vring_avail_event(&vr) - (char *)vr.used;
}
static long long legacy_used_offset(unsigned num) {
  struct vring vr; static char memory[16] __attribute__((aligned(4096)));
  vring_init(&vr, num, memory, VIRTIO_PCI_VRING_ALIGN);
  return (char *)vr.used - memory;
}
`;

function run(
  command: string,
  args: readonly string[],
): { status: number | null; stdout: string; stderr: string } {
  const environment = { ...process.env, LC_ALL: "C" };
  const result = spawnSync(command, args, { encoding: "utf8", env: environment, maxBuffer: 1 << 26 });
  if (result.error) throw result.error;
  return result;
}

// One printf per line, so that the line number of a diagnostic names the fact.
function source(facts: FactExpressions): string {
  const lines = [...facts].map(([name, expression]) => {
    return `static void print_${identifier(name)}(void) { printf("%s=%lld\\n", ${JSON.stringify(name)}, (long long)(${expression})); }`;
  });
  const calls = [...facts.keys()].map((name) => `  print_${identifier(name)}();`);
  const version = `  printf("version=%d.%d.%d\\n", LINUX_VERSION_CODE >> 16, LINUX_VERSION_CODE >> 8 & 255, LINUX_VERSION_SUBLEVEL);`;
  return `${PRELUDE}${lines.join("\n")}\nint main(void) {\n${version}\n${calls.join("\n")}\n  return 0;\n}\n`;
}

const identifier = (name: string) => name.replace(/\W/g, "_");

/** Compiles the expressions against the installed headers; those that do not compile have no value. */
export function readHeaderFacts(compiler: string, expressions: FactExpressions): HeaderFacts {
  const folder = mkdtempSync(join(tmpdir(), "linux-headers-"));
  try {
    const file = join(folder, "facts.c");
    const program = join(folder, "facts");
    const firstLine = PRELUDE.split("\n").length;

    // A compiler may stop after some errors: repeat until it finds none.
    const supported = new Map(expressions);
    for (;;) {
      writeFileSync(file, source(supported));
      const probe = run(compiler, ["-w", "-fsyntax-only", file]);
      if (probe.status === 0) break;
      const names = [...supported.keys()];
      const lines = [...probe.stderr.matchAll(/^[^\n:]*facts\.c:(\d+):\d+: error:/gm)].map(([, line]) =>
        Number(line),
      );
      for (const line of lines) supported.delete(names[line - firstLine] ?? "");
      if (supported.size === names.length)
        throw new Error(`the C compiler rejects the generated file:\n${probe.stderr}`);
    }
    const compiled = run(compiler, ["-w", "-o", program, file]);
    if (compiled.status !== 0) throw new Error(`the C compiler cannot link:\n${compiled.stderr}`);

    let version = "";
    const facts: Record<string, number> = {};
    for (const line of run(program, []).stdout.trimEnd().split("\n")) {
      const at = line.lastIndexOf("=");
      if (line.startsWith("version=")) version = line.slice(at + 1);
      else facts[line.slice(0, at)] = Number(line.slice(at + 1));
    }

    writeFileSync(file, PRELUDE);
    const preprocessed = run(compiler, ["-E", file]).stdout + run(compiler, ["-E", "-dM", file]).stdout;
    const identifiers = [...new Set(preprocessed.match(IDENTIFIERS))].sort();
    return { version, facts, identifiers };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
