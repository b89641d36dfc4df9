// The page as a whole: what a key or a button does.

import { beginSession, get, post } from "./api.js";
import * as masks from "./draw/masks.js";
import { changed, fromServer, handles, hit, isBox, maskOf, moved } from "./draw/objects.js";
import { Scene } from "./draw/scene.js";
import { View } from "./draw/view.js";
import { element, icon } from "./icons.js";
import { Keys } from "./keys.js";
import { askForKeypoints, showDisagreements, showGallery, showHelp, showTraining } from "./panels/dialogs.js";
import { Side } from "./panels/side.js";
import { Store } from "./store.js";
import { ToolBox } from "./tools/toolbox.js";
import { currentLanguage, switchLanguage, word } from "./words.js";

const TOOLS = ["select", "magic", "box", "polygon", "brush", "eraser", "flood", "ellipse", "points", "hand"];
const $ = (selector) => document.querySelector(selector);

class App {
  constructor() {
    this.store = new Store();
    this.stage = $("#stage");
    this.dialog = $("#dialog");
    this.view = new View(this.stage);
    this.scene = new Scene(this.stage, this.view, this.store);
    this.keys = new Keys(this);
    this.tools = new ToolBox(this);
    this.side = new Side(this);
    this.mode = "";
    this.actions = 0; // presses of the pointer and keys that draw, for those who count
    this.snaps = localStorage.getItem("maskrcnn.snap") === "1";
    this.light = { brightness: 1, contrast: 1 };
    this.listen();
  }

  listen() {
    const { store, scene } = this;
    store.on("changed", (box) => {
      if (box) scene.repaint(box);
      else scene.draw();
      scene.drawOverlay();
      this.refresh();
    });
    store.on("objects class", () => {
      scene.draw();
      scene.drawOverlay();
      this.refresh();
    });
    store.on("selected", () => {
      this.showSettings();
      scene.drawOverlay();
    });
    store.on("saving line", () => this.refresh());
    store.on("tool", () => this.refresh());
    store.on("problem", (sentence) => this.say(sentence ? word(sentence) : ""));
    document.addEventListener("click", (event) => {
      const button = event.target.closest("[data-do]");
      if (button) this.run(button.dataset.do);
    });
    $("#score").addEventListener("input", (event) => {
      store.score = Number(event.target.value);
      scene.draw();
      this.refresh();
    });
    this.dialog.addEventListener("click", (event) => {
      if (event.target === this.dialog) this.dialog.close();
    });
    window.addEventListener("beforeunload", (event) => {
      if (store.waiting.length) event.preventDefault();
    });
    setInterval(() => this.lookAtSaving(), 4000);
  }

  async begin() {
    this.writeWords();
    try {
      await beginSession();
      await this.store.loadProject();
    } catch (error) {
      this.say(word(error.message));
      return;
    }
    const { project } = this.store;
    document.title = `${project.name} – Studio`;
    $("#name").textContent = project.name;
    this.writeWords();
    const notes = [...(project.converted_from ? [word("convertedFrom", { was: project.converted_from })] : []), ...project.problems];
    if (notes.length) this.say(notes[0], true);
    await this.open(Math.min(this.store.place(), this.store.images.length));
    const first = project.model !== "none" && this.store.classNames.length ? "magic" : "select";
    this.tools.choose(first);
    this.stage.focus({ preventScroll: true });
    document.body.dataset.ready = "1";
  }

  async open(id) {
    if (!this.store.images[id - 1]) return;
    this.wanted = id; // of several that are asked for in a row, the last is opened
    this.tools.cancel();
    this.setMode("");
    try {
      await this.store.settled();
      if (this.wanted !== id || !(await this.store.open(id, () => this.wanted === id))) return;
      this.refresh();
      await this.view.open(this.store.image);
      this.scene.draw();
      this.showSettings(); // an image of 16 bits has other ones, which are known by now
    } catch (error) {
      const line = this.store.images[id - 1];
      this.side.mark(id);
      this.say(word("noImage", { why: error.status === 0 ? word("noAnswer") : error.message || line.name }));
    }
  }

