import { isAnyBuffer, isUint8Array } from "../base/brands.ts";
import { VirtioUsageError } from "../base/errors.ts";
import { MAX_QUEUE_SIZE } from "../virtqueue/config.ts";
import { FEATURE_BITS } from "./features.ts";

type Members = Readonly<Record<string, unknown>>;

interface Demand {
  readonly member: string;
  readonly optional?: boolean;
  holds(value: unknown): boolean;
  /** What would be right, as one would write it in a class. */
  readonly example: string;
}

/** Far more than any device has, and no transport reserves a window for more. */
const MAX_CONFIG_BYTES = 0xffff;

const isFunction = (value: unknown): boolean => typeof value === "function";
const isObject = (value: unknown): value is Members => typeof value === "object" && value !== null;
const isWhole = (value: unknown, least: number, most: number): boolean =>
  Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
const isFeature = (value: unknown): boolean => isWhole(value, 0, FEATURE_BITS - 1);
const isListOf = (value: unknown, holds: (element: unknown) => boolean): boolean =>
  Array.isArray(value) && value.every(holds);

const isQueue = (value: unknown): boolean =>
  isObject(value) && typeof value["name"] === "string" && isWhole(value["maxSize"], 1, MAX_QUEUE_SIZE);
const isDependency = (value: unknown): boolean =>
  isObject(value) && isFeature(value["feature"]) && isFeature(value["requires"]);
const isRegion = (value: unknown): boolean => {
  if (!isObject(value) || !isWhole(value["id"], 0, 255) || !isAnyBuffer(value["buffer"])) return false;
  return isWhole(value["lengthBytes"], 0, value["buffer"].byteLength);
};

const method = (member: string, example: string): Demand => ({
  member,
  optional: true,
  holds: isFunction,
  example,
});

const DEMANDS: readonly Demand[] = [
  {
    member: "name",
    holds: (value) => typeof value === "string" && value !== "",
    example: 'readonly name = "blk"',
  },
  {
    member: "deviceId",
    holds: (value) => isWhole(value, 1, 0xffff),
    example: "readonly deviceId = 2, the number that chapter 5 of the specification gives it",
  },
  {
    member: "queues",
    holds: (value) => isListOf(value, isQueue),
    example: `readonly queues = [{ name: "requestq", maxSize: 128 }], with sizes from 1 to ${MAX_QUEUE_SIZE}`,
  },
  {
    member: "pciClass",
    optional: true,
    holds: (value) => isWhole(value, 0, 0xffffff),
    example: "readonly pciClass = 0x018000, 24 bits",
  },
  {
    member: "features",
    optional: true,
    holds: (value) => isListOf(value, isFeature),
    example: `readonly features = [VIRTIO_BLK_F_FLUSH], numbers of bits from 0 to ${FEATURE_BITS - 1}`,
  },
  {
    member: "featureDependencies",
    optional: true,
    holds: (value) => isListOf(value, isDependency),
    example: "readonly featureDependencies = [{ feature: 11, requires: 9 }]",
  },
  {
    member: "sharedMemory",
    optional: true,
    holds: (value) => isListOf(value, isRegion),
    example: "readonly sharedMemory = [{ id: 0, lengthBytes: 4096, buffer: new ArrayBuffer(4096) }]",
  },
  {
    member: "config",
    optional: true,
    holds: (value) => isUint8Array(value) && value.length <= MAX_CONFIG_BYTES,
    example: `readonly config = new Uint8Array(8), of at most ${MAX_CONFIG_BYTES} bytes`,
  },
  {
    member: "configLengthBytes",
    optional: true,
    holds: (value) => isWhole(value, 0, MAX_CONFIG_BYTES),
    example: `readonly configLengthBytes = 8, at most ${MAX_CONFIG_BYTES}`,
  },
  method("readConfigByte", "readConfigByte(offset) { return this.#config[offset] }"),
  method("writeConfig", "writeConfig(offset, widthBytes, value) { … }"),
  method("attach", "attach(host) { this.#host = host; }"),
  method("start", "start() { … }"),
  method("queueReset", "queueReset(index) { … }"),
  method("reset", "reset() { … }"),
  method("quiesce", "quiesce() { … }"),
  method("save", "save() { return { position: this.#position }; }"),
  method("prepareRestore", "prepareRestore(state) { … return { takeOver() { … } }; }"),
  method("failRequest", "failRequest(chain, index, error) { return 0; }"),
  {
    member: "maxRequestsInFlight",
    optional: true,
    holds: (value) => isWhole(value, 1, Number.MAX_SAFE_INTEGER),
    example: "readonly maxRequestsInFlight = 64",
  },
  {
    member: "maxAbandonedCalls",
    optional: true,
    holds: (value) => isWhole(value, 1, Number.MAX_SAFE_INTEGER),
    example: "readonly maxAbandonedCalls = 256",
  },
];

