/** Objects by their ids, as calls name them. */
import { DriverError } from "../../errors.ts";
import type { Connector, Crtc, Framebuffer, Plane } from "../objects/mode-objects.ts";
import type { FileState } from "./file-state.ts";

export function findCrtc(file: FileState, id: number): Crtc {
  return find(file.card.crtcs, id, "CRTC");
}

export function findConnector(file: FileState, id: number): Connector {
  return find(file.card.connectors, id, "connector");
}

export function findPlane(file: FileState, id: number): Plane {
  return find(file.card.planes, id, "plane");
}

export function findFb(file: FileState, id: number): Framebuffer {
  const fb = file.card.framebuffers.get(id);
  if (fb === undefined) throw new DriverError("ENOENT", `no framebuffer has id ${id}`);
  return fb;
}

function find<T extends { readonly id: number }>(list: readonly T[], id: number, what: string): T {
  const found = list.find((each) => each.id === id);
  if (found === undefined) throw new DriverError("ENOENT", `no ${what} has id ${id}`);
  return found;
}
