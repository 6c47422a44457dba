// The Conv2d explorer. A plane is an array of rows; an input is a plane or an array of planes (channels), a
// weight is a plane or an array of filters, each an array of planes. (i, j) is (row, column); settings are
// {stride, padding, dilation}, each [height, width], and padding_mode, groups and bias, an array or null. The
// functions above `render` touch no page: the tests run them in node and compare them with torch.

import {
  announcer, arrange, assign, become, build, button, clamp, element, follow, mount, PADDING_MODES, parse, range, slider,
  SOURCE, style, tickBox, write,
} from "./base.js";

export const PRESETS = {
  identity: (i, j, h, w) => Number(i === (h - 1) >> 1 && j === (w - 1) >> 1),
  "mean (blur)": (i, j, h, w) => 1 / (h * w),
  sum: () => 1,
  "vertical edge": (i, j, h, w) => Math.sign(j - (w - 1) / 2),
  "horizontal edge": (i, j, h) => Math.sign(i - (h - 1) / 2),
  Laplacian: (i, j, h, w) => (i === (h - 1) >> 1 && j === (w - 1) >> 1 ? h * w - 1 : -1),
  "letter L": (i, j, h) => Number(j === 0 || i === h - 1),
};

const isPlane = (grid) => !Array.isArray(grid[0][0]);

/** Height and width: the last two sides of a grid. */
export const size = (grid) => (isPlane(grid) ? [grid.length, grid[0].length] : size(grid[0]));

const onPlanes = (grid, change) => (isPlane(grid) ? change(grid) : grid.map((part) => onPlanes(part, change)));

const channelsOf = (input) => (isPlane(input) ? [input] : input);
const filtersOf = (weight) => (isPlane(weight) ? [[weight]] : weight);
const haveChannels = (input, weight) => !isPlane(input) || !isPlane(weight);
const shapeOf = (grid) => (Array.isArray(grid) ? [grid.length, ...shapeOf(grid[0])] : []);

/** Keep what fits, fill new cells with 0. */
export const resize = (grid, h, w) => onPlanes(grid, (plane) => build(h, w, (i, j) => plane[i]?.[j] ?? 0));

/** The name of the preset that all these kernels are in float32, if any. */
export const presetOf = (...kernels) =>
  Object.keys(PRESETS).find((name) => kernels.every((kernel) =>
    build(...size(kernel), PRESETS[name]).flat().every((x, n) => Math.fround(x) === Math.fround(kernel.flat()[n]))));

export const rotate = (grid) => onPlanes(grid, (plane) => plane.map((row) => row.toReversed()).toReversed());

const PAIRS = ["stride", "padding", "dilation"];
export const PLAIN = {
  stride: [1, 1], padding: [0, 0], dilation: [1, 1], padding_mode: "zeros", groups: 1, bias: null,
};

/** The plane with its padding. */
export const pad = (plane, { padding, padding_mode: mode }) => {
  const [h, w] = size(plane);
  const [rows, columns] = [[h, padding[0]], [w, padding[1]]].map(([n, p]) =>
    range(n + 2 * p).map((i) => SOURCE[mode](i - p, n)));
  return rows.map((i) => columns.map((j) => plane[i]?.[j] ?? 0));
};

/** The first channel of the input that filter o reads. */
const firstChannel = (weight, o, groups) => {
  const bank = filtersOf(weight);
  return Math.floor(o / (bank.length / groups)) * bank[0].length;
};

/** For the height, then for the width: input n, kernel k, stride s, padding p, dilation d, output m. */
export const sides = (input, weight, { stride, padding, dilation } = PLAIN) => [0, 1].map((axis) => {
  const [n, k, s, p, d] = [size(input), size(weight), stride, padding, dilation].map((pair) => pair[axis]);
  return { n, k, s, p, d, m: Math.floor((n + 2 * p - d * (k - 1) - 1) / s) + 1 };
});

const reach = ({ k, d }) => d * (k - 1) + 1;

/** Rows of {weight, value}: the kernel laid on the window of output (i, j) in a plane that has its padding. */
export const products = (padded, kernel, i, j, { stride, dilation } = PLAIN) =>
  kernel.map((row, di) => row.map((weight, dj) =>
    ({ weight, value: padded[i * stride[0] + di * dilation[0]][j * stride[1] + dj * dilation[1]] })));

const total = (rows) => rows.flat().reduce((sum, { weight, value }) => sum + weight * value, 0);

/** The output, a plane for planes, else an array of planes; null where torch refuses. */
export function conv2d(input, weight, flip = false, settings = PLAIN) {
  if (misfit(input, weight, settings)) return null;
  const { stride: [sh, sw], dilation: [dh, dw], groups, bias } = settings;
  const sizes = sides(input, weight, settings).map(({ m }) => m);
  const planes = channelsOf(input).map((plane) => pad(plane, settings));
  const output = filtersOf(flip ? rotate(weight) : weight).map((filter, o) => {
    const first = firstChannel(weight, o, groups);
    return build(...sizes, (i, j) => filter.reduce((sum, kernel, c) => kernel.reduce((rest, row, di) =>
      row.reduce((least, x, dj) => least + x * planes[first + c][i * sh + di * dh][j * sw + dj * dw], rest), sum),
    bias?.[o] ?? 0));
  });
  return haveChannels(input, weight) ? output : output[0];
}

/** Why torch refuses, or "". */
export function misfit(input, weight, settings = PLAIN) {
  const { groups, bias, padding_mode: mode } = settings;
  const [channels, filters, kernels] = [channelsOf(input).length, filtersOf(weight).length, filtersOf(weight)[0].length];
  for (const [count, what] of [[channels, "channels of the input"], [filters, "filters"]]) {
    if (count % groups) {
      return `${groups} groups cannot share ${count} ${what} evenly. The number of groups has to divide the ` +
        "number of channels and the number of filters.";
    }
  }
  if (channels !== kernels * groups) {
    const each = groups > 1 ? `, so each of the ${groups} groups has ${channels / groups}` : "";
    return `the channels do not match: the input has ${channels}${each}, but each filter of the weight is ` +
      `made for ${kernels}. A filter needs one kernel for every channel of ${groups > 1 ? "its group" : "the input"}.`;
  }
  if (bias && bias.length !== filters) {
    return `the bias has ${bias.length} numbers for ${filters} filters. Every filter needs one.`;
  }
  for (const [axis, { n, p }] of sides(input, weight, settings).entries()) {
    const most = { reflect: n - 1, circular: n }[mode] ?? p;
    if (p > most) {
      return `padding_mode ${mode} can add at most ${most} ${["rows", "columns"][axis]} on each side of an input ` +
        `that has ${n}, not ${p}. Make the padding smaller or the input larger.`;
    }
  }
  const reasons = new Map();
  sides(input, weight, settings).forEach(({ n, k, p, d, m }, axis) => {
    const [name, part] = [["rows", "columns"][axis], `${n} + 2·${p} = ${n + 2 * p}`];
    const reason = [`with dilation ${d} it covers ${d}·(${k} - 1) + 1 = ${reach({ k, d })} `,
      `, but the input with its padding has only ${part}`];
    if (m < 1) reasons.set(String(reason), [...(reasons.get(String(reason)) ?? [reason]), name]);
  });
  if (reasons.size === 0) return "";
  const start = `a ${size(weight).join("x")} kernel does not fit into a ${size(input).join("x")} input: `;
  if ([...settings.padding, ...settings.dilation].join() === "0,0,1,1") {
    return `${start}wherever it lies, it sticks out, so there is no output. ` +
      "Make the kernel smaller or the input larger.";
  }
  const told = [...reasons.values()].map(([[before, after], ...names]) => before + names.join(" and ") + after);
  return `${start}${told.join("; ")}. Make the kernel or the dilation smaller, or the padding larger.`;
}

