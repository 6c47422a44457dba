// Draw a digit. A drawing is a list of marks: a stroke, which is a list of points [x, y], or the bytes of a
// 28 x 28 image that was set from Python. The functions above `render` touch no page: the tests compare
// them with numpy in node.

import { announcer, arrange, button, clamp, DIVERGING, element, mount, paint, pen, range, write } from "./base.js";

export const SIDE = 28; // of what the model sees
const BOX = 20; // of what the digit is fitted into
export const BOARD = 280; // of what is drawn on
const PEN = 24;
const KEY_STEP = 8 / BOARD;
const SOON_MS = 500; // in which probabilities of another image may stay

/** The smallest box {top, left, height, width} that holds all the ink; null without ink. */
export function bounds(ink, width) {
  let [top, bottom, left, right] = [Infinity, -1, width, -1];
  for (let at = 0; at < ink.length; at++) {
    if (!(ink[at] > 0)) continue;
    const [i, j] = [Math.floor(at / width), at % width];
    [top, bottom] = [Math.min(top, i), i];
    [left, right] = [Math.min(left, j), Math.max(right, j)];
  }
  return bottom < 0 ? null : { top, left, height: bottom - top + 1, width: right - left + 1 };
}

/** For each of m cells laid over n cells: the [cell, share] that it covers, shares adding up to 1. */
export const shares = (n, m) => Array.from({ length: m }, (_, i) => {
  const [start, end] = [(i * n) / m, ((i + 1) * n) / m];
  const covered = [];
  for (let cell = Math.floor(start); cell < end && cell < n; cell++) {
    covered.push([cell, ((Math.min(end, cell + 1) - Math.max(start, cell)) * m) / n]);
  }
  return covered;
});

/** The box resampled to height x width, as rows; each new pixel is the mean over the area that it covers. */
function resample(ink, stride, box, height, width) {
  const across = shares(box.width, width);
  const rows = Array.from({ length: box.height }, (_, i) => {
    const start = (box.top + i) * stride + box.left;
    return across.map((cells) => cells.reduce((sum, [j, share]) => sum + share * ink[start + j], 0));
  });
  return shares(box.height, height).map((cells) =>
    across.map((_, j) => cells.reduce((sum, [i, share]) => sum + share * rows[i][j], 0)));
}

/** Where a line of weights starts among 28 so that their centre of mass comes to 14, where MNIST's is. */
function startOf(weights) {
  const total = weights.reduce((sum, x) => sum + x, 0);
  const centre = weights.reduce((sum, x, i) => sum + x * i, 0) / total;
  return clamp(Math.round(SIDE / 2 - centre), 0, SIDE - weights.length);
}

/** The 28 x 28 bytes for this ink (0 to 1, row after row), prepared as MNIST's digits were. */
export function prepare(ink, stride) {
  const image = new Uint8Array(SIDE * SIDE);
  const box = bounds(ink, stride);
  if (!box) return image;
  const scale = BOX / Math.max(box.height, box.width);
  const [height, width] = [box.height, box.width].map((side) => Math.max(1, Math.round(side * scale)));
  const digit = resample(ink, stride, box, height, width);
  const top = startOf(digit.map((row) => row.reduce((sum, x) => sum + x, 0)));
  const left = startOf(digit[0].map((_, j) => digit.reduce((sum, row) => sum + row[j], 0)));
  digit.forEach((row, i) => row.forEach((x, j) => {
    image[(top + i) * SIDE + left + j] = Math.round(255 * Math.min(x, 1));
  }));
  return image;
}

export const percent = (p) => (p > 0 && p < 0.0005 ? "< 0.1 %" : `${(100 * p).toFixed(1)} %`);

/** What a row of feature maps is, in words. */
export function caption({ name, channels, height, width, limit }, shown) {
  const which = channels === 1 ? "1 map" : shown === channels ? `${channels} maps` : `the first ${shown} of ${channels} maps`;
  return `${name}: ${which} of ${height} × ${width}, blue below 0, white at 0, orange up to ${Number(limit.toPrecision(2))}`;
}

const isPicture = (mark) => mark instanceof Uint8Array;

/** Grey bytes on a canvas of their own. */
function paintBytes(canvas, bytes) {
  const picture = new ImageData(SIDE, SIDE);
  bytes.forEach((x, at) => picture.data.set([x, x, x, 255], 4 * at));
  canvas.getContext("2d").putImageData(picture, 0, 0);
}

/** All marks on the board, white on black. */
function paintMarks(context, marks) {
  context.fillStyle = "#000";
  context.fillRect(0, 0, BOARD, BOARD);
  Object.assign(context, { strokeStyle: "#fff", lineWidth: PEN, lineCap: "round", lineJoin: "round" });
  context.imageSmoothingEnabled = false;
  for (const mark of marks) {
    if (isPicture(mark)) {
      const small = element("canvas", { width: SIDE, height: SIDE });
      paintBytes(small, mark);
      context.drawImage(small, 0, 0, BOARD, BOARD);
    } else {
      context.beginPath();
      context.moveTo(...mark[0]);
      for (const point of mark) context.lineTo(...point);
      context.stroke();
    }
  }
}

const bytesOf = (view) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice();

