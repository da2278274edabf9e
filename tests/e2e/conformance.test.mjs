// The conformance suite of the protocol for both revisions: on the fixtures alone, and on the gateway in front of them over HTTP
// and over stdio. Transparency alone gives 30 of 30 and 37 of 37. Beyond what is scored: 24 checks of request headers, which
// the gateway makes whether its servers do or not, and the 10 scenarios of the tasks extension.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { ending, freshDirectory, httpUpstream, NODE, ROOT, startFixture, startGateway, stdioUpstream } from "./lib/gateway.mjs";

const SUITE = join(ROOT, "node_modules/@modelcontextprotocol/conformance/dist/index.js");
const REQUIRED = { "2025-11-25": 30, "2026-07-28": 37 };

// Runs the suite and returns { passed, failed: [scenario line …], unscored: [failing extras …] }.
function conformance(url, revision = "2025-11-25") {
  const directory = freshDirectory();
  const args = [SUITE, "server", "--url", url, "--requirements", revision, "-o", directory, "--timeout", "8000"];
  return new Promise((done) => {
    execFile(NODE, args, { cwd: directory, maxBuffer: 64 << 20, timeout: 240_000 }, (_error, stdout, stderr) => {
      const summary = stdout.slice(stdout.indexOf("=== SUMMARY ==="));
      const [scored, rest = ""] = summary.split(/^Not scored/m);
      const unscored = [...rest.matchAll(/^\s+[✓✗] (\S+) \(/gm)].map((m) => m[1]);
      const rows = [...scored.matchAll(/^([✓✗]) ([^:\n]+): (.*)$/gm)].filter((m) => !unscored.includes(m[2]));
      done({
        required: REQUIRED[revision],
        passed: rows.filter((m) => m[1] === "✓").length,
        failed: rows.filter((m) => m[1] !== "✓").map((m) => `${m[2]}: ${m[3]}`),
        unscored: [...rest.matchAll(/^\s+✗ (\S+)/gm)].map((m) => m[1]),
        every: new Map([...scored.matchAll(/^([✓✗]) ([^:\n]+): (\d+) passed, (\d+) failed/gm)].map((m) => [m[2], { passed: Number(m[3]), failed: Number(m[4]) }])),
        output: stdout + stderr,
      });
    });
  });
}

function judge(t, where, score) {
  t.diagnostic(`${where}: ${score.passed}/${score.required}${score.unscored.length ? `; unscored failing: ${score.unscored.join(", ")}` : ""}`);
  assert.deepEqual(score.failed, [], score.output.slice(-6000));
  assert.equal(score.passed, score.required, score.output.slice(-3000));
}

// The checks of request headers, which the suite runs without scoring them.
function judgeHeaders(t, score) {
  const checks = ["http-header-validation", "http-custom-header-server-validation"].map((name) => score.every.get(name));
  t.diagnostic(`header checks: ${checks.map((c) => `${c?.passed} passed, ${c?.failed} failed`).join("; ")}`);
  assert.deepEqual(checks, [{ passed: 14, failed: 0 }, { passed: 10, failed: 0 }], score.output.slice(-6000));
}

const open = { prefix: "", trust_annotations: true };

test("the fixture itself conforms to 2025-11-25", async (t) => {
  const fixture = await startFixture("conformance_http");
  t.after(fixture.stop);
  judge(t, "direct", await conformance(`http://localhost:${fixture.port}/mcp`));
});

test("the fixture of the newer revision conforms to 2026-07-28", async (t) => {
  const fixture = await startFixture("modern_http");
  t.after(fixture.stop);
  judge(t, "direct", await conformance(`http://localhost:${fixture.port}/mcp`, "2026-07-28"));
});

test("the gateway in front of an HTTP server conforms to 2025-11-25", async (t) => {
  const fixture = await startFixture("conformance_http");
  t.after(fixture.stop);
  const gateway = ending(t, await startGateway({ upstreams: [httpUpstream("conformance", fixture.port, open)] }));
  judge(t, "gateway, HTTP upstream", await conformance(`http://localhost:${gateway.port}/mcp`));
  await gateway.stop();
});

test("the gateway in front of a stdio server conforms to 2025-11-25", async (t) => {
  const gateway = ending(t, await startGateway({ upstreams: [stdioUpstream("conformance_stdio", open)] }));
  judge(t, "gateway, stdio upstream", await conformance(`http://localhost:${gateway.port}/mcp`));
  await gateway.stop();
});

test("the gateway in front of an HTTP server conforms to 2026-07-28, and checks every header", async (t) => {
  const fixture = await startFixture("modern_http");
  t.after(fixture.stop);
  const gateway = ending(t, await startGateway({ upstreams: [httpUpstream("conformance", fixture.port, open)] }));
  const score = await conformance(`http://localhost:${gateway.port}/mcp`, "2026-07-28");
  judge(t, "gateway, modern HTTP upstream", score);
  judgeHeaders(t, score);
  await gateway.stop();
});

test("the gateway in front of a stdio server conforms to 2026-07-28, and checks every header", async (t) => {
  const gateway = ending(t, await startGateway({ upstreams: [stdioUpstream("modern_stdio", { ...open, name: "conformance" })] }));
  const score = await conformance(`http://localhost:${gateway.port}/mcp`, "2026-07-28");
  judge(t, "gateway, modern stdio upstream", score);
  judgeHeaders(t, score);
  await gateway.stop();
});

test("the gateway routes tasks to the server that made them", async (t) => {
  const fixture = await startFixture("tasks_http");
  t.after(fixture.stop);
  const gateway = ending(t, await startGateway({ upstreams: [httpUpstream("tasks", fixture.port, open)] }));
  const score = await conformance(`http://localhost:${gateway.port}/mcp`, "2026-07-28");
  const tasks = [...score.every].filter(([name]) => name.startsWith("tasks-"));
  t.diagnostic(`tasks: ${tasks.filter(([, s]) => s.failed === 0).length}/10`);
  assert.equal(tasks.length, 10, score.output.slice(-3000));
  assert.deepEqual(tasks.filter(([, s]) => s.failed > 0), [], score.output.slice(-6000));
  await gateway.stop();
});
