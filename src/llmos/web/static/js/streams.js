// Answers that come as events, one JSON object a line, in reply to a form.

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
    const { value, done } = await reader.read();
    if (done) break;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      const event = JSON.parse(line);
      over ||= event.event === "over";
      heard(event);
    }
  }
  if (!over) throw new Error(lost);
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
