// Each realm (an iframe, a `vm` context) has constructors of its own, so that `instanceof` denies what comes from another
// one. The getters below know their objects by internal slots, which no realm changes and no object can pretend to have.

type Getter = (this: unknown) => unknown;

function getterOf(prototype: object, key: PropertyKey): Getter | null {
  return Object.getOwnPropertyDescriptor(prototype, key)?.get ?? null;
}

const bufferLength: Getter | null = /* @__PURE__ */ getterOf(ArrayBuffer.prototype, "byteLength");
// A page that is not cross-origin isolated has no SharedArrayBuffer.
const sharedLength: Getter | null =
  typeof SharedArrayBuffer === "undefined"
    ? null
    : /* @__PURE__ */ getterOf(SharedArrayBuffer.prototype, "byteLength");
const viewName: Getter | null = /* @__PURE__ */ getterOf(
  /* @__PURE__ */ Object.getPrototypeOf(Uint8Array.prototype) as object,
  Symbol.toStringTag,
);

function accepts(getter: Getter | null, value: unknown): boolean {
  if (getter === null || typeof value !== "object" || value === null) return false;
  try {
    getter.call(value);
    return true;
  } catch {
    return false;
  }
}

/** True for an ArrayBuffer of any realm, a detached one included. */
export function isArrayBuffer(value: unknown): value is ArrayBuffer {
  return accepts(bufferLength, value);
}

/** True for a SharedArrayBuffer of any realm. */
export function isSharedArrayBuffer(value: unknown): value is SharedArrayBuffer {
  return accepts(sharedLength, value);
}

/** True for an ArrayBuffer or a SharedArrayBuffer of any realm. */
export function isAnyBuffer(value: unknown): value is ArrayBufferLike {
  return isArrayBuffer(value) || isSharedArrayBuffer(value);
}

/** True for a Uint8Array of any realm, subclasses (Node's `Buffer`) included. */
export function isUint8Array(value: unknown): value is Uint8Array {
  return ArrayBuffer.isView(value) && viewName?.call(value) === "Uint8Array";
}

/** True when the buffer was transferred away, or belongs to a WebAssembly memory that grew since. */
export function isDetached(buffer: ArrayBufferLike): boolean {
  if (buffer.byteLength !== 0) return false;
  try {
    new Uint8Array(buffer);
    return false;
  } catch {
    return true;
  }
}

/** What was thrown, as a text: the message of an error of any realm. Does not throw, whatever it is. */
export function messageOf(thrown: unknown): string {
  try {
    if (typeof thrown === "object" && thrown !== null) {
      const { message } = thrown as { message?: unknown };
      if (typeof message === "string") return message;
    }
    return String(thrown);
  } catch {
    return "something that cannot be read was thrown";
  }
}

/** What was thrown if it is an error of this realm, else an error with its message and with it as the cause. */
export function errorFrom(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(messageOf(thrown), { cause: thrown });
}