  run(name) {
    if (TOOLS.includes(name)) {
      this.tools.choose(name);
      this.refresh();
      return;
    }
    const what = this[`do_${name}`];
    if (what && (this.view.image || ["help", "train", "check", "language", "panel", "nextImage", "previousImage"].includes(name))) {
      Promise.resolve(what.call(this)).catch((error) => this.say(word(error.message)));
    }
  }

  do_undo() { return this.store.step("undo"); }
  do_redo() { return this.store.step("redo"); }
  do_fit() { this.view.fit(); }
  do_zoomIn() { this.view.zoom(1.4); }
  do_zoomOut() { this.view.zoom(1 / 1.4); }
  do_larger() { this.tools.setSize(this.tools.size * 1.2 + 1); }
  do_smaller() { this.tools.setSize(this.tools.size / 1.2 - 1); }
  do_press() { this.tools.press(); }
  do_help() { showHelp(this); }
  do_train() { showTraining(this); }
  do_gallery() { return showGallery(this); }
  do_check() { return showDisagreements(this); }
  do_panel() { $("#side").classList.toggle("open"); }
  do_previousImage() { return this.open((this.wanted || 1) - 1); }
  do_nextImage() { return this.open((this.wanted || 0) + 1); }
  do_hole() { this.setMode("hole"); }
  do_part() { this.setMode("part"); }
  do_join() { this.merge("join"); }
  do_subtract() { this.merge("subtract"); }

  do_language() {
    switchLanguage();
    this.writeWords();
  }

  do_snap() {
    this.snaps = !this.snaps;
    localStorage.setItem("maskrcnn.snap", this.snaps ? "1" : "0");
    this.say(`${word("snap")}: ${this.snaps ? "✓" : "–"}`, true);
  }

  do_hide() {
    this.store.hidden = !this.store.hidden;
    this.scene.draw();
    this.refresh();
  }

  do_cancel() {
    if (this.mode) this.setMode("");
    else if (this.tools.pressed || this.tools.current.ring?.length) this.tools.cancel();
    else this.store.select(null);
    this.tools.cancel();
  }

  do_finish() {
    if (this.tools.current.finish && this.tools.current.ring.length) this.tools.current.finish();
    else if (this.store.shownProposals().length) this.do_accept();
    else this.tools.press();
    this.scene.drawOverlay();
  }

  do_back() {
    if (this.tools.current.ring?.length) {
      this.tools.current.back();
      this.scene.drawOverlay();
    } else this.do_remove();
  }

  do_remove() {
    const chosen = this.store.selected;
    if (chosen) this.store.commit("delete", [[chosen.id, null]]);
  }

  do_duplicate() {
    const chosen = this.store.selected;
    if (!chosen) return;
    const copy = moved(chosen, 8, 8, this.view.sides);
    if (copy) this.add("duplicate", { ...copy, id: null });
  }

  do_split() {
    const chosen = this.store.selected;
    if (!chosen) return;
    const pieces = chosen.parts.length > 1
      ? chosen.parts.map((part) => ({ parts: [part], mask: null }))
      : masks.components(maskOf(chosen, this.view.sides)).map((mask) => ({ mask, parts: [] }));
    if (pieces.length < 2) return;
    const own = pieces.map((piece, k) => [k ? null : chosen.id, changed(chosen, piece)]);
    this.store.commit("split", own);
  }

  do_fillHoles() {
    const chosen = this.store.selected;
    if (!chosen) return;
    if (chosen.parts.length) this.store.commit("fill holes", [[chosen.id, changed(chosen, { parts: chosen.parts.map(([outline]) => [outline]) })]]);
    else if (chosen.mask) this.store.commit("fill holes", [[chosen.id, changed(chosen, { mask: masks.withoutHoles(chosen.mask) })]]);
  }

