// What all explorers share. Python puts this file in front of each of them; node follows their imports.

export const range = (n) => Array.from({ length: n }, (_, i) => i);

/** Rows of numbers; `value` is given the row, the column, the height and the width. */
export const build = (h, w, value) => range(h).map((i) => range(w).map((j) => value(i, j, h, w)));

export const clamp = (x, low, high) => Math.max(low, Math.min(x, high));

/** The number typed, or null; float32 must be able to hold it. */
export function parse(text) {
  const number = Number(text.trim().replace(",", ".") || NaN);
  return Number.isFinite(Math.fround(number)) ? number : null;
}

const ENGLISH = new Intl.NumberFormat("en-US");

/** A number with commas between the thousands. */
export const thousands = (n) => ENGLISH.format(n);

/** How to pad an axis: the index of the cell of n that is copied to index i, which may lie outside; -1 is a zero. */
export const SOURCE = {
  zeros: (i, n) => (i >= 0 && i < n ? i : -1),
  reflect: (i, n) => n - 1 - Math.abs(n - 1 - Math.abs(i)),
  replicate: (i, n) => clamp(i, 0, n - 1),
  circular: (i, n) => (i + n) % n,
};
export const PADDING_MODES = Object.keys(SOURCE);

/** The pixels of numbers from -1 over 0 to 1, between three colours [red, green, blue]. */
export const palette = (below, zero, above) => Uint32Array.from({ length: 511 }, (_, n) => {
  const [strength, end] = [Math.abs(n - 255) / 255, n < 255 ? below : above];
  const [red, green, blue] = zero.map((from, c) => Math.round(from + strength * (end[c] - from)));
  return (255 << 24) | (blue << 16) | (green << 8) | red;
});
export const GREYS = palette([0, 0, 0], [0, 0, 0], [255, 255, 255]);
export const [BELOW, ABOVE] = [[0x64, 0xa4, 0xe4], [0xee, 0x8e, 0x30]];
export const DIVERGING = palette(BELOW, [255, 255, 255], ABOVE);

/** Paint numbers, one row after the other; beyond -limit and limit they have the last colours. */
export function paint(canvas, width, values, colours, limit = 1) {
  write(canvas, width, "width"); // writing it empties the canvas, and costs a layout, even where it is the same
  write(canvas, values.length / width, "height");
  const image = new ImageData(width, canvas.height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let n = 0; n < pixels.length; n++) pixels[n] = colours[255 + Math.round(255 * clamp(values[n] / limit, -1, 1))];
  canvas.getContext("2d").putImageData(image, 0, 0);
}

const SVG = ["svg", "g", "line", "path", "rect", "text"];

/** An element of HTML or SVG; JupyterLab leaves the keys to it that it knows. */
export function element(tag, attributes = {}, ...children) {
  const node = SVG.includes(tag)
    ? document.createElementNS("http://www.w3.org/2000/svg", tag)
    : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (node.matches("button, input, select, summary, [tabindex]")) node.setAttribute("data-lm-suppress-shortcuts", "true");
  node.append(...children);
  return node;
}

/**
 * Write a property or, where its name has a dash or the node is of SVG, an attribute, only where it is another: writing
 * costs a layout.
 */
export function write(node, value, name = "textContent") {
  const isAttribute = name.includes("-") || (name !== "textContent" && node instanceof SVGElement);
  if (isAttribute) {
    if (node.getAttribute(name) !== value) node.setAttribute(name, value);
  } else if (node[name] !== value) {
    const text = name === "textContent" && node.childNodes.length === 1 ? node.firstChild : null;
    if (text instanceof Text) text.data = value; // styled and laid out faster than a new one
    else node[name] = value;
  }
}

/** Set a property of CSS only where it is another. */
export function style(node, name, value) {
  if (node.style.getPropertyValue(name) !== String(value)) node.style.setProperty(name, value);
}

/** Give a node these children; those that it has already stay where they are. */
export function arrange(node, children) {
  [...node.children].filter((child) => !children.includes(child)).forEach((child) => child.remove());
  children.forEach((child, n) => {
    if (node.childNodes[n] !== child) node.insertBefore(child, node.childNodes[n] ?? null);
  });
}

/** Make a node like another; where they are built alike, only what differs is written. */
export function become(node, next) {
  if (node.isEqualNode(next)) return;
  if (node.nodeName !== next.nodeName) node.replaceWith(next);
  else if (node instanceof Text) node.data = next.data;
  else {
    for (const name of node.getAttributeNames()) if (!next.hasAttribute(name)) node.removeAttribute(name);
    for (const { name, value } of next.attributes) if (node.getAttribute(name) !== value) node.setAttribute(name, value);
    const [before, after] = [node, next].map(({ childNodes }) => [...childNodes]);
    if (before.length !== after.length) node.replaceChildren(...after);
    else before.forEach((child, n) => become(child, after[n]));
  }
}

