// What a chart draws on when it becomes an SVG: of the calls of a canvas those that chart.js makes.

const FIELDS = ["globalAlpha", "fillStyle", "strokeStyle", "lineWidth", "clipped"];
const ANCHORS = { left: "start", center: "middle", right: "end" };

export class Drawing {
  constructor(width, height, paper) {
    Object.assign(this, { width, height, globalAlpha: 1, lineWidth: 1, clipped: "" });
    this.fillStyle = this.strokeStyle = "#000000";
    this.textAlign = "left";
    this.textBaseline = "middle";
    this.dashes = [];
    this.saved = [];
    this.clips = [];
    this.made = [element("rect", { width, height, fill: paper })];
    this.path = "";
  }

  save() { this.saved.push(FIELDS.map((name) => this[name])); }

  restore() { this.saved.pop().forEach((value, at) => { this[FIELDS[at]] = value; }); }

  beginPath() { this.path = ""; }

  moveTo(x, y) { this.path += `M${short(x)} ${short(y)}`; }

  lineTo(x, y) { this.path += `${this.path ? "L" : "M"}${short(x)} ${short(y)}`; }

  rect(x, y, width, height) { this.path += `M${short(x)} ${short(y)}h${short(width)}v${short(height)}h${short(-width)}z`; }

  clip() {
    this.clipped = `url(#clip-${this.clips.length})`;
    this.clips.push(element("clipPath", { id: `clip-${this.clips.length}` }, element("path", { d: this.path })));
  }

  setLineDash(dashes) { this.dashes = dashes; }

  fill() { this.#add("path", { d: this.path, fill: this.fillStyle, "fill-opacity": this.globalAlpha }); }

  stroke() {
    this.#add("path", {
      d: this.path, fill: "none", stroke: this.strokeStyle, "stroke-opacity": this.globalAlpha,
      "stroke-width": this.lineWidth, "stroke-linejoin": "round", "stroke-dasharray": this.dashes.join(" "),
    });
  }

  fillText(text, x, y) {
    const [, weight = "", size] = /^(\d+ )?([\d.]+)px/.exec(this.font);
    this.#add("text", {
      x: short(x), y: short(y), dy: this.textBaseline === "top" ? "0.8em" : "0.35em", fill: this.fillStyle,
      "text-anchor": ANCHORS[this.textAlign], "font-size": size, "font-family": "system-ui, sans-serif",
      "font-weight": weight.trim(),
    }, escaped(text));
  }

  #add(kind, attributes, content = "") {
    if (attributes.d !== "") this.made.push(element(kind, { ...attributes, "clip-path": this.clipped }, content));
  }

  /** The whole file; the title is what readers of the screen say. */
  text(title) {
    const { width, height } = this;
    return element("svg", { xmlns: "http://www.w3.org/2000/svg", width, height, viewBox: `0 0 ${width} ${height}`, role: "img" },
      [element("title", {}, escaped(title)), element("defs", {}, this.clips.join("")), ...this.made].join("\n"));
  }
}

function element(kind, attributes, content = "") {
  const said = Object.entries(attributes).filter(([, value]) => value !== "").map(([name, value]) => ` ${name}="${escaped(String(value))}"`);
  return `<${kind}${said.join("")}>${content}</${kind}>`;
}

const short = (value) => String(Math.round(100 * value) / 100);
const escaped = (text) => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
