// A job's page while it runs: curves, samples and log grow as the job tells of them.
// The server has drawn what was told before; the stream goes on from there.
import { figure, measure, steps } from "./plots.js";

const told = JSON.parse(document.getElementById("told").textContent);
const page = document.querySelector("[data-run]");
const plots = page.querySelector("[data-plots]");
const looks = page.querySelector("[data-looks]");
const log = page.querySelector("[data-log]");
const curves = new Map(Object.entries(told.curves));
const OF_STEPS = ["loss", "learning_rate", "tokens_per_second"];
const VALIDATION = "validation ";
const MOST_LINES = 2000;

const worded = (name) => told.words[name] ?? name.replace(VALIDATION, "");

// --- curves
const figures = new Map();

const groups = () => {
  const measures = [...curves.keys()].filter((name) => name.startsWith(VALIDATION) && name !== "validation loss");
  return [["loss", "validation loss"], ...measures.map((name) => [name]), ["tokens_per_second"], ["learning_rate"]]
    .map((names) => names.filter((name) => curves.get(name)?.length))
    .filter((names) => names.length);
};

const draw = () => {
  if (!plots) return;
  const grouped = groups();
  const fresh = grouped.filter(([key]) => !figures.has(key));
  for (const [key, ...more] of fresh) figures.set(key, figure(more.length || key === "loss" ? told.title : worded(key)));
  // In their order, whichever was told of first. All of them before any is drawn, since each is
  // drawn as wide as it stands; and only when there is a new one: moving one takes its focus.
  if (fresh.length) plots.append(...grouped.map(([key]) => figures.get(key).element));
  for (const names of grouped) {
    figures.get(names[0]).update(names.map((name) => ({ words: worded(name), points: curves.get(name), look: name === "loss" ? 0 : 1 })));
  }
  const some = figures.size > 0;
  page.querySelector("[data-no-curves]").hidden = some;
  page.querySelector("[data-twin]").hidden = !some;
};

const twin = page.querySelector("[data-twin]");
const drawTable = () => {
  const names = [...curves.keys()].filter((name) => curves.get(name).length);
  const rows = new Map();
  for (const name of names) for (const [step, value] of curves.get(name)) rows.set(step, { ...rows.get(step), [name]: value });
  const cell = (tag, text, scope) => {
    const made = Object.assign(document.createElement(tag), { className: "number", textContent: text });
    if (scope) made.scope = scope;
    return made;
  };
  const head = twin.querySelector("thead tr");
  head.replaceChildren(head.firstElementChild, ...names.map((name) => cell("th", worded(name), "col")));
  twin.querySelector("tbody").replaceChildren(...[...rows.keys()].sort((a, b) => a - b).map((step) => {
    const row = document.createElement("tr");
    row.append(cell("th", steps(step), "row"), ...names.map((name) => cell("td", measure(rows.get(step)[name]))));
    return row;
  }));
};
twin?.addEventListener("toggle", () => { if (twin.open) drawTable(); });

// A job that goes on from a checkpoint tells some steps again; its newest word counts.
const forgetFrom = (step) => {
  for (const [name, points] of curves) {
    const first = OF_STEPS.includes(name) ? step : step + 1;
    while (points.length && points.at(-1)[0] >= first) points.pop();
  }
  for (const look of looks?.querySelectorAll("[data-step]") ?? []) if (Number(look.dataset.step) > step) look.remove();
};

const add = (name, step, value) => {
  if (value === null || value === undefined) return;
  if (!curves.has(name)) curves.set(name, []);
  const points = curves.get(name);
  if (points.at(-1)?.[0] === step) points.pop();
  points.push([step, value]);
};

// --- samples
const showSample = (event) => {
  if (!looks) return;
  let look = looks.querySelector(`[data-step="${event.step}"]`);
  if (!look) {
    look = document.getElementById("look-pattern").content.firstElementChild.cloneNode(true);
    look.dataset.step = event.step;
    look.querySelector("[data-step-words]").textContent = steps(event.step);
    const empty = look.querySelector(".sample");
    look.pattern = empty.cloneNode(true);
    empty.remove();
    for (const older of looks.children) older.open = false;
    looks.prepend(look);
    page.querySelector("[data-no-samples]").hidden = true;
  }
  const sample = (look.pattern ?? document.getElementById("look-pattern").content.querySelector(".sample")).cloneNode(true);
  const parts = sample.querySelectorAll("dd");
  [event.source, event.target, event.output].forEach((text, index) => { parts[index].textContent = text; });
  if (event.output.trim() === event.target.trim()) parts[2].className = "same";
  const known = [...look.querySelectorAll(".sample")].find((one) => one.querySelector("dd").textContent === event.source);
  if (known) known.replaceWith(sample);
  else look.querySelector(".samples").append(sample);
};

// --- log
const field = page.querySelector(".log-find input");
const clock = new Intl.DateTimeFormat(document.documentElement.lang || "en", { timeStyle: "medium" });
const setClock = (time) => { time.textContent = clock.format(new Date(time.dateTime)); };
const fits = (line) => { line.hidden = !line.textContent.toLowerCase().includes(field.value.trim().toLowerCase()); };

const say = (event) => {
  const below = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  const line = document.createElement("div");
  line.className = `log-${event.event}`;
  const time = Object.assign(document.createElement("time"), { dateTime: event.at });
  const text = Object.assign(document.createElement("span"), { textContent: event.text });
  setClock(time);
  line.append(time, " ", text);
  fits(line);
  log.append(line);
  while (log.children.length > MOST_LINES) log.firstElementChild.remove();
  page.querySelector("[data-no-log]").hidden = true;
  if (below) log.scrollTop = log.scrollHeight;
};

for (const time of log.querySelectorAll("time")) setClock(time);
log.scrollTop = log.scrollHeight;
field.addEventListener("input", () => { for (const line of log.children) fits(line); });

// --- the stream
let waiting = null;
const drawSoon = () => {
  waiting ??= setTimeout(() => {
    waiting = null;
    draw();
    if (twin?.open) drawTable();
  }, 200);
};

const take = (event) => {
  if (event.event === "step") {
    forgetFrom(event.step);
    for (const name of OF_STEPS) add(name, event.step, event[name]);
    drawSoon();
  } else if (event.event === "evaluation") {
    for (const [name, value] of Object.entries(event.metrics)) add(VALIDATION + name, event.step, value);
    drawSoon();
  } else if (event.event === "sample") showSample(event);
  else if (["log", "status", "refused"].includes(event.event)) say(event);
};

draw();
if (told.events) {
  const stream = new EventSource(`${told.events}?after=${told.after}`);
  stream.addEventListener("message", (message) => take(JSON.parse(message.data)));
  stream.addEventListener("end", () => stream.close());
  window.addEventListener("pagehide", () => stream.close());
}
