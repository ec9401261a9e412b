// What the demo draws: a test card, a panel for damaged rectangles, one for what another device draws, and a track on
// which something moves. All of it follows from sizes and frame numbers alone, so that every run draws the same.
import { mix, type Picture, type Rect } from "./picture.ts";

const BACKGROUND_TOP = 0x0a1230;
const BACKGROUND_BOTTOM = 0x1f3a68;
const GRID = 0x3a5488;
const WHITE = 0xf4f6fb;
const DARK = 0x0b1024;
const AMBER = 0xffb454;
const TEAL = 0x3fd0c9;
const VIOLET = 0x9a6bff;
const BARS = [0xc0c0c0, 0xc0c000, 0x00c0c0, 0x00c000, 0xc000c0, 0xc00000, 0x0000c0, 0x101010];
const RAMPS = [0xff0000, 0x00ff00, 0x0000ff, 0xffffff];
const LINE_PERIODS = [2, 4, 6, 8, 12, 16];

const BALL_PASS_FRAMES = 90;
const BOUNCE_FRAMES = 30;
const TRAIL = 8;

/** Where everything is on a screen of a given size. */
export interface Scene {
  readonly width: number;
  readonly height: number;
  /** Thickness of the finest strokes, in pixels. */
  readonly unit: number;
  /** The inside of the panel that shows damaged rectangles. */
  readonly damage: Rect;
  /** Two rectangles inside of it. */
  readonly clips: readonly [Rect, Rect];
  /** The inside of the panel that belongs to another device. */
  readonly shared: Rect;
  readonly track: Rect;
}

/** Lays the scene out for a screen. */
export function layOutScene(width: number, height: number): Scene {
  const part = (left: number, top: number, right: number, bottom: number): Rect => ({
    x: Math.floor(width * left),
    y: Math.floor(height * top),
    width: Math.floor(width * right) - Math.floor(width * left),
    height: Math.floor(height * bottom) - Math.floor(height * top),
  });
  const damage = part(0.08, 0.71, 0.49, 0.85);
  return {
    width,
    height,
    unit: Math.max(1, Math.floor(Math.min(width / 640, height / 400))),
    damage,
    clips: [within(damage, 0.05, 0.1, 0.6, 0.66), within(damage, 0.42, 0.42, 0.95, 0.9)],
    shared: part(0.51, 0.71, 0.92, 0.85),
    track: part(0.08, 0.88, 0.92, 0.955),
  };
}

function within(outer: Rect, left: number, top: number, right: number, bottom: number): Rect {
  const x = outer.x + Math.floor(outer.width * left);
  const y = outer.y + Math.floor(outer.height * top);
  return {
    x,
    y,
    width: Math.max(1, outer.x + Math.floor(outer.width * right) - x),
    height: Math.max(1, outer.y + Math.floor(outer.height * bottom) - y),
  };
}

/** The smallest rectangle around all of them: what a driver makes of the clips of DIRTYFB. */
export function boundingBox(rects: readonly Rect[]): Rect {
  const x = Math.min(...rects.map((rect) => rect.x));
  const y = Math.min(...rects.map((rect) => rect.y));
  const right = Math.max(...rects.map((rect) => rect.x + rect.width));
  const bottom = Math.max(...rects.map((rect) => rect.y + rect.height));
  return { x, y, width: right - x, height: bottom - y };
}

/** The test card: background, borders, colours, resolution lines, labels, empty panels. */
export function drawCard(picture: Picture, scene: Scene): void {
  const { width, height, unit } = scene;
  const all = { x: 0, y: 0, width, height };
  const cell = unit * 20;
  const offsetX = (width >> 1) % cell;
  const offsetY = (height >> 1) % cell;
  picture.shade(all, (x, y) => {
    const ground = mix(BACKGROUND_TOP, BACKGROUND_BOTTOM, (y * 256) / height);
    return x % cell === offsetX || y % cell === offsetY ? mix(ground, GRID, 160) : ground;
  });
  drawRing(picture, width / 2, height / 2, Math.min(width, height) * 0.475, unit);
  drawEdge(picture, scene);

  const row = (top: number, bottom: number): Rect => within(all, 0.14, top, 0.86, bottom);
  drawTitle(picture, scene, within(all, 0.22, 0.07, 0.78, 0.19));
  const bars = row(0.22, 0.4);
  picture.shade(bars, (x) => BARS[Math.floor((x * BARS.length) / bars.width)] as number);
  const ramps = row(0.41, 0.57);
  picture.shade(ramps, (x, y) => {
    const colour = RAMPS[Math.floor((y * RAMPS.length) / ramps.height)] as number;
    return mix(0, colour, (x * 256) / Math.max(1, ramps.width - 1));
  });
  const lines = row(0.58, 0.63);
  picture.shade(lines, (x) => {
    const period = LINE_PERIODS[Math.floor((x * LINE_PERIODS.length) / lines.width)] as number;
    return x % period < period / 2 ? WHITE : DARK;
  });
  for (const rect of [bars, ramps, lines]) outline(picture, rect, unit, DARK);

  const label = Math.floor(height * 0.035);
  drawEmptyPanel(picture, scene.damage, label, unit, "DRAWN BY THE GUEST, SENT WITH DIRTYFB", AMBER);
  drawEmptyPanel(picture, scene.shared, label, unit, "DRAWN BY ANOTHER DEVICE, FOUND BY UUID", VIOLET);
  outline(picture, scene.track, unit, WHITE);
  drawTrack(picture, scene.track, unit, 0, 0);
}

