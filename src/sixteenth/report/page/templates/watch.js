"use strict";
// Asks the server of this page for its parts, and puts in place those that have changed.
(() => {
  const shown = {}, lost = document.getElementById("lost");
  async function update() {
    try {
      const answer = await fetch("now", { cache: "no-store" });
      const parts = await answer.json();
      for (const [id, html] of Object.entries(parts)) {
        if (shown[id] !== html) document.getElementById(id).innerHTML = shown[id] = html;
      }
      lost.hidden = true;
    } catch {
      lost.hidden = false;
    }
    setTimeout(update, SECONDS * 1000);
  }
  setTimeout(update, SECONDS * 1000);
})();
