// Boxes, polygons and ellipses.

import { created, changed, ordered } from "../draw/objects.js";
import { css } from "../draw/scene.js";

const SMALLEST = 2; // pixels of the screen that a dragged shape must have
const CLOSE = 10; // pixels of the screen at which a polygon closes
const APART = 6; // pixels of the screen between corners that are drawn with the pointer held
const FINE = 100; // coordinates are kept to a hundredth of a pixel

export const rounded = (value) => Math.round(value * FINE) / FINE;

export class Dragged {
  constructor(app) {
    this.app = app;
  }
  down(at) {
    this.from = at;
    this.to = at;
  }
  move(at) {
    this.to = at;
  }
  get box() {
    return ordered([this.from.cx, this.from.cy, this.to.cx, this.to.cy]).map(rounded);
  }
  get isLarge() {
    const [x1, y1, x2, y2] = this.box;
    const { scale } = this.app.view;
    return (x2 - x1) * scale >= SMALLEST && (y2 - y1) * scale >= SMALLEST;
  }
  cancel() {
    this.from = this.to = null;
  }
  outline(context, scene, colour) {
    const [x1, y1, x2, y2] = this.box;
    context.lineWidth = 1.75 / scene.view.scale;
    context.strokeStyle = css(colour);
    context.fillStyle = css(colour, 0.15);
    context.beginPath();
    context.rect(x1, y1, x2 - x1, y2 - y1);
  }
}

export class Box extends Dragged {
  name = "box";
  up(at) {
    if (!this.from) return;
    this.to = at;
    if (this.isLarge) this.app.add("box", created(this.app.className(), { box: this.box }));
    this.cancel();
  }
  draw(context, scene) {
    if (!this.from) return;
    this.outline(context, scene, scene.colour(this.app.store.className));
    context.fill();
    context.stroke();
  }
}

export class Ellipse extends Dragged {
  name = "ellipse";
  ring() {
    const [x1, y1, x2, y2] = this.box;
    const [rx, ry] = [(x2 - x1) / 2, (y2 - y1) / 2];
    const count = Math.max(16, Math.min(180, Math.ceil(Math.sqrt(Math.max(rx, ry)) * 8)));
    return Array.from({ length: count }, (_, k) => (2 * Math.PI * k) / count).flatMap((turn) => [
      rounded((x1 + x2) / 2 + rx * Math.cos(turn)),
      rounded((y1 + y2) / 2 + ry * Math.sin(turn)),
    ]);
  }
  up(at) {
    if (!this.from) return;
    this.to = at;
    if (this.isLarge) this.app.add("ellipse", created(this.app.className(), { parts: [[this.ring()]] }));
    this.cancel();
  }
  draw(context, scene) {
    if (!this.from) return;
    const ring = this.ring();
    this.outline(context, scene, scene.colour(this.app.store.className));
    context.beginPath();
    for (let k = 0; k < ring.length; k += 2) context.lineTo(ring[k], ring[k + 1]);
    context.closePath();
    context.fill();
    context.stroke();
  }
}

export class Polygon {
  name = "polygon";
  clicks = true;
  constructor(app) {
    this.app = app;
    this.ring = [];
  }

  down(at) {
    this.pressedAt = at;
    const { scale } = this.app.view;
    const closes = this.ring.length >= 6 && Math.hypot(at.x - this.ring[0], at.y - this.ring[1]) * scale < CLOSE;
    if (closes) this.finish();
    else this.push(at);
  }

  push(at) {
    let [x, y] = [at.cx, at.cy];
    if (this.app.snaps) [x, y] = this.app.snapped(x, y, at.reach);
    const n = this.ring.length;
    if (n && Math.hypot(this.ring[n - 2] - x, this.ring[n - 1] - y) * this.app.view.scale < 1) return;
    this.ring.push(rounded(x), rounded(y));
  }

  move(at) {
    this.over(at);
    if (!this.pressedAt) return;
    const n = this.ring.length;
    const far = Math.hypot(this.ring[n - 2] - at.x, this.ring[n - 1] - at.y) * this.app.view.scale;
    if (far >= APART) this.push(at);
  }

  over(at) {
    this.next = [at.cx, at.cy];
  }

  up() {
    this.pressedAt = null;
  }

  // A double click ends it; its second press has added a corner on top of the last one at most.
  twice() {
    this.finish();
  }

  back() {
    this.ring.length = Math.max(0, this.ring.length - 2);
  }

  finish() {
    const ring = this.ring;
    this.cancel();
    if (ring.length < 6) return;
    const { store } = this.app;
    const chosen = store.selected;
    if (this.app.mode === "hole" && chosen?.parts.length) {
      const parts = structuredClone(chosen.parts);
      parts[parts.length - 1].push(ring);
      store.commit("hole", [[chosen.id, changed(chosen, { parts })]]);
    } else if (this.app.mode === "part" && chosen?.parts.length) {
      store.commit("part", [[chosen.id, changed(chosen, { parts: [...chosen.parts, [ring]] })]]);
    } else this.app.add("polygon", created(this.app.className(), { parts: [[ring]] }));
    this.app.setMode("");
  }

  cancel() {
    this.ring = [];
    this.next = this.pressedAt = null;
  }

  draw(context, scene) {
    if (!this.ring.length) return;
    const colour = scene.colour(this.app.store.className);
    const unit = 1 / scene.view.scale;
    context.beginPath();
    for (let k = 0; k < this.ring.length; k += 2) context.lineTo(this.ring[k], this.ring[k + 1]);
    if (this.next) context.lineTo(...this.next);
    context.fillStyle = css(colour, 0.2);
    context.fill();
    context.lineWidth = 1.75 * unit;
    context.strokeStyle = css(colour);
    context.stroke();
    for (let k = 0; k < this.ring.length; k += 2) {
      context.fillStyle = k ? css(colour) : "#fff";
      context.beginPath();
      context.arc(this.ring[k], this.ring[k + 1], (k ? 3 : 5) * unit, 0, 7);
      context.fill();
      context.stroke();
    }
  }
}
