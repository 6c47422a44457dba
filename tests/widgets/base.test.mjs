import assert from "node:assert/strict";
import { test } from "node:test";

import { parse } from "../../course/convlab/widgets/base.js";

test("typed text becomes a number that float32 holds, or null", () => {
  assert.equal(parse(" -1.5 "), -1.5);
  assert.equal(parse("0,5"), 0.5);
  for (const text of ["", " ", "-", "one", "1e99", "Infinity"]) assert.equal(parse(text), null, text);
});
