// Plots of curves over steps: drawn by uPlot on a canvas, named and read out for those who do
// not see it. Colours come from the style sheet, so a change of theme draws them anew.
const pattern = document.getElementById("plot-pattern");
const language = document.documentElement.lang || "en";
const whole = new Intl.NumberFormat(language);
const DASHES = [[], [7, 4], [2, 3], [10, 3, 2, 3], [4, 4], [14, 4], [1, 4], [8, 2, 2, 2, 2, 2]];
const HEIGHT = 210;

export const steps = (number) => whole.format(number);

export const measure = (value) => {
  if (value === null || value === undefined) return "";
  if (value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e6)) return value.toExponential(2);
  return Number(value.toPrecision(4)).toLocaleString(language, { maximumSignificantDigits: 4 });
};

// Custom properties keep `light-dark()` unresolved; only a real colour is computed.
const probe = document.createElement("span");
probe.className = "probe";
probe.hidden = true;
document.body.append(probe);
const colour = (name) => {
  probe.style.color = `var(--${name})`;
  return getComputedStyle(probe).color;
};

// Series of [step, value] pairs as uPlot wants them: all steps, and each series' value or null.
const aligned = (series) => {
  const every = [...new Set(series.flatMap((one) => one.points.map(([step]) => step)))].sort((a, b) => a - b);
  const place = new Map(every.map((step, index) => [step, index]));
  return [every, ...series.map((one) => {
    const values = new Array(every.length).fill(null);
    for (const [step, value] of one.points) values[place.get(step)] = value;
    return values;
  })];
};

const axis = (values, size) => ({
  stroke: () => colour("ink-2"),
  font: `11px ${getComputedStyle(document.body).fontFamily}`,
  grid: { stroke: () => colour("line"), width: 1 },
  ticks: { show: false },
  gap: 6,
  size,
  values,
});

const options = (series, width) => ({
  width,
  height: HEIGHT,
  legend: { show: false },
  padding: [8, 18, 0, 0],
  cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
  scales: { x: { time: false } },
  axes: [axis((_, ticks) => ticks.map((one) => (Number.isInteger(one) ? steps(one) : "")), 26), axis((_, ticks) => ticks.map(measure), 54)],
  series: [{}, ...series.map((one, index) => ({
    label: one.words,
    stroke: () => colour(`curve-${one.look ?? index}`),
    width: index === 0 ? 1.5 : 2,
    dash: series.length > 1 ? DASHES[one.look ?? index] : [],
    spanGaps: true,
    points: { show: (_, at) => one.points.length < 3 || (at > 1 && one.points.length < 25), size: 5 },
  }))],
});

const legend = (series) => series.map((one, index) => {
  const entry = document.createElement("span");
  const key = document.createElement("span");
  key.className = `key key-${one.look ?? index}`;
  key.setAttribute("aria-hidden", "true");
  entry.append(key, one.words);
  return entry;
});

// One figure. `update(series)` draws it anew; each series is {words, points, look}.
export const figure = (title) => {
  const drawn = pattern.content.firstElementChild.cloneNode(true);
  const field = drawn.querySelector(".plot-field");
  const words = field.dataset;
  const said = drawn.querySelector(".plot-value");
  drawn.querySelector(".plot-title").textContent = title;
  let plot = null;
  let series = [];
  let shape = "";
  let at = null;

  const read = (index) => {
    at = index;
    if (index === null || !plot) { said.textContent = ""; return; }
    const values = series
      .map((one, n) => [one.words, plot.data[n + 1][index]])
      .filter(([, value]) => value !== null && value !== undefined)
      .map(([name, value]) => (series.length > 1 ? `${name} ${measure(value)}` : measure(value)));
    said.textContent = `${words.at.replace("{step}", steps(plot.data[0][index]))}: ${values.join(", ")}`;
  };

  const point = (index) => {
    const last = plot.data[0].length - 1;
    const wanted = Math.min(last, Math.max(0, index));
    const y = plot.data.slice(1).map((values) => values[wanted]).find((value) => value !== null);
    plot.setCursor({ left: plot.valToPos(plot.data[0][wanted], "x"), top: y === undefined ? 0 : plot.valToPos(y, "y") });
    read(wanted);
  };

  const summary = () => series.filter((one) => one.points.length).map((one) => {
    const [first, last] = [one.points[0], one.points.at(-1)];
    return words.fromTo.replace("{name}", one.words).replace("{first}", measure(first[1])).replace("{a}", steps(first[0]))
      .replace("{last}", measure(last[1])).replace("{b}", steps(last[0]));
  }).join("; ");

  field.addEventListener("keydown", (event) => {
    if (!plot || event.altKey || event.ctrlKey || event.metaKey) return;
    const last = plot.data[0].length - 1;
    const moves = { ArrowRight: (at ?? -1) + 1, ArrowLeft: (at ?? last + 1) - 1, Home: 0, End: last };
    if (!(event.key in moves)) return;
    event.preventDefault();
    point(moves[event.key]);
  });
  new ResizeObserver(() => plot?.setSize({ width: field.clientWidth, height: HEIGHT })).observe(field);

  const update = (next) => {
    series = next;
    const wanted = next.map((one) => one.words).join("\n");
    const data = aligned(next);
    drawn.querySelector(".plot-legend").replaceChildren(...(next.length > 1 ? legend(next) : []));
    if (plot && wanted === shape) plot.setData(data);
    else {
      plot?.destroy();
      shape = wanted;
      plot = new uPlot({ ...options(series, field.clientWidth || 320), hooks: { setCursor: [(u) => read(u.cursor.idx ?? null)] } }, data, field);
    }
    field.setAttribute("aria-label", `${title}. ${summary()}. ${words.hint}`);
  };

  const redraw = () => plot?.redraw(false);
  new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  return { element: drawn, update };
};
