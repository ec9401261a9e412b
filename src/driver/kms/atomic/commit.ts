/** The way of one change of a CRTC through the kernel. */
export class Commit {
  /** The change is visible; events were sent. */
  flipDone = false;
  /** The device was told. */
  hwDone = false;
  /** What was shown before is released. */
  cleanupDone = false;
}
