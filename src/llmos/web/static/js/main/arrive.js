// What a page needs once it is there. It begins at what was refused, if anything was, and with
// the present section of the hub in sight where the head is too narrow for all.
const refused = document.querySelector('main [role="alert"]:not([hidden])');
if (refused?.textContent.trim()) {
  refused.tabIndex = -1;
  refused.focus();
}

const section = document.querySelector(".masthead nav [aria-current]");
const strip = section?.closest("nav");
if (strip) strip.scrollLeft += section.getBoundingClientRect().right - strip.getBoundingClientRect().right + 24;

// What is wider than its place is scrolled by keyboard as well.
for (const wide of document.querySelectorAll(".prose :is(math, table, pre)")) {
  if (wide.scrollWidth > wide.clientWidth) wide.tabIndex = 0;
}
