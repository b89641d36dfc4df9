// Keypoints: one click each, in the order in which the project names them; drag to move, Alt to say that one is hidden.

import { changed, created } from "../draw/objects.js";
import { rounded } from "./shapes.js";

export class Points {
  name = "points";
  clicks = true;
  constructor(app) {
    this.app = app;
  }

  down(at) {
    const { store } = this.app;
    if (!store.keypointNames.length) {
      this.app.askForKeypoints();
      return;
    }
    const object = store.selected;
    const points = this.pointsOf(object);
    let best = null;
    points.forEach(([x, y, visible], k) => {
      const distance = Math.hypot(x - at.x, y - at.y);
      if (visible && distance <= at.reach && (!best || distance < best.distance)) best = { distance, k };
    });
    this.which = best ? best.k : points.findIndex(([, , visible]) => !visible);
    if (this.which < 0) return;
    this.base = object;
    this.points = points;
    this.move(at);
  }

  pointsOf(object) {
    const { length } = this.app.store.keypointNames;
    return object?.keypoints.length === length ? structuredClone(object.keypoints) : Array.from({ length }, () => [0, 0, 0]);
  }

  move(at) {
    if (!this.points) return;
    this.points[this.which] = [rounded(at.cx), rounded(at.cy), at.alt ? 1 : 2];
  }

  up() {
    if (!this.points) return;
    const { store } = this.app;
    const { base, points } = this;
    this.points = this.base = null;
    if (base) store.commit("keypoint", [[base.id, changed(base, { keypoints: points })]]);
    else this.app.add("keypoint", created(this.app.className(), { keypoints: points, box: boxAround(points, this.app.view.sides) }));
  }

  cancel() {
    this.points = this.base = null;
  }

  draw(context, scene) {
    if (this.points) scene.drawPoints(context, { keypoints: this.points }, scene.colour(this.app.store.className));
  }

  // What is placed next, for the line below the image.
  get next() {
    const points = this.pointsOf(this.app.store.selected);
    const k = points.findIndex(([, , visible]) => !visible);
    return k < 0 ? "" : this.app.store.keypointNames[k];
  }
}

function boxAround(points, [w, h]) {
  const seen = points.filter(([, , visible]) => visible);
  const [x, y] = [seen.map((p) => p[0]), seen.map((p) => p[1])];
  return [Math.max(0, Math.min(...x) - 8), Math.max(0, Math.min(...y) - 8), Math.min(w, Math.max(...x) + 8), Math.min(h, Math.max(...y) + 8)];
}
