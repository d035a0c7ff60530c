// Copy buttons: `<button class="copy" data-copy="text">`, or the <pre> beside the button.
document.documentElement.classList.remove("no-js");

// Blocks of code in members' texts get a button too; the sanitiser lets none through.
const pattern = document.getElementById("copy-button");
const dress = (root) => {
  for (const block of root.querySelectorAll(".prose > pre")) {
    if (!pattern) break;
    const frame = document.createElement("div");
    frame.className = "lines";
    block.replaceWith(frame);
    frame.append(block, pattern.content.cloneNode(true));
  }
};
dress(document);
document.addEventListener("shown", (event) => dress(event.target));

const written = (text) => {
  if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
  // Plain http on a local network has no clipboard API.
  const area = Object.assign(document.createElement("textarea"), { value: text, readOnly: true });
  area.className = "visually-hidden";
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
  return Promise.resolve();
};

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button.copy");
  if (!button) return;
  const text = button.dataset.copy ?? button.parentElement.querySelector("pre")?.innerText ?? "";
  await written(text.replace(/\n$/, ""));
  const label = button.getAttribute("aria-label");
  const picture = button.innerHTML;
  button.classList.add("copied");
  button.innerHTML = document.getElementById("picture-check")?.innerHTML ?? picture;
  button.setAttribute("aria-label", document.documentElement.dataset.copied);
  setTimeout(() => {
    button.classList.remove("copied");
    button.innerHTML = picture;
    button.setAttribute("aria-label", label);
  }, 1400);
});
