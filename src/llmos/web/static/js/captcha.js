// The small task before a sign-up: altcha in the page's own words, its worker from this hub.
const widget = document.querySelector("altcha-widget");
const worker = new URL("../vendor/altcha-worker.js", import.meta.url);

$altcha.algorithms.set("PBKDF2/SHA-256", () => new Worker(worker));
$altcha.i18n.set("en", JSON.parse(widget.dataset.words));

// Who presses the button before it is solved has nothing more to press.
const form = widget.closest("form");
let wanted = false;
form.addEventListener("click", (event) => {
  if (!event.target.closest("button:not([type=button])") || widget.getState() === "verified") return;
  if (!form.checkValidity() && [...form.elements].some((field) => !field.validity.valid && !widget.contains(field))) return;
  event.preventDefault();
  wanted = true;
  if (widget.getState() !== "verifying") widget.verify();
}, true);
widget.addEventListener("statechange", ({ detail }) => {
  if (detail.state !== "verified" || !wanted) return;
  wanted = false;
  // The solution is written into the form after this event.
  setTimeout(() => form.requestSubmit());
});
