// Data, network, arms and seeds: a form that is filled by a lesson, by the address, or by hand.

import { h, labelled, select } from "./dom.js";
import { T } from "./texts.js";

const SEND = "send"; // of the list of data: a table that is still to be sent

export class Choose {
  constructor({ catalogue, lessons, tables }, send, say) {
    this.catalogue = catalogue;
    this.lessons = lessons;
    this.send = send;
    this.say = say;
    const number = (name, attributes) => h("input", { type: "number", name, inputmode: "decimal", ...attributes });
    const data = [
      ...(catalogue.given ? [["given", T.given(catalogue.given)]] : []),
      ...catalogue.planar.map((name) => [name, name]), ...catalogue.images.map((name) => [name, name]),
      ...(tables ? [[SEND, T.sendTable]] : [])];
    const optimizers = Object.entries(catalogue.optimizers).map(([name, { title }]) => [name, title]);
    this.lesson = select([["", T.ownChoice], ...lessons.map(({ key, title }) => [key, title])], "", {
      onchange: () => this.#teach(true),
    });
    this.fields = {
      data: select(data, data[0][0], { onchange: () => this.#dataFields() }),
      rows: number("rows", { min: 2, placeholder: "400" }),
      noise: number("noise", { min: 0, step: "any", placeholder: "0.05" }),
      hidden: h("input", { name: "hidden", value: "16 16", autocomplete: "off" }),
      activation: select(catalogue.activations.map((name) => [name, name]), "relu"),
      init: select([...catalogue.inits.filter((name) => name !== "std").map((name) => [name, name]), ["number", T.stdChoice]], "he", {
        onchange: () => this.#dataFields(),
      }),
      std: number("std", { min: 0, step: "any", value: 0.01 }),
      norm: select([["", T.none], ["batch", "batch"], ["layer", "layer"]], ""),
      dropout: number("dropout", { min: 0, max: 0.99, step: "any", value: 0 }),
      weight_decay: number("weight_decay", { min: 0, step: "any", value: 0 }),
      optimizer: select(optimizers, "sgd"),
      lr: number("lr", { min: 0, step: "any", value: 0.1 }),
      seeds: number("seeds", { min: 1, max: catalogue.most.seeds, value: 10 }),
      batch: number("batch", { min: 1, value: 20 }),
    };
    this.tables = new Map();
    this.table = new TableFields((file) => this.#send(file));
    for (const table of tables ?? []) this.#offer(table);
    this.optimizers = optimizers;
    this.list = h("div", { class: "armlist" });
    this.words = h("div", { class: "lesson" });
    this.add = h("button", { type: "button", onclick: () => this.#arm({}) }, T.addArm);
    const f = this.fields;
    this.rowsField = labelled(T.rows, f.rows);
    this.noiseField = labelled(T.noise, f.noise);
    this.stdField = labelled(T.std, f.std);
    const form = h("form", { onsubmit: (event) => { event.preventDefault(); this.begin(); } },
      h("fieldset", {}, h("legend", {}, T.data), labelled(T.data, f.data), this.rowsField, this.noiseField, this.table.element),
      h("fieldset", {}, h("legend", {}, T.network), labelled(T.hidden, f.hidden), labelled(T.activation, f.activation),
        labelled(T.init, f.init), this.stdField, labelled(T.norm, f.norm), labelled(T.dropout, f.dropout),
        labelled(T.weightDecay, f.weight_decay), labelled(T.optimizer, f.optimizer), labelled(T.lr, f.lr)),
      h("fieldset", {}, h("legend", {}, T.arms), this.list, this.add),
      h("fieldset", {}, labelled(T.seeds, f.seeds), labelled(T.batch, f.batch)),
      h("button", { class: "main" }, T.begin));
    this.details = h("details", { open: matchMedia("(min-width: 64rem)").matches }, h("summary", {}, T.choose), form);
    this.element = h("section", { class: "choose", "aria-label": T.choose }, this.details);
    this.teacher = h("section", { class: "teacher", "aria-label": T.lessons },
      labelled(T.lesson, this.lesson), this.words);
    this.#arm({});
    this.#dataFields();
  }

  #dataFields() {
    const { data, init } = this.fields, { planar, images } = this.catalogue;
    this.noiseField.hidden = !planar.includes(data.value);
    this.rowsField.hidden = ![...planar, ...images].includes(data.value);
    this.stdField.hidden = init.value !== "number";
    this.table.show(data.value === SEND, this.tables.get(data.value));
  }

  // --- tables ----------------------------------------------------------------------------------

  /** A table among the data to choose from. */
  #offer(table) {
    const { data } = this.fields, key = `table ${table.table}`;
    if (!this.tables.has(key)) data.insertBefore(h("option", { value: key }, T.tableOf(table.title)), data.lastChild);
    this.tables.set(key, table);
    return key;
  }

  /** Sends a file to the server, which says what columns it has. */
  async #send(file) {
    if (file.size > this.catalogue.most.bytes) {
      this.say(T.tableTooLarge(this.catalogue.most.bytes), true);
      return;
    }
    const { data } = this.fields;
    try {
      const response = await fetch(`/table?name=${encodeURIComponent(file.name.slice(0, 200))}`, {
        method: "POST", headers: { "content-type": "text/csv" }, body: file,
      });
      const found = await response.json();
      if (!response.ok) { this.say(found.error, true); return; }
      data.value = this.#offer(found.answer);
      this.#dataFields();
      this.say([T.tableSent(found.answer.columns.length), ...found.answer.notices].join(" "));
    } catch {
      this.say(T.lost, true);
    }
  }

  /** A row of the list of arms. */
  #arm({ name, optimizer, lr, ...rest }) {
    if (this.list.childElementCount >= this.catalogue.most.arms) return;
    const row = h("div", { class: "armrow" },
      h("input", { name: "name", "aria-label": T.armName, placeholder: T.armName, value: name ?? "", maxlength: 60, autocomplete: "off" }),
      select([["", T.asBase], ...this.optimizers], optimizer ?? "", { "aria-label": T.armOptimizer }),
      h("input", { name: "lr", type: "number", min: 0, step: "any", "aria-label": T.lr, placeholder: T.lr, value: lr ?? "" }),
      h("input", { name: "own", "aria-label": T.own, placeholder: T.own, title: T.ownHelp, value: written(rest), autocomplete: "off" }),
      h("button", { type: "button", class: "quiet", "aria-label": T.removeArm, onclick: () => { row.remove(); this.#count(); } }, "×"));
    this.list.append(row);
    this.#count();
  }

  #count() {
    const rows = this.list.childElementCount;
    this.add.disabled = rows >= this.catalogue.most.arms;
    for (const button of this.list.querySelectorAll("button")) button.disabled = rows === 1;
  }

  /** Shows the words of the chosen lesson, and begins it. */
  async #teach(begins) {
    const lesson = this.lessons.find((one) => one.key === this.lesson.value);
    this.words.replaceChildren(...(lesson ? [
      h("p", { class: "question" }, lesson.question),
      h("details", {}, h("summary", {}, T.hint), h("p", {}, lesson.hint)),
      h("details", {}, h("summary", {}, T.next), h("p", {}, lesson.next)),
    ] : []));
    if (lesson) {
      this.fill(lesson.choice);
      if (begins) await this.begin(lesson.choice);
    }
  }

  /** Shows a choice that somebody has made; where it is that of a lesson, its words too. */
  show(choice) {
    const same = (one) => canonical(one.choice) === canonical(choice);
    this.lesson.value = this.lessons.find(same)?.key ?? "";
    if (this.lesson.value) this.#teach(false);
    else {
      this.words.replaceChildren();
      this.fill(choice);
    }
  }

  /** Fills the form. */
  fill({ data, base, arms, seeds, batch_size }) {
    const f = this.fields;
    f.data.value = data.name === "table" ? this.#offer({ columns: [data.target, ...data.drop], ...this.tables.get(`table ${data.table}`), ...data }) : data.name;
    f.rows.value = data.rows ?? "";
    f.noise.value = data.noise ?? "";
    f.hidden.value = (base.hidden ?? []).join(" ");
    f.activation.value = base.activation ?? "relu";
    const isNumber = typeof base.init === "number";
    f.init.value = isNumber ? "number" : base.init ?? "he";
    if (isNumber) f.std.value = base.init;
    f.norm.value = base.norm ?? "";
    f.dropout.value = base.dropout ?? 0;
    f.weight_decay.value = base.weight_decay ?? 0;
    f.optimizer.value = base.optimizer ?? "sgd";
    f.lr.value = base.lr ?? this.catalogue.optimizers[f.optimizer.value].fields.lr;
    f.seeds.value = seeds;
    f.batch.value = batch_size;
    this.list.replaceChildren();
    for (const arm of arms) this.#arm(arm);
    this.#dataFields();
    if (data.name === "table") this.table.fill(data);
  }

  /** What the form says, as the server takes it. */
  choice() {
    const f = this.fields, number = (field) => (field.value === "" ? undefined : Number(field.value));
    const table = this.tables.get(f.data.value);
    const data = table ? { name: "table", table: table.table, title: table.title, ...this.table.choice() } : { name: f.data.value };
    if (!this.rowsField.hidden && f.rows.value) data.rows = number(f.rows);
    if (!this.noiseField.hidden && f.noise.value) data.noise = number(f.noise);
    const base = {
      hidden: widths(f.hidden.value), activation: f.activation.value,
      init: f.init.value === "number" ? number(f.std) : f.init.value,
      norm: f.norm.value || null, dropout: number(f.dropout), weight_decay: number(f.weight_decay),
      optimizer: f.optimizer.value, lr: number(f.lr),
    };
    const arms = [...this.list.children].map((row) => {
      const [name, optimizer, lr, own] = row.querySelectorAll("input, select");
      return {
        ...(name.value.trim() && { name: name.value.trim() }),
        ...(optimizer.value && { optimizer: optimizer.value }),
        ...(lr.value && { lr: Number(lr.value) }),
        ...read(own.value),
      };
    });
    return { data, base, arms, seeds: number(f.seeds), batch_size: number(f.batch) };
  }

  async begin(choice = this.choice()) {
    if (choice.data.name === SEND) { this.say(T.noTable, true); return; }
    const done = await this.send({ do: "begin", choice });
    if (done !== undefined) this.say(T.began);
  }
}

/** How a table is read: the file itself, and of one that was sent its columns. */
class TableFields {
  constructor(send) {
    this.file = h("input", {
      type: "file", accept: ".csv,.tsv,.txt,text/csv", onchange: () => { if (this.file.files[0]) send(this.file.files[0]); },
      onclick: () => { this.file.value = ""; }, // the same file, mended since, is a change too
    });
    this.target = select([], "", { onchange: () => this.#mark() });
    this.missing = h("input", { type: "checkbox" });
    this.decimal = select(Object.entries(T.decimals), "");
    this.features = h("div", { class: "features" });
    this.shown = null;
    this.sending = labelled(T.tableFile, this.file);
    this.reading = h("div", {},
      labelled(T.target, this.target),
      h("details", {}, h("summary", {}, T.features), this.features),
      labelled(T.decimal, this.decimal),
      h("label", {}, this.missing, T.dropMissing));
    this.element = h("div", { class: "table" }, this.sending, this.reading);
  }

  show(isSending, table) {
    this.sending.hidden = !isSending;
    this.reading.hidden = !table;
    const columns = table?.columns ?? [], key = JSON.stringify([table?.table, columns]);
    if (!table || key === this.shown) return;
    this.shown = key;
    this.target.replaceChildren(...columns.map((name) => h("option", { value: name }, name)));
    this.target.value = columns.at(-1) ?? ""; // where most tables have it
    this.features.replaceChildren(...columns.map((name) =>
      h("label", {}, h("input", { type: "checkbox", checked: true, value: name }), name)));
    this.missing.checked = false;
    this.decimal.value = "";
    this.#mark();
  }

  /** The target is no feature. */
  #mark() {
    for (const box of this.#boxes()) box.disabled = box.value === this.target.value;
  }

  #boxes() { return [...this.features.querySelectorAll("input")]; }

  fill({ target, drop, drop_missing_target, decimal }) {
    this.target.value = target;
    for (const box of this.#boxes()) box.checked = !drop.includes(box.value);
    this.missing.checked = drop_missing_target;
    this.decimal.value = decimal ?? "";
    this.#mark();
  }

  choice() {
    const left = this.#boxes().filter((box) => !box.checked && !box.disabled);
    return {
      target: this.target.value, drop: left.map((box) => box.value),
      drop_missing_target: this.missing.checked, decimal: this.decimal.value || null,
    };
  }
}

const numeric = (text) => (text === "" || isNaN(Number(text)) ? text : Number(text));
const widths = (text) => text.split(/[\s,×x]+/).filter(Boolean).map(numeric);

/** "dropout=0.2, hidden=50 50" as settings; what is no number is a name. */
export function read(text) {
  const found = {};
  // A part begins with a name: "hidden=50,50" is one, "dropout=0.2 norm=batch" are two.
  for (const part of text.replace(/^[\s,]+|[\s,]+$/g, "").split(/[,\s]+(?=[^,\s=]+\s*=)/).filter(Boolean)) {
    const [name, value = ""] = part.split("=").map((one) => one.trim());
    if (name === "hidden") found.hidden = widths(value);
    else found[name] = value === T.none ? null : numeric(value);
  }
  return found;
}

/** The other way. */
export function written(settings) {
  return Object.entries(settings).map(([name, value]) => {
    const text = Array.isArray(value) ? value.join(" ") : value === null ? T.none : String(value);
    return `${name}=${text}`;
  }).join(", ");
}

/** The same text for the same settings, in whatever order. */
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  return `{${Object.keys(value).sort().map((key) => `${key}:${canonical(value[key])}`).join()}}`;
}
