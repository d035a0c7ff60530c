// A conversation: answers grow as they are written, and can be stopped, asked for again, edited.
import { fragment, shown, submitted } from "./streams.js";

const form = document.querySelector("form[data-chat]");
const words = form.dataset;
const turns = document.querySelector("[data-turns]");
const status = document.querySelector("[data-say]");
const problem = form.querySelector("[data-problem]");
const retry = form.querySelector("[data-once-more]");
const field = form.elements.text;
const stop = form.querySelector("[data-stop]");
const send = form.querySelector('button[value="say"]');
const patience = 1000; // ms between two looks at an answer that somebody else is writing
const tries = 8; // looks in vain, after which the connection counts as lost
const longest = 10_000; // ms that one look may take
let running = null;
let deed = "say";
let answer = null;
let onceMore = null;

const newKey = () =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((one) => one.toString(16).padStart(2, "0")).join("");

const atEnd = () => innerHeight + scrollY > document.documentElement.scrollHeight - 160;
const toEnd = () => scrollTo({ top: document.documentElement.scrollHeight });

const busy = (is) => {
  stop.hidden = !is;
  send.hidden = is;
  for (const button of document.querySelectorAll('button[name="deed"]')) button.disabled = is;
};

// With `again` the member can have it tried once more.
const complain = (text, again = null) => {
  problem.hidden = !text;
  problem.querySelector("[data-problem-text]").textContent = text;
  onceMore = again;
  retry.hidden = !again;
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
  } else finished(answer, event.html);
  if (follows) toEnd();
};

const finished = (turn, html) => {
  const whole = fragment(html).firstElementChild;
  turn.replaceWith(whole);
  if (turn === answer) answer = whole;
  for (const button of whole.querySelectorAll('button[name="deed"]')) button.disabled = running !== null;
  shown(whole);
  const text = whole.dataset.text || whole.querySelector(".notice, .doubt")?.textContent || "";
  status.textContent = `${words.answered} ${text}`;
};

// A turn as the hub has it now, or nothing where it was not reached.
const lookedAt = async (turn) => {
  try {
    const address = `${location.pathname}/turns/${turn.dataset.turn}`;
    const response = await fetch(address, { signal: AbortSignal.timeout(longest) });
    return response.ok && !response.redirected ? await response.text() : null;
  } catch { return null; }
};

// The end of an answer that was stopped, lost on the way, or is written for another tab.
const watched = async (turn) => {
  for (let failures = 0; failures < tries;) {
    await new Promise((done) => setTimeout(done, patience));
    if (!turn.isConnected) return;
    const html = await lookedAt(turn);
    if (html === null) { failures += 1; continue; }
    failures = 0;
    const found = fragment(html).firstElementChild;
    if (found.dataset.state !== "writing") {
      finished(turn, html);
      return;
    }
    turn.querySelector("[data-body]").textContent = found.dataset.text;
  }
  complain(words.lost, () => watched(turn));
};

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (running) return;
  deed = event.submitter?.value ?? "say";
  if (deed === "say" && !field.value.trim()) { field.focus(); return; }
  running = new AbortController();
  answer = null;
  complain("");
  const button = event.submitter ?? send;
  const told = new FormData(form, button); // before it is disabled
  busy(true);
  try {
    await submitted(form.action, told, running.signal, heard, words.lost);
  } catch (error) {
    const wanted = running.signal.aborted;
    const lost = error instanceof TypeError || error.message === words.lost;
    // What did not arrive is sent again with its key, so that it is there once.
    const anew = lost && !answer ? () => form.requestSubmit(button) : null;
    if (!wanted) complain(lost ? words.lost : error.message, anew);
    if (answer) await watched(answer);
  }
  running = null;
  busy(false);
  field.focus({ preventScroll: true });
});

retry.addEventListener("click", () => {
  const again = onceMore;
  complain("");
  again?.();
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