const HANDLE_QUEUE = "handleQueue(index, queue) { … queue.push(chain, lengthBytes) … }";
const HANDLE_REQUEST = "handleRequest(chain, index) { … return lengthBytes; }";

/** Says what a device type lacks: throws {@link VirtioUsageError} with the member and an example of a right one. */
export function checkDeviceType(value: unknown): void {
  if (typeof value === "function") {
    throw new VirtioUsageError(
      `the device type is the class ${value.name || "without a name"}, not an object: new it`,
    );
  }
  if (!isObject(value)) {
    throw new VirtioUsageError(
      `the device type is ${describe(value)}; it is an object such as new RngDevice()`,
    );
  }
  for (const demand of DEMANDS) checkMember(value, demand);
  const handler = ["handleQueue", "handleRequest"].filter((member) => value[member] !== undefined);
  if (handler.length === 0) {
    complain(
      value,
      "handleQueue",
      `has no method handleQueue, so that it would do nothing: ${HANDLE_QUEUE}, or ${HANDLE_REQUEST}`,
    );
  }
  if (handler.length === 2)
    complain(value, "", "has handleQueue and handleRequest: one of them takes the requests");
  for (const member of handler) {
    if (!isFunction(value[member])) {
      const example = member === "handleQueue" ? HANDLE_QUEUE : HANDLE_REQUEST;
      complain(value, "", `has ${describe(value[member])} as ${member}, which is a method: ${example}`);
    }
  }
  checkTogether(value);
}

function checkMember(type: Members, { member, optional, holds, example }: Demand): void {
  const value = type[member];
  if (value === undefined) {
    if (optional !== true) complain(type, member, `has no ${member}; it needs one, as in: ${example}`);
  } else if (!holds(value)) {
    complain(type, "", `has ${describe(value)} as ${member}; right would be: ${example}`);
  }
}

function checkTogether(type: Members): void {
  const config = type["config"];
  const length = type["configLengthBytes"] ?? (isUint8Array(config) ? config.length : 0);
  if (isUint8Array(config) && length !== config.length) {
    complain(
      type,
      "",
      `has ${config.length} bytes of config, and a configLengthBytes of ${length}: leave the latter out`,
    );
  }
  if (length !== 0 && config === undefined && type["readConfigByte"] === undefined) {
    complain(
      type,
      "readConfigByte",
      `has a configLengthBytes of ${length} and nothing to read there: give config, the bytes, or readConfigByte(offset)`,
    );
  }
  if ((type["save"] === undefined) !== (type["prepareRestore"] === undefined)) {
    const [has, lacks] = type["save"] === undefined ? ["prepareRestore", "save"] : ["save", "prepareRestore"];
    complain(type, lacks as string, `has ${has} and no ${lacks}: what one writes the other takes over`);
  }
}

function complain(type: Members, missing: string, what: string): never {
  const name = typeof type["name"] === "string" && type["name"] !== "" ? `"${type["name"]}" ` : "";
  const meant = missing === "" ? undefined : similarMember(type, missing);
  const hint = meant === undefined ? "" : ` (${meant} is not known; is it that?)`;
  throw new VirtioUsageError(`the device type ${name}${what}${hint}`);
}

/** A member that differs in case or a letter or two from the one that is missing. */
function similarMember(type: object, member: string): string | undefined {
  for (let at: object | null = type; at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    for (const name of Object.getOwnPropertyNames(at)) {
      if (name !== member && isSimilar(name.toLowerCase(), member.toLowerCase())) return name;
    }
  }
  return undefined;
}

/** Equal but for one run of up to two letters. */
function isSimilar(left: string, right: string): boolean {
  let begin = 0;
  while (begin < left.length && begin < right.length && left[begin] === right[begin]) begin++;
  let end = 0;
  const room = Math.min(left.length, right.length) - begin;
  while (end < room && left.at(-1 - end) === right.at(-1 - end)) end++;
  return Math.max(left.length, right.length) - begin - end <= 2;
}

function describe(value: unknown): string {
  if (Array.isArray(value)) {
    const wrong = value.find((element) => typeof element !== "object" || element === null);
    if (value.length === 0) return "an empty list";
    return wrong === undefined
      ? `a list of ${value.length} with a part that is wrong`
      : `a list with ${describe(wrong)}`;
  }
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "function") return "a function";
  if (isUint8Array(value)) return `a Uint8Array of ${value.length} bytes`;
  if (typeof value === "object" && value !== null) return "an object";
  return String(value);
}