/** The outputs along one axis that use index i of the input; i < 0 and i >= n are padding. */
const usersAlong = ({ k, s, p, d, m }, i) =>
  range(k).map((tap) => (i + p - tap * d) / s).filter((o) => Number.isInteger(o) && o >= 0 && o < m).toReversed();

/** Where index i of an axis stands once it is padded: there, and where the padding copies it to. */
const copiesAlong = ({ n, p }, i, mode) =>
  (i < 0 || i >= n ? [i] : range(n + 2 * p).map((place) => place - p).filter((place) => SOURCE[mode](place, n) === i));

/**
 * The rows and columns of the outputs that use input (i, j) or a copy of it in the padding: each of these rows with
 * each of these columns. An index in the padding stands for that place alone.
 */
export function users(input, weight, i, j, settings = PLAIN) {
  const [rows, columns] = sides(input, weight, settings).map((side, axis) => [...new Set(
    copiesAlong(side, [i, j][axis], settings.padding_mode).flatMap((place) => usersAlong(side, place)),
  )].toSorted((a, b) => a - b));
  return { rows, columns };
}

/** The indices along one axis, padding included, that no output uses. */
export const unusedAlong = (side) =>
  range(side.n + 2 * side.p).map((n) => n - side.p).filter((i) => usersAlong(side, i).length === 0);

const list = (words) => words.join(", ").replace(/, ([^,]*)$/, " and $1");
const pairText = ([h, w]) => (h === w ? String(h) : `(${h}, ${w})`);

/** What the windows leave out, in words, or "". */
export function unusedSentence(input, weight, settings = PLAIN) {
  if (misfit(input, weight, settings)) return "";
  const [ends, strides, gaps] = [new Map(), [], []];
  sides(input, weight, settings).forEach((side, axis) => {
    const name = ["row", "column"][axis];
    const end = (side.m - 1) * side.s + reach(side) - side.p;
    const real = Math.max(side.n - end, 0);
    const count = real || side.n + side.p - end;
    const where = real === 0 ? " of the padding" : side.p ? " (and the padding behind)" : "";
    const lines = count === 1 ? name : `${count} ${name}s`;
    if (count) ends.set(where, [...(ends.get(where) ?? []), lines]);
    if (count) strides.push(side.s);
    const between = unusedAlong(side).filter((i) => i >= 0 && i < Math.min(end, side.n));
    if (between.length) gaps.push(`${name}${between.length > 1 ? "s" : ""} ${list(between)}`);
  });
  const sentences = [];
  if (ends.size) {
    const stride = strides.length === 1 ? strides[0] : pairText(strides);
    const last = [...ends].map(([where, lines]) => `the last ${list(lines)}${where}`);
    sentences.push(`Stride ${stride} leaves ${list(last)} unused: one more step and the kernel would stick out.`);
  }
  if (gaps.length) sentences.push(`No kernel number ever lies on ${gaps.join(" or on ")}.`);
  return sentences.join(" ");
}

/** The output size along one axis, with its numbers; the short form is for stride 1, padding 0, dilation 1. */
export function sizeFormula({ n, k, s, p, d, m }, short) {
  if (short) return `${n} - ${k} + 1 = ${m}`;
  const inside = n + 2 * p - reach({ k, d });
  return `floor((${n} + 2·${p} - ${d}·(${k} - 1) - 1) / ${s}) + 1 = floor(${inside} / ${s}) + 1 = ${m}`;
}

const options = (settings, names) =>
  names.map((name) => `${name}=${Array.isArray(settings[name]) ? pairText(settings[name]) : settings[name]}`);

/** The layer in PyTorch, before it is given the weight. */
export function layerLine(input, weight, settings) {
  const other = (names) => names.filter((name) => String(settings[name]) !== String(PLAIN[name]));
  const given = [channelsOf(input).length, filtersOf(weight).length, pairText(size(weight)),
    ...options(settings, other([...PAIRS, "groups"]))];
  if (settings.padding_mode !== "zeros") given.push(`padding_mode="${settings.padding_mode}"`);
  if (!settings.bias) given.push("bias=False");
  return `nn.Conv2d(${given.join(", ")})`;
}

/** The call in PyTorch; the short one does not name stride, padding and dilation. */
export function codeLine(input, weight, flip, settings = PLAIN, short = false) {
  const many = haveChannels(input, weight);
  const view = (name, grid, ...leading) => `${name}.view(${[...leading, ...size(grid)].join(", ")})`;
  const flipped = isPlane(weight) ? "weight.flip(0, 1)" : "weight.flip(2, 3)";
  const kernel = flip ? flipped : "weight";
  const image = isPlane(input) ? view("input", input, ...(many ? [1] : [1, 1])) : "input";
  const { groups, bias, padding: [top, left], padding_mode: mode } = settings;
  const copied = mode !== "zeros";
  const call = [
    copied ? `F.pad(${image}, (${left}, ${left}, ${top}, ${top}), mode="${mode}")` : image,
    isPlane(weight) ? view(kernel, weight, 1, 1) : kernel,
    ...(bias ? ["bias"] : []),
    ...(short ? [] : options(settings, PAIRS.filter((name) => name !== "padding" || !copied))),
    ...(groups > 1 ? [`groups=${groups}`] : []),
  ].join(", ");
  const [h, w] = sides(input, weight, settings).map(({ m }) => m);
  const shape = [...(many ? [filtersOf(weight).length] : [1, 1]), h, w].join(", ");
  const result = misfit(input, weight, settings) ? "RuntimeError" : `shape (${shape})`;
  return `F.conv2d(${call})  # ${result}`;
}

const STATE_START = "conv2d?";
const LAYER = ["input", "weight", "bias", "flip", ...PAIRS, "padding_mode", "groups"];
const DEFAULTS = { ...PLAIN, flip: false, filter: 0, position: [0, 0] };

/** The state in one line of text, as Python's `state_string`. */
export const stateString = (state) => STATE_START + [...LAYER, "filter", "position"]
  .filter((name) => String(state[name]) !== String(DEFAULTS[name]))
  .map((name) => `${name}=${JSON.stringify(state[name])}`).join("&");

const between = (low, high) => (x) => Number.isInteger(x) && x >= low && x <= high;
const isNumber = (x) => typeof x === "number" && Number.isFinite(Math.fround(x));
const isList = (x, length, isItem) => Array.isArray(x) && length(x.length) && x.every(isItem);
const isTable = (x, largest) => isList(x, between(1, largest), (row) =>
  isList(row, between(1, largest), isNumber) && row.length === x[0].length);
const isStack = (x, isItem) => isList(x, between(1, 4), isItem) &&
  x.every((item) => String(shapeOf(item)) === String(shapeOf(x[0])));
const isPair = (low) => (x) => isList(x, between(2, 2), between(low, LARGEST.setting));
const isPlace = (x) => isList(x, between(2, 2), between(0, Infinity));
const VALID = {
  input: (x) => isTable(x, LARGEST.input) || isStack(x, (plane) => isTable(plane, LARGEST.input)),
  weight: (x) => isTable(x, LARGEST.weight) ||
    isStack(x, (filter) => isStack(filter, (kernel) => isTable(kernel, LARGEST.weight))),
  bias: (x) => x === null || isList(x, between(1, 4), isNumber),
  flip: (x) => typeof x === "boolean",
  stride: isPair(1), padding: isPair(0), dilation: isPair(1),
  padding_mode: (x) => PADDING_MODES.includes(x),
  groups: between(1, 4), filter: between(0, 3), position: isPlace,
};

/** The state that such a text stands for, or null. */
export function stateOf(text) {
  const [start, rest] = text.trim().split("?");
  try {
    const given = rest.split("&").map((part) => part.split("=")).map(([name, value]) => [name, JSON.parse(value)]);
    const state = { ...DEFAULTS, ...Object.fromEntries(given) };
    const isValid = Object.keys({ ...VALID, ...state }).every((name) => VALID[name]?.(state[name]));
    return `${start}?` === STATE_START && isValid ? state : null;
  } catch {
    return null;
  }
}

