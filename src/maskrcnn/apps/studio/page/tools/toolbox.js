// Which tool is in hand, and what the pointer (mouse, pen, finger or keyboard) does with it.

import { Box, Ellipse, Polygon } from "./shapes.js";
import { Brush, Eraser, Flood } from "./paint.js";
import { Hand, Select } from "./select.js";
import { Magic } from "./magic.js";
import { Points } from "./points.js";

const STEP = 12; // pixels of the screen that an arrow key moves the pointer
const PINCHED = 2;

export class ToolBox {
  constructor(app) {
    this.app = app;
    const { stage } = app;
    this.tools = Object.fromEntries(
      [Select, Magic, Box, Polygon, Brush, Eraser, Flood, Ellipse, Points, Hand].map((Tool) => {
        const tool = new Tool(app);
        return [tool.name, tool];
      }),
    );
    this.current = this.tools.select;
    this.cursor = null; // of the keyboard, in pixels of the screen
    this.fingers = new Map();
    this.size = Number(localStorage.getItem("maskrcnn.brush")) || 12;
    stage.addEventListener("pointerdown", (event) => this.down(event));
    stage.addEventListener("pointermove", (event) => this.move(event));
    stage.addEventListener("pointerup", (event) => this.up(event));
    stage.addEventListener("pointercancel", (event) => this.up(event, true));
    stage.addEventListener("pointerleave", () => this.hover(null));
    stage.addEventListener("dblclick", (event) => this.current.twice?.(this.point(event)));
    stage.addEventListener("contextmenu", (event) => event.preventDefault());
    stage.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    app.scene.live = (context, scene) => this.draw(context, scene);
  }

  choose(name) {
    if (this.current.name === name) return;
    this.cancel();
    this.current = this.tools[name];
    this.app.stage.dataset.tool = name;
    this.app.store.tell("tool", name);
    this.app.scene.drawOverlay();
  }

  cancel() {
    this.pressed = false;
    this.current.cancel?.();
    this.app.lift(null);
    this.app.scene.drawOverlay();
  }

  setSize(size) {
    this.size = Math.max(1, Math.min(500, Math.round(size)));
    localStorage.setItem("maskrcnn.brush", String(this.size));
    this.app.store.tell("tool", this.current.name);
    this.app.scene.drawOverlay();
  }

  point(event) {
    const box = this.app.stage.getBoundingClientRect();
    return this.at(event.clientX - box.left, event.clientY - box.top, event);
  }

  at(sx, sy, event = {}) {
    const [x, y] = this.app.view.toImage(sx, sy);
    const [w, h] = this.app.view.sides;
    return {
      sx, sy, x, y,
      cx: Math.max(0, Math.min(w, x)),
      cy: Math.max(0, Math.min(h, y)),
      alt: Boolean(event.altKey),
      shift: Boolean(event.shiftKey),
      touch: event.pointerType === "touch",
      reach: (event.pointerType === "touch" ? 18 : 9) / this.app.view.scale,
    };
  }

  down(event) {
    if (!this.app.view.image) return;
    this.app.stage.focus({ preventScroll: true });
    this.app.stage.setPointerCapture?.(event.pointerId);
    this.cursor = null;
    const at = this.point(event);
    this.app.countAction();
    if (event.pointerType === "touch") {
      this.fingers.set(event.pointerId, at);
      if (this.fingers.size === PINCHED) {
        this.cancel();
        this.pinch = this.span();
        return;
      }
    }
    if (event.button === 1 || event.button === 2 || this.app.keys.isPanning) {
      this.panning = at;
      return;
    }
    this.pressed = true;
    this.hover(at);
    this.current.down?.(at);
    this.app.scene.drawOverlay();
  }

