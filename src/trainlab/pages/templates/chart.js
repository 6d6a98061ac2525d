// A chart to look closer at: values under the pointer, a range to zoom into, arms to hide, single
// runs as thin lines, curves to smooth, and files to take along.
//
// `chart(place, data)` fills an element; report/charts.py says what `data` is.  Text is only
// ever set as text.

import { plain, scaled, smooth, ticks, unpacked, words } from "./numbers.js";
import { csv, png, save, svg } from "./downloads.js";

const SVG = "http://www.w3.org/2000/svg";
const MEDIAN = 0, LOW = 1, HIGH = 2, FIRST_MEMBER = 3;
const MARGIN = { left: 56, right: 12, top: 26, bottom: 40 };
const HUES = 7; // colours of arms in the style sheet; then they come again, dashed
const DASHES = ["", "7 4", "2 3", "9 3 2 3"];
const WINDOWS = [1, 5, 11, 21, 51]; // points of a moving mean
const DRAGGED = 6; // pixels: less is a click
const MANY = 8; // arms, of which all or none can be shown at once
const LEGEND = 18; // pixels of a line of the legend of a saved picture

// --- elements ----------------------------------------------------------------------------

function element(kind, attributes = {}, ...content) {
  const made = document.createElement(kind);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...content);
  return made;
}