export const format = (x, decimals = 3) =>
  Math.abs(x) >= 1e5 ? x.toExponential(1).replace("e+", "e") : String(Number(x.toFixed(decimals)));

/** A weight as it is written small into a cell: without the 0 before the point. */
export const tagText = (weight, decimals) => `×${format(weight, decimals).replace(/^(-?)0\./, "$1.")}`;

/** Roughly how many digits wide a text is. */
const width = (text) => text.length - text.replace(/[^.-]/g, "").length / 2;

const isShort = (x) => Number(format(x)) === x;

const bracket = (x) => (x < 0 ? `(${format(x)})` : format(x));
const STEP_MS = 700;
const MOST_ROOM = 2; // of a grid, in times of its size
const SETTLE_MS = 1000;
const LARGEST = { input: 12, weight: 7, setting: 6, channels: 4 };
const PADDING_WORDS = {
  zeros: "padding: zeros around the input",
  reflect: "padding: the input mirrored at its edge",
  replicate: "padding: copies of the nearest number",
  circular: "padding: copies from the other side",
};
const cycle = (items, count) => range(count).map((n) => items[n % items.length]);

const colour = (node, value, scale) => {
  node.classList.toggle("cl-negative", value < 0);
  style(node, "--strength", Math.sqrt(Math.abs(value) / scale).toFixed(3));
};

/**
 * A grid of cells with one tab stop; `edited(i, j, number)` makes those within the padding text boxes. A cell keeps
 * what it shows and is written only where that changes: the browser styles and lays out anew whatever is written.
 * Where the grid gets smaller it keeps its room, up to a number of times its size: cells stay unseen, nothing around
 * them moves, and they are there for later.
 */
class GridView {
  #focused = null;
  #editing = null;
  #edited;
  #sizes = [0, 0];
  #ring = [0, 0];
  #origin = [0, 0];
  #kept = [[0, 0], [0, 0]]; // from where to where rows, and columns, are made, counted from the origin
  #lines = []; // of these, an element for each row
  #made = []; // and its cells
  #away = [0, 0]; // how many of them are above, and left of, what is seen
  cells = [];
  active = [0, 0];

