// Answers that come as events, one JSON object a line, in reply to a form.

const silence = 30_000; // ms; a hub that is there says something every half second

// Sends what a form says and calls `heard` for each event. Throws an Error with words: refused,
// or the connection was lost.
export const submitted = async (address, told, signal, heard, lost) => {
  const response = await fetch(address, {
    method: "POST",
    body: new URLSearchParams(told),
    headers: { Accept: "application/x-ndjson" },
    signal,
  });
  if (!response.ok) throw new Error(await refusal(response, lost));
  if (response.redirected) { location.assign(response.url); return; }
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let over = false;
  for (;;) {
    const { value, done } = await spoken(reader, lost);
    if (done) break;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      const event = JSON.parse(line);
      over ||= event.event === "over";
      if (event.event !== "alive") heard(event);
    }
  }
  if (!over) throw new Error(lost);
};

// What comes next, unless nothing comes: a line can break without a sign.
const spoken = async (reader, lost) => {
  let timer;
  const quiet = new Promise((_done, fail) => { timer = setTimeout(() => fail(new Error(lost)), silence); });
  try { return await Promise.race([reader.read(), quiet]); } catch (error) {
    reader.cancel().catch(() => {});
    throw error;
  } finally { clearTimeout(timer); }
};

const refusal = async (response, lost) => {
  try { return (await response.json()).error; } catch { return lost; }
};

// What a part of the page needs once it stands there: buttons to copy code, times that go on.
export const shown = (element) => element.dispatchEvent(new CustomEvent("shown", { bubbles: true }));

export const fragment = (html) => {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
};
