// A conversation: keys, quoting, reactions in place, and how far one has read.
const talk = document.querySelector("[data-talk]");
const posts = [...talk.querySelectorAll("[data-post]")];
const composer = talk.querySelector("form[data-composer]");
const token = document.querySelector("[name=csrfmiddlewaretoken]")?.value;
const send = (form) => fetch(form.action, { method: "POST", body: new FormData(form), headers: { Accept: "application/json" } });

const writing = (element) => element.closest("input, textarea, select, [contenteditable]");
const current = () => document.activeElement?.closest("[data-post]")
  ?? posts.find((post) => post.getBoundingClientRect().bottom > 80);

const step = (by) => {
  const at = posts.indexOf(document.activeElement?.closest("[data-post]") ?? null);
  const next = posts[at < 0 ? posts.indexOf(current()) : Math.min(posts.length - 1, Math.max(0, at + by))];
  next?.focus({ preventScroll: true });
  next?.scrollIntoView({ block: "start" });
};

const answer = (post, text = "") => composer?.dispatchEvent(new CustomEvent("answer", {
  detail: { id: post?.dataset.post ?? "", whom: post ? `${post.dataset.author} #${post.dataset.number}` : "", text },
}));

const selected = () => {
  const selection = getSelection();
  if (selection.isCollapsed) return null;
  const post = selection.anchorNode?.parentElement?.closest("[data-post]");
  return post && post.contains(selection.focusNode) ? { post, words: selection.toString() } : null;
};

const quote = async (post, words = "") => {
  const address = `/posts/${post.dataset.post}/quote?${new URLSearchParams(words ? { words: words.slice(0, 2000) } : {})}`;
  const got = await fetch(address, { headers: { Accept: "application/json" } });
  if (got.ok) answer(post, (await got.json()).text);
};

// Before the house's own keys: here `j` and `k` walk through posts.
document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (writing(event.target) || document.querySelector("dialog[open]")) return;
  if (event.key === "j") step(1);
  else if (event.key === "k") step(-1);
  else if (event.key === "r" && composer) answer(current());
  else if (event.key === "q" && composer) {
    const found = selected() ?? { post: current(), words: "" };
    if (found.post) quote(found.post, found.words);
  } else if (event.key === "e") current()?.querySelector("[data-edit]")?.click();
  else return;
  event.preventDefault();
  event.stopImmediatePropagation();
}, true);

const help = document.querySelector("dialog.keys dl");
help?.append(document.getElementById("thread-keys").content.cloneNode(true));

talk.addEventListener("click", (event) => {
  const link = event.target.closest("[data-quote], [data-answer]");
  if (!link || !composer || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  const post = link.closest("[data-post]");
  if (link.hasAttribute("data-answer")) { answer(post); return; }
  const found = selected();
  quote(post, found?.post === post ? found.words : "");
});

// The menu of a post is a page of its own, whose list opens here.
talk.addEventListener("click", async (event) => {
  const link = event.target.closest("[data-menu]");
  if (!link || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  const page = await fetch(link.href).then((got) => (got.ok ? got.text() : "")).catch(() => "");
  const list = new DOMParser().parseFromString(page, "text/html").querySelector(".menu-open");
  if (!list) { location.assign(link); return; }
  list.classList.remove("menu-open");
  const menu = Object.assign(document.createElement("details"), { className: "menu", name: "post-menu" });
  const handle = Object.assign(document.createElement("summary"), { className: link.className, title: link.title });
  handle.append(...link.childNodes);
  menu.append(handle, list);
  link.replaceWith(menu);
  menu.open = true;
  handle.focus();
});

// Reactions and bookmarks change in place; without script they are buttons of one form.
let plainly = false;
document.getElementById("deeds")?.addEventListener("submit", async (event) => {
  if (plainly) return;
  const button = event.submitter;
  const isReaction = button.classList.contains("reaction");
  if (!isReaction && !button.hasAttribute("data-bookmark")) return;
  event.preventDefault();
  const body = new FormData(event.target, button);
  const got = await fetch(button.formAction, { method: "POST", body, headers: { Accept: "application/json" } }).catch(() => null);
  // Sent once more as without script: the page that comes says what is wrong.
  if (!got?.ok) { plainly = true; event.target.requestSubmit(button); return; }
  const told = await got.json();
  button.setAttribute("aria-pressed", String(told.on));
  button.value = told.on ? "0" : "1";
  if (isReaction) button.querySelector(".count").textContent = told.count || "";
  else button.querySelector("svg").classList.toggle("icon-fill", told.on);
});

const watch = talk.querySelector("[data-watch]");
if (watch) {
  watch.querySelector("button").hidden = true;
  const said = watch.appendChild(Object.assign(document.createElement("output"), { className: "small muted" }));
  watch.addEventListener("change", async () => {
    said.textContent = "";
    const got = await send(watch).catch(() => null);
    if (got?.ok) said.textContent = watch.dataset.saved;
    else watch.submit();
  });
}

// How far one has read: what was on the screen for a moment counts; told once in a while.
const progress = document.querySelector("[data-progress]");
const seen = new Map();
let furthest = 0;
let told = 0;
const tell = () => {
  if (!token || furthest <= told) return;
  told = furthest;
  const body = new FormData();
  body.append("number", furthest);
  body.append("csrfmiddlewaretoken", token);
  fetch(`/threads/${talk.dataset.talk}/read`, { method: "POST", body, keepalive: true, headers: { Accept: "application/json" } }).catch(() => { told = 0; });
};
const watcher = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    const number = Number(entry.target.dataset.number);
    clearTimeout(seen.get(number));
    if (!entry.isIntersecting) continue;
    progress.querySelector("output").textContent = number;
    progress.hidden = posts.length < 5;
    seen.set(number, setTimeout(() => { furthest = Math.max(furthest, number); }, 800));
  }
}, { rootMargin: "-20% 0px -20% 0px" });
for (const post of posts) watcher.observe(post);
setInterval(tell, 5000);
document.addEventListener("visibilitychange", () => { if (document.hidden) tell(); });
window.addEventListener("pagehide", tell);
