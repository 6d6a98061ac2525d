// One chart on a canvas: medians, bands and single seeds of all arms over the steps.
//
// Two canvases lie on each other: below are the single seeds, which grow once a second; above are
// medians and bands, which grow with the page (main.js).  Both are drawn as a whole only when the
// axes move: whoever draws takes time from training.

import { colours, dash, h, hue, saveAs, scale, write } from "./dom.js";
import { Drawing } from "./drawing.js";
import { plain, scaled, ticks, words } from "./numbers.js";
import { T } from "./texts.js";

const MARGIN = { left: 46, right: 22, top: 8, bottom: 26 };
const LETTERS = 11; // pixels
const THIN_EVERY = 1000; // milliseconds
const THIN_POINTS = 150;
const THIN_SEEDS = 40;
const LARGEST = 10; // of a loss on a linear scale

export class Chart {
  /** `wake` has the page drawn. */
  constructor(name, wake) {
    this.name = name;
    this.log = false;
    this.thin = true;
    this.under = h("canvas", { "aria-hidden": "true" });
    this.over = h("canvas", { role: "img", "aria-label": T.series[name] });
    const save = (kind, act) => h("button", {
      type: "button", class: "quiet", "aria-label": T.savePicture(T.series[name], kind), onclick: act,
    }, kind);
    this.note = h("span", { class: "value" });
    this.element = h("figure", { class: "chart" },
      h("figcaption", {}, h("strong", {}, T.series[name]), this.note,
        save("PNG", () => this.savePng()), save("SVG", () => this.saveSvg())),
      h("div", { class: "stack" }, this.under, this.over));
    this.thinAt = -Infinity;
    this.behind = false; // the single seeds, behind the medians
    this.axes = this.model = null;
    this.above = []; // the numbers of arms whose medians leave the axis
    this.under.shown = this.over.shown = { key: null, to: 0 }; // what each canvas has
    const again = () => { this.stale = true; wake(); };
    new ResizeObserver(() => { this.thinAt = -Infinity; again(); }).observe(this.element);
    this.over.addEventListener("pointermove", (event) => { this.pointer = event.offsetX; again(); });
    this.over.addEventListener("pointerleave", () => { this.pointer = null; again(); });
    this.pointer = null;
    this.stale = true;
  }

  /** Draws what has changed and is due at this time; in how many milliseconds the rest is. */
  draw(model, now) {
    const thinDue = (this.stale || this.behind) && now - this.thinAt > THIN_EVERY;
    const left = () => (this.behind ? Math.max(0, this.thinAt + THIN_EVERY - now) : Infinity);
    if (!this.stale && !thinDue) return left();
    this.model = model;
    const box = this.over.parentElement.getBoundingClientRect();
    if (box.width < 20 || !model.about) return Infinity;
    const which = model.series.indexOf(this.name);
    const axes = this.#axes(model, which, box);
    const moved = JSON.stringify(axes) !== JSON.stringify(this.axes);
    this.axes = axes;
    this.behind = !(moved || thinDue);
    if (!this.behind) {
      this.thinAt = now;
      this.#grow(this.under, model, which, box);
      this.#describe(model, which);
    }
    if (this.stale || moved) {
      this.stale = false;
      this.#grow(this.over, model, which, box);
    }
    return left();
  }

