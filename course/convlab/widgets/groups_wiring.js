// Groups wiring. Channels are counted from 0; reads[o][i] says whether filter o reads channel i. The functions
// above `render` touch no page: the tests run them in node and compare them with torch.

import { announcer, assign, button, element, follow, mount, range, slider, thousands, tickBox, write } from "./base.js";

export const SLIDERS = {
  in_channels: { words: "channels in", unit: "", min: 1, max: 16, step: 1 },
  out_channels: { words: "channels out", unit: "", min: 1, max: 16, step: 1 },
  groups: { words: "groups", unit: "", min: 1, max: 16, step: 1 },
  kernel_size: { words: "kernel", unit: "", min: 1, max: 7, step: 2 },
  side: { words: "image side", unit: " cells", min: 1, max: 224, step: 1 },
};

/** Why there is no such layer, in words; "" where there is one. */
export function problem({ in_channels, out_channels, groups }) {
  const name = in_channels % groups ? "in_channels" : out_channels % groups ? "out_channels" : "";
  return name && `groups=${groups} does not divide ${name}=${{ in_channels, out_channels }[name]}`;
}

/** The groups that divide the channels of both sides. */
export const fits = ({ in_channels, out_channels }) =>
  range(16).map((i) => i + 1).filter((groups) => !problem({ in_channels, out_channels, groups }));

/** The wires of one layer. */
export const reads = (inputs, outputs, groups) =>
  range(outputs).map((o) => range(inputs).map((i) =>
    Math.floor(o / (outputs / groups)) === Math.floor(i / (inputs / groups))));

/** The channel shuffle: which channel comes to each place. */
export const order = (channels, groups) =>
  range(channels).map((place) => (place % groups) * (channels / groups) + Math.floor(place / groups));

/** The wires of each layer, [from, to]; those of a second layer lead from the channels before the shuffle. */
export function layers({ in_channels, out_channels, groups, two_layers, shuffle }) {
  const first = reads(in_channels, out_channels, groups);
  if (!two_layers) return [first];
  const places = shuffle ? order(out_channels, groups) : range(out_channels);
  const second = reads(out_channels, out_channels, groups).map((row) => {
    const moved = row.map(() => false);
    row.forEach((read, place) => { moved[places[place]] = read; });
    return moved;
  });
  return [first, second];
}

/** Whether input i can change output o: wiring[o][i]. */
export function wiring(numbers) {
  const [first, second] = layers(numbers);
  if (!second) return first;
  return second.map((row) => first[0].map((_, i) => row.some((read, m) => read && first[m][i])));
}

/** The shapes of the weights, the number of parameters, and the MACs for one image. */
export function cost({ in_channels, out_channels, groups, kernel_size, side, two_layers }) {
  const inputs = two_layers ? [in_channels, out_channels] : [in_channels];
  const shapes = inputs.map((i) => [out_channels, i / groups, kernel_size, kernel_size]);
  const weights = shapes.map((shape) => shape.reduce((a, b) => a * b, 1)).reduce((a, b) => a + b, 0);
  return { shapes, parameters: weights + inputs.length * out_channels, macs: weights * side * side };
}

/** Numbers after a noun: " 3", "s 0 to 3", "s 0, 2, 5". */
export function listed(numbers) {
  if (numbers.length === 1) return ` ${numbers[0]}`;
  const together = numbers.every((number, i) => number === numbers[0] + i);
  return `s ${together && numbers.length > 2 ? `${numbers[0]} to ${numbers.at(-1)}` : numbers.join(", ")}`;
}

/** ["in" | "out", number] of the chosen channel; null where there is none of that name. */
export function parsed(chosen, { in_channels, out_channels }) {
  const [kind, place] = chosen.split(" ");
  const count = { in: in_channels, out: out_channels }[kind] ?? 0;
  return place !== undefined && Number(place) < count ? [kind, Number(place)] : null;
}

/** What the wires of a channel say, in words. */
export function told(kind, place, numbers) {
  const all = wiring(numbers);
  if (kind === "out") {
    const heard = range(numbers.in_channels).filter((i) => all[place][i]);
    return `Output ${place} hears input${listed(heard)}: ${heard.length} of ${numbers.in_channels}.`;
  }
  const reached = range(numbers.out_channels).filter((o) => all[o][place]);
  return `Input ${place} reaches output${listed(reached)}: ${reached.length} of ${numbers.out_channels}.`;
}

