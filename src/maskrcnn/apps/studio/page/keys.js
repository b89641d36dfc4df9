// Keys: which does what, changed by the user and kept by the browser.

const KEPT = "maskrcnn.keys";
export const DEFAULTS = {
  select: "v", magic: "a", box: "b", polygon: "p", brush: "d", eraser: "e", flood: "f", ellipse: "o", points: "k", hand: "h",
  undo: "ctrl+z", redo: "ctrl+shift+z", finish: "enter", cancel: "escape", back: "backspace", remove: "delete",
  next: "n", findAll: "g", accept: "y", reject: "x", acceptAll: "shift+y", rejectAll: "shift+x",
  previousImage: ",", nextImage: ".", nextObject: "tab", markDone: "m", copyPrevious: "c",
  zoomIn: "+", zoomOut: "-", fit: "0", smaller: "[", larger: "]", hide: "i", press: "space",
  duplicate: "u", join: "j", subtract: "s", split: "shift+s", hole: "shift+h", part: "shift+p", fillHoles: "shift+f",
  toMask: "shift+m", toFront: "pageup", toBack: "pagedown", snap: "q", train: "t", gallery: "shift+g", check: "w", save: "ctrl+s", language: "l", help: "?", panel: "\\",
};
const NAMES = { " ": "space", "=": "+", del: "delete" };

export class Keys {
  constructor(app) {
    this.app = app;
    this.own = JSON.parse(localStorage.getItem(KEPT) || "{}");
    this.isPanning = false;
    window.addEventListener("keydown", (event) => this.pressed(event));
    window.addEventListener("keyup", (event) => {
      if (event.key === "Alt") this.isPanning = false;
    });
  }

  of(name) {
    return this.own[name] || DEFAULTS[name] || "";
  }

  shown(name) {
    return this.of(name).split("+").map((part) => (part.length > 1 ? part[0].toUpperCase() + part.slice(1) : part.toUpperCase())).join("+").replace("++", "+ +") || "+";
  }

  change(name, key) {
    for (const [other, taken] of Object.entries({ ...DEFAULTS, ...this.own })) {
      if (taken === key && other !== name) this.own[other] = "none";
    }
    this.own[name] = key;
    localStorage.setItem(KEPT, JSON.stringify(this.own));
  }

  reset() {
    this.own = {};
    localStorage.removeItem(KEPT);
  }

  static name(event) {
    const key = NAMES[event.key] || event.key.toLowerCase();
    const isLetter = /^[a-z]$/.test(key) || key.length > 1;
    const shift = event.shiftKey && isLetter ? "shift+" : "";
    return (event.ctrlKey || event.metaKey ? "ctrl+" : "") + shift + key;
  }

  pressed(event) {
    const { target } = event;
    const isTyping = /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) && target.type !== "range";
    if (this.app.dialog.open || isTyping) return;
    const key = Keys.name(event);
    if (/^(shift\+)?arrow/.test(key)) {
      if (target.closest("#side")) return;
      const [dx, dy] = { left: [-1, 0], right: [1, 0], up: [0, -1], down: [0, 1] }[key.replace(/^shift\+/, "").slice(5)];
      event.preventDefault();
      if (event.altKey) this.app.view.pan(-60 * dx, -60 * dy);
      else this.app.tools.arrow(dx, dy, event.shiftKey);
      return;
    }
    if (/^[1-9]$/.test(key)) {
      this.app.chooseNumber(Number(key));
      return;
    }
    // buttons and lists keep the keys that they need themselves
    if (target.tagName === "BUTTON" && (key === "enter" || key === "space" || key === "tab")) return;
    if (key === "tab" && !target.closest("#stage") && target !== document.body) return;
    const name = Object.keys(DEFAULTS).find((one) => this.of(one) === key) || (key === "ctrl+y" ? "redo" : "");
    if (!name) return;
    if (key === "tab" && !this.app.hasObjects()) return;
    event.preventDefault();
    this.app.run(name);
  }
}
