// The receptive-field stacker, along one axis. A layer is [kind, kernel_size, stride, padding, dilation]. The
// functions above `render` touch no page: the tests run them in node and compare them with torch.

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
    levels.unshift([...wanted].sort((one, other) => one - other));
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
const SVG = "http://www.w3.org/2000/svg";
const [ROW, BARS] = [30, 44];
const ANNOUNCE_MS = 800;

function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (node.matches("button, input, select, [tabindex]")) node.setAttribute("data-lm-suppress-shortcuts", "true");
  node.append(...children);
  return node;
}

function shape(tag, attributes, text) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

function render({ model, el }) {
  let announcer = null;
  let asked = null;
  const set = (changes) => {
    for (const [name, value] of Object.entries(changes)) model.set(name, value);
    model.save_changes();
  };
  const layers = () => model.get("layers");
  const changed = (i, at, value) =>
    layers().map((layer, place) => (place === i ? layer.map((x, k) => (k === at ? value : x)) : layer));

  const slider = (label, name, min, max) => {
    const node = element("input", { type: "range", min, max, step: 1, "aria-label": label });
    const text = element("output", { "aria-hidden": "true" });
    node.addEventListener("input", () => set({ [name]: Number(node.value) }));
    return { node, text, row: element("label", { class: "cl-field-slider" }, element("span", {}, label), node, text) };
  };
  const cells = slider("output cell", "cell", 0, 0);
  const width = slider("cells of the image", "n", 8, 64);
  const add = Object.fromEntries(Object.keys(NEW).map((kind) => {
    const node = element("button", { type: "button" }, `Add ${KINDS[kind]}`);
    node.addEventListener("click", () => set({ layers: [...layers(), [...NEW[kind]]] }));
    return [kind, node];
  }));
  const reset = element("button", { type: "button" }, "Reset");
  reset.addEventListener("click", () => set({ ...model.get("_start") }));

  const picture = shape("svg", { role: "img" });
  const head = ["layer", ...NUMBERS.map(({ name }) => name), "cells", "size", "jump", "start", ""];
  const body = element("tbody");
  const table = element("table", {},
    element("thead", {}, element("tr", {}, ...head.map((name) => element("th", { scope: "col" }, name)))), body);
  const code = element("code");
  const verdict = element("p", { class: "cl-field-verdict" });
  const live = element("div", { class: "cl-field-live", role: "status", "aria-live": "polite" });
  const root = element("div", { class: "cl-field", role: "group", "aria-label": "Receptive-field stacker" },
    picture, verdict,
    element("div", { class: "cl-field-line" }, cells.row, width.row),
    element("div", { class: "cl-field-scroll" }, table),
    element("div", { class: "cl-field-line" }, add.conv, add.pool, reset),
    element("div", {}, "In Python: ", code), live);

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
    const remove = element("button", { type: "button", "aria-label": `remove layer ${i + 1}` }, "×");
    remove.addEventListener("click", () => {
      const left = layers().filter((_, at) => at !== i);
      set({ layers: left });
      (left.length ? rows[Math.min(i, left.length - 1)].remove : add.conv).focus();
    });
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
      kind.textContent = `${i + 1} ${KINDS[now[i][0]]}`;
      inputs.forEach((input, at) => {
        if (document.activeElement !== input || input.value === "") input.value = now[i][at + 1];
        else if (input.checkValidity()) input.value = now[i][at + 1];
        input.disabled = now[i][0] === "pool" && NUMBERS[at].name === "dilation";
      });
      const { cells: count, size, jump, start } = lines[i + 1];
      [count, size, jump, start].forEach((x, at) => { results[at].textContent = x; });
    });
    for (const node of Object.values(add)) node.disabled = now.length >= MOST_LAYERS;
  }

  function drawPicture(lines, wanted, measured) {
    const n = model.get("n");
    const marks = lines.flatMap((line, level) => wanted[level].map((o) => centre(line, o)));
    const [first, last] = [Math.floor(Math.min(0, ...marks)), Math.ceil(Math.max(n - 1, ...marks))];
    const unit = 640 / (last - first + 1);
    const x = (at) => (at - first + 0.5) * unit + 74;
    const height = ROW * lines.length + BARS + 8;
    picture.setAttribute("viewBox", `0 0 720 ${height}`);
    picture.replaceChildren();
    lines.forEach((line, level) => {
      const y = ROW * (lines.length - 1 - level) + 4;
      const name = level === 0 ? "image" : `${level} ${layers()[level - 1][0]}`;
      picture.append(shape("text", { x: 66, y: y + 15, "text-anchor": "end", class: "cl-field-name" }, name));
      const side = Math.min(0.86 * unit * line.jump, 22);
      const box = (o, kind) => {
        const node = shape("rect",
          { x: x(centre(line, o)) - side / 2, y, width: side, height: 18, rx: 2, class: `cl-field-${kind}` });
        if (level === lines.length - 1) node.addEventListener("click", () => set({ cell: o }));
        picture.append(node);
      };
      const inside = new Set(wanted[level]);
      for (let o = 0; o < line.cells; o++) if (!inside.has(o)) box(o, "idle");
      for (const o of wanted[level]) box(o, o < 0 || o >= line.cells ? "outside" : "seen");
    });
    const base = height - 4;
    picture.append(shape("text", { x: 66, y: base - 6, "text-anchor": "end", class: "cl-field-name" }, "gradient"));
    picture.append(shape("line", { x1: 74, x2: 714, y1: base, y2: base, class: "cl-field-base" }));
    if (measured) {
      const most = Math.max(...measured.gradient, 1e-12);
      measured.gradient.forEach((g, i) => {
        const tall = (g / most) * (BARS - 12);
        if (g > 0) picture.append(shape("rect",
          { x: x(i) - 0.4 * unit, y: base - tall, width: 0.8 * unit, height: tall, class: "cl-field-bar" }));
      });
    }
  }

  function draw() {
    asked = null;
    const [now, n] = [layers(), model.get("n")];
    const lines = fields(now, n);
    const top = lines.at(-1);
    const problem = impossible(now, n);
    const cell = Math.min(model.get("cell"), Math.max(top.cells - 1, 0));
    const wanted = problem ? lines.map(() => []) : needs(now, n, cell);
    const found = model.get("_measured");
    const measured = JSON.stringify(found.of) === JSON.stringify([now, n, model.get("cell")]) && !problem ? found : null;
    cells.node.max = Math.max(top.cells - 1, 0);
    for (const [{ node, text }, value] of [[cells, cell], [width, n]]) {
      node.value = value;
      text.textContent = value;
    }
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
      : " (To measure it from gradients, run the cell in JupyterLab.)";
    verdict.textContent = words + by;
    verdict.classList.toggle("cl-field-problem", Boolean(problem));
    picture.setAttribute("aria-label", `${now.length} layers on ${n} cells. ${words}${by}`);
    code.textContent = codeLine(now);
    clearTimeout(announcer);
    announcer = setTimeout(() => { live.textContent = words + by; }, ANNOUNCE_MS);
  }

  const redraw = () => { asked ??= requestAnimationFrame(draw); };
  for (const name of [...STATE, "_measured"]) model.on(`change:${name}`, redraw);
  draw();
  el.replaceChildren(element("div", { class: "cl-field-room" }, root));
  return () => {
    for (const name of [...STATE, "_measured"]) model.off(`change:${name}`, redraw);
    cancelAnimationFrame(asked);
    clearTimeout(announcer);
  };
}

export default { render };