  do_toMask() {
    const chosen = this.store.selected;
    if (chosen && !chosen.mask) this.store.commit("to mask", [[chosen.id, changed(chosen, { mask: maskOf(chosen, this.view.sides) })]]);
  }

  async do_copyPrevious() {
    if (this.store.image.id < 2) return;
    const before = await get(`images/${this.store.image.id - 1}`);
    const sides = this.view.sides;
    const copies = before.objects.map((sent) => moved({ ...fromServer(sent), id: null }, 0, 0, sides)).filter(Boolean);
    this.store.commit("copy from previous", copies.map((copy) => [null, copy]));
  }

  async do_findAll() {
    const { store } = this;
    this.busy(true);
    try {
      const answer = await get(`images/${store.image.id}/proposals?score=0.05`);
      store.proposals = answer.objects.map((sent, k) => ({ ...fromServer(sent), id: `p${k}` }));
      for (const one of store.proposals) {
        if (!store.classNames.includes(one.class)) store.classNames = [...store.classNames, one.class];
      }
      if (!store.shownProposals().length) this.say(word("noProposals"), true);
    } finally {
      this.busy(false);
    }
    this.scene.draw();
    this.refresh();
    this.side.showClasses();
  }

  do_accept() { this.accept(this.store.shownProposals().slice(0, 1)); }
  do_acceptAll() { this.accept(this.store.shownProposals()); }
  do_reject() { this.reject(this.store.shownProposals().slice(0, 1)); }
  do_rejectAll() { this.reject(this.store.proposals); }

  accept(proposals) {
    if (!proposals.length) return;
    this.reject(proposals);
    this.store.commit("accept", proposals.map((one) => [null, { ...one, id: null }]));
  }

  reject(proposals) {
    this.store.proposals = this.store.proposals.filter((one) => !proposals.includes(one));
    this.scene.draw();
    this.refresh();
  }

  do_toFront() { this.layer("to front", this.store.extreme("max") + 1); }
  do_toBack() { this.layer("to back", this.store.extreme("min") - 1); }

  layer(name, z) {
    const chosen = this.store.selected;
    if (chosen) this.store.commit(name, [[chosen.id, changed(chosen, { z, source: chosen.source, score: chosen.score })]]);
  }

  do_nextObject() {
    const ids = [...this.store.objects.keys()];
    if (!ids.length) return;
    this.store.select(ids[(ids.indexOf(this.store.chosenId) + 1) % ids.length]);
  }

  do_markDone() { return this.store.setStatus("done"); }

  async do_next() {
    const { store } = this;
    this.busy(true);
    try {
      if (store.image.status !== "done") await store.setStatus("done");
      const found = await get(`next?after=${store.image.id}`);
      if (found.id === null) this.say(word("nothingLeft"), true);
      else await this.open(found.id);
    } finally {
      this.busy(false);
    }
  }

  async do_save() {
    await this.store.settled();
    this.store.project.saving = await post("saving");
    this.refresh();
    this.say(`${this.store.project.saving.path} ✓`, true);
  }

  async lookAtSaving() {
    if (!this.store.project || document.hidden || this.store.waiting.length) return;
    try {
      const saving = await get("saving");
      if (saving.error && saving.error !== this.saveError) this.say(word("saveFailed", { why: saving.error }));
      this.saveError = saving.error;
      this.store.project.saving = saving;
    } catch {
      // what cannot be asked now is asked again; strokes say it themselves
    }
  }

  // The next object that is clicked is joined with the chosen one, or taken away from it.
  merge(how) {
    if (!this.store.selected) return;
    this.setMode(how);
    const first = this.store.selected;
    const stop = (event) => {
      const at = this.tools.point(event);
      const { store } = this;
      const second = hit([...store.objects.values()].filter((one) => one !== first), at.x, at.y, at.reach);
      event.stopPropagation();
      this.stage.removeEventListener("pointerdown", stop, true);
      if (this.mode !== how || !second || !store.objects.has(first.id)) return this.setMode("");
      const [a, b] = [maskOf(first, this.view.sides), maskOf(second, this.view.sides)];
      const changes = how === "join"
        ? [[first.id, changed(first, { mask: masks.join(a, b) })], [second.id, null]]
        : [[first.id, changed(first, { mask: masks.subtract(a, b) })]];
      store.commit(how, changes);
      this.setMode("");
    };
    this.stage.addEventListener("pointerdown", stop, true);
  }

