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

// The filters stand open beside a list on wide screens and folded above it on phones.
const wide = matchMedia("(width >= 60rem)");
const fold = () => {
  for (const box of document.querySelectorAll("details.filter-box")) box.open = wide.matches;
};
wide.addEventListener("change", fold);
fold();
