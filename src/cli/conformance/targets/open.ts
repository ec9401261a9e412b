import type { Target } from "../../../conformance/index.ts";
import type { ConformanceOptions, TargetName } from "../options.ts";
import { builtinTarget } from "./builtin.ts";
import { moduleTarget } from "./module.ts";
import { qemuTarget } from "./qemu.ts";

/** The target of this name. Rejects with `UsageError` when there is no such thing here. */
export async function openTarget(
  name: TargetName,
  { qemu }: Pick<ConformanceOptions, "qemu">,
): Promise<Target> {
  switch (name) {
    case "builtin-mmio":
      return builtinTarget("mmio");
    case "builtin-pci":
      return builtinTarget("pci");
    case "qemu-mmio":
    case "qemu-pci":
      return await qemuTarget(name, { qemuPath: qemu });
    default:
      return await moduleTarget(name);
  }
}
