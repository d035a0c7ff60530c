// Where one writes: toolbar, preview, files by paste and drop, a draft kept on the hub, and what
// `@` and `#` may mean. Never while an input method is composing.
const language = document.documentElement.lang;
const token = (form) => form.elements.csrfmiddlewaretoken.value;

const post = (form, address, body, headers = {}) => fetch(address, {
  method: "POST",
  body,
  headers: { "X-CSRFToken": token(form), Accept: "application/json", "X-Page-Language": language, ...headers },
});

// Typed text goes through the browser, so that undo knows of it.
const insert = (area, text, from = area.selectionStart, to = area.selectionEnd) => {
  area.focus();
  area.setSelectionRange(from, to);
  if (!document.execCommand("insertText", false, text)) area.setRangeText(text, from, to, "end");
  area.dispatchEvent(new Event("input", { bubbles: true }));
};

const around = (area, before, after = before) => {
  const { selectionStart: from, selectionEnd: to, value } = area;
  insert(area, before + value.slice(from, to) + after, from, to);
  area.setSelectionRange(from + before.length, to + before.length);
};

const lines = (area, mark) => {
  const { selectionStart: from, selectionEnd: to, value } = area;
  const first = value.lastIndexOf("\n", from - 1) + 1;
  const text = value.slice(first, to).split("\n").map((line) => mark + line).join("\n");
  insert(area, text, first, to);
};

const formats = {
  bold: (area) => around(area, "**"),
  italic: (area) => around(area, "_"),
  code: (area) => (area.value.slice(area.selectionStart, area.selectionEnd).includes("\n") ? around(area, "```\n", "\n```") : around(area, "`")),
  link: (area) => around(area, "[", "](https://)"),
  quote: (area) => lines(area, "> "),
  list: (area) => lines(area, "- "),
  maths: (area) => around(area, "$"),
};

const setUp = (form) => {
  const area = form.querySelector("[data-markdown]");
  const say = form.querySelector("[data-say]");
  const words = form.dataset;
  form.classList.add("scripted");
  let changed = false;
  let sent = false;
  // What went wrong stays to be read, though a draft is kept a moment later.
  let complained = 0;
  const tell = (text, wrong = false) => {
    if (!wrong && Date.now() - complained < 10_000) return;
    complained = wrong ? Date.now() : 0;
    say.textContent = text;
    say.classList.toggle("wrong", wrong);
  };

  form.addEventListener("click", (event) => {
    const format = event.target.closest("[data-format]");
    if (format) formats[format.dataset.format](area);
    if (event.target.closest("[data-attach]")) form.elements.files.click();
    if (event.target.closest("[data-answering-none]")) answering("", "");
  });
  area.addEventListener("keydown", (event) => {
    if (event.isComposing || !(event.ctrlKey || event.metaKey)) return;
    const deed = { b: "bold", i: "italic", k: "link" }[event.key.toLowerCase()];
    if (deed) formats[deed](area);
    else if (event.key === "Enter") form.requestSubmit(form.querySelector("[data-send]"));
    else return;
    event.preventDefault();
  });
  // One stop for Tab; arrows go along the bar.
  form.querySelector(".composer-bar").addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const buttons = [...event.currentTarget.querySelectorAll("button")];
    const next = buttons.at((buttons.indexOf(document.activeElement) + step) % buttons.length);
    next.focus();
    event.preventDefault();
  });

  const answering = (id, whom) => {
    form.elements.reply_to.value = id;
    const line = form.querySelector("[data-answering]");
    line.hidden = !id;
    line.querySelector("[data-answering-whom]").textContent = whom;
  };
  const begun = form.elements.reply_to.value;
  const meant = begun && document.querySelector(`[data-post="${CSS.escape(begun)}"]`);
  if (begun) answering(begun, meant ? `${meant.dataset.author} #${meant.dataset.number}` : `#${begun}`);
  form.addEventListener("answer", (event) => {
    const { id, whom, text } = event.detail;
    answering(id, whom);
    if (text) insert(area, (area.value && !area.value.endsWith("\n\n") ? "\n\n" : "") + text, area.value.length, area.value.length);
    form.scrollIntoView({ block: "center" });
    area.focus();
  });

  // Preview
  const pane = form.querySelector("[data-preview-pane]");
  const look = form.querySelector("[data-preview]");
  look.addEventListener("click", async () => {
    const on = look.getAttribute("aria-pressed") !== "true";
    if (on) {
      const answer = await post(form, "/preview", new URLSearchParams({ text: area.value }));
      if (!answer.ok) return;
      pane.innerHTML = (await answer.json()).html; // made safe by the hub, as every post
      pane.dispatchEvent(new Event("shown", { bubbles: true }));
    }
    look.setAttribute("aria-pressed", String(on));
    pane.hidden = !on;
    area.hidden = on;
  });

  // Files
  const attach = async (file) => {
    tell(words.attaching.replace("{name}", file.name));
    const body = new FormData();
    body.append("file", file, file.name);
    const answer = await post(form, "/attachments", body).catch(() => null);
    const told = answer ? await answer.json().catch(() => ({ error: answer.statusText })) : { error: `${file.name}: ${words.failed}` };
    if (told.error) tell(told.error, true);
    else tell("");
    if (told.markdown) insert(area, `${area.value && !/\n$/.test(area.value.slice(0, area.selectionStart)) ? "\n" : ""}${told.markdown}\n`);
  };
  const attachAll = async (files) => { for (const file of files) await attach(file); };
  form.elements.files.addEventListener("change", async (event) => {
    const files = [...event.target.files];
    event.target.value = "";
    await attachAll(files);
  });
  area.addEventListener("paste", (event) => {
    const files = [...event.clipboardData.files];
    if (!files.length) return;
    event.preventDefault();
    attachAll(files);
  });
  const box = form.querySelector(".composer-box");
  for (const name of ["dragover", "dragleave", "drop"]) {
    box.addEventListener(name, (event) => {
      if (!event.dataTransfer.types.includes("Files")) return;
      event.preventDefault();
      box.classList.toggle("over", name === "dragover");
      if (name === "drop") attachAll([...event.dataTransfer.files]);
    });
  }

  // Draft
  let waiting = null;
  const keep = async () => {
    waiting = null;
    const content = {};
    for (const name of ["text", "title", "tags", "language", "category", "reply_to"]) {
      const field = form.elements[name];
      if (field?.value) content[name] = field.value;
    }
    const answer = await post(form, "/drafts", JSON.stringify({ form: words.form, content }), { "Content-Type": "application/json" }).catch(() => null);
    if (sent) return;
    if (answer?.ok) tell((await answer.json()).kept ? words.kept : "");
    else tell(words.lost, true);
    changed = !answer?.ok;
  };
  form.addEventListener("input", () => {
    changed = true;
    clearTimeout(waiting);
    waiting = setTimeout(keep, 1500);
  });
  form.addEventListener("submit", (event) => {
    if (event.submitter?.hasAttribute("formaction")) return;
    if (sent) { event.preventDefault(); return; }
    sent = true;
    clearTimeout(waiting);
    tell(words.sending);
  });
  window.addEventListener("pageshow", () => { sent = false; });
  window.addEventListener("beforeunload", (event) => { if (changed && !sent) event.preventDefault(); });

  complete(form, area);
};

