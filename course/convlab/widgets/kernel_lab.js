// The kernel lab. A picture is {height, width, values} with its rows one after the other; a weight is an
// array of rows. The functions above `render` touch no page: the tests compare them with torch in node.

import {
  ABOVE, announcer, assign, BELOW, build, button, clamp, DIVERGING, element, follow, GREYS, mount, PADDING_MODES, paint,
  parse, pen, range, slider, SOURCE, style, thousands, write,
} from "./base.js";

export const SIZES = [3, 5, 7];
export const LARGEST_SIDE = 128;
const BLANK_SIDE = 64;
const PEN = 3; // pixels of the photo

/** [height, width] of a photo shrunk so that no side is above 128. */
export const fitted = (...sides) => {
  const shrink = Math.min(1, LARGEST_SIDE / Math.max(...sides));
  return sides.map((side) => Math.max(1, Math.round(side * shrink)));
};

/** One grey byte for each pixel, the mean of red, green and blue, from bytes of red, green, blue and alpha. */
export const greys = (bytes) => Uint8Array.from({ length: bytes.length / 4 }, (_, n) =>
  Math.round((bytes[4 * n] + bytes[4 * n + 1] + bytes[4 * n + 2]) / 3));

/** The bytes of a photo with a white line from one [x, y] to another, in pixels; their centres are at halves. */
export function drawn(bytes, width, [x0, y0], [x1, y1]) {
  const [dx, dy] = [x1 - x0, y1 - y0];
  return bytes.map((byte, n) => {
    const [x, y] = [(n % width) + 0.5 - x0, Math.floor(n / width) + 0.5 - y0];
    const part = clamp((x * dx + y * dy) / (dx * dx + dy * dy || 1), 0, 1);
    return Math.hypot(x - part * dx, y - part * dy) <= PEN / 2 ? 255 : byte;
  });
}

/** A k x k table; `value` is given the rows and columns from the centre. */
const centred = (k, value) => build(k, k, (i, j) => value(i - (k >> 1), j - (k >> 1)));

export const total = (weight) => weight.flat().reduce((sum, x) => sum + x, 0);

const scaled = (weight, factor) => weight.map((row) => row.map((x) => x * factor));

const added = (one, other) => one.map((row, i) => row.map((x, j) => x + other[i][j]));

const identity = (k) => centred(k, (i, j) => Number(i === 0 && j === 0));

const gaussian = (k) => {
  const bell = centred(k, (i, j) => Math.exp(-(i * i + j * j) / 2 / (k / 4) ** 2));
  return scaled(bell, 1 / total(bell));
};

const horizontal = (k) => centred(k, (i) => Math.sign(0 - i));
const diagonal = (k) => centred(k, (i, j) => i + j);

/** Scaled so that the positive weights add up to `sum`, whatever the size. */
const balanced = (weight, sum) =>
  scaled(weight, sum / total(weight.map((row) => row.map((x) => Math.max(x, 0)))));

export const PRESETS = {
  identity,
  blur: (k) => centred(k, () => 1 / k ** 2),
  gaussian,
  sharpen: (k) => added(scaled(identity(k), 2), scaled(gaussian(k), -1)),
  "horizontal edges": (k) => balanced(horizontal(k), 1),
  "vertical edges": (k) => balanced(centred(k, (i, j) => Math.sign(0 - j)), 1),
  "edges of 1 and -1": horizontal,
  emboss: (k) => added(identity(k), balanced(diagonal(k), 4)),
};

/** The name of the preset that these weights are in float32, if any. */
export const presetOf = (weight) =>
  Object.keys(PRESETS).find((name) =>
    PRESETS[name](weight.length).flat().every((x, n) => Math.fround(x) === Math.fround(weight.flat()[n])));

