// Dialogs: keys, training with its curves, the gallery of a class, and the names of keypoints.

import { get, post, put } from "../api.js";
import { fromServer } from "../draw/objects.js";
import { element } from "../icons.js";
import { DEFAULTS, Keys } from "../keys.js";
import { word } from "../words.js";

const TIMES = ["2m", "10m", "30m", "1h", "3h"];
const LOOK = 1500; // milliseconds between looks at a training
const PERSON = `nose\nleft eye\nright eye\nleft ear\nright ear\nleft shoulder\nright shoulder\nleft elbow\nright elbow
left wrist\nright wrist\nleft hip\nright hip\nleft knee\nright knee\nleft ankle\nright ankle
left shoulder - right shoulder\nleft shoulder - left elbow\nleft elbow - left wrist\nright shoulder - right elbow
right elbow - right wrist\nleft shoulder - left hip\nright shoulder - right hip\nleft hip - right hip
left hip - left knee\nleft knee - left ankle\nright hip - right knee\nright knee - right ankle\nnose - left eye
nose - right eye\nleft eye - left ear\nright eye - right ear`;

function show(app, ...nodes) {
  const close = element("button", {}, word("close"));
  close.addEventListener("click", () => app.dialog.close());
  const content = document.querySelector("#dialog-content");
  content.replaceChildren(...nodes, element("div", { className: "row" }, element("span", { className: "push" }), close));
  if (!app.dialog.open) app.dialog.showModal();
}

export function showHelp(app) {
  const lines = Object.keys(DEFAULTS).map((name) => {
    const key = element("button", {}, app.keys.shown(name));
    key.setAttribute("aria-label", `${word(name === "next" ? "nextHint" : name)}: ${app.keys.shown(name)}`);
    key.addEventListener("click", () => {
      key.textContent = "…";
      key.title = word("change", { what: word(name) });
      const take = (event) => {
        if (["Shift", "Control", "Alt", "Meta"].includes(event.key)) return;
        event.preventDefault();
        event.stopPropagation();
        window.removeEventListener("keydown", take, true);
        app.keys.change(name, Keys.name(event));
        app.writeWords();
        showHelp(app);
      };
      window.addEventListener("keydown", take, true);
    });
    return element("div", {}, element("span", {}, word(name === "next" ? "nextHint" : name)), key);
  });
  const reset = element("button", {}, word("resetKeys"));
  reset.addEventListener("click", () => {
    app.keys.reset();
    app.writeWords();
    showHelp(app);
  });
  const language = element("button", {}, word("language"));
  language.addEventListener("click", () => {
    app.do_language();
    showHelp(app);
  });
  show(
    app,
    element("h1", {}, word("help")),
    element("p", {}, `${word("digits")}. ${word("arrows")}.`),
    element("p", {}, word("mouse")),
    element("div", { className: "keys" }, ...lines),
    element("div", { className: "row" }, reset, language),
  );
}

export function showTraining(app) {
  const time = element("select", {}, ...TIMES.map((value) => element("option", { value }, value)));
  time.value = "10m";
  time.setAttribute("aria-label", word("time"));
  const button = (name, act, isMain = false) => {
    const node = element("button", { className: isMain ? "main" : "" }, word(name));
    node.addEventListener("click", () => act().then(draw, (error) => app.say(word(error.message))));
    return node;
  };
  const start = button("start", async () => {
    await app.store.settled();
    return post("training", { time: time.value });
  }, true);
  const stop = button("stop", () => post("training/stop"));
  const check = element("button", {}, word("check"));
  check.addEventListener("click", () => app.run("check"));
  const resume = button("resume", () => post("training", { resume: true, time: time.value }));
  const state = element("strong", { id: "training-state" });
  state.setAttribute("role", "status");
  const model = element("span", { className: "quiet push" });
  const canvas = element("canvas", { className: "curves" });
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `${word("loss")}, ${word("ap")}`);
  const said = element("pre", { tabIndex: 0 });
  const plan = element("pre", { tabIndex: 0 });
  const details = element("details", {}, element("summary", {}, word("plan")), plan);

  function draw(training) {
    const isRunning = training.state === "running";
    state.textContent = word(training.state, { n: training.images });
    start.hidden = isRunning;
    stop.hidden = !isRunning;
    resume.hidden = !training.can_resume;
    check.hidden = isRunning || training.state === "idle";
    details.hidden = !training.plan;
    plan.textContent = training.plan;
    said.hidden = !training.said.length;
    said.textContent = training.said.slice(isRunning ? -4 : -12).join("\n");
    canvas.hidden = !training.lines.length;
    if (!canvas.hidden) drawCurves(canvas, training.lines);
    if (app.store.project.model !== training.model) get("project").then((p) => { model.textContent = word("model", { name: p.model.split("/").slice(-3).join("/") }); });
  }

  async function look() {
    if (!app.dialog.open || !state.isConnected) return;
    try {
      draw(await get("training"));
    } catch (error) {
      said.textContent = word(error.message);
    }
    setTimeout(look, LOOK);
  }

  show(
    app,
    element("h1", {}, word("trainTitle")),
    element("p", {}, word("trainWhat")),
    element("div", { className: "row" }, element("label", { className: "row" }, word("time"), time), start, resume, stop, check, model),
    state,
    canvas,
    said,
    details,
  );
  look();
}

