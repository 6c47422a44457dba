import assert from "node:assert/strict";
import { test } from "node:test";

import { palette, parse } from "../../course/convlab/widgets/base.js";

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
