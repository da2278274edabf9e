// The conformance suite's client scenarios, on the gateway's upstream side: the suite plays the server, fixtures/conformance_client.mjs
// starts a gateway in front of it and drives that with the SDK's client. What a revision requires is read from the suite, and
// all of it is run.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { FIXTURES, freshDirectory, NODE, ROOT } from "./lib/gateway.mjs";

const PACKAGE = join(ROOT, "node_modules/@modelcontextprotocol/conformance");
// Extensions that no revision requires, and that the gateway has nevertheless.
const BESIDE = { "2025-11-25": [], "2026-07-28": ["auth/client-credentials-jwt", "auth/client-credentials-basic"] };

// The scenarios that a revision requires of clients, from its requirement set.
function required(revision) {
  const text = readFileSync(join(PACKAGE, `requirements/${revision}.yaml`), "utf8");
  const section = /^client:\n((?: {2}- .*\n)+)/m.exec(text)[1];
  return section.trim().split("\n").map((line) => line.replace(/^ *- /, ""));
}

function conformance(scenario, revision, ...more) {
  const directory = freshDirectory();
  const command = `${NODE} ${join(FIXTURES, "conformance_client.mjs")}`;
  const args = [join(PACKAGE, "dist/index.js"), "client", "--command", command, "--scenario", scenario, "--spec-version", revision, "-o", directory, ...more];
  return new Promise((done) => {
    execFile(NODE, args, { cwd: directory, maxBuffer: 64 << 20, timeout: 90_000 }, (error, stdout, stderr) => {
      const output = stdout + stderr;
      done({ passed: !error && output.includes("OVERALL: PASSED"), output });
    });
  });
}

for (const [revision, count] of [["2025-11-25", 18], ["2026-07-28", 32]]) {
  const scenarios = required(revision);
  test(`the suite requires ${count} scenarios of clients of ${revision}`, () => {
    assert.equal(scenarios.length, count);
  });
  for (const scenario of [...scenarios, ...BESIDE[revision]]) {
    test(`the gateway as a client of ${revision}: ${scenario}`, async () => {
      const { passed, output } = await conformance(scenario, revision, ...(scenarios.includes(scenario) ? [] : ["--force"]));
      assert.ok(passed, output.slice(-6000));
    });
  }
}
