// Curves of several runs over each other, one figure for each thing that was measured.
import { figure } from "./plots.js";

const told = JSON.parse(document.getElementById("told")?.textContent ?? "null");
const plots = document.querySelector("[data-plots]");

const names = told ? [...new Set(told.runs.flatMap((run) => Object.keys(run.curves)))] : [];
const first = ["loss", "validation loss"];
names.sort((a, b) => first.includes(b) - first.includes(a));
for (const name of plots ? names : []) {
  const made = figure(told.words[name] ?? name);
  plots.append(made.element);
  made.update(told.runs.map((run, look) => ({ words: run.name, points: run.curves[name] ?? [], look })));
}
