// What there is to watch: curves, the table of arms, surfaces, layers, images that are wrong.

import { Chart } from "./chart.js";
import { bytes, colours, floats, h, hue, labelled, saveAs, select, swatch, write } from "./dom.js";
import { plain, words } from "./numbers.js";
import { T } from "./texts.js";

const TABLE_EVERY = 500; // milliseconds

export class Watch {
  /** `wake` has the page drawn. */
  constructor(model, send, wake) {
    this.model = model;
    this.send = send;
    this.wake = wake;
    this.charts = [];
    this.seen = { about: -1, curves: -1, looks: -1 };
    this.tableAt = 0;
    this.thin = h("input", { type: "checkbox", checked: true, onchange: () => this.#view() });
    this.log = h("input", { type: "checkbox", onchange: () => this.#view() });
    this.grid = h("div", { class: "charts" });
    this.legend = h("ul", { class: "row legend", "aria-label": T.arms });
    this.note = h("p", { class: "note" });
    this.asOf = h("p", { class: "note" });
    this.body = h("tbody");
    this.verdict = h("div", { "aria-live": "polite", class: "verdict" });
    this.testedAt = 0;
    const head = [T.arm, T.state, T.settings, "", "", ""].map((text) => h("th", { scope: "col" }, text));
    this.lossHead = head[3];
    this.accuracyHead = head[4];
    this.versusHead = head[5];
    for (const one of [head[3], head[4]]) one.classList.add("n");
    this.surfaces = h("section", { hidden: true, "aria-label": T.surfaces });
    this.layers = h("section", { hidden: true, "aria-label": T.layers });
    this.wrong = h("section", { hidden: true, "aria-label": T.wrong });
    this.layersArm = select([], "", { "aria-label": T.layersOf, onchange: () => this.#looks() });
    this.element = h("section", { "aria-label": T.watch, class: "watch" },
      h("div", { class: "row options" },
        h("label", {}, this.thin, T.thin), h("label", {}, this.log, T.logScale)),
      this.legend,
      this.grid, this.note, this.surfaces,
      h("div", { class: "wide", tabindex: 0, role: "region", "aria-label": T.arms },
        h("table", { class: "arms" }, h("thead", {}, h("tr", {}, ...head)), this.body)),
      this.asOf,
      h("div", { class: "row" },
        h("button", { type: "button", onclick: () => this.#test() }, T.test),
        h("p", { class: "note" }, T.lookNote)),
      this.verdict, this.layers, this.wrong);
  }

  /** Draws what has changed and is due at this time; in how many milliseconds the rest is. */
  draw(now) {
    const { model } = this, { version } = model;
    if (!model.about) return Infinity;
    if (model.status.step < this.testedAt) this.#untest(); // another session, or a step undone
    if (this.seen.about !== version.about) this.#about();
    if (this.seen.curves !== version.curves) {
      this.seen.curves = version.curves;
      for (const chart of this.charts) chart.stale = true;
      this.tableStale = true;
    }
    if (this.paper !== colours().paper) {
      this.paper = colours().paper; // dark, or no longer
      for (const chart of this.charts) { chart.stale = true; chart.thinAt = -Infinity; }
      this.seen.looks = -1;
    }
    const left = this.charts.map((chart) => chart.draw(model, now));
    if (this.tableStale && now - this.tableAt > TABLE_EVERY) {
      this.tableAt = now;
      this.tableStale = false;
      this.#table();
    }
    if (this.seen.looks !== version.looks) {
      this.seen.looks = version.looks;
      this.#looks();
    }
    return Math.min(...left, this.tableStale ? this.tableAt + TABLE_EVERY - now : Infinity);
  }

  #about() {
    const { model } = this;
    this.seen.about = model.version.about;
    const names = model.series.filter((name) => model.about.task !== "regression" || name.includes("loss"));
    if (names.join() !== this.charts.map((chart) => chart.name).join()) {
      this.charts = names.map((name) => new Chart(name, this.wake));
      this.grid.replaceChildren(...this.charts.map((chart) => chart.element));
      this.#view();
    }
    this.note.textContent = `${T.bandNote(model.seeds)} ${T.dataNote(model.about.data)}`;
    this.lossHead.textContent = T.series.loss;
    this.accuracyHead.textContent = model.about.task === "regression" ? "" : T.series.accuracy;
    this.versusHead.textContent = T.versus(this.#judge);
    const chosen = this.layersArm.value;
    const arms = model.about.arms.map((arm) => arm.name);
    this.layersArm.replaceChildren(...model.about.arms.map(({ name, title }) => h("option", { value: name }, title)));
    this.layersArm.value = arms.includes(chosen) ? chosen : arms[0];
    this.legend.replaceChildren(...model.about.arms.map(({ title }, index) => h("li", {}, swatch(index), title)));
    this.rows = model.about.arms.map((arm, index) => this.#row(arm, index));
    this.body.replaceChildren(...this.rows.map((row) => row.element));
    for (const chart of this.charts) { chart.stale = true; chart.thinAt = -Infinity; }
    this.#table();
    this.#frame();
    this.seen.looks = -1; // they name the arms
  }

  #view() {
    for (const chart of this.charts) {
      chart.thin = this.thin.checked;
      chart.log = this.log.checked;
      chart.stale = true;
      chart.thinAt = -Infinity;
    }
    this.wake();
  }

  // --- the table of arms ---------------------------------------------------------------------

  #row(arm, index) {
    const { model } = this;
    const settings = Object.entries(arm.settings)
      .filter(([name, value]) => name === "lr" || value !== 0)
      .map(([name, value]) => `${T.inside(T.fields[name])} ${plain(value)}`).join(", ");
    const state = arm.trains ? T.trains : arm.stopped ? T.stopped : T.ended;
    const gone = arm.diverged ? `, ${T.diverged(arm.diverged, model.seeds)}` : "";
    const cells = { loss: h("td", { class: "n" }), accuracy: h("td", { class: "n" }), versus: h("td") };
    const element = h("tr", {},
      h("th", { scope: "row" }, swatch(index), arm.title),
      h("td", { class: arm.diverged ? "bad" : "" }, state + gone),
      h("td", {}, `${arm.optimizer}, ${settings}`), cells.loss, cells.accuracy, cells.versus);
    return { arm, element, cells };
  }

  #table() {
    const { model } = this, verdict = model.verdict();
    write(this.asOf, model.steps.length ? T.asOf(model.steps[model.steps.length - 1]) : "");
    const place = (name) => model.series.indexOf(name);
    for (const { arm, cells } of this.rows) {
      const said = (name) => {
        const band = model.lastBand(arm.name, place(name));
        return band ? `${words(band[1])} (${words(band[0])} to ${words(band[2])})` : "–";
      };
      write(cells.loss, said("loss"));
      write(cells.accuracy, model.about.task === "regression" ? "" : said("accuracy"));
      const wins = verdict?.wins.get(arm.name);
      write(cells.versus, !verdict || !arm.trains ? ""
        : verdict.leader === arm ? T.ahead
          : T.behind(verdict.leader.title, wins.won, wins.lost, model.seeds));
    }
  }

  /** What the series that decides between arms is called. */
  get #judge() {
    return T.series[this.model.series[this.model.judge.which]];
  }

  async #test() {
    const found = await this.send({ do: "test" });
    if (!found) return;
    this.testedAt = found.step;
    const lines = found.compared.map((one) => h("li", {}, one.text));
    this.verdict.replaceChildren(lines.length
      ? h("div", {}, h("p", {}, T.tested(found.step, found.number, this.#judge)), h("ul", {}, ...lines))
      : h("p", {}, T.testedNone));
  }

  /** What was tested is no more. */
  #untest() {
    this.testedAt = 0;
    this.verdict.replaceChildren();
  }

  // --- closer looks ----------------------------------------------------------------------------

  /** What surfaces are drawn on, and rows: new when the session is, or what arms are called. */
  #frame() {
    const { frame, arms } = this.model.about;
    const key = frame && JSON.stringify([frame.x, frame.heldX, arms.map(({ title }) => title)]);
    if (key === this.frameKey) return;
    this.frameKey = key;
    this.points = frame && [[frame.x, frame.t, true], [frame.heldX, frame.heldT, false]]
      .map(([text, classes, trained]) => ({ at: floats(text), classes, trained }));
    this.maps = new Map();
    this.surfaces.hidden = !frame;
    this.maplist = h("div", { class: "maps" });
    this.surfaces.replaceChildren(
      h("h2", {}, T.surfaces), h("p", { class: "note" }, T.surfacesNote), this.maplist);
  }

  #looks() {
    const { model } = this;
    if (!model.about) return;
    if (this.points) this.#maps();
    const look = model.looks[this.layersArm.value];
    this.layers.hidden = !look;
    if (look) this.#layers(look);
    this.#images();
  }

  #maps() {
    const { model } = this;
    model.about.arms.forEach(({ name, title }, index) => {
      const surface = model.looks[name]?.surface;
      if (!surface) return;
      if (!this.maps.has(name)) {
        const canvas = h("canvas", { width: 280, height: 280, role: "img", "aria-label": T.surfaceLabel(title) });
        const save = h("button", {
          type: "button", class: "quiet", "aria-label": T.savePicture(T.surfaceLabel(title), "PNG"),
          onclick: () => canvas.toBlob((blob) => saveAs(`surface_${index + 1}.png`, blob)),
        }, "PNG");
        const element = h("figure", {}, canvas, h("figcaption", {}, swatch(index), title, save));
        this.maps.set(name, { canvas, element, drawn: null });
      }
      const map = this.maps.get(name), paper = colours().paper;
      if (map.drawn === surface.mean + paper) return;
      map.drawn = surface.mean + paper;
      this.#surface(map.canvas, surface, model.about.frame);
    });
    const elements = model.about.arms.flatMap(({ name }) => this.maps.get(name)?.element ?? []);
    if (elements.some((one, at) => this.maplist.children[at] !== one)) this.maplist.replaceChildren(...elements);
  }

  #surface(canvas, surface, frame) {
    const { sides, back } = colours();
    const mean = bytes(surface.mean), apart = bytes(surface.apart);
    const image = new ImageData(frame.side, frame.side);
    for (let at = 0; at < mean.length; at++) {
      const share = mean[at] / 255, side = sides[share > 0.5 ? 1 : 0];
      const strength = Math.abs(2 * share - 1) * (1 - 0.6 * apart[at] / 255) * 0.85 + 0.06;
      for (let c = 0; c < 3; c++) image.data[4 * at + c] = back[c] + strength * (side[c] - back[c]);
      image.data[4 * at + 3] = 255;
    }
    const small = new OffscreenCanvas(frame.side, frame.side);
    small.getContext("2d").putImageData(image, 0, 0);
    const context = canvas.getContext("2d"), size = canvas.width;
    context.imageSmoothingEnabled = true;
    context.drawImage(small, 0, 0, size, size);
    context.drawImage(this.#dots(frame, size), 0, 0);
  }

  /** The rows, which are the same on all surfaces: drawn once. */
  #dots(frame, size) {
    const { sides, paper } = colours();
    if (this.dots?.paper === paper && this.dots.frame === frame.x + frame.heldX) return this.dots.canvas;
    const canvas = new OffscreenCanvas(size, size), context = canvas.getContext("2d");
    this.dots = { canvas, paper, frame: frame.x + frame.heldX };
    const place = (value) => (value - frame.low) / (frame.high - frame.low) * size;
    for (const { at, classes, trained } of this.points) {
      for (let row = 0; row < classes.length; row++) {
        const colour = `rgb(${sides[classes[row]].join()})`;
        context.beginPath();
        context.arc(place(at[2 * row]), size - place(at[2 * row + 1]), trained ? 2.4 : 2, 0, 7);
        context.lineWidth = 1;
        if (trained) {
          context.fillStyle = colour;
          context.fill();
          context.strokeStyle = paper;
        } else context.strokeStyle = colour;
        context.stroke();
      }
    }
    return canvas;
  }

  #layers(look) {
    const index = this.model.about.arms.findIndex((arm) => arm.name === this.layersArm.value);
    const columns = [T.layer, T.outputs, T.dead, T.saturated, T.gradients, T.gradientNorm, T.weightNorm];
    const rows = look.layers.map((layer, at) => {
      const isLast = at === look.layers.length - 1;
      const share = (value) => (value === undefined ? "" : value === null ? "–" : `${Math.round(100 * value)} %`);
      return h("tr", {},
        h("th", { scope: "row" }, isLast ? T.outputLayer : String(at + 1)),
        h("td", {}, layer.outputs ? histogram(layer.outputs, hue(index), T.outputs) : ""),
        h("td", { class: `n${layer.dead > 0.5 ? " bad" : ""}` }, share(layer.dead)),
        h("td", { class: `n${layer.saturated > 0.9 ? " bad" : ""}` }, share(layer.saturated)),
        h("td", {}, histogram(layer.gradients, hue(index), T.gradients)),
        h("td", { class: "n" }, words(layer.gradient)),
        h("td", { class: "n" }, words(layer.weights)));
    });
    const table = h("table", {},
      h("thead", {}, h("tr", {}, ...columns.map((text, at) => h("th", { scope: "col", class: [2, 3, 5, 6].includes(at) ? "n" : "" }, text)))),
      h("tbody", {}, ...rows));
    if (!this.layers.childElementCount) {
      this.layersNote = h("p", { class: "note" });
      this.layersTable = h("div", { class: "wide", tabindex: 0, role: "region", "aria-label": T.layersTable });
      this.layers.append(h("h2", {}, T.layers),
        h("div", { class: "row" }, labelled(T.layersOf, this.layersArm), this.layersNote), this.layersTable);
    }
    this.layersNote.textContent = T.layersNote(look.seed, look.rows);
    this.layersTable.replaceChildren(table);
  }

  #images() {
    const { model } = this, found = [];
    model.about.arms.forEach(({ name, title }, index) => {
      const wrong = model.looks[name]?.wrong;
      if (!wrong) return;
      const pixels = bytes(wrong.pixels), size = wrong.side * wrong.side;
      const pictures = wrong.said.map((said, at) => {
        const canvas = h("canvas", { width: wrong.side, height: wrong.side, role: "img", "aria-label": T.wrongImage(said, wrong.truth[at]) });
        const image = new ImageData(wrong.side, wrong.side);
        for (let p = 0; p < size; p++) {
          const grey = 255 - pixels[at * size + p];
          image.data.set([grey, grey, grey, 255], 4 * p);
        }
        canvas.getContext("2d").putImageData(image, 0, 0);
        return h("figure", { title: T.wrongImage(said, wrong.truth[at]) }, canvas, h("figcaption", {}, `${wrong.truth[at]} → ${said}`));
      });
      found.push(h("div", { class: "strip" },
        h("p", {}, swatch(index), T.wrongOf(title, wrong.count, wrong.of)), h("div", { class: "images" }, ...pictures)));
    });
    this.wrong.hidden = !found.length;
    this.wrong.replaceChildren(h("h2", {}, T.wrong), ...found);
  }
}

/** A small histogram; its ends are written below it. */
function histogram({ low, high, shares }, colour, label) {
  const canvas = h("canvas", { width: 240, height: 56, class: "histogram", role: "img", "aria-label": label });
  const context = canvas.getContext("2d"), most = Math.max(...shares, 1e-9);
  context.fillStyle = colour;
  shares.forEach((share, at) => {
    // The root of a share: a spike does not hide all the rest.
    const height = Math.sqrt(share / most) * 54;
    context.fillRect(at * 240 / shares.length + 0.5, 56 - height, 240 / shares.length - 1, height);
  });
  return h("div", { class: "bars" }, canvas, h("span", { class: "ends" }, h("span", {}, words(low ?? NaN)), h("span", {}, words(high ?? NaN))));
}
