// Menus are <details>: a click outside or Escape closes them, and focus goes back.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.isComposing) return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    const inside = menu.contains(document.activeElement);
    menu.open = false;
    if (inside) menu.querySelector("summary").focus();
  }
});

// One that would reach beyond the window moves into it.
document.addEventListener("toggle", ({ target }) => {
  if (!target.matches("details.menu[open]")) return;
  const list = target.querySelector(".menu-list");
  list.style.translate = "";
  const { left, right } = list.getBoundingClientRect();
  const over = left < 8 ? 8 - left : Math.min(0, document.documentElement.clientWidth - 8 - right);
  if (over) list.style.translate = `${over}px`;
  list.scrollIntoView({ block: "nearest", inline: "nearest" });
}, true);

// The filters stand open beside a list on wide screens and folded above it on phones.
const wide = matchMedia("(width >= 60rem)");
const fold = () => {
  for (const box of document.querySelectorAll("details.filter-box")) box.open = wide.matches;
};
wide.addEventListener("change", fold);
fold();
