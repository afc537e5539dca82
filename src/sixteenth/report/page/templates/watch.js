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
  async function update() {
    try {
      const answer = await fetch("now", { cache: "no-store" });
      const parts = await answer.json();
      for (const [id, html] of Object.entries(parts)) {
        if (shown[id] !== html) replace(document.getElementById(id), shown[id] = html);
      }
      lost.hidden = true;
    } catch {
      lost.hidden = false;
    }
    setTimeout(update, SECONDS * 1000);
  }
  setTimeout(update, SECONDS * 1000);
})();
