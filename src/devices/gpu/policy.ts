import { COUNT_RULE, type OptionRule, type OptionRules, withDefaults } from "../../base/options.ts";
import { type Profile, policyOf } from "../../device/policy.ts";
import {
  VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER,
  VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID,
  VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY,
  VIRTIO_GPU_RESP_ERR_UNSPEC,
  VIRTIO_GPU_RESP_OK_NODATA,
} from "../../wire/gpu.ts";

const OK = VIRTIO_GPU_RESP_OK_NODATA;
const UNSPEC = VIRTIO_GPU_RESP_ERR_UNSPEC;
const NO_MEMORY = VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY;
const NO_SCANOUT = VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID;
const PARAMETER = VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;

/**
 * Decisions where the specification is silent or where it and its implementations part. A number is the type of the
 * response; VIRTIO_GPU_RESP_OK_NODATA means that the request is accepted and does as much as it can.
 */
export interface GpuPolicy {
  /** A request shorter than the 24-byte header. */
  readonly shortHeader: number;
  /** A request shorter than its command's struct. */
  readonly shortRequest: number;
  /** A command that does not exist. */
  readonly unknownCommand: number;
  /** A command whose feature the driver did not negotiate: refused, or good enough if the device offered it. */
  readonly commandNeeds: "negotiated" | "offered";
  /** A command whose feature is missing, but for the two below. */
  readonly missingFeature: number;
  /** RESOURCE_CREATE_BLOB and SET_SCANOUT_BLOB without VIRTIO_GPU_F_RESOURCE_BLOB. */
  readonly missingBlob: number;
  /** Control commands on the cursor queue and the reverse: refused with `unknownCommand`, or done. */
  readonly anyQueue: boolean;
  /** A buffer for the response of a cursor command: filled in, or returned with used length 0. */
  readonly cursorResponse: "write" | "none";
  /** A resource that takes exactly the last byte of `maxHostBytes`: accepted, or ERR_OUT_OF_MEMORY. */
  readonly lastHostByte: "use" | "keep";
  /** RESOURCE_CREATE_2D with a width or height of 0. */
  readonly createEmpty: number;
  /** ATTACH_BACKING of a resource that has backing: the response, or the new one in place of the old. */
  readonly attachTwice: number | "replace";
  /** ATTACH_BACKING with no entries. */
  readonly attachNothing: number;
  /** An entry of length 0. */
  readonly emptyEntry: number;
  /** More entries than the request holds. */
  readonly entriesMissing: number;
  /** More entries than the limits allow. */
  readonly tooManyEntries: number;
  /**
   * An entry that is not in memory, or not wholly; when accepted that is a hole that nothing is read from. "one-page":
   * one of at most 4096 bytes at a time, of all resources together; more are ERR_UNSPEC.
   */
  readonly entryOutsideMemory: number | "one-page";
  /** DETACH_BACKING of a resource without backing. */
  readonly detachNothing: number;
  /** TRANSFER_TO_HOST_2D of a resource without backing. */
  readonly transferWithoutBacking: number;
  /** TRANSFER_TO_HOST_2D of 0 pixels. */
  readonly transferEmpty: number;
  /** TRANSFER_TO_HOST_2D of whole rows from the top: the rows of the rectangle, or all that the resource has. */
  readonly transferWholeRows: "rectangle" | "everything";
  /** TRANSFER_TO_HOST_2D that would read beyond the backing; when accepted it copies what is there. */
  readonly transferBeyondBacking: number;
  /** SET_SCANOUT of a 2D resource that has no backing yet. */
  readonly scanoutWithoutBacking: number;
  /** Smallest width and height of a scanout, in pixels. */
  readonly minScanoutPixels: number;
  /** What GET_DISPLAY_INFO says of a display without a monitor: its size, or nothing but zeros. */
  readonly disabledDisplay: "size" | "zeros";
  /** GET_EDID of a scanout that does not exist. */
  readonly edidOfNoScanout: number;
  /** RESOURCE_CREATE_BLOB whose entries hold fewer bytes than the blob has. */
  readonly blobBeyondBacking: number;
  /** RESOURCE_MAP_BLOB of a blob created without VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE. */
  readonly mapWithoutFlag: number;
  /** UPDATE_CURSOR with an image that is not 64x64: the response; "ignore" moves the cursor, keeps its image. */
  readonly cursorSize: number | "ignore";
  /** MOVE_CURSOR: only the position counts, or resource 0 hides the cursor and any other shows it again. */
  readonly moveCursor: "position" | "visibility";
  /** CTX_CREATE with the id of a context that exists. */
  readonly contextExists: "error" | "ignore";
  /** What RESOURCE_ASSIGN_UUID answers: a random UUID (version 4), 12 zero bytes and the id, or ERR_UNSPEC. */
  readonly uuid: "random" | "resource-id" | "refuse";
}

