"use strict";
// Charts to look closer at: values under the pointer, arms to hide, single members as thin
// lines.  The data is JSON in the page (charts.py says its form); text is only ever set as text.

(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const MEDIAN = 0, LOW = 1, HIGH = 2, FIRST_MEMBER = 3;
  const MARGIN = { left: 56, right: 12, top: 26, bottom: 40 };
  const HUES = 7; // colours of arms in the style sheet; then they come again, dashed
  const DASHES = ["", "7 4", "2 3", "9 3 2 3"];

  // --- numbers ---------------------------------------------------------------------------

  /** Floats of a base64 text times a scale: half ones (IEEE 754 binary16), or single ones. */
  function unpacked(text, scale, wide) {
    const bytes = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
    const view = new DataView(bytes.buffer), size = wide ? 4 : 2;
    return Float64Array.from({ length: bytes.length / size }, (_, place) =>
      scale * (wide ? view.getFloat32(4 * place, true) : half(view.getUint16(2 * place, true))));
  }

  function half(bits) {
    const sign = bits & 0x8000 ? -1 : 1, exponent = (bits >> 10) & 31, fraction = bits & 1023;
    if (exponent === 31) return NaN;
    return sign * (exponent ? 2 ** (exponent - 25) * (1024 + fraction) : 2 ** -24 * fraction);
  }

  /** A measured value to three digits, the third one also if it is 0. */
  function words(value) {
    if (!Number.isFinite(value)) return "–";
    const text = value.toPrecision(3), small = value !== 0 && Math.abs(value) < 1e-3;
    return small || text.includes("e") ? plain(Number(text)) : minus(text);
  }

  /** A place on an axis, as short as it can be said. */
  function plain(value) {
    const short = Number(value.toPrecision(6)), size = Math.abs(short);
    const far = size !== 0 && (size < 1e-3 || size >= 1e6);
    return minus(far ? short.toExponential().replace("e+", "e") : String(short));
  }

  const minus = (text) => text.replaceAll("-", "−");

  /** Round places for ticks in [low, high], about `count` of them. */
  function ticks(low, high, count, log) {
    if (log) {
      const first = Math.ceil(Math.log10(low) - 1e-9), last = Math.floor(Math.log10(high) + 1e-9);
      const stride = Math.max(1, Math.ceil((last - first + 1) / count));
      const found = [];
      for (let power = first; power <= last; power += stride) found.push(10 ** power);
      if (found.length > 1) return found;
    }
    const rough = (high - low) / count, power = 10 ** Math.floor(Math.log10(rough));
    const step = power * [1, 2, 5, 10].find((nice) => nice * power >= rough);
    const found = [];
    for (let place = Math.ceil(low / step - 1e-9); place * step <= high + step * 1e-9; place++) {
      found.push(place * step);
    }
    return found;
  }

  /** A mapping of [low, high] to [start, end], linear or by the logarithm; .back inverts it. */
  function scaled(low, high, start, end, log) {
    const f = log ? Math.log : (v) => v, g = log ? Math.exp : (v) => v;
    const a = f(low), width = f(high) - a || 1;
    const to = (value) => start + (f(value) - a) / width * (end - start);
    to.back = (pixel) => g(a + (pixel - start) / (end - start) * width);
    return to;
  }

  // --- elements --------------------------------------------------------------------------

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

  function button(label, act) {
    const made = element("button", { type: "button" }, label);
    made.addEventListener("click", act);
    return made;
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

  // --- one chart -------------------------------------------------------------------------

  function chart(place, data) {
    const series = data.series.map((one) => ({
      ...one,
      arms: one.arms.map((arm) => ({ ...arm, values: unpacked(arm.curves, one.scale, one.wide) })),
    }));
    const state = { series: series[0], hidden: new Set(), members: false, log: false };
    const plot = element("div", { class: "plot" });
    const slider = element("input", { type: "range", min: 0, step: 1, "aria-label": "Position" });
    const note = element("p", { class: "note" });
    const readout = element("table");
    const near = element("p", { class: "near" });
    let drawn = null;

    const shown = () => state.series.arms.filter((arm) => !state.hidden.has(arm.color));
    const row = (arm, index) => {
      const n = state.series.x.length;
      return arm.values.subarray(index * n, (index + 1) * n);
    };
    const members = (arm) =>
      arm.seeds.map((seed, index) => ({ seed, values: row(arm, FIRST_MEMBER + index) }));

    /** Shows a series; one whose values lie far apart is seen on a logarithmic scale alone. */
    function choose(one) {
      state.series = one;
      state.log = one.wide;
      log.querySelector("input").checked = one.wide;
      whole();
    }

    function whole() {
      [state.from, state.to] = [0, state.series.x.length - 1];
      state.at = state.to;
      redraw();
    }

    function closer() {
      const quarter = Math.max(2, Math.round((state.to - state.from) / 4));
      state.from = Math.max(state.from, state.at - quarter);
      state.to = Math.min(state.to, state.at + quarter);
      redraw();
    }

    function limits(arms) {
      let low = Infinity, high = -Infinity;
      const see = (values) => {
        for (let index = state.from; index <= state.to; index++) {
          const value = values[index];
          if (!Number.isFinite(value) || (state.log && value <= 0)) continue;
          low = Math.min(low, value);
          high = Math.max(high, value);
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

    function line(values, x, y) {
      let path = "", pen = "M";
      for (let index = state.from; index <= state.to; index++) {
        const value = values[index];
        const gone = !Number.isFinite(value) || (state.log && value <= 0);
        if (!gone) path += `${pen}${x(state.series.x[index]).toFixed(1)} ${y(value).toFixed(1)}`;
        pen = gone ? "M" : "L";
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
        const height = y(place).toFixed(1);
        shape("path", { d: `M${box.left} ${height}H${box.right}` }, grid);
        label(box.left - 6, y(place) + 4, "end", plain(place), text);
      }
      const [first, last] = [state.series.x[state.from], state.series.x[state.to]];
      for (const place of ticks(first, last, Math.min(8, box.right / 80), state.series.geometric)) {
        const across = x(place).toFixed(1);
        shape("path", { d: `M${across} ${box.top}V${box.bottom}` }, grid);
        label(across, box.bottom + 17, "middle", plain(place), text);
      }
      label(0, 14, "start", state.series.name, text);
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
      const named = `${state.series.name} by ${state.series.axis}; values are in the table below`;
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
      picture.addEventListener("pointermove", pointed);
      picture.addEventListener("pointerdown", pointed);
      plot.replaceChildren(picture);
      drawn = { picture, cursor, x, y, box };
      slider.min = state.from;
      slider.max = state.to;
      move(Math.min(Math.max(state.at, state.from), state.to));
    }

    function pointed(event) {
      const frame = drawn.picture.getBoundingClientRect();
      const wanted = drawn.x.back(event.clientX - frame.left);
      const far = (index) => Math.abs(state.series.x[index] - wanted);
      let best = state.from;
      for (let index = state.from; index <= state.to; index++) if (far(index) < far(best)) best = index;
      move(best, event.clientY - frame.top);
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
        if (Number.isFinite(value) && !(state.log && value <= 0)) {
          shape("circle", { cx: across, cy: y(value).toFixed(1), r: 4, class: style(arm).class }, cursor);
        }
      }
      const position = `${state.series.axis} ${plain(state.series.x[index])}`;
      slider.setAttribute("aria-valuetext", position);
      near.textContent = state.members && height !== null ? nearest(index, height) : "";
      tabulate(position, index);
    }

    function nearest(index, height) {
      let best = null;
      for (const arm of shown()) {
        for (const member of members(arm)) {
          const value = member.values[index];
          const far = Math.abs(drawn.y(value) - height);
          if (Number.isFinite(far) && (!best || far < best.far)) best = { far, arm, member, value };
        }
      }
      if (!best) return "";
      for (const old of drawn.picture.querySelectorAll(".nearest")) old.remove();
      const path = line(best.member.values, drawn.x, drawn.y);
      shape("path", { d: path, class: `nearest ${style(best.arm).class}` }, drawn.cursor);
      const which = best.member.seed === null ? "" : `, seed ${best.member.seed}`;
      return `Nearest run: ${best.arm.label}${which}: ${words(best.value)}`;
    }

    function tabulate(position, index) {
      const head = element("tr", {}, element("th", { scope: "col" }, "Arm"));
      for (const title of ["Median", "95 % of runs"]) {
        head.append(element("th", { scope: "col", class: "n" }, title));
      }
      const body = element("tbody");
      for (const arm of shown()) {
        const [value, low, high] = [MEDIAN, LOW, HIGH].map((which) => row(arm, which)[index]);
        const band = Number.isFinite(low) ? `${words(low)} to ${words(high)}` : "–";
        const cells = [words(value), band].map((text) => element("td", { class: "n" }, text));
        const arms = element("th", { scope: "row" }, swatch(arm), element("bdi", {}, arm.label));
        body.append(element("tr", {}, arms, ...cells));
      }
      readout.replaceChildren(element("caption", {}, `At ${position}`), element("thead", {}, head), body);
    }

    const arms = element("fieldset", {}, element("legend", {}, "Arms"));
    for (const arm of series[0].arms) {
      const label = element("span", {}, swatch(arm), element("bdi", {}, arm.label));
      arms.append(switched("arm", label, (on) => {
        state.hidden[on ? "delete" : "add"](arm.color);
        redraw();
      }, true));
    }
    const view = element("fieldset", {}, element("legend", {}, "View"));
    if (series.length > 1) {
      const options = series.map((one) => element("option", {}, one.name));
      const select = element("select", { "aria-label": "Series" }, ...options);
      select.addEventListener("change", () => choose(series[select.selectedIndex]));
      view.append(select);
    }
    const log = switched("log", "logarithmic", (on) => { state.log = on; redraw(); });
    view.append(
      switched("members", "single runs", (on) => { state.members = on; redraw(); }),
      log,
      button("Zoom in at the position", closer),
      button("Whole range", whole));
    const smoothed = series.some((one) => one.smoothed);
    note.textContent = `${smoothed ? "Losses of single batches are smoothed. " : ""}Values to three digits.`;
    slider.addEventListener("input", () => move(Number(slider.value)));
    readout.setAttribute("aria-live", "polite");
    place.append(view, arms, plot, slider, near, element("div", { class: "wide" }, readout), note);
    choose(series[0]);
    let width = plot.clientWidth;
    new ResizeObserver(() => {
      if (plot.clientWidth && plot.clientWidth !== width) {
        width = plot.clientWidth;
        redraw();
      }
    }).observe(plot);
  }

  // --- the page --------------------------------------------------------------------------

  // A chart is drawn when it is first opened: a page of twenty opens at once.
  for (const details of document.querySelectorAll("details.closer")) {
    details.hidden = false;
    details.addEventListener("toggle", () => {
      const place = details.querySelector(".chart");
      if (!details.open || place.childElementCount) return;
      chart(place, JSON.parse(details.querySelector("script").textContent));
    });
  }

  // On paper nothing can be opened.
  const opened = [];
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details:not(.closer):not([open])")) {
      details.open = true;
      opened.push(details);
    }
  });
  addEventListener("afterprint", () => {
    for (const details of opened.splice(0)) details.open = false;
  });
})();
