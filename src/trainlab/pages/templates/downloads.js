// A chart as a file: its values as CSV, its picture as SVG or PNG.  Nothing leaves the page but
// what the reader saves.

const LOOKS = ["fill", "stroke", "stroke-width", "stroke-dasharray", "opacity", "font-size", "font-family"];
const SHARP = 2; // pixels of a PNG for one of the screen

export function save(name, address) {
  const link = document.createElement("a");
  link.download = name;
  link.href = address;
  link.click();
}

const text = (kind, content) => `data:${kind};charset=utf-8,${encodeURIComponent(content)}`;

/** A table of values: signs of CSV are quoted, and no text is a formula to a spreadsheet. */
export function csv(rows) {
  const cell = (value) => {
    if (typeof value === "number") return value;
    const safe = /^[=+@-]/.test(value) ? `'${value}` : value;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return text("text/csv", rows.map((row) => row.map(cell).join(",") + "\r\n").join(""));
}

/** The picture with the looks that the style sheet gives it, on the colour of the paper. */
export function svg(picture) {
  const copy = picture.cloneNode(true);
  const from = [picture, ...picture.querySelectorAll("*")], to = [copy, ...copy.querySelectorAll("*")];
  from.forEach((one, index) => {
    const style = getComputedStyle(one);
    for (const look of LOOKS) to[index].setAttribute(look, style.getPropertyValue(look));
    to[index].removeAttribute("class");
  });
  const paper = document.createElementNS(picture.namespaceURI, "rect");
  for (const [key, value] of Object.entries({ width: "100%", height: "100%" })) paper.setAttribute(key, value);
  paper.setAttribute("fill", getComputedStyle(document.body).backgroundColor);
  copy.prepend(paper);
  copy.setAttribute("viewBox", `0 0 ${picture.getAttribute("width")} ${picture.getAttribute("height")}`);
  return text("image/svg+xml", new XMLSerializer().serializeToString(copy));
}

/** The pixels of an SVG at this address, of this size. */
export async function png(address, width, height) {
  const image = new Image(), canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [SHARP * width, SHARP * height];
  image.src = address;
  await image.decode();
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/png");
}
