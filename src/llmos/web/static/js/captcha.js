// The small task before a sign-up: altcha in the page's own words, its worker from this hub.
const widget = document.querySelector("altcha-widget");
const worker = new URL("../vendor/altcha-worker.js", import.meta.url);

$altcha.algorithms.set("PBKDF2/SHA-256", () => new Worker(worker));
$altcha.i18n.set("en", JSON.parse(widget.dataset.words));
