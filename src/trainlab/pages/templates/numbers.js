// Numbers of charts: read from the page, said in words, put on axes, smoothed.  All pages use them:
// those of files have them inside (pages/markup.py), the live page is sent this file (live/server.py).

export const minus = (text) => text.replaceAll("-", "−");

/** Floats of a base64 text times a scale: half ones (IEEE 754 binary16), or single ones. */
export function unpacked(text, scale, wide) {
  const bytes = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
  const view = new DataView(bytes.buffer), size = wide ? 4 : 2;
  return Float64Array.from({ length: bytes.length / size }, (_, place) =>
    scale * (wide ? view.getFloat32(4 * place, true) : half(view.getUint16(2 * place, true))));
}

function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1, exponent = (bits >> 10) & 31, fraction = bits & 1023;
  if (exponent === 31) return NaN;
  return sign * (exponent ? 2 ** (exponent - 25) * (1024 + fraction) : 2 ** -24 * fraction);
}

/** A measured value to three digits, the third one also if it is 0. */
export function words(value) {
  if (!Number.isFinite(value)) return "–";
  const text = value.toPrecision(3), small = value !== 0 && Math.abs(value) < 1e-3;
  return small || text.includes("e") ? plain(Number(text)) : minus(text);
}

/** A place on an axis, as short as it can be said. */
export function plain(value) {
  const short = Number(value.toPrecision(6)), size = Math.abs(short);
  const far = size !== 0 && (size < 1e-3 || size >= 1e6);
  return minus(far ? short.toExponential().replace("e+", "e") : String(short));
}

/** Round places for ticks in [low, high], about `count` of them. */
export function ticks(low, high, count, log) {
  if (log) {
    const first = Math.ceil(Math.log10(low) - 1e-9), last = Math.floor(Math.log10(high) + 1e-9);
    const stride = Math.max(1, Math.ceil((last - first + 1) / count));
    const found = [];
    for (let power = first; power <= last; power += stride) found.push(10 ** power);
    if (found.length > 1) return found;
  }
  const rough = (high - low) / count, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 2.5, 5, 10].find((nice) => nice * power >= rough * (1 - 1e-9));
  const found = [];
  for (let place = Math.ceil(low / step - 1e-9); place * step <= high + step * 1e-9; place++) {
    found.push(place * step);
  }
  return found;
}

/** A mapping of [low, high] to [start, end], linear or by the logarithm; .back inverts it. */
export function scaled(low, high, start, end, log) {
  const f = log ? Math.log : (v) => v, g = log ? Math.exp : (v) => v;
  const a = f(low), width = f(high) - a || 1;
  const to = (value) => start + (f(value) - a) / width * (end - start);
  to.back = (pixel) => g(a + (pixel - start) / (end - start) * width);
  return to;
}

/** The mean of each value and its neighbours, `count` in all; fewer at the ends, none for a gap. */
export function smooth(values, count) {
  const reach = (count - 1) / 2;
  if (!reach) return values;
  return Float64Array.from(values, (own, place) => {
    if (!Number.isFinite(own)) return NaN;
    let sum = 0, number = 0;
    const side = Math.min(reach, place, values.length - 1 - place);
    for (let index = place - side; index <= place + side; index++) {
      if (Number.isFinite(values[index])) { sum += values[index]; number++; }
    }
    return sum / number;
  });
}