function render({ model, el }) {
  let marks = [];
  let stroke = null; // the last one of the pen
  let sent = null;
  let asked = null;
  let late = null;

  const board = element("canvas", {
    class: "cl-board", width: BOARD, height: BOARD, tabindex: 0, role: "application",
    "aria-label": "board: draw with the mouse or a finger, or move the pen with the arrow keys; " +
      "Space puts it down and up",
  });
  const context = board.getContext("2d", { willReadFrequently: true });
  const seen = element("canvas", {
    class: "cl-digit-seen", width: SIDE, height: SIDE, role: "img", "aria-label": "the 28 × 28 pixels the model sees",
  });
  const undo = button("Undo", () => redraw(marks.slice(0, -1)));
  const clear = button("Clear", () => redraw([]));
  const bars = element("ol", { class: "cl-digit-bars", "aria-label": "probabilities" });
  const maps = element("div", { class: "cl-digit-maps", role: "group", "aria-label": "feature maps" });
  const rows = [];
  const warning = element("p", { class: "cl-warning" });
  const words = element("p");
  const live = announcer();
  const onBoard = (point) => point.map((x) => x * BOARD);
  const { node: nib, lift } = pen(board, KEY_STEP, {
    pressed(point) {
      stroke = [onBoard(point)];
      redraw([...marks, stroke]);
    },
    moved(point) {
      stroke.push(onBoard(point));
      redraw(marks);
    },
    said: live.say,
  });
  const panel = (title, ...nodes) => element("div", { class: "cl-digit-panel" }, element("b", {}, title), ...nodes);
  const root = mount(el, "digit", "Draw a digit",
    element("div", { class: "cl-digit-panels" },
      panel("Draw", element("div", { class: "cl-digit-frame" }, board, nib),
        element("div", { class: "cl-digit-buttons" }, undo, clear)),
      panel("What the model sees", seen, element("p", {}, "28 × 28, fitted and centred as MNIST's digits are")),
      panel("Probabilities", bars)),
    maps, warning, words,
    element("p", {}, "With the keyboard: the arrow keys move the pen, Space puts it down and up, Ctrl+Z undoes."), live.node);

  /** Show other marks, and send what they look like to the model. */
  function redraw(next) {
    marks = next;
    if (!marks.includes(stroke)) lift();
    asked ??= requestAnimationFrame(send);
  }

  function send() {
    asked = null;
    drawBoard();
    const { data } = context.getImageData(0, 0, BOARD, BOARD);
    const ink = new Float64Array(BOARD * BOARD);
    for (let at = 0; at < ink.length; at++) ink[at] = data[4 * at] / 255;
    sent = marks.length === 1 && isPicture(marks[0]) ? marks[0] : prepare(ink, BOARD);
    model.set("image", new DataView(sent.slice().buffer));
    model.save_changes(); // at once: who draws sees the answer change
  }

  function drawBoard() {
    paintMarks(context, marks);
    for (const node of [undo, clear]) node.setAttribute("aria-disabled", !marks.length);
  }

  board.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.key !== "z") return;
    event.preventDefault();
    event.stopPropagation();
    undo.click();
  });

  /** The image of the model: what was sent from here, or another that replaces the drawing. */
  function drawImage() {
    const image = bytesOf(model.get("image"));
    paintBytes(seen, image);
    drawWaiting();
    if (sent && image.every((x, n) => x === sent[n])) return;
    sent = image;
    lift();
    marks = image.some(Boolean) ? [image] : [];
    drawBoard();
  }

  /** Probabilities of another image disappear, unless they are replaced soon. */
  function drawWaiting() {
    clearTimeout(late);
    root.classList.remove("cl-digit-waiting");
    const answered = bytesOf(model.get("_answer").image);
    const waits = bytesOf(model.get("image")).some((x, n) => x !== answered[n]);
    if (waits) late = setTimeout(() => root.classList.add("cl-digit-waiting"), SOON_MS);
  }

  /** The canvases of row n of feature maps, made where there are none yet. */
  function rowOf(n, count) {
    rows[n] ??= { title: element("figcaption"), pictures: element("div", { class: "cl-digit-row" }), canvases: [] };
    const { title, pictures, canvases } = rows[n];
    rows[n].node ??= element("figure", {}, title, pictures);
    while (canvases.length < count) canvases.push(element("canvas", { role: "img" }));
    arrange(pictures, canvases.slice(0, count));
    return rows[n];
  }

  function drawMaps() {
    const layers = model.get("_answer").maps;
    maps.hidden = !layers.length;
    arrange(maps, layers.map((layer, n) => {
      const { pixels, height, width, name } = layer;
      const count = pixels.byteLength / (height * width);
      const { node, title, canvases } = rowOf(n, count);
      write(title, caption(layer, count));
      range(count).forEach((q) => {
        const bytes = new Int8Array(pixels.buffer, pixels.byteOffset + q * height * width, height * width);
        paint(canvases[q], width, bytes, DIVERGING, 127);
        write(canvases[q], `map ${q} of ${name}`, "aria-label");
      });
      return node;
    }));
  }

  function drawAnswer() {
    drawMaps();
    const { probabilities, error } = model.get("_answer");
    drawWaiting();
    const most = probabilities.indexOf(Math.max(...probabilities));
    bars.replaceChildren(...probabilities.map((p, digit) => {
      const row = element("li", digit === most ? { class: "cl-digit-most" } : {}, element("span", {}, String(digit)),
        element("span", { class: "cl-digit-track", "aria-hidden": "true" }, element("span", { class: "cl-digit-bar" })),
        element("span", { class: "cl-digit-percent" }, percent(p)));
      row.style.setProperty("--part", p);
      return row;
    }));
    warning.textContent = error;
    words.textContent = marks.length || error ? "" : "Nothing drawn yet: even to a black image, the model gives an answer.";
    live.say(error || `class ${most} with ${percent(probabilities[most])}`);
  }

  model.on("change:image", drawImage);
  model.on("change:_answer", drawAnswer);
  drawImage();
  drawBoard();
  drawAnswer();
  return () => {
    model.off("change:image", drawImage);
    model.off("change:_answer", drawAnswer);
    cancelAnimationFrame(asked);
    clearTimeout(late);
    live.stop();
  };
}

export default { render };