/** The same preset at another size; else what fits, around the same centre. */
export function resize(weight, k) {
  const preset = presetOf(weight);
  const shift = (weight.length - k) / 2;
  return preset ? PRESETS[preset](k) : centred(k, (i, j) => {
    const centre = k >> 1;
    return weight[i + centre + shift]?.[j + centre + shift] ?? 0;
  });
}

export function misfit({ height, width }, k, mode) {
  const least = { reflect: (k >> 1) + 1, circular: k >> 1 }[mode] ?? 1;
  if (Math.min(height, width) >= least) return "";
  return `${mode} needs a photo of at least ${least}x${least} pixels for a ${k}x${k} kernel, and ` +
    `this one is ${height}x${width}. Choose another padding mode or a smaller kernel.`;
}

/** For each cell of an axis of n cells and p more on both sides: the cell it copies, or -1 for a zero. */
const sources = (n, p, mode) => range(n + 2 * p).map((i) => SOURCE[mode](i - p, n));

/** The picture with p more cells on every side. */
export function pad({ height, width, values }, p, mode) {
  const [rows, columns] = [sources(height, p, mode), sources(width, p, mode)];
  const padded = new Float64Array(rows.length * columns.length);
  rows.forEach((i, r) => columns.forEach((j, c) => {
    if (i >= 0 && j >= 0) padded[r * columns.length + c] = values[i * width + j];
  }));
  return { height: rows.length, width: columns.length, values: padded };
}

/** The weight at every place where it lies wholly inside the picture. */
export function correlate(picture, weight) {
  const k = weight.length;
  const [height, width] = [picture.height - k + 1, picture.width - k + 1];
  const values = new Float64Array(height * width);
  for (let a = 0; a < k; a++) {
    for (let b = 0; b < k; b++) {
      const factor = weight[a][b];
      for (let i = 0; i < height; i++) {
        const start = (i + a) * picture.width + b;
        for (let j = 0; j < width; j++) values[i * width + j] += factor * picture.values[start + j];
      }
    }
  }
  return { height, width, values };
}

/** Whether the weights add up to 0, so that the output has both signs. */
export const isSigned = (weight) =>
  Math.abs(total(weight)) <= 1e-5 * total(weight.map((row) => row.map(Math.abs)));

function extremes(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const x of values) {
    if (x < low) low = x;
    if (x > high) high = x;
  }
  return [low, high];
}

/** How many numbers no grey can show. */
function countBeyond(values) {
  let count = 0;
  for (const x of values) if (x < -1e-6 || x > 1 + 1e-6) count++;
  return count;
}

/** The power of two that the colours reach to, for outputs with both signs. */
export const reach = ([low, high]) => {
  const largest = Math.max(-low, high);
  return largest > 1e-6 ? 2 ** Math.ceil(Math.log2(largest)) : 1;
};

/** [red, green, blue]: greys from 0 to 1 or, with a limit, blue at -limit, white at 0, orange at limit. */
export function colour(value, limit = null) {
  if (limit === null) return Array(3).fill(Math.round(255 * Math.max(0, Math.min(value, 1))));
  const strength = Math.min(Math.abs(value) / limit, 1);
  return (value < 0 ? BELOW : ABOVE).map((end) => Math.round(255 + strength * (end - 255)));
}

export function codeLine({ height, width }, k, mode) {
  const padded = `F.pad(photo[None, None], (${Array(4).fill(k >> 1).join(", ")}), mode="${mode}")`;
  const call = mode === "zeros"
    ? `F.conv2d(photo[None, None], weight[None, None], padding=${k >> 1})`
    : `F.conv2d(${padded}, weight[None, None])`;
  return `${call}[0, 0]  # ${misfit({ height, width }, k, mode) ? "RuntimeError" : `shape (${height}, ${width})`}`;
}

export const format = (x) =>
  Math.abs(x) >= 1e5 ? x.toExponential(1).replace("e+", "e") : String(Number(x.toFixed(3)));

