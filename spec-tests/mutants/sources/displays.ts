import { mutantsOf, type SourceMutant } from "../../support/mutants/source-mutant.ts";

const CURSOR = "src/devices/gpu/output/cursor.ts";
const CURSOR_TESTS = ["spec-tests/unit/devices/gpu/output/cursor.test.ts"];

/** Cursors that are not where the driver put them, displays that take what is too much for them. */
export const DISPLAY_MUTANTS: readonly SourceMutant[] = [
  ...mutantsOf(CURSOR, CURSOR_TESTS, [
    [
      "a-hidden-cursor-keeps-its-position",
      "    cursor.x = x;\n    cursor.y = y;\n    cursor.visible = false;\n",
      "    cursor.visible = false;\n",
    ],
    [
      "a-hidden-cursor-does-not-move",
      "    this.#counters.cursorMoves++;\n    cursor.x = x;\n    cursor.y = y;\n",
      "    this.#counters.cursorMoves++;\n    if (cursor.visible || visible === true) {\n      cursor.x = x;\n      cursor.y = y;\n    }\n",
    ],
    [
      "a-reset-keeps-the-position",
      "    cursor.x = 0;\n    cursor.y = 0;\n    cursor.hasImage = false;\n",
      "    cursor.hasImage = false;\n",
    ],
  ]),
  ...mutantsOf(
    "src/backends/display/canvas/canvas-display.ts",
    ["spec-tests/unit/backends/display/canvas.test.ts"],
    [
      ["the-canvas-has-no-bound", "if (pixels > this.#maxPixels) {", "if (pixels < 0) {"],
      [
        "the-canvas-is-bound-one-too-early",
        "if (pixels > this.#maxPixels) {",
        "if (pixels >= this.#maxPixels) {",
      ],
    ],
  ),
  ...mutantsOf(
    "src/backends/display/recorder/frame-recorder.ts",
    ["spec-tests/unit/backends/display/recorder.test.ts"],
    [
      ["the-recorder-has-no-bound-of-frames", "this.#pending < this.#maxPending && ", ""],
      [
        "the-recorder-has-no-bound-of-bytes",
        " && this.#pendingBytes + rgba.length <= this.#maxPendingBytes",
        "",
      ],
      [
        "the-recorder-has-no-bound-of-pixels",
        "if (widthPixels * heightPixels > this.#maxPixels) {",
        "if (widthPixels < 0) {",
      ],
    ],
  ),
];
