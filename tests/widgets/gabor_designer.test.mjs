import assert from "node:assert/strict";
import { test } from "node:test";

import * as designer from "../../course/convlab/widgets/gabor_designer.js";

const { bank, codeLine, correlate, format, gabor, held, loudness, normalise, shown, SLIDERS } = designer;

const plain = { size: 3, sigma: 1, theta: 0, lambd: 4, psi: Math.PI / 2, gamma: 1, n: 4, normalised: false };
const near = (a, b) => assert.ok(Math.abs(a - b) < 1e-12, `${a} is not ${b}`);

test("x runs to the right: at angle 0 the kernel changes along its rows and not along its columns", () => {
  const kernel = gabor(plain);
  kernel.forEach((row) => [0, 1, 2].forEach((j) => near(row[j], [1, 0, -1][j] * Math.abs(row[0]))));
  near(kernel[1][0], Math.exp(-0.5));
  near(kernel[0][0], Math.exp(-1));
});

test("y runs down: at angle 90 the first row is positive", () => {
  const kernel = gabor({ ...plain, theta: Math.PI / 2 });
  assert.ok(kernel[0][1] > 0 && kernel[2][1] < 0);
});

test("a normalised kernel has mean 0 and norm 1, and a flat one is zero and not NaN", () => {
  const all = gabor({ ...plain, size: 8, psi: 0.3, normalised: true }).flat();
  near(all.reduce((sum, x) => sum + x, 0), 0);
  near(Math.hypot(...all), 1);
  assert.deepEqual(normalise([[2, 2], [2, 2]]), [[0, 0], [0, 0]]);
});

test("a bank shares half a turn and never repeats itself", () => {
  const kernels = bank({ ...plain, size: 9, psi: 0, n: 6 });
  assert.equal(kernels.length, 6);
  for (const [i, one] of kernels.entries()) {
    for (const other of kernels.slice(i + 1)) assert.ok(Math.hypot(...one.flat().map((x, k) => x - other.flat()[k])) > 0.5);
  }
});

test("correlate slides the kernel as it is", () => {
  assert.deepEqual(correlate([[1, 2, 3], [4, 5, 6], [7, 8, 9]], [[1, 0], [0, 10]]), [[51, 62], [84, 95]]);
  assert.equal(loudness([[3, -3], [3, -3]]), 3);
});

test("sliders show degrees and hold radians, exactly at both ends", () => {
  near(held("theta", 180), Math.PI);
  assert.ok(held("theta", SLIDERS.theta.max) <= 2 * Math.PI);
  for (let degrees = 0; degrees <= 360; degrees++) assert.equal(format(shown("psi", held("psi", degrees)), 4), `${degrees}`);
  assert.equal(held("sigma", 2.5), 2.5);
});

test("the line of Python names every number", () => {
  assert.equal(codeLine({ ...plain, theta: Math.PI / 4 }),
    "gabor_kernel(3, sigma=1, theta=math.radians(45), lambd=4, psi=math.radians(90), gamma=1)");
  assert.match(codeLine({ ...plain, normalised: true }), /gamma=1\)  # then mean 0 and norm 1$/);
});
