// The form of a new run: what is found is chosen with a click, and after each answer of the
// server the fields show what it filled in.
const form = () => document.querySelector("form[data-train]");

document.addEventListener("click", (event) => {
  const picked = event.target.closest("button[data-pick]");
  if (!picked) return;
  event.preventDefault();
  const field = form().elements[picked.dataset.pick];
  field.value = picked.value;
  field.dispatchEvent(new Event("change", { bubbles: true }));
  field.focus();
});

// Morphing changes attributes; what somebody has once clicked follows its attribute no more.
document.addEventListener("htmx:after:swap", () => {
  for (const one of form()?.querySelectorAll("input[type=radio]") ?? []) one.checked = one.hasAttribute("checked");
  for (const one of form()?.querySelectorAll("option") ?? []) one.selected = one.hasAttribute("selected");
});
