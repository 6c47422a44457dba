// The Gabor designer. Grids are arrays of rows; (i, j) is (row, column). The functions above `render`
// touch no page: the tests run them in node and compare them with torch.

import {
  announcer, assign, build, button, element, follow, GREYS, mount, paint, palette, slider, tickBox, write,
} from "./base.js";

export const SLIDERS = {
  theta: { words: "angle θ", unit: "°", min: 0, max: 360, step: 1, angle: true },
  lambd: { words: "wavelength λ", unit: " cells", min: 2, max: 21, step: 0.25 },
  sigma: { words: "width σ", unit: " cells", min: 0.5, max: 8, step: 0.25 },
  psi: { words: "phase ψ", unit: "°", min: 0, max: 360, step: 5, angle: true },
  gamma: { words: "aspect γ", unit: "", min: 0.25, max: 2, step: 0.05 },
  size: { words: "size", unit: " cells", min: 3, max: 21, step: 1 },
  n: { words: "orientations n", unit: "", min: 1, max: 16, step: 1 },
};

/** What the slider shows of the number that Python holds, and back: degrees for angles. */
export const shown = (name, value) => (SLIDERS[name].angle ? (value * 180) / Math.PI : value);
export const held = (name, value) => (SLIDERS[name].angle ? (value * Math.PI) / 180 : value);

/** Mean 0 and norm 1; zeros where nothing but the mean was there. */
export function normalise(grid) {
  const all = grid.flat();
  const mean = all.reduce((sum, x) => sum + x, 0) / all.length;
  const norm = Math.max(Math.hypot(...all.map((x) => x - mean)), 1e-12);
  return grid.map((row) => row.map((x) => (x - mean) / norm));
}

/** The kernel for these numbers, angles in radians; x runs to the right and y down. */
export function gabor({ size, sigma, theta, lambd, psi, gamma, normalised }) {
  const centre = (size - 1) / 2;
  const [cos, sin] = [Math.cos(theta), Math.sin(theta)];
  const kernel = build(size, size, (i, j) => {
    const [x, y] = [j - centre, i - centre];
    const across = x * cos + y * sin;
    const along = y * cos - x * sin;
    const envelope = Math.exp(-(across ** 2 + (gamma * along) ** 2) / (2 * sigma ** 2));
    return envelope * Math.cos((2 * Math.PI * across) / lambd + psi);
  });
  return normalised ? normalise(kernel) : kernel;
}

export const bank = (numbers) =>
  Array.from({ length: numbers.n }, (_, i) => gabor({ ...numbers, theta: (i * Math.PI) / numbers.n }));

/** The kernel slid over the image where it lies wholly inside. */
export function correlate(image, kernel) {
  const k = kernel.length;
  const [h, w] = [image.length - k + 1, image[0].length - k + 1];
  const out = build(h, w, () => 0);
  for (let a = 0; a < k; a++) {
    for (let b = 0; b < k; b++) {
      const weight = kernel[a][b];
      for (let i = 0; i < h; i++) {
        const [row, from] = [out[i], image[i + a]];
        for (let j = 0; j < w; j++) row[j] += weight * from[j + b];
      }
    }
  }
  return out;
}

/** Root of the mean of the squares: how loud an answer is. */
export const loudness = (grid) =>
  Math.sqrt(grid.flat().reduce((sum, x) => sum + x * x, 0) / (grid.length * grid[0].length));

export const format = (x, digits = 3) => String(Number(x.toPrecision(digits)));

/** The call of the student's function that gives this kernel. */
export const codeLine = ({ size, sigma, theta, lambd, psi, gamma, normalised }) =>
  `gabor_kernel(${size}, sigma=${format(sigma)}, theta=math.radians(${format(shown("theta", theta), 4)}), ` +
  `lambd=${format(lambd, 4)}, psi=math.radians(${format(shown("psi", psi), 4)}), gamma=${format(gamma)})` +
  (normalised ? "  # then mean 0 and norm 1" : "");

const NAMES = [...Object.keys(SLIDERS), "normalised"];
const SIGNED = palette([0x2b, 0x6c, 0xb0], [255, 255, 255], [0xd9, 0x70, 0x0e]);
const LOUD_MS = 100;

const paintGrid = (canvas, grid, ...colours) => paint(canvas, grid[0].length, grid.flat(), ...colours);

const magnitude = (grids) => Math.max(...grids.flat(2).map(Math.abs), 1e-12);