  /** The ends of both axes: they move in jumps, so that little has to be drawn again. */
  #axes(model, which, box) {
    const steps = model.steps, lastStep = steps.length ? steps[steps.length - 1] : 0;
    const isLog = this.log && !this.name.includes("accuracy");
    let low = Infinity, high = -Infinity;
    for (const { bands } of model.arms.values()) {
      for (const point of bands) {
        const band = point[which];
        if (!band) continue;
        const bottom = isLog && band[0] <= 0 ? band[1] : band[0];
        if (!isLog || bottom > 0) low = Math.min(low, bottom);
        // One arm that explodes does not flatten the others.
        high = Math.max(high, isLog ? band[2] : Math.min(band[2], LARGEST));
      }
    }
    if (!(low <= high)) [low, high] = isLog ? [0.1, 1] : [0, 1];
    if (this.name.includes("accuracy")) [low, high] = [Math.min(0.5, Math.floor(low * 10) / 10), 1];
    else if (!isLog) [low, high] = [0, ceiling(high)];
    else {
      low = 10 ** (Math.floor(2 * Math.log10(low) + 1e-9) / 2);
      high = 10 ** (Math.ceil(2 * Math.log10(high) - 1e-9) / 2);
      if (low === high) high = low * Math.sqrt(10);
    }
    return { end: ceiling(Math.max(lastStep, 10)), low, high, width: box.width, height: box.height, scale: scale() };
  }

  #scales() {
    const { end, low, high, width, height, scale: times } = this.axes;
    const margin = Object.fromEntries(Object.entries(MARGIN).map(([side, room]) => [side, room * times]));
    const isLog = this.log && !this.name.includes("accuracy");
    const x = scaled(0, end, margin.left, width - margin.right);
    const y = scaled(low, high, height - margin.bottom, margin.top, isLog);
    return { isLog, margin, letters: LETTERS * times, x, y: isLog ? (value) => y(Math.max(value, low / 10)) : y };
  }

  #prepared(canvas, box) {
    const ratio = Math.min(devicePixelRatio || 1, 2);
    const width = Math.round(box.width * ratio), height = Math.round(box.height * ratio);
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, box.width, box.height);
    context.lineJoin = "round";
    return context;
  }

  #clip(context) {
    const { width, height } = this.axes, { margin } = this.#scales();
    context.beginPath();
    context.rect(margin.left, margin.top - 2, width - margin.left - margin.right + 2, height - margin.top - margin.bottom + 4);
    context.clip();
  }

  /** One of the canvases: only what is new, if all the rest is as it was. */
  #grow(canvas, model, which, box) {
    const isPointed = this.pointer !== null && canvas === this.over, { shown } = canvas;
    const key = isPointed ? null : JSON.stringify([
      this.axes, this.log, model.version.rebuilt, this.thin, devicePixelRatio, colours(), model.about.arms.map(({ name }) => name)]);
    const isLonger = key !== null && key === shown.key && shown.to > 2;
    const context = isLonger ? canvas.getContext("2d") : this.#prepared(canvas, box);
    if (canvas === this.under) {
      if (!isLonger) this.#grid(context);
      if (this.thin) this.#thin(context, model, which, isLonger ? shown.to - 1 : 0);
    } else {
      const joint = shown.to - 2; // what was the last point is none any more
      context.save();
      if (isLonger) this.#cut(context, this.#scales().x(model.steps[joint]));
      this.#bold(context, model, which, isLonger ? joint - 1 : 0);
      context.restore();
      if (isPointed) this.#cursor(context, model, which);
      else write(this.note, this.above.length ? T.above(this.above, plain(this.axes.high)) : "");
    }
    canvas.shown = { key, to: model.steps.length };
  }

  /** Takes away all on the right of a place, and draws nothing on its left. */
  #cut(context, place) {
    const ratio = context.getTransform().a, left = Math.floor(place * ratio) / ratio; // between two pixels
    const { width, height } = this.axes;
    context.clearRect(left, 0, width - left, height);
    context.beginPath();
    context.rect(left, 0, width - left, height);
    context.clip();
  }

  /** Single seeds from a point on; all of them with no more points than can be seen. */
  #thin(context, model, which, from) {
    const { x, y } = this.#scales();
    context.save();
    this.#clip(context);
    context.globalAlpha = 0.3;
    context.lineWidth = 0.7;
    const count = model.steps.length, stride = Math.max(1, Math.ceil((count - from) / THIN_POINTS));
    const seeds = Math.min(model.seeds, THIN_SEEDS);
    model.about.arms.forEach((about, index) => {
      const arm = model.arms.get(about.name);
      if (!arm) return;
      context.strokeStyle = hue(index);
      context.beginPath();
      for (let seed = 0; seed < seeds; seed++) {
        let pen = false;
        for (let at = from; at < count; at = at === count - 1 ? count : Math.min(at + stride, count - 1)) {
          const value = arm.columns[at][which * model.seeds + seed];
          if (isNaN(value)) { pen = false; continue; }
          if (pen) context.lineTo(x(model.steps[at]), y(value));
          else context.moveTo(x(model.steps[at]), y(value));
          pen = true;
        }
      }
      context.stroke();
    });
    context.restore();
  }

  /** Medians and bands from a point on, and the numbers at the ends of all. */
  #bold(context, model, which, from) {
    const { x, y } = this.#scales();
    context.save();
    this.#clip(context);
    const ends = [];
    model.about.arms.forEach((about, index) => {
      const bands = model.arms.get(about.name)?.bands;
      if (!bands) return;
      const points = [];
      for (let at = from; at < bands.length; at++) if (bands[at][which]) points.push([x(model.steps[at]), ...bands[at][which].map(y)]);
      if (!points.length) return;
      context.fillStyle = context.strokeStyle = hue(index);
      context.globalAlpha = 0.16;
      context.beginPath();
      for (const [across, low] of points) context.lineTo(across, low);
      for (const [across, , , high] of points.toReversed()) context.lineTo(across, high);
      context.fill();
      context.globalAlpha = 1;
      context.lineWidth = 2;
      context.setLineDash(dash(index));
      context.lineDashOffset = points[0][0]; // as if it came from the left
      context.beginPath();
      for (const [across, , middle] of points) context.lineTo(across, middle);
      context.stroke();
      context.setLineDash([]);
      const [across, , middle] = points[points.length - 1];
      ends.push({ index, across, middle });
    });
    context.restore();
    this.#leaving(context, model, which);
    this.#numbers(context, ends);
  }

  /** A triangle in the colour of the arm wherever a median leaves the axis at the top. */
  #leaving(context, model, which) {
    const { x, margin } = this.#scales(), { high } = this.axes;
    this.above = [];
    model.about.arms.forEach(({ name }, index) => {
      const bands = model.arms.get(name)?.bands ?? [], middle = (at) => bands[at]?.[which]?.[1];
      const places = bands.flatMap((_, at) => (middle(at) > high && !(middle(at - 1) > high) ? [at] : []));
      if (places.length) this.above.push(index + 1);
      context.fillStyle = hue(index);
      for (const at of places) {
        const before = middle(at - 1), to = x(model.steps[at]);
        const share = before === undefined ? 1 : (high - before) / (middle(at) - before);
        const from = share === 1 ? to : x(model.steps[at - 1]), across = from + share * (to - from);
        context.beginPath();
        context.moveTo(across, margin.top - 5);
        context.lineTo(across - 5, margin.top + 4);
        context.lineTo(across + 5, margin.top + 4);
        context.fill();
      }
    });
  }

  /** The number of each arm at the end of its line, moved apart where they would touch. */
  #numbers(context, ends) {
    const { margin, letters } = this.#scales();
    context.font = `600 ${letters}px system-ui, sans-serif`;
    context.textAlign = "left";
    context.textBaseline = "middle";
    ends.sort((a, b) => a.middle - b.middle);
    let below = -Infinity;
    for (const { index, across, middle } of ends) {
      const height = Math.min(Math.max(middle, below + letters, margin.top + 4), this.axes.height - margin.bottom);
      below = height;
      context.fillStyle = hue(index);
      context.fillText(String(index + 1), across + 5, height);
    }
  }

  #grid(context) {
    const { end, low, high, width, height } = this.axes, { x, y, isLog, margin, letters } = this.#scales();
    const { line, soft } = colours();
    context.strokeStyle = line;
    context.fillStyle = soft;
    context.lineWidth = 1;
    context.font = `${letters}px system-ui, sans-serif`;
    context.textBaseline = "middle";
    context.textAlign = "right";
    for (const value of ticks(low, high, 4, isLog)) {
      const at = Math.round(y(value)) + 0.5;
      context.beginPath();
      context.moveTo(margin.left, at);
      context.lineTo(width - margin.right, at);
      context.stroke();
      context.fillText(plain(value), margin.left - 5, at);
    }
    context.textBaseline = "top";
    context.textAlign = "center";
    for (const step of ticks(0, end, width < 320 ? 3 : 5)) {
      context.fillText(step ? short(step) : `0 ${T.steps}`, x(step), height - margin.bottom + 7);
    }
  }

  #cursor(context, model, which) {
    const { x, margin } = this.#scales();
    if (!model.steps.length) return;
    let at = 0;
    model.steps.forEach((step, place) => {
      if (Math.abs(x(step) - this.pointer) < Math.abs(x(model.steps[at]) - this.pointer)) at = place;
    });
    context.strokeStyle = colours().soft;
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(x(model.steps[at]), margin.top);
    context.lineTo(x(model.steps[at]), this.axes.height - margin.bottom);
    context.stroke();
    const values = model.about.arms.flatMap(({ name }, index) => {
      const band = model.arms.get(name)?.bands[at]?.[which];
      return band ? [`${index + 1}: ${words(band[1])}`] : [];
    });
    write(this.note, `${short(model.steps[at])} ${T.steps} – ${values.join("  ")}`);
  }

  #describe(model, which) {
    const parts = model.about.arms.flatMap(({ name }) => {
      const band = model.lastBand(name, which);
      return band ? [T.chartPart(name, words(band[1]))] : [];
    });
    this.over.setAttribute("aria-label", T.chartLabel(T.series[this.name], parts));
  }

  /** The chart as lines and text, which can be enlarged and edited. */
  saveSvg() {
    if (!this.axes) return;
    const { model } = this, which = model.series.indexOf(this.name);
    const drawing = new Drawing(this.axes.width, this.axes.height, colours().paper);
    this.#grid(drawing);
    if (this.thin) this.#thin(drawing, model, which, 0);
    this.#bold(drawing, model, which, 0);
    this.#describe(model, which);
    const title = this.over.getAttribute("aria-label");
    saveAs(`${this.name}.svg`, new Blob([drawing.text(title)], { type: "image/svg+xml" }));
  }

  /** The chart as a picture, on paper of its colour. */
  savePng() {
    const whole = h("canvas", { width: this.over.width, height: this.over.height });
    const context = whole.getContext("2d");
    context.fillStyle = colours().paper;
    context.fillRect(0, 0, whole.width, whole.height);
    context.drawImage(this.under, 0, 0);
    context.drawImage(this.over, 0, 0);
    whole.toBlob((blob) => saveAs(`${this.name}.png`, blob));
  }
}

/** The next of 1, 1.5, 2, 3, 4, 6, 8 × 10ⁿ. */
export function ceiling(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * ([1, 1.5, 2, 3, 4, 6, 8, 10].find((nice) => nice * power >= value * (1 - 1e-9)) ?? 10);
}

function short(value) {
  if (value >= 1e6) return `${Number((value / 1e6).toPrecision(3))}M`;
  if (value >= 1e4) return `${Number((value / 1e3).toPrecision(3))}k`;
  return plain(value);
}
