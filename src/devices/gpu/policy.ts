import { VirtioUsageError } from "../../base/errors.ts";
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
  /** A command whose feature is missing. */
  readonly missingFeature: number;
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
  /** An entry that is not in memory; when accepted it is a hole that nothing is read from. */
  readonly entryOutsideMemory: number;
  /** DETACH_BACKING of a resource without backing. */
  readonly detachNothing: number;
  /** TRANSFER_TO_HOST_2D of a resource without backing. */
  readonly transferWithoutBacking: number;
  /** TRANSFER_TO_HOST_2D of 0 pixels. */
  readonly transferEmpty: number;
  /** TRANSFER_TO_HOST_2D that would read beyond the backing; when accepted it copies what is there. */
  readonly transferBeyondBacking: number;
  /** SET_SCANOUT of a 2D resource that has no backing yet. */
  readonly scanoutWithoutBacking: number;
  /** Smallest width and height of a scanout, in pixels. */
  readonly minScanoutPixels: number;
  /** GET_EDID of a scanout that does not exist. */
  readonly edidOfNoScanout: number;
  /** RESOURCE_CREATE_BLOB whose entries hold fewer bytes than the blob has. */
  readonly blobBeyondBacking: number;
  /** RESOURCE_MAP_BLOB of a blob created without VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE. */
  readonly mapWithoutFlag: number;
  /** UPDATE_CURSOR with an image that is not 64x64: the response; "ignore" moves the cursor, keeps its image. */
  readonly cursorSize: number | "ignore";
  /** CTX_CREATE with the id of a context that exists. */
  readonly contextExists: "error" | "ignore";
  /** What RESOURCE_ASSIGN_UUID answers: a random UUID (version 4), 12 zero bytes and the id, or ERR_UNSPEC. */
  readonly uuid: "random" | "resource-id" | "refuse";
}

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
    transferBeyondBacking: PARAMETER,
    scanoutWithoutBacking: OK, // what is scanned out is the host's resource
    minScanoutPixels: 1, // the specification has no minimum
    edidOfNoScanout: NO_SCANOUT, // the code made for it
    blobBeyondBacking: PARAMETER, // the rest of the blob would have no bytes
    mapWithoutFlag: PARAMETER, // the driver must inform the device of memory access
    cursorSize: PARAMETER, // "it must be 64x64 in size"
    contextExists: "error",
    uuid: "random", // version 4 is recommended
  },
  qemu: {
    shortHeader: PARAMETER, // 7.2 never returns the chain
    shortRequest: PARAMETER, // 7.2 takes what is missing as zero
    unknownCommand: UNSPEC,
    commandNeeds: "offered", // asks for its own configuration, not for what was negotiated
    missingFeature: PARAMETER,
    anyQueue: false,
    cursorResponse: "none", // used length 0, never written
    lastHostByte: "keep", // 256 MiB are out of memory already
    createEmpty: NO_MEMORY, // 7.2: OK
    attachTwice: UNSPEC,
    attachNothing: OK,
    emptyEntry: UNSPEC,
    entriesMissing: UNSPEC,
    tooManyEntries: UNSPEC,
    entryOutsideMemory: OK, // goes through a bounce buffer
    detachNothing: UNSPEC,
    transferWithoutBacking: UNSPEC,
    transferEmpty: OK,
    transferBeyondBacking: OK, // copies what is there; 7.2 aborts on an offset beyond the end
    scanoutWithoutBacking: UNSPEC,
    minScanoutPixels: 16,
    edidOfNoScanout: PARAMETER,
    blobBeyondBacking: PARAMETER, // 7.2: OK
    mapWithoutFlag: OK, // the flag is not looked at
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
    transferBeyondBacking: UNSPEC,
    scanoutWithoutBacking: OK,
    minScanoutPixels: 1,
    edidOfNoScanout: OK, // the EDID of a default display
    blobBeyondBacking: OK, // accepted; what lies beyond reads as nothing
    mapWithoutFlag: OK,
    cursorSize: "ignore",
    contextExists: "error",
    uuid: "resource-id",
  },
};

/** The policy of a profile, with single decisions that differ; throws {@link VirtioUsageError} for unknown names. */
export function completePolicy(profile: Profile, changes: Partial<GpuPolicy> | undefined): GpuPolicy {
  const policy = { ...policyOf(GPU_POLICIES, profile), ...changes };
  for (const [name, value] of Object.entries(policy)) {
    if (!Object.hasOwn(GPU_POLICIES.spec, name) || value === undefined) {
      throw new VirtioUsageError(`gpu policy ${name} can't be ${value}`);
    }
  }
  return policy;
}
