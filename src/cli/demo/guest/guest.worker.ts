// The thread that is the guest.
import { parentPort, workerData } from "node:worker_threads";
import type { GuestMessage, GuestOrder } from "../protocol.ts";
import { runGuest } from "./run-guest.ts";

const post = (message: GuestMessage): void => parentPort?.postMessage(message);
post({ kind: "report", report: runGuest(workerData as GuestOrder, post) });