function render({ model, el }) {
  const numbers = () => Object.fromEntries(NAMES.map((name) => [name, model.get(name)]));
  const set = (changes) => assign(model, changes);

  const sliders = Object.entries(SLIDERS).map(([name, { words, ...limits }]) =>
    [name, slider(words, limits, (value) => set({ [name]: held(name, value) }))]);
  const normalised = tickBox("mean 0 and norm 1", (ticked) => set({ normalised: ticked }));
  const reset = button("Reset", () => set({ ...model.get("_start") }));

  const canvas = (label) => element("canvas", { role: "img", "aria-label": label });
  const pictures = { photo: canvas("photo"), kernel: canvas("kernel"), answer: canvas("answer") };
  const captions = Object.fromEntries(Object.keys(pictures).map((name) => [name, element("figcaption")]));
  const figures = Object.keys(pictures).map((name) => element("figure", {}, pictures[name], captions[name]));
  const chipLine = element("div", { class: "cl-gabor-bank", role: "group", "aria-label": "bank of orientations" });
  const code = element("code");
  const live = announcer();
  const ends = ["below", "zero", "above"].map((words) => element("span", {}, words === "zero" ? "0" : `${words} 0`));
  mount(el, "gabor", "Gabor designer",
    element("div", { class: "cl-gabor-top" },
      element("div", { class: "cl-sliders" }, ...sliders.map(([, { row }]) => row), normalised.row, reset),
      element("div", { class: "cl-gabor-pictures" }, ...figures)),
    element("p", {}, "The bank: n kernels that share half a turn. Choose one to give its angle to the kernel above. " +
      "The bar says how loudly it answers to the photo."),
    chipLine,
    element("div", { class: "cl-gabor-foot" },
      element("div", {}, "In Python: ", code),
      element("div", { class: "cl-gabor-legend" }, element("div", { class: "cl-gabor-scale" }),
        element("div", { class: "cl-gabor-ends" }, ...ends))),
    live.node);

  const chips = [];
  let banked = null;
  let listening = null;
  const chip = (i) => {
    const picture = element("canvas", { "aria-hidden": "true" });
    const bar = element("span", { class: "cl-gabor-bar", "aria-hidden": "true" });
    const text = element("span", {});
    const node = button([picture, text, bar], () => set({ theta: (i * Math.PI) / model.get("n") }));
    return { node, picture, bar, text };
  };

  const image = model.get("_pixels").map((pixels) => pixels.map((x) => x / 255));
  paintGrid(pictures.photo, image, GREYS);
  captions.photo.textContent = `photo, ${image.length} × ${image[0].length}`;

  function draw() {
    const now = numbers();
    const kernel = gabor(now);
    const answer = correlate(image, kernel);
    const limit = magnitude([answer]);
    paintGrid(pictures.kernel, kernel, SIGNED, magnitude([kernel]));
    paintGrid(pictures.answer, answer, SIGNED, limit);
    const total = kernel.flat().reduce((sum, x) => sum + x, 0);
    const around = Math.abs(total) < 1e-9 ? "0" : format(total, 2);
    write(captions.kernel, `kernel, ${now.size} × ${now.size}, sum ${around}`);
    write(captions.answer, `answer, ${answer.length} × ${answer[0].length}, up to ±${format(limit, 2)}`);
    const angle = `${format(shown("theta", now.theta), 4)}°`;
    pictures.kernel.setAttribute("aria-label", `kernel at ${angle}, sum ${around}`);
    pictures.answer.setAttribute("aria-label", `answer at ${angle}, loudness ${format(loudness(answer), 2)}`);

    const state = JSON.stringify({ ...now, theta: 0 });
    if (state !== banked) drawBank(now);
    banked = state;
    chips.forEach(({ node }, i) =>
      write(node, String(Math.abs((i * Math.PI) / now.n - now.theta) < 1e-6), "aria-pressed"));

    for (const [name, one] of sliders) {
      const value = shown(name, now[name]);
      one.draw(value, format(value, 4) + SLIDERS[name].unit);
    }
    normalised.node.checked = now.normalised;
    write(code, codeLine(now));
    live.say(`kernel at ${angle}, sum ${around}, answers up to ${format(limit, 2)}`);
  }

  function drawBank(now) {
    const kernels = bank(now);
    const most = magnitude(kernels);
    while (chips.length < now.n) {
      chips.push(chip(chips.length));
      chipLine.append(chips.at(-1).node);
    }
    while (chips.length > now.n) chips.pop().node.remove();
    chips.forEach(({ picture, text }, i) => {
      paintGrid(picture, kernels[i], SIGNED, most);
      text.textContent = `${format((i * 180) / now.n, 4)}°`;
    });
    clearTimeout(listening);
    listening = setTimeout(() => drawLoudness(kernels), LOUD_MS);
  }

  /** The bars wait until the numbers rest: a whole bank is slow to slide over a photo. */
  function drawLoudness(kernels) {
    const loud = kernels.map((one) => loudness(correlate(image, one)));
    const loudest = Math.max(...loud, 1e-12);
    chips.forEach(({ node, bar, text }, i) => {
      bar.style.setProperty("--loud", loud[i] / loudest);
      const share = Math.round((100 * loud[i]) / loudest);
      node.setAttribute("aria-label", `orientation ${text.textContent.slice(0, -1)} degrees, ${share} percent of the loudest answer`);
    });
  }

  const { leave } = follow(model, NAMES, draw);
  draw();
  return () => {
    leave();
    clearTimeout(listening);
    live.stop();
  };
}

export default { render };
