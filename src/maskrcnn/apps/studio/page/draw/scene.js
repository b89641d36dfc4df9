// Draws objects over the image. Only what is seen is drawn, and after a stroke only what it touched.

import * as masks from "./masks.js";
import { handles, isBox, pathOf } from "./objects.js";

const PALETTE = [
  [20, 132, 230], [235, 82, 55], [60, 170, 80], [170, 90, 210], [245, 165, 25], [15, 175, 175],
  [225, 75, 150], [120, 125, 235], [150, 160, 30], [200, 120, 70],
];
const PROPOSED = [6, 4];

export function colourOf(index) {
  if (index < PALETTE.length) return PALETTE[Math.max(0, index)];
  const hue = (index * 137.508) % 360;
  const channel = (n) => {
    const k = (n + hue / 30) % 12;
    return Math.round(255 * (0.52 - 0.33 * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [channel(0), channel(8), channel(4)];
}
export const css = ([r, g, b], alpha = 1) => `rgba(${r}, ${g}, ${b}, ${alpha})`;

export class Scene {
  constructor(stage, view, store) {
    this.view = view;
    this.store = store;
    this.objects = stage.querySelector("#objects");
    this.overlay = stage.querySelector("#overlay");
    this.lifted = null; // id of the object that a tool draws itself meanwhile
    this.live = null; // what the tool draws: a function of (context, scene)
    view.listeners.push(() => {
      this.paint();
      this.drawOverlay();
    });
  }

  colour(name) {
    return colourOf(this.store.classNames.indexOf(name));
  }

  // Once in the next frame, however often it is asked for: thousands of objects take a while.
  draw() {
    if (this.asked) return;
    this.asked = requestAnimationFrame(() => this.paint());
  }

  paint() {
    cancelAnimationFrame(this.asked);
    this.asked = 0;
    const context = this.objects.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.objects.width, this.objects.height);
    if (this.view.isShown && !this.store.hidden) this.drawWithin(context, this.view.seen());
  }

  // Draw a part of the image anew; what does not touch it stays as it is.
  repaint([x1, y1, x2, y2]) {
    const { view } = this;
    if (!view.isShown || this.store.hidden || this.asked) return;
    const context = this.objects.getContext("2d");
    const margin = 3 / view.scale;
    const [left, top] = view.toScreen(x1 - margin, y1 - margin).map((v) => Math.floor(v * view.ratio));
    const [right, bottom] = view.toScreen(x2 + margin, y2 + margin).map((v) => Math.ceil(v * view.ratio));
    context.save();
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.beginPath();
    context.rect(left, top, right - left, bottom - top);
    context.clip();
    context.clearRect(left, top, right - left, bottom - top);
    this.drawWithin(context, [x1 - margin, y1 - margin, x2 + margin, y2 + margin]);
    context.restore();
  }

  drawWithin(context, [x1, y1, x2, y2]) {
    this.view.inImage(context);
    context.imageSmoothingEnabled = this.view.scale < 1;
    for (const object of this.store.objects.values()) {
      const [a, b, c, d] = object.box;
      if (c < x1 || d < y1 || a > x2 || b > y2 || object.id === this.lifted) continue;
      this.drawObject(context, object);
    }
    if (!this.lifted) {
      for (const proposal of this.store.shownProposals()) this.drawObject(context, proposal, true);
    }
  }

  drawObject(context, object, isProposal = false) {
    const colour = this.colour(object.class);
    const line = 1.75 / this.view.scale;
    context.lineWidth = line;
    context.setLineDash(isProposal ? PROPOSED.map((n) => n / this.view.scale) : []);
    if (object.mask) {
      if (!object.picture || object.pictureColour !== colour.join()) {
        object.picture = masks.bitmap(object.mask, colour);
        object.pictureColour = colour.join();
      }
      context.globalAlpha = isProposal ? 0.6 : 1;
      context.drawImage(object.picture, object.mask.x, object.mask.y);
      context.globalAlpha = 1;
      if (isProposal) {
        context.strokeStyle = css(colour);
        const [x1, y1, x2, y2] = object.box;
        context.strokeRect(x1, y1, x2 - x1, y2 - y1);
      }
    } else {
      const path = pathOf(object);
      if (!isBox(object)) {
        context.fillStyle = css(colour, 0.36);
        context.fill(path, "evenodd");
      }
      context.strokeStyle = css(colour, 0.95);
      context.stroke(path);
    }
    this.drawPoints(context, object, colour);
  }

  drawPoints(context, object, colour) {
    if (!object.keypoints.length) return;
    const { skeleton } = this.store;
    context.setLineDash([]);
    context.strokeStyle = css(colour);
    context.beginPath();
    for (const [a, b] of skeleton) {
      const [p, q] = [object.keypoints[a], object.keypoints[b]];
      if (!p || !q || !p[2] || !q[2]) continue;
      context.moveTo(p[0], p[1]);
      context.lineTo(q[0], q[1]);
    }
    context.stroke();
    const radius = 3.5 / this.view.scale;
    for (const [x, y, visible] of object.keypoints) {
      if (!visible) continue;
      context.beginPath();
      context.arc(x, y, radius, 0, 7);
      context.fillStyle = visible === 2 ? "#fff" : css(colour, 0.4);
      context.fill();
      context.stroke();
    }
  }

  drawOverlay() {
    const context = this.overlay.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.overlay.width, this.overlay.height);
    if (!this.view.image) return;
    this.view.inImage(context);
    const chosen = this.store.selected;
    if (chosen && this.lifted !== chosen.id) this.drawChosen(context, chosen);
    if (this.live) this.live(context, this);
  }

  drawChosen(context, object) {
    const unit = 1 / this.view.scale;
    const [x1, y1, x2, y2] = object.box;
    context.lineWidth = 1.5 * unit;
    for (const [colour, offset] of [["rgba(0,0,0,.75)", 0], ["#fff", 4 * unit]]) {
      context.strokeStyle = colour;
      context.setLineDash([4 * unit, 4 * unit]);
      context.lineDashOffset = offset;
      if (object.parts.length && !object.mask) context.stroke(pathOf(object));
      else context.strokeRect(x1, y1, x2 - x1, y2 - y1);
    }
    context.setLineDash([]);
    const all = handles(object);
    if (all.length > 400) return;
    const side = 7 * unit;
    for (const [x, y] of all) {
      context.fillStyle = "#fff";
      context.fillRect(x - side / 2, y - side / 2, side, side);
      context.strokeStyle = "rgba(0,0,0,.8)";
      context.lineWidth = unit;
      context.strokeRect(x - side / 2, y - side / 2, side, side);
    }
  }
}
