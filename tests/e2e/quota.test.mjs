// The field setting: an agent raises a quota by listing projects, services and limits and then requesting an increase, while
// the server drifts, hangs, or answers too late.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { call, connect, isRefusal, serf, TURN_KEY } from "./lib/agent.mjs";
import { ending, freshDirectory, readLines, startGateway, stdioUpstream } from "./lib/gateway.mjs";
import { auditRecords, budget, verifyAudit } from "./lib/ledger.mjs";
import { waitFor } from "./lib/processes.mjs";

async function quotaGateway(t, more = {}) {
  const directory = freshDirectory();
  const applied = join(directory, "applied.jsonl"), faults = join(directory, "faults.json");
  const gateway = ending(t, await startGateway({
    accounts: [{ path: "dev", limits: ["200 calls"] }],
    upstreams: [stdioUpstream("quota", { env: { QUOTA_LOG: applied, QUOTA_FAULTS: faults }, trust_annotations: true })],
    ...more,
  }));
  return { gateway, applied: () => readLines(applied), fault: (what) => writeFileSync(faults, JSON.stringify(what)) };
}

const increase = { project: "atlas", service: "compute", limit: "cpus", by: 8 };

// An agent that follows the gateway's advice. Returns what it learned and did.
async function raiseQuota(agent, turn) {
  const plan = (tool, optional) => ({ tool: `quota.${tool}`, optional });
  const steps = [plan("list_projects", true), plan("list_services", true), plan("list_limits", true), plan("request_increase", false)];
  const args = { list_projects: {}, list_services: { project: "atlas" }, list_limits: { project: "atlas", service: "compute" }, request_increase: increase };
  const report = { advice: [], skipped: [], done: [] };
  for (const [i, step] of steps.entries()) {
    const name = step.tool.slice("quota.".length);
    const result = await call(agent, step.tool, args[name], { meta: { [TURN_KEY]: { ...turn, plan: steps.slice(i) } } });
    if (!isRefusal(result)) { report.done.push(name); continue; }
    const error = serf(result);
    report.advice.push([name, error.code, error.suggested_actions[0].type]);
    if (error.suggested_actions[0].type === "VERIFY_STATE") {
      // Look before doing it again: did it happen?
      const limits = (await call(agent, "quota.list_limits", args.list_limits)).structuredContent.items;
      report.verified = limits.find((l) => l.limit === "cpus").value;
      if (report.verified !== 24) await call(agent, step.tool, args[name]);
    } else if (step.optional) {
      report.skipped.push(name);
    }
  }
  return report;
}

test("a server that keeps its contract: the increase is requested once", async (t) => {
  const { gateway, applied } = await quotaGateway(t);
  const agent = await connect(gateway);
  const report = await raiseQuota(agent, { id: "plain", ms_left: 20_000 });
  assert.deepEqual(report.done, ["list_projects", "list_services", "list_limits", "request_increase"]);
  assert.equal(applied().length, 1);
  await agent.close();
  await gateway.stop();
});

test("contract drift is a CONTRACT_VIOLATION, not silence", async (t) => {
  const { gateway, applied, fault } = await quotaGateway(t);
  const agent = await connect(gateway);
  await call(agent, "quota.list_limits", { project: "atlas", service: "compute" });
  fault({ list_limits: "drift" });
  const result = await call(agent, "quota.list_limits", { project: "atlas", service: "compute" });
  const error = serf(result);
  assert.deepEqual([error.category, error.code], ["INTERNAL_ERROR", "CONTRACT_VIOLATION"]);
  assert.equal(result.structuredContent, undefined);
  assert.equal(applied().length, 0);
  await agent.close();
  await gateway.stop();
});

test("a hanging list_services costs its share of the turn, and the increase is still submitted", async (t) => {
  const { gateway, applied, fault } = await quotaGateway(t);
  const agent = await connect(gateway);
  fault({ list_services: "hang" });
  const began = Date.now();
  const report = await raiseQuota(agent, { id: "hang", ms_left: 15_000 });
  const took = Date.now() - began;
  assert.ok(took < 15_000, `${took} ms of 15000`);
  assert.ok(report.skipped.includes("list_services"));
  assert.ok(report.done.includes("request_increase"));
  assert.equal(applied().length, 1);
  await agent.close();
  await gateway.stop();
});

test("an increase that was applied but timed out is looked up, and stays exactly one", async (t) => {
  const { gateway, applied, fault } = await quotaGateway(t);
  const agent = await connect(gateway);
  fault({ request_increase: "apply_then_hang" });
  const report = await raiseQuota(agent, { id: "late", ms_left: 20_000 });
  assert.deepEqual(report.advice, [["request_increase", "TIMEOUT", "VERIFY_STATE"]]);
  assert.equal(report.verified, 24);
  assert.equal(applied().length, 1, "exactly one increase");
  await agent.close();
  await gateway.stop();
});

test("bad arguments are told apart and cost nothing", async (t) => {
  const { gateway, applied } = await quotaGateway(t);
  const agent = await connect(gateway);
  for (const wrong of [{ ...increase, by: 0 }, { ...increase, by: "many" }, { project: "atlas" }, { ...increase, extra: 1 }]) {
    const error = serf(await call(agent, "quota.request_increase", wrong));
    assert.deepEqual([error.category, error.outcome, error.suggested_actions[0].type], ["INVALID_INPUT", "not_applied", "FIX_INPUT"]);
  }
  assert.equal(applied().length, 0);
  assert.equal((await budget(gateway, "dev", "calls")).spent, 0);
  await agent.close();
  await gateway.stop();
});

test("a burst of denials is answered, counted and written down, each of them", async (t) => {
  const { gateway, applied } = await quotaGateway(t, { accounts: [{ path: "dev", limits: ["3 calls"] }] });
  const agent = await connect(gateway);
  const results = await Promise.all(Array.from({ length: 60 }, () => call(agent, "quota.list_projects")));
  assert.equal(results.filter((r) => !r.isError).length, 3);
  for (const r of results.filter((x) => x.isError)) assert.equal(serf(r).code, "CALLS_EXHAUSTED");
  await verifyAudit(gateway);
  // The trail is written in groups, a moment after the answers.
  await waitFor(async () => await auditRecords(gateway, "--tool", "quota.list_projects") === 60, { what: "60 audit records" });
  const metrics = await (await gateway.get("/metrics")).text();
  assert.match(metrics, /RESOURCE_EXHAUSTED|CALLS_EXHAUSTED/);
  assert.equal(applied().length, 0);
  await agent.close();
  await gateway.stop();
});
