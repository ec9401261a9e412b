// The document and the declarations say the same: the listing of PROTOCOL.md is compiled and compared with src/wire.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as wire from "../../../../src/wire/index.ts";
import { locate, needs, peers } from "../../../support/peer.ts";

const protocol = suite("PROTOCOL.md of the render device");
const withCompiler = needs(protocol, peers.cc);
const text = readFileSync("src/devices/render/PROTOCOL.md", "utf8");
const listing = /```c\n([\s\S]*?)```/.exec(text)?.[1] ?? "";
const structs = Object.entries(wire)
  .filter(([name]) => name.startsWith("virtio_render_"))
  .map(([name, schema]) => [name, schema as wire.WireStruct<unknown>] as const);
const constants = Object.entries(wire).filter(
  (entry): entry is [string, number] => entry[0].startsWith("VIRTIO_RENDER_") && typeof entry[1] === "number",
);

protocol("lists every constant and struct of src/wire, and no other", () => {
  const defined = [...listing.matchAll(/#define (\w+)/g)].map(([, name]) => name);
  const declared = [...listing.matchAll(/^struct (\w+) \{/gm)].map(([, name]) => name);
  // The device id is in the prose.
  const expected = constants.map(([name]) => name).filter((name) => name !== "VIRTIO_RENDER_DEVICE_ID");
  assert.equal(defined.sort(), expected.sort());
  assert.equal(declared.sort(), structs.map(([name]) => name).sort());
  assert.match(text, `Device id ${wire.VIRTIO_RENDER_DEVICE_ID}`);
});

protocol("says something about every error and every command", () => {
  const prose = text.slice(text.indexOf("## Features"));
  for (const [name] of constants) {
    const short = /^VIRTIO_RENDER_(?:RESP_(ERR_\w+)|CMD_(\w+))/.exec(name);
    const word = short?.[1] ?? short?.[2];
    if (word !== undefined && word !== "ERR_UNSPEC") assert.match(prose, word, name);
  }
});

protocol("has the offsets of every struct under its name in upper case", () => {
  assert.is(structs.length, 15);
  const all = new Map<string, unknown>(Object.entries(wire));
  for (const [name, schema] of structs) assert.equal(all.get(name.toUpperCase()), wire.offsetsOf(schema));
});

withCompiler("means in C what src/wire says", () => {
  const facts: [string, string, number][] = constants.map(([name, value]) => [name, name, value]);
  for (const [name, schema] of structs) {
    facts.push([name, `sizeof(struct ${name})`, schema.span]);
    for (const { name: field, offsetBytes, sizeBytes } of wire.fieldsOf(schema)) {
      facts.push([`${name}.${field}`, `offsetof(struct ${name}, ${field})`, offsetBytes]);
      facts.push([`${name}.${field} size`, `sizeof(((struct ${name} *)0)->${field})`, sizeBytes]);
    }
  }
  const source = `#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
typedef uint8_t u8;
typedef uint32_t le32;
typedef uint64_t le64;
${listing}
int main(void) {
${facts
  .filter(([name]) => name !== "VIRTIO_RENDER_DEVICE_ID")
  .map(([name, expression]) => `  printf("%s=%lld\\n", "${name}", (long long)(${expression}));`)
  .join("\n")}
  return 0;
}
`;
  const folder = mkdtempSync(join(tmpdir(), "render-protocol-"));
  try {
    const file = join(folder, "facts.c");
    const program = join(folder, "facts");
    writeFileSync(file, source);
    const compiled = spawnSync(locate(peers.cc) as string, ["-Wall", "-Werror", "-o", program, file], {
      encoding: "utf8",
    });
    assert.is(compiled.status, 0, compiled.stderr);
    const printed = new Map(
      spawnSync(program, { encoding: "utf8" })
        .stdout.trim()
        .split("\n")
        .map((line) => line.split("=") as [string, string]),
    );
    assert.is(printed.size, facts.length - 1);
    for (const [name, , value] of facts) {
      if (name !== "VIRTIO_RENDER_DEVICE_ID") assert.is(Number(printed.get(name)), value, name);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

protocol("the id is one that the specification leaves free and PCI has room for", () => {
  const others = Object.entries(wire).filter(([name]) => name.startsWith("VIRTIO_ID_"));
  assert.not.ok(others.some(([, id]) => id === wire.VIRTIO_RENDER_DEVICE_ID));
  assert.ok(wire.VIRTIO_PCI_DEVICE_ID_BASE + wire.VIRTIO_RENDER_DEVICE_ID <= wire.VIRTIO_PCI_DEVICE_ID_LAST);
});

protocol("names of messages", () => {
  assert.is(wire.renderCommandName(0xe201), "VIRTIO_RENDER_CMD_FILL");
  assert.is(wire.renderResponseName(0xe90d), "VIRTIO_RENDER_RESP_ERR_REVOKED");
  assert.is(wire.renderCommandName(0x101), "0x0101");
  assert.is(wire.renderResponseName(0xffffffff), "0xffffffff");
  assert.is(wire.RENDER_COMMAND_NAMES.size, 11);
  assert.is(wire.RENDER_RESPONSE_NAMES.size, 18);
});

protocol.run();