// Completion: the word before the cursor decides.
const complete = (form, area) => {
  const list = Object.assign(document.createElement("ul"), { className: "offered", hidden: true, id: `${area.id}-offered` });
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "@ #");
  form.append(list);
  form.style.position = "relative";
  area.setAttribute("aria-controls", list.id);
  area.setAttribute("aria-autocomplete", "list");
  let start = 0;
  let chosen = 0;
  let asked = 0;

  const close = () => { list.hidden = true; list.replaceChildren(); area.removeAttribute("aria-activedescendant"); };
  const mark = (to) => {
    const items = [...list.children];
    chosen = (to + items.length) % items.length;
    items.forEach((item, index) => item.setAttribute("aria-selected", String(index === chosen)));
    area.setAttribute("aria-activedescendant", items[chosen].id);
  };
  const take = (item) => { insert(area, `${item.dataset.name} `, start, area.selectionStart); close(); };

  const offer = async () => {
    const before = area.value.slice(0, area.selectionStart);
    const found = /(?:^|[\s(（，。、：])([@#])([\p{L}\p{N}._-]{1,40})$/u.exec(before);
    if (!found) { close(); return; }
    start = before.length - found[2].length;
    const query = new URLSearchParams(found[1] === "@" ? { q: found[2] } : { tag: found[2] });
    asked += 1;
    const mine = asked;
    const answer = await fetch(`/mentions?${query}`, { headers: { Accept: "application/json" } }).catch(() => null);
    if (mine !== asked || !answer?.ok) return;
    const { offered } = await answer.json();
    if (!offered.length) { close(); return; }
    list.replaceChildren(...offered.map((one, index) => {
      const item = Object.assign(document.createElement("li"), { id: `${list.id}-${index}` });
      item.setAttribute("role", "option");
      item.dataset.name = one.name;
      item.append(Object.assign(document.createElement("b"), { textContent: one.name }));
      if (one.about && one.about !== one.name) item.append(Object.assign(document.createElement("span"), { textContent: one.about, className: "muted" }));
      return item;
    }));
    list.style.insetBlockStart = `${area.closest(".composer-box").offsetTop + area.closest(".composer-box").offsetHeight}px`;
    list.hidden = false;
    mark(0);
  };
  area.addEventListener("input", (event) => { if (!event.isComposing) offer(); });
  area.addEventListener("compositionend", offer);
  area.addEventListener("blur", () => setTimeout(() => { if (document.activeElement !== area) close(); }, 150));
  area.addEventListener("keydown", (event) => {
    if (event.isComposing || list.hidden) return;
    if (event.key === "ArrowDown") mark(chosen + 1);
    else if (event.key === "ArrowUp") mark(chosen - 1);
    else if (event.key === "Enter" || event.key === "Tab") take(list.children[chosen]);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  });
  list.addEventListener("mousedown", (event) => {
    const item = event.target.closest("li");
    if (item) { event.preventDefault(); take(item); }
  });
};

for (const form of document.querySelectorAll("form[data-composer]")) setUp(form);
