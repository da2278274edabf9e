// The quick start keeps its promises; it judges itself.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { freshDirectory, NODE, ROOT } from "./lib/gateway.mjs";

test("the quick start's agent works until its budget is used up, and all is as it should be", async () => {
  const { code, stdout, stderr } = await new Promise((done) => {
    const env = { ...process.env, QUICKSTART_HOME: join(freshDirectory(), "quickstart") };
    execFile(NODE, [join(ROOT, "tests/e2e/quickstart/main.mjs")], { env, timeout: 120_000 }, (error, out, err) => done({ code: error?.code ?? 0, stdout: out, stderr: err }));
  });
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /all as it should be/);
});
