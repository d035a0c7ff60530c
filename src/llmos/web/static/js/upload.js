// Upload by drag and drop: asks the hub how each file should come, sends it, then commits all.
// The form on the page does the same without script, up to the size it states.
const form = document.querySelector("form[data-upload]");
const list = form.querySelector(".sending");
const drop = form.querySelector(".drop");
const picker = form.querySelector('input[type="file"]');
const button = form.querySelector("button.button-main");
const say = form.querySelector("[data-say]");
const words = form.dataset;
const chosen = new Map();
let running = null;

form.classList.add("scripted");
picker.removeAttribute("required");

const readable = (size) => {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let at = 0;
  while (size >= 999.5 && at < units.length - 1) { size /= 1000; at += 1; }
  return `${at === 0 ? size : size.toPrecision(3)} ${units[at]}`;
};

const add = (file, path) => {
  if (chosen.has(path)) chosen.get(path).row.remove();
  const row = document.getElementById("sending-row").content.firstElementChild.cloneNode(true);
  row.querySelector(".name").textContent = path;
  row.querySelector(".name").title = path;
  row.querySelector(".size").textContent = readable(file.size);
  const meter = row.querySelector("progress");
  meter.setAttribute("aria-label", path);
  row.querySelector("button").addEventListener("click", () => { chosen.delete(path); row.remove(); refresh(); });
  list.append(row);
  chosen.set(path, { file, row, meter });
  refresh();
};

const refresh = () => {
  button.disabled = chosen.size === 0 || running !== null;
  say.textContent = "";
};

const walk = async (entry, prefix) => {
  if (entry.isFile) {
    add(await new Promise((done, fail) => entry.file(done, fail)), prefix + entry.name);
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    // A reader hands out a hundred names at a time.
    const batch = await new Promise((done, fail) => reader.readEntries(done, fail));
    if (!batch.length) return;
    for (const inner of batch) await walk(inner, `${prefix}${entry.name}/`);
  }
};

for (const name of ["dragenter", "dragover"]) {
  drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("over"); });
}
for (const name of ["dragleave", "drop"]) {
  drop.addEventListener(name, () => drop.classList.remove("over"));
}
drop.addEventListener("drop", async (event) => {
  event.preventDefault();
  const items = [...event.dataTransfer.items].filter((item) => item.kind === "file");
  const entries = items.map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (entries.length) { for (const entry of entries) await walk(entry, ""); return; }
  for (const file of event.dataTransfer.files) add(file, file.name);
});
picker.addEventListener("change", () => {
  for (const file of picker.files) add(file, file.webkitRelativePath || file.name);
  picker.value = "";
});

const base64 = (buffer) => {
  const bytes = new Uint8Array(buffer);
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000) {
    text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  }
  return btoa(text);
};

// XMLHttpRequest, since fetch cannot say how much of a body has gone out.
const send = (method, address, body, type, progress) => new Promise((done, fail) => {
  const request = new XMLHttpRequest();
  running = request;
  request.open(method, address);
  request.setRequestHeader("Content-Type", type);
  request.setRequestHeader("X-Page-Language", document.documentElement.lang);
  request.upload.addEventListener("progress", (event) => progress?.(event.loaded, event.total));
  request.addEventListener("load", () => {
    let answer = {};
    try { answer = JSON.parse(request.responseText); } catch { answer = {}; }
    if (request.status < 300) done(answer);
    else fail(new Error(answer.error ?? `${request.status} ${request.statusText}`));
  });
  request.addEventListener("error", () => fail(new Error(words.lost)));
  request.addEventListener("abort", () => fail(new Error(words.stopped)));
  request.send(body);
});

const placed = async (names) => {
  const modes = new Map();
  for (let at = 0; at < names.length; at += 256) {
    const files = [];
    for (const name of names.slice(at, at + 256)) {
      const { file } = chosen.get(name);
      files.push({ path: words.folder + name, size: file.size, sample: base64(await file.slice(0, 512).arrayBuffer()) });
    }
    const answer = await send("POST", `${words.api}/preupload/${words.revision}${words.query}`, JSON.stringify({ files }), "application/json");
    answer.files.forEach((one, index) => modes.set(names[at + index], one.uploadMode));
  }
  return modes;
};

const upload = async () => {
  const names = [...chosen.keys()];
  const modes = await placed(names);
  const summary = form.elements.summary.value || words.summary.replace("{n}", names.length);
  const box = form.elements.sign_off;
  const description = form.elements.description.value + (box?.checked ? `\n\n${box.dataset.line}` : "");
  const lines = [JSON.stringify({ key: "header", value: { summary, description } }) + "\n"];
  for (const name of names) {
    const { file, meter } = chosen.get(name);
    const path = words.folder + name;
    if (modes.get(name) === "lfs") {
      const kept = await send("PUT", `${words.api}/upload`, file, "application/octet-stream", (sent, total) => { meter.value = sent / total; });
      lines.push(JSON.stringify({ key: "lfsFile", value: { path, algo: "sha256", oid: kept.oid, size: kept.size } }) + "\n");
    } else {
      const content = base64(await file.arrayBuffer());
      lines.push(JSON.stringify({ key: "file", value: { path, content, encoding: "base64" } }) + "\n");
    }
    meter.value = 1;
  }
  say.textContent = words.committing;
  return send("POST", `${words.api}/commit/${words.revision}${words.query}`, new Blob(lines), "application/x-ndjson");
};

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (!chosen.size || running) return;
  const proposing = words.proposes === "1" || form.elements.how?.value === "propose";
  words.query = proposing ? "?create_pr=1" : "";
  form.classList.add("busy");
  try {
    say.textContent = words.sending;
    running = {};
    refresh();
    say.textContent = words.sending;
    const answer = await upload();
    window.removeEventListener("beforeunload", warn);
    location.assign(answer.pullRequestUrl ? new URL(answer.pullRequestUrl).pathname : words.done);
  } catch (error) {
    running = null;
    refresh();
    say.textContent = error.message;
    form.classList.remove("busy");
  }
});

form.querySelector("[data-stop]").addEventListener("click", () => running?.abort?.());

const warn = (event) => { if (running) event.preventDefault(); };
window.addEventListener("beforeunload", warn);
refresh();
