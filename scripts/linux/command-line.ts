import { join, relative } from "node:path";
import { createDisplay, type LiveDisplay } from "../../src/cli/display/live-display.ts";
import { type Output, openOutputs } from "../../src/cli/outputs.ts";
import { UsageError } from "../../src/cli/usage-error.ts";
import { formatDesktopReport, runDesktop } from "./desktop/run-desktop.ts";
import { SCENARIOS } from "./guest-session.ts";
import type { LinuxDeviceFactory } from "./linux-device.ts";
import { LinuxError, LinuxUsageError, messageOf } from "./linux-error.ts";
import { parseOptions } from "./options.ts";
import { repositoryRoot } from "./paths.ts";
import { checkFolder } from "./picture-file.ts";
import { createProgress } from "./progress.ts";
import { formatReport } from "./report.ts";
import { runLinux } from "./run-linux.ts";

/**
 * @returns the exit code: 0, 1 if something in the guest is not as it should be or this machine lacks something, 2 for wrong
 * options and files
 */
export async function main(args: readonly string[], createDevice: LinuxDeviceFactory): Promise<number> {
  const parsed = parseOptions(args);
  if (parsed.kind === "text") {
    process.stdout.write(parsed.text);
    return 0;
  }
  if (parsed.kind === "error") {
    process.stderr.write(`linux: ${parsed.message}\n`);
    return 2;
  }
  const { options } = parsed;
  if (options.list) {
    process.stdout.write(`${SCENARIOS.join("\n")}\n`);
    return 0;
  }
  let json: Output | null;
  let live: LiveDisplay | undefined;
  try {
    json = openOutputs({ json: { option: "--json", to: options.json } }).json;
    live = options.display === undefined ? undefined : await createDisplay(options.display);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`linux: ${error.message}\n`);
    return 2;
  }
  if (live !== undefined && live.hint !== "") process.stderr.write(`linux: ${live.hint}\n`);
  // Where the terminal is the guest's screen nothing else may write to it.
  const isTerminalFree = options.display?.kind !== "terminal";
  const progress = createProgress();
  const abort = new AbortController();
  const isOwnGuest = options.initrd !== undefined;
  const onInterrupt = (): void => abort.abort();
  if (isOwnGuest) process.once("SIGINT", onInterrupt);
  try {
    const out = options.out ?? relative(process.cwd(), join(repositoryRoot(), ".build/linux"));
    checkFolder(out);
    if (options.desktop) {
      const report = await runDesktop(out, (text) => progress.say(text));
      progress.end();
      print(report, json, () => formatDesktopReport(report));
      return report.problems.length === 0 ? 0 : 1;
    }
    const report = await runLinux({
      ...options,
      createDevice,
      display: live?.display,
      out,
      signal: abort.signal,
      ...(isTerminalFree ? { onProgress: (text) => progress.say(text) } : {}),
      ...(isOwnGuest && isTerminalFree ? { onConsole: (line) => progress.note(line) } : {}),
    });
    progress.end();
    await closeDisplay(live);
    print(report, json, () => formatReport(report));
    return report.problems === 0 ? 0 : 1;
  } catch (error) {
    progress.end();
    await closeDisplay(live);
    if (!(error instanceof LinuxError || error instanceof UsageError)) throw error;
    process.stderr.write(`linux: ${messageOf(error)}\n`);
    return error instanceof LinuxUsageError || error instanceof UsageError ? 2 : 1;
  } finally {
    process.off("SIGINT", onInterrupt);
  }
}

async function closeDisplay(display: LiveDisplay | undefined): Promise<void> {
  if (display === undefined) return;
  try {
    process.stderr.write(`linux: ${await display.close()}\n`);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`linux: ${error.message}\n`);
  }
}

/** Prints a report as text, or as JSON where that is wanted instead; a file gets the JSON besides. */
function print(report: object, json: Output | null, format: () => string): void {
  const text = `${JSON.stringify(report, undefined, 2)}\n`;
  if (json !== "stdout") json?.write(text);
  process.stdout.write(json === "stdout" ? text : format());
}