// The loss of steps and validations, and the average precision, over the steps.
export function drawCurves(canvas, lines) {
  const ratio = window.devicePixelRatio || 1;
  const [w, h] = [canvas.clientWidth || 600, canvas.clientHeight || 210];
  canvas.width = w * ratio;
  canvas.height = h * ratio;
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  const style = getComputedStyle(document.documentElement);
  const [ink, quiet, line] = ["--ink", "--quiet", "--line"].map((name) => style.getPropertyValue(name));
  const series = [
    { name: word("loss"), colour: "#3987e5", points: points(lines, "loss") },
    { name: `val ${word("loss")}`, colour: "#e0713c", points: points(lines, "val/loss") },
    { name: word("ap"), colour: "#2f9e5f", points: points(lines, "mask/AP"), isPart: true },
  ].filter((one) => one.points.length);
  const last = Math.max(1, ...series.flatMap((one) => one.points.map(([step]) => step)));
  const most = Math.max(1e-6, ...series.filter((one) => !one.isPart).flatMap((one) => one.points.map(([, value]) => value)));
  const [left, right, top, bottom] = [40, w - 40, 26, h - 22];
  const x = (step) => left + ((right - left) * step) / last;
  context.font = "11px system-ui, sans-serif";
  context.fillStyle = quiet;
  context.strokeStyle = line;
  for (let k = 0; k <= 4; k++) {
    const y = bottom - ((bottom - top) * k) / 4;
    context.beginPath();
    context.moveTo(left, y);
    context.lineTo(right, y);
    context.stroke();
    context.textAlign = "right";
    context.fillText(((most * k) / 4).toPrecision(2), left - 5, y + 4);
    if (series.some((one) => one.isPart)) {
      context.textAlign = "left";
      context.fillText((k / 4).toFixed(2), right + 5, y + 4);
    }
  }
  context.textAlign = "center";
  context.fillText(String(last), right, h - 6);
  let at = left;
  context.textAlign = "left";
  for (const one of series) {
    context.strokeStyle = context.fillStyle = one.colour;
    context.lineWidth = 2;
    context.beginPath();
    for (const [step, value] of one.points) context.lineTo(x(step), bottom - ((bottom - top) * value) / (one.isPart ? 1 : most));
    context.stroke();
    if (one.points.length < 12) {
      for (const [step, value] of one.points) {
        context.beginPath();
        context.arc(x(step), bottom - ((bottom - top) * value) / (one.isPart ? 1 : most), 3, 0, 7);
        context.fill();
      }
    }
    context.fillRect(at, 10, 10, 3);
    context.fillStyle = ink;
    const label = `${one.name} ${one.points.at(-1)[1].toPrecision(3)}`;
    context.fillText(label, at + 14, 15);
    at += 30 + context.measureText(label).width;
  }
}

const points = (lines, name) => lines.filter((one) => Number.isFinite(one[name])).map((one) => [one.step, one[name]]);

// Scores that a model gave: all objects, or those that it was this sure of at the most.
export function scoreChoice() {
  const options = [1, 0.9, 0.7, 0.5, 0.3].map((value) =>
    element("option", { value }, value < 1 ? word("below", { n: value }) : word("anyScore")),
  );
  const node = element("select", {}, ...options);
  node.setAttribute("aria-label", word("score"));
  return node;
}