/** What the guest draws into the damage panel: two clips, and the box around both that is sent. */
export function drawDamage(picture: Picture, scene: Scene): void {
  const { clips, unit } = scene;
  const colours = [AMBER, TEAL];
  for (const [i, clip] of clips.entries()) {
    const colour = colours[i] as number;
    const period = unit * 8;
    picture.shade(clip, (x, y) => mix(DARK, colour, (x + y) % period < period / 2 ? 150 : 90));
    picture.frame(clip, unit, colour);
    // The second clip covers a corner of the first.
    picture.textInside(`CLIP ${i + 1}`, within(clip, 0.05, 0.2, i === 0 ? 0.6 : 0.95, 0.8), unit * 2, WHITE);
  }
  picture.frame(boundingBox(clips), unit, WHITE, unit * 5);
}

/** What the other device draws into its panel, given where that is in the picture. */
export function drawShared(picture: Picture, rect: Rect, unit: number): void {
  const centreX = Math.floor(rect.width / 3);
  const centreY = Math.floor(rect.height / 2);
  const farX = Math.floor((rect.width * 2) / 3);
  picture.shade(rect, (x, y) => {
    const dy = (y - centreY) * (y - centreY);
    const near = Math.sqrt((x - centreX) * (x - centreX) + dy);
    const far = Math.sqrt((x - farX) * (x - farX) + dy);
    const waves = wave(near / (unit * 7)) + wave(far / (unit * 7));
    return mix(mix(DARK, VIOLET, waves * 128), TEAL, (x * 150 * waves) / (2 * rect.width));
  });
  picture.frame(rect, unit, VIOLET);
  const box = within(rect, 0.12, 0.36, 0.88, 0.64);
  picture.fill(box, DARK);
  picture.textInside("NO COPY THROUGH THE GUEST", within(box, 0.04, 0.15, 0.96, 0.85), unit * 2, WHITE);
}

/** The track with what moves on it, given where it is in the picture, as it is in frame `frame` of `frames`. */
export function drawTrack(picture: Picture, rect: Rect, unit: number, frame: number, frames: number): void {
  picture.shade(rect, (_, y) => mix(DARK, 0x2a3358, (y * 256) / rect.height));
  picture.frame(rect, unit, GRID);
  const text = within(rect, 0.01, 0.2, 0.2, 0.8);
  const digits = String(frames).length;
  if (frames > 0) {
    picture.textInside(
      `FLIP ${String(frame).padStart(digits, "0")}/${frames}`,
      text,
      unit * 2,
      mix(DARK, WHITE, 220),
    );
  }
  const field = within(rect, 0.22, 0, 1, 1);
  for (let x = 0; x < field.width; x += unit * 20) {
    picture.fill({ x: field.x + x, y: rect.y + unit, width: unit, height: unit * 3 }, GRID);
  }
  const radius = Math.max(2, Math.floor(rect.height * 0.24));
  for (let i = TRAIL; i >= 0; i--) {
    const at = frame - 2 * i;
    if (at < 0 && i > 0) continue;
    const way = pingPong(at / BALL_PASS_FRAMES);
    const hop = (at % BOUNCE_FRAMES) / BOUNCE_FRAMES;
    const centreX = radius * 1.5 + way * (field.width - 3 * radius);
    const ground = rect.height - unit - radius;
    const centreY = ground - 4 * hop * (1 - hop) * (rect.height - 2 * unit - 2 * radius);
    drawBall(picture, field, centreX, centreY, radius * (1 - i / (TRAIL * 1.6)), i);
  }
}

