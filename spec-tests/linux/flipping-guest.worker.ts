// Another program that goes on with a snapshot: node THIS FOLDER CARD FLIPS. Prints what is wrong, as JSON.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { SavedV86Attachment } from "../../src/adapters/v86/index.ts";
import { type Card, finishFlips, resumeGuest } from "./flipping-guest.ts";

const [folder = "", card = "0", flips = "0"] = process.argv.slice(2);
const machine = new Uint8Array(await readFile(join(folder, "machine"))).buffer;
const devices = JSON.parse(await readFile(join(folder, "devices.json"), "utf8")) as SavedV86Attachment[];
const guest = await resumeGuest({ machine, devices });
const { screen } = guest.cards[Number(card)] as Card;
const difference = await finishFlips(guest, Number(flips), screen);
const events = guest.cards.flatMap((each) => each.events);
process.stdout.write(JSON.stringify({ difference: difference ?? null, events }));
await guest.machine.close();
process.exit(0);