  setMode(mode) {
    this.mode = mode;
    if (mode === "hole" || mode === "part") {
      if (!this.store.selected?.parts.length) this.mode = "";
      else this.tools.choose("polygon");
    }
    if (this.mode) this.say(word(this.mode), true);
    this.refresh();
  }

  add(name, object) {
    if (!object) return;
    const [id] = this.store.commit(name, [[null, object]]);
    if (id !== undefined) this.store.select(id);
  }

  // The class that is drawn; without one, objects are called so, and the panel can name them.
  className() {
    if (!this.store.className) this.store.chooseClass("object");
    return this.store.className;
  }

  chooseNumber(number) {
    const name = this.store.classNames[number - 1];
    if (name) this.chooseClass(name);
  }

  // A class for what is drawn next; with the tool that chooses objects, of the chosen one as well.
  chooseClass(name) {
    this.store.chooseClass(name);
    const chosen = this.tools.current.name === "select" ? this.store.selected : null;
    if (chosen && chosen.class !== name) this.store.commit("class", [[chosen.id, changed(chosen, { class: name })]]);
  }

  askForKeypoints() { askForKeypoints(this); }
  hasObjects() { return this.store.objects.size > 0; }
  countAction() { this.actions += 1; }

  snapped(x, y, reach) {
    let best = null;
    for (const object of this.store.objects.values()) {
      if (isBox(object) && !object.parts.length && object.mask) continue;
      for (const [hx, hy] of handles(object)) {
        const distance = Math.hypot(hx - x, hy - y);
        if (distance <= reach && (!best || distance < best.distance)) best = { distance, at: [hx, hy] };
      }
    }
    return best ? best.at : [x, y];
  }

  lift(id) {
    if (this.scene.lifted === id) return;
    const before = this.store.objects.get(this.scene.lifted);
    this.scene.lifted = id;
    const now = this.store.objects.get(id);
    for (const object of [before, now]) if (object) this.scene.repaint(object.box);
    this.scene.drawOverlay();
  }

  busy(is) {
    this.stage.classList.toggle("busy", is);
    this.stage.setAttribute("aria-busy", String(is));
  }

  say(sentence, isGood = false) {
    const node = $("#problem");
    clearTimeout(this.quiet);
    node.hidden = !sentence;
    node.textContent = sentence;
    node.classList.toggle("good", isGood);
    if (sentence) this.quiet = setTimeout(() => { node.hidden = true; }, isGood ? 3500 : 12000);
  }

  showPosition(at) {
    if (!this.view.image) return;
    const zoom = `${Math.round(this.view.scale * 100)} %`;
    const inside = at && at.x >= 0 && at.y >= 0 && at.x < this.view.image.width && at.y < this.view.image.height;
    const extra = this.tools?.current.name === "points" ? ` · ${this.tools.current.next}` : "";
    $("#position").textContent = (inside ? `${Math.floor(at.x)}, ${Math.floor(at.y)} · ${zoom}` : `${this.view.image.width} × ${this.view.image.height} · ${zoom}`) + extra;
  }

