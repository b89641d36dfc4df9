// What the page knows: the project, the image that is open, its objects, and strokes on their way to the disk.

import { get, post, put } from "./api.js";
import { fromServer, toServer } from "./draw/objects.js";

const AGAIN = 2000; // milliseconds after which a stroke that was not taken is sent again
const PLACE = "maskrcnn.place";

export class Store extends EventTarget {
  constructor() {
    super();
    this.project = null;
    this.image = null;
    this.objects = new Map();
    this.images = [];
    this.counts = {};
    this.chosenId = null;
    this.className = "";
    this.proposals = [];
    this.score = 0.5;
    this.hidden = false;
    this.waiting = []; // strokes that are not on the disk yet
    this.numbers = new Map(); // from a page's own number of a new object to the one that it got
    this.free = -1;
    this.classNames = [];
    this.skeleton = [];
    this.keypointNames = [];
    this.warned = new Set(); // what the format cannot hold, and that was said
  }

  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  on(names, listener) {
    for (const name of names.split(" ")) this.addEventListener(name, (event) => listener(event.detail));
  }

  takeProject(project) {
    this.project = project;
    this.classNames = project.class_names;
    this.keypointNames = project.keypoint_names;
    this.skeleton = project.skeleton;
    if (!this.className) this.className = this.classNames[0] || "";
    this.tell("project");
  }

  async loadProject() {
    const [project, list] = await Promise.all([get("project"), get("images")]);
    this.takeProject(project);
    this.takeImages(list);
  }

  takeImages(list) {
    this.images = list.images;
    this.counts = list.counts;
    this.tell("images");
  }

  get selected() {
    return this.objects.get(this.chosenId) || null;
  }

  select(id) {
    this.chosenId = id;
    const object = this.selected;
    if (object && object.class !== this.className) this.chooseClass(object.class);
    this.tell("selected");
  }

  chooseClass(name) {
    this.className = name;
    this.tell("class");
  }

  // Where one was: kept by the browser, so that a reload continues there.
  place() {
    return Number(localStorage.getItem(`${PLACE}.${this.project.folder}`)) || 1;
  }

  // Whether the image is open now: not where `isWanted` says that another one is asked for by then.
  async open(id, isWanted) {
    const image = await get(`images/${id}`);
    if (!isWanted()) return false;
    localStorage.setItem(`${PLACE}.${this.project.folder}`, String(id));
    this.take(image);
    this.tell("opened");
    return true;
  }

  take(image) {
    this.image = image;
    this.objects = new Map(image.objects.map((sent) => [sent.id, fromServer(sent)]));
    this.sort();
    this.proposals = [];
    if (!this.objects.has(this.chosenId)) this.chosenId = null;
    this.tell("objects");
    this.tell("selected");
  }

  // Objects stand in the order in which they are drawn, the uppermost last.
  sort() {
    this.objects = new Map([...this.objects].sort(([a, one], [b, other]) => one.z - other.z || age(a) - age(b)));
  }

  // The z of the uppermost object, or of the lowest.
  extreme(which) {
    let found = null;
    for (const { z } of this.objects.values()) found = found === null ? z : Math[which](found, z);
    return found ?? 0;
  }

  shownProposals() {
    return this.proposals.filter((one) => (one.score ?? 1) >= this.score);
  }

  // Change objects and send the stroke. `changes` are pairs of an id (null: a new object) and the object or null.
  commit(name, changes) {
    if (!changes.length) return [];
    const sent = [];
    const ids = [];
    const boxes = [];
    let moved = false;
    for (const [id, object] of changes) {
      const own = id ?? this.free--;
      ids.push(own);
      const before = this.objects.get(own);
      if (before) boxes.push(before.box);
      if (object) {
        object.id = own;
        if (!before) object.z = this.extreme("max"); // what is new lies above
        moved ||= Boolean(before) && before.z !== object.z;
        this.objects.set(own, object);
        boxes.push(object.box);
        if (!this.classNames.includes(object.class)) this.classNames = [...this.classNames, object.class];
      } else this.objects.delete(own);
      sent.push({ own, after: object ? toServer(object) : null });
    }
    if (moved) this.sort();
    this.warn(changes);
    if (this.chosenId !== null && !this.objects.has(this.chosenId)) this.chosenId = null;
    const line = this.images[this.image.id - 1];
    if (line) line.objects = this.objects.size;
    if (line && line.status === "todo") this.image.status = line.status = "draft";
    this.waiting.push({ image: this.image.id, name, sent, key: newKey() });
    this.tell("changed", union(boxes));
    this.tell("selected");
    this.send();
    return ids;
  }

  // Say what the format of the labels cannot hold as soon as somebody draws it, once each.
  warn(changes) {
    for (const [name, sentence] of Object.entries(this.project.saving.limits)) {
      if (this.warned.has(name) || !changes.some(([, object]) => object && has(object, name))) continue;
      this.warned.add(name);
      this.tell("problem", sentence);
      return;
    }
  }

