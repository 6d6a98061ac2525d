// What is done to arms while they train, the log of it, and what there is to keep.

import { h, labelled, select } from "./dom.js";
import { T } from "./texts.js";

export class Steer {
  constructor(model, send, say) {
    this.model = model;
    this.send = send;
    this.say = say;
    this.seen = -1;
    this.arm = select([], "", { onchange: () => this.#fill() });
    this.inputs = {};
    for (const [name, text] of Object.entries(T.fields)) {
      this.inputs[name] = h("input", { type: "number", min: 0, step: "any", name, inputmode: "decimal" });
    }
    const button = (text, act) => h("button", { type: "button", onclick: act }, text);
    this.entries = h("ol", { class: "log" });
    this.undone = h("p", { class: "note" });
    this.element = h("section", { class: "steer", "aria-label": T.steer },
      h("h2", {}, T.steer),
      h("form", { onsubmit: (event) => { event.preventDefault(); this.#change(); } },
        labelled(T.steerArm, this.arm),
        h("div", { class: "fields" }, ...Object.entries(this.inputs).map(([name, input]) => labelled(T.fields[name], input))),
        h("div", { class: "row" }, h("button", {}, T.change), button(T.clone, () => this.#clone()), button(T.stop, () => this.#do({ do: "stop", arm: this.arm.value })))),
      h("h2", {}, T.log), this.entries, this.undone,
      h("div", { class: "row" }, button(T.mark, () => this.#do({ do: "mark" }))));
  }

  draw() {
    const { model } = this;
    if (!model.about || this.seen === model.version.about) return;
    this.seen = model.version.about;
    const names = model.about.arms.filter((arm) => arm.trains).map((arm) => arm.name);
    const chosen = names.includes(this.arm.value) ? this.arm.value : names[0] ?? "";
    this.arm.replaceChildren(...names.map((name) => h("option", { value: name }, name)));
    this.arm.value = chosen;
    // What somebody is writing stays, whatever happens to other arms meanwhile.
    const now = JSON.stringify([chosen, this.#settings()]);
    if (now !== this.filled) this.#fill();
    this.filled = now;
    const { log, undone } = model.about;
    const lines = log.map((entry, place) => h("li", {},
      h("span", {}, T.logLine(entry)),
      h("button", { type: "button", class: "quiet", "aria-label": `${T.undo}: ${T.logLine(entry)}`, onclick: () => this.#do({ do: "undo", to: place }) }, T.undo)));
    this.entries.replaceChildren(...lines);
    this.undone.textContent = [log.length ? "" : T.logEmpty, undone ? T.undone(undone) : ""].filter(Boolean).join(" ");
  }

  #settings() {
    return this.model.about.arms.find((arm) => arm.name === this.arm.value)?.settings;
  }

  #fill() {
    const settings = this.#settings();
    for (const [name, input] of Object.entries(this.inputs)) input.value = settings ? settings[name] : "";
  }

  /** The numbers that are not those of the arm. */
  #fields() {
    const settings = this.#settings() ?? {};
    return Object.fromEntries(Object.entries(this.inputs)
      .filter(([name, input]) => input.value !== "" && Number(input.value) !== settings[name])
      .map(([name, input]) => [name, Number(input.value)]));
  }

  #change() {
    const fields = this.#fields();
    if (!Object.keys(fields).length) this.say(T.nothingChanged);
    else this.#do({ do: "change", arm: this.arm.value, fields });
  }

  #clone() {
    this.#do({ do: "clone", arm: this.arm.value, fields: this.#fields() });
  }

  async #do(command) {
    if ((await this.send(command)) !== undefined) this.say(T.changed);
  }
}

/** The links to what a session can be kept as. */
export function keepSection(choose, say) {
  const share = h("button", {
    type: "button",
    onclick: () => {
      history.replaceState(null, "", `#${encodeURIComponent(JSON.stringify(choose.choice()))}`);
      say(T.shared);
    },
  }, T.share);
  const links = Object.entries(T.exports).map(([name, text]) => h("a", { href: `/export/${name}`, download: name }, text));
  return h("section", { class: "keep", "aria-label": T.keep },
    h("h2", {}, T.keep), h("p", { class: "note" }, T.keepNote), h("div", { class: "row" }, ...links, share));
}

/** The settings in the address: JSON, read and never run; null where there are none. */
export function shared() {
  if (location.hash.length < 2) return null;
  const found = JSON.parse(decodeURIComponent(location.hash.slice(1)));
  const { data, base, arms, seeds, batch_size } = found;
  if (!Array.isArray(arms) || typeof base !== "object" || typeof data.name !== "string") throw new Error();
  return { data, base, arms, seeds, batch_size };
}
