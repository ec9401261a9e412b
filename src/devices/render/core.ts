import { messageOf } from "../../base/brands.ts";
import { VirtioBugError } from "../../base/errors.ts";
import { withDefaults } from "../../base/options.ts";
import { GuardedContent } from "../../device/backend/guarded-content.ts";
import type { DeviceHost } from "../../device/device-type.ts";
import type { SharedContent, SharedObjectRegistry } from "../../device/shared-objects.ts";
import { VIRTIO_RENDER_EVENT_REVOKED } from "../../wire/render.ts";
import { type Engine, RenderContext } from "./engine.ts";
import { type Import, ImportTable } from "./imports.ts";
import { DEFAULT_RENDER_LIMITS, type RenderDeviceOptions, type RenderLimits } from "./options.ts";

/** Counts kept since the device was made. */
export interface RenderCounters {
  /** Commands taken, failed ones included. */
  commands: number;
  /** Commands that were answered with an error. */
  errors: number;
  /** Unfenced commands that failed after they were answered. */
  lateErrors: number;
  /** Responses that carried a fence. */
  fences: number;
  /** Pixels drawn. */
  pixels: number;
  /** Objects that exporters took away. */
  revocations: number;
}

/** The state of the device, which the commands work on. */
export class RenderCore {
  readonly limits: RenderLimits;
  readonly registry: SharedObjectRegistry | null;
  readonly imports: ImportTable;
  readonly contexts = new Map<number, RenderContext>();
  readonly counters: RenderCounters = {
    commands: 0,
    errors: 0,
    lateErrors: 0,
    fences: 0,
    pixels: 0,
    revocations: 0,
  };
  /** VIRTIO_RENDER_EVENT_*. */
  eventsRead = 0;
  /** Why the current command is refused, for traces. */
  reason = "";
  #host: DeviceHost | null = null;
  #engine: Engine | null = null;

  constructor(options: RenderDeviceOptions) {
    this.limits = withDefaults(DEFAULT_RENDER_LIMITS, options.limits);
    this.registry = options.sharedObjects ?? null;
    this.imports = new ImportTable(this.limits);
    this.contexts.set(0, new RenderContext(0));
  }

  get host(): DeviceHost {
    if (this.#host === null) throw new VirtioBugError("the renderer was used before it was attached");
    return this.#host;
  }

  get engine(): Engine {
    if (this.#engine === null) throw new VirtioBugError("the renderer has no engine");
    return this.#engine;
  }

  set engine(engine: Engine) {
    this.#engine = engine;
  }

  get attached(): boolean {
    return this.#host !== null;
  }

  attach(host: DeviceHost): void {
    this.#host = host;
  }

  /** Notes why a command is refused and returns the response type, for `return core.refuse(…)`. */
  refuse(response: number, reason: string): number {
    this.reason = reason;
    return response;
  }

  /** What another device shares, whose failures are traced and otherwise those of an object without bytes. */
  guard(content: SharedContent): SharedContent {
    return new GuardedContent(content, (error) => {
      const detail = { message: messageOf(error) };
      this.host.trace?.({ source: "render", kind: "exporter-failure", detail });
    });
  }

  /** The exporter took an object away: the driver is told, if it still has the import. */
  revoked(revoked: Import): void {
    revoked.revoked = true;
    this.counters.revocations++;
    if (this.imports.get(revoked.id) !== revoked) return;
    this.host.changeConfig(() => {
      this.eventsRead |= VIRTIO_RENDER_EVENT_REVOKED;
    });
  }

  /** Back to the state before the driver came. The engine has let go of everything already. */
  reset(): void {
    this.imports.clear();
    this.contexts.clear();
    this.contexts.set(0, new RenderContext(0));
    this.eventsRead = 0;
    this.reason = "";
  }
}
