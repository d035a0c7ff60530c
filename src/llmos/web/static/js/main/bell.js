// The bell asks now and then how many lines of news wait, while somebody looks at the page.
const bell = document.querySelector("[data-bell]");
const PAUSE = 60_000;

async function ask() {
  if (document.hidden) return;
  const answer = await fetch("/api/notifications/unread").catch(() => null);
  if (!answer || !answer.ok) return;
  const { unread } = await answer.json();
  const count = bell.querySelector(".bell-count");
  count.hidden = unread === 0;
  count.textContent = unread > 99 ? "99+" : String(unread);
  const words = unread ? bell.dataset.some.replace("{n}", unread) : bell.dataset.none;
  bell.querySelector(".visually-hidden").textContent = words;
}

if (bell) {
  setInterval(ask, PAUSE);
  document.addEventListener("visibilitychange", ask);
}
