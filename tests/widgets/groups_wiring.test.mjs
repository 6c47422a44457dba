import assert from "node:assert/strict";
import { test } from "node:test";

import * as groups from "../../course/convlab/widgets/groups_wiring.js";

const { codeLines, cost, fits, layers, listed, order, parsed, problem, reads, told, wiring } = groups;

const start = {
  in_channels: 8, out_channels: 4, groups: 2, kernel_size: 3, side: 10, two_layers: false, shuffle: false,
};
const row = (text) => [...text].map((c) => c === "1");

test("groups are blocks of neighbours", () => {
  assert.deepEqual(reads(4, 2, 2), [row("1100"), row("0011")]);
  assert.deepEqual(reads(2, 4, 2), [row("10"), row("10"), row("01"), row("01")]);
});

test("a second layer with the same groups mixes nothing, a shuffle mixes all", () => {
  const two = { ...start, out_channels: 8, two_layers: true };
  assert.deepEqual(wiring(two), reads(8, 8, 2));
  assert.ok(wiring({ ...two, shuffle: true }).flat().every(Boolean));
  assert.deepEqual(layers(two).length, 2);
});

test("the shuffle takes one channel from each group in turn", () => {
  assert.deepEqual(order(6, 2), [0, 3, 1, 4, 2, 5]);
  assert.deepEqual(order(6, 3), [0, 2, 4, 1, 3, 5]);
  assert.deepEqual(order(5, 1), [0, 1, 2, 3, 4]);
});

test("cost of one layer and of two", () => {
  assert.deepEqual(cost(start), { shapes: [[4, 4, 3, 3]], parameters: 148, macs: 14400 });
  const two = cost({ ...start, two_layers: true });
  assert.deepEqual(two, { shapes: [[4, 4, 3, 3], [4, 2, 3, 3]], parameters: 148 + 76, macs: 21600 });
});

test("what does not divide says so, the inputs first, and names what would fit", () => {
  assert.equal(problem(start), "");
  assert.equal(problem({ ...start, groups: 3 }), "groups=3 does not divide in_channels=8");
  assert.equal(problem({ ...start, groups: 8 }), "groups=8 does not divide out_channels=4");
  assert.deepEqual(fits(start), [1, 2, 4]);
});

test("words for a channel", () => {
  assert.equal(told("out", 3, start), "Output 3 hears inputs 4 to 7: 4 of 8.");
  assert.equal(told("in", 3, start), "Input 3 reaches outputs 0, 1: 2 of 4.");
  assert.equal(told("out", 1, { ...start, in_channels: 4, groups: 4 }), "Output 1 hears input 1: 1 of 4.");
  assert.equal(listed([0, 2, 5]), "s 0, 2, 5");
});

test("a chosen channel that is not there counts as none", () => {
  assert.deepEqual(parsed("in 7", start), ["in", 7]);
  assert.equal(parsed("out 7", start), null);
  assert.equal(parsed("", start), null);
});

test("the line of Python leaves out what is the default", () => {
  assert.deepEqual(codeLines(start), ["nn.Conv2d(8, 4, 3, padding=1, groups=2)"]);
  assert.deepEqual(codeLines({ ...start, groups: 1, kernel_size: 1, two_layers: true }),
    ["nn.Conv2d(8, 4, 1)", "nn.Conv2d(4, 4, 1)"]);
  assert.equal(codeLines({ ...start, two_layers: true, shuffle: true })[1], "nn.ChannelShuffle(2)");
});
