// Elements, colours and arrays.  Text is only ever set as text.

/** An element: attributes, listeners as onclick: f, and children. */
export function h(kind, attributes = {}, ...children) {
  const made = document.createElement(kind);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** Sets a text that has changed: the same text again would be laid out again. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

let labels = 0;

/** A control with its label. */
export function labelled(text, control) {
  control.id ||= `control-${++labels}`;
  return h("div", { class: "field" }, h("label", { for: control.id }, text), control);
}

export function select(options, chosen, attributes = {}) {
  const made = h("select", attributes);
  for (const [value, text] of options) made.append(h("option", { value }, text));
  made.value = chosen;
  return made;
}

const HUES = 7;

/** The class and the number of an arm, so that no one has to tell colours apart. */
export function swatch(index) {
  const kind = `swatch arm-${index % HUES}${index >= HUES ? " again" : ""}`;
  return h("span", { class: kind, "aria-hidden": "true" }, String(index + 1));
}

let known = null;

/** Calls a function when the colours have changed, as for the night or for a printer. */
export function onColours(act) {
  for (const query of ["(prefers-color-scheme: dark)", "print"]) {
    matchMedia(query).addEventListener("change", () => { known = null; act(); });
  }
}

/** The colours of the style sheet, as canvases need them. */
export function colours() {
  if (known) return known;
  const style = getComputedStyle(document.documentElement);
  const get = (name) => style.getPropertyValue(name).trim();
  known = { paper: get("--paper"), ink: get("--ink"), soft: get("--soft"), line: get("--line") };
  known.hues = Array.from({ length: HUES }, (_, index) => get(`--arm-${index}`));
  known.sides = [get("--side-0"), get("--side-1")].map(rgb);
  known.back = rgb(known.paper);
  return known;
}

/** How much larger than usual letters are. */
export const scale = () => (document.documentElement.classList.contains("large") ? 1.35 : 1);

export const hue = (index) => colours().hues[index % HUES];
export const dash = (index) => (index >= HUES ? [6, 3] : []);

export function rgb(text) {
  const value = parseInt(text.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

export function bytes(text) {
  const signs = atob(text), found = new Uint8Array(signs.length);
  for (let at = 0; at < found.length; at++) found[at] = signs.charCodeAt(at);
  return found;
}

export function floats(text) {
  return new Float32Array(bytes(text).buffer);
}

/** A file that the browser saves. */
export function saveAs(name, blob) {
  const url = URL.createObjectURL(blob);
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
