import { mutantsOfEach, type SourceMutant } from "../../support/mutants/source-mutant.ts";

const EDITED = "spec-tests/property/edited-states.test.ts";

/** A mutant for each relation that is checked: nobody objects. */
function unchecked(file: string, files: readonly string[], spared: readonly string[] = []): SourceMutant[] {
  return mutantsOfEach(
    file,
    { find: /(?<![\w.#]|function )misfit\(/g, replace: "(() => {})(" },
    files,
    spared,
  );
}

/** Saved states of which one relation is believed. */
export const STATE_MUTANTS: readonly SourceMutant[] = [
  ...unchecked("src/device/state/saved-state.ts", [
    "spec-tests/unit/device/state/saved-state.test.ts",
    "spec-tests/unit/device/state/told-after-restore.test.ts",
    EDITED,
  ]),
  ...unchecked("src/device/state/saved-driver.ts", [
    "spec-tests/unit/device/state/saved-state.test.ts",
    EDITED,
  ]),
  ...unchecked("src/device/state/saved-pages.ts", ["spec-tests/unit/devices/gpu/save.test.ts", EDITED]),
  ...unchecked("src/transport/pci/saved-state.ts", ["spec-tests/unit/transport/pci-save.test.ts", EDITED]),
  ...unchecked("src/devices/gpu/restore.ts", ["spec-tests/unit/devices/gpu/save.test.ts", EDITED]),
  ...unchecked("src/devices/render/save.ts", ["spec-tests/unit/devices/render/save.test.ts", EDITED]),
  ...unchecked("src/devices/vdmabuf/save.ts", ["spec-tests/unit/devices/vdmabuf/device.test.ts", EDITED]),
];
