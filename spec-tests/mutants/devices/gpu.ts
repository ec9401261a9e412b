import type { Mutant } from "../../support/mutants/mutant.ts";
import { GPU_2D_MUTANTS } from "./gpu-2d.ts";
import { GPU_3D_MUTANTS } from "./gpu-3d.ts";
import { GPU_PROTOCOL_MUTANTS } from "./gpu-protocol.ts";

/** The GPU device: one rule broken each. */
export const GPU_MUTANTS: readonly Mutant[] = [...GPU_PROTOCOL_MUTANTS, ...GPU_2D_MUTANTS, ...GPU_3D_MUTANTS];