/** Types of responses, OK and errors. */
const RESPONSE: OptionRule = [0x1100, 0x12ff];

export const GPU_POLICY_RULES: OptionRules<GpuPolicy> = {
  shortHeader: RESPONSE,
  shortRequest: RESPONSE,
  unknownCommand: RESPONSE,
  commandNeeds: { oneOf: ["negotiated", "offered"] },
  missingFeature: RESPONSE,
  missingBlob: RESPONSE,
  anyQueue: "boolean",
  cursorResponse: { oneOf: ["write", "none"] },
  lastHostByte: { oneOf: ["use", "keep"] },
  createEmpty: RESPONSE,
  attachTwice: { either: [RESPONSE, { oneOf: ["replace"] }] },
  attachNothing: RESPONSE,
  emptyEntry: RESPONSE,
  entriesMissing: RESPONSE,
  tooManyEntries: RESPONSE,
  entryOutsideMemory: RESPONSE,
  detachNothing: RESPONSE,
  transferWithoutBacking: RESPONSE,
  transferEmpty: RESPONSE,
  transferWholeRows: { oneOf: ["rectangle", "everything"] },
  transferBeyondBacking: RESPONSE,
  disabledDisplay: { oneOf: ["size", "zeros"] },
  moveCursor: { oneOf: ["position", "visibility"] },
  scanoutWithoutBacking: RESPONSE,
  minScanoutPixels: COUNT_RULE,
  edidOfNoScanout: RESPONSE,
  blobBeyondBacking: RESPONSE,
  mapWithoutFlag: RESPONSE,
  cursorSize: { either: [RESPONSE, { oneOf: ["ignore"] }] },
  contextExists: { oneOf: ["error", "ignore"] },
  uuid: { oneOf: ["random", "resource-id", "refuse"] },
};

/**
 * The table behind the profile names. `spec` is the strictest reading of the specification that real drivers live
 * with, `qemu` what QEMU 10 does, `crosvm` what crosvm does as far as it is safe: no profile reads or writes
 * outside of a buffer.
 */
