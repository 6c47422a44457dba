import assert from "node:assert/strict";
import { test } from "node:test";

import { ALL, BY_CLASS, chosen, neighbour, pairs, percent } from "../../course/convlab/widgets/mistake_browser.js";

const mistakes = [[8, 4, 9], [3, 9, 4], [5, 4, 9], [1, 2, 7], [6, 9, 4], [0, 4, 9]]
  .map(([index, truth, guess]) => ({ index, truth, guess }));

test("pairs of classes come with the most frequent first, and 4 for 9 is not 9 for 4", () => {
  assert.deepEqual(pairs(mistakes), [["4-9", 4, 9, 3], ["9-4", 9, 4, 2], ["2-7", 2, 7, 1]]);
  assert.deepEqual(pairs([]), []);
});

test("a pair is chosen in the order of confidence", () => {
  assert.deepEqual(chosen(mistakes, "4-9").map(({ index }) => index), [8, 5, 0]);
  assert.equal(chosen(mistakes, ALL).length, 6);
  assert.deepEqual(chosen(mistakes, BY_CLASS).map(({ index }) => index), [1, 8, 5, 0, 3, 6]);
});

test("neighbours stay within the list, and a stranger leads to its start", () => {
  const list = chosen(mistakes, "4-9");
  assert.deepEqual([neighbour(list, 8, 1), neighbour(list, 5, -1), neighbour(list, 0, 1), neighbour(list, 8, -1)], [5, 8, 0, 8]);
  assert.equal(neighbour(list, 3, 1), 8);
});

test("percentages are rounded neither to certain nor to nothing", () => {
  assert.deepEqual([0.99999, 0.00001, 0.5].map(percent), ["> 99.9 %", "< 0.1 %", "50.0 %"]);
});
