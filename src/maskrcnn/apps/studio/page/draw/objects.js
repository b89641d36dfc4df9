// Objects as the page has them, made of what the interface sends and sent back in that form.

import * as masks from "./masks.js";

export function fromServer(sent) {
  return {
    id: sent.id,
    class: sent.class,
    box: sent.box,
    mask: sent.mask ? masks.fromRuns(sent.mask) : null,
    parts: sent.parts,
    keypoints: sent.keypoints,
    attributes: sent.attributes,
    z: sent.z,
    source: sent.source,
    score: sent.score,
  };
}

export function toServer(object) {
  const mask = object.mask ? masks.toRuns(object.mask) : null;
  return {
    class: object.class,
    box: mask ? mask.box : object.parts.length ? boxOfParts(object.parts) : object.box,
    mask,
    parts: object.mask ? [] : object.parts,
    keypoints: object.keypoints,
    attributes: object.attributes,
    z: object.z,
    source: object.source,
    score: object.score,
  };
}

export const created = (name, given) => ({
  id: null,
  class: name,
  box: given.parts ? boxOfParts(given.parts) : [0, 0, 0, 0],
  mask: null,
  parts: [],
  keypoints: [],
  attributes: [],
  z: 0,
  source: "human",
  score: null,
  ...given,
});

// A changed copy; drawings of the old one are not kept. What a person changed is a person's work from then on.
export function changed(object, given) {
  const copy = { ...object, source: "human", score: null, ...given };
  delete copy.picture;
  delete copy.path;
  delete copy.ring;
  if (copy.mask) {
    const tight = masks.tighten(copy.mask);
    if (!tight) return null;
    copy.mask = tight;
    copy.box = [tight.x, tight.y, tight.x + tight.w, tight.y + tight.h];
    copy.parts = [];
  } else if (copy.parts.length) copy.box = boxOfParts(copy.parts);
  return copy;
}

export function boxOfParts(parts) {
  let [x1, y1, x2, y2] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [outline] of parts) {
    for (let k = 0; k < outline.length; k += 2) {
      x1 = Math.min(x1, outline[k]);
      x2 = Math.max(x2, outline[k]);
      y1 = Math.min(y1, outline[k + 1]);
      y2 = Math.max(y2, outline[k + 1]);
    }
  }
  return [x1, y1, x2, y2];
}

// The pixels of an object, however it was drawn.
export function maskOf(object, sides) {
  if (object.mask) return object.mask;
  if (object.parts.length) return masks.fromParts(object.parts, sides);
  const [x1, y1, x2, y2] = object.box;
  return masks.fromParts([[[x1, y1, x2, y1, x2, y2, x1, y2]]], sides);
}

export const isBox = (object) => !object.mask && !object.parts.length;

export function pathOf(object) {
  if (!object.path) {
    const path = new Path2D();
    const rings = object.parts.length ? object.parts.flat() : [corners(object.box)];
    for (const ring of rings) {
      path.moveTo(ring[0], ring[1]);
      for (let k = 2; k < ring.length; k += 2) path.lineTo(ring[k], ring[k + 1]);
      path.closePath();
    }
    object.path = path;
  }
  return object.path;
}

export const corners = ([x1, y1, x2, y2]) => [x1, y1, x2, y1, x2, y2, x1, y2];

export function inside(object, x, y) {
  const [x1, y1, x2, y2] = object.box;
  if (x < x1 || y < y1 || x > x2 || y > y2) return false;
  if (object.mask) return masks.covers(object.mask, x, y);
  if (object.parts.length) return object.parts.some((part) => oddCrossings(part, x, y));
  return true;
}

function oddCrossings(rings, x, y) {
  let odd = false;
  for (const ring of rings) {
    for (let k = 0, j = ring.length - 2; k < ring.length; j = k, k += 2) {
      const [ax, ay, bx, by] = [ring[k], ring[k + 1], ring[j], ring[j + 1]];
      if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) odd = !odd;
    }
  }
  return odd;
}

const size = ([x1, y1, x2, y2]) => (x2 - x1) * (y2 - y1);

// The objects at a point, the one to choose first: those of a higher z, then the smallest; of boxes alone one whose
// border is near comes first.
export function allHit(objects, x, y, reach) {
  const found = [];
  for (const object of objects) {
    if (!inside(object, x, y)) continue;
    const [x1, y1, x2, y2] = object.box;
    const near = isBox(object) && Math.min(x - x1, x2 - x, y - y1, y2 - y) < reach;
    found.unshift({ object, rank: size(object.box) * (isBox(object) && !near ? 4 : 1) });
  }
  found.sort((a, b) => b.object.z - a.object.z || a.rank - b.rank);
  return found.map(({ object }) => object);
}

