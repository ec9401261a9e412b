import type { ConfigField, ModelFeature } from "./model.ts";

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
    const { name, offset, sizeBytes, feature } = field ?? {};
    if (typeof name !== "string" || name === "") return `config[${index}] has no name`;
    if (!isWithin(offset, 0, CONFIG_END - 1))
      return `the offset of config field ${name} is not a number of bytes`;
    if (sizeBytes !== 1 && sizeBytes !== 2 && sizeBytes !== 4 && sizeBytes !== 8) {
      return `sizeBytes of config field ${name} is not 1, 2, 4 or 8`;
    }
    if (feature !== undefined && !known.includes(feature)) {
      return `config field ${name} depends on feature bit ${feature}, which is none of features`;
    }
  }
  return null;
}

function isWithin(value: unknown, first: number, last: number): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= first && value <= last;
}

function isObject(value: unknown): value is Loose {
  return typeof value === "object" && value !== null;
}
