// The conformance suite's client scenarios, on the gateway's upstream side: the suite plays the server, fixtures/conformance_client.mjs
// starts a gateway in front of it and drives that with the SDK's client. What a revision requires is read from the suite, so
// that a scenario which is neither run nor listed as left out fails the test.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { FIXTURES, freshDirectory, NODE, ROOT } from "./lib/gateway.mjs";

const PACKAGE = join(ROOT, "node_modules/@modelcontextprotocol/conformance");
const RUN = {
  "2025-11-25": ["initialize", "tools_call", "elicitation-sep1034-client-defaults", "sse-retry"],
  "2026-07-28": ["tools_call", "request-metadata", "sep-2322-client-request-state", "http-standard-headers", "http-custom-headers", "http-invalid-tool-headers", "json-schema-ref-no-deref"],
};
// The authorization code flow: somebody signs in with a browser, and the client registers itself for that. The gateway calls
// upstreams with credentials of its own (headers, certificates, token exchange), and nobody sits in front of it.
const leftOut = (scenario) => scenario.startsWith("auth/");

// The scenarios that a revision requires of clients, from its requirement set.
function required(revision) {
  const text = readFileSync(join(PACKAGE, `requirements/${revision}.yaml`), "utf8");
  const section = /^client:\n((?: {2}- .*\n)+)/m.exec(text)[1];
  return section.trim().split("\n").map((line) => line.replace(/^ *- /, ""));
}

function conformance(scenario, revision) {
  const directory = freshDirectory();
  const command = `${NODE} ${join(FIXTURES, "conformance_client.mjs")}`;
  const args = [join(PACKAGE, "dist/index.js"), "client", "--command", command, "--scenario", scenario, "--spec-version", revision, "-o", directory];
  return new Promise((done) => {
    execFile(NODE, args, { cwd: directory, maxBuffer: 64 << 20, timeout: 90_000 }, (error, stdout, stderr) => {
      const output = stdout + stderr;
      done({ passed: !error && output.includes("OVERALL: PASSED"), output });
    });
  });
}

for (const [revision, scenarios] of Object.entries(RUN)) {
  test(`every scenario of ${revision} is run or left out for a reason`, (t) => {
    const all = required(revision);
    assert.deepEqual(all.filter((s) => !leftOut(s)), scenarios);
    t.diagnostic(`${scenarios.length} of ${all.length} required scenarios are run; left out: ${all.filter(leftOut).join(", ")}`);
  });
  for (const scenario of scenarios) {
    test(`the gateway as a client of ${revision}: ${scenario}`, async () => {
      const { passed, output } = await conformance(scenario, revision);
      assert.ok(passed, output.slice(-6000));
    });
  }
}