export const hit = (objects, x, y, reach) => allHit(objects, x, y, reach)[0] || null;

// What the image has at a point below the chosen object; after the lowest the uppermost comes again.
export function below(objects, chosen, x, y, reach) {
  const all = allHit(objects, x, y, reach);
  return all[(all.indexOf(chosen) + 1) % all.length] || null;
}

export function moved(object, dx, dy, sides) {
  const shifted = (ring) => ring.map((value, k) => value + (k % 2 ? dy : dx));
  const keypoints = object.keypoints.map(([x, y, v]) => [x + dx, y + dy, v]);
  if (object.mask) {
    const { mask } = object;
    const at = { ...mask, x: mask.x + Math.round(dx), y: mask.y + Math.round(dy) };
    return changed(object, { mask: masks.crop(at, 0, 0, sides[0], sides[1]), keypoints });
  }
  if (object.parts.length) return changed(object, { parts: object.parts.map((part) => part.map(shifted)), keypoints });
  const [x1, y1, x2, y2] = object.box;
  return changed(object, { box: [x1 + dx, y1 + dy, x2 + dx, y2 + dy], keypoints });
}

// Every corner that can be taken hold of: [x, y, what], where `what` says which it is.
export function handles(object) {
  if (object.mask) return [];
  if (object.parts.length) {
    return object.parts.flatMap((part, p) =>
      part.flatMap((ring, r) =>
        Array.from({ length: ring.length / 2 }, (_, k) => [ring[2 * k], ring[2 * k + 1], { p, r, k }]),
      ),
    );
  }
  const [x1, y1, x2, y2] = object.box;
  const [mx, my] = [(x1 + x2) / 2, (y1 + y2) / 2];
  return [
    [x1, y1, { x: 0, y: 1 }], [mx, y1, { y: 1 }], [x2, y1, { x: 2, y: 1 }], [x2, my, { x: 2 }],
    [x2, y2, { x: 2, y: 3 }], [mx, y2, { y: 3 }], [x1, y2, { x: 0, y: 3 }], [x1, my, { x: 0 }],
  ];
}

export function withHandle(object, what, x, y) {
  if (object.parts.length) {
    const parts = structuredClone(object.parts);
    parts[what.p][what.r][2 * what.k] = x;
    parts[what.p][what.r][2 * what.k + 1] = y;
    return changed(object, { parts });
  }
  const box = [...object.box];
  if (what.x !== undefined) box[what.x] = x;
  if (what.y !== undefined) box[what.y] = y;
  return changed(object, { box: ordered(box) });
}

export const ordered = ([x1, y1, x2, y2]) => [Math.min(x1, x2), Math.min(y1, y2), Math.max(x1, x2), Math.max(y1, y2)];

// A corner more, where a point lies near a side; null where none is near.
export function withCorner(object, x, y, reach) {
  let best = null;
  object.parts.forEach((part, p) =>
    part.forEach((ring, r) => {
      for (let k = 0; k < ring.length; k += 2) {
        const n = (k + 2) % ring.length;
        const distance = toSide(x, y, ring[k], ring[k + 1], ring[n], ring[n + 1]);
        if (distance < reach && (!best || distance < best.distance)) best = { distance, p, r, k: k / 2 + 1 };
      }
    }),
  );
  if (!best) return null;
  const parts = structuredClone(object.parts);
  parts[best.p][best.r].splice(2 * best.k, 0, x, y);
  return [changed(object, { parts }), { p: best.p, r: best.r, k: best.k }];
}

function toSide(x, y, ax, ay, bx, by) {
  const length = (bx - ax) ** 2 + (by - ay) ** 2;
  const t = length ? Math.max(0, Math.min(1, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length)) : 0;
  return Math.hypot(x - ax - t * (bx - ax), y - ay - t * (by - ay));
}

// Without a corner; a ring of three goes as a whole. Null where nothing is left.
export function withoutCorner(object, { p, r, k }) {
  const parts = structuredClone(object.parts);
  const ring = parts[p][r];
  if (ring.length > 6) ring.splice(2 * k, 2);
  else if (r > 0) parts[p].splice(r, 1);
  else parts.splice(p, 1);
  return parts.length ? changed(object, { parts }) : null;
}