/** The calls that make the layers, with the shuffle between them. */
export function codeLines({ in_channels, out_channels, groups, kernel_size, two_layers, shuffle }) {
  const padding = kernel_size > 1 ? `, padding=${(kernel_size - 1) / 2}` : "";
  const inputs = two_layers ? [in_channels, out_channels] : [in_channels];
  const rest = groups > 1 ? `, groups=${groups}` : "";
  const lines = inputs.map((i) => `nn.Conv2d(${i}, ${out_channels}, ${kernel_size}${padding}${rest})`);
  if (two_layers && shuffle) lines.splice(1, 0, `nn.ChannelShuffle(${groups})`);
  return lines;
}

const NAMES = [...Object.keys(SLIDERS), "two_layers", "shuffle"];
const [WIDE, BOX, GAP] = [640, 26, 120];

function render({ model, el }) {
  let good = { ...model.get("_start") };
  let wired = ""; // what the picture shows
  const set = (changes) => assign(model, changes);

  const sliders = Object.entries(SLIDERS).map(([name, { words, ...limits }]) =>
    [name, slider(words, limits, (value) => set({ [name]: value }))]);
  const second = tickBox("a second layer like it", (ticked) => set({ two_layers: ticked }));
  const shuffled = tickBox("shuffle the channels between", (ticked) => set({ shuffle: ticked }));
  const reset = button("Reset", () => set({ ...model.get("_start") }));

  const picture = element("svg", { class: "cl-groups-picture", role: "group", "aria-label": "wires between channels" });
  const warning = element("p", { class: "cl-warning", role: "alert" });
  const words = element("p", { class: "cl-groups-told" });
  const code = element("code");
  const table = element("table", {});
  const live = announcer();
  mount(el, "groups", "Groups wiring",
    element("div", { class: "cl-groups-top" },
      element("div", { class: "cl-sliders" }, ...sliders.map(([, { row }]) => row), second.row, shuffled.row, reset),
      element("div", { class: "cl-groups-main" }, picture, warning, words)),
    element("div", { class: "cl-groups-foot" }, table, element("div", {}, "In Python: ", code)),
    live.node);

  /** The channel that Tab reaches: the chosen one, else the first output. */
  const stop = (numbers) => parsed(model.get("chosen"), numbers) ?? ["out", 0];

  function move(event, kind, place) {
    const counts = { in: good.in_channels, out: good.out_channels };
    const key = event.key;
    let next = null;
    if (key === "ArrowLeft") next = [kind, Math.max(place - 1, 0)];
    else if (key === "ArrowRight") next = [kind, Math.min(place + 1, counts[kind] - 1)];
    else if (key === "Home") next = [kind, 0];
    else if (key === "End") next = [kind, counts[kind] - 1];
    else if (key === "ArrowUp") next = ["in", Math.min(place, counts.in - 1)];
    else if (key === "ArrowDown") next = ["out", Math.min(place, counts.out - 1)];
    else if (key === "Enter" || key === " ") next = [kind, place];
    else if (key === "Escape") set({ chosen: "" });
    if (next) set({ chosen: next.join(" ") });
    if (next || key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      draw(true);
    }
  }

  function channel(kind, place, at, top, on, numbers) {
    const selectable = kind !== "middle";
    const [stopKind, stopPlace] = stop(numbers);
    const node = element("g", selectable
      ? {
          class: "cl-groups-channel", role: "button", "aria-pressed": on === "self",
          tabindex: kind === stopKind && place === stopPlace ? 0 : -1,
          "aria-label": `${kind === "in" ? "input" : "output"} channel ${place}`,
        }
      : { "aria-hidden": "true" });
    node.append(
      element("rect", { x: at - BOX / 2, y: top, width: BOX, height: BOX, rx: 3, class: on ? `cl-groups-${on}` : "" }),
      element("text", { x: at, y: top + 18, "text-anchor": "middle" }, `${place}`));
    if (selectable) {
      const name = `${kind} ${place}`;
      node.addEventListener("click", () => {
        set({ chosen: model.get("chosen") === name ? "" : name });
        draw(true);
      });
      node.addEventListener("keydown", (event) => move(event, kind, place));
    }
    return node;
  }

  function drawWires(numbers) {
    const wires = layers(numbers);
    const rows = [["in", numbers.in_channels], ...wires.map((_, i) =>
      [i === wires.length - 1 ? "out" : "middle", numbers.out_channels])];
    const at = rows.map(([, count]) => range(count).map((i) => (WIDE * (i + 0.5)) / count));
    const tops = rows.map((_, row) => 24 + row * (BOX + GAP));
    const chosen = parsed(model.get("chosen"), numbers);
    const lit = rows.map(([, count]) => range(count).map(() => false));
    if (chosen?.[0] === "out") {
      lit.at(-1)[chosen[1]] = true;
      for (let row = wires.length - 1; row >= 0; row--)
        wires[row].forEach((read, o) => read.forEach((on, i) => { if (on && lit[row + 1][o]) lit[row][i] = true; }));
    } else if (chosen) {
      lit[0][chosen[1]] = true;
      wires.forEach((wire, row) =>
        wire.forEach((read, o) => read.forEach((on, i) => { if (on && lit[row][i]) lit[row + 1][o] = true; })));
    }
    const nodes = [];
    rows.forEach(([kind, count], row) => range(numbers.groups).forEach((g) => {
      const size = count / numbers.groups;
      const left = (WIDE * g) / numbers.groups + 3;
      nodes.push(element("rect", {
        class: "cl-groups-block", x: left, y: tops[row] - 5, width: WIDE / numbers.groups - 6, height: BOX + 10, rx: 5,
      }));
      const label = { in: "group", middle: "", out: "" }[kind];
      if (label && size * (WIDE / count) > 56)
        nodes.push(element("text", { class: "cl-groups-name", x: left + 2, y: 13 }, `${label} ${g}`));
    }));
    const faint = [], strong = [];
    wires.forEach((wire, row) => wire.forEach((read, o) => read.forEach((on, i) => {
      if (!on) return;
      const stands = chosen && lit[row][i] && lit[row + 1][o];
      const line = element("line", {
        class: stands ? "cl-groups-strong" : chosen ? "cl-groups-faint" : "cl-groups-wire",
        x1: at[row][i], y1: tops[row] + BOX, x2: at[row + 1][o], y2: tops[row + 1],
      });
      (stands ? strong : faint).push(line);
    })));
    nodes.push(...faint, ...strong);
    rows.forEach(([kind, count], row) => range(count).forEach((place) => {
      const self = chosen && kind === chosen[0] && place === chosen[1];
      nodes.push(channel(kind, place, at[row][place], tops[row], self ? "self" : lit[row][place] ? "lit" : "", numbers));
    }));
    picture.setAttribute("viewBox", `0 0 ${WIDE} ${tops.at(-1) + BOX + 10}`);
    picture.replaceChildren(...nodes);
  }

  function drawTable(numbers) {
    const [here, whole] = [cost(numbers), cost({ ...numbers, groups: 1 })];
    const shape = ({ shapes }) => shapes.map((one) => `(${one.join(", ")})`).join(" and ");
    const line = (name, a, b) => element("tr", {}, element("th", { scope: "row" }, name),
      element("td", {}, a), element("td", {}, b));
    table.replaceChildren(
      element("caption", {}, numbers.two_layers ? "Both layers together" : "This layer"),
      element("tr", {}, element("td"), element("th", { scope: "col" }, `groups=${numbers.groups}`),
        element("th", { scope: "col" }, "groups=1")),
      line("weight", shape(here), shape(whole)),
      line("parameters", thousands(here.parameters), thousands(whole.parameters)),
      line("MACs an image", thousands(here.macs), thousands(whole.macs)));
    code.textContent = codeLines(numbers).join("  then  ");
  }

  function draw(focus = false) {
    const now = Object.fromEntries(NAMES.map((name) => [name, model.get(name)]));
    const trouble = problem(now);
    if (!trouble) good = now;
    const refocus = focus || picture.contains(document.activeElement);
    const wires = JSON.stringify({ ...good, kernel_size: 0, side: 0, chosen: model.get("chosen") });
    if (wires !== wired) drawWires(good);
    wired = wires;
    if (refocus) picture.querySelector('[tabindex="0"]')?.focus();
    drawTable(good);
    write(warning, trouble &&
      `${trouble}. Groups that do: ${fits(now).join(", ")}. The picture still shows groups=${good.groups}, ` +
      `${good.in_channels} channels in and ${good.out_channels} out.`);
    warning.hidden = !trouble;
    const chosen = parsed(model.get("chosen"), good);
    write(words, chosen ? told(...chosen, good)
      : "Choose a channel, with the mouse or with Tab and the arrow keys, to follow its wires.");
    for (const [name, one] of sliders) {
      one.draw(now[name], name === "kernel_size" ? `${now[name]} × ${now[name]}` : now[name] + SLIDERS[name].unit);
    }
    second.node.checked = now.two_layers;
    shuffled.node.checked = now.shuffle;
    shuffled.node.disabled = !now.two_layers;
    live.say(`${chosen ? words.textContent : ""} ${thousands(cost(good).parameters)} parameters, ` +
      `${thousands(cost(good).macs)} MACs`);
  }

  const { leave } = follow(model, [...NAMES, "chosen"], () => draw());
  draw();
  return () => {
    leave();
    live.stop();
  };
}

export default { render };
