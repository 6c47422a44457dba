import assert from "node:assert/strict";
import { test } from "node:test";

import * as lab from "../../course/convlab/widgets/kernel_lab.js";

const {
  colour, correlate, drawn, fitted, format, greys, isSigned, misfit, pad, PRESETS, presetOf, reach, resize,
} = lab;

/** As the page goes about it. */
const filter = (picture, weight, mode) =>
  misfit(picture, weight.length, mode) ? null : correlate(pad(picture, weight.length >> 1, mode), weight);
const { SIZES, total } = lab;

const row = (...values) => ({ height: 1, width: values.length, values });
const identity = PRESETS.identity(3);

test("each padding mode fills the border in its own way", () => {
  const square = { height: 3, width: 3, values: [1, 2, 3, 4, 5, 6, 7, 8, 9] };
  const padded = (mode) => [...pad(square, 2, mode).values].slice(14, 21);
  assert.deepEqual(padded("zeros"), [0, 0, 1, 2, 3, 0, 0]);
  assert.deepEqual(padded("reflect"), [3, 2, 1, 2, 3, 2, 1]);
  assert.deepEqual(padded("replicate"), [1, 1, 1, 2, 3, 3, 3]);
  assert.deepEqual(padded("circular"), [2, 3, 1, 2, 3, 1, 2]);
});

test("a border that the picture is too small for is refused with a sentence, and nothing loops for ever", () => {
  assert.equal(filter(row(1, 2, 3), identity, "reflect"), null);
  assert.match(misfit(row(1, 2, 3), 3, "reflect"), /^reflect needs a photo of at least 2x2 pixels for a 3x3 ker/);
  assert.equal(filter(row(1, 2, 3), PRESETS.identity(5), "circular"), null);
  assert.deepEqual([...filter(row(1, 2, 3), identity, "circular").values], [1, 2, 3]);
  assert.deepEqual([...filter(row(1), PRESETS.identity(7), "replicate").values], [1]);
});

test("presets keep the brightness, answer 1 to a step, or are the tutorial's", () => {
  for (const k of SIZES) {
    for (const [name, preset] of Object.entries(PRESETS)) {
      assert.ok(Math.abs(total(preset(k)) - Number(!name.includes("edges"))) < 1e-12, name);
    }
    const bright = total(PRESETS["horizontal edges"](k).map((weights) => weights.map((x) => Math.max(x, 0))));
    assert.ok(Math.abs(bright - 1) < 1e-12);
  }
  assert.deepEqual(PRESETS["edges of 1 and -1"](3), [[1, 1, 1], [0, 0, 0], [-1, -1, -1]]);
  assert.deepEqual(PRESETS.emboss(3), [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]]);
});

test("presets are recognised, float32 or not, and keep their name at another size", () => {
  for (const name of Object.keys(PRESETS)) {
    for (const k of SIZES) {
      assert.equal(presetOf(PRESETS[name](k)), name);
      assert.equal(presetOf(PRESETS[name](k).map((weights) => weights.map(Math.fround))), name);
      assert.equal(presetOf(resize(PRESETS[name](k), 5)), name);
    }
  }
  const own = [[1, 2, 3], [4, 5, 6], [7, 8, 9]];
  assert.equal(presetOf(own), undefined);
  assert.deepEqual(resize(own, 5)[1], [0, 1, 2, 3, 0]);
  assert.deepEqual(resize(resize(own, 7), 3), own);
});

test("outputs of kernels that add up to 0 have both signs", () => {
  assert.equal(isSigned(PRESETS["vertical edges"](7).map((weights) => weights.map(Math.fround))), true);
  assert.equal(isSigned(PRESETS.sharpen(3)), false);
  assert.equal(isSigned([[0, 0, 0], [0, 0, 0], [0, 0, 0]]), true);
});

test("colours are centred at zero where there is a limit, grey where there is none", () => {
  assert.deepEqual(colour(0, 4), [255, 255, 255]);
  assert.deepEqual(colour(-4, 4), colour(-9, 4));
  assert.deepEqual(colour(4, 4), [238, 142, 48]);
  assert.deepEqual([colour(-1), colour(0.2), colour(7)], [[0, 0, 0], [51, 51, 51], [255, 255, 255]]);
  assert.deepEqual([reach([-0.3, 0.1]), reach([0, 3]), reach([0, 0])], [0.5, 4, 1]);
});

test("numbers are short", () => {
  assert.deepEqual([1 / 9, -0, 2e6].map(format), ["0.111", "0", "2.0e6"]);
});

test("a picture from a file gets the size and the greys that Python would give it", () => {
  assert.deepEqual([fitted(100, 128), fitted(85, 300), fitted(600, 1)], [[100, 128], [36, 128], [128, 1]]);
  assert.deepEqual([...greys([0, 0, 0, 255, 255, 255, 255, 255, 10, 20, 31, 255])], [0, 255, 20]);
});

test("a line is white, three pixels wide, and leaves the rest alone", () => {
  const bytes = Uint8Array.from({ length: 70 }, () => 7);
  const rows = (result) =>
    Array.from({ length: 7 }, (_, i) => result.slice(10 * i, 10 * i + 10).filter((x) => x === 255).length);
  assert.deepEqual(rows(drawn(bytes, 10, [2.5, 3.5], [6.5, 3.5])), [0, 0, 7, 7, 7, 0, 0]);
  assert.deepEqual(rows(drawn(bytes, 10, [0, 0], [0, 0])), [1, 0, 0, 0, 0, 0, 0]);
  assert.ok(bytes.every((x) => x === 7));
});
