// The training dashboard. A point is [step, value], its value null where it was not finite. The functions
// above `render` touch no page: the tests run them in node.

import { announcer, button, element, mount } from "./base.js";

export const [WIDTH, HEIGHT] = [400, 180];
const INSET = { left: 46, right: 8, top: 8, bottom: 22 };

/** The upper end of an axis from 0: a round number, at least the largest value. */
export function ceiling(values) {
  const largest = Math.max(...values, 0);
  if (!largest) return 1;
  const power = 10 ** Math.floor(Math.log10(largest));
  return [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].map((n) => Number((n * power).toPrecision(2))).find((end) => end >= largest);
}

export const x = (step, steps) => INSET.left + (step / steps) * (WIDTH - INSET.left - INSET.right);
export const y = (value, top) => HEIGHT - INSET.bottom - (value / top) * (HEIGHT - INSET.top - INSET.bottom);

/** An SVG path through the points, with a gap where a value is missing and a dot where a point stands alone. */
export function path(points, steps, top) {
  return points.map(([step, value], n) => {
    if (value === null) return "";
    const at = `${x(step, steps).toFixed(1)} ${y(value, top).toFixed(1)}`;
    if ((points[n - 1]?.[1] ?? null) !== null) return `L${at}`;
    return (points[n + 1]?.[1] ?? null) === null ? `M${at}h0` : `M${at}`;
  }).join("");
}

export const format = (value, unit) =>
  unit === "%" ? `${Math.round(100 * value)} %` : String(Number(value.toPrecision(3)));

/** What a curve says to those who do not see it. */
export function summary(name, points, unit) {
  const known = points.filter(([, value]) => value !== null);
  if (!known.length) return `${name}: no values yet`;
  const [first, last] = [known[0], known.at(-1)];
  return `${name}: ${format(first[1], unit)} at step ${first[0]}, ${format(last[1], unit)} at step ${last[0]}`;
}

/** The lines of the axes and their numbers. */
function axes(steps, top, unit) {
  const across = [0, 0.5, 1].map((part) => {
    const at = y(part * top, top);
    return [
      element("line", { class: "cl-training-rule", x1: INSET.left, x2: WIDTH - INSET.right, y1: at, y2: at }),
      element("text", { x: INSET.left - 6, y: at + 4, "text-anchor": "end" }, format(part * top, unit)),
    ];
  });
  const ends = [["start", 0], ["end", steps]].map(([anchor, step]) =>
    element("text", { x: x(step, steps), y: HEIGHT - 5, "text-anchor": anchor }, String(step)));
  const middle = element("text", { x: x(0.5, 1), y: HEIGHT - 5, "text-anchor": "middle" }, "step");
  return [...across.flat(), ...ends, middle];
}

function curve(name, unit) {
  const picture = element("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" });
  const node = element("figure", {}, element("figcaption", {}, name), picture);
  return {
    node,
    draw(points, steps) {
      const top = unit === "%" ? 1 : ceiling(points.map(([, value]) => value));
      const line = element("path", { class: `cl-training-line cl-training-${name}`, d: path(points, steps, top) });
      picture.replaceChildren(...axes(steps, top, unit), line);
      picture.setAttribute("aria-label", summary(name, points, unit));
    },
  };
}

/** A comm of its own, since what the model sends waits for the end of the cell; null where there is none. */
function lineToKernel(model) {
  try {
    return model.widget_manager.kernel.createComm(model.get("_stop_target"));
  } catch {
    return null;
  }
}

function render({ model, el }) {
  let asked = false;
  const line = lineToKernel(model);
  const stop = button("Stop", () => {
    if (stop.getAttribute("aria-disabled") === "true") return;
    asked = true;
    line.open();
    draw();
  });
  const words = element("span", { class: "cl-training-words" });
  const bar = element("progress", { "aria-label": "steps done" });
  const curves = { loss: curve("loss", ""), accuracy: curve("accuracy", "%") };
  const note = element("p");
  const live = announcer();
  mount(el, "training", "Training dashboard",
    element("div", { class: "cl-training-top" }, stop, words), bar,
    element("div", { class: "cl-training-curves" }, curves.loss.node, curves.accuracy.node), note, live.node);

  function draw() {
    const run = model.get("_run");
    const running = run.phase === "running";
    asked &&= running;
    stop.setAttribute("aria-disabled", !running || asked || !line);
    words.textContent = run.line;
    [bar.max, bar.value] = [run.steps, run.step];
    for (const [name, { node, draw: drawCurve }] of Object.entries(curves)) {
      node.hidden = name === "accuracy" && !run.accuracy.length;
      drawCurve(run[name], run.steps);
    }
    const mean = run.span > 1 ? `Each point is the mean over ${run.span} steps. ` : "";
    const stopping = "Stopping after this step. If nothing happens, press the square button (interrupt the kernel).";
    const offer = line
      ? "Stop ends the training after the step it is in; what was learned is kept."
      : "To end the training, interrupt the kernel; what was learned is kept.";
    note.textContent = mean + (asked ? stopping : running ? offer : "");
    if (!running) live.say(run.line);
    else if (asked) live.say("stopping");
  }

  model.on("change:_run", draw);
  draw();
  return () => {
    model.off("change:_run", draw);
    live.stop();
    line?.dispose();
  };
}

export default { render };
