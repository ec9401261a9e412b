import { mutantsOf, mutantsOfEach, type SourceMutant } from "../../support/mutants/source-mutant.ts";

const BRANDS = "src/base/brands.ts";
const REGION = "src/memory/region.ts";
const FOREIGN = ["spec-tests/unit/base/brands.test.ts", "spec-tests/unit/memory/foreign-memory.test.ts"];
const LARGE = ["spec-tests/regression/regions-of-4-gib.test.ts"];
const OWN = ["spec-tests/unit/memory/guest-memory.test.ts", ...FOREIGN];

/** Memory of other realms that is not recognised, memory that is gone and believed to be there, lengths cut to 32 bits. */
export const MEMORY_MUTANTS: readonly SourceMutant[] = [
  ...mutantsOf(BRANDS, FOREIGN, [
    [
      "buffers-by-constructor",
      "return accepts(bufferLength, value);",
      "return value instanceof ArrayBuffer;",
    ],
    [
      "shared-buffers-by-constructor",
      "return accepts(sharedLength, value);",
      "return value instanceof SharedArrayBuffer;",
    ],
    [
      "shared-buffers-are-buffers-only-if-unshared",
      "isArrayBuffer(value) || isSharedArrayBuffer(value)",
      "isArrayBuffer(value)",
    ],
    [
      "bytes-by-constructor",
      'ArrayBuffer.isView(value) && viewName?.call(value) === "Uint8Array"',
      "value instanceof Uint8Array",
    ],
    ["any-view-is-bytes", ' && viewName?.call(value) === "Uint8Array"', ""],
    ["pretended-buffers", "    getter.call(value);\n", ""],
    ["empty-buffers-are-detached", "    new Uint8Array(buffer);\n    return false;", "    return true;"],
    [
      "detached-buffers-are-empty",
      "  } catch {\n    return true;\n  }\n}\n\n/** What was thrown, as a text",
      "  } catch {\n    return false;\n  }\n}\n\n/** What was thrown, as a text",
    ],
  ]),
  ...mutantsOf(REGION, OWN, [
    ["views-are-taken-for-buffers", "if (ArrayBuffer.isView(memory)) {", "if (memory === null) {"],
    [
      "detached-memory-is-taken",
      "    if (isDetached(buffer)) throw new VirtioUsageError(",
      "    if (buffer === null) throw new VirtioUsageError(",
    ],
    [
      "shared-memory-counts-as-unshared",
      "this.shared = isSharedArrayBuffer(buffer);",
      "this.shared = false;",
    ],
    [
      "memory-that-is-gone-is-not-noticed",
      "      if (this.u8.length === 0 && !this.#removed) throw this.#gone();\n",
      "",
    ],
    [
      "memory-that-shrank-is-not-noticed",
      "if (!isAnyBuffer(buffer) || buffer.byteLength < this.byteOffset + this.sizeBytes) throw this.#gone();",
      "",
    ],
  ]),
  ...mutantsOfEach(REGION, { find: /Math\.floor\(byteLength \/ 2\)/g, replace: "byteLength >>> 1" }, LARGE),
  ...mutantsOfEach(REGION, { find: /Math\.floor\(byteLength \/ 4\)/g, replace: "byteLength >>> 2" }, LARGE),
  ...mutantsOfEach(REGION, { find: /Math\.floor\(byteLength \/ 8\)/g, replace: "byteLength >>> 3" }, LARGE),
  ...mutantsOf(REGION, LARGE, [
    ["regions-below-4-gib", "byteLength > MAX_REGION_BYTES", "byteLength >= MAX_REGION_BYTES"],
  ]),
];
