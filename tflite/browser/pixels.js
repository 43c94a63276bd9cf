// From a picture to what the network was trained on: scaled, cut and in numbers.
//
// A canvas scales as each browser likes, some without averaging what they leave out. This is the
// filter that training used, Pillow's: as wide as the scale asks, in 8 bits after each direction.

const FILTERS = {
  bilinear: { support: 1, at: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: { support: 2, at: cubic },
};

function cubic(x) {
  x = Math.abs(x);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
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
    const weights = [];
    for (let x = begin; x < end; x++) weights.push(filter.at((x - centre + 0.5) / stretch));
    const sum = weights.reduce((a, b) => a + b, 0);
    return { begin, weights: weights.map((weight) => weight / sum) };
  });
}

// One direction: `rows` lines, whose neighbours along it are `step` bytes apart.
function along(data, rows, rowStep, step, found, out, outRowStep, outStep) {
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < found.length; i++) {
      const { begin, weights } = found[i];
      let red = 0, green = 0, blue = 0;
      for (let k = 0, at = row * rowStep + begin * step; k < weights.length; k++, at += step) {
        red += weights[k] * data[at];
        green += weights[k] * data[at + 1];
        blue += weights[k] * data[at + 2];
      }
      const to = row * outRowStep + i * outStep;
      out[to] = Math.floor(red + 0.5);
      out[to + 1] = Math.floor(green + 0.5);
      out[to + 2] = Math.floor(blue + 0.5);
      out[to + 3] = 255;
    }
  }
}

// As Python rounds: halves to even.
function rounded(x) {
  const below = Math.floor(x);
  return x - below === 0.5 ? below + (below % 2) : Math.round(x);
}

// The central `size` x `size` pixels of `image`, an ImageData, scaled until its short side is
// `shortSide`; an ImageData too.
export function centre(image, size, shortSide, interpolation) {
  const factor = shortSide / Math.min(image.width, image.height);
  const width = rounded(image.width * factor), height = rounded(image.height * factor);
  const left = Math.floor((width - size) / 2), top = Math.floor((height - size) / 2);
  const filter = FILTERS[interpolation];
  const columns = taps(image.width, width, left, size, filter);
  const lines = taps(image.height, height, top, size, filter);
  const narrow = new Uint8ClampedArray(4 * size * image.height);
  along(image.data, image.height, 4 * image.width, 4, columns, narrow, 4 * size, 4);
  const cut = new ImageData(size, size);
  along(narrow, size, 4, 4 * size, lines, cut.data, 4, 4 * size);
  return cut;
}

// Makes an ImageData grey as Pillow does: before it is scaled, for both round.
export function grey(image) {
  const { data } = image;
  for (let i = 0; i < data.length; i += 4) {
    const value = (19595 * data[i] + 38470 * data[i + 1] + 7471 * data[i + 2] + 0x8000) >> 16;
    data.fill(value, i, i + 3);
  }
}

// The input of the network: raw pixels for uint8; (pixel - mean) / std in the network's order for
// float32; the first channel alone, of a grey image, for a network of one.
export function encoded(image, channels, type, { mean, std, order }) {
  const { data } = image;
  const count = data.length / 4;
  const input = new (type === "uint8" ? Uint8Array : Float32Array)(count * channels);
  for (let i = 0; i < count; i++) {
    const pixel = [data[4 * i], data[4 * i + 1], data[4 * i + 2]];
    const values = channels === 1 ? [pixel[0]] : order === "BGR" ? pixel.reverse() : pixel;
    values.forEach((value, c) => {
      input[channels * i + c] =
        type === "uint8" ? value : (value - (mean[c] ?? mean)) / (std[c] ?? std);
    });
  }
  return input;
}
