// The forum's forms: an outline and advice for each kind of topic, tags completed while one
// writes them, and choices that are sent at once.
for (const form of document.querySelectorAll("form[data-at-once]")) {
  // In place: who goes through the choices by arrow keys changes several times.
  const said = form.appendChild(Object.assign(document.createElement("output"), { className: "small muted" }));
  form.addEventListener("change", async () => {
    said.textContent = "";
    const got = await fetch(form.action, { method: "POST", body: new FormData(form), redirect: "manual" }).catch(() => null);
    if (got?.type === "opaqueredirect") said.textContent = form.dataset.saved;
    else form.submit();
  });
}

const category = document.querySelector("[data-category]");
const outlines = new Map([...document.querySelectorAll("template[data-outline]")].map((one) => [one.dataset.outline, one.content.textContent]));
const kind = () => category.selectedOptions[0]?.dataset.kind;

category?.addEventListener("change", () => {
  for (const one of document.querySelectorAll("[data-advice]")) one.hidden = one.dataset.advice !== kind();
  const area = category.form.elements.text;
  // Only an outline that nobody has written in gives way to another one.
  const bare = (text) => text.replace(/\s+/g, "");
  if ([...outlines.values(), ""].some((one) => bare(one) === bare(area.value))) area.value = outlines.get(kind()) ?? "";
});

// A list of the browser's own: each offer is the whole field with its last word completed.
for (const field of document.querySelectorAll("input[data-tags]")) {
  const list = Object.assign(document.createElement("datalist"), { id: `${field.id}-offered` });
  field.after(list);
  field.setAttribute("list", list.id);
  let asked = 0;
  const offer = async () => {
    const [, before, word] = /^(.*[,，、]\s*)?(.*)$/u.exec(field.value);
    if (!word.trim()) { list.replaceChildren(); return; }
    asked += 1;
    const mine = asked;
    const answer = await fetch(`/mentions?${new URLSearchParams({ tag: word.trim() })}`, { headers: { Accept: "application/json" } }).catch(() => null);
    if (mine !== asked || !answer?.ok) return;
    const { offered } = await answer.json();
    list.replaceChildren(...offered.map((one) => Object.assign(document.createElement("option"), { value: `${before ?? ""}${one.name}`, label: one.about ?? one.name })));
  };
  field.addEventListener("input", (event) => { if (!event.isComposing) offer(); });
  field.addEventListener("compositionend", offer);
}
