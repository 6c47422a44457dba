// The receptive-field stacker, along one axis. A layer is [kind, kernel_size, stride, padding, dilation]. The
// functions above `render` touch no page: the tests run them in node and compare them with torch.

import { announcer, arrange, assign, button, element, follow, mount, slider, write } from "./base.js";

export const NUMBERS = [
  { name: "kernel", min: 1, max: 9 },
  { name: "stride", min: 1, max: 4 },
  { name: "padding", min: 0, max: 4 },
  { name: "dilation", min: 1, max: 4 },
];
export const MOST_LAYERS = 8;
export const NEW = { conv: ["conv", 3, 1, 1, 1], pool: ["pool", 2, 2, 0, 1] };
const KINDS = { conv: "convolution", pool: "pooling" };

/** For the image and after each layer: size, jump and start of a cell's field, and how many cells there are. */
export function fields(layers, n) {
  const lines = [{ size: 1, jump: 1, start: 0, cells: n }];
  for (const [, k, s, p, d] of layers) {
    const { size, jump, start, cells } = lines.at(-1);
    const reach = d * (k - 1);
    lines.push({
      size: size + reach * jump,
      jump: jump * s,
      start: start - p * jump,
      cells: cells > 0 && cells + 2 * p > reach ? Math.floor((cells + 2 * p - reach - 1) / s) + 1 : 0,
    });
  }
  return lines;
}

/** Why the stack cannot be, in words; null where it can. */
export function impossible(layers, n) {
  const lines = fields(layers, n);
  const i = layers.findIndex((_, at) => lines[at + 1].cells === 0);
  if (i < 0) return null;
  const [, k, , p, d] = layers[i];
  return `Layer ${i + 1} finds no place: its window spans ${d * (k - 1) + 1} cells, and it gets ` +
    `${lines[i].cells}${p ? ` and ${2 * p} of padding` : ""}.`;
}

/** Which cells output `cell` needs: for the image and each layer, sorted indices; those outside are padding. */
export function needs(layers, n, cell) {
  const levels = [[cell]];
  const { length } = layers;
  const lines = fields(layers, n);
  for (let i = length - 1; i >= 0; i--) {
    const [, k, s, p, d] = layers[i];
    const wanted = new Set();
    for (const o of levels[0]) {
      if (o < 0 || o >= lines[i + 1].cells) continue; // padding comes from nowhere
      for (let a = 0; a < k; a++) wanted.add(o * s - p + a * d);
    }
    levels.unshift([...wanted].toSorted((one, other) => one - other));
  }
  return levels;
}

/** Where the middle of cell `o` of a level lies, in cells of the image. */
export const centre = ({ size, jump, start }, o) => start + o * jump + (size - 1) / 2;

/** The field of cell `o`: its first and last cell in an endless image. */
export const field = ({ size, jump, start }, o) => [start + o * jump, start + o * jump + size - 1];

/** The call of the student's function for these layers. */
export const codeLine = (layers) =>
  `receptive_field([${layers.map(([, ...numbers]) => `(${numbers.join(", ")})`).join(", ")}])`;

const STATE = ["layers", "n", "cell"];
const [ROW, BARS] = [30, 44];

