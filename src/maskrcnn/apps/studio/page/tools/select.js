// Choose objects, move them, and move, add and remove their corners.

import { below, handles, hit, moved, withCorner, withHandle, withoutCorner } from "../draw/objects.js";

const STILL = 3; // pixels of the screen that are no move yet
const AGAIN = 500; // milliseconds between two clicks that are no double click

export class Hand {
  name = "hand";
  constructor(app) {
    this.app = app;
  }
  down(at) {
    this.from = at;
  }
  move(at) {
    if (!this.from) return;
    this.app.view.pan(at.sx - this.from.sx, at.sy - this.from.sy);
    this.from = at;
  }
  up() {
    this.from = null;
  }
}

export class Select {
  name = "select";
  constructor(app) {
    this.app = app;
  }

  down(at) {
    const { store } = this.app;
    this.from = at;
    this.now = null;
    const chosen = store.selected;
    this.what = chosen ? this.handleAt(chosen, at) : null;
    if (this.what && at.alt) {
      if (chosen.parts.length) store.commit("remove corner", [[chosen.id, withoutCorner(chosen, this.what)]]);
      this.from = null;
      return;
    }
    if (!this.what && chosen?.parts.length && at.shift) {
      const added = withCorner(chosen, at.x, at.y, at.reach);
      if (added) [this.now, this.what] = added;
    }
    const isAgain = this.last && Math.hypot(at.sx - this.last.sx, at.sy - this.last.sy) <= STILL;
    this.goesDown = !this.what && chosen && (at.alt || (isAgain && performance.now() - this.last.time > AGAIN));
    this.last = { sx: at.sx, sy: at.sy, time: performance.now() };
    if (this.goesDown && below([chosen], null, at.x, at.y, at.reach)) {
      this.object = chosen; // it is moved, or, when nothing moves, what lies below is chosen
      return;
    }
    this.goesDown = false;
    if (!this.what) {
      const proposal = hit(store.shownProposals(), at.x, at.y, at.reach);
      const found = hit(store.objects.values(), at.x, at.y, at.reach);
      if (!found && proposal) {
        this.app.accept([proposal]);
        this.from = null;
        return;
      }
      store.select(found ? found.id : null);
    }
    this.object = store.selected;
  }

  move(at) {
    if (!this.from || !this.object) return;
    const far = Math.hypot(at.sx - this.from.sx, at.sy - this.from.sy) > STILL;
    if (!this.now && !far) return;
    const base = this.now && this.what ? this.now : this.object;
    this.now = this.what
      ? withHandle(base, this.what, at.cx, at.cy)
      : moved(this.object, at.x - this.from.x, at.y - this.from.y, this.app.view.sides);
    this.app.lift(this.object.id);
  }

  up() {
    if (this.from && this.object && this.now) {
      this.app.store.commit(this.what ? "move corner" : "move", [[this.object.id, this.now]]);
    } else if (this.from && this.goesDown) {
      const { store } = this.app;
      const next = below([...store.objects.values()], this.object, this.from.x, this.from.y, this.from.reach);
      if (next) store.select(next.id);
    }
    this.cancel();
    this.app.lift(null);
  }

  cancel() {
    this.from = this.now = this.what = this.object = null;
  }

  twice(at) {
    const { store } = this.app;
    const chosen = store.selected;
    if (!chosen?.parts.length) return;
    const added = withCorner(chosen, at.x, at.y, at.reach);
    if (added) store.commit("add corner", [[chosen.id, added[0]]]);
  }

  handleAt(object, at) {
    let best = null;
    for (const [x, y, what] of handles(object)) {
      const distance = Math.hypot(x - at.x, y - at.y);
      if (distance <= at.reach && (!best || distance < best.distance)) best = { distance, what };
    }
    return best && best.what;
  }

  draw(context, scene) {
    if (!this.now) return;
    scene.drawObject(context, this.now);
    scene.drawChosen(context, this.now);
  }
}
