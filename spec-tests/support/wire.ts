import * as common from "../../src/wire/common.ts";
import * as gpu from "../../src/wire/gpu.ts";
import * as gpuNames from "../../src/wire/gpu-names.ts";
import * as mmio from "../../src/wire/mmio.ts";
import * as packedRing from "../../src/wire/packed-ring.ts";
import * as pci from "../../src/wire/pci.ts";
import * as render from "../../src/wire/render.ts";
import * as renderNames from "../../src/wire/render-names.ts";
import * as schema from "../../src/wire/schema.ts";
import * as splitRing from "../../src/wire/split-ring.ts";
import * as vdmabuf from "../../src/wire/vdmabuf.ts";

/**
 * All names of src/wire. Not by `import *` of its index: esbuild puts constants where they are used, and where a bundle is
 * split it leaves none behind for the namespace of a module that only passes them on.
 */
export const wire = {
  ...common,
  ...gpu,
  ...gpuNames,
  ...mmio,
  ...packedRing,
  ...pci,
  ...render,
  ...renderNames,
  ...schema,
  ...splitRing,
  ...vdmabuf,
};