  refresh() {
    const { store } = this;
    const { image } = store;
    if (!image) return;
    const count = store.waiting.length;
    $("#undo").disabled = !image.undo && !count;
    $("#redo").disabled = !image.redo;
    $("#where").textContent = `${image.id} / ${store.images.length} · ${image.name}`;
    $("#saved").textContent = count > 1 ? word("waiting", { n: count }) : count ? word("writing") : word("onDisk");
    $("#saved").dataset.state = count > 1 ? "bad" : "";
    const proposals = store.shownProposals().length;
    $("#proposals").hidden = !store.proposals.length;
    $("#proposal-count").textContent = word("proposals", { n: proposals });
    $("#score").value = store.score;
    $("#score-shown").textContent = store.score.toFixed(2);
    for (const button of document.querySelectorAll("#tools [data-do]")) {
      button.setAttribute("aria-pressed", String(button.dataset.do === this.tools.current.name));
    }
    $("#hide").setAttribute("aria-pressed", String(store.hidden));
    this.stage.dataset.tool = this.tools.current.name;
    this.showSettings();
    this.showPosition(this.tools.pointer);
  }

  // What belongs to the tool in hand, and how bright the image is shown.
  showSettings() {
    const tool = this.tools.current;
    const range = (name, min, max, step, value, set) => {
      const input = element("input", { type: "range", min, max, step, value });
      input.addEventListener("input", () => set(Number(input.value)));
      return element("label", { className: name }, word(name), input);
    };
    const { image } = this.view;
    const key = `${tool.name}${currentLanguage()}${image?.depth ? image.id : ""}`;
    if (this.settingsOf === key && document.activeElement?.closest("#tool-settings")) return;
    this.settingsOf = key;
    const nodes = [];
    if (tool.brush) nodes.push(range("brushSize", 1, 200, 1, this.tools.size, (v) => this.tools.setSize(v)));
    if (tool.name === "flood") nodes.push(range("tolerance", 0, 120, 1, tool.tolerance, (v) => { tool.tolerance = v; }));
    if (!nodes.length && !image?.depth) {
      for (const name of ["brightness", "contrast"]) {
        nodes.push(range(name, 0.2, 4, 0.05, this.light[name], (v) => this.setLight(name, v)));
      }
    }
    if (image?.depth) {
      const [least, , , most] = image.depth;
      const step = (most - least) / 1000 || 1;
      const set = (low, high) => this.view.setWindow(low, high).catch((error) => this.say(word(error.message)));
      nodes.push(
        range("black", least, most, step, this.view.window[0], (v) => set(v, this.view.window[1])),
        range("white", least, most, step, this.view.window[1], (v) => set(this.view.window[0], v)),
      );
    }
    $("#tool-settings").replaceChildren(...nodes);
  }

  setLight(name, value) {
    this.light[name] = value;
    const { brightness, contrast } = this.light;
    $("#picture").style.filter = brightness === 1 && contrast === 1 ? "" : `brightness(${brightness}) contrast(${contrast})`;
  }

  writeWords() {
    document.documentElement.lang = currentLanguage();
    const tip = (name) => (this.keys.of(name) ? `${word(name === "next" ? "nextHint" : name)} (${this.keys.shown(name)})` : word(name));
    $("#tools").replaceChildren(
      ...TOOLS.map((name) => {
        const button = element("button", { title: tip(name), data: { do: name } }, icon(name));
        button.setAttribute("aria-label", word(name));
        return button;
      }),
    );
    for (const node of document.querySelectorAll("[data-word]")) node.textContent = word(node.dataset.word);
    for (const node of document.querySelectorAll("[data-icon]")) {
      node.querySelector("svg")?.remove();
      node.prepend(icon(node.dataset.icon));
      node.title = tip(node.dataset.do);
      node.setAttribute("aria-label", word(node.dataset.do));
    }
    $("#help-open").title = tip("help");
    $("#help-open").setAttribute("aria-label", word("help"));
    $("#class-new").placeholder = word("addClass");
    $("#class-new").setAttribute("aria-label", word("addClass"));
    $("#search").placeholder = word("search");
    $("#search").setAttribute("aria-label", word("search"));
    this.stage.setAttribute("aria-label", word("images"));
    this.settingsOf = "";
    this.side.writeWords();
    this.refresh();
  }
}

const app = new App();
window.studio = app; // for scripts and tests in this page
app.begin();

