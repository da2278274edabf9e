// Hard budgets under real concurrency: exactly what was allowed, however many ask at once.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { test } from "node:test";
import { budget } from "./lib/ledger.mjs";
import { BareAgent, BUDGET_KEY, call, connect, isRefusal, serf } from "./lib/agent.mjs";
import { ending, freshDirectory, readLines, startGateway, stdioUpstream } from "./lib/gateway.mjs";

const faultLog = () => join(freshDirectory(), "calls.jsonl");

test("64 agents on one budget of N calls get exactly N", async (t) => {
  const N = 300, AGENTS = 64;
  const log = faultLog();
  const gateway = ending(t, await startGateway({
    accounts: [{ path: "dev", limits: [`${N} calls`] }],
    upstreams: [stdioUpstream("faults_stdio", { env: { FAULTS_LOG: log }, isolation: "shared" })],
  }));
  const agents = await Promise.all(Array.from({ length: AGENTS }, (_, i) => connect(gateway, { name: `agent-${i}` })));
  let granted = 0, refused = 0;
  await Promise.all(agents.map(async (agent, i) => {
    // Each would like more than its share, and asks for several at a time.
    for (let round = 0; round < 5; ++round) {
      const results = await Promise.all([0, 1].map((k) => call(agent, "faults.echo", { text: `${i}-${round}-${k}` })));
      for (const result of results) {
        if (!result.isError) { ++granted; continue; }
        const error = serf(result);
        assert.equal(error.category, "RESOURCE_EXHAUSTED");
        assert.equal(error.code, "CALLS_EXHAUSTED");
        assert.equal(error.outcome, "not_applied");
        assert.equal(error.retryable, false);
        ++refused;
      }
    }
  }));
  assert.equal(granted, N, "calls answered");
  assert.equal(refused, AGENTS * 10 - N);
  assert.equal(readLines(log).filter((l) => l.event === "end").length, N, "calls that reached the server");
  const dev = await budget(gateway, "dev", "calls");
  assert.deepEqual({ limit: dev.limit, spent: dev.spent, held: dev.held }, { limit: N, spent: N, held: 0 });
  await Promise.all(agents.map((a) => a.close()));
  await gateway.stop();
  const cold = await budget(gateway, "dev", "calls");
  assert.deepEqual({ spent: cold.spent, held: cold.held }, { spent: N, held: 0 }, "the same after the gateway has ended");
});

test("a refusal tells an agent what is left and what to do, and spends nothing", async (t) => {
  const gateway = ending(t, await startGateway({
    accounts: [{ path: "dev", limits: ["2 calls"] }],
    upstreams: [stdioUpstream("faults_stdio")],
  }));
  const agent = await connect(gateway);
  for (let i = 0; i < 2; ++i) {
    const ok = await call(agent, "faults.echo", { text: "x" });
    assert.ok(ok._meta?.[BUDGET_KEY], "a result says what is left");
  }
  for (let i = 0; i < 3; ++i) {
    const error = serf(await call(agent, "faults.echo", { text: "x" }));
    assert.ok(error.suggested_actions.some((a) => a.type === "ANSWER_WITH_PARTIAL"));
    assert.equal(error.context.budget.remaining, 0);
    assert.equal(error.context.budget.limit, 2);
    assert.equal(error.context.budget.resource, "calls");
  }
  assert.equal((await budget(gateway, "dev", "calls")).spent, 2);
  await agent.close();
  await gateway.stop();
});

test("every account of the path has to agree, and the refusing one is named", async (t) => {
  const gateway = ending(t, await startGateway({
    identity: { development: true, development_account: "acme/research/dev" },
    accounts: [
      { path: "acme", limits: ["100 calls"] },
      { path: "acme/research", limits: ["3 calls"] },
      { path: "acme/research/dev", limits: ["50 calls"] },
    ],
    upstreams: [stdioUpstream("faults_stdio")],
  }));
  const agent = await connect(gateway);
  for (let i = 0; i < 3; ++i) assert.ok(!(await call(agent, "faults.echo", { text: "x" })).isError);
  const error = serf(await call(agent, "faults.echo", { text: "x" }));
  assert.equal(error.context.budget.account, "acme/research");
  for (const path of ["acme", "acme/research", "acme/research/dev"]) {
    const account = await budget(gateway, path, "calls");
    assert.deepEqual({ spent: account.spent, held: account.held }, { spent: 3, held: 0 }, path);
  }
  await agent.close();
  await gateway.stop();
});

test("money is reserved by the price list and never overspent", async (t) => {
  const gateway = ending(t, await startGateway({
    accounts: [{ path: "dev", limits: ["1.00 usd day"] }],
    prices: [{ server: "faults", tool: "count", price: "0.30 usd, 1 calls" }, { price: "1 calls" }],
    upstreams: [stdioUpstream("faults_stdio")],
  }));
  const agent = await connect(gateway);
  const results = await Promise.all(Array.from({ length: 12 }, () => call(agent, "faults.count")));
  assert.equal(results.filter((r) => !r.isError).length, 3, "three times 0.30 fit into 1.00");
  for (const refused of results.filter((r) => r.isError)) assert.equal(serf(refused).code, "MONEY_EXHAUSTED");
  assert.ok(!(await call(agent, "faults.echo", { text: "free" })).isError, "what costs no money still goes");
  await agent.close();
  await gateway.stop();
});

test("an idempotency key is charged once", async (t) => {
  const log = faultLog();
  const gateway = ending(t, await startGateway({
    accounts: [{ path: "dev", limits: ["10 calls"] }],
    upstreams: [stdioUpstream("faults_stdio", { env: { FAULTS_LOG: log } })],
  }));
  const agent = await new BareAgent(gateway.url).open();
  const key = randomUUID();
  const first = await agent.call("faults.count", {}, { meta: { "dev.bursar/idempotency_key": key } });
  const second = await agent.call("faults.count", {}, { meta: { "dev.bursar/idempotency_key": key } });
  assert.deepEqual(second.content, first.content, "the stored result");
  assert.equal(readLines(log).filter((l) => l.event === "end").length, 1);
  assert.equal((await budget(gateway, "dev", "calls")).spent, 1);
  assert.ok(!isRefusal(second));
  await gateway.stop();
});
