// Another program that goes on with a saved desktop: node THIS FOLDER OUT. Prints what it saw, as JSON.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { SavedV86Attachment } from "../../../src/adapters/v86/index.ts";
import { guestFolder } from "../paths.ts";
import { resumeDesktop } from "./desktop-guest.ts";
import { fetchDesktop } from "./fetch-desktop.ts";
import { POINTED_AFTER, watchDesktop } from "./run-desktop.ts";

const [folder = "", out = ""] = process.argv.slice(2);
const machine = new Uint8Array(await readFile(join(folder, "machine"))).buffer;
const device = JSON.parse(await readFile(join(folder, "device.json"), "utf8")) as SavedV86Attachment;
const files = await fetchDesktop(guestFolder(), () => {});
const desktop = await resumeDesktop(files, { machine, device });
const view = await watchDesktop(desktop, out, "weston-restored", POINTED_AFTER);
await desktop.machine.close();
process.stdout.write(JSON.stringify(view), () => process.exit(0));
