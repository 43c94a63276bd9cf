// From what a browser can decode to its pixels, as they are.

import { upright } from "./orientation.js";

// Pixels that are drawn at once: a canvas of more may stay empty, without a word.
const STRIP = 1 << 22;

// The bitmap of a file, as Python decodes it: without a conversion of colours, and of clear pixels
// before some decoder rounds its way; and how it is turned, which is left to the caller.
export async function decoded(file) {
  const { orientation, content } = upright(new Uint8Array(await file.arrayBuffer()));
  const options = { colorSpaceConversion: "none", premultiplyAlpha: "none" };
  return { bitmap: await createImageBitmap(new Blob([content]), options), orientation };
}

// The pixels of a picture. What was not drawn is clear: of a picture that is clear all over nothing
// would be told from nothing.
export function drawn(source, width, height) {
  const data = new Uint8ClampedArray(4 * width * height);
  const rows = Math.min(height, Math.ceil(STRIP / width));
  const context = new OffscreenCanvas(width, rows).getContext("2d", { willReadFrequently: true });
  for (let top = 0; top < height; top += rows) {
    context.clearRect(0, 0, width, rows);
    context.drawImage(source, 0, -top);
    const strip = context.getImageData(0, 0, width, Math.min(rows, height - top));
    data.set(strip.data, 4 * width * top);
  }
  for (let alpha = 3; alpha < data.length; alpha += 4) {
    if (data[alpha]) return { data, width, height };
  }
  throw new Error(`nothing of its ${width} × ${height} pixels could be drawn: ` +
    "it is clear all over, or too large for this browser");
}

// Some browsers change what pages read of pictures, so that nobody is recognized by it.
export async function requireTruePixels() {
  const given = new ImageData(64, 64);
  for (let i = 0; i < given.data.length; i++) given.data[i] = i % 4 === 3 ? 255 : (i * 41) % 251;
  const { data } = drawn(await createImageBitmap(given), 64, 64);
  if (data.some((value, i) => value !== given.data[i])) {
    throw new Error("this browser changes the pixels that a page reads, against recognition; " +
      "allow this page to read them");
  }
}
