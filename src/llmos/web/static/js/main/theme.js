// The theme button changes the page at once; the form it stands in does so without script.
const root = document.documentElement;
const order = { auto: "light", light: "dark", dark: "auto" };
const year = 31536000;

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-theme-toggle]");
  if (!button) return;
  event.preventDefault();
  const chosen = order[root.dataset.theme] ?? "auto";
  root.dataset.theme = chosen;
  document.cookie = `llmos_theme=${chosen}; path=/; max-age=${year}; SameSite=Lax`;
  button.value = order[chosen];
  button.title = button.dataset[chosen];
  const picture = document.getElementById(`picture-${chosen}`);
  if (picture) button.querySelector("svg").replaceWith(picture.content.cloneNode(true));
});
