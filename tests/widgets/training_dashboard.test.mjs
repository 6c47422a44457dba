import assert from "node:assert/strict";
import { test } from "node:test";

import * as dashboard from "../../course/convlab/widgets/training_dashboard.js";

const { ceiling, format, path, summary, x, y } = dashboard;

test("an axis ends at a round number that holds every value", () => {
  assert.deepEqual([[2.3], [0.07], [10], [850], [0.3], [0], []].map(ceiling), [2.5, 0.08, 10, 1000, 0.3, 1, 1]);
  assert.equal(ceiling([null, 4, null]), 4);
  for (let value = 0.001; value < 1000; value *= 1.01) {
    assert.ok(ceiling([value]) >= value && ceiling([value]) <= 2 * value, value);
  }
});

test("step 0 and value 0 are at the lower left corner", () => {
  assert.ok(x(0, 10) < x(10, 10) && y(0, 5) > y(5, 5));
  assert.equal(path([[0, 0], [10, 5]], 10, 5), `M${x(0, 1).toFixed(1)} ${y(0, 1).toFixed(1)}` +
    `L${x(1, 1).toFixed(1)} ${y(1, 1).toFixed(1)}`);
});

test("a curve has a gap where a value is missing, and a dot where a point stands alone", () => {
  const shape = (values) => path(values.map((value, n) => [n, value]), 9, 1).replace(/[\d. ]+/g, "_");
  assert.equal(shape([1, 1, null, 1, 1]), "M_L_M_L_");
  assert.equal(shape([null, 1, null, 1]), "M_h_M_h_");
  assert.equal(shape([]), "");
});

test("numbers and the sentence for those who do not see the curve", () => {
  assert.deepEqual([format(0.12345, ""), format(0.5, "%"), format(1500, "")], ["0.123", "50 %", "1500"]);
  assert.equal(summary("loss", [[1, 2.3], [5, 0.25], [9, null]], ""), "loss: 2.3 at step 1, 0.25 at step 5");
  assert.equal(summary("accuracy", [], "%"), "accuracy: no values yet");
});
