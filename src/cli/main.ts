#!/usr/bin/env node
// The command `virtio-emulator`.
import { runCommandLine } from "./run.ts";

// Programs that read only the beginning of the output (head, less) close the pipe; that is not an error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  process.stderr.write(`virtio-emulator: cannot write to standard output: ${error.message}\n`);
  process.exit(1);
});

process.exitCode = await runCommandLine(process.argv.slice(2), {
  out: (text) => void process.stdout.write(text),
  error: (text) => void process.stderr.write(text),
  outIsTerminal: process.stdout.isTTY === true,
});
