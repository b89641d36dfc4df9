// Masks as typed arrays in their own box: { x, y, w, h, data: Uint8Array(w * h) } of 0 and 1. Never vector paths.

export function fromRuns({ box: [x1, y1, x2, y2], runs }) {
  const mask = blank(x1, y1, x2 - x1, y2 - y1);
  let at = 0;
  for (let k = 0; k < runs.length; k++) {
    if (k % 2) mask.data.fill(1, at, at + runs[k]);
    at += runs[k];
  }
  return mask;
}

export function toRuns(mask) {
  const tight = tighten(mask);
  if (!tight) return null;
  const runs = [];
  const { data } = tight;
  let value = 0;
  let start = 0;
  for (let k = 0; k < data.length; k++) {
    if (data[k] !== value) {
      runs.push(k - start);
      start = k;
      value = data[k];
    }
  }
  runs.push(data.length - start);
  return { box: [tight.x, tight.y, tight.x + tight.w, tight.y + tight.h], runs };
}

export const blank = (x, y, w, h) => ({ x, y, w, h, data: new Uint8Array(w * h) });

export const copy = (mask) => ({ ...mask, data: mask.data.slice() });

// The smallest window that holds every 1; null of an empty mask.
export function tighten(mask) {
  const { w, h, data } = mask;
  let top = -1;
  let bottom = -1;
  let left = w;
  let right = -1;
  for (let y = 0; y < h; y++) {
    const row = data.subarray(y * w, (y + 1) * w);
    const first = row.indexOf(1);
    if (first < 0) continue;
    if (top < 0) top = y;
    bottom = y;
    if (first < left) left = first;
    const last = row.lastIndexOf(1);
    if (last > right) right = last;
  }
  if (top < 0) return null;
  return crop(mask, mask.x + left, mask.y + top, mask.x + right + 1, mask.y + bottom + 1);
}

// The part of a mask in a box, which may also be larger than the mask.
export function crop(mask, x1, y1, x2, y2) {
  const out = blank(x1, y1, Math.max(0, x2 - x1), Math.max(0, y2 - y1));
  const left = Math.max(x1, mask.x);
  const right = Math.min(x2, mask.x + mask.w);
  for (let y = Math.max(y1, mask.y); y < Math.min(y2, mask.y + mask.h); y++) {
    if (right <= left) break;
    const from = (y - mask.y) * mask.w - mask.x;
    out.data.set(mask.data.subarray(from + left, from + right), (y - y1) * out.w + left - x1);
  }
  return out;
}

// A mask whose window holds the box as well, with room to grow; the same one where it does already.
export function grown(mask, x1, y1, x2, y2, sides) {
  if (mask.w && x1 >= mask.x && y1 >= mask.y && x2 <= mask.x + mask.w && y2 <= mask.y + mask.h) return mask;
  const low = mask.w ? [Math.min(x1, mask.x), Math.min(y1, mask.y)] : [x1, y1];
  const high = mask.w ? [Math.max(x2, mask.x + mask.w), Math.max(y2, mask.y + mask.h)] : [x2, y2];
  // each side for itself: a long flat stroke over a large image would fill its memory otherwise
  const room = [0, 1].map((k) => Math.ceil(0.25 * Math.max(high[k] - low[k], 64)));
  return crop(
    mask,
    Math.max(0, low[0] - room[0]),
    Math.max(0, low[1] - room[1]),
    Math.min(sides[0], high[0] + room[0]),
    Math.min(sides[1], high[1] + room[1]),
  );
}

// Paint what a round brush of that radius covers from one point to another. Returns the mask and the box that changed.
export function stroke(mask, from, to, radius, value, sides) {
  const x1 = Math.max(0, Math.floor(Math.min(from[0], to[0]) - radius - 1));
  const y1 = Math.max(0, Math.floor(Math.min(from[1], to[1]) - radius - 1));
  const x2 = Math.min(sides[0], Math.ceil(Math.max(from[0], to[0]) + radius + 1));
  const y2 = Math.min(sides[1], Math.ceil(Math.max(from[1], to[1]) + radius + 1));
  if (x2 <= x1 || y2 <= y1) return [mask, null];
  const out = value ? grown(mask, x1, y1, x2, y2, sides) : mask;
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const length = dx * dx + dy * dy;
  const reach = Math.max(radius, 0.5) ** 2;
  const bottom = Math.min(y2, out.y + out.h);
  const right = Math.min(x2, out.x + out.w);
  for (let y = Math.max(y1, out.y); y < bottom; y++) {
    for (let x = Math.max(x1, out.x); x < right; x++) {
      const [px, py] = [x + 0.5 - from[0], y + 0.5 - from[1]];
      const along = length ? Math.max(0, Math.min(1, (px * dx + py * dy) / length)) : 0;
      const [ox, oy] = [px - along * dx, py - along * dy];
      if (ox * ox + oy * oy <= reach) out.data[(y - out.y) * out.w + x - out.x] = value;
    }
  }
  if (radius <= 0.5) {
    // a brush of one pixel covers the pixels that it touches, however the line lies
    for (const [px, py] of [from, to]) {
      const [x, y] = [Math.floor(px) - out.x, Math.floor(py) - out.y];
      if (x >= 0 && y >= 0 && x < out.w && y < out.h) out.data[y * out.w + x] = value;
    }
  }
  return [out, [x1, y1, x2, y2]];
}

