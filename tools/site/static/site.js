// Names for what the theme leaves unnamed: the buttons that open a part of the side bar, and the
// heads of columns that say nothing.
document.addEventListener("DOMContentLoaded", () => {
  for (const button of document.querySelectorAll("summary:has(> .toctree-toggle)")) {
    const link = button.closest("li")?.querySelector("a");
    button.setAttribute("aria-label", `Pages of ${link?.textContent.trim() ?? "this part"}`);
  }
  for (const head of document.querySelectorAll("th.head")) {
    if (head.textContent.trim() === "") {
      const cell = document.createElement("td");
      cell.className = head.className;
      head.replaceWith(cell);
    }
  }
});
