// From a picture to what the network was trained on: laid on white, turned, scaled, cut, and in
// numbers. The same to the last bit as in Python, of the same pixels.
//
// A canvas scales as each browser likes, some without averaging what they leave out. This is the
// filter that training used, Pillow's: as wide as the scale asks, with weights in fixed point, and
// rounded to 8 bits after each direction.
//
// A picture is { data, width, height }: four bytes a pixel, as an ImageData has them.

const FILTERS = {
  bilinear: { support: 1, at: (x) => (x < 1 ? 1 - x : 0) },
  bicubic: { support: 2, at: cubic },
};
const BITS = 22;
const HALF = 2 ** (BITS - 1);

function cubic(x) {
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
}

// Of the `count` results from `first` on along one direction: the source pixels and their weights.
function taps(source, target, first, count, filter) {
  const scale = source / target;
  const stretch = Math.max(scale, 1);
  const reach = filter.support * stretch;
  return Array.from({ length: count }, (_, i) => {
    const centre = (first + i + 0.5) * scale;
    const begin = Math.max(0, Math.trunc(centre - reach + 0.5));
    const end = Math.min(source, Math.trunc(centre + reach + 0.5));
    const shares = [];
    for (let x = begin; x < end; x++) {
      shares.push(filter.at(Math.abs((x - centre + 0.5) * (1 / stretch))));
    }
    const sum = shares.reduce((a, b) => a + b, 0);
    const weights = shares.map((share) => {
      const whole = (share / sum) * 2 ** BITS;
      return Math.trunc(whole < 0 ? whole - 0.5 : whole + 0.5);
    });
    return { begin, weights };
  });
}

// One direction: `rows` lines, whose neighbours along it are `step` bytes apart.
function along(data, start, rows, rowStep, step, found, out, outRowStep, outStep) {
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < found.length; i++) {
      const { begin, weights } = found[i];
      let red = HALF, green = HALF, blue = HALF;
      for (let k = 0, at = start + row * rowStep + begin * step; k < weights.length; k++, at += step) {
        red += weights[k] * data[at];
        green += weights[k] * data[at + 1];
        blue += weights[k] * data[at + 2];
      }
      const to = row * outRowStep + i * outStep;
      out[to] = red >> BITS; // Uint8ClampedArray clips.
      out[to + 1] = green >> BITS;
      out[to + 2] = blue >> BITS;
      out[to + 3] = 255;
    }
  }
}

// As Python rounds: halves to even.
function rounded(x) {
  const below = Math.floor(x);
  return x - below === 0.5 ? below + (below % 2) : Math.round(x);
}

// How a picture is walked through that stands as EXIF's orientation says: the byte at which its
// upper left pixel is, and the bytes to the next one across and down.
function turned({ width, height }, orientation) {
  const right = 4, below = 4 * width;
  const atRight = right * (width - 1), atBottom = below * (height - 1);
  const walks = {
    2: [atRight, -right, below],
    3: [atRight + atBottom, -right, -below],
    4: [atBottom, right, -below],
    5: [0, below, right],
    6: [atBottom, -below, right],
    7: [atRight + atBottom, -below, -right],
    8: [atRight, below, -right],
  };
  const [start, across, down] = walks[orientation] ?? [0, right, below];
  const lies = orientation >= 5 && orientation <= 8;
  return { start, across, down, width: lies ? height : width, height: lies ? width : height };
}

// The central `size` x `size` pixels of a picture that EXIF's `orientation` turns upright, scaled
// until its short side is `shortSide`: four bytes each.
export function centre(picture, orientation, size, shortSide, interpolation) {
  const { start, across, down, width, height } = turned(picture, orientation);
  const factor = shortSide / Math.min(width, height);
  const wide = rounded(width * factor), high = rounded(height * factor);
  const left = Math.floor((wide - size) / 2), top = Math.floor((high - size) / 2);
  const filter = FILTERS[interpolation];
  const columns = taps(width, wide, left, size, filter);
  const lines = taps(height, high, top, size, filter);
  const cut = new Uint8ClampedArray(4 * size * size);
  if (height - high > Math.max(0, 2 * (width - wide))) { // Pillow's rule, and each pass rounds.
    const low = new Uint8ClampedArray(4 * size * width);
    along(picture.data, start, width, across, down, lines, low, 4, 4 * width);
    along(low, 0, size, 4 * width, 4, columns, cut, 4 * size, 4);
  } else {
    const narrow = new Uint8ClampedArray(4 * size * height);
    along(picture.data, start, height, down, across, columns, narrow, 4 * size, 4);
    along(narrow, 0, size, 4, 4 * size, lines, cut, 4, 4 * size);
  }
  return cut;
}

// Lays a picture on white.
export function onWhite({ data }) {
  for (let i = 0; i < data.length; i += 4) {
    const alpha = data[i + 3];
    if (alpha === 255) continue;
    for (let c = i; c < i + 3; c++) {
      data[c] = Math.floor((data[c] * alpha + 127) / 255) + 255 - alpha;
    }
    data[i + 3] = 255;
  }
}

// Makes a picture grey as Pillow does: before it is scaled, for both round.
export function grey({ data }) {
  for (let i = 0; i < data.length; i += 4) {
    const value = (19595 * data[i] + 38470 * data[i + 1] + 7471 * data[i + 2] + 0x8000) >> 16;
    data.fill(value, i, i + 3);
  }
}

// The input of the network, of pixels of four bytes: what `table` says of each value, a row for
// each channel in the network's order; of a grey picture, the first channel is all.
export function encoded(data, table, order, type) {
  const count = data.length / 4, channels = table.length;
  const input = new (type === "uint8" ? Uint8Array : Float32Array)(count * channels);
  for (let c = 0; c < channels; c++) {
    const row = table[c];
    for (let i = 0, at = order === "BGR" ? 2 - c : c; i < count; i++, at += 4) {
      input[channels * i + c] = row[data[at]];
    }
  }
  return input;
}
