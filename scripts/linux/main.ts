import { main } from "./command-line.ts";
import { LinuxGpu } from "./gpu-device.ts";

process.exitCode = await main(process.argv.slice(2), (options) => new LinuxGpu(options));
