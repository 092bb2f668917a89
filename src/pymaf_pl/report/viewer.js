// The controls: who is on stage, after which iteration, seen from where. Draws only when something has changed.
// State may be given in the address (#person=2&iteration=3&target=1&change=1) and is written back to it.

const PER_ITERATION_MS = 1000; // while playing: the move, and a moment to look
const MOVE_SHARE = 0.65;
const JUMP_MS = 350; // after the slider was moved by hand
const HOME = { yaw: 0, pitch: 0, zoom: 1 };

const root = document.documentElement;
const find = (id) => document.getElementById(id);
const canvas = find("canvas");
const data = JSON.parse(find("viewer-data").textContent);
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const view = { ...HOME, size: null };
const state = { index: 0, moment: 0, playing: false, target: false, change: false };
let pack = null; // the unpacked meshes
let changes = null; // of the person on stage, once somebody wants to see them
let stage = null; // null: no WebGL, then only pictures and figures change
let animation = 0;
let redraw = 0;

const person = () => data.people[state.index];
const last = () => data.counts[state.index] - 1 - (person().target ? 1 : 0);
const meshes = () => pack.meshes.slice(pack.starts[state.index], pack.starts[state.index] + data.counts[state.index]);
const ease = (x) => x * x * (3 - 2 * x);
const clamp = (x, low, high) => Math.min(Math.max(x, low), high);

