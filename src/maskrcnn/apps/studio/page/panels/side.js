// The panel: classes, the objects of the image, and the list of images.

import { get, post } from "../api.js";
import { changed } from "../draw/objects.js";
import { colourOf, css } from "../draw/scene.js";
import { element, icon } from "../icons.js";
import { word } from "../words.js";
import { scoreChoice } from "./dialogs.js";

const ROW = 54; // pixels of a line in the list of images
const OBJECT_ROW = 28; // pixels of a line in the list of objects
const OBJECT_TOOLS = ["remove", "duplicate", "join", "subtract", "split", "hole", "part", "fillHoles", "toMask", "toFront", "toBack"];
const STATUSES = ["todo", "draft", "done"];
const $ = (selector) => document.querySelector(selector);

export class Side {
  constructor(app) {
    this.app = app;
    const { store } = app;
    store.on("project class", () => this.showClasses());
    store.on("objects changed selected class", () => this.showObjectsSoon());
    store.on("images opened line", () => this.showImages());
    $("#class-form").addEventListener("submit", (event) => this.addClass(event));
    $("#search").addEventListener("input", () => this.showImages());
    $("#filter").addEventListener("change", () => this.showImages());
    for (const id of ["#of-class", "#below"]) $(id).addEventListener("change", () => this.lookFor());
    $("#image-list").addEventListener("scroll", () => this.showRows());
    $("#object-list").addEventListener("scroll", () => this.showObjectRows());
    new ResizeObserver(() => this.showRows()).observe($("#image-list"));
    new ResizeObserver(() => this.showObjectRows()).observe($("#object-list"));
    $("#image-list").addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step) {
        event.preventDefault();
        app.open((app.wanted || 1) + step).then(() => $("#image-list").focus());
      }
    });
    this.found = [];
    this.listed = []; // objects in the list
    this.unreadable = new Set();
  }

  writeWords() {
    const chosen = $("#filter").value || "all";
    $("#filter").replaceChildren(...["all", ...STATUSES].map((name) => element("option", { value: name }, word(name))));
    $("#filter").value = chosen;
    $("#filter").setAttribute("aria-label", word("images"));
    const below = $("#below").value || "1";
    $("#below").replaceChildren(...scoreChoice().children);
    $("#below").value = below;
    $("#below").setAttribute("aria-label", word("score"));
    $("#of-class").setAttribute("aria-label", word("classes"));
    $("#object-list").setAttribute("aria-label", word("objects"));
    $("#image-list").setAttribute("aria-label", word("images"));
    $("#object-tools").replaceChildren(
      ...OBJECT_TOOLS.map((name) => {
        const button = element("button", { title: `${word(name)} (${this.app.keys.shown(name)})`, data: { do: name } }, icon(name));
        button.setAttribute("aria-label", word(name));
        return button;
      }),
    );
    $("#status-row").replaceChildren(
      ...STATUSES.map((name) => {
        const button = element("button", { data: { status: name } }, element("span", { className: `status ${name}` }, word(name)));
        button.addEventListener("click", () => this.app.store.setStatus(name).catch((error) => this.app.say(word(error.message))));
        return button;
      }),
    );
    this.showClasses();
    this.showObjects();
    this.showImages();
  }

  // Which images have an object of a class, or one that a model was unsure of: the studio knows.
  async lookFor() {
    const [name, below] = [$("#of-class").value, $("#below").value];
    const asked = `${name}/${below}`;
    this.having = null;
    this.lookedFor = asked;
    if (!name && below === "1") return this.showImages();
    try {
      await this.app.store.settled();
      for (let unread = 1; unread > 0 && this.lookedFor === asked;) {
        const list = await get(`images?class_name=${encodeURIComponent(name)}&below=${below}`);
        if (this.lookedFor !== asked) return;
        this.having = new Set(list.images.map((line) => line.id));
        unread = list.unread;
        this.showImages();
      }
    } catch (error) {
      this.app.say(word(error.message));
    }
  }

  showClasses() {
    const { store } = this.app;
    const chosen = $("#of-class").value;
    $("#of-class").replaceChildren(
      element("option", { value: "" }, word("anyClass")),
      ...store.classNames.map((value) => element("option", { value }, value)),
    );
    $("#of-class").value = store.classNames.includes(chosen) ? chosen : "";
    $("#classes").replaceChildren(
      ...store.classNames.map((name, k) => {
        const dot = element("i", { className: "dot" });
        dot.style.background = css(colourOf(k));
        const button = element("button", { title: k < 9 ? `${name} (${k + 1})` : name }, dot, element("span", {}, name));
        button.setAttribute("aria-pressed", String(name === store.className));
        button.addEventListener("click", () => this.app.chooseClass(name));
        return button;
      }),
    );
  }

  async addClass(event) {
    event.preventDefault();
    const input = $("#class-new");
    const name = input.value.trim();
    if (!name) return;
    try {
      const project = await post("classes", { names: [name] });
      input.value = "";
      this.app.store.takeProject(project);
      this.app.chooseClass(name);
      this.app.stage.focus({ preventScroll: true });
    } catch (error) {
      this.app.say(word(error.message));
    }
  }

  showObjectsSoon() {
    if (this.asked) return;
    this.asked = true;
    setTimeout(() => {
      this.asked = false;
      this.showObjects();
    }, 60);
  }

  showObjects() {
    const { store } = this.app;
    const all = [...store.objects.values()];
    $("#object-count").textContent = all.length ? String(all.length) : "";
    this.listed = all;
    $("#object-room").style.height = `${all.length * OBJECT_ROW}px`;
    const list = $("#object-list");
    const at = store.selected && this.seenChosen !== store.chosenId ? all.indexOf(store.selected) * OBJECT_ROW : -1;
    if (at >= 0 && (at < list.scrollTop || at + OBJECT_ROW > list.scrollTop + list.clientHeight)) list.scrollTop = at - OBJECT_ROW;
    this.seenChosen = store.chosenId;
    this.showObjectRows();
    this.showFlags(store.selected);
    for (const button of document.querySelectorAll("#object-tools button")) button.disabled = !store.selected;
  }

  // Only the lines that are seen, of however many there are.
  showObjectRows() {
    const list = $("#object-list");
    const first = Math.max(0, Math.floor(list.scrollTop / OBJECT_ROW) - 4);
    const last = Math.ceil((list.scrollTop + list.clientHeight) / OBJECT_ROW) + 4;
    const nodes = this.listed.slice(first, last).map((object, k) => {
      const node = this.objectLine(object);
      node.style.top = `${(first + k) * OBJECT_ROW}px`;
      return node;
    });
    $("#object-room").replaceChildren(...nodes);
  }

  objectLine(object) {
    const { store } = this.app;
    const dot = element("i", { className: "dot" });
    dot.style.background = css(colourOf(store.classNames.indexOf(object.class)));
    const marks = object.attributes.map((name) => word(name)).join(", ");
    const button = element("button", {}, dot, element("span", {}, object.class), element("small", { className: "quiet" }, marks));
    if (object.score !== null) button.append(element("span", { className: "score" }, object.score.toFixed(2)));
    button.setAttribute("role", "option");
    const isChosen = object.id === store.chosenId;
    button.setAttribute("aria-selected", String(isChosen));
    button.addEventListener("click", () => {
      store.select(object.id);
      const [x1, y1, x2, y2] = this.app.view.seen();
      const [a, b, c, d] = object.box;
      if (c < x1 || d < y1 || a > x2 || b > y2) this.app.view.showBox(object.box);
    });
    return button;
  }

  // Marks of the object that is chosen.
  showFlags(object) {
    const { store } = this.app;
    const names = object ? store.project.attributes : [];
    const flags = names.map((name) => {
      const flag = element("button", {}, word(name));
      const has = object.attributes.includes(name);
      flag.setAttribute("aria-pressed", String(has));
      flag.addEventListener("click", () => {
        const attributes = has ? object.attributes.filter((one) => one !== name) : [...object.attributes, name].sort();
        store.commit(name, [[object.id, changed(object, { attributes })]]);
      });
      return flag;
    });
    $("#object-flags").replaceChildren(...flags);
  }

  mark(id) {
    this.unreadable.add(id);
    this.showRows();
  }

  showImages() {
    const { store } = this.app;
    const [status, search] = [$("#filter").value, $("#search").value.toLowerCase()];
    this.found = store.images.filter(
      (line) =>
        (status === "all" || !status || line.status === status) &&
        line.name.toLowerCase().includes(search) &&
        (!this.having || this.having.has(line.id)),
    );
    const done = store.images.filter((line) => line.status === "done").length;
    $("#image-count").textContent = store.images.length ? `${done} / ${store.images.length}` : "";
    $("#image-room").style.height = `${this.found.length * ROW}px`;
    for (const button of document.querySelectorAll("#status-row button")) {
      button.setAttribute("aria-pressed", String(button.dataset.status === store.image?.status));
    }
    this.showRows();
    if (store.image && this.shownFor !== store.image.id) {
      this.shownFor = store.image.id;
      const list = $("#image-list");
      const at = this.found.findIndex((line) => line.id === store.image.id) * ROW;
      if (at >= 0 && (at < list.scrollTop || at + ROW > list.scrollTop + list.clientHeight)) list.scrollTop = at - ROW;
    }
  }

  // Only the lines that are seen, of however many there are.
  showRows() {
    const { store } = this.app;
    const list = $("#image-list");
    const first = Math.max(0, Math.floor(list.scrollTop / ROW) - 2);
    const last = Math.min(this.found.length, Math.ceil((list.scrollTop + list.clientHeight) / ROW) + 2);
    const kept = new Map([...$("#image-room").children].map((node) => [node.dataset.key, node]));
    const nodes = [];
    for (let k = first; k < last; k++) {
      const line = this.found[k];
      const isOpen = line.id === store.image?.id;
      const key = [line.id, line.status, line.objects, isOpen, k, this.unreadable.has(line.id), document.documentElement.lang].join();
      nodes.push(kept.get(key) || this.imageLine(line, k, isOpen, key));
    }
    $("#image-room").replaceChildren(...nodes);
  }

  imageLine(line, k, isOpen, key) {
    const broken = this.unreadable.has(line.id);
    const picture = element("img", { alt: "", loading: "lazy", decoding: "async", src: `/api/images/${line.id}/small` });
    const said = `${word(line.status)} · ${word("objectShort", { n: line.objects })}`;
    const text = element(
      "div",
      { className: "text" },
      element("span", {}, line.name),
      element("small", { className: `status ${line.status}` }, broken ? "⚠" : said),
    );
    const button = element("button", { title: line.name, data: { key } }, picture, text);
    button.setAttribute("role", "option");
    button.setAttribute("aria-selected", String(isOpen));
    button.style.top = `${k * ROW}px`;
    button.addEventListener("click", () => {
      $("#side").classList.remove("open");
      this.app.open(line.id);
    });
    return button;
  }
}
