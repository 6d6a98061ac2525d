// The page: it takes the messages of the server, draws once a frame, and sends what is done.

import { Choose } from "./choose.js";
import { h, labelled, onColours, select, write } from "./dom.js";
import { Model } from "./model.js";
import { keepSection, shared, Steer } from "./steer.js";
import { T } from "./texts.js";
import { Watch } from "./watch.js";

const SPEEDS = { full: null, 1: 1, 10: 10, 100: 100, 1000: 1000 };
const DRAWN_EVERY = 80; // milliseconds: all that has changed is drawn in one frame
const SLACK = 250; // milliseconds: what is left is drawn with the next message, if one comes
const AT_ONCE = -1;
const SPOKEN_EVERY = 5000; // milliseconds between two words to screen readers

const model = new Model();
const offers = await (await fetch("/offers")).json();

// --- what is said --------------------------------------------------------------------------

const notice = h("div", { class: "notice", role: "status" });
let quiet = 0;
function say(text, isError = false) {
  notice.textContent = text;
  notice.classList.toggle("error", isError);
  clearTimeout(quiet);
  quiet = setTimeout(() => { notice.textContent = ""; }, isError ? 12000 : 4000);
}

/** Has the server do something: its answer, or undefined after an error, which is shown. */
async function send(command) {
  try {
    const response = await fetch("/command", {
      method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(command),
    });
    const found = await response.json();
    if (response.ok) return found.answer;
    say(found.error, true);
  } catch {
    say(T.lost, true);
  }
  return undefined;
}

// --- controls ------------------------------------------------------------------------------

const button = (text, command, keys) =>
  h("button", { type: "button", "aria-keyshortcuts": keys, onclick: () => send(command) }, text);
const toggle = () => send({ do: model.status?.running ? "pause" : "run" });
const run = h("button", { type: "button", class: "main", "aria-keyshortcuts": "Space", onclick: toggle }, T.run);
const speed = select(Object.keys(SPEEDS).map((name) => [name, T.speeds[name]]).sort(([a], [b]) => (a === "full" ? -1 : b === "full" ? 1 : a - b)), "full", {
  onchange: () => send({ do: "speed", value: SPEEDS[speed.value] }),
});
const large = h("button", {
  type: "button", "aria-pressed": "false",
  onclick: () => {
    const on = document.documentElement.classList.toggle("large");
    large.setAttribute("aria-pressed", String(on));
  },
}, T.large);
const where = h("strong", { class: "where" });
const pace = h("span", { class: "pace" });
const spoken = h("span", { class: "apart", "aria-live": "polite" });

addEventListener("keydown", (event) => {
  const writes = event.target.closest("input:not([type=checkbox]), select, textarea");
  const presses = event.key === " " && event.target.closest("input, button, a, summary");
  if (writes || presses || event.ctrlKey || event.metaKey || event.altKey) return;
  const act = { " ": toggle, s: () => send({ do: "step" }), e: () => send({ do: "epoch" }) }[event.key.toLowerCase()];
  if (act) {
    event.preventDefault();
    act();
  }
});

// --- the parts -----------------------------------------------------------------------------

const choose = new Choose(offers, send, say);
const watch = new Watch(model, send, wake);
const steer = new Steer(model, send, say);
document.body.append(
  h("header", {},
    h("h1", {}, T.title),
    h("div", { class: "row controls", role: "toolbar", "aria-label": T.controls },
      run, button(T.step, { do: "step" }, "s"), button(T.epoch, { do: "epoch" }, "e"), labelled(T.speed, speed), large),
    h("p", { class: "row" }, where, pace, spoken)),
  notice,
  h("main", {},
    choose.teacher,
    h("div", { class: "side" }, choose.element, steer.element, keepSection(choose, say), h("p", { class: "note" }, T.keys)),
    watch.element));

let isShared = false;
/** Shows the settings that the address has, if it has any. */
function readAddress() {
  try {
    const found = shared();
    if (!found) return;
    choose.show(found);
    choose.details.open = true;
    isShared = true;
    say(T.fromAddress);
  } catch {
    say(T.badAddress, true);
  }
}
readAddress();
addEventListener("hashchange", readAddress);

// --- messages and frames ---------------------------------------------------------------------

let drawnAt = -Infinity, spokenAt = 0, frames = 0, timer = 0, due = Infinity;

/** Has the page drawn after so many milliseconds, but not sooner after the last time than is allowed. */
function wake(wait = 0) {
  const now = performance.now(), wanted = Math.max(now + wait, wait < 0 ? now : drawnAt + DRAWN_EVERY);
  if (wanted >= due) return;
  due = wanted;
  clearTimeout(timer);
  timer = setTimeout(() => requestAnimationFrame(frame), due - now);
}

function frame(now) {
  frames++;
  due = Infinity;
  drawnAt = performance.now();
  const { status } = model;
  if (!status) return;
  write(run, status.running ? T.pause : T.run);
  write(where, T.status(status));
  write(pace, status.running ? T.rate(status.rate) : T.paused);
  if (status.error) say(status.error, true);
  const name = Object.keys(SPEEDS).find((one) => SPEEDS[one] === status.speed);
  if (name && document.activeElement !== speed) speed.value = name;
  if (now - spokenAt > SPOKEN_EVERY && status.running) {
    spokenAt = now;
    spoken.textContent = T.status(status);
  }
  const left = watch.draw(now);
  steer.draw();
  if (left < Infinity) wake(left + SLACK);
}
onColours(() => wake(AT_ONCE));

let shown = null, messages = 0, stream = null;
function take({ data }) {
  messages++;
  const message = JSON.parse(data);
  const answers = message.about || message.status.running !== model.status?.running;
  model.take(message);
  const { choice } = model.about;
  if (choice && JSON.stringify(choice) !== shown) {
    if (!isShared) choose.show(choice);
    isShared = false;
    shown = JSON.stringify(choice);
  }
  wake(answers ? AT_ONCE : 0); // to what somebody did
}

/** A page that nobody sees asks for nothing; seen again, it begins with all that there is. */
function listen() {
  stream?.close();
  stream = null;
  if (document.visibilityState === "hidden") return;
  stream = new EventSource("/events");
  stream.onmessage = take;
  stream.onerror = () => say(T.lost, true);
  stream.onopen = () => { if (notice.textContent === T.lost) say(""); };
}
document.addEventListener("visibilitychange", listen);
listen();

// What tests and measurements read.
window.trainlab = { model, counts: () => ({ messages, frames }) };
