import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants, mkdtempSync, rmSync, statfsSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { QemuGoneError } from "./errors.ts";
import { locateProgram } from "./qemu-program.ts";

/** Socket addresses have room for this many bytes, the folder's name included. */
const MAX_SOCKET_PATH_BYTES = 100;
const MAX_STDERR_CHARACTERS = 16_384;
/** Memory on a disk would be written to it. */
const MEMORY_FOLDER = "/dev/shm";
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** QEMU outlives the process that started it: these are ended with this one. */
const running = new Set<QemuProcess>();

/** A QEMU with a folder of its own, which is gone when it is. */
export class QemuProcess {
  /** For sockets and pictures; short enough a name for sockets. */
  readonly folder: string;
  /** Resolves when the process has ended. */
  readonly ended: Promise<QemuGoneError>;
  readonly #child: ChildProcess;
  #stderr = "";
  #over = false;

  /** Starts `path`; `argumentsIn` gets the folder. `folder` is one of {@link makeFolder}'s and is owned from now on. */
  constructor(path: string, programArguments: readonly string[], folder: string) {
    this.folder = folder;
    const [program, ...rest] = wrapped(path, programArguments);
    // A core that is dumped lands in the folder and goes with it.
    this.#child = spawn(program, rest, { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-MAX_STDERR_CHARACTERS);
    });
    this.ended = new Promise((resolve) => {
      this.#child.once("error", (error) => resolve(this.#gone(error.message)));
      this.#child.once("close", (code, signal) =>
        resolve(this.#gone(signal !== null ? `ended by ${signal}` : `ended with exit code ${code}`)),
      );
    });
    running.add(this);
    if (running.size === 1) watchThisProcess();
  }

  /** The process's number, undefined when it could not be started. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** What it said on stderr, the last 16 KiB. */
  get stderr(): string {
    return this.#stderr;
  }

  /** Ends the process at once and deletes the folder, without waiting. */
  kill(): void {
    if (!this.#over) this.#child.kill("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  }

  #gone(how: string): QemuGoneError {
    this.#over = true;
    running.delete(this);
    if (running.size === 0) leaveThisProcessAlone();
    rmSync(this.folder, { recursive: true, force: true });
    const lines = this.#stderr.split("\n").filter((line) => line.trim() !== "");
    const last = lines.at(-1)?.trim();
    return new QemuGoneError("crash", last === undefined ? `QEMU ${how}` : `QEMU ${how}: ${last}`);
  }
}

/** A new folder under the system's for temporary files. */
export function makeFolder(): string {
  const parent = Buffer.byteLength(tmpdir()) < MAX_SOCKET_PATH_BYTES - 40 ? tmpdir() : "/tmp";
  return mkdtempSync(join(parent, "virtio-qtest-"));
}

/** Where to put a file of `sizeBytes` that is to be memory: in memory if there is room, else in `folder`. */
export function memoryFile(folder: string, sizeBytes: number): string {
  try {
    accessSync(MEMORY_FOLDER, constants.W_OK);
    const { bavail, bsize } = statfsSync(MEMORY_FOLDER);
    if (bavail * bsize > sizeBytes) {
      const name = folder.slice(folder.lastIndexOf("/") + 1);
      return `${MEMORY_FOLDER}/${name}-${process.pid}`;
    }
  } catch {
    // Not on this system, or not for us.
  }
  return join(folder, "ram");
}

/** A socket that listens at `path` for one connection. */
export function listenAt(path: string): Promise<{ connection: Promise<Socket>; server: Server }> {
  const server = createServer();
  const connection = new Promise<Socket>((resolve) => {
    server.once("connection", (socket) => {
      server.close();
      resolve(socket);
    });
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, () => resolve({ connection, server }));
  });
}

/**
 * The command line that starts QEMU so that it ends even if this process is killed, and leaves no core file behind.
 * Where the helpers for that are missing it is QEMU's own.
 */
function wrapped(path: string, rest: readonly string[]): [string, ...string[]] {
  const setpriv = process.platform === "linux" ? locateProgram("setpriv") : undefined;
  if (setpriv === undefined) return [path, ...rest];
  return ["/bin/sh", "-c", 'ulimit -c 0; exec "$@"', "sh", setpriv, "--pdeathsig", "KILL", path, ...rest];
}

function killAll(): void {
  for (const qemu of running) qemu.kill();
}

function onSignal(signal: NodeJS.Signals): void {
  // Somebody else handles it too, and decides whether this process ends; if it does, `exit` is next.
  if (process.listenerCount(signal) > 1) return;
  killAll();
  leaveThisProcessAlone();
  process.kill(process.pid, signal);
}

function watchThisProcess(): void {
  process.on("exit", killAll);
  for (const signal of SIGNALS) process.on(signal, onSignal);
}

function leaveThisProcessAlone(): void {
  process.off("exit", killAll);
  for (const signal of SIGNALS) process.off(signal, onSignal);
}
