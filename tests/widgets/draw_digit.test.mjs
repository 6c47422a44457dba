import assert from "node:assert/strict";
import { test } from "node:test";

import { bounds, caption, percent, prepare, shares, SIDE } from "../../course/convlab/widgets/draw_digit.js";

/** Ink on a board of n x n wherever `isInk(i, j)`. */
const board = (n, isInk) => Array.from({ length: n * n }, (_, at) => Number(isInk(Math.floor(at / n), at % n)));

const inkOf = (image) => bounds(image, SIDE);

test("the bounds hold all the ink, however faint", () => {
  assert.equal(bounds(board(9, () => false), 9), null);
  const ink = board(9, (i, j) => i === 2 && j > 3 && j < 7);
  ink[9 * 5 + 4] = 0.01;
  assert.deepEqual(bounds(ink, 9), { top: 2, left: 4, height: 4, width: 3 });
});

test("shares cover each cell once, whether there become more cells or fewer", () => {
  assert.deepEqual(shares(4, 2), [[[0, 0.5], [1, 0.5]], [[2, 0.5], [3, 0.5]]]);
  assert.deepEqual(shares(1, 2), [[[0, 1]], [[0, 1]]]);
  for (const [n, m] of [[7, 20], [20, 7], [280, 20], [3, 3], [219, 20]]) {
    const covered = Array(n).fill(0);
    for (const cells of shares(n, m)) {
      assert.ok(Math.abs(cells.reduce((sum, [, share]) => sum + share, 0) - 1) < 1e-9);
      for (const [cell, share] of cells) covered[cell] += (share * n) / m;
    }
    covered.forEach((sum) => assert.ok(Math.abs(sum - 1) < 1e-9, `${n} to ${m}`));
  }
});

test("nothing drawn is black", () => {
  assert.ok(prepare(board(280, () => false), 280).every((x) => x === 0));
});

test("a bar becomes 20 high and keeps its proportions, wherever and however large it was drawn", () => {
  const bar = (top, left, size) => prepare(board(280, (i, j) =>
    i >= top && i < top + 10 * size && j >= left && j < left + 2 * size), 280);
  const image = bar(40, 40, 20);
  assert.deepEqual(inkOf(image), { top: 5, left: 13, height: 20, width: 4 });
  assert.deepEqual(bar(150, 200, 10), image);
  assert.equal(Math.max(...image), 255);
});

test("the centre of mass is in the middle, and not that of the box", () => {
  const isInk = (i, j) => i >= 40 && j >= 40 && i < 240 && j < 240 && (i < 60 || Math.abs(j - 140) < 40);
  const image = prepare(board(280, isInk), 280);
  const total = image.reduce((sum, x) => sum + x, 0);
  const row = image.reduce((sum, x, at) => sum + x * Math.floor(at / SIDE), 0) / total;
  assert.ok(Math.abs(row - 14) <= 0.5);
  assert.deepEqual(inkOf(image), { top: 6, left: 4, height: 20, width: 20 });
});

test("a line of one pixel is kept", () => {
  const image = prepare(board(280, (i, j) => i === 7 && j > 30 && j < 250), 280);
  assert.deepEqual([inkOf(image).height, inkOf(image).width], [1, 20]);
});

test("percentages are never rounded to nothing", () => {
  assert.deepEqual([0, 0.0004, 0.123, 1].map(percent), ["0.0 %", "< 0.1 %", "12.3 %", "100.0 %"]);
});

test("a row of feature maps says how many of them it shows, and how large", () => {
  const layer = { name: "pool", channels: 20, height: 6, width: 7, limit: 0.5123 };
  assert.match(caption(layer, 12), /^pool: the first 12 of 20 maps of 6 × 7, .* up to 0.51$/);
  assert.match(caption({ ...layer, channels: 2 }, 2), /^pool: 2 maps of/);
  assert.match(caption({ ...layer, channels: 1 }, 1), /^pool: 1 map of/);
});
