// Turns push on and off for this browser, on the settings page.
const card = document.querySelector("[data-push-key]");
const on = card.querySelector("[data-push-on]");
const off = card.querySelector("[data-push-off]");
const said = card.querySelector("[data-push-said]");

const bytes = (text) => {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (character) => character.charCodeAt(0));
};
const spelled = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

async function tell(fields) {
  const form = new FormData();
  const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
  for (const [name, value] of Object.entries({ csrfmiddlewaretoken: token, ...fields })) {
    form.append(name, value);
  }
  const answer = await fetch("/settings/notifications/device", { method: "POST", body: form });
  if (!answer.ok) throw new Error(card.dataset.failed);
}

async function turnOn(worker) {
  if ((await Notification.requestPermission()) !== "granted") throw new Error(card.dataset.refused);
  const made = await worker.pushManager.subscribe({
    userVisibleOnly: true,
    applicationServerKey: bytes(card.dataset.pushKey),
  });
  await tell({
    endpoint: made.endpoint,
    p256dh: spelled(made.getKey("p256dh")),
    auth: spelled(made.getKey("auth")),
  });
}

async function turnOff(worker) {
  const made = await worker.pushManager.getSubscription();
  if (!made) return;
  await tell({ off: "1", endpoint: made.endpoint });
  await made.unsubscribe();
}

async function show(worker) {
  const isOn = (await worker.pushManager.getSubscription()) !== null;
  on.hidden = isOn;
  off.hidden = !isOn;
}

async function begin() {
  if (!("serviceWorker" in navigator) || !("PushManager" in window)) {
    card.querySelector("[data-push-cannot]").hidden = false;
    return;
  }
  const worker = await navigator.serviceWorker.register("/sw.js");
  for (const [button, deed] of [[on, turnOn], [off, turnOff]]) {
    button.addEventListener("click", async () => {
      said.textContent = "";
      try {
        await deed(worker);
      } catch (error) {
        // What the browser says itself is English and for developers.
        const ours = !(error instanceof DOMException) && error.message;
        said.textContent = ours || card.dataset[error.name === "NotAllowedError" ? "refused" : "failed"];
      }
      await show(worker);
      (on.hidden ? off : on).focus();
    });
  }
  card.querySelector("[data-push-buttons]").hidden = false;
  await show(worker);
}

if (on) begin();