/** A ball, given where it is in its field: the same wherever the field is, to the last bit of the arithmetic. */
function drawBall(
  picture: Picture,
  field: Rect,
  centreX: number,
  centreY: number,
  radius: number,
  age: number,
): void {
  const left = Math.max(0, Math.floor(centreX - radius - 1));
  const top = Math.max(0, Math.floor(centreY - radius - 1));
  const size = Math.ceil(2 * radius + 3);
  const rect = {
    x: field.x + left,
    y: field.y + top,
    width: Math.min(size, field.width - left),
    height: Math.min(size, field.height - top),
  };
  const strength = age === 0 ? 256 : Math.max(0, 110 - age * 11);
  picture.shade(rect, (x, y, under) => {
    const dx = left + x + 0.5 - centreX;
    const dy = top + y + 0.5 - centreY;
    const inside = radius - Math.sqrt(dx * dx + dy * dy);
    if (inside <= -0.5) return under;
    const lightX = dx + radius * 0.35;
    const lightY = dy + radius * 0.4;
    const light = Math.sqrt(lightX * lightX + lightY * lightY);
    const colour = mix(WHITE, AMBER, Math.min(256, (light * 300) / radius));
    return mix(under, colour, strength * Math.min(1, inside + 0.5));
  });
}

/** A triangle wave between 0 and 1, without the functions that engines compute differently. */
function pingPong(value: number): number {
  const part = value - 2 * Math.floor(value / 2);
  return part < 1 ? part : 2 - part;
}

/** A smooth wave between 0 and 1. */
function wave(value: number): number {
  const t = pingPong(value);
  return t * t * (3 - 2 * t);
}

function drawTitle(picture: Picture, scene: Scene, box: Rect): void {
  const { width, height, unit } = scene;
  picture.shade(box, (_x, _y, under) => mix(under, DARK, 235));
  picture.frame(box, unit, WHITE);
  picture.textInside("VIRTIO-EMULATOR", within(box, 0.04, 0.1, 0.96, 0.66), unit * 5, WHITE);
  picture.textInside(
    `SCANOUT 0: ${width} × ${height} B8G8R8X8`,
    within(box, 0.04, 0.68, 0.96, 0.93),
    unit * 2,
    TEAL,
  );
}

function drawEmptyPanel(
  picture: Picture,
  rect: Rect,
  labelHeight: number,
  unit: number,
  label: string,
  colour: number,
): void {
  const strip = { x: rect.x, y: rect.y - labelHeight, width: rect.width, height: labelHeight };
  outline(picture, { ...strip, height: labelHeight + rect.height }, unit, colour);
  picture.fill(strip, mix(DARK, colour, 60));
  picture.textInside(label, within(strip, 0.02, 0.15, 0.98, 0.85), unit * 2, WHITE);
  picture.fill(rect, DARK);
}

/** The edge of a rectangle, outside of it. */
function outline(picture: Picture, rect: Rect, unit: number, colour: number): void {
  const { x, y, width, height } = rect;
  picture.frame(
    { x: x - unit, y: y - unit, width: width + 2 * unit, height: height + 2 * unit },
    unit,
    colour,
  );
}

function drawRing(
  picture: Picture,
  centreX: number,
  centreY: number,
  radius: number,
  thickness: number,
): void {
  const x = Math.floor(centreX - radius - thickness - 1);
  const y = Math.floor(centreY - radius - thickness - 1);
  const size = Math.ceil(2 * (radius + thickness + 1));
  picture.shade({ x, y, width: size, height: size }, (px, py, under) => {
    const dx = x + px + 0.5 - centreX;
    const dy = y + py + 0.5 - centreY;
    const off = Math.abs(Math.sqrt(dx * dx + dy * dy) - radius);
    return mix(under, WHITE, 200 * Math.max(0, Math.min(1, thickness / 2 + 0.5 - off)));
  });
}

/** Blocks along the edges, and the outermost pixels: shows at once when a row or a column is missing. */
function drawEdge(picture: Picture, scene: Scene): void {
  const { width, height, unit } = scene;
  const thickness = unit * 6;
  const across = 32;
  const down = 20;
  picture.shade({ x: 0, y: 0, width, height }, (x, y, under) => {
    const onTop = y < thickness || y >= height - thickness;
    const onSide = x < thickness || x >= width - thickness;
    if (!onTop && !onSide) return under;
    const block = onTop ? Math.floor((x * across) / width) : Math.floor((y * down) / height);
    const light =
      (block + (onTop && y >= thickness ? 1 : 0) + (onSide && !onTop && x >= thickness ? 1 : 0)) % 2;
    return light === 0 ? WHITE : DARK;
  });
  picture.frame({ x: 0, y: 0, width, height }, 1, AMBER);
}
