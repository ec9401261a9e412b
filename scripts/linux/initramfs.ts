import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { CpioWriter } from "./cpio.ts";
import type { GuestFiles } from "./fetch-guest.ts";

/** What /init calls; the shell is one of them. */
const APPLETS = [
  "sh",
  "cat",
  "dmesg",
  "insmod",
  "ls",
  "mount",
  "poweroff",
  "rmmod",
  "sed",
  "sleep",
  "stty",
  "uname",
] as const;

export interface InitramfsOptions {
  readonly guest: GuestFiles;
  /** The content of /init. */
  readonly init: Uint8Array;
  /** The program with the scenarios. */
  readonly scenarios: Uint8Array;
}

/** @returns the guest's root file system; the same input always gives the same bytes */
export async function makeInitramfs({
  guest,
  init,
  scenarios,
}: InitramfsOptions): Promise<Uint8Array<ArrayBuffer>> {
  const archive = new CpioWriter();
  for (const name of ["dev", "proc", "sys", "bin", "modules"]) archive.directory(name);
  archive.characterDevice("dev/console", 5, 1);
  archive.characterDevice("dev/null", 1, 3, 0o666);
  archive.file("bin/busybox", await readFile(guest.busybox), 0o755);
  for (const name of APPLETS) archive.link(`bin/${name}`, "busybox");
  for (const path of guest.modules) archive.file(`modules/${basename(path)}`, await readFile(path));
  const order = guest.modules.map((path) => basename(path, ".ko"));
  archive.file("modules/order", `${order.join("\n")}\n`);
  archive.file("scenarios", scenarios, 0o755);
  archive.file("init", init, 0o755);
  return archive.finish();
}
