// Keyboard: `/` search, `j` and `k` through rows, `?` help. Never while somebody writes,
// and never while an input method is composing.
const help = document.querySelector("dialog.keys");
const writing = (element) => element.closest("input, textarea, select, [contenteditable]");

const step = (by) => {
  const links = [...document.querySelectorAll("[data-rows] a[data-row]")];
  if (!links.length) return;
  const at = links.indexOf(document.activeElement);
  const next = links[Math.min(links.length - 1, Math.max(0, at + by))];
  next.focus();
  next.scrollIntoView({ block: "nearest" });
};

document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (writing(event.target) || document.querySelector("dialog[open]")) return;
  if (event.key === "/") {
    const fields = [...document.querySelectorAll('[data-key="/"]')];
    const field = fields.find((one) => one.checkVisibility());
    if (!field) return;
    field.focus();
    field.select();
  } else if (event.key === "j") step(1);
  else if (event.key === "k") step(-1);
  else if (event.key === "?") help?.showModal();
  else return;
  event.preventDefault();
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-keys-help]")) help?.showModal();
});
