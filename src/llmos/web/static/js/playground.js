// The box on a model's page: the same form as without script, but its answer comes piece by piece.
import { fragment, shown, submitted } from "./streams.js";

const form = document.querySelector("form[data-try]");
const words = form.dataset;
const result = form.parentElement.querySelector("[data-result]");
const status = form.parentElement.querySelector("[data-say]");
const state = form.querySelector("[data-state]");
const progress = form.querySelector("[data-progress]");
const stop = form.querySelector("[data-stop]");
const send = form.querySelector("button.button-main");
const field = form.querySelector('textarea[name="text"]');
let running = null;

const busy = (is) => {
  stop.hidden = progress.hidden = !is;
  send.disabled = is;
};

const notice = (text) => {
  const line = document.createElement("p");
  line.className = "notice notice-wrong";
  line.textContent = text;
  result.replaceChildren(line);
  status.textContent = text;
};

const heard = (event) => {
  if (event.event === "waiting") {
    const text = event.loading ? words.loading : words.waiting;
    state.textContent = text.replace("{n}", event.seconds);
  } else if (event.event === "piece") {
    let growing = result.querySelector(".growing");
    if (!growing) {
      growing = document.createElement("p");
      growing.className = "try-answer turn-text growing";
      result.replaceChildren(growing);
      state.textContent = "";
    }
    growing.append(event.text);
  } else {
    result.replaceChildren(fragment(event.html));
    shown(result);
    const answer = result.querySelector("[data-answer]")?.dataset.answer;
    status.textContent = answer ?? result.querySelector(".notice")?.textContent ?? words.done;
    state.textContent = "";
  }
};

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (running) return;
  running = new AbortController();
  busy(true);
  state.textContent = "";
  status.textContent = "";
  try {
    await submitted(form.action, new FormData(form), running.signal, heard, words.lost);
  } catch (error) {
    if (running.signal.aborted) {
      state.textContent = status.textContent = words.stopped;
      result.querySelector(".growing")?.classList.remove("growing");
    } else notice(error instanceof TypeError ? words.lost : error.message);
  }
  running = null;
  busy(false);
});

stop.addEventListener("click", () => { running?.abort(); send.focus(); });

form.addEventListener("click", (event) => {
  const example = event.target.closest("[data-example]");
  if (!example || !field) return;
  event.preventDefault();
  field.value = example.dataset.example;
  form.requestSubmit(send);
});

// As in a conversation: Enter sends, Shift and Enter begins a new line. Where long texts are
// pasted and mended, Enter stays a new line.
form.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  if (event.target !== field || field.rows > 3) return;
  event.preventDefault();
  if (form.reportValidity()) form.requestSubmit(send);
});
