// The thread of the device under test: it spins here, if it does.
import { parentPort } from "node:worker_threads";
import { CASES, serveIsolatedTarget } from "virtio-emulator/conformance";

const load = async () => (await import("./my-device.mjs")).default;
if (parentPort !== null) serveIsolatedTarget(parentPort, load, CASES);