/** A button; its content is a text or a list of elements. */
export function button(content, action, attributes = {}) {
  const node = element("button", { type: "button", ...attributes }, ...[content].flat());
  node.addEventListener("click", action);
  return node;
}

/** A slider in a row with its words and its number; moved(number) is called while it moves. */
export function slider(words, { min, max, step = 1, label = words }, moved) {
  const node = element("input", { type: "range", min, max, step, "aria-label": label });
  const text = element("span", { "aria-hidden": "true" });
  node.addEventListener("input", () => moved(Number(node.value)));
  return {
    node,
    row: element("label", { class: "cl-slider" }, element("span", {}, words), node, text),
    draw(value, shown = String(value)) {
      write(node, String(value), "value");
      write(text, shown);
      write(node, shown, "aria-valuetext");
    },
  };
}

/** A tick box in a line with its words. */
export function tickBox(words, ticked) {
  const node = element("input", { type: "checkbox" });
  node.addEventListener("change", () => ticked(node.checked));
  return { node, row: element("label", { class: "cl-line" }, node, element("span", {}, words)) };
}

const ARROWS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };

/**
 * A pen for a board, moved by mouse, finger or arrow keys, which go `step` of the board; Space puts it down and up.
 * Calls pressed(point) where it is put down, moved(point, from) while it is, and said(sentence); a point is [x, y],
 * each from 0 to 1. Returns its nib, to be laid over the board, and what lifts it.
 */
export function pen(board, step, { pressed, moved, said }) {
  const node = element("div", { class: "cl-nib", "aria-hidden": "true" });
  let at = [0.5, 0.5];
  let isDown = false;
  const show = () => {
    [node.style.left, node.style.top] = at.map((x) => `${100 * x}%`);
    node.classList.toggle("cl-down", isDown);
  };
  const put = (down) => {
    isDown = down;
    show();
    if (down) pressed(at);
  };
  const move = (point) => {
    const from = at;
    at = point.map((x) => clamp(x, 0, 1));
    show();
    if (isDown) moved(at, from);
  };
  const under = ({ clientX, clientY }) => {
    const { left, top, width, height } = board.getBoundingClientRect();
    return [(clientX - left) / width, (clientY - top) / height];
  };
  board.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    board.setPointerCapture(event.pointerId);
    put(false);
    move(under(event));
    put(true);
  });
  board.addEventListener("pointermove", (event) => {
    if (!board.hasPointerCapture(event.pointerId)) return;
    for (const one of event.getCoalescedEvents?.() ?? [event]) move(under(one));
  });
  board.addEventListener("lostpointercapture", () => put(false));
  board.addEventListener("keydown", (event) => {
    const way = ARROWS[event.key];
    if (event.ctrlKey || event.altKey || event.metaKey || !(way || event.key === " ")) return;
    event.preventDefault();
    event.stopPropagation();
    if (way) move(at.map((x, axis) => x + step * way[axis]));
    else {
      put(!isDown);
      said(isDown ? "pen down" : "pen up");
    }
  });
  show();
  return { node, lift: () => put(false) };
}

const QUIET_MS = 800;

/** A line that is read aloud, once nothing has changed for a while. */
export function announcer() {
  let waiting = null;
  const node = element("div", { class: "cl-live", role: "status", "aria-live": "polite" });
  return {
    node,
    say(sentence) {
      clearTimeout(waiting);
      waiting = setTimeout(() => { node.textContent = sentence; }, QUIET_MS);
    },
    stop: () => clearTimeout(waiting),
  };
}

/** Put an explorer into the page; returns its outermost element that has its colours. */
export function mount(el, name, label, ...parts) {
  const root = element("div", { class: `cl-explorer cl-${name}`, role: "group", "aria-label": label }, ...parts);
  el.replaceChildren(element("div", { class: "cl-room" }, root));
  return root;
}

const REST_MS = 100;
const toTell = new WeakMap();

/** Change what the model holds; Python is told once that rests for a while, since each message makes the page stutter. */
export function assign(model, changes) {
  for (const [name, value] of Object.entries(changes)) model.set(name, value);
  clearTimeout(toTell.get(model));
  toTell.set(model, setTimeout(() => model.save_changes(), REST_MS));
}

/** Call draw before the next frame whenever one of these has changed; returns what asks for that, and what ends it. */
export function follow(model, names, draw) {
  let asked = null;
  const ask = () => {
    asked ??= requestAnimationFrame(() => {
      asked = null;
      draw();
    });
  };
  for (const name of names) model.on(`change:${name}`, ask);
  const leave = () => {
    for (const name of names) model.off(`change:${name}`, ask);
    cancelAnimationFrame(asked);
  };
  return { ask, leave };
}