  constructor(name, edited) {
    this.name = name;
    this.#edited = edited;
    this.node = element("div", { class: "cl-grid", role: "grid", "aria-label": name });
    this.frame = element("div", { class: "cl-frame", "aria-hidden": "true" });
    this.rulers = ["rows", "columns"].map((of) => element("div", { class: `cl-ruler cl-${of}`, "aria-hidden": "true" }));
    this.node.addEventListener("keydown", (event) => this.#key(event));
  }

  at(event) {
    const node = event.target.closest(".cl-cell");
    const cell = this.cells.flat().find((one) => one.node === node);
    return cell ? { i: cell.i, j: cell.j } : null;
  }

  focus(i, j) {
    const focusable = this.cells[i][j].focusable;
    focusable.focus();
    focusable.select?.();
  }

  /** The size that there is room for. */
  get room() {
    return this.#kept.map(([from, to]) => to - from);
  }

  /** `address(i, j)` is where the number drawn at (i, j) stands in Python's tensor; the padding is not in it. */
  draw(grid, decimals, scale, address = (i, j) => [i, j]) {
    this.show = (value) => format(value, decimals);
    this.rulers.forEach((ruler, axis) => {
      const from = this.#ring[axis];
      const numbers = range(this.#sizes[axis] - 2 * from).map((n) => String(address(from + n, from + n)[axis]));
      arrange(ruler, numbers.map((_, n) => ruler.children[n] ?? element("span")));
      numbers.forEach((number, n) => write(ruler.children[n], number));
    });
    this.#each((cell, i, j) => {
      const value = grid[i][j];
      const [r, c] = address(i, j);
      const isPadding = this.#isPadding(i, j);
      const tabIndex = i === this.active[0] && j === this.active[1] ? 0 : -1;
      const drawn = [value, decimals, scale, r, c, isPadding, tabIndex].join();
      if (cell.drawn === drawn) return;
      const { node, focusable } = cell;
      Object.assign(cell, { drawn, value });
      colour(node, value, scale);
      node.classList.toggle("cl-padding", isPadding);
      const shown = this.show(value);
      style(focusable, "--length", width(shown));
      write(node, Number(shown) === value ? "" : String(value), "title");
      const told = isPadding ? `${this.name} padding` : this.name;
      write(focusable, `${told} row ${r} column ${c}${cell.text ? `: ${format(value)}` : ""}`, "aria-label");
      write(focusable, tabIndex, "tabIndex");
      if (cell === this.#editing) return;
      if (cell.text) write(cell.text, shown);
      else write(focusable, this.#text(cell), "value");
    });
  }

  #each(action) {
    this.cells.forEach((row, i) => row.forEach((cell, j) => action(cell, i, j)));
  }

  mark(className, chosen) {
    this.#each((cell, i, j) => {
      const isChosen = chosen(i, j);
      if (cell[className] !== isChosen) cell.node.classList.toggle(className, isChosen);
      cell[className] = isChosen;
    });
  }

  /** Write a small weight into each cell where it is used; null writes nothing. */
  tag(weightAt, decimals) {
    this.#each((cell, i, j) => {
      const weight = weightAt(i, j);
      const tagged = weight === null ? null : tagText(weight, decimals);
      if (cell.tagged === tagged) return;
      cell.tagged = tagged;
      if (tagged && !cell.tag) {
        cell.tag = element("span", { class: "cl-tag", "aria-hidden": "true" });
        cell.node.append(cell.tag);
      }
      if (cell.tag) write(cell.tag, tagged ?? "");
      if (tagged) style(cell.tag, "--length", width(tagged));
      cell.node.classList.toggle("cl-inside", tagged !== null);
    });
  }

  /** Outline a rectangle of cells; null hides the outline. */
  place(box) {
    write(this.frame, box === null, "hidden");
    for (const [side, value] of Object.entries(box ?? {})) style(this.frame, `--${side}`, value);
  }

  #isPadding(i, j) {
    const [[top, left], [h, w]] = [this.#ring, this.#sizes];
    return i < top || j < left || i >= h - top || j >= w - left;
  }

  /** Take a size, of which a ring is padding, and keep up to `most` times the room for it; the origin stays in its place. */
  fit(most, sizes, ring = [0, 0], origin = ring) {
    const isTooRoomy = () => this.room.some((n, axis) => n > most * sizes[axis]);
    if (!isTooRoomy() && String([this.#sizes, this.#ring, this.#origin]) === String([sizes, ring, origin])) return;
    const [lines, made, kept] = [this.#lines, this.#made, this.#kept];
    const active = this.node.getRootNode().activeElement;
    const focused = this.node.contains(active);
    this.active = this.active.map((n, axis) => clamp(n + origin[axis] - this.#origin[axis], 0, sizes[axis] - 1));
    [this.#sizes, this.#ring, this.#origin] = [sizes, ring, origin];
    const needed = sizes.map((n, axis) => [-origin[axis], n - origin[axis]]);
    this.#kept = needed.map(([from, to], axis) => [Math.min(from, kept[axis][0]), Math.max(to, kept[axis][1])]);
    if (isTooRoomy()) this.#kept = needed;
    this.#away = this.#kept.map(([from], axis) => -origin[axis] - from);
    const moved = this.#kept.map(([from], axis) => from - kept[axis][0]);
    const isSeen = (n, axis) => n >= this.#away[axis] && n < this.#away[axis] + sizes[axis];
    this.#lines = range(this.room[0]).map((i) => lines[i + moved[0]] ?? element("div", { class: "cl-row", role: "row" }));
    this.#made = build(...this.room, (i, j) => {
      const place = { i: i - this.#away[0], j: j - this.#away[1] };
      const isHere = isSeen(i, 0) && isSeen(j, 1);
      const isAway = !isSeen(j, 1); // else its row says so: fewer cells are styled anew
      const isEdited = Boolean(this.#edited) && !this.#isPadding(place.i, place.j);
      const old = made[i + moved[0]]?.[j + moved[1]];
      const cell = old && (isEdited === !old.text || !isHere) ? old : this.#cell(isEdited);
      if (cell.isAway !== isAway) cell.node.classList.toggle("cl-away", isAway);
      return Object.assign(cell, place, { isAway });
    });
    this.cells = this.#made.filter((_, i) => isSeen(i, 0)).map((row) => row.filter((_, j) => isSeen(j, 1)));
    this.#lines.forEach((line, i) => {
      arrange(line, this.#made[i].map(({ node }) => node));
      line.classList.toggle("cl-away", !isSeen(i, 0));
    });
    for (const node of [this.frame, ...this.rulers]) {
      ["--rows-away", "--columns-away"].forEach((name, axis) => style(node, name, this.#away[axis]));
    }
    this.rulers.forEach((ruler, axis) => style(ruler, "--ring", ring[axis]));
    arrange(this.node, [...this.#lines, this.frame, ...this.rulers]);
    if (focused && !this.cells.flat().some(({ focusable }) => focusable === active)) this.focus(...this.active);
  }

  #cell(isEdited) {
    const place = { class: "cl-cell", role: "gridcell" };
    if (!isEdited) {
      const text = new Text();
      const node = element("div", { ...place, tabindex: -1 }, text);
      const cell = { node, text, focusable: node };
      node.addEventListener("focus", () => { this.active = [cell.i, cell.j]; });
      return cell;
    }
    const box = element("input", { class: "cl-number", inputmode: "decimal", autocomplete: "off" });
    const cell = { node: element("div", place, box), focusable: box };
    box.addEventListener("click", () => cell === this.#editing || box.select());
    box.addEventListener("focus", () => {
      this.active = [cell.i, cell.j];
      this.#focused = cell;
      box.value = this.#text(cell);
      box.select();
    });
    box.addEventListener("input", () => {
      this.#editing = cell;
      const number = parse(box.value);
      box.setAttribute("aria-invalid", number === null);
      if (number !== null) this.#edited(cell.i - this.#ring[0], cell.j - this.#ring[1], number);
    });
    box.addEventListener("blur", () => {
      this.#focused = null;
      this.#finish(cell);
    });
    return cell;
  }

  /** Show a question mark in the chosen cells instead of their numbers. */
  hide(chosen) {
    this.#each((cell, i, j) => {
      if (!chosen(i, j)) return;
      const { node, text, focusable } = cell;
      cell.drawn = null;
      node.classList.remove("cl-negative");
      style(node, "--strength", 0);
      write(node, "", "title");
      write(text, "?");
      write(focusable, `${this.name} row ${i} column ${j}: hidden`, "aria-label");
    });
  }

  /** End the editing of a cell: it shows its number again. */
  finish() {
    if (this.#editing) this.#finish(this.#editing);
  }

  #text(cell) {
    return cell === this.#focused ? String(cell.value) : this.show(cell.value);
  }

  #finish(cell) {
    this.#editing = null;
    cell.focusable.removeAttribute("aria-invalid");
    cell.focusable.value = this.#text(cell);
  }

  #key(event) {
    const place = this.at(event);
    if (!place || event.altKey || event.metaKey) return;
    const { i, j } = place;
    const [h, w] = size(this.cells);
    const target = {
      ArrowUp: [i - 1, j], ArrowDown: [i + 1, j], ArrowLeft: [i, j - 1], ArrowRight: [i, j + 1],
      Home: [event.ctrlKey ? 0 : i, 0], End: [event.ctrlKey ? h - 1 : i, w - 1],
      Enter: [i + 1, j], Escape: [i, j],
    }[event.key];
    if (!target) return;
    event.preventDefault();
    event.stopPropagation();
    if (!this.cells[i][j].text) this.#finish(this.cells[i][j]);
    this.focus(clamp(target[0], 0, h - 1), clamp(target[1], 0, w - 1));
  }
}

/** The grids of a panel: one, or one a channel with a caption above and a note below. */
class Stack {
  parts = [];
  node = element("div", { class: "cl-stack" });
  #edited;

  constructor(name, edited) {
    this.name = name;
    this.#edited = edited;
    this.node.classList.add(`cl-${name}`);
  }

  /** Take so many grids, `many` where they are shown as channels, each as in `GridView`. */
  fit(count, many, most, ...sizes) {
    if (count !== this.parts.length || many !== this.many) this.#make(count, many);
    this.each((grid) => grid.fit(most, ...sizes));
  }

  get room() {
    return this.parts[0].grid.room;
  }

  #make(count, many) {
    this.many = many;
    this.parts = range(count).map((channel) => {
      const edited = this.#edited && ((...change) => this.#edited(channel, ...change));
      const grid = new GridView(many ? `${this.name} channel ${channel}` : this.name, edited);
      const caption = element("div", { class: "cl-caption" });
      const note = element("div", { class: "cl-note" });
      const node = element("div", { class: "cl-channel" }, ...(many ? [caption] : []), grid.node, note);
      return { grid, caption, note, node };
    });
    this.node.replaceChildren(...this.parts.map(({ node }) => node));
  }

  at(event) {
    const channel = this.parts.findIndex(({ grid }) => grid.at(event));
    return channel < 0 ? null : { name: this.name, channel, ...this.parts[channel].grid.at(event) };
  }

  /** Call action(grid, channel) for each grid. */
  each(action) {
    this.parts.forEach(({ grid }, channel) => action(grid, channel));
  }
}

function render({ model, el }) {
  let pointed = null;
  let focused = null;
  let lastOutput = null;
  let lastOrigin = [0, 0];
  let player = null;
  let apart = false;
  let isWrapped = false; // the output, below the input
  let settling = null;

  const past = [];
  const future = [];

  const stateOfAll = (names) => Object.fromEntries(names.map((name) => [name, model.get(name)]));
  const settings = () => stateOfAll(Object.keys(PLAIN));
  const set = (changes) => {
    const after = (name) => (name in changes ? changes[name] : model.get(name));
    const given = Object.fromEntries(Object.keys(PLAIN).map((name) => [name, after(name)]));
    if (!misfit(after("input"), after("weight"), given)) {
      changes.position = sides(after("input"), after("weight"), given)
        .map(({ m }, axis) => clamp(after("position")[axis], 0, m - 1));
    }
    if (LAYER.some((name) => name in changes)) Object.assign(changes, { answer: null, _revealed: false });
    remember();
    assign(model, changes);
  };
  const setChannel = (c, change) => {
    const image = channelsOf(model.get("input"));
    const changed = image.with(c, change(image[c]));
    set({ input: isPlane(model.get("input")) ? changed[0] : changed });
  };
  /** Change each kernel of the chosen filter by change(plane, channel), as it slides. */
  const setKernel = (change) => {
    const bank = filtersOf(slides());
    const changed = bank.with(chosen(), bank[chosen()].map(change));
    const slid = isPlane(model.get("weight")) ? changed[0][0] : changed;
    set({ weight: model.get("flip") ? rotate(slid) : slid });
  };
  const replaced = (plane, i, j, number) => plane.with(i, plane[i].with(j, number));
  const stuck = () => misfit(model.get("input"), model.get("weight"), settings());
  const slides = () => (model.get("flip") ? rotate(model.get("weight")) : model.get("weight"));
  const chosen = () => clamp(model.get("filter"), 0, filtersOf(model.get("weight")).length - 1);

  const input = new Stack("input", (c, ...change) => setChannel(c, (plane) => replaced(plane, ...change)));
  const kernel = new Stack("kernel", (c, ...change) =>
    setKernel((plane, channel) => (channel === c ? replaced(plane, ...change) : plane)));
  const output = new Stack("output");

  const bound = (label, words, [min, max], read, moved) => {
    const { row, draw: show } = slider(words, { min, max, label }, moved);
    return { row, draw: () => show(read()) };
  };
  const side = (grid, axis) => {
    const text = ["height", "width"][axis];
    const trait = grid === "input" ? "input" : "weight";
    return bound(`${grid} ${text}`, text, [1, LARGEST[trait]], () => size(model.get(trait))[axis], (value) =>
      set({ [trait]: resize(model.get(trait), ...size(model.get(trait)).with(axis, value)) }));
  };
  const sizeSliders = ["input", "kernel"].map((grid) => [side(grid, 0), side(grid, 1)]);

  const setting = (name) => {
    const limits = [PLAIN[name][0], LARGEST.setting];
    const of = (axis) => () => model.get(name)[axis];
    return {
      both: bound(name, name, limits, of(0), (value) => set({ [name]: [value, value] })),
      each: ["height", "width"].map((text, axis) => bound(`${name} ${text}`, `${name} ${text}`, limits, of(axis),
        (value) => set({ [name]: model.get(name).with(axis, value) }))),
    };
  };
  const settingSliders = PAIRS.map(setting);
  const mode = element("select", { "aria-label": "padding mode" },
    ...PADDING_MODES.map((name) => element("option", {}, name)));
  mode.addEventListener("change", () => set({ padding_mode: mode.value }));

  /** The weight for so many channels in so many groups, its kernels used again; as it is where there is none. */
  const shared = (channels, groups) => {
    const weight = model.get("weight");
    if (channels % groups || (isPlane(weight) && channels === groups)) return weight;
    return filtersOf(weight).map((filter) => cycle(filter, channels / groups));
  };
  const most = [1, LARGEST.channels];
  const channelSliders = [
    bound("channels", "channels", most, () => channelsOf(model.get("input")).length, (channels) => {
      const image = cycle(channelsOf(model.get("input")), channels);
      const asPlane = channels === 1 && isPlane(model.get("input"));
      set({ input: asPlane ? image[0] : image, weight: shared(channels, model.get("groups")) });
    }),
    bound("filters", "filters", most, () => filtersOf(model.get("weight")).length, (filters) => {
      const [weight, bias] = [model.get("weight"), model.get("bias")];
      const bank = cycle(filtersOf(weight), filters);
      set({ weight: filters === 1 && isPlane(weight) ? weight : bank, bias: bias && cycle(bias, filters) });
    }),
    bound("groups", "groups", most, () => model.get("groups"), (groups) =>
      set({ groups, weight: shared(channelsOf(model.get("input")).length, groups) })),
  ];
  const apartBox = tickBox("height and width apart", (ticked) => {
    apart = ticked;
    if (!apart) set(Object.fromEntries(PAIRS.map((name) => [name, [model.get(name)[0], model.get(name)[0]]])));
    ask();
  });
  const settingsBar = element("div", { class: "cl-settings", role: "group", "aria-label": "settings" },
    ...settingSliders.map(({ both, each }) => element("div", {}, ...[both, ...each].map((s) => s.row))),
    element("label", { class: "cl-line" }, "padding mode", mode), ...channelSliders.map((s) => s.row), apartBox.row);
  const allSettings = button("All settings", () => set({ _settable: true }));

  const preset = element("select", { "aria-label": "kernel preset" }, element("option", { value: "" }, "choose ..."),
    ...Object.keys(PRESETS).map((name) => element("option", {}, name)));
  preset.addEventListener("change", () => {
    if (preset.value) setKernel((plane) => unslide(build(...size(plane), PRESETS[preset.value])));
  });
  const unslide = (plane) => (model.get("flip") ? rotate(plane) : plane);
  const flip = tickBox("flip the kernel by 180° (mathematical convolution)", (ticked) => set({ flip: ticked }));
  const filterLine = element("div", { class: "cl-line cl-filter", role: "group", "aria-label": "filter" });
  const filterButtons = range(4).map((n) =>
    button(String(n), () => set({ filter: n }), { "aria-label": `filter ${n}` }));

  /** The outputs are numbered filter by filter, row by row. */
  const count = () => lastOutput.length * lastOutput[0].length * lastOutput[0][0].length;
  const number = () => {
    const [h, w] = size(lastOutput);
    return (chosen() * h + model.get("position")[0]) * w + model.get("position")[1];
  };
  const moveTo = (n) => {
    const [h, w] = size(lastOutput);
    set({ filter: Math.floor(n / (h * w)), position: [Math.floor(n / w) % h, n % w] });
  };
  const atEnd = () => number() === count() - 1;
  const stop = () => {
    clearInterval(player);
    player = null;
  };
  const play = button("Play", () => {
    if (player) stop();
    else {
      if (atEnd()) moveTo(0);
      player = setInterval(() => {
        if (stuck() || atEnd()) stop();
        else moveTo(number() + 1);
        ask();
      }, STEP_MS);
    }
    ask();
  });
  const step = button("Step", () => {
    stop();
    moveTo((number() + 1) % count());
    ask();
  });
  const reset = button("Reset", () => {
    stop();
    apart = false;
    set({ ...model.get("_start") });
    ask();
  });

  /** Go to the last state of one list, and keep this one in the other. */
  const travel = (from, to) => {
    remember();
    if (!from.length) return;
    to.push(present);
    const next = from.pop();
    for (const stack of [input, kernel]) stack.each((grid) => grid.finish());
    set({ ...next });
    present = next;
    live.say(from === past ? "undone" : "redone");
  };
  const undo = button("Undo", () => travel(past, future));
  const redo = button("Redo", () => travel(future, past));
  let present = stateOfAll(LAYER);
  /** Called before each change too, as several may come before the next frame is drawn. */
  const remember = () => {
    const now = stateOfAll(LAYER);
    const isOther = (name) => now[name] !== present[name] && JSON.stringify(now[name]) !== JSON.stringify(present[name]);
    if (LAYER.some(isOther)) {
      past.push(present);
      future.length = 0;
      present = now;
    }
    undo.setAttribute("aria-disabled", !past.length);
    redo.setAttribute("aria-disabled", !future.length);
  };

  /** Puts a text on the clipboard; where there is none, selects it. */
  const copyButton = (label, node, text) => {
    const copy = button("Copy", async () => {
      try {
        await navigator.clipboard.writeText(text());
        copy.textContent = "Copied";
      } catch {
        if (node.select) node.select();
        else getSelection().selectAllChildren(node);
      }
    }, { "aria-label": `copy ${label}`, class: "cl-copy" });
    copy.addEventListener("blur", () => { copy.textContent = "Copy"; });
    return copy;
  };

  const numberBox = (label, attributes = {}) =>
    element("input", { type: "number", step: "any", "aria-label": label, class: "cl-box", ...attributes });
  const biasBox = numberBox("bias of the filter");
  biasBox.addEventListener("input", () => {
    const bias = parse(biasBox.value);
    if (bias !== null) set({ bias: model.get("bias").with(chosen(), bias) });
  });
  const biasLine = element("label", { class: "cl-line" }, "bias", biasBox);

  const stateBox = element("input", { "aria-label": "state", class: "cl-state", spellcheck: "false" });
  stateBox.addEventListener("focus", () => stateBox.select());
  const loadState = () => {
    const state = stateOf(stateBox.value);
    stateBox.setAttribute("aria-invalid", state === null);
    if (state) set(state);
  };
  stateBox.addEventListener("change", loadState);
  stateBox.addEventListener("keydown", (event) => event.key === "Enter" && loadState());
  const stateLine = element("details", {}, element("summary", {}, "Keep or restore this state"),
    element("div", { class: "cl-line" }, stateBox, copyButton("the state", stateBox, () => stateBox.value)),
    element("p", {}, "Paste such a line here and press Enter, or in Python: explorer.load(...)"));

  const guesses = ["height", "width", "value"].map((name) => numberBox(`predicted ${name}`));
  const guessLabels = guesses.map((box, n) =>
    element("label", {}, `${["height", "width", ""][n]} `, box));
  const question = element("span");
  const verdict = element("p", { role: "status" });
  /** Whether a number is what it should be, as far as three decimals show. */
  const isRight = (said, value) => Math.abs(said - value) <= 1e-3 * Math.max(1, Math.abs(value));
  const check = button("Check", () => {
    const predict = model.get("predict");
    const said = (predict === "size" ? guesses.slice(0, 2) : guesses.slice(2)).map((box) => parse(box.value));
    if (said.includes(null)) {
      verdict.textContent = "Write a number first.";
      return;
    }
    const right = predict === "size"
      ? sides(model.get("input"), model.get("weight"), settings()).map(({ m }) => m)
      : [predict.slice(-2).reduce((part, n) => part[n], lastOutput[predict.length === 3 ? predict[0] : 0])];
    const answer = predict === "size" ? said : said[0];
    set({ answer, _revealed: said.every((x, n) => isRight(x, right[n])) });
    ask();
  });
  const show = button("Show it", () => set({ _revealed: true }));
  const prediction = element("div", { class: "cl-predict", role: "group", "aria-label": "prediction" },
    element("div", { class: "cl-line" }, question, ...guessLabels, check, show), verdict);

  const intro = element("p");
  const hintLine = element("p", { class: "cl-hint" });
  const paddingLine = element("span", { class: "cl-key cl-zeros" }, "padding: zeros around the input");
  const unusedLine = element("span", { class: "cl-key cl-left-out" });
  const titles = range(3).map(() => {
    const [name, shape] = [element("b"), element("span")];
    return { name, shape, node: element("div", { class: "cl-title" }, name, " ", shape) };
  });
  const operators = element("div", { class: "cl-operators", "aria-hidden": "true" });
  const operatorNodes = range(LARGEST.channels).map(() =>
    element("div", { class: "cl-channel" }, element("span", { class: "cl-operator" })));
  const lines = (name) => element("div", { class: name }, ...range(3).map(() => element("div")));
  const [formula, longFormula] = [lines("cl-formula"), lines("cl-formula cl-long")];
  const arithmetic = element("div", { class: "cl-arithmetic", role: "group", "aria-label": "arithmetic" });
  const code = element("code");
  const layerCode = element("code");
  const layerText = element("div", {}, "The layer: ", layerCode, copyButton("the layer", layerCode, () => layerCode.textContent));
  const tickMarks = range(5).map(() => element("span"));
  const live = announcer();
  const panel = (title, ...parts) => element("div", { class: "cl-panel" }, title, ...parts);
  const controls = (...parts) => element("div", { class: "cl-controls" }, ...parts);
  const picture = element("div", { class: "cl-picture" },
    panel(titles[0].node, input.node, controls(...sizeSliders[0].map((s) => s.row))),
    element("div", { class: "cl-pair" }, operators,
      panel(titles[1].node, filterLine, kernel.node, controls(...sizeSliders[1].map((s) => s.row),
        element("label", { class: "cl-line" }, "preset", preset), biasLine,
        flip.row))),
    element("div", { class: "cl-pair" }, element("span", { class: "cl-operator", "aria-hidden": "true" }, "="),
      panel(titles[2].node, output.node, controls(formula, element("div", { class: "cl-line" }, play, step),
        element("div", { class: "cl-line" }, undo, redo, reset), allSettings))));
  const root = mount(el, "conv2d", "Conv2d explorer",
    intro,
    settingsBar,
    picture,
    prediction,
    element("div", { class: "cl-keys" }, paddingLine, unusedLine),
    longFormula,
    hintLine,
    arithmetic,
    element("div", { class: "cl-foot" },
      element("div", {}, layerText,
        element("div", {}, "In PyTorch: ", code, copyButton("the line of PyTorch", code, () => code.textContent)),
        stateLine),
      element("div", { class: "cl-legend" },
        element("div", { class: "cl-ticks" }, element("span", {}, "below 0"), element("span", {}, "above 0")),
        element("div", { class: "cl-bar" }), element("div", { class: "cl-ticks" }, ...tickMarks))),
    live.node);

  const look = (at, to) => {
    pointed = at;
    focused = to;
    ask();
  };
  const followSelection = () => look(null, focused);
  root.addEventListener("keydown", (event) => {
    const key = event.key.toLowerCase();
    if (!(event.ctrlKey || event.metaKey) || event.altKey || !["z", "y"].includes(key)) return;
    if (event.target === stateBox || event.target === biasBox || guesses.includes(event.target)) return;
    event.preventDefault();
    event.stopPropagation();
    if (key === "y" || event.shiftKey) redo.click();
    else undo.click();
  });
  for (const stack of [input, kernel, output]) {
    stack.node.addEventListener("pointerover", (event) => look(stack.at(event) ?? pointed, focused));
    stack.node.addEventListener("pointerleave", () => look(null, focused));
    stack.node.addEventListener("focusin", (event) => look(null, stack.at(event)));
    stack.node.addEventListener("focusout", () => look(pointed, null));
  }
  for (const event of ["focusin", "click"]) {
    output.node.addEventListener(event, (which) => {
      const cell = output.at(which);
      if (cell && !stuck()) set({ filter: cell.channel, position: [cell.i, cell.j] });
    });
  }

  const wrapping = new ResizeObserver(() => {
    isWrapped = picture.lastChild.offsetTop > picture.firstChild.offsetTop;
  });
  wrapping.observe(picture);

  function draw(mostRoom = MOST_ROOM) {
    const given = settings();
    const { stride, padding, dilation } = given;
    remember();
    clearTimeout(settling);
    if (isWrapped && mostRoom > 1) settling = setTimeout(draw, SETTLE_MS, 1); // so that it may stand beside it again
    const isPlain = [...PAIRS, "padding_mode", "groups"].every((name) => String(given[name]) === String(PLAIN[name]));
    const isSettable = model.get("_settable") || !isPlain;
    const values = channelsOf(model.get("input"));
    const bank = filtersOf(slides());
    const many = haveChannels(model.get("input"), model.get("weight"));
    const isGeneral = many || isSettable;
    const [h, w] = size(values);
    const [kh, kw] = size(bank);
    const axes = sides(values, bank, given);
    const why = misfit(values, bank, given);
    if (!why) {
      lastOutput = channelsOf(conv2d(model.get("input"), model.get("weight"), model.get("flip"), given));
      lastOrigin = padding.map((p, axis) => Math.floor(p / stride[axis])); // padding adds outputs around the others
    }
    const result = lastOutput ?? [[[]]];
    const [oh, ow] = lastOutput ? size(lastOutput) : [0, 0];

    const predict = model.get("_revealed") ? null : model.get("predict");
    const padded = values.map((plane) => pad(plane, given));
    const { groups, bias, padding_mode: paddingMode } = given;
    const hint = pointed ?? focused;
    const inOutput = ([r, c]) => [clamp(r, 0, oh - 1), clamp(c, 0, ow - 1)];
    const selected = inOutput(model.get("position"));
    const isAbove = pointed?.name === "output" && !why;
    const [i, j] = isAbove ? inOutput([pointed.i, pointed.j]) : selected;
    const o = isAbove ? clamp(pointed.channel, 0, bank.length - 1) : chosen();
    const weights = bank[o];
    const firstOf = (q) => (why ? 0 : firstChannel(bank, q, groups));
    const first = firstOf(o);
    const isHidden = (q, r, c) => Array.isArray(predict) && String(predict) === String(many ? [q, r, c] : [r, c]);
    const [top, left] = [i * stride[0], j * stride[1]];
    const frame = why ? null : { top, left, height: reach(axes[0]), width: reach(axes[1]) };

    /** Which row or column of the kernel lies so far from the start of the window, or null. */
    const tap = (distance, { k, d }) => (distance % d === 0 && distance >= 0 && distance < k * d ? distance / d : null);
    const weightOn = (plane, di, dj) => {
      const [a, b] = [tap(di, axes[0]), tap(dj, axes[1])];
      return why || a === null || b === null ? null : plane[a][b];
    };
    const fed = hint?.name === "input" && !why ? [hint.i - padding[0], hint.j - padding[1]] : null;
    const feeds = fed && users(values, bank, ...fed, given);
    const copies = fed && axes.map((axis, n) => copiesAlong(axis, fed[n], paddingMode));
    const isFed = (r, c) => feeds !== null && feeds.rows.includes(r) && feeds.columns.includes(c);
    /** The sum of the kernel numbers that the cell and its copies meet in the window of output (r, c), or null. */
    const metIn = (plane, r, c) => {
      const weightsMet = copies[0].flatMap((a) => copies[1].map((b) =>
        weightOn(plane, a + padding[0] - r * stride[0], b + padding[1] - c * stride[1]))).filter((x) => x !== null);
      return weightsMet.length ? weightsMet.reduce((sum, x) => sum + x) : null;
    };
    const met = hint?.name === "kernel" && !why ? hint : null;
    const isMet = (q, r, c) => met !== null && q === first + met.channel && r === top + met.i * dilation[0] &&
      c === left + met.j * dilation[1];

    const largest = Math.max(...[values, bank, result].flat(4).map(Math.abs), 1);
    const scale = 2 ** Math.ceil(Math.log2(largest));
    [-scale, -scale / 4, 0, scale / 4, scale].forEach((x, n) => write(tickMarks[n], format(x)));

    input.fit(values.length, many, mostRoom, size(padded), padding);
    kernel.fit(weights.length, many, mostRoom, [kh, kw]);
    output.fit(result.length, many, mostRoom, [oh, ow], [0, 0], lastOrigin);
    const [heights, widths] = [0, 1].map((axis) => [input, kernel, output].map((stack) => stack.room[axis]));
    const columns = widths[0] + Math.max(widths[1], 5.5) + (isGeneral ? Math.max(widths[2], 5) : widths[2]);
    const decimals = many || columns > 20 ? 2 : 3;
    style(root, "--columns", columns);
    style(root, "--widest", Math.max(...widths));
    style(root, "--rows", heights[0]);
    style(root, "--kernel-rows", heights[1]);
    style(root, "--all-rows", heights[0] * values.length);
    for (const node of [kernel.node, operators]) style(node, "--first", first);
    root.classList.toggle("cl-stale", Boolean(why));
    root.classList.toggle("cl-general", isGeneral);
    root.classList.toggle("cl-many", many);
    root.classList.toggle("cl-bank", bank.length > 1);
    root.classList.toggle("cl-spread", Math.max(...dilation) > 1);
    const rotated = model.get("flip");

    const [noRows, noColumns] = why ? [[], []] : axes.map(unusedAlong);
    input.each((grid, c) => {
      const read = weights[c - first];
      input.parts[c].node.classList.toggle("cl-unread", !read);
      write(input.parts[c].note, read ? "" : `filter ${o} does not read this channel`);
      grid.draw(padded[c], decimals, scale, (r, q) => [r - padding[0], q - padding[1]]);
      grid.tag((r, q) => (read ? weightOn(read, r - top, q - left) : null), decimals);
      grid.mark("cl-unused", (r, q) => noRows.includes(r - padding[0]) || noColumns.includes(q - padding[1]));
      grid.mark("cl-lit", (r, q) =>
        isMet(c, r, q) || (fed !== null && c === hint.channel &&
          copies[0].includes(r - padding[0]) && copies[1].includes(q - padding[1])));
      grid.place(read ? frame : null);
    });
    kernel.each((grid, c) => {
      grid.draw(weights[c], decimals, scale, rotated ? (r, q) => [kh - 1 - r, kw - 1 - q] : undefined);
      grid.mark("cl-lit", (r, q) => met !== null && c === met.channel && r === met.i && q === met.j);
      grid.place({ top: 0, left: 0, height: kh, width: kw });
    });
    output.each((grid, q) => {
      grid.active = selected;
      if (lastOutput) grid.draw(result[q], decimals, scale);
      if (Array.isArray(predict)) grid.hide((r, c) => isHidden(q, r, c));
      const through = bank[q]?.[hint?.channel - firstOf(q)];
      grid.tag((r, c) => (isGeneral && through && isFed(r, c) ? metIn(through, r, c) : null), decimals);
      grid.mark("cl-lit", (r, c) => Boolean(through) && isFed(r, c));
      grid.mark("cl-ahead", (r, c) => player !== null && (q * oh + r) * ow + c > (o * oh + i) * ow + j);
      grid.cells.forEach((row, r) => row.forEach(({ node }, c) =>
        write(node, String(q === chosen() && r === selected[0] && c === selected[1]), "aria-selected")));
      write(grid.node, String(Boolean(why)), "aria-disabled");
      grid.place(why || q !== o ? null : { top: i, left: j, height: 1, width: 1 });
    });

    const title = ({ name, shape }, ...texts) => [name, shape].forEach((node, n) => write(node, texts[n]));
    const times = (grid) => shapeOf(grid).join(" × ");
    title(titles[0], "Input", times(model.get("input")));
    title(titles[1], many ? "Weight" : "Kernel", `${times(model.get("weight"))}${rotated ? ", flipped" : ""}`);
    const none = lastOutput ? "none; the last one is kept" : "none";
    title(titles[2], "Output", predict === "size" ? "? × ?" : why ? none : times(many ? result : result[0]));
    write(output.node, predict === "size", "hidden");
    const index = (name, grid, ...path) => `${name}${path.length && !isPlane(grid) ? `[${path.join(", ")}]` : ""}`;
    write(biasLine, bias === null, "hidden");
    if (bias && root.getRootNode().activeElement !== biasBox) biasBox.value = bias[o];
    input.parts.forEach(({ caption }, c) => write(caption, index("input", model.get("input"), c)));
    kernel.parts.forEach(({ caption }, c) => write(caption, index("weight", model.get("weight"), o, c)));
    output.parts.forEach(({ caption }, q) => write(caption, lastOutput ? `output[${q}]` : ""));
    arrange(operators, operatorNodes.slice(0, weights.length));
    for (const node of operatorNodes) write(node.firstChild, rotated ? "∗" : "⋆");
    write(intro, many
      ? "Lay each kernel of the filter on the outlined window of its own input channel, multiply the numbers that " +
        "meet, add the products of all channels: the sum is the outlined output cell."
      : "Lay the kernel on the outlined window of the input, multiply the numbers that meet, " +
        "add the products: the sum is the outlined output cell.");
    write(filterLine, bank.length === 1, "hidden");
    filterButtons.forEach((node, n) => write(node, String(n === o), "aria-pressed"));
    if (filterLine.childElementCount !== bank.length) {
      filterLine.replaceChildren("filter", ...filterButtons.slice(0, bank.length));
    }

    write(settingsBar, !isSettable, "hidden");
    const isApart = apart || PAIRS.some((name) => given[name][0] !== given[name][1]);
    apartBox.node.checked = isApart;
    for (const { both, each } of settingSliders) {
      write(both.row, isApart, "hidden");
      for (const s of [both, ...each]) s.draw();
      for (const s of each) write(s.row, !isApart, "hidden");
    }
    const [told, silent] = isSettable ? [longFormula, formula] : [formula, longFormula];
    write(told, false, "hidden");
    write(silent, true, "hidden");
    const names = isSettable ? ["height = ", "width  = "] : ["height ", "width "];
    const hideSize = (line) => (predict === "size" ? `${line.split(" = ")[0]} = ?` : line);
    const sizes = axes.map((axis, n) => names[n] + hideSize(sizeFormula(axis, !isSettable)));
    const rule = isSettable
      ? "output = floor((input + 2·padding - dilation·(kernel - 1) - 1) / stride) + 1"
      : "output = input - kernel + 1";
    [rule, ...sizes].forEach((line, n) => write(told.children[n], line));
    for (const line of silent.children) write(line, "");
    const leftOut = unusedSentence(values, bank, given);
    write(unusedLine, leftOut);
    write(unusedLine, !leftOut, "hidden");
    write(paddingLine, Math.max(...padding) === 0, "hidden");
    write(paddingLine, PADDING_WORDS[paddingMode]);
    write(mode, paddingMode, "value");
    write(allSettings, isSettable, "hidden");
    write(layerText, !isSettable, "hidden");
    write(layerCode, layerLine(model.get("input"), model.get("weight"), given));
    const line = codeLine(model.get("input"), model.get("weight"), rotated, given, !isSettable);
    write(code, predict === "size" ? line.replace(/ {2}#.*/, "") : line);
    if (root.getRootNode().activeElement !== stateBox) {
      stateBox.value = stateString(stateOfAll([...LAYER, "filter", "position"]));
      stateBox.removeAttribute("aria-invalid");
    }
    drawPrediction(predict, why);
    [...sizeSliders.flat(), ...channelSliders].forEach((s) => s.draw());
    flip.node.checked = rotated;
    write(preset, presetOf(...weights.map(unslide)) ?? "", "value");
    write(play, player ? "Pause" : "Play");
    play.disabled = step.disabled = Boolean(why) || predict === "size";

    hintLine.classList.toggle("cl-warning", Boolean(why));
    write(arithmetic, Boolean(why), "hidden");
    for (const { note } of [...kernel.parts, ...output.parts]) note.textContent = "";
    if (why) {
      write(hintLine, why);
      live.say(why);
      return;
    }

    const rows = weights.map((plane, c) => products(padded[first + c], plane, i, j, given));
    const sum = result[o][i][j];
    const hidden = isHidden(o, i, j);
    if (feeds) {
      const used = feeds.rows.length * feeds.columns.length;
      const cells = used === 0 ? "no output cell" : used === 1 ? "1 output cell" : `${used} output cells`;
      const where = many ? [...(isPlane(model.get("input")) ? [] : [hint.channel]), ...fed] : fed;
      const isPadding = fed[0] < 0 || fed[1] < 0 || fed[0] >= h || fed[1] >= w;
      const what = isPadding ? `This ${paddingMode === "zeros" ? "0 of" : "copy in"} the padding` : `input[${where.join(", ")}]`;
      const readers = groups > 1 ? " of each channel of its group" : result.length > 1 ? " of each channel" : "";
      const isCopied = copies.some((places) => places.length > 1);
      const numbers = isCopied ? "the sum of the kernel numbers that it and its copies meet there"
        : "the kernel number that it meets there";
      write(hintLine, `${what}${isCopied ? " (with its copies)" : ""} is used by ${cells}${used ? readers : ""}` +
        `${used ? " (dashed)" : ""}${used && isGeneral ? `: × shows ${numbers}` : ""}.`);
    } else if (met) {
      const { weight, value } = rows[met.channel][met.i][met.j];
      write(hintLine, `In this window, kernel number ${format(weight)} lies on input number ${format(value)}: ` +
        `${bracket(weight)}×${bracket(value)} = ${format(weight * value)}.`);
    } else {
      write(hintLine, "Point at an output cell, or move there with the arrow keys, to slide the window. " +
        "Type into the input or the kernel to change a number.");
    }

    const terms = rows.map((plane) => plane.flat().map(({ weight, value }) => weight * value));
    const sums = rows.map(total);
    const plus = (x, n) => (n === 0 ? format(x) : x < 0 ? ` - ${format(-x)}` : ` + ${format(x)}`);
    const added = bias ? plus(bias[o], 1) : "";
    const isExact = [weights, values, terms, sums, sum, bias?.[o] ?? 0].flat(4).every(isShort);
    const equals = isExact ? "=" : "≈";
    const chipOf = ({ weight, value }, c, r, q) => {
      const chip = element("span", { class: "cl-term" }, `${bracket(weight)}×${bracket(value)}`);
      colour(chip, weight * value, scale);
      chip.classList.toggle("cl-lit", met !== null && c === met.channel && r === met.i && q === met.j);
      return chip;
    };
    const chips = rows.map((plane, c) => plane.map((pairs, r) => pairs.map((pair, q) => chipOf(pair, c, r, q))));
    style(arithmetic, "--longest", Math.max(...chips.flat(2).map((chip) => chip.textContent.length)));
    const laid = chips.map((plane) => {
      const last = plane.at(-1).at(-1);
      return plane.map((chipRow) => element("div", {}, ...chipRow.flatMap((chip) => (chip === last ? [chip] : [chip, " + "]))));
    });
    const row = (name, ...content) => [element("div", { class: "cl-name" }, name), element("div", {}, ...content)];
    const bold = (x) => element("b", { class: "cl-sum" }, format(x));
    const next = arithmetic.cloneNode(false);
    if (many) {
      const channel = (c) => {
        const sumOfChannel = hidden ? "" : element("div", {}, equals, " ", element("b", {}, format(sums[c])));
        return row(`channel ${first + c}:`, element("div", { class: "cl-share" }, ...laid[c], sumOfChannel));
      };
      const shares = sums.map(plus).join("") + added;
      next.append(...rows.flatMap((_, c) => channel(c)),
        ...row(`output[${o}, ${i}, ${j}] =`, hidden ? "?" : shares), ...(hidden ? [] : row(equals, bold(sum))));
      if (!hidden) {
        kernel.parts.forEach(({ note }, c) => note.append("products add up to ", element("b", {}, format(sums[c]))));
        output.parts[o].note.append(element("span", {}, `${shares} ${equals} `, element("b", {}, format(sum))));
      }
    } else {
      next.append(...row(`output[${i}, ${j}] =`, ...laid[0], added),
        ...(hidden ? row("=", "?") : [...row(equals, terms[0].map(plus).join("") + added), ...row(equals, bold(sum))]));
    }
    become(arithmetic, next);
    live.say(`output ${many ? `channel ${o} ` : ""}row ${i} column ${j} is ${hidden ? "hidden" : format(sum)}`);
  }

  /** The question, and what to say to an answer. */
  function drawPrediction(predict, why) {
    const [asked, answer] = [model.get("predict"), model.get("answer")];
    write(prediction, asked === null, "hidden");
    if (asked === null) return;
    const isSize = asked === "size";
    write(question, isSize ? "How large is the output?" : `How large is output[${asked.join(", ")}]?`);
    guessLabels.forEach((label, n) => write(label, (n < 2) !== isSize, "hidden"));
    check.disabled = show.disabled = predict === null || Boolean(why);
    for (const box of guesses) box.disabled = predict === null;
    const hint = isSize ? "Put the numbers into the formula for the height and for the width."
      : "Multiply the numbers that meet, then add all the products.";
    const said = [answer].flat().map((x) => format(x ?? 0)).join(" × ");
    verdict.textContent = answer === null ? (predict ? "" : "Shown without an answer.")
      : predict ? `Not ${said}. ${hint}` : `You said ${said}.`;
  }

  const { ask, leave } = follow(model, [...LAYER, "_settable", "predict", "answer", "_revealed"], draw);
  for (const name of ["position", "filter"]) model.on(`change:${name}`, followSelection);
  draw();
  return () => {
    leave();
    for (const name of ["position", "filter"]) model.off(`change:${name}`, followSelection);
    wrapping.disconnect();
    clearTimeout(settling);
    stop();
    live.stop();
  };
}

export default { render };
