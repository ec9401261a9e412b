import { UsageError } from "../usage-error.ts";

/** Which display the user asked for: what `--display` takes. Plain data, so that it can be sent to threads. */
export type DisplaySpec =
  | { readonly kind: "vnc"; readonly host: string; readonly port: number }
  | { readonly kind: "terminal" }
  | { readonly kind: "png"; readonly folder: string };

/** For the help of commands. */
export const DISPLAY_SYNTAX = "vnc[=HOST:PORT]|terminal|png[=DIR]";

const DEFAULT_HOST = "127.0.0.1";
const DEFAULT_PORT = 5900;
const DEFAULT_FOLDER = "virtio-frames";

/** Parses `vnc`, `vnc=HOST:PORT`, `terminal`, `png` and `png=DIR`. Throws {@link UsageError}. */
export function parseDisplaySpec(text: string): DisplaySpec {
  const equals = text.indexOf("=");
  const kind = equals < 0 ? text : text.slice(0, equals);
  const value = equals < 0 ? undefined : text.slice(equals + 1);
  switch (kind) {
    case "vnc":
      return value === undefined ? { kind, host: DEFAULT_HOST, port: DEFAULT_PORT } : vncAt(value);
    case "terminal":
      if (value !== undefined) throw new UsageError("--display terminal takes nothing behind it.");
      return { kind };
    case "png":
      if (value === "") throw new UsageError("--display png= is empty: give the name of a folder.");
      return { kind, folder: value ?? DEFAULT_FOLDER };
    default:
      throw new UsageError(`--display ${JSON.stringify(text)} is unknown: choose from ${DISPLAY_SYNTAX}.`);
  }
}

/** `HOST:PORT`, `HOST`, `:PORT`, `PORT`, and IPv6 addresses in brackets. */
function vncAt(value: string): DisplaySpec {
  const match = /^(?:(?<host>\[[0-9a-fA-F:.%\w]+\]|[^:[\]\s]*):)?(?<port>[0-9]+)$/.exec(value);
  const hostOnly = /^(?:\[[0-9a-fA-F:.%\w]+\]|[^:[\]\s]+)$/.test(value);
  if (match === null && !hostOnly) {
    throw new UsageError(
      `--display vnc=${value} is not an address: give HOST:PORT, for instance ${DEFAULT_HOST}:${DEFAULT_PORT}.`,
    );
  }
  const host = (match === null ? value : (match.groups?.["host"] ?? "")).replace(/^\[|\]$/g, "");
  const port = match === null ? DEFAULT_PORT : Number(match.groups?.["port"]);
  if (port > 65535) {
    throw new UsageError(`--display vnc=${value}: there is no port ${port}: the highest is 65535.`);
  }
  return { kind: "vnc", host: host === "" ? DEFAULT_HOST : host, port };
}
