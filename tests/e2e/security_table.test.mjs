// docs/security.md names a test for each attack: every one of them exists.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "./lib/gateway.mjs";

const filesIn = (folder, suffix) => readdirSync(join(ROOT, folder), { recursive: true }).filter((name) => name.endsWith(suffix)).map((name) => readFileSync(join(ROOT, folder, name), "utf8"));

test("every row of the security table names tests that exist", () => {
  const document = readFileSync(join(ROOT, "docs/security.md"), "utf8");
  const units = new Set(filesIn("bursar", "_test.cc").flatMap((text) => [...text.matchAll(/^(?:TEST(?:_F|_P)?|RC_GTEST_PROP)\((\w+), (\w+)[,)]/gm)].map(([, subject, says]) => `${subject}.${says}`)));
  const scenarios = new Set(filesIn("tests/e2e", ".test.mjs").flatMap((text) => [...text.matchAll(/^test\("([^"]+)"/gm)].map(([, name]) => name)));
  const rows = document.split("\n").filter((line) => line.startsWith("| ") && line.split("|").length === 5).map((line) => line.split("|")[3]);
  const table = rows.filter((cell) => cell.includes("`") || cell.includes('"'));
  assert.ok(table.length >= 30, `${table.length} rows`);
  for (const cell of table) {
    const named = [...cell.matchAll(/`(\w+\.\w+)`/g)].map(([, name]) => [name, units]).concat([...cell.matchAll(/"([^"]+)"/g)].map(([, name]) => [name, scenarios]));
    assert.ok(named.length > 0, cell);
    for (const [name, known] of named) assert.ok(known.has(name), `${name} is no test`);
  }
});
