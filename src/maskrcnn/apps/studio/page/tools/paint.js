// Brush, eraser, and flood by brightness. They paint into a copy of the mask, and only where they go.

import * as masks from "../draw/masks.js";
import { changed, created, hit, maskOf } from "../draw/objects.js";

const FLOOD_SIDE = 2048; // pixels around the click that are looked at
const NOTHING = { x: 0, y: 0, w: 0, h: 0, data: new Uint8Array(0) };

class Painter {
  brush = true;
  constructor(app) {
    this.app = app;
  }

  begin(object, at) {
    this.object = object;
    this.mask = object ? masks.copy(maskOf(object, this.app.view.sides)) : { ...NOTHING, x: Math.floor(at.x), y: Math.floor(at.y) };
    this.last = [at.x, at.y];
    this.picture = null;
    if (object) this.app.lift(object.id);
    this.dab(at);
  }

  dab(at) {
    if (!this.mask) return;
    const { sides } = this.app.view;
    const before = this.mask;
    const [after, box] = masks.stroke(before, this.last, [at.x, at.y], this.app.tools.size / 2, this.value, sides);
    this.mask = after;
    this.last = [at.x, at.y];
    if (!after.w) return;
    const colour = this.app.scene.colour(this.object ? this.object.class : this.app.store.className);
    if (!this.picture) this.picture = masks.bitmap(after, colour);
    else if (before !== after) {
      // the window has grown: what was painted is copied, not painted again
      const wider = document.createElement("canvas");
      [wider.width, wider.height] = [after.w, after.h];
      wider.getContext("2d").drawImage(this.picture, before.x - after.x, before.y - after.y);
      this.picture.width = 0; // its memory is free now
      this.picture = wider;
    }
    if (box) {
      const [x1, y1, x2, y2] = [box[0] - after.x - 1, box[1] - after.y - 1, box[2] - after.x + 1, box[3] - after.y + 1];
      masks.paint(this.picture.getContext("2d"), after, colour, x1, y1, x2, y2);
    }
  }

  move(at) {
    this.dab(at);
  }

  cancel() {
    this.mask = this.object = this.picture = null;
  }

  draw(context, scene) {
    if (!this.mask || !this.picture || !this.mask.w) return;
    context.imageSmoothingEnabled = scene.view.scale < 1;
    context.drawImage(this.picture, this.mask.x, this.mask.y);
  }
}

export class Brush extends Painter {
  name = "brush";
  value = 1;
  down(at) {
    const chosen = this.app.store.selected;
    this.begin(chosen && chosen.class === this.app.store.className ? chosen : null, at);
  }
  up(at) {
    if (!this.mask) return;
    this.dab(at);
    const { object, mask } = this;
    this.cancel();
    if (object) this.app.store.commit("brush", [[object.id, changed(object, { mask })]]);
    else if (masks.tighten(mask)) this.app.add("brush", changed(created(this.app.className(), {}), { mask }));
    this.app.lift(null);
  }
}

export class Eraser extends Painter {
  name = "eraser";
  value = 0;
  down(at) {
    const { store } = this.app;
    const chosen = store.selected || hit(store.objects.values(), at.x, at.y, at.reach);
    if (!chosen) return;
    store.select(chosen.id);
    this.begin(chosen, at);
  }
  up(at) {
    if (!this.mask) return;
    this.dab(at);
    const { object, mask } = this;
    this.cancel();
    this.app.store.commit("erase", [[object.id, changed(object, { mask })]]);
    this.app.lift(null);
  }
}

export class Flood {
  name = "flood";
  clicks = true;
  constructor(app) {
    this.app = app;
    this.tolerance = 24;
  }

  down(at) {
    this.at = at;
  }

  up() {
    if (!this.at) return;
    const { x, y } = this.at;
    this.at = null;
    const [w, h] = this.app.view.sides;
    if (x < 0 || y < 0 || x >= w || y >= h) return;
    const left = Math.max(0, Math.floor(x - FLOOD_SIDE / 2));
    const top = Math.max(0, Math.floor(y - FLOOD_SIDE / 2));
    const [width, height] = [Math.min(w - left, FLOOD_SIDE), Math.min(h - top, FLOOD_SIDE)];
    const { data } = this.app.view.pixels(left, top, width, height);
    const seed = (Math.floor(y) - top) * width + Math.floor(x) - left;
    const [r, g, b] = [data[4 * seed], data[4 * seed + 1], data[4 * seed + 2]];
    const limit = 3 * this.tolerance ** 2;
    const mask = masks.flood(left, top, width, height, seed, (k) => {
      const [dr, dg, db] = [data[4 * k] - r, data[4 * k + 1] - g, data[4 * k + 2] - b];
      return dr * dr + dg * dg + db * db <= limit;
    });
    const { store } = this.app;
    const chosen = store.selected;
    if (chosen && chosen.class === store.className) {
      const whole = masks.join(maskOf(chosen, this.app.view.sides), mask);
      store.commit("flood", [[chosen.id, changed(chosen, { mask: whole })]]);
    } else this.app.add("flood", changed(created(this.app.className(), {}), { mask }));
  }
}
