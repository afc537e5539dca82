"use strict";
// The page says everything without this: it lets a reader move the line of a wanted accuracy,
// point at the marks of the figure and copy the paragraph. It reads only what stands in the page.
(() => {
  const id = (name) => document.getElementById(name);
  const plots = [...document.querySelectorAll(".plot svg")];
  const aims = [...document.querySelectorAll("#aims li")];
  const slider = id("aim");
  const stop = id("aim-text")?.textContent.slice(-1);  // a full stop, in the page's language

  function aimAt(index) {
    const aim = aims[index], accuracy = Number(aim.dataset.accuracy);
    slider.value = index;
    slider.setAttribute("aria-valuetext", aim.textContent);
    id("aim-text").textContent = aim.textContent + stop;
    for (const svg of plots) {
      const { top, bottom, low, high } = svg.dataset;
      const part = Math.min(1, Math.max(0, (accuracy - low) / (high - low)));
      const y = Number(bottom) + part * (top - bottom);
      const target = svg.querySelector(".target");
      target.setAttribute("transform", `translate(0 ${y.toFixed(1)})`);
      target.classList.toggle("above", accuracy > high);
      target.classList.toggle("below", accuracy < low);
    }
  }

  if (slider) {
    slider.parentElement.hidden = false;
    slider.addEventListener("input", () => aimAt(Number(slider.value)));
    for (const svg of plots) {
      const follow = (event) => {
        const { top, bottom, low, high } = svg.dataset;
        const box = svg.getBoundingClientRect();
        const y = ((event.clientY - box.top) / box.height) * svg.viewBox.baseVal.height;
        const accuracy = Number(low) + ((y - bottom) / (top - bottom)) * (high - low);
        const distances = aims.map((aim) => Math.abs(aim.dataset.accuracy - accuracy));
        aimAt(distances.indexOf(Math.min(...distances)));
      };
      const target = svg.querySelector(".target");
      // A finger moves the line by the line alone: everywhere else it scrolls the page.
      target.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
      svg.addEventListener("pointerdown", (event) => {
        const held = event.pointerType === "mouse" || target.contains(event.target);
        if (!held || event.target.closest(".spot")) return;
        svg.setPointerCapture(event.pointerId);
        follow(event);
      });
      svg.addEventListener("pointermove", (event) => {
        if (svg.hasPointerCapture(event.pointerId)) follow(event);
      });
    }
    aimAt(Number(slider.value));
  }

  const said = id("point");
  if (said) said.hidden = false;
  for (const svg of plots) {
    const spots = [...svg.querySelectorAll(".spot")];
    spots.forEach((spot, i) => {
      const say = () => { said.textContent = spot.getAttribute("aria-label"); };
      for (const kind of ["pointerenter", "click", "focus"]) spot.addEventListener(kind, say);
      spot.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
        if (!step) return;
        event.preventDefault();
        const next = spots[(i + step + spots.length) % spots.length];
        spot.setAttribute("tabindex", "-1");
        next.setAttribute("tabindex", "0");
        next.focus();
      });
    });
  }

  const copy = id("copy");
  copy.parentElement.hidden = !navigator.clipboard;
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(id("summary").textContent);
    copy.textContent = copy.dataset.done;
  });

  const folded = () => [...document.querySelectorAll("details:not([open]):not(.aims)")];
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = folded();
    for (const each of opened) each.open = true;
  });
  addEventListener("afterprint", () => {
    for (const each of opened) each.open = false;
  });
})();
