// What part of the image is on the screen, and the image itself: whole, or in tiles of a pyramid.

const KEPT = 96; // tiles
const MOST_ZOOM = 64;

export class View {
  constructor(stage) {
    this.stage = stage;
    this.canvas = stage.querySelector("#picture");
    this.context = this.canvas.getContext("2d");
    this.scale = 1;
    this.left = 0; // of the image, in pixels of the screen
    this.top = 0;
    this.image = null;
    this.bitmap = null;
    this.tiles = new Map();
    this.listeners = [];
    this.ratio = 1;
    new ResizeObserver(() => this.resize()).observe(stage);
    this.resize();
  }

  get sides() {
    return [this.image.width, this.image.height];
  }

  // Whether something of the image can be seen.
  get isShown() {
    return Boolean(this.image && (this.bitmap || this.tiles.size));
  }

  resize() {
    const { clientWidth: w, clientHeight: h } = this.stage;
    this.ratio = Math.min(window.devicePixelRatio || 1, 2);
    for (const canvas of this.stage.querySelectorAll("canvas")) {
      canvas.width = Math.max(1, Math.round(w * this.ratio));
      canvas.height = Math.max(1, Math.round(h * this.ratio));
    }
    if (this.image && this.fitted) this.fit();
    else this.changed();
  }

  // Show an image; resolves when something of it can be seen.
  async open(image) {
    this.image = image;
    this.window = image.depth ? [image.depth[1], image.depth[2]] : null;
    this.query = "";
    this.bitmap = null;
    this.tiles.clear();
    this.fit();
    if (image.tiles) {
      await this.tile(image.tiles.levels - 1, 0, 0);
    } else {
      const bitmap = await load(`/api/images/${image.id}/picture${this.query}`);
      if (this.image !== image) return;
      this.bitmap = bitmap;
    }
    this.changed();
  }

  // Show other values of a 16-bit image as black and white; of several that are asked for in a row, the last.
  async setWindow(low, high) {
    const { image } = this;
    this.window = [low, Math.max(high, low + 1e-6)];
    const query = `?window=${this.window.map((value) => value.toFixed(6).replace(/\.?0+$/, "")).join()}`;
    this.query = query;
    if (image.tiles) this.tiles.clear();
    else {
      const bitmap = await load(`/api/images/${image.id}/picture${query}`);
      if (this.image !== image || this.query !== query) return;
      this.bitmap = bitmap;
    }
    this.changed();
  }

  async tile(level, column, row) {
    const { image, query } = this;
    const key = `${level}/${column}/${row}`;
    if (this.tiles.has(key)) return;
    this.tiles.set(key, null);
    try {
      const bitmap = await load(`/api/images/${image.id}/tiles/${key}${query}`);
      if (this.image !== image || this.query !== query) return;
      this.tiles.set(key, bitmap);
      while (this.tiles.size > KEPT) {
        const oldest = [...this.tiles.keys()].find((other) => !other.startsWith(`${image.tiles.levels - 1}/`));
        this.tiles.delete(oldest);
      }
      this.changed();
    } catch {
      this.tiles.delete(key);
    }
  }

  fit() {
    const { clientWidth: w, clientHeight: h } = this.stage;
    const room = Math.min(24, w / 20);
    this.scale = Math.min((w - 2 * room) / this.image.width, (h - 2 * room) / this.image.height, 8);
    this.scale = Math.max(this.scale, 1e-3);
    this.left = (w - this.image.width * this.scale) / 2;
    this.top = (h - this.image.height * this.scale) / 2;
    this.fitted = true;
    this.changed();
  }

  showBox([x1, y1, x2, y2]) {
    const { clientWidth: w, clientHeight: h } = this.stage;
    this.scale = Math.min((0.6 * w) / (x2 - x1), (0.6 * h) / (y2 - y1), MOST_ZOOM / 2);
    this.left = w / 2 - ((x1 + x2) / 2) * this.scale;
    this.top = h / 2 - ((y1 + y2) / 2) * this.scale;
    this.fitted = false;
    this.changed();
  }