function drawing(attributes, kind = "svg") {
  const made = document.createElementNS(SVG, kind);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function shape(kind, attributes, parent) {
  const made = drawing(attributes, kind);
  parent.append(made);
  return made;
}

function label(x, y, anchor, text, parent) {
  shape("text", { x, y, "text-anchor": anchor }, parent).textContent = text;
}

function switched(kind, label, act, checked = false) {
  const input = element("input", { type: "checkbox" });
  input.checked = checked;
  input.addEventListener("change", () => act(input.checked));
  return element("label", { class: kind }, input, label);
}

function chosen(label, options, act) {
  const select = element("select", { "aria-label": label }, ...options.map((one) => element("option", {}, one)));
  select.addEventListener("change", () => act(select.selectedIndex));
  return select;
}

function button(label, act) {
  const made = element("button", { type: "button" }, label);
  made.addEventListener("click", act);
  return made;
}

function fieldset(title, ...content) {
  return element("fieldset", {}, element("legend", {}, title), ...content);
}

function style(arm) {
  const dash = DASHES[Math.floor(arm.color / HUES) % DASHES.length];
  return { class: `arm-${arm.color % HUES}`, ...(dash && { "stroke-dasharray": dash }) };
}

function swatch(arm) {
  const picture = drawing({ class: "swatch", width: 26, height: 10, "aria-hidden": "true" });
  shape("path", { d: "M0 5H26", ...style(arm) }, picture);
  return picture;
}

// --- one chart ---------------------------------------------------------------------------

export function chart(place, data) {
  const series = data.series.map((one) => ({
    ...one,
    arms: one.arms.map((arm) => ({ ...arm, values: unpacked(arm.curves, one.scale, one.wide) })),
  }));
  const state = { series: series[0], hidden: new Set(), members: false, log: false, window: 1 };
  const plot = element("div", { class: "plot" });
  const slider = element("input", { type: "range", min: 0, step: 1, "aria-label": "Position" });
  const readout = element("table");
  const near = element("p", { class: "near" });
  let drawn = null, from = null; // where a drag began
  const smoothed = new Map(); // the rows that are drawn, as they are smoothed

  // --- what is shown -----------------------------------------------------------------------

  /** What is drawn, as files and readers are told too: a mean of neighbours is no measured value. */
  const called = () => `${state.series.name}${state.series.smoothed || state.window > 1 ? " (smoothed)" : ""}`;
  const shown = () => state.series.arms.filter((arm) => !state.hidden.has(arm.color));
  const row = (arm, index) => {
    const n = state.series.x.length, own = `${state.series.name} ${arm.color} ${index}`;
    if (!smoothed.has(own)) {
      smoothed.set(own, smooth(arm.values.subarray(index * n, (index + 1) * n), state.window));
    }
    return smoothed.get(own);
  };
  const members = (arm) =>
    arm.seeds.map((seed, index) => ({ seed, values: row(arm, FIRST_MEMBER + index) }));
  const hasPlace = (value) => Number.isFinite(value) && !(state.log && value <= 0);

  /** Shows a series; one whose values lie far apart is seen on a logarithmic scale alone. */
  function choose(one) {
    state.series = one;
    state.log = one.wide;
    log.querySelector("input").checked = one.wide;
    whole();
  }

  function whole() {
    state.at = state.series.x.length - 1;
    range(0, state.at);
  }

  function closer() {
    const quarter = Math.max(2, Math.round((state.to - state.from) / 4));
    range(Math.max(state.from, state.at - quarter), Math.min(state.to, state.at + quarter));
  }

  function range(first, last) {
    [state.from, state.to] = [first, last];
    redraw();
  }

  function limits(arms) {
    let low = Infinity, high = -Infinity;
    const see = (values) => {
      for (let index = state.from; index <= state.to; index++) {
        if (!hasPlace(values[index])) continue;
        low = Math.min(low, values[index]);
        high = Math.max(high, values[index]);
      }
    };
    for (const arm of arms) {
      for (const index of [MEDIAN, LOW, HIGH]) see(row(arm, index));
      if (state.members) members(arm).forEach((member) => see(member.values));
    }
    if (low > high) return state.log ? [0.1, 1] : [0, 1];
    if (state.log) return low < high ? [low, high] : [low / 2, high * 2];
    if (low > 0 && low < 0.3 * high) low = 0;
    const room = 0.04 * (high - low) || Math.abs(high) || 1;
    return [low === 0 ? 0 : low - room, high + room];
  }

  // --- drawing -----------------------------------------------------------------------------

  function line(values, x, y) {
    let path = "", pen = "M";
    for (let index = state.from; index <= state.to; index++) {
      const is = hasPlace(values[index]);
      if (is) path += `${pen}${x(state.series.x[index]).toFixed(1)} ${y(values[index]).toFixed(1)}`;
      pen = is ? "L" : "M";
    }
    return path;
  }

  function band(arm, x, y, floor) {
    const low = row(arm, LOW), high = row(arm, HIGH), up = [], down = [];
    for (let index = state.from; index <= state.to; index++) {
      if (!Number.isFinite(low[index]) || !Number.isFinite(high[index])) continue;
      const across = x(state.series.x[index]).toFixed(1);
      const clipped = (value) => (state.log && value <= 0 ? floor : y(value)).toFixed(1);
      up.push(`${across} ${clipped(high[index])}`);
      down.unshift(`${across} ${clipped(low[index])}`);
    }
    return up.length > 1 ? `M${up.join("L")}L${down.join("L")}Z` : "";
  }

  function axes(picture, x, y, box, ends) {
    const grid = shape("g", { class: "grid" }, picture);
    const text = shape("g", { class: "ticks" }, picture);
    for (const place of ticks(ends.low, ends.high, 5, state.log)) {
      shape("path", { d: `M${box.left} ${y(place).toFixed(1)}H${box.right}` }, grid);
      label(box.left - 6, y(place) + 4, "end", plain(place), text);
    }
    const [first, last] = [state.series.x[state.from], state.series.x[state.to]];
    for (const place of ticks(first, last, Math.min(8, box.right / 80), state.series.geometric)) {
      const across = x(place).toFixed(1);
      shape("path", { d: `M${across} ${box.top}V${box.bottom}` }, grid);
      label(across, box.bottom + 17, "middle", plain(place), text);
    }
    label(0, 14, "start", called(), text);
    label((box.left + box.right) / 2, box.bottom + 35, "middle", state.series.axis, text);
    shape("path", { class: "frame", d: `M${box.left} ${box.top}V${box.bottom}H${box.right}` }, picture);
  }

  function redraw() {
    const width = Math.max(260, plot.clientWidth);
    const height = Math.round(Math.min(440, Math.max(260, 0.56 * width)));
    const { left, right, top, bottom } = MARGIN;
    const box = { left, right: width - right, top, bottom: height - bottom };
    const arms = shown(), [low, high] = limits(arms), at = state.series.x;
    const x = scaled(at[state.from], at[state.to], box.left, box.right, state.series.geometric);
    const y = scaled(low, high, box.bottom, box.top, state.log);
    const named = `${called()} by ${state.series.axis}; values are in the table below`;
    const picture = drawing({ width, height, role: "img", "aria-label": named });
    axes(picture, x, y, box, { low, high });
    const draw = (kind, arm, d) => {
      const { class: hue, ...dash } = style(arm);
      shape("path", { d, class: `${kind} ${hue}`, ...(kind === "median" && dash) }, picture);
    };
    for (const arm of arms) draw("band", arm, band(arm, x, y, box.bottom));
    for (const arm of state.members ? arms : []) {
      for (const member of members(arm)) draw("member", arm, line(member.values, x, y));
    }
    for (const arm of arms) draw("median", arm, line(row(arm, MEDIAN), x, y));
    const cursor = shape("g", { class: "cursor" }, picture);
    const dragged = shape("rect", { class: "dragged", y: box.top, height: box.bottom - box.top, width: 0 }, picture);
    for (const kind of ["pointermove", "pointerdown"]) picture.addEventListener(kind, pointed);
    picture.addEventListener("pointerdown", (event) => {
      from = within(event);
      if (event.isTrusted) picture.setPointerCapture(event.pointerId);
    });
    picture.addEventListener("pointerup", released);
    picture.addEventListener("pointercancel", () => { from = null; drag(0, 0); });
    picture.addEventListener("dblclick", whole);
    plot.replaceChildren(picture);
    drawn = { picture, cursor, dragged, x, y, box };
    slider.min = state.from;
    slider.max = state.to;
    move(Math.min(Math.max(state.at, state.from), state.to));
  }

  // --- pointing ----------------------------------------------------------------------------

  function within(event) {
    const { box, picture } = drawn, across = event.clientX - picture.getBoundingClientRect().left;
    return Math.min(Math.max(across, box.left), box.right);
  }

  function indexAt(across) {
    const wanted = drawn.x.back(across);
    const far = (index) => Math.abs(state.series.x[index] - wanted);
    let best = state.from;
    for (let index = state.from; index <= state.to; index++) if (far(index) < far(best)) best = index;
    return best;
  }

  function pointed(event) {
    const across = within(event);
    if (from !== null) drag(Math.min(from, across), Math.max(from, across));
    move(indexAt(across), event.clientY - drawn.picture.getBoundingClientRect().top);
  }

  function drag(left, right) {
    drawn.dragged.setAttribute("x", left);
    drawn.dragged.setAttribute("width", right - left);
  }

  /** A range that was dragged over is zoomed into. */
  function released(event) {
    const ends = from === null ? [] : [from, within(event)].sort((a, b) => a - b);
    from = null;
    drag(0, 0);
    if (!(ends[1] - ends[0] > DRAGGED)) return;
    const [first, last] = ends.map(indexAt);
    if (last - first > 1) range(first, last);
  }

  /** Puts the cursor at a position; where the pointer is at a height, names the nearest run. */
  function move(index, height = null) {
    state.at = index;
    slider.value = index;
    const { cursor, x, y, box } = drawn, across = x(state.series.x[index]).toFixed(1);
    cursor.replaceChildren();
    shape("path", { d: `M${across} ${box.top}V${box.bottom}` }, cursor);
    for (const arm of shown()) {
      const value = row(arm, MEDIAN)[index];
      if (hasPlace(value)) {
        shape("circle", { cx: across, cy: y(value).toFixed(1), r: 4, class: style(arm).class }, cursor);
      }
    }
    const position = `${state.series.axis} ${plain(state.series.x[index])}`;
    slider.setAttribute("aria-valuetext", position);
    near.textContent = state.members && height !== null ? nearest(index, height) : "";
    tabulate(position, index);
  }

  /** Draws the run next to the pointer in ink, thin and dashed: no median looks like it. */
  function nearest(index, height) {
    let best = null;
    for (const arm of shown()) {
      for (const member of members(arm)) {
        const value = member.values[index];
        const far = hasPlace(value) ? Math.abs(drawn.y(value) - height) : NaN;
        if (Number.isFinite(far) && (!best || far < best.far)) best = { far, arm, member, value };
      }
    }
    if (!best) return "";
    const { cursor, x, y } = drawn;
    shape("path", { d: line(best.member.values, x, y), class: "nearest" }, cursor);
    const at = { cx: x(state.series.x[index]).toFixed(1), cy: y(best.value).toFixed(1), r: 5 };
    shape("circle", { ...at, class: "nearest" }, cursor);
    const which = best.member.seed === null ? "" : `, seed ${best.member.seed}`;
    return `Nearest run (dashed): ${best.arm.label}${which}: ${words(best.value)}`;
  }

  function tabulate(position, index) {
    const head = element("tr", {}, element("th", { scope: "col" }, "Arm"));
    const several = state.series.arms.some((arm) => arm.seeds.length > 1);
    for (const title of several ? ["Median", "95 % of runs"] : ["Value"]) {
      head.append(element("th", { scope: "col", class: "n" }, title));
    }
    const body = element("tbody");
    for (const arm of shown()) {
      const [value, low, high] = [MEDIAN, LOW, HIGH].map((which) => row(arm, which)[index]);
      const band = Number.isFinite(low) ? `${words(low)} to ${words(high)}` : "–";
      const cells = (several ? [words(value), band] : [words(value)]).map((text) => element("td", { class: "n" }, text));
      const arms = element("th", { scope: "row" }, swatch(arm), element("bdi", {}, arm.label));
      body.append(element("tr", {}, arms, ...cells));
    }
    readout.replaceChildren(element("caption", {}, `At ${position}`), element("thead", {}, head), body);
  }

  // --- files -------------------------------------------------------------------------------

  /** What is seen, a row for each point: of medians and bands and, where they are shown, of runs. */
  function table() {
    const rows = [["series", "arm", "seed", state.series.axis, "value", "low", "high"]];
    const cell = (value) => Number.isFinite(value) ? Number(value.toPrecision(4)) : "";
    for (const arm of shown()) {
      for (let index = state.from; index <= state.to; index++) {
        const [value, low, high] = [MEDIAN, LOW, HIGH].map((which) => cell(row(arm, which)[index]));
        rows.push([called(), arm.label, "median", state.series.x[index], value, low, high]);
      }
      for (const { seed, values } of state.members ? members(arm) : []) {
        for (let index = state.from; index <= state.to; index++) {
          rows.push([called(), arm.label, seed ?? "", state.series.x[index], cell(values[index]), "", ""]);
        }
      }
    }
    return rows;
  }

  /** The picture as it is saved: without the cursor, with a legend of the arms below. */
  function portrait() {
    const { picture, cursor, box } = drawn, height = Number(picture.getAttribute("height"));
    const legend = drawing({}, "g"), columns = box.right > 500 ? 2 : 1, arms = shown();
    arms.forEach((arm, index) => {
      const x = box.left + (index % columns) * (box.right - box.left) / columns;
      const y = height + 10 + LEGEND * Math.floor(index / columns);
      shape("path", { d: `M${x} ${y}h26`, ...style(arm) }, legend);
      label(x + 34, y + 4, "start", arm.label, legend);
    });
    picture.setAttribute("height", height + 10 + LEGEND * Math.ceil(arms.length / columns));
    cursor.replaceWith(legend); // styled where it stands
    const address = svg(picture), size = [picture.getAttribute("width"), picture.getAttribute("height")];
    legend.replaceWith(cursor);
    picture.setAttribute("height", height);
    return [address, ...size];
  }

  const file = (ending) => `${data.name}-${state.series.name.replaceAll(/\W+/g, "-")}.${ending}`;
  const files = {
    CSV: () => save(file("csv"), csv(table())),
    SVG: () => save(file("svg"), portrait()[0]),
    PNG: async () => save(file("png"), await png(...portrait())),
  };

  // --- controls ----------------------------------------------------------------------------

  const arms = fieldset("Arms", ...series[0].arms.map((arm) => {
    const label = element("span", {}, swatch(arm), element("bdi", {}, arm.label));
    return switched("arm", label, (on) => {
      state.hidden[on ? "delete" : "add"](arm.color);
      redraw();
    }, true);
  }));
  /** Shows all arms or none, from which a few are then chosen. */
  function every(on) {
    state.hidden = new Set(on ? [] : series[0].arms.map((arm) => arm.color));
    for (const input of arms.querySelectorAll("input")) input.checked = on;
    redraw();
  }
  if (series[0].arms.length > MANY) arms.append(button("All arms", () => every(true)), button("None", () => every(false)));
  const log = switched("log", "logarithmic", (on) => { state.log = on; redraw(); });
  const means = WINDOWS.map((count) => count === 1 ? "as it is" : `mean of ${count} points`);
  const view = fieldset(
    "View",
    ...(series.length > 1 ? [chosen("Series", series.map((one) => one.name), (index) => choose(series[index]))] : []),
    chosen("Smoothing", means, (index) => {
      state.window = WINDOWS[index];
      smoothed.clear();
      redraw();
    }),
    switched("members", "single runs", (on) => { state.members = on; redraw(); }),
    log,
    button("Zoom in at the position", closer),
    button("Whole range", whole));
  const download = fieldset("Download", ...Object.entries(files).map(([kind, act]) => button(`Download ${kind}`, act)));
  const before = series.some((one) => one.smoothed);
  const note = element("p", { class: "note" },
    "Drag over the chart to zoom in; double-click for the whole range. ",
    before ? "Losses of single batches are smoothed before they are drawn. " : "",
    "Values to three digits.");
  slider.addEventListener("input", () => move(Number(slider.value)));
  readout.setAttribute("aria-live", "polite");
  const scrolled = element("div", { class: "wide" }, readout);
  place.append(view, arms, plot, slider, near, scrolled, download, note);
  choose(series[0]);
  let width = plot.clientWidth;
  new ResizeObserver(() => {
    if (plot.clientWidth && plot.clientWidth !== width) {
      width = plot.clientWidth;
      redraw();
    }
  }).observe(plot);
}
