// An archive in the format the Linux kernel unpacks as its first root file system: cpio "newc", uncompressed.
// Format: Documentation/driver-api/early-userspace/buffer-format.rst of the kernel.
import { Buffer } from "node:buffer";

const S_IFCHR = 0o020000;
const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;
const ALIGN_BYTES = 4;
const ARCHIVE_ALIGN_BYTES = 512;

export class CpioWriter {
  readonly #parts: Uint8Array[] = [];
  readonly #directories = new Set<string>();
  #lengthBytes = 0;
  #inode = 1;

  directory(path: string): void {
    if (path === "" || this.#directories.has(path)) return;
    this.#parents(path);
    this.#directories.add(path);
    this.#entry(path, S_IFDIR | 0o755, new Uint8Array(0), 0, 0);
  }

  file(path: string, content: Uint8Array | string, mode = 0o644): void {
    this.#parents(path);
    this.#entry(path, S_IFREG | mode, typeof content === "string" ? Buffer.from(content) : content, 0, 0);
  }

  link(path: string, target: string): void {
    this.#parents(path);
    this.#entry(path, S_IFLNK | 0o777, Buffer.from(target), 0, 0);
  }

  characterDevice(path: string, major: number, minor: number, mode = 0o600): void {
    this.#parents(path);
    this.#entry(path, S_IFCHR | mode, new Uint8Array(0), major, minor);
  }

  /** @returns the archive; nothing can be added afterwards */
  finish(): Uint8Array<ArrayBuffer> {
    this.#entry("TRAILER!!!", 0, new Uint8Array(0), 0, 0);
    this.#pad(ARCHIVE_ALIGN_BYTES);
    const archive = new Uint8Array(this.#lengthBytes);
    let at = 0;
    for (const part of this.#parts) {
      archive.set(part, at);
      at += part.length;
    }
    return archive;
  }

  /** The kernel does not make missing directories. */
  #parents(path: string): void {
    const slash = path.lastIndexOf("/");
    if (slash > 0) this.directory(path.slice(0, slash));
  }

  #entry(path: string, mode: number, content: Uint8Array, major: number, minor: number): void {
    const name = Buffer.from(`${path}\0`);
    // inode, mode, uid, gid, links, mtime, size, device of the file system, device of the node, name's size, checksum
    const fields = [this.#inode++, mode, 0, 0, 1, 0, content.length, 0, 0, major, minor, name.length, 0];
    const header = fields.map((value) => value.toString(16).padStart(8, "0")).join("");
    this.#append(Buffer.from(`070701${header}`));
    this.#append(name);
    this.#pad(ALIGN_BYTES);
    this.#append(content);
    this.#pad(ALIGN_BYTES);
  }

  #append(bytes: Uint8Array): void {
    this.#parts.push(bytes);
    this.#lengthBytes += bytes.length;
  }

  #pad(alignBytes: number): void {
    const missing = (alignBytes - (this.#lengthBytes % alignBytes)) % alignBytes;
    if (missing > 0) this.#append(new Uint8Array(missing));
  }
}
