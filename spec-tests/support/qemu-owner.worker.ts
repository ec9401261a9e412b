// A process of its own that starts a QEMU, says which, and then waits to be killed, or ends in the manner asked for.
import { QemuMachine } from "../../src/adapters/qtest/index.ts";

const [, , qemu = "", manner = ""] = process.argv;
const machine = await QemuMachine.start({ qemu, devices: [{ type: "virtio-rng-device" }] });
process.stdout.write(`${machine.pid}\n`);
if (manner === "exit") process.exit(3);
if (manner === "throw") throw new Error("on purpose");