// Pixels whose centres lie inside an odd number of rings, so that holes are holes.
export function fromParts(parts, sides) {
  const rings = parts.flat();
  let [x1, y1, x2, y2] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const ring of rings) {
    for (let k = 0; k < ring.length; k += 2) {
      x1 = Math.min(x1, ring[k]);
      x2 = Math.max(x2, ring[k]);
      y1 = Math.min(y1, ring[k + 1]);
      y2 = Math.max(y2, ring[k + 1]);
    }
  }
  x1 = Math.max(0, Math.floor(x1));
  y1 = Math.max(0, Math.floor(y1));
  x2 = Math.min(sides[0], Math.ceil(x2));
  y2 = Math.min(sides[1], Math.ceil(y2));
  const mask = blank(x1, y1, Math.max(0, x2 - x1), Math.max(0, y2 - y1));
  for (const part of parts) fill(mask, part);
  return mask;
}

function fill(mask, rings) {
  for (let row = 0; row < mask.h; row++) {
    const y = mask.y + row + 0.5;
    const crossings = [];
    for (const ring of rings) {
      for (let k = 0; k < ring.length; k += 2) {
        const n = (k + 2) % ring.length;
        const [ax, ay, bx, by] = [ring[k], ring[k + 1], ring[n], ring[n + 1]];
        if (ay <= y !== by <= y) crossings.push(ax + ((y - ay) / (by - ay)) * (bx - ax));
      }
    }
    crossings.sort((a, b) => a - b);
    for (let k = 0; k + 1 < crossings.length; k += 2) {
      const from = Math.max(0, Math.ceil(crossings[k] - 0.5) - mask.x);
      const to = Math.min(mask.w, Math.ceil(crossings[k + 1] - 0.5) - mask.x);
      if (to > from) mask.data.fill(1, row * mask.w + from, row * mask.w + to);
    }
  }
}

export function combine(a, b, keep) {
  const box = [Math.min(a.x, b.x), Math.min(a.y, b.y), Math.max(a.x + a.w, b.x + b.w), Math.max(a.y + a.h, b.y + b.h)];
  const [one, other] = [crop(a, ...box), crop(b, ...box)];
  for (let k = 0; k < one.data.length; k++) one.data[k] = keep(one.data[k], other.data[k]) ? 1 : 0;
  return one;
}
export const join = (a, b) => combine(a, b, (p, q) => p || q);
export const subtract = (a, b) => combine(a, b, (p, q) => p && !q);

export function area(mask) {
  let sum = 0;
  for (const value of mask.data) sum += value;
  return sum;
}

export function covers(mask, x, y) {
  const [px, py] = [Math.floor(x) - mask.x, Math.floor(y) - mask.y];
  return px >= 0 && py >= 0 && px < mask.w && py < mask.h && mask.data[py * mask.w + px] === 1;
}

// The pixels around one that are alike: `alike(index)` is asked of indices in the window; connected by sides.
export function flood(x, y, w, h, seed, alike) {
  const mask = blank(x, y, w, h);
  if (!alike(seed)) return mask;
  const stack = [seed];
  mask.data[seed] = 1;
  const visit = (k) => {
    if (!mask.data[k] && alike(k)) {
      mask.data[k] = 1;
      stack.push(k);
    }
  };
  while (stack.length) {
    const k = stack.pop();
    const column = k % w;
    if (column > 0) visit(k - 1);
    if (column < w - 1) visit(k + 1);
    if (k >= w) visit(k - w);
    if (k < w * (h - 1)) visit(k + w);
  }
  return mask;
}

// The parts of a mask that hang together by sides, largest first.
export function components(mask) {
  const left = copy(mask);
  const found = [];
  for (let k = 0; k < left.data.length; k++) {
    if (!left.data[k]) continue;
    const part = flood(mask.x, mask.y, mask.w, mask.h, k, (i) => left.data[i] === 1);
    for (let i = k; i < part.data.length; i++) if (part.data[i]) left.data[i] = 0;
    found.push(tighten(part));
  }
  return found.sort((a, b) => area(b) - area(a));
}

// Fill what the mask surrounds.
export function withoutHoles(mask) {
  const wide = crop(mask, mask.x - 1, mask.y - 1, mask.x + mask.w + 1, mask.y + mask.h + 1);
  const outside = flood(wide.x, wide.y, wide.w, wide.h, 0, (k) => wide.data[k] === 0);
  for (let k = 0; k < wide.data.length; k++) wide.data[k] = outside.data[k] ? 0 : 1;
  return crop(wide, mask.x, mask.y, mask.x + mask.w, mask.y + mask.h);
}

// A picture of the mask: filled lightly, its border strongly.
export function bitmap(mask, [r, g, b], canvas = document.createElement("canvas")) {
  if (canvas.width !== mask.w || canvas.height !== mask.h) {
    canvas.width = mask.w;
    canvas.height = mask.h;
  }
  paint(canvas.getContext("2d"), mask, [r, g, b], 0, 0, mask.w, mask.h);
  return canvas;
}

// Paint a part of the mask's picture anew, in coordinates of its window.
export function paint(context, mask, [r, g, b], x1, y1, x2, y2) {
  const [left, top] = [Math.max(0, x1), Math.max(0, y1)];
  const [w, h] = [Math.min(mask.w, x2) - left, Math.min(mask.h, y2) - top];
  if (w <= 0 || h <= 0) return;
  const image = new ImageData(w, h);
  const pixels = new Uint32Array(image.data.buffer);
  const colour = (b << 16) | (g << 8) | r;
  const [inner, border] = [((96 << 24) | colour) >>> 0, ((235 << 24) | colour) >>> 0];
  const { data, w: width, h: height } = mask;
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      const [mx, my] = [x + left, y + top];
      const k = my * width + mx;
      if (!data[k]) continue;
      const inside =
        mx > 0 && mx < width - 1 && my > 0 && my < height - 1 &&
        data[k - 1] && data[k + 1] && data[k - width] && data[k + width];
      pixels[y * w + x] = inside ? inner : border;
    }
  }
  context.putImageData(image, left, top);
}
