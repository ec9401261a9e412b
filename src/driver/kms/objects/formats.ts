/**
 * The pixel formats that the kernel knows, whether a driver takes them or not (`drm_fourcc`): a framebuffer of one it
 * does not know is refused before the driver is asked.
 */

/** What the kernel checks a framebuffer of a format by. */
export interface FormatInfo {
  readonly planes: number;
  /** Bytes of a block of the first plane; 0 where no linear layout exists. */
  readonly blockBytes: number;
  /** Pixels of a block. */
  readonly blockPixels: number;
}

/** Names of formats by planes, bytes and pixels of a block. Short names are padded with blanks to four characters. */
const KNOWN: readonly (readonly [FormatInfo, string])[] = [
  [{ planes: 1, blockBytes: 1, blockPixels: 8 }, "C1 D1 R1"],
  [{ planes: 1, blockBytes: 1, blockPixels: 4 }, "C2 D2 R2"],
  [{ planes: 1, blockBytes: 1, blockPixels: 2 }, "C4 D4 R4"],
  [{ planes: 1, blockBytes: 1, blockPixels: 1 }, "C8 D8 R8 RGB8 BGR8"],
  [
    { planes: 1, blockBytes: 2, blockPixels: 1 },
    "XR12 XB12 RX12 BX12 AR12 AB12 RA12 BA12 XR15 XB15 RX15 BX15 AR15 AB15 RA15 BA15 RG16 BG16 R10 R12 R16 RG88 GR88 " +
      "YUYV YVYU UYVY VYUY",
  ],
  [{ planes: 1, blockBytes: 3, blockPixels: 1 }, "RG24 BG24 VU24"],
  [
    { planes: 1, blockBytes: 4, blockPixels: 1 },
    "XR24 XB24 RX24 BX24 AR24 AB24 RA24 BA24 XR30 XB30 RX30 BX30 AR30 AB30 RA30 BA30 RG32 GR32 " +
      "AYUV XYUV AVUY XVUY Y210 Y212 Y216 Y410 XV30",
  ],
  [
    { planes: 1, blockBytes: 8, blockPixels: 1 },
    "XR4H XB4H AR4H AB4H XR48 XB48 AR48 AB48 AB10 Y412 Y416 XV36 XV48",
  ],
  [{ planes: 1, blockBytes: 8, blockPixels: 4 }, "Y0L0 Y0L2 X0L0 X0L2"],
  [{ planes: 1, blockBytes: 0, blockPixels: 1 }, "VU30 YU08 YU10"],
  [{ planes: 2, blockBytes: 1, blockPixels: 1 }, "NV12 NV21 NV16 NV61 NV24 NV42"],
  [{ planes: 2, blockBytes: 2, blockPixels: 1 }, "P210 P010 P012 P016 R5A8 B5A8"],
  [{ planes: 2, blockBytes: 3, blockPixels: 1 }, "R8A8 B8A8"],
  [{ planes: 2, blockBytes: 4, blockPixels: 1 }, "XRA8 XBA8 RXA8 BXA8"],
  [{ planes: 2, blockBytes: 4, blockPixels: 3 }, "P030"],
  [{ planes: 2, blockBytes: 5, blockPixels: 4 }, "NV15 NV20 NV30"],
  [{ planes: 3, blockBytes: 1, blockPixels: 1 }, "YUV9 YVU9 YU11 YV11 YU12 YV12 YU16 YV16 YU24 YV24"],
  [{ planes: 3, blockBytes: 2, blockPixels: 1 }, "Q410 Q401"],
];

const BY_FOURCC: ReadonlyMap<number, FormatInfo> = new Map(
  KNOWN.flatMap(([info, names]) => names.split(" ").map((name) => [fourcc(name), info] as const)),
);

/** The number of a format by its name. */
export function fourcc(name: string): number {
  const at = (i: number) => (name.charCodeAt(i) || 0x20) << (8 * i);
  return (at(0) | at(1) | at(2) | at(3)) >>> 0;
}

/** What the kernel knows of a format, null when it does not know it. */
export function formatInfo(format: number): FormatInfo | null {
  return BY_FOURCC.get(format) ?? null;
}

/** The shortest row of the first plane, in bytes. */
export function minPitchBytes({ blockBytes, blockPixels }: FormatInfo, width: number): number {
  return Math.ceil((width * blockBytes) / blockPixels);
}