/** The weights as text boxes with one tab stop; `edited(i, j, number)` is called while a number is typed. */
class KernelView {
  #edited;
  #active = [1, 1];
  #boxes = [];
  node = element("div", { class: "cl-lab-grid", role: "grid", "aria-label": "kernel" });

  constructor(edited) {
    this.#edited = edited;
    this.node.addEventListener("keydown", (event) => this.#key(event));
  }

  draw(weight) {
    if (weight.length !== this.#boxes.length) this.#rebuild(weight.length);
    const largest = Math.max(...weight.flat().map(Math.abs)) || 1;
    this.weight = weight;
    this.#each((box, i, j) => {
      const cell = box.parentElement;
      style(cell, "background-color", `rgb(${colour(weight[i][j], largest).join(", ")})`);
      write(cell, String(weight[i][j]), "title");
      write(box, i === this.#active[0] && j === this.#active[1] ? 0 : -1, "tabIndex");
      if (!this.#isFocused(box)) this.#show(box, i, j);
    });
  }

  #each(visit) {
    this.#boxes.forEach((row, i) => row.forEach((box, j) => visit(box, i, j)));
  }

  #isFocused(box) {
    return box.getRootNode().activeElement === box;
  }

  #show(box, i, j) {
    write(box, this.#isFocused(box) ? String(this.weight[i][j]) : format(this.weight[i][j]), "value");
    box.removeAttribute("aria-invalid");
  }

  #rebuild(k) {
    this.#active = [k >> 1, k >> 1];
    this.node.style.setProperty("--columns", k);
    this.#boxes = build(k, k, (i, j) => this.#box(i, j));
    this.node.replaceChildren(...this.#boxes.map((row) => element("div", { class: "cl-lab-row", role: "row" },
      ...row.map((box) => element("div", { class: "cl-lab-cell", role: "gridcell" }, box)))));
  }

  #box(i, j) {
    const box = element("input", {
      class: "cl-lab-number", inputmode: "decimal", autocomplete: "off", "aria-label": `kernel row ${i} column ${j}`,
    });
    box.addEventListener("focus", () => {
      this.#active = [i, j];
      this.#each((one) => { one.tabIndex = one === box ? 0 : -1; });
      this.#show(box, i, j);
      box.select();
    });
    box.addEventListener("input", () => {
      const number = parse(box.value);
      box.setAttribute("aria-invalid", number === null);
      if (number !== null) this.#edited(i, j, number);
    });
    box.addEventListener("blur", () => this.#show(box, i, j));
    return box;
  }

  #key(event) {
    if (event.altKey || event.metaKey) return;
    const [[i, j], last] = [this.#active, this.#boxes.length - 1];
    const target = {
      ArrowUp: [i - 1, j], ArrowDown: [i + 1, j], ArrowLeft: [i, j - 1], ArrowRight: [i, j + 1],
      Home: [event.ctrlKey ? 0 : i, 0], End: [event.ctrlKey ? last : i, last],
      Enter: [i + 1, j], Escape: [i, j],
    }[event.key];
    if (!target) return;
    event.preventDefault();
    event.stopPropagation();
    const next = this.#boxes[clamp(target[0], 0, last)][clamp(target[1], 0, last)];
    this.#show(this.#boxes[i][j], i, j);
    next.focus();
    next.select();
  }
}