  async send() {
    if (this.sending) return;
    this.sending = true;
    this.tell("saving");
    try {
      while (this.waiting.length) {
        const stroke = this.waiting[0];
        const changes = stroke.sent.map(({ own, after }) => {
          const id = own < 0 ? this.numbers.get(own) : own;
          return id === undefined ? { after } : { id, after };
        });
        const answer = await post(`images/${stroke.image}/strokes`, {
          name: stroke.name,
          changes,
          seq: this.image.id === stroke.image ? this.image.seq : 0,
          key: stroke.key,
        });
        this.waiting.shift();
        stroke.sent.forEach(({ own }, k) => this.numbered(own, answer.changes[k].id));
        this.takeAnswer(stroke.image, answer);
      }
      if (this.isWaiting) this.tell("problem", "");
      this.isWaiting = false;
    } catch (error) {
      this.isWaiting = true;
      if (error.status === 0 || error.status === 401 || error.status === 507) {
        setTimeout(() => this.send(), AGAIN); // it waits here, and nothing is lost
        this.tell("problem", error.status === 0 ? "noAnswer" : error.message);
      } else {
        this.waiting = [];
        this.tell("problem", error.message);
        await this.reload();
      }
    } finally {
      this.sending = false;
      this.tell("saving");
    }
  }

  numbered(own, id) {
    if (own >= 0) return;
    this.numbers.set(own, id);
    const object = this.objects.get(own);
    if (!object) return;
    const entries = [...this.objects].map(([key, value]) => (key === own ? [id, value] : [key, value]));
    object.id = id;
    this.objects = new Map(entries);
    if (this.chosenId === own) this.chosenId = id;
  }

  takeAnswer(image, answer) {
    const line = this.images[image - 1];
    if (line) Object.assign(line, { status: answer.status, objects: answer.objects });
    if (answer.class_names.length !== this.classNames.length) {
      this.classNames = answer.class_names;
      this.tell("class");
    }
    if (this.image.id === image) {
      Object.assign(this.image, { seq: answer.seq, undo: answer.undo, redo: answer.redo, status: answer.status });
    }
    this.tell("line", image);
  }

  // Resolves when all strokes are on the disk.
  async settled() {
    while (this.waiting.length || this.sending) await new Promise((done) => setTimeout(done, 20));
  }

  async reload() {
    try {
      this.take(await get(`images/${this.image.id}`));
      this.tell("changed", null);
    } catch (error) {
      this.tell("problem", error.message);
    }
  }

  // Undo or redo; one after the other, however fast the key is pressed.
  step(what) {
    this.steps = (this.steps || Promise.resolve()).then(() => this.takeStep(what));
    return this.steps;
  }

  async takeStep(what) {
    await this.settled();
    const image = this.image.id;
    if (!this.image[what]) return;
    try {
      const answer = await post(`images/${image}/${what}`);
      if (this.image.id !== image) return;
      const boxes = [];
      for (const { id, after } of answer.changes) {
        const before = this.objects.get(id);
        if (before) boxes.push(before.box);
        if (after) {
          const object = fromServer({ ...after, id });
          this.objects.set(id, object);
          boxes.push(object.box);
        } else this.objects.delete(id);
      }
      this.sort();
      this.takeAnswer(image, answer);
      if (!this.objects.has(this.chosenId)) this.chosenId = null;
      this.tell("changed", union(boxes));
      this.tell("selected");
    } catch (error) {
      this.tell("problem", error.message);
    }
  }

  async setStatus(status) {
    await this.settled();
    const line = await put(`images/${this.image.id}/status`, { status });
    Object.assign(this.images[line.id - 1], line);
    this.image.status = line.status;
    this.tell("line", line.id);
  }
}

// New objects, whose numbers are below 0 until they get their own, come after all that have one.
const age = (id) => (id < 0 ? 1e12 - id : id);

// Whether an object has what a format may lack.
function has(object, name) {
  if (name === "holes") return !object.mask && object.parts.some((part) => part.length > 1);
  if (name === "parts") return !object.mask && object.parts.length > 1;
  if (name === "mask") return Boolean(object.mask);
  if (name === "keypoints") return object.keypoints.some(([, , visible]) => visible);
  return object.attributes.includes(name);
}

// crypto.randomUUID is not there on pages that come from another machine.
function newKey() {
  return [...crypto.getRandomValues(new Uint32Array(4))].map((n) => n.toString(36)).join("-");
}

function union(boxes) {
  if (!boxes.length) return null;
  return [
    Math.min(...boxes.map((b) => b[0])),
    Math.min(...boxes.map((b) => b[1])),
    Math.max(...boxes.map((b) => b[2])),
    Math.max(...boxes.map((b) => b[3])),
  ];
}