function render({ model, el }) {
  const set = (changes) => assign(model, changes);
  const layers = () => model.get("layers");
  const changed = (i, at, value) =>
    layers().map((layer, place) => (place === i ? layer.map((x, k) => (k === at ? value : x)) : layer));

  const cells = slider("output cell", { min: 0, max: 0 }, (cell) => set({ cell }));
  const width = slider("cells of the image", { min: 8, max: 64 }, (n) => set({ n }));
  const add = Object.fromEntries(Object.keys(NEW).map((kind) =>
    [kind, button(`Add ${KINDS[kind]}`, () => set({ layers: [...layers(), [...NEW[kind]]] }))]));
  const reset = button("Reset", () => set({ ...model.get("_start") }));

  const picture = element("svg", { role: "img" });
  picture.addEventListener("click", ({ target }) => {
    if (target.dataset.output) set({ cell: Number(target.dataset.output) });
  });
  const head = ["layer", ...NUMBERS.map(({ name }) => name), "cells", "size", "jump", "start"];
  const body = element("tbody");
  const table = element("table", {},
    element("thead", {}, element("tr", {}, ...head.map((name) => element("th", { scope: "col" }, name)), element("td"))), body);
  const code = element("code");
  const verdict = element("p", { class: "cl-field-verdict" });
  const live = announcer();
  mount(el, "field", "Receptive-field stacker",
    picture, verdict,
    element("div", { class: "cl-field-line" }, cells.row, width.row),
    element("div", { class: "cl-field-scroll" }, table),
    element("div", { class: "cl-field-line" }, add.conv, add.pool, reset),
    element("div", {}, "In Python: ", code), live.node);

  const rows = [];
  function newRow(i) {
    const kind = element("th", { scope: "row" });
    const inputs = NUMBERS.map(({ name, min, max }, at) => {
      const node = element("input", { type: "number", min, max, step: 1, "aria-label": `${name} of layer ${i + 1}` });
      node.addEventListener("input", () => {
        if (node.value !== "" && node.checkValidity()) set({ layers: changed(i, at + 1, Number(node.value)) });
      });
      node.addEventListener("change", () => { node.value = layers()[i][at + 1]; });
      return node;
    });
    const results = ["cells", "size", "jump", "start"].map(() => element("td"));
    const remove = button("×", () => {
      const left = layers().filter((_, at) => at !== i);
      set({ layers: left });
      (left.length ? rows[Math.min(i, left.length - 1)].remove : add.conv).focus();
    }, { "aria-label": `remove layer ${i + 1}` });
    const node = element("tr", {}, kind, ...inputs.map((input) => element("td", {}, input)), ...results,
      element("td", {}, remove));
    return { node, kind, inputs, results, remove };
  }

  function drawTable(lines) {
    const now = layers();
    while (rows.length < now.length) {
      rows.push(newRow(rows.length));
      body.append(rows.at(-1).node);
    }
    while (rows.length > now.length) rows.pop().node.remove();
    rows.forEach(({ kind, inputs, results }, i) => {
      write(kind, `${i + 1} ${KINDS[now[i][0]]}`);
      inputs.forEach((input, at) => {
        const isTyped = document.activeElement === input && input.value !== "";
        if (!isTyped || input.checkValidity()) write(input, String(now[i][at + 1]), "value");
        input.disabled = now[i][0] === "pool" && NUMBERS[at].name === "dilation";
      });
      const { cells: count, size, jump, start } = lines[i + 1];
      [count, size, jump, start].forEach((x, at) => write(results[at], String(x)));
    });
    for (const node of Object.values(add)) node.disabled = now.length >= MOST_LAYERS;
  }

  const shapesByName = new Map();

  /** The shape of the picture with this name: the same element each time, since a new one costs more than to move it. */
  function shape(name, tag, attributes) {
    const node = shapesByName.get(name) ?? element(tag);
    shapesByName.set(name, node);
    for (const [key, value] of Object.entries(attributes)) write(node, String(value), key);
    return node;
  }

  function drawPicture(lines, wanted, measured) {
    const n = model.get("n");
    const marks = lines.flatMap((line, level) => wanted[level].map((o) => centre(line, o)));
    const [first, last] = [Math.floor(Math.min(0, ...marks)), Math.ceil(Math.max(n - 1, ...marks))];
    const unit = 640 / (last - first + 1);
    const x = (at) => (at - first + 0.5) * unit + 74;
    const height = ROW * lines.length + BARS + 8;
    picture.setAttribute("viewBox", `0 0 720 ${height}`);
    const shapes = [];
    const named = (y, name) => {
      const node = shape(`name ${name}`, "text", { x: 66, y, "text-anchor": "end", class: "cl-field-name" });
      write(node, name);
      shapes.push(node);
    };
    lines.forEach((line, level) => {
      const y = ROW * (lines.length - 1 - level) + 4;
      named(y + 15, level === 0 ? "image" : `${level} ${layers()[level - 1][0]}`);
      const side = Math.min(0.86 * unit * line.jump, 22);
      const box = (o, kind) => {
        shapes.push(shape(`${level} ${o}`, "rect", {
          x: x(centre(line, o)) - side / 2, y, width: side, height: 18, rx: 2, class: `cl-field-${kind}`,
          "data-output": level === lines.length - 1 ? o : "",
        }));
      };
      const inside = new Set(wanted[level]);
      for (let o = 0; o < line.cells; o++) if (!inside.has(o)) box(o, "idle");
      for (const o of wanted[level]) box(o, o < 0 || o >= line.cells ? "outside" : "seen");
    });
    const base = height - 4;
    named(base - 6, "gradient");
    shapes.push(shape("base", "line", { x1: 74, x2: 714, y1: base, y2: base, class: "cl-field-base" }));
    if (measured) {
      const most = Math.max(...measured.gradient, 1e-12);
      measured.gradient.forEach((g, i) => {
        const tall = (g / most) * (BARS - 12);
        if (g > 0) shapes.push(shape(`gradient ${i}`, "rect",
          { x: x(i) - 0.4 * unit, y: base - tall, width: 0.8 * unit, height: tall, class: "cl-field-bar" }));
      });
    }
    arrange(picture, shapes);
  }

  function draw() {
    const [now, n] = [layers(), model.get("n")];
    const lines = fields(now, n);
    const top = lines.at(-1);
    const problem = impossible(now, n);
    const cell = Math.min(model.get("cell"), Math.max(top.cells - 1, 0));
    const wanted = problem ? lines.map(() => []) : needs(now, n, cell);
    const found = model.get("_measured");
    const measured = JSON.stringify(found.of) === JSON.stringify([now, n, model.get("cell")]) && !problem ? found : null;
    cells.node.max = Math.max(top.cells - 1, 0);
    cells.draw(cell);
    width.draw(n);
    drawTable(lines);
    drawPicture(lines, wanted, measured);
    const [from, to] = field(top, cell);
    const outside = Math.max(0, -from) + Math.max(0, to - n + 1);
    const words = problem ??
      `Output cell ${cell} sees ${top.size === 1 ? "cell" : `${top.size} cells,`} ` +
        (top.size === 1 ? from : `${from} to ${to}`) +
        (outside ? `; outside of the image: ${Math.min(outside, top.size)}.` : ".");
    const by = problem ? "" : measured
      ? ` Measured from gradients: ${measured.size}.`
      : " (In JupyterLab it is measured from gradients, too.)";
    write(verdict, words + by);
    verdict.classList.toggle("cl-warning", Boolean(problem));
    picture.setAttribute("aria-label", `${now.length} layers on ${n} cells. ${words}${by}`);
    write(code, codeLine(now));
    live.say(words + by);
  }

  const { leave } = follow(model, [...STATE, "_measured"], draw);
  draw();
  return () => {
    leave();
    live.stop();
  };
}

export default { render };
