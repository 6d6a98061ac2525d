// What the page knows of the session: a copy that messages bring up to date.

import { floats } from "./dom.js";

const LEVEL = 0.95;

export class Model {
  constructor() {
    this.status = null;
    this.about = null;
    this.steps = [];
    this.arms = new Map(); // name → { columns, bands }
    this.looks = {};
    this.version = { curves: 0, rebuilt: 0, about: 0, looks: 0 }; // rebuilt: not only longer
  }

  get seeds() {
    return this.about ? this.about.seeds.length : 0;
  }

  get series() {
    return this.about ? this.about.series : [];
  }

  /** Takes a message of the server (messages.py says its form). */
  take(message) {
    this.status = message.status;
    if (message.about) {
      this.about = message.about;
      this.version.about++;
    }
    if (message.curves) this.#curves(message.curves);
    if (message.looks) {
      this.looks = message.looks;
      this.version.looks++;
    }
  }

  #curves({ full, every, steps, arms }) {
    if (full) {
      this.steps = [];
      this.arms = new Map();
      this.version.rebuilt++;
    }
    const kept = this.steps.flatMap((step, at) => (step % every === 0 ? [at] : []));
    if (kept.length < this.steps.length) {
      this.version.rebuilt++;
      this.steps = kept.map((at) => this.steps[at]);
      for (const arm of this.arms.values()) {
        arm.columns = kept.map((at) => arm.columns[at]);
        arm.bands = kept.map((at) => arm.bands[at]);
      }
    }
    this.steps.push(...steps);
    const rows = this.series.length * this.seeds;
    for (const [name, text] of Object.entries(arms)) {
      if (!this.arms.has(name)) this.arms.set(name, { columns: [], bands: [] });
      const arm = this.arms.get(name), values = floats(text);
      for (let at = 0; at < steps.length; at++) {
        const column = new Float32Array(rows);
        for (let row = 0; row < rows; row++) column[row] = values[row * steps.length + at];
        arm.columns.push(column);
        arm.bands.push(this.series.map((_, which) => band(this.row(column, which))));
      }
    }
    this.version.curves++;
  }

  /** The values of all seeds in one series of a column. */
  row(column, which) {
    return column.subarray(which * this.seeds, (which + 1) * this.seeds);
  }

  /** The last values of all seeds of an arm; null before the first. */
  last(name, which) {
    const columns = this.arms.get(name)?.columns;
    return columns?.length ? this.row(columns[columns.length - 1], which) : null;
  }

  /** The last band of an arm: for one that trains no more, that of its last evaluation. */
  lastBand(name, which) {
    const bands = this.arms.get(name)?.bands ?? [];
    return bands.findLast((band) => band[which])?.[which] ?? null;
  }

  /** The series that decides between arms, and whether more is better. */
  get judge() {
    return this.about.task === "regression"
      ? { which: this.series.indexOf("loss"), sign: -1 }
      : { which: this.series.indexOf("accuracy"), sign: 1 };
  }

  /** Who is in front, and in how many seeds it beats each other arm that trains, or loses. */
  verdict() {
    const { which, sign } = this.judge;
    const values = new Map();
    for (const arm of this.about.arms) {
      const last = this.last(arm.name, which);
      if (arm.trains && last) values.set(arm, [...last].map((one) => (isNaN(one) ? -Infinity : sign * one)));
    }
    if (values.size < 2) return null;
    const middle = (list) => {
      const sorted = [...list].sort((a, b) => a - b), at = (list.length - 1) / 2;
      return (sorted[Math.floor(at)] + sorted[Math.ceil(at)]) / 2;
    };
    const leader = [...values.keys()].reduce((a, b) => (middle(values.get(b)) > middle(values.get(a)) ? b : a));
    const wins = new Map();
    for (const [arm, own] of values) {
      if (arm === leader) continue;
      const best = values.get(leader);
      wins.set(arm.name, {
        won: own.filter((value, seed) => best[seed] > value).length,
        lost: own.filter((value, seed) => best[seed] < value).length,
      });
    }
    return { leader, wins };
  }
}

/** [low, median, high] of those that are numbers; the quantiles that NumPy gives. */
function band(values) {
  const sorted = Float32Array.from(values).filter((value) => !isNaN(value)).sort();
  if (!sorted.length) return null;
  const quantile = (share) => {
    const place = share * (sorted.length - 1), below = Math.floor(place);
    const above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
  };
  return [quantile((1 - LEVEL) / 2), quantile(0.5), quantile((1 + LEVEL) / 2)];
}