export async function showGallery(app) {
  const { store } = app;
  const choice = element("select", {}, ...store.classNames.map((value) => element("option", { value }, value)));
  choice.value = store.className;
  const below = scoreChoice();
  choice.setAttribute("aria-label", word("classes"));
  const pictures = element("div", { className: "pictures" });
  const fill = async () => {
    const { objects, total } = await get(`gallery?limit=200&below=${below.value}&class_name=${encodeURIComponent(choice.value)}`);
    count.textContent = word("objectShort", { n: total });
    pictures.replaceChildren(
      ...objects.map(({ image, name, object }) => pictureOf(app, image, object, name.split("/").pop(), () => store.select(object.id))),
    );
  };
  const count = element("span", { className: "quiet" });
  choice.addEventListener("change", fill);
  below.addEventListener("change", fill);
  show(app, element("h1", {}, word("gallery")), element("div", { className: "row" }, choice, below, count), pictures);
  await fill();
}

// A small picture of an object; a click opens its image in place, and `then` says what is done with it there.
function pictureOf(app, image, object, text, then) {
  const [x1, y1, x2, y2] = object.box;
  const margin = 0.1 * Math.max(x2 - x1, y2 - y1) + 2;
  const box = [x1 - margin, y1 - margin, x2 + margin, y2 + margin].map((v) => Math.max(0, Math.round(v)));
  const picture = element("img", { alt: object.class, loading: "lazy", src: `/api/images/${image}/small?box=${box}` });
  const button = element("button", { title: text }, picture, element("small", {}, text));
  button.addEventListener("click", async () => {
    app.dialog.close();
    await app.open(image);
    then();
    app.view.showBox(object.box);
  });
  return button;
}

// What the model misses of the labels, and what it alone finds: its mistakes, or those of the labels.
export async function showDisagreements(app) {
  const { store } = app;
  const state = element("p");
  state.setAttribute("role", "status");
  const parts = Object.fromEntries(["missed", "false"].map((kind) => [kind, element("div", { className: "pictures" })]));
  show(
    app,
    element("h1", {}, word("check")),
    element("p", {}, word("checkWhat")),
    state,
    ...Object.entries(parts).flatMap(([kind, part]) => [element("h2", {}, word(kind)), part]),
  );
  await store.settled();
  let looked = 0;
  for (let after = 0; after !== null && state.isConnected && app.dialog.open;) {
    state.textContent = word("checking", { n: looked });
    const answer = await get(`disagreements?after=${after}`);
    for (const { image, kind, id, object } of answer.found) {
      const score = object.score === null ? "" : ` ${object.score.toFixed(2)}`;
      const then = () => {
        if (kind === "missed") return store.select(id);
        store.proposals = [{ ...fromServer(object), id: "p0" }];
        app.scene.draw();
        app.refresh();
      };
      parts[kind].append(pictureOf(app, image, object, object.class + score, then));
    }
    looked += answer.looked;
    after = answer.after;
  }
  const count = parts.missed.children.length + parts.false.children.length;
  state.textContent = word("checked", { n: looked, count });
}

export function askForKeypoints(app) {
  const text = element("textarea", { value: app.store.keypointNames.join("\n") });
  text.setAttribute("aria-label", word("keypointsTitle"));
  const person = element("button", {}, word("person17"));
  person.addEventListener("click", () => { text.value = PERSON; });
  const save = element("button", { className: "main" }, word("add"));
  save.addEventListener("click", async () => {
    const lines = text.value.split("\n").map((one) => one.trim()).filter(Boolean);
    const names = lines.filter((one) => !one.includes(" - "));
    const skeleton = lines.filter((one) => one.includes(" - ")).map((one) => one.split(" - ").map((name) => names.indexOf(name.trim())));
    try {
      app.store.takeProject(await put("keypoints", { names, skeleton }));
      app.dialog.close();
      app.tools.choose("points");
    } catch (error) {
      app.say(word(error.message));
    }
  });
  show(app, element("h1", {}, word("keypointsTitle")), element("p", {}, word("keypointsWhat")), text, element("div", { className: "row" }, person, save));
}