export const GPU_POLICIES: Readonly<Record<Profile, GpuPolicy>> = {
  spec: {
    shortHeader: PARAMETER, // the one code that says the request itself is wrong
    shortRequest: PARAMETER,
    unknownCommand: UNSPEC, // all implementations agree
    commandNeeds: "negotiated", // "support is optional and negotiated using the … feature flag"
    missingFeature: UNSPEC, // without its feature a command does not exist
    missingBlob: UNSPEC,
    anyQueue: false, // each queue has its commands
    cursorResponse: "write", // both queues have the same format
    lastHostByte: "use", // the limit is what may be used
    createEmpty: PARAMETER, // no display can show it
    attachTwice: UNSPEC, // to replace silently would orphan pages that the guest believes attached
    attachNothing: PARAMETER, // "assign an array of guest pages"
    emptyEntry: PARAMETER, // an entry names memory
    entriesMissing: PARAMETER,
    tooManyEntries: NO_MEMORY, // a limit of this device, not a fault of the request
    entryOutsideMemory: PARAMETER,
    detachNothing: UNSPEC, // as QEMU; there is no better code
    transferWithoutBacking: UNSPEC, // as QEMU; there is no better code
    transferEmpty: OK, // nothing to do is done
    transferWholeRows: "rectangle",
    transferBeyondBacking: PARAMETER,
    scanoutWithoutBacking: OK, // what is scanned out is the host's resource
    minScanoutPixels: 1, // the specification has no minimum
    disabledDisplay: "size", // what it would have
    edidOfNoScanout: NO_SCANOUT, // the code made for it
    blobBeyondBacking: PARAMETER, // the rest of the blob would have no bytes
    mapWithoutFlag: PARAMETER, // the driver must inform the device of memory access
    moveCursor: "position", // "all other fields are ignored"
    cursorSize: PARAMETER, // "it must be 64x64 in size"
    contextExists: "error",
    uuid: "random", // version 4 is recommended
  },
  qemu: {
    shortHeader: PARAMETER, // 7.2 never returns the chain
    shortRequest: PARAMETER, // 7.2 takes what is missing as zero
    unknownCommand: UNSPEC,
    commandNeeds: "offered", // asks for its own configuration, not for what was negotiated
    missingFeature: UNSPEC, // unknown to the device without it
    missingBlob: PARAMETER,
    anyQueue: false,
    cursorResponse: "none", // used length 0, never written
    lastHostByte: "keep", // 256 MiB are out of memory already
    createEmpty: NO_MEMORY, // 7.2: OK
    attachTwice: UNSPEC,
    attachNothing: OK,
    emptyEntry: UNSPEC,
    entriesMissing: UNSPEC,
    tooManyEntries: UNSPEC,
    entryOutsideMemory: "one-page", // goes through a bounce buffer, of which there is one
    detachNothing: UNSPEC,
    transferWithoutBacking: UNSPEC,
    transferEmpty: OK,
    transferWholeRows: "everything", // copied in one go, whatever the height
    transferBeyondBacking: OK, // copies what is there; 7.2 aborts on an offset beyond the end
    scanoutWithoutBacking: UNSPEC,
    minScanoutPixels: 16,
    disabledDisplay: "zeros",
    edidOfNoScanout: PARAMETER,
    blobBeyondBacking: PARAMETER, // 7.2: OK
    mapWithoutFlag: OK, // the flag is not looked at
    moveCursor: "visibility",
    cursorSize: "ignore",
    contextExists: "ignore", // the renderer's refusal is not reported
    uuid: "refuse", // the built-in device does not know the command
  },
  crosvm: {
    shortHeader: UNSPEC, // a request that does not decode
    shortRequest: UNSPEC,
    unknownCommand: UNSPEC,
    commandNeeds: "offered", // negotiation is not looked at
    missingFeature: UNSPEC,
    missingBlob: UNSPEC,
    anyQueue: true, // both queues feed the same decoder
    cursorResponse: "write",
    lastHostByte: "use",
    createEmpty: OK,
    attachTwice: "replace",
    attachNothing: OK,
    emptyEntry: OK,
    entriesMissing: UNSPEC,
    tooManyEntries: UNSPEC,
    entryOutsideMemory: UNSPEC,
    detachNothing: OK,
    transferWithoutBacking: UNSPEC,
    transferEmpty: OK,
    transferWholeRows: "rectangle",
    transferBeyondBacking: UNSPEC,
    scanoutWithoutBacking: OK,
    minScanoutPixels: 1,
    disabledDisplay: "size",
    edidOfNoScanout: OK, // the EDID of a default display
    blobBeyondBacking: OK, // accepted; what lies beyond reads as nothing
    mapWithoutFlag: OK,
    moveCursor: "position",
    cursorSize: "ignore",
    contextExists: "error",
    uuid: "resource-id",
  },
};

/** The policy of a profile, with single decisions that differ. */
export function completePolicy(profile: Profile, changes: Partial<GpuPolicy> | undefined): GpuPolicy {
  return withDefaults(policyOf(GPU_POLICIES, profile), changes);
}
