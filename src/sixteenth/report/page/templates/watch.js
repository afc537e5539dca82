"use strict";
// Asks the server of this page for its parts, and puts in place those that have changed.
(() => {
  const shown = {}, lost = document.getElementById("lost");
  function replace(part, html) {
    // Whoever reads on the right of a table, or with the keyboard, stays where they are.
    const regions = () => [...part.querySelectorAll(".scroll")];
    const scrolled = regions().map((region) => region.scrollLeft);
    const focused = regions().indexOf(document.activeElement);
    part.innerHTML = html;
    regions().forEach((region, i) => { region.scrollLeft = scrolled[i] || 0; });
    if (focused >= 0) regions()[focused]?.focus({ preventScroll: true });
  }
  function isThere(part, html) {
    // The page came with its parts. To put one in place again would have it read aloud again.
    const parsed = document.createElement("template");
    parsed.innerHTML = html;
    return parsed.innerHTML === part.innerHTML;
  }
  async function update() {
    try {
      const answer = await fetch("now", { cache: "no-store" });
      const parts = await answer.json();
      for (const [id, html] of Object.entries(parts)) {
        if (shown[id] === html) continue;
        const part = document.getElementById(id);
        if (id in shown || !isThere(part, html)) replace(part, html);
        shown[id] = html;
      }
      lost.hidden = true;
    } catch {
      lost.hidden = false;
    }
    setTimeout(update, SECONDS * 1000);
  }
  setTimeout(update, SECONDS * 1000);
})();