  move(event) {
    if (!this.app.view.image) return;
    const at = this.point(event);
    if (this.fingers.has(event.pointerId)) this.fingers.set(event.pointerId, at);
    if (this.pinch && this.fingers.size >= PINCHED) {
      const span = this.span();
      this.app.view.pan(span.x - this.pinch.x, span.y - this.pinch.y);
      this.app.view.zoom(span.length / this.pinch.length, [span.x, span.y]);
      this.pinch = span;
      return;
    }
    if (this.panning) {
      this.app.view.pan(at.sx - this.panning.sx, at.sy - this.panning.sy);
      this.panning = at;
      return;
    }
    this.hover(at);
    if (this.pressed) {
      const all = event.getCoalescedEvents?.() || [];
      for (const one of all.length ? all : [event]) this.current.move?.(this.point(one));
    } else this.current.over?.(at);
    this.app.scene.drawOverlay();
  }

  up(event, isCancelled = false) {
    this.fingers.delete(event.pointerId);
    if (this.fingers.size < PINCHED) this.pinch = null;
    if (this.panning) {
      this.panning = null;
      return;
    }
    if (!this.pressed) return;
    this.pressed = false;
    if (isCancelled) this.cancel();
    else this.current.up?.(this.point(event));
    this.app.scene.drawOverlay();
  }

  span() {
    const [a, b] = [...this.fingers.values()];
    return { x: (a.sx + b.sx) / 2, y: (a.sy + b.sy) / 2, length: Math.max(1, Math.hypot(a.sx - b.sx, a.sy - b.sy)) };
  }

  wheel(event) {
    event.preventDefault();
    if (!this.app.view.image) return;
    const at = this.point(event);
    if (event.shiftKey) this.app.view.pan(-event.deltaY, 0);
    else this.app.view.zoom(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0015)), [at.sx, at.sy]);
  }

  hover(at) {
    this.pointer = at;
    this.app.showPosition(at);
    if (!at) this.app.scene.drawOverlay();
  }

  // The pointer of the keyboard: arrows move it, the space bar presses it and lets it go.
  arrow(dx, dy, isFine) {
    const { stage, view } = this.app;
    const [w, h] = [stage.clientWidth, stage.clientHeight];
    const before = this.cursor || [w / 2, h / 2];
    const step = isFine ? Math.max(1, view.scale) : STEP;
    this.cursor = [
      Math.max(0, Math.min(w, before[0] + dx * step)),
      Math.max(0, Math.min(h, before[1] + dy * step)),
    ];
    const at = this.at(...this.cursor);
    this.hover(at);
    if (this.pressed) this.current.move?.(at);
    else this.current.over?.(at);
    this.app.scene.drawOverlay();
  }

  press() {
    const { stage } = this.app;
    this.cursor ||= [stage.clientWidth / 2, stage.clientHeight / 2];
    const at = this.at(...this.cursor);
    this.hover(at);
    this.app.countAction();
    if (!this.pressed) {
      this.pressed = true;
      this.current.down?.(at);
      if (this.current.clicks) this.release(at);
    } else this.release(at);
    this.app.scene.drawOverlay();
  }

  release(at) {
    this.pressed = false;
    this.current.up?.(at);
  }

  draw(context, scene) {
    this.current.draw?.(context, scene);
    if (this.pointer && this.current.brush) {
      context.beginPath();
      context.arc(this.pointer.x, this.pointer.y, this.size / 2, 0, 7);
      context.lineWidth = 1 / scene.view.scale;
      context.strokeStyle = "#fff";
      context.stroke();
      context.setLineDash([3 / scene.view.scale, 3 / scene.view.scale]);
      context.strokeStyle = "#000";
      context.stroke();
      context.setLineDash([]);
    }
    if (this.cursor && this.pointer) {
      const unit = 1 / scene.view.scale;
      for (const [width, colour] of [[4, "rgba(0,0,0,.7)"], [1.5, this.pressed ? "#ff5" : "#fff"]]) {
        context.lineWidth = width * unit;
        context.strokeStyle = colour;
        context.beginPath();
        context.moveTo(this.pointer.x - 12 * unit, this.pointer.y);
        context.lineTo(this.pointer.x + 12 * unit, this.pointer.y);
        context.moveTo(this.pointer.x, this.pointer.y - 12 * unit);
        context.lineTo(this.pointer.x, this.pointer.y + 12 * unit);
        context.stroke();
      }
    }
  }
}
