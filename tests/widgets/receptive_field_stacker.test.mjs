import assert from "node:assert/strict";
import { test } from "node:test";

import * as stacker from "../../course/convlab/widgets/receptive_field_stacker.js";

const { centre, codeLine, field, fields, impossible, needs, NEW, NUMBERS } = stacker;

const seed = [NEW.conv, NEW.pool, NEW.conv, NEW.pool, NEW.conv, NEW.pool];

test("without layers a cell sees itself", () => {
  assert.deepEqual(fields([], 8), [{ size: 1, jump: 1, start: 0, cells: 8 }]);
  assert.deepEqual(needs([], 8, 3), [[3]]);
});

test("three times convolution and pooling see 22 cells, 8 apart, from -7 on", () => {
  const lines = fields(seed, 32);
  assert.deepEqual(lines.map(({ size }) => size), [1, 3, 4, 8, 10, 18, 22]);
  assert.deepEqual(lines.at(-1), { size: 22, jump: 8, start: -7, cells: 4 });
  assert.deepEqual(field(lines.at(-1), 2), [9, 30]);
});

test("a stride counts for the layers after it, not for its own", () => {
  assert.equal(fields([["conv", 3, 2, 0, 1]], 32).at(-1).size, 3);
  assert.equal(fields([["conv", 3, 2, 0, 1], ["conv", 3, 1, 0, 1]], 32).at(-1).size, 7);
});

test("a dilated layer needs every second cell and leaves gaps", () => {
  assert.deepEqual(needs([["conv", 3, 1, 0, 2]], 9, 1), [[1, 3, 5], [1]]);
});

test("padding is needed, but comes from nowhere", () => {
  const levels = needs([["conv", 3, 1, 1, 1], ["conv", 3, 1, 1, 1]], 8, 0);
  assert.deepEqual(levels, [[-1, 0, 1, 2], [-1, 0, 1], [0]]);
});

test("a window without a place is explained", () => {
  assert.equal(impossible(seed, 32), null);
  assert.equal(impossible([["pool", 4, 4, 0, 1], ["conv", 5, 1, 1, 1]], 8),
    "Layer 2 finds no place: its window spans 5 cells, and it gets 2 and 2 of padding.");
  assert.deepEqual(fields([["conv", 9, 1, 0, 1], NEW.conv], 8).map(({ cells }) => cells), [8, 0, 0]);
});

test("a cell is drawn over the middle of what it sees", () => {
  const line = fields([["pool", 2, 2, 0, 1]], 8).at(-1);
  assert.equal(centre(line, 0), 0.5);
  assert.equal(centre(line, 3), 6.5);
});

test("new layers are within the ranges of the controls, and the line of Python names their numbers", () => {
  for (const [, ...numbers] of Object.values(NEW)) {
    numbers.forEach((x, at) => assert.ok(NUMBERS[at].min <= x && x <= NUMBERS[at].max));
  }
  assert.equal(codeLine([NEW.conv, NEW.pool]), "receptive_field([(3, 1, 1, 1), (2, 2, 0, 1)])");
});
