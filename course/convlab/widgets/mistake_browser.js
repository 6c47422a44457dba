// The mistake browser. A mistake is {index, truth, guess, rank, rows: [[class, probability], ...], picture}.
// The functions above `render` touch no page: the tests run them in node.

import { announcer, assign, button, element, mount } from "./base.js";

export const [ALL, BY_CLASS] = ["all", "class"];

const keyOf = ({ truth, guess }) => `${truth}-${guess}`;

/** The pairs of true and guessed class among the mistakes, as [key, truth, guess, count], the most frequent first. */
export function pairs(mistakes) {
  const counts = new Map();
  for (const mistake of mistakes) counts.set(keyOf(mistake), (counts.get(keyOf(mistake)) ?? 0) + 1);
  return [...counts].map(([key, count]) => [key, ...key.split("-").map(Number), count])
    .toSorted((a, b) => b[3] - a[3] || a[1] - b[1] || a[2] - b[2]);
}

/** The mistakes of one pair, or all, as they are or by their true class and then by the class they were taken for. */
export function chosen(mistakes, which) {
  if (which === BY_CLASS) return mistakes.toSorted((a, b) => a.truth - b.truth || a.guess - b.guess);
  return mistakes.filter((mistake) => which === ALL || keyOf(mistake) === which);
}

/** The index of the image `step` places further on; it stays at the ends. */
export function neighbour(mistakes, index, step) {
  const place = mistakes.findIndex((mistake) => mistake.index === index) + step;
  return mistakes[Math.max(0, Math.min(place, mistakes.length - 1))].index;
}

export function percent(p) {
  if (p >= 0.9995 && p < 1) return "> 99.9 %";
  return p > 0 && p < 0.0005 ? "< 0.1 %" : `${(100 * p).toFixed(1)} %`;
}

const LOSSLESS_SIDE = 64;

function render({ model, el }) {
  const [mistakes, classes] = [model.get("_mistakes"), model.get("_classes")];
  const caption = element("p", {}, model.get("_caption"));
  const root = mount(el, "mistakes", "Mistake browser", caption);
  if (!mistakes.length) return;

  const go = (index) => assign(model, { index });
  const move = (step) => go(neighbour(chosen(mistakes, pair.value), model.get("index"), step));
  const pair = element("select", { "aria-label": "which mistakes" },
    element("option", { value: ALL }, `all, the most confident first (${mistakes.length})`),
    element("option", { value: BY_CLASS }, `all, by class (${mistakes.length})`),
    ...pairs(mistakes).map(([key, truth, guess, count]) =>
      element("option", { value: key }, `${classes[truth]} taken for ${classes[guess]} (${count})`)));
  pair.addEventListener("change", () => {
    const index = chosen(mistakes, pair.value)[0].index;
    if (index === model.get("index")) draw();
    else go(index);
  });
  const arrow = (text, label, step) => button(text, () => move(step), { "aria-label": label });
  const [previous, next] = [arrow("◀", "previous mistake", -1), arrow("▶", "next mistake", 1)];
  const count = element("span", { class: "cl-mistakes-count" });
  const [picture, why] = [0, 1].map(() => element("img", { class: "cl-mistakes-picture" }));
  const reason = element("p");
  const stage = element("div", {
    class: "cl-mistakes-stage", tabindex: 0, role: "group", "aria-label": "picture: left and right arrow for others",
  }, picture, why);
  const title = element("p", { class: "cl-mistakes-title" });
  const rows = element("ol", { class: "cl-mistakes-rows", "aria-label": "the most probable classes" });
  const live = announcer();
  root.append(
    element("div", { class: "cl-mistakes-top" }, previous, count, next, element("label", {}, "show ", pair)),
    element("div", { class: "cl-mistakes-panels" }, stage, element("div", {}, title, rows, reason)), live.node);

  root.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step || event.target === pair || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    move(step);
  });
  for (const image of [picture, why]) {
    image.addEventListener("load", () => {
      const small = Math.max(image.naturalWidth, image.naturalHeight) <= LOSSLESS_SIDE;
      image.style.imageRendering = small ? "pixelated" : "auto";
    });
  }

  function draw() {
    const mistake = mistakes.find(({ index }) => index === model.get("index"));
    if (!chosen(mistakes, pair.value).includes(mistake)) pair.value = ALL;
    why.hidden = reason.hidden = mistake.why === null;
    const list = chosen(mistakes, pair.value);
    const nth = list.indexOf(mistake);
    const [truth, guess] = [classes[mistake.truth], classes[mistake.guess]];
    count.textContent = `${nth + 1} of ${list.length}`;
    previous.setAttribute("aria-disabled", nth === 0);
    next.setAttribute("aria-disabled", nth === list.length - 1);
    picture.src = mistake.picture;
    picture.alt = `image ${mistake.index}, ${truth}`;
    if (mistake.why) {
      why.src = mistake.why;
      why.alt = `why: the pixels for ${guess} in orange, those for ${truth} in blue`;
      reason.replaceChildren("Why: orange pixels spoke for ", element("b", {}, guess), ", blue ones for ",
        element("b", {}, truth), ".");
    }
    title.replaceChildren("Image ", String(mistake.index), ": ", element("b", {}, truth), ", taken for ", element("b", {}, guess));
    rows.replaceChildren(...mistake.rows.map(([name, p], n) => {
      const isTrue = name === mistake.truth;
      const note = isTrue ? `✓ true${n >= 5 ? `, place ${mistake.rank}` : ""}` : n === 0 ? "✗ guess" : "";
      const row = element("li", isTrue ? { class: "cl-mistakes-true" } : {}, element("span", {}, classes[name]),
        element("span", { class: "cl-mistakes-track", "aria-hidden": "true" },
          element("span", { class: "cl-mistakes-bar" })),
        element("span", { class: "cl-mistakes-percent" }, percent(p)), element("span", {}, note));
      row.style.setProperty("--part", p);
      return row;
    }));
    live.say(`${nth + 1} of ${list.length}: ${truth}, taken for ${guess} with ${percent(mistake.rows[0][1])}`);
  }

  model.on("change:index", draw);
  draw();
  return () => {
    model.off("change:index", draw);
    live.stop();
  };
}

export default { render };
