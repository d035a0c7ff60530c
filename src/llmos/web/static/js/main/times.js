// Relative times keep up with the clock; the exact one stays in the title, in the reader's zone.
const language = document.documentElement.lang || "en";
const words = new Intl.RelativeTimeFormat(language, { numeric: "always" });
const exact = new Intl.DateTimeFormat(language, { dateStyle: "long", timeStyle: "medium" });
const units = [["year", 31557600], ["month", 2629800], ["day", 86400], ["hour", 3600], ["minute", 60]];

const refresh = () => {
  for (const time of document.querySelectorAll("time[datetime]")) {
    const moment = new Date(time.dateTime);
    const seconds = (moment - Date.now()) / 1000;
    time.title = exact.format(moment);
    const unit = units.find(([, size]) => Math.abs(seconds) >= size);
    if (unit && seconds < 0) time.textContent = words.format(Math.ceil(seconds / unit[1]), unit[0]);
  }
};

refresh();
setInterval(refresh, 60_000);
document.addEventListener("htmx:after:swap", refresh);
document.addEventListener("shown", refresh);
