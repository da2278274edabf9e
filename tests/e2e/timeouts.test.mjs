// Adaptive timeouts on real calls: learned from what was seen, kept over a restart, bounded by the turn, extended by progress.
import assert from "node:assert/strict";
import { test } from "node:test";
import { call, connect, serf, textOf, TURN_KEY } from "./lib/agent.mjs";
import { ending, startGateway, stdioUpstream } from "./lib/gateway.mjs";

const config = {
  accounts: [{ path: "dev", limits: ["10000 calls"] }],
  upstreams: [stdioUpstream("faults_stdio", { isolation: "shared" })],
  // Not to be repeated, so that one timeout is one attempt.
  tools: [{ tool: "*", idempotent: false }],
};

async function timed(doing) {
  const began = performance.now();
  const result = await doing;
  return [result, performance.now() - began];
}

test("a timeout follows the latencies seen, and what was learned survives a restart", async (t) => {
  let gateway = ending(t, await startGateway({ ...config, turn: { atba: { timeout_min: "300 ms" } } }));
  let agent = await connect(gateway);
  const [before, cold] = await timed(call(agent, "faults.hang"));
  assert.equal(serf(before).code, "TIMEOUT");
  for (let i = 0; i < 60; ++i) assert.equal(textOf(await call(agent, "faults.sleep", { ms: 40 })), "slept");
  const [after, warm] = await timed(call(agent, "faults.sleep", { ms: 30_000 }));
  assert.equal(serf(after).code, "TIMEOUT");
  t.diagnostic(`cut after ${cold.toFixed(0)} ms knowing nothing, after ${warm.toFixed(0)} ms having seen 40 ms sixty times`);
  assert.ok(cold < 8000, `${cold} ms`);
  assert.ok(warm < 1000 && warm < cold / 2, `${warm} ms after ${cold} ms`);
  await agent.close();
  await gateway.stop();

  gateway = ending(t, await gateway.restart());
  agent = await connect(gateway);
  const [again, kept] = await timed(call(agent, "faults.sleep", { ms: 30_000 }));
  assert.equal(serf(again).code, "TIMEOUT");
  assert.ok(kept < 1200, `${kept} ms after the restart`);
  await agent.close();
  await gateway.stop();
});

test("timeouts do not spiral: when a tool gets slower its timeout follows", async (t) => {
  const gateway = ending(t, await startGateway({ ...config, turn: { atba: { timeout_min: "20 ms" } } }));
  const agent = await connect(gateway);
  for (let i = 0; i < 40; ++i) await call(agent, "faults.sleep", { ms: 20 });
  let last = [];
  for (let i = 0; i < 120; ++i) last.push(!(await call(agent, "faults.sleep", { ms: 90 })).isError);
  const late = last.slice(-40).filter(Boolean).length;
  assert.ok(late >= 36, `${late} of the last 40 calls were given the time they need now`);
  await agent.close();
  await gateway.stop();
});

test("progress extends a call, but never past its turn", async (t) => {
  const gateway = ending(t, await startGateway(config));
  const agent = await connect(gateway);
  let seen = 0;
  const [long, took] = await timed(call(agent, "faults.progress", { steps: 50, every_ms: 100 }, { onprogress: () => ++seen, resetTimeoutOnProgress: true }));
  assert.equal(textOf(long), "50 steps");
  assert.ok(took > 4900 && seen > 40, `${took} ms, ${seen} reports`);
  const [cut, end] = await timed(call(agent, "faults.progress", { steps: 300, every_ms: 100 }, { onprogress: () => {}, meta: { [TURN_KEY]: { id: "short", ms_left: 6000 } } }));
  assert.equal(serf(cut).code, "TIMEOUT");
  assert.ok(end < 6500, `${end} ms of a turn of 6000`);
  await agent.close();
  await gateway.stop();
});

test("a turn's time is shared by its calls: optional steps are skipped, a spent turn is refused", async (t) => {
  const gateway = ending(t, await startGateway({ ...config, tools: [{ tool: "slow", optional: true }, { tool: "*", idempotent: false }] }));
  const agent = await connect(gateway);
  for (let i = 0; i < 25; ++i) await call(agent, "faults.sleep", { ms: 900 - 30 * (i % 2) }, { meta: { [TURN_KEY]: { id: `warm-${i}` } } });
  for (let i = 0; i < 25; ++i) await call(agent, "faults.slow", { median_ms: 300, sigma: 0.1 }, { meta: { [TURN_KEY]: { id: `warm-${i}` } } });

  const plan = [{ tool: "faults.slow", optional: true, weight: 0.1 }, { tool: "faults.sleep", optional: false, weight: 1 }];
  const tight = { id: "tight", ms_left: 2500, plan };
  const skipped = serf(await call(agent, "faults.slow", { median_ms: 300 }, { meta: { [TURN_KEY]: tight } }));
  assert.deepEqual([skipped.category, skipped.code, skipped.outcome], ["RESOURCE_EXHAUSTED", "OPTIONAL_SKIPPED", "not_applied"]);
  assert.equal(skipped.suggested_actions[0].type, "SKIP_OPTIONAL");
  const [must] = await timed(call(agent, "faults.sleep", { ms: 800 }, { meta: { [TURN_KEY]: { id: "roomy", ms_left: 4000, plan: plan.slice(1) } } }));
  assert.equal(textOf(must), "slept");

  const spent = { id: "spent", ms_left: 1000 };
  const over = serf(await call(agent, "faults.sleep", { ms: 800 }, { meta: { [TURN_KEY]: spent } }));
  assert.equal(over.code, "TURN_TIME_EXHAUSTED");
  assert.ok(over.suggested_actions.some((a) => a.type === "ANSWER_WITH_PARTIAL"));
  await agent.close();
  await gateway.stop();
});

test("an agent may lower its turn, never raise it above policy", async (t) => {
  const gateway = ending(t, await startGateway({ ...config, turn: { budget: "4 s" } }));
  const agent = await connect(gateway);
  const [result, took] = await timed(call(agent, "faults.progress", { steps: 200, every_ms: 100 }, { onprogress: () => {}, meta: { [TURN_KEY]: { id: "greedy", ms_left: 600_000 } } }));
  assert.equal(serf(result).code, "TIMEOUT");
  assert.ok(took < 5000, `${took} ms of a policy of 4 s`);
  await agent.close();
  await gateway.stop();
});

test("the server learns how long it has", async (t) => {
  const gateway = ending(t, await startGateway(config));
  const agent = await connect(gateway);
  const { meta } = JSON.parse(textOf(await call(agent, "faults.whoami")));
  const budget = meta["dev.bursar/budget"];
  assert.ok(budget && budget.call_ms > 0 && budget.call_ms <= 60_000, JSON.stringify(meta));
  await agent.close();
  await gateway.stop();
});
