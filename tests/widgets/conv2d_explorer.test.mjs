import assert from "node:assert/strict";
import { test } from "node:test";

import { build } from "../../course/convlab/widgets/base.js";
import * as explorer from "../../course/convlab/widgets/conv2d_explorer.js";

const {
  codeLine, conv2d, format, misfit, pad, PLAIN, PRESETS, presetOf, products, resize, rotate, sides,
  sizeFormula, stateOf, stateString, tagText, unusedAlong, unusedSentence, users,
} = explorer;

const square = build(5, 5, (i, j) => Number(i % 4 > 0 && j % 4 > 0));
const laplacian = build(3, 3, PRESETS.Laplacian);

test("the Laplacian of a square answers at its edges and not in its middle", () => {
  assert.deepEqual(conv2d(square, laplacian), [[5, 3, 5], [3, 0, 3], [5, 3, 5]]);
});

test("flip rotates the kernel by 180 degrees", () => {
  assert.deepEqual(rotate([[1, 2, 3], [4, 5, 6]]), [[6, 5, 4], [3, 2, 1]]);
  assert.deepEqual(conv2d([[1, 0]], [[2, 3]]), [[2]]);
  assert.deepEqual(conv2d([[1, 0]], [[2, 3]], true), [[3]]);
});

test("a kernel that does not fit gives null and a sentence", () => {
  assert.equal(conv2d([[1, 2]], [[1], [1]]), null);
  assert.match(misfit([[1, 2]], [[1], [1]]), /^a 2x1 kernel does not fit into a 1x2 input: /);
  assert.equal(misfit([[1, 2]], [[1, 1]]), "");
});

test("products pair each weight with the input under it", () => {
  assert.deepEqual(products([[1, 2, 3]], [[8, 9]], 0, 1), [[{ weight: 8, value: 2 }, { weight: 9, value: 3 }]]);
});

test("users are exactly the outputs whose window covers the input", () => {
  const [weight, [h, w]] = [build(2, 3, () => 1), [4, 3]];
  for (let i = 0; i < 5; i++) {
    for (let j = 0; j < 5; j++) {
      const { rows, columns } = users(square, weight, i, j);
      const found = build(h, w, (r, c) => rows.includes(r) && columns.includes(c));
      assert.deepEqual(found, build(h, w, (r, c) => r <= i && i < r + 2 && c <= j && j < c + 3), `${i}, ${j}`);
    }
  }
});

const set = (changes) => ({ ...PLAIN, ...changes });
const ones = (h, w) => build(h, w, () => 1);

test("padding cells have users too", () => {
  const padded = set({ padding: [1, 1], stride: [2, 2] });
  assert.deepEqual(users(square, laplacian, -1, 1, padded), { rows: [0], columns: [0, 1] });
  assert.deepEqual(users(square, laplacian, 5, 5, padded), { rows: [2], columns: [2] });
});

test("products of a window in the padding meet zeros, and a dilated kernel skips cells", () => {
  const row = [[1, 2, 3, 4, 5]];
  const met = (j, changes) =>
    products(pad(row, set(changes)), [[1, 1]], 0, j, set(changes))[0].map(({ value }) => value);
  assert.deepEqual(met(0, { padding: [0, 1] }), [0, 1]);
  assert.deepEqual(met(1, { dilation: [1, 3] }), [2, 5]);
  assert.deepEqual(met(1, { stride: [1, 2] }), [3, 4]);
});

test("channels are summed, filters are not", () => {
  const input = [[[1, 2]], [[3, 4]]];
  assert.deepEqual(conv2d(input, [[[[1]], [[10]]], [[[0]], [[1]]]]), [[[31, 42]], [[3, 4]]]);
  assert.deepEqual(conv2d([[1, 2]], [[[[1]]], [[[2]]]]), [[[1, 2]], [[2, 4]]]);
  assert.equal(conv2d(input, [[1]]), null);
  assert.match(misfit(input, [[1]]), /the input has 2, but each filter of the weight is made for 1/);
});

test("a misfit shows its numbers, once for rows and columns if they are the same", () => {
  const dilated = set({ dilation: [3, 3], padding: [1, 1] });
  assert.match(misfit(ones(4, 4), laplacian, dilated),
    /with dilation 3 it covers 3·\(3 - 1\) \+ 1 = 7 rows and columns, but .* has only 4 \+ 2·1 = 6\. /);
  assert.match(misfit(ones(4, 3), laplacian, dilated), / = 7 rows, .* = 6; with dilation 3 .* = 7 columns, .* = 5\./);
  assert.doesNotMatch(misfit(ones(4, 5), laplacian, dilated), /columns/);
});

test("what the windows leave out is found and said", () => {
  const said = (input, weight, changes) => unusedSentence(input, weight, set(changes));
  const end = ": one more step and the kernel would stick out.";
  assert.equal(said(square, laplacian, {}), "");
  assert.equal(said(ones(5, 6), laplacian, { stride: [2, 2] }), `Stride 2 leaves the last column unused${end}`);
  assert.equal(said(ones(6, 6), laplacian, { stride: [2, 2] }), `Stride 2 leaves the last row and column unused${end}`);
  assert.equal(said(ones(6, 8), laplacian, { stride: [2, 3] }),
    `Stride (2, 3) leaves the last row and 2 columns unused${end}`);
  assert.equal(said(ones(8, 8), laplacian, { stride: [2, 2], padding: [1, 1] }),
    `Stride 2 leaves the last row and column of the padding unused${end}`);
  assert.equal(said(ones(5, 8), laplacian, { stride: [1, 4], padding: [0, 1] }),
    `Stride 4 leaves the last 2 columns (and the padding behind) unused${end} No kernel number ever lies on column 2.`);
  assert.equal(said(ones(3, 4), [[1, 1]], { dilation: [1, 3] }), "No kernel number ever lies on columns 1 and 2.");
  assert.equal(said(ones(1, 1), laplacian, {}), "");
});

