// A conversation: answers grow as they are written, and can be stopped, asked for again, edited.
import { fragment, shown, submitted } from "./streams.js";

const form = document.querySelector("form[data-chat]");
const words = form.dataset;
const turns = document.querySelector("[data-turns]");
const status = document.querySelector("[data-say]");
const problem = form.querySelector("[data-problem]");
const field = form.elements.text;
const stop = form.querySelector("[data-stop]");
const send = form.querySelector('button[value="say"]');
const patience = 1000; // ms between two looks at an answer that somebody else is writing
let running = null;
let deed = "say";
let answer = null;

const newKey = () =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((one) => one.toString(16).padStart(2, "0")).join("");

const atEnd = () => innerHeight + scrollY > document.documentElement.scrollHeight - 160;
const toEnd = () => scrollTo({ top: document.documentElement.scrollHeight });

const busy = (is) => {
  stop.hidden = !is;
  send.hidden = is;
  for (const button of document.querySelectorAll('button[name="deed"]')) button.disabled = is;
};

const complain = (text) => {
  problem.hidden = !text;
  problem.querySelector("div").textContent = text;
};

// The list after `turn` belongs to another way the talk went.
const cutAfter = (turn) => {
  const last = turn && document.getElementById(`turn-${turn}`);
  const items = [...turns.children];
  for (const item of items.slice(last ? items.indexOf(last) + 1 : 0)) item.remove();
};

const opened = (event) => {
  cutAfter(event.after);
  turns.append(fragment(event.html));
  document.querySelector("[data-welcome]")?.remove();
  document.querySelector("[data-list]").replaceWith(fragment(event.list));
  document.querySelector("[data-head]").replaceWith(fragment(event.head));
  answer = document.getElementById(`turn-${event.answer}`);
  const body = answer.querySelector("[data-body]");
  body.classList.add("growing");
  form.action = event.address;
  form.elements.parent.value = event.answer;
  form.elements.key.value = newKey();
  if (location.pathname + location.search !== event.address) history.replaceState(null, "", event.address);
  if (deed === "say") field.value = "";
  status.textContent = words.writing;
  toEnd();
};

const heard = (event) => {
  if (event.event === "turns") { opened(event); return; }
  const follows = atEnd();
  const line = answer.querySelector("[data-progress-line]");
  if (event.event === "waiting") {
    line.textContent = (event.loading ? words.loading : words.waiting).replace("{n}", event.seconds);
  } else if (event.event === "piece") {
    if (line) line.hidden = true;
    answer.querySelector("[data-body]").append(event.text);
  } else finished(event.html);
  if (follows) toEnd();
};

const finished = (html) => {
  const whole = fragment(html).firstElementChild;
  answer.replaceWith(whole);
  answer = whole;
  for (const button of whole.querySelectorAll('button[name="deed"]')) button.disabled = running !== null;
  shown(whole);
  const text = whole.dataset.text || whole.querySelector(".notice, .doubt")?.textContent || "";
  status.textContent = `${words.answered} ${text}`;
};

// The end of an answer that was stopped, lost on the way, or is written for another tab.
const watched = async (turn) => {
  answer = turn;
  for (;;) {
    await new Promise((done) => setTimeout(done, patience));
    if (!answer.isConnected) return;
    let response;
    try { response = await fetch(`${location.pathname}/turns/${answer.dataset.turn}`); } catch { continue; }
    if (!response.ok || response.redirected) return;
    const html = await response.text();
    const found = fragment(html).firstElementChild;
    if (found.dataset.state !== "writing") { finished(html); return; }
    answer.querySelector("[data-body]").textContent = found.dataset.text;
  }
};

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (running) return;
  deed = event.submitter?.value ?? "say";
  if (deed === "say" && !field.value.trim()) { field.focus(); return; }
  running = new AbortController();
  answer = null;
  complain("");
  const told = new FormData(form, event.submitter ?? send); // before its button is disabled
  busy(true);
  try {
    await submitted(form.action, told, running.signal, heard, words.lost);
  } catch (error) {
    const wanted = running.signal.aborted;
    if (!wanted) complain(error instanceof TypeError ? words.lost : error.message);
    if (answer) await watched(answer);
  }
  running = null;
  busy(false);
  field.focus({ preventScroll: true });
});

stop.addEventListener("click", () => running?.abort());

document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.keyCode === 229) return;
  if (event.key === "Escape" && running) running.abort();
  const edited = event.target.closest?.(".edit textarea");
  if (event.key !== "Enter" || event.shiftKey || (event.target !== field && !edited)) return;
  event.preventDefault();
  if (running) return;
  form.requestSubmit(edited ? edited.closest(".edit").querySelector("button") : send);
});

const unfinished = turns.querySelector('[data-state="writing"]');
if (unfinished) watched(unfinished);
if (turns.children.length) toEnd();
if (matchMedia("(hover: hover)").matches) field.focus({ preventScroll: true });
