// The page of results: its charts, and what it prints.

import { chart } from "../../pages/templates/chart.js";

// A chart is drawn when it is first opened: a page of twenty opens at once.
for (const details of document.querySelectorAll("details.closer")) {
  const place = details.querySelector(".chart");
  const show = () => {
    if (!details.open || place.childElementCount) return;
    chart(place, JSON.parse(details.querySelector("script").textContent));
  };
  details.hidden = false;
  details.addEventListener("toggle", show);
  show(); // a browser may have opened it
}

// On paper nothing can be opened.
const opened = [];
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details:not(.closer):not([open])")) {
    details.open = true;
    opened.push(details);
  }
});
addEventListener("afterprint", () => {
  for (const details of opened.splice(0)) details.open = false;
});