test("padding that no window uses has negative indices or lies behind the input", () => {
  const [height, width] = sides(ones(3, 4), ones(1, 2), set({ padding: [2, 1], stride: [3, 3] }));
  assert.deepEqual(unusedAlong(height), [-1, 0, 2, 3]);
  assert.deepEqual(unusedAlong(width), [1, 4]);
});

test("the size formula is short, or long with every number", () => {
  const formula = (changes, short) => sizeFormula(sides(square, laplacian, set(changes))[0], short);
  assert.equal(formula({}, true), "5 - 3 + 1 = 3");
  assert.equal(formula({ stride: [2, 2], padding: [1, 1] }, false),
    "floor((5 + 2·1 - 1·(3 - 1) - 1) / 2) + 1 = floor(4 / 2) + 1 = 3");
});

test("the line of PyTorch names the settings that can be seen", () => {
  assert.equal(codeLine([[1]], [[1]], false, PLAIN, true),
    "F.conv2d(input.view(1, 1, 1, 1), weight.view(1, 1, 1, 1))  # shape (1, 1, 1, 1)");
  assert.equal(codeLine([square], [[laplacian]], true, set({ stride: [2, 1] })),
    "F.conv2d(input, weight.flip(2, 3), stride=(2, 1), padding=0, dilation=1)  # shape (1, 2, 3)");
});

test("channels are resized and rotated plane by plane", () => {
  assert.deepEqual(resize([[[1, 2]], [[3, 4]]], 2, 1), [[[1], [0]], [[3], [0]]]);
  assert.deepEqual(rotate([[[[1, 2]]]]), [[[[2, 1]]]]);
});

test("resize keeps what fits and fills with 0", () => {
  assert.deepEqual(resize([[1, 2], [3, 4]], 1, 3), [[1, 2, 0]]);
});

test("presets have the kernel's size and are recognised, float32 or not", () => {
  for (const name of Object.keys(PRESETS)) {
    const weight = build(3, 5, PRESETS[name]);
    assert.equal(presetOf(weight), name);
    assert.equal(presetOf(weight.map((row) => row.map(Math.fround))), name);
  }
  assert.equal(presetOf([[1, 2], [3, 4]]), undefined);
  assert.equal(presetOf(laplacian, laplacian), "Laplacian");
  assert.equal(presetOf(laplacian, rotate([[1, 2], [3, 4]])), undefined);
  assert.deepEqual(build(2, 3, PRESETS["letter L"]), [[1, 0, 0], [1, 1, 1]]);
});

test("numbers are short and never -0", () => {
  assert.deepEqual([1 / 9, -0, -0.0001, 12, 2e6].map((x) => format(x)), ["0.111", "0", "0", "12", "2.0e6"]);
});

test("a copy in the padding counts as a use of the cell that it copies", () => {
  const mirrored = set({ padding: [0, 2], padding_mode: "reflect" });
  assert.deepEqual(pad([[1, 2, 3]], mirrored), [[3, 2, 1, 2, 3, 2, 1]]);
  assert.deepEqual(users([[1, 2, 3]], [[1]], 0, 1, mirrored), { rows: [0], columns: [1, 3, 5] });
  assert.deepEqual(users([[1, 2, 3]], [[1]], 0, -1, mirrored), { rows: [0], columns: [1] });
});

test("a group of filters reads its own channels, and the bias is added", () => {
  const input = [[[1]], [[2]], [[3]], [[4]]];
  const weight = [[[[1]], [[1]]], [[[10]], [[1]]]];
  assert.deepEqual(conv2d(input, weight, false, set({ groups: 2, bias: [0, 0.5] })), [[[3]], [[34.5]]]);
  assert.match(misfit(input, weight, set({ groups: 3 })), /^3 groups cannot share 4 channels of the input evenly\./);
});

test("a state in one line leaves out what is as always, and nonsense gives no state", () => {
  const state = stateOf(" conv2d?input=[[1,2]]&weight=[[3]]&stride=[1,2]\n");
  assert.deepEqual([state.input, state.stride, state.groups], [[[1, 2]], [1, 2], 1]);
  assert.equal(stateString(state), "conv2d?input=[[1,2]]&weight=[[3]]&stride=[1,2]");
  for (const part of ["stride=[0,1]", "groups=5", 'padding_mode="same"', "flip=1", "bias=[]", "x=1", "filter=-1"]) {
    assert.equal(stateOf(`conv2d?input=[[1,2]]&weight=[[3]]&${part}`), null, part);
  }
  for (const text of ["", "conv2d", "conv2d?input=[[1]]", "conv2d?input=[[1],[1,2]]&weight=[[1]]"]) {
    assert.equal(stateOf(text), null, text);
  }
});

test("a weight in a cell is short and keeps its value", () => {
  assert.deepEqual([0.5, -0.25, 10.5, -20.5, 0, 1].map((x) => tagText(x, 2)), ["×.5", "×-.25", "×10.5", "×-20.5", "×0", "×1"]);
});
