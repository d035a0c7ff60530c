// Lines of a file: a click on a number names the line in the address, with Shift a stretch.
const table = document.querySelector("[data-lines]");

const mark = () => {
  for (const row of table.querySelectorAll(".marked")) row.classList.remove("marked");
  const found = /^#L(\d+)(?:-L?(\d+))?$/.exec(location.hash);
  if (!found) return;
  const [first, last] = [Number(found[1]), Number(found[2] ?? found[1])].sort((a, b) => a - b);
  for (let line = first; line <= Math.min(last, first + 5000); line += 1) {
    document.getElementById(`L${line}`)?.classList.add("marked");
  }
  if (found[2]) document.getElementById(`L${first}`)?.scrollIntoView({ block: "center" });
};

if (table) {
  table.addEventListener("click", (event) => {
    const cell = event.target.closest(".num");
    if (!cell) return;
    const before = /^#L(\d+)/.exec(location.hash);
    const here = `L${cell.dataset.n}`;
    history.replaceState(null, "", event.shiftKey && before ? `#L${before[1]}-${here}` : `#${here}`);
    mark();
  });
  window.addEventListener("hashchange", mark);
  mark();
}
