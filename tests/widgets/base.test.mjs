import assert from "node:assert/strict";
import { test } from "node:test";

import { assign, palette, parse } from "../../course/convlab/widgets/base.js";

test("typed text becomes a number that float32 holds, or null", () => {
  assert.equal(parse(" -1.5 "), -1.5);
  assert.equal(parse("0,5"), 0.5);
  for (const text of ["", " ", "-", "one", "1e99", "Infinity"]) assert.equal(parse(text), null, text);
});

test("a palette has its colours below 0, at 0 and above 0, as bytes of red, green, blue and opaque", () => {
  const pixels = palette([1, 2, 3], [100, 100, 100], [255, 0, 9]);
  const bytes = (n) => [...new Uint8Array(pixels.buffer, 4 * n, 4)];
  assert.deepEqual([bytes(0), bytes(255), bytes(510)], [[1, 2, 3, 255], [100, 100, 100, 255], [255, 0, 9, 255]]);
});

test("Python is told of changes together, once they rest", ({ mock }) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const [state, told] = [{}, []];
  const model = { set: (name, value) => { state[name] = value; }, save_changes: () => told.push({ ...state }) };
  assign(model, { stride: 1, padding: 1 });
  mock.timers.tick(60);
  assign(model, { stride: 2 });
  mock.timers.tick(60);
  assert.deepEqual([state, told], [{ stride: 2, padding: 1 }, []]);
  mock.timers.tick(600);
  assert.deepEqual(told, [{ stride: 2, padding: 1 }]);
});