function colour(name) {
  const [, hex] = getComputedStyle(root).getPropertyValue(name).match(/#([0-9a-f]{6})/i);
  return [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255);
}

function draw() {
  redraw = 0;
  if (!stage) return;
  const mine = meshes();
  const [low, high] = [Math.floor(state.moment), Math.ceil(state.moment)];
  const moves = state.change ? [changes.moves[low], changes.moves[high]] : null;
  const actors = [{ from: mine[low], to: mine[high], blend: state.moment - low, colour: colour("--body"), moves }];
  if (state.target && person().target) {
    const truth = mine[mine.length - 1];
    actors.push({ from: truth, to: truth, blend: 0, colour: colour("--truth"), moves: null });
  }
  const triangles = stage.draw(actors, view);
  Object.assign(root.dataset, {
    drawnTriangles: triangles,
    drawnPerson: person().number,
    drawnIteration: Number(state.moment.toFixed(2)),
  });
  canvas.dispatchEvent(new CustomEvent("drawn", { detail: { triangles } }));
}

const requestDraw = () => (redraw ||= requestAnimationFrame(draw));

/** Everything outside the canvas: picture, figures, slider, labels. */
function showMoment() {
  const iteration = Math.round(state.moment);
  const role = last() === 0 ? "" : { 0: "mean body", [last()]: "final" }[iteration] ?? "";
  find("iteration").value = iteration;
  find("iteration").setAttribute("aria-valuetext", `iteration ${iteration} ${role}`.trim());
  setText("now", `Iteration ${iteration}${role ? ` · ${role}` : ""}`);
  const figures = person().figures[iteration] ?? [];
  find("figures").replaceChildren(...figures.map(([name, value, unit]) => figureRow(name, value, unit)));
  const source = document.querySelector(`#card-${person().number} img[data-iteration="${iteration}"]`);
  find("picture").hidden = !source;
  if (source && find("picture").src !== source.src) Object.assign(find("picture"), { src: source.src, alt: source.alt });
  find("legend").hidden = !changes;
  if (changes) setText("legend-end", iteration ? `${Math.round(1000 * data.step * changes.full[iteration])} mm` : "–");
  canvas.setAttribute("aria-label", `3D view: ${person().name}, iteration ${iteration}`);
  requestDraw();
}

function setText(id, text) {
  if (find(id).textContent !== text) find(id).textContent = text;
}

function figureRow(name, value, unit) {
  const [row, term, figure, small] = ["div", "dt", "dd", "small"].map((tag) => document.createElement(tag));
  term.textContent = name;
  small.textContent = unit;
  figure.append(value, unit ? " " : "", small);
  row.append(term, figure);
  return row;
}

function showPerson() {
  const number = String(person().number);
  find("person").value = state.index;
  find("previous").disabled = state.index === 0;
  find("next").disabled = state.index === data.people.length - 1;
  setText("caption", person().caption);
  for (const card of document.querySelectorAll(".card")) card.classList.toggle("on-stage", card.dataset.person === number);
  const steps = Array.from({ length: last() + 1 }, (_, n) => n);
  find("iteration").max = last();
  find("iteration").disabled = find("play").disabled = last() === 0;
  find("ticks").replaceChildren(...steps.map((n) => new Option(n, n)));
  find("tick-labels").replaceChildren(...steps.map((n) => Object.assign(document.createElement("span"), { textContent: n })));
  find("target-toggle").hidden = !person().target;
  const pair = state.target && person().target;
  for (const plate of document.querySelectorAll(".plate")) plate.hidden = !pair || !stage;
  if (stage) {
    stage.clear();
    view.size = sizeOf(meshes());
    changes = state.change ? movesOf(meshes().slice(0, last() + 1)) : null;
  }
  find("change-toggle").hidden = last() === 0 || !stage;
  showMoment();
}

/** The upright cylinder that holds all meshes, in metres: radius, half height, and the height of its middle (y down). */
function sizeOf(all) {
  let [wide, top, foot] = [1, 0, 0];
  for (const mesh of all) {
    for (let at = 0; at < mesh.length; at += 3) {
      wide = Math.max(wide, mesh[at] ** 2 + mesh[at + 2] ** 2);
      top = Math.min(top, mesh[at + 1]);
      foot = Math.max(foot, mesh[at + 1]);
    }
  }
  const half = (data.step * Math.max(foot - top, 1)) / 2;
  return { wide: data.step * Math.sqrt(wide), high: half, middle: data.step * top + half };
}

function choose(index) {
  stop();
  state.index = clamp(index, 0, data.people.length - 1);
  state.moment = clamp(Math.round(state.moment), 0, last());
  showPerson();
  writeAddress();
}

/** Move `moment` along `path(seconds since start in ms)` until it returns null. */
function animate(path) {
  cancelAnimationFrame(animation);
  let began = null;
  const frame = (now) => {
    began ??= now;
    const moment = path(now - began);
    if (moment === null) return stop();
    state.moment = moment;
    showMoment();
    animation = requestAnimationFrame(frame);
  };
  animation = requestAnimationFrame(frame);
}

function play() {
  const start = state.moment >= last() ? 0 : Math.floor(state.moment);
  setPlaying(true);
  animate((elapsed) => {
    const passed = elapsed / PER_ITERATION_MS;
    const moment = start + Math.floor(passed) + ease(Math.min((passed % 1) / MOVE_SHARE, 1));
    if (start + passed >= last()) return null;
    return calm.matches ? start + Math.floor(passed) : moment;
  });
}

/** Come to rest at the nearest iteration. */
function stop() {
  cancelAnimationFrame(animation);
  const wasPlaying = state.playing;
  setPlaying(false);
  state.moment = Math.round(state.moment);
  if (wasPlaying) state.moment = clamp(state.moment, 0, last());
  showMoment();
  writeAddress();
}

function setPlaying(playing) {
  state.playing = playing;
  find("play").classList.toggle("playing", playing);
  find("play").setAttribute("aria-label", playing ? "Pause" : "Play");
}

function goTo(iteration) {
  setPlaying(false);
  const [from, to] = [state.moment, clamp(iteration, 0, last())];
  if (calm.matches || from === to) {
    state.moment = to;
    return stop();
  }
  return animate((elapsed) => (elapsed >= JUMP_MS ? ((state.moment = to), null) : from + (to - from) * ease(elapsed / JUMP_MS)));
}

function writeAddress() {
  const address = new URLSearchParams({ person: person().number, iteration: Math.round(state.moment) });
  if (state.target) address.set("target", 1);
  if (state.change) address.set("change", 1);
  try {
    history.replaceState(null, "", `#${address}`);
  } catch {
    // a frame inside of another page, as in a notebook, has no address of its own
  }
}

/** Obey an address; false where it speaks of somebody who is not here. */
function readAddress(hash) {
  const address = new URLSearchParams(hash.slice(1));
  const index = data.people.findIndex(({ number }) => String(number) === address.get("person"));
  if (index >= 0) state.index = index;
  if (address.has("target")) state.target = address.get("target") === "1";
  if (address.has("change")) state.change = address.get("change") === "1";
  if (address.has("iteration")) state.moment = Math.round(Number(address.get("iteration"))) || 0;
  state.moment = clamp(state.moment, 0, last());
  find("target").checked = state.target;
  find("change").checked = state.change;
  return index >= 0;
}

function listenToControls() {
  document.querySelector(".who").hidden = data.people.length === 1;
  find("person").append(...data.people.map(({ number, name }, index) => new Option(`${number} · ${name}`, index)));
  find("person").addEventListener("change", () => choose(Number(find("person").value)));
  find("previous").addEventListener("click", () => choose(state.index - 1));
  find("next").addEventListener("click", () => choose(state.index + 1));
  find("iteration").addEventListener("input", () => goTo(Number(find("iteration").value)));
  find("play").addEventListener("click", () => (state.playing ? stop() : play()));
  find("reset").addEventListener("click", () => look(HOME));
  for (const name of ["target", "change"]) {
    find(name).addEventListener("change", () => {
      state[name] = find(name).checked;
      showPerson();
      writeAddress();
    });
  }
  const bringIntoView = () => find("viewer").scrollIntoView({ behavior: calm.matches ? "auto" : "smooth" });
  const follow = (hash) => {
    setPlaying(false);
    cancelAnimationFrame(animation);
    if (readAddress(hash)) bringIntoView();
    showPerson();
  };
  window.addEventListener("hashchange", () => follow(location.hash));
  document.addEventListener("click", (event) => {
    const card = event.target.closest?.(".card");
    const index = card ? data.people.findIndex(({ number }) => String(number) === card.dataset.person) : -1;
    if (index < 0 || getSelection().toString()) return;
    const link = event.target.closest("a");
    if (event.ctrlKey || event.metaKey || event.shiftKey) return; // another tab or window
    event.preventDefault();
    if (link) {
      follow(link.hash);
      return writeAddress();
    }
    choose(index);
    bringIntoView();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", requestDraw);
  new ResizeObserver(requestDraw).observe(canvas);
}

function look(change) {
  Object.assign(view, change);
  view.pitch = clamp(view.pitch, -1.5, 1.5);
  view.zoom = clamp(view.zoom, 0.5, 8);
  requestDraw();
}

function listenToCanvas() {
  const pointers = new Map();
  let spread = 0;
  let engaged = false; // the wheel zooms only after the pointer has moved over the body: scrolling past must stay possible
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, event);
    spread = 0;
  });
  canvas.addEventListener("pointermove", (event) => {
    engaged ||= Boolean(event.movementX || event.movementY);
    const before = pointers.get(event.pointerId);
    if (!before) return;
    pointers.set(event.pointerId, event);
    if (pointers.size === 1) {
      const perPixel = Math.PI / Math.max(canvas.clientHeight, 200);
      const [dx, dy] = [event.clientX - before.clientX, event.clientY - before.clientY];
      look({ yaw: view.yaw + dx * perPixel, pitch: view.pitch + dy * perPixel });
    } else {
      const [a, b] = [...pointers.values()];
      const now = Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
      if (spread) look({ zoom: (view.zoom * now) / spread });
      spread = now;
    }
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, (event) => {
      pointers.delete(event.pointerId);
      spread = 0;
    });
  }
  canvas.addEventListener("pointerleave", () => (engaged = false));
  window.addEventListener("scroll", () => (engaged = false), { passive: true });
  const onWheel = (event) => {
    if (!engaged && !event.ctrlKey) return;
    event.preventDefault();
    look({ zoom: view.zoom * Math.exp(-clamp(event.deltaY, -120, 120) * 0.0025) });
  };
  canvas.addEventListener("wheel", onWheel, { passive: false });
  const keys = {
    ArrowLeft: () => look({ yaw: view.yaw - 0.15 }),
    ArrowRight: () => look({ yaw: view.yaw + 0.15 }),
    ArrowUp: () => look({ pitch: view.pitch - 0.15 }),
    ArrowDown: () => look({ pitch: view.pitch + 0.15 }),
    "+": () => look({ zoom: view.zoom * 1.15 }),
    "=": () => look({ zoom: view.zoom * 1.15 }),
    "-": () => look({ zoom: view.zoom / 1.15 }),
    0: () => look(HOME),
    " ": () => find("play").click(),
  };
  canvas.addEventListener("keydown", (event) => {
    if (!(event.key in keys) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    keys[event.key]();
  });
  canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
  canvas.addEventListener("webglcontextrestored", () => {
    stage = createStage(canvas, pack.faces, data.step, data.ramp);
    requestDraw();
  });
}

function giveUp(reason) {
  find("fallback").hidden = false;
  find("fallback").firstElementChild.textContent = `${reason} The pictures show the same iterations.`;
  canvas.hidden = true;
}

async function start() {
  const stops = data.ramp.map((stop) => `rgb(${stop.map((part) => Math.round(255 * part))})`);
  find("legend").querySelector("i").style.background = `linear-gradient(90deg, ${stops})`;
  listenToControls();
  readAddress(location.hash);
  if (!("DecompressionStream" in window)) {
    giveUp("This browser cannot unpack the 3D bodies.");
  } else {
    pack = unpackMeshes(await inflate(find("viewer-meshes").textContent), data);
    find("viewer-meshes").remove();
    stage = createStage(canvas, pack.faces, data.step, data.ramp);
    if (stage) listenToCanvas();
    else giveUp("This browser has no WebGL, so there is no 3D view.");
    find("fallback").hidden = Boolean(stage);
  }
  showPerson();
  if (stage) draw();
  root.dataset.ready = "true";
}

start();
