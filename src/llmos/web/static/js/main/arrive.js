// Where a page begins: at what was refused, if anything was, so that it is read first; and with
// the present section of the hub in sight where the head is too narrow for all.
const refused = document.querySelector('main [role="alert"]:not([hidden])');
if (refused?.textContent.trim()) {
  refused.tabIndex = -1;
  refused.focus();
}

const section = document.querySelector(".masthead nav [aria-current]");
const strip = section?.closest("nav");
if (strip) strip.scrollLeft += section.getBoundingClientRect().right - strip.getBoundingClientRect().right + 24;
