// A graceful end: what runs is finished and settled, what is new is turned away, nothing stays behind.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { BareAgent, call, connect, isRefusal, textOf } from "./lib/agent.mjs";
import { ending, startGateway, stdioUpstream } from "./lib/gateway.mjs";
import { auditRecords, budget, verifyAudit } from "./lib/ledger.mjs";

const config = (drain) => ({
  limits: { drain },
  accounts: [{ path: "dev", limits: ["100 calls"] }],
  upstreams: [stdioUpstream("faults_stdio", { isolation: "shared" })],
});

test("SIGTERM drains: running calls get their answers, the ledger and the audit trail are complete", async (t) => {
  const gateway = ending(t, await startGateway(config("5 s")));
  const agents = await Promise.all(Array.from({ length: 6 }, () => new BareAgent(gateway.url).open()));
  await agents[0].call("faults.echo", { text: "up" });
  const running = agents.map((agent) => agent.call("faults.sleep", { ms: 1000 }));
  await sleep(300);
  const stopping = gateway.stop();
  await sleep(150);
  await assert.rejects(new BareAgent(gateway.url).open(), "no new agents");
  for (const result of await Promise.all(running)) assert.equal(textOf(result), "slept");
  await stopping;
  const dev = await budget(gateway, "dev", "calls");
  assert.deepEqual({ spent: dev.spent, held: dev.held }, { spent: 7, held: 0 });
  await verifyAudit(gateway);
  assert.equal(await auditRecords(gateway, "--tool", "faults.*"), 7);
});

test("what does not end within the drain is cut, told so, and settled", async (t) => {
  const gateway = ending(t, await startGateway(config("1 s")));
  const agent = await new BareAgent(gateway.url).open();
  await agent.call("faults.echo", { text: "up" });
  const hanging = agent.call("faults.progress", { steps: 1000, every_ms: 50 }, { meta: { progressToken: "p" } }).then((r) => r, (e) => e);
  await sleep(300);
  const began = Date.now();
  await gateway.stop({ within: 8000 });
  assert.ok(Date.now() - began < 6000);
  const end = await hanging;
  if (!(end instanceof Error)) assert.ok(isRefusal(end), JSON.stringify(end));
  assert.equal((await budget(gateway, "dev", "calls")).held, 0);
  await verifyAudit(gateway);
});

test("SIGINT ends it as well, and a second start on the same database works at once", async (t) => {
  const first = ending(t, await startGateway(config("1 s")));
  const agent = await connect(first);
  await call(agent, "faults.echo", { text: "x" });
  await agent.close();
  first.child.kill("SIGINT");
  assert.deepEqual(await first.ended, { code: 0, signal: null });
  const second = ending(t, await first.restart());
  assert.equal((await budget(second, "dev", "calls")).spent, 1, "a restart refills nothing");
  await second.stop();
});

test("two gateways on one database: the second is refused, or both keep the budget", async (t) => {
  const first = ending(t, await startGateway(config("1 s")));
  let second;
  try { second = ending(t, await startGateway({ ...config("1 s"), database: `${first.directory}/bursar.db` }, { timeout: 8000 })); } catch (error) {
    assert.match(error.message, /bursar\.db|database|in use|locked/i);
  }
  if (second) {
    const agents = await Promise.all([connect(first), connect(second)]);
    const results = await Promise.all(Array.from({ length: 160 }, (_, i) => call(agents[i % 2], "faults.echo", { text: "x" })));
    assert.ok(results.filter((r) => !r.isError).length <= 100);
    await Promise.all(agents.map((a) => a.close()));
    await second.stop();
  }
  await first.stop();
});
