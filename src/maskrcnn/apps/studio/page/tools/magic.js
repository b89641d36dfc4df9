// Draw a rough box, or click, and the model colours the object.

import { post } from "../api.js";
import { changed, created, fromServer } from "../draw/objects.js";
import { Dragged } from "./shapes.js";

export class Magic extends Dragged {
  name = "magic";

  async up(at) {
    if (!this.from) return;
    this.to = at;
    const { store } = this.app;
    const [box, isLarge, from] = [this.box, this.isLarge, this.from];
    this.cancel();
    const image = store.image.id;
    // a class that the user chose is kept; without one the model says what it is
    const class_name = store.className;
    this.app.busy(true);
    try {
      const answer = isLarge
        ? await post(`images/${image}/masks`, { boxes: [box], class_name })
        : await post(`images/${image}/click`, { x: from.cx, y: from.cy, class_name });
      if (store.image.id !== image) return;
      const found = fromServer(answer.objects[0]);
      this.app.add("magic", changed(created(found.class, { mask: found.mask, box: found.mask ? found.box : box }), { source: "model", score: found.score }));
    } catch (error) {
      store.tell("problem", error.message);
    } finally {
      this.app.busy(false);
    }
  }

  draw(context, scene) {
    if (!this.from) return;
    this.outline(context, scene, scene.colour(this.app.store.className));
    context.setLineDash([5 / scene.view.scale, 4 / scene.view.scale]);
    context.stroke();
    context.setLineDash([]);
  }
}