  zoom(factor, at = [this.stage.clientWidth / 2, this.stage.clientHeight / 2]) {
    const before = this.scale;
    this.scale = Math.min(MOST_ZOOM, Math.max(this.scale * factor, 0.005));
    const grown = this.scale / before;
    this.left = at[0] - (at[0] - this.left) * grown;
    this.top = at[1] - (at[1] - this.top) * grown;
    this.fitted = false;
    this.changed();
  }

  pan(dx, dy) {
    this.left += dx;
    this.top += dy;
    this.fitted = false;
    this.changed();
  }

  toImage(x, y) {
    return [(x - this.left) / this.scale, (y - this.top) / this.scale];
  }

  toScreen(x, y) {
    return [x * this.scale + this.left, y * this.scale + this.top];
  }

  // Draw in pixels of the image.
  inImage(context) {
    const s = this.scale * this.ratio;
    context.setTransform(s, 0, 0, s, this.left * this.ratio, this.top * this.ratio);
  }

  // The part of the image that is seen.
  seen() {
    const [x1, y1] = this.toImage(0, 0);
    const [x2, y2] = this.toImage(this.stage.clientWidth, this.stage.clientHeight);
    return [x1, y1, x2, y2];
  }

  changed() {
    if (this.asked) return;
    this.asked = true;
    requestAnimationFrame(() => {
      this.asked = false;
      this.draw();
      for (const listener of this.listeners) listener();
    });
  }

  draw() {
    const { context } = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    if (!this.image) return;
    this.inImage(context);
    context.imageSmoothingEnabled = this.scale < 2; // single pixels are seen as they are
    context.imageSmoothingQuality = "high";
    if (this.bitmap) context.drawImage(this.bitmap, 0, 0);
    else if (this.image.tiles) this.drawTiles();
  }

  drawTiles() {
    const { size, levels } = this.image.tiles;
    const wanted = Math.max(0, Math.min(levels - 1, Math.floor(Math.log2(1 / (this.scale * this.ratio)) + 0.5)));
    const [x1, y1, x2, y2] = this.seen();
    for (let level = levels - 1; level >= wanted; level--) {
      const side = size * 2 ** level;
      const columns = Math.ceil(this.image.width / side);
      const rows = Math.ceil(this.image.height / side);
      for (let row = Math.max(0, Math.floor(y1 / side)); row < Math.min(rows, Math.ceil(y2 / side)); row++) {
        for (let column = Math.max(0, Math.floor(x1 / side)); column < Math.min(columns, Math.ceil(x2 / side)); column++) {
          const tile = this.tiles.get(`${level}/${column}/${row}`);
          if (tile) {
            const k = 2 ** level;
            this.context.drawImage(tile, column * side, row * side, tile.width * k, tile.height * k);
          } else if (level === wanted) this.tile(level, column, row);
        }
      }
    }
  }

  // The samples of a part of the image as they are shown, for tools that look at them.
  pixels(x, y, w, h) {
    const canvas = document.createElement("canvas");
    canvas.width = w;
    canvas.height = h;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    if (this.bitmap) context.drawImage(this.bitmap, -x, -y);
    else if (this.image.tiles) {
      const { size } = this.image.tiles;
      for (const [key, tile] of this.tiles) {
        const [level, column, row] = key.split("/").map(Number);
        if (tile && level === 0) context.drawImage(tile, column * size - x, row * size - y);
      }
    }
    return context.getImageData(0, 0, w, h);
  }
}

export async function load(address) {
  const response = await fetch(address, { credentials: "same-origin" });
  if (!response.ok) {
    const content = await response.json().catch(() => ({}));
    throw new Error(content.detail || `${response.status}`);
  }
  return createImageBitmap(await response.blob());
}
