/** What a device of src/devices still lacks: everything besides the device itself that belongs to one. */

/** The repository, as far as the check looks at it: paths from its root, with forward slashes. */
export interface Repository {
  readonly files: readonly string[];
  read(file: string): string;
}

interface Part {
  readonly name: string;
  /** What has to be done, for the message. */
  readonly todo: (device: string) => string;
  readonly isThere: (device: string, repository: Repository) => boolean;
}

const has = ({ files }: Repository, file: string): boolean => files.includes(file);
const hasBelow = ({ files }: Repository, folder: string, end = ""): boolean =>
  files.some((file) => file.startsWith(`${folder}/`) && file.endsWith(end));

/** In the order in which they are written. */
export const PARTS: readonly Part[] = [
  {
    name: "entry point",
    todo: (device) => `add "./${device}" to the exports of package.json`,
    isThere: (device, repository) =>
      repository.read("package.json").includes(`"./dist/devices/${device}/index.js"`),
  },
  {
    name: "unit tests",
    todo: (device) => `add spec-tests/unit/devices/${device}/*.test.ts`,
    isThere: (device, repository) => hasBelow(repository, `spec-tests/unit/devices/${device}`, ".test.ts"),
  },
  {
    name: "driver",
    todo: (device) => `add src/driver/drivers/${device}`,
    isThere: (device, repository) => hasBelow(repository, `src/driver/drivers/${device}`, ".ts"),
  },
  {
    name: "model in the kit",
    todo: (device) => `add src/conformance/models/${device}.ts to DEVICE_MODELS`,
    isThere: (device, repository) =>
      has(repository, `src/conformance/models/${device}.ts`) &&
      repository.read("src/conformance/models/index.ts").includes(`"./${device}.ts"`),
  },
  {
    name: "hostile test",
    todo: (device) =>
      `add spec-tests/support/hostile/${device}-subject.ts, which hostile-guest.test.ts takes`,
    isThere: (device, repository) => has(repository, `spec-tests/support/hostile/${device}-subject.ts`),
  },
  {
    name: "benchmark row",
    todo: () => "add a workload of it to scripts/bench",
    isThere: (device, repository) =>
      repository.files.some(
        (file) => file.startsWith("scripts/bench/") && repository.read(file).includes(`/devices/${device}/`),
      ),
  },
];

/** A part that a device goes without, and why. */
export interface Exception {
  readonly device: string;
  readonly part: string;
  readonly reason: string;
}

const OWN_PROTOCOL =
  "experimental: the kit judges statements of the specification, and its protocol is its own";
const SCENARIO = "experimental: measured as a whole, by the command of its name";

/** Parts that devices go without on purpose. */
export const EXCEPTIONS: readonly Exception[] = [
  { device: "render", part: "model in the kit", reason: OWN_PROTOCOL },
  { device: "render", part: "benchmark row", reason: SCENARIO },
  { device: "vdmabuf", part: "model in the kit", reason: OWN_PROTOCOL },
  { device: "vdmabuf", part: "benchmark row", reason: SCENARIO },
];

/** The devices there are, by their folders. */
export function devicesOf({ files }: Repository): string[] {
  const names = files.flatMap((file) => /^src\/devices\/([^/]+)\//.exec(file)?.[1] ?? []);
  return [...new Set(names)].sort();
}

/** One line for each part that a device lacks, and for each exception that nothing needs any more. */
export function lackingParts(
  repository: Repository,
  exceptions: readonly Exception[] = EXCEPTIONS,
): string[] {
  const lines: string[] = [];
  const devices = devicesOf(repository);
  for (const device of devices) {
    for (const part of PARTS) {
      const excepted = exceptions.some((each) => each.device === device && each.part === part.name);
      const there = part.isThere(device, repository);
      if (!there && !excepted) lines.push(`${device} lacks its ${part.name}: ${part.todo(device)}`);
      if (there && excepted)
        lines.push(`${device} has its ${part.name}: take the exception out of the table`);
    }
  }
  for (const { device, part } of exceptions) {
    if (!devices.includes(device)) lines.push(`there is no device ${device}, and an exception for it`);
    if (!PARTS.some(({ name }) => name === part)) lines.push(`${device}: there is no part "${part}"`);
  }
  return lines;
}