function render({ model, el }) {
  const set = (changes) => assign(model, changes);
  const bytes = () => {
    const { pixels } = model.get("photo");
    return new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength);
  };
  const picture = () => ({ ...model.get("photo"), values: Float64Array.from(bytes(), (byte) => byte / 255) });
  const setPhoto = (height, width, pixels) => {
    write(complaint, "");
    set({ photo: { height, width, pixels: new DataView(pixels.buffer) } });
  };

  const select = (label, options, chosen) => {
    const node = element("select", { "aria-label": label },
      ...options.map(([value, text]) => element("option", { value }, text)));
    node.addEventListener("change", () => node.value && chosen(node.value));
    return node;
  };
  const preset = select("kernel preset", [["", "your own"], ...Object.keys(PRESETS).map((name) => [name, name])],
    (name) => set({ weight: PRESETS[name](model.get("weight").length) }));
  const size = select("kernel size", SIZES.map((k) => [k, `${k} × ${k}`]),
    (k) => set({ weight: resize(model.get("weight"), Number(k)) }));
  const mode = select("padding mode", PADDING_MODES.map((name) => [name, name]),
    (name) => set({ padding_mode: name }));
  const reset = button("Reset", () => set({ ...model.get("_start") }));

  const kernel = new KernelView((i, j, number) => {
    const weight = model.get("weight");
    set({ weight: weight.with(i, weight[i].with(j, number)) });
  });
  const file = element("input", { type: "file", accept: "image/*" });
  const complaint = element("p", { class: "cl-warning", role: "alert" });
  file.addEventListener("change", async () => {
    if (!file.files.length) return;
    try {
      const image = await createImageBitmap(file.files[0]);
      const [height, width] = fitted(image.height, image.width);
      const canvas = element("canvas", { height, width });
      const context = canvas.getContext("2d");
      Object.assign(context, { fillStyle: "#fff", imageSmoothingQuality: "high" });
      context.fillRect(0, 0, width, height); // under what is transparent
      context.drawImage(image, 0, 0, width, height);
      setPhoto(height, width, greys(context.getImageData(0, 0, width, height).data));
    } catch {
      write(complaint, `The browser cannot read ${file.files[0].name} as a picture. Choose a PNG or a JPEG.`);
    }
    file.value = ""; // the same file may be chosen again
  });
  const blank = button("Blank page", () => setPhoto(BLANK_SIDE, BLANK_SIDE, new Uint8Array(BLANK_SIDE ** 2)));

  const live = announcer();
  const before = element("canvas", { class: "cl-lab-canvas cl-board", role: "application", tabindex: 0 });
  /** A point of the photo with its border, in pixels of the photo. */
  const inPhoto = (point) => [before.width, before.height].map((side, axis) => point[axis] * side - border);
  const line = (point, from) => {
    const { height, width } = model.get("photo");
    setPhoto(height, width, drawn(bytes(), width, inPhoto(from), inPhoto(point)));
  };
  let border = 0;
  let painted = []; // the photo, border and padding that are on the canvas
  let padded = null;
  const { node: nib } = pen(before, 1 / 32, { pressed: (point) => line(point, point), moved: line, said: live.say });
  const after = element("canvas", { class: "cl-lab-canvas", role: "img" });
  const over = element("canvas", { class: "cl-lab-canvas cl-lab-over", "aria-hidden": "true" });
  const edge = element("div", { class: "cl-lab-edge", "aria-hidden": "true" });
  let part = 0; // of the output, covered by the photo
  const compare = slider("before", { min: 0, max: 100, label: "before and after" }, (percent) => {
    part = percent;
    ask();
  });
  const inside = element("div", { class: "cl-lab-inside", "aria-hidden": "true" });
  const shapes = [0, 1, 2].map(() => element("span"));
  const titles = ["Photo", "Kernel", "Output"].map((name, n) =>
    element("div", { class: "cl-lab-title" }, element("b", {}, name), " ", shapes[n]));
  const ticks = element("div", { class: "cl-lab-ticks" }, ...range(3).map(() => element("span")));
  const bar = element("div", { class: "cl-lab-bar" });
  const wipe = element("div", { class: "cl-lab-frame" }, after, over, edge);
  const result = element("div", {}, wipe, compare.row, bar, ticks);
  const sum = element("p");
  const cost = element("p");
  const warning = element("p", { class: "cl-warning" });
  const code = element("code");
  const labelled = (text, node) => element("label", { class: "cl-line" }, element("span", {}, text), node);
  mount(el, "lab", "Kernel lab",
    element("div", { class: "cl-lab-panels" },
      element("div", { class: "cl-lab-panel" }, titles[0], element("div", { class: "cl-lab-frame" }, before, inside, nib),
        labelled("own file", file), blank,
        element("p", {}, "Draw on it with the mouse or a finger, or with the arrow keys; Space puts the pen down and up.")),
      element("div", { class: "cl-lab-panel cl-lab-middle" }, titles[1], kernel.node,
        labelled("preset", preset), labelled("size", size), labelled("padding", mode), reset),
      element("div", { class: "cl-lab-panel" }, titles[2], result)),
    complaint, warning, sum, cost, element("div", {}, "In PyTorch: ", code), live.node);

  function draw() {
    const photo = model.get("photo");
    const weight = model.get("weight");
    const padding = model.get("padding_mode");
    const k = weight.length;
    const why = misfit(photo, k, padding);

    kernel.draw(weight);
    write(preset, presetOf(weight) ?? "", "value");
    write(size, String(k), "value");
    write(mode, padding, "value");
    write(shapes[0], `${photo.height} × ${photo.width}`);
    write(shapes[1], `${k} × ${k}`);
    write(code, codeLine(photo, k, padding));
    write(warning, why);
    result.hidden = Boolean(why);
    border = why ? 0 : k >> 1;
    const now = [photo, border, padding];
    if (now.some((x, n) => x !== painted[n])) {
      const plain = picture();
      padded = pad(plain, border, padding);
      paint(before, padded.width, padded.values, GREYS);
      paint(over, plain.width, plain.values, GREYS);
      painted = now;
    }
    write(before, `photograph with a border of ${border}, padding ${padding}: draw with the mouse or a finger, or move ` +
      "the pen with the arrow keys; Space puts it down and up", "aria-label");
    inside.style.inset = `${(100 * border) / before.height}% ${(100 * border) / before.width}%`;
    if (why) {
      shapes[2].textContent = "none";
      sum.textContent = cost.textContent = "";
      live.say(why);
      return;
    }
    const start = performance.now();
    const output = correlate(padded, weight);
    const spent = performance.now() - start;

    const ends = extremes(output.values);
    const limit = isSigned(weight) ? reach(ends) : null;
    paint(after, output.width, output.values, limit === null ? GREYS : DIVERGING, limit ?? 1);

    style(wipe, "--part", `${part}%`);
    edge.hidden = part === 0;
    compare.draw(part, `${part} %`);

    const [low, high] = ends.map(format);
    const marks = limit === null ? [0, 0.5, 1] : [-limit, 0, limit];
    const weights = format(total(weight));
    write(shapes[2], `${output.height} × ${output.width}, from ${low} to ${high}`);
    bar.classList.toggle("cl-lab-signed", limit !== null);
    marks.forEach((x, n) => write(ticks.children[n], format(x)));
    const beyond = limit === null ? countBeyond(output.values) : 0;
    const percent = ((100 * beyond) / output.values.length).toFixed(1);
    write(sum, `The weights add up to ${weights}. ` +
      (limit !== null
        ? "A plain region answers 0 (white)."
        : `A plain region of brightness 0.5 answers ${format(total(weight) / 2)}.`) +
      (beyond ? ` ${percent} % of the pixels are below 0 (drawn black) or above 1 (drawn white).` : ""));
    write(cost, `${thousands(output.values.length * k * k)} multiply-adds, ` +
      `${spent < 0.1 ? "less than 0.1" : spent.toFixed(1)} ms in your browser.`);
    write(after, `filtered photograph, values from ${low} to ${high}`, "aria-label");
    live.say(`weights add up to ${weights}, padding ${padding}, output from ${low} to ${high}`);
  }

  const { ask, leave } = follow(model, ["photo", "weight", "padding_mode"], draw);
  draw();
  return () => {
    leave();
    live.stop();
  };
}

export default { render };
