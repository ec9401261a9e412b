import { isUint8Array, messageOf } from "../../base/brands.ts";
import { TargetError } from "../device-under-test.ts";
import type { ConfigField, DeviceModel, Exchange, ModelFeature } from "./model.ts";

const LAST_FEATURE = 127;
/** The configuration space of a device is 4096 bytes at most on either transport. */
const CONFIG_END = 4096;

type Loose = Readonly<Record<string, unknown>>;

/** What is wrong with somebody's `DeviceModel`, as the rest of a sentence that begins with its name; null when nothing is. */
export function modelFault(value: unknown): string | null {
  if (!isObject(value)) return "is not an object";
  const { name, deviceId, queues, configBytes, probe, features, config } = value;
  if (typeof name !== "string" || name === "") return "has no name";
  if (!isWithin(deviceId, 1, 0xffff)) return `(${name}): deviceId is not a device id, 1 to 65535`;
  if (!Array.isArray(queues) || queues.length === 0 || queues.some((queue) => typeof queue !== "string")) {
    return `(${name}): queues are not names of queues, by index`;
  }
  if (!isWithin(configBytes, 0, CONFIG_END))
    return `(${name}): configBytes is not a number from 0 to ${CONFIG_END}`;
  if (typeof probe !== "function") return `(${name}) has no method probe`;
  const fault = featuresFault(features) ?? configFault(config, features);
  return fault === null ? null : `(${name}): ${fault}`;
}

/** A model that throws {@link TargetError} where its probe or its judgement is none: no device is to blame for it. */
export function guardedModel(model: DeviceModel): DeviceModel {
  const { name, deviceId, queues, configBytes, features, config } = model;
  return {
    name,
    deviceId,
    queues,
    configBytes,
    ...(features === undefined ? {} : { features }),
    ...(config === undefined ? {} : { config }),
    probe: (queue) => {
      const what = `probe(${queue}) of the model ${name}`;
      const exchange = madeBy(what, () => model.probe(queue));
      const fault = exchangeFault(exchange);
      if (fault !== null) throw new TargetError(`${what} ${fault}`);
      return {
        queue: exchange.queue,
        readable: exchange.readable,
        writableBytes: exchange.writableBytes,
        check: (response, lengthBytes) => {
          const wrong: unknown = madeBy(`check of ${what}`, () => exchange.check(response, lengthBytes));
          if (wrong === null || typeof wrong === "string") return wrong;
          throw new TargetError(`check of ${what} gave ${typeof wrong}, neither a text nor null`);
        },
      };
    },
  };
}

function madeBy<T>(what: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw new TargetError(`${what} failed: ${messageOf(error).replace(/\s+/g, " ")}`);
  }
}

function exchangeFault(value: unknown): string | null {
  if (!isObject(value)) return "gave what is not an object";
  const { readable, writableBytes, check }: Partial<Record<keyof Exchange, unknown>> = value;
  if (!isUint8Array(readable)) return "gave no readable, a Uint8Array";
  if (!isWithin(writableBytes, 0, 0xffff_ffff)) return "gave no writableBytes, a number of bytes";
  return typeof check === "function" ? null : "gave no method check";
}

function featuresFault(features: unknown): string | null {
  if (features === undefined) return null;
  if (!Array.isArray(features)) return "features are not an array";
  for (const [index, feature] of (features as Partial<ModelFeature>[]).entries()) {
    const { bit, name, requires = [] } = feature ?? {};
    if (!isWithin(bit, 0, LAST_FEATURE))
      return `features[${index}].bit is not a feature bit, 0 to ${LAST_FEATURE}`;
    if (typeof name !== "string" || name === "") return `features[${index}] has no name`;
    if (!Array.isArray(requires) || requires.some((one) => !isWithin(one, 0, LAST_FEATURE))) {
      return `features[${index}].requires are not feature bits`;
    }
  }
  return null;
}

function configFault(config: unknown, features: unknown): string | null {
  if (config === undefined) return null;
  if (!Array.isArray(config)) return "config is no array of fields";
  const known = ((features ?? []) as ModelFeature[]).map(({ bit }) => bit);
  for (const [index, field] of (config as Partial<ConfigField>[]).entries()) {
    const { name, offset, sizeBytes, feature, range } = field ?? {};
    if (typeof name !== "string" || name === "") return `config[${index}] has no name`;
    if (!isWithin(offset, 0, CONFIG_END - 1))
      return `the offset of config field ${name} is not a number of bytes`;
    if (sizeBytes !== 1 && sizeBytes !== 2 && sizeBytes !== 4 && sizeBytes !== 8) {
      return `sizeBytes of config field ${name} is not 1, 2, 4 or 8`;
    }
    if (range !== undefined && !isRange(range)) {
      return `range of config field ${name} is not a pair of its least and its largest value`;
    }
    if (feature !== undefined && !known.includes(feature)) {
      return `config field ${name} depends on feature bit ${feature}, which is none of features`;
    }
  }
  return null;
}

function isRange(range: unknown): boolean {
  if (!Array.isArray(range) || range.length !== 2) return false;
  const [least, most] = range as readonly unknown[];
  return isWithin(least, 0, Number.MAX_SAFE_INTEGER) && isWithin(most, least, Number.MAX_SAFE_INTEGER);
}

function isWithin(value: unknown, first: number, last: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= first && value <= last;
}

function isObject(value: unknown): value is Loose {
  return typeof value === "object" && value !== null;
}
