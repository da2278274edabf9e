// kill -9 of the gateway under load, again and again on one database: nothing is overspent, nothing is held for ever, what
// was acknowledged is there, and the audit chain verifies.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { BareAgent, isRefusal } from "./lib/agent.mjs";
import { auditRecords, budget, verifyAudit } from "./lib/ledger.mjs";
import { ending, freshDirectory, httpUpstream, startGateway } from "./lib/gateway.mjs";
import { fastServer } from "./lib/fast_server.mjs";
import { waitFor } from "./lib/processes.mjs";

const KILLS = Number(process.env.E2E_KILLS ?? 50);
const LIMIT = 30_000, AGENTS = 8;  // more than a fast machine spends between the kills

// What may never be spent again: known spending and, a part of it, what crashes left without an account of it.
function used({ spent, stranded, left, limit }) {
  assert.ok(stranded <= spent && spent + left <= limit, JSON.stringify({ spent, stranded, left, limit }));
  return spent;
}

// Agents that call until the gateway is gone or the budget is, with a pause between two calls; counts what was answered.
async function load(gateway, tally, over, pause = 0) {
  await Promise.all(Array.from({ length: AGENTS }, async () => {
    try {
      const agent = await new BareAgent(gateway.url).open();
      while (!over.now) {
        const result = await agent.call("fast.echo", { text: "x" });
        if (!result.isError) {
          ++tally.answered;
          if (pause) await sleep(pause);
          continue;
        }
        assert.ok(isRefusal(result), JSON.stringify(result));
        const { category, code } = result._meta["dev.bursar/error"];
        if (category === "RESOURCE_EXHAUSTED") ++tally.refused;
        else tally.failed[code] = (tally.failed[code] ?? 0) + 1;
        await sleep(20);
      }
    } catch (error) {
      if (!over.now && !over.killing) throw error;
    }
  }));
}

test(`${KILLS} times kill -9 under load`, { timeout: 400_000 }, async (t) => {
  const upstream = await fastServer();
  t.after(upstream.close);
  const directory = freshDirectory();
  const config = {
    accounts: [{ path: "dev", limits: [`${LIMIT} calls`] }],
    upstreams: [httpUpstream("fast", upstream.port)],
  };
  const tally = { answered: 0, refused: 0, failed: {} };
  let audited = 0, lastUsed = 0;
  let gateway = ending(t, await startGateway(config, { directory }));
  for (let kill = 1; kill <= KILLS; ++kill) {
    const over = { now: false, killing: false };
    const loading = load(gateway, tally, over, 2);
    const before = tally.answered;
    await waitFor(() => tally.answered >= before + AGENTS, { timeout: 20_000, every: 5, what: `load before kill ${kill}` });
    await sleep((kill * 37) % 200);
    over.killing = true;
    await gateway.kill();
    over.now = true;
    await loading;

    gateway = ending(t, await startGateway(config, { directory }));
    const dev = await waitFor(async () => {
      const now = await budget(gateway, "dev", "calls");
      return now.held === 0 && now;
    }, { timeout: 15_000, every: 100, what: `holds to end after kill ${kill}` });
    assert.ok(used(dev) >= tally.answered, `kill ${kill}: ${tally.answered} calls were answered, the ledger remembers ${JSON.stringify(dev)}`);
    assert.ok(used(dev) <= LIMIT, `kill ${kill}: ${JSON.stringify(dev)} of ${LIMIT}`);
    assert.ok(used(dev) >= lastUsed, `kill ${kill}: spending never shrinks (${lastUsed} -> ${JSON.stringify(dev)})`);
    lastUsed = used(dev);
    assert.ok(upstream.calls() <= LIMIT, "calls that reached the server");
    if (kill % 10 === 0 || kill === KILLS) {
      await verifyAudit(gateway);
      const records = await auditRecords(gateway);
      assert.ok(records >= audited, "audit records do not vanish");
      audited = records;
    }
  }
  t.diagnostic(`${tally.answered} answered, ${upstream.calls()} reached the server, ${lastUsed} of ${LIMIT} counted as spent, ${tally.refused} refused, failed: ${JSON.stringify(tally.failed)}`);
  // The rest can be spent, and not one more.
  const over = { now: false };
  const loading = load(gateway, tally, over);
  await waitFor(() => tally.refused >= AGENTS, { timeout: 150_000, what: "the budget to be used up" });
  over.now = true;
  await loading;
  const end = await budget(gateway, "dev", "calls");
  assert.ok(used(end) <= LIMIT && end.held === 0, JSON.stringify(end));
  assert.ok(upstream.calls() <= LIMIT);
  await gateway.stop();
});

test("receipts that were on disk before the kill are there after it", async (t) => {
  const upstream = await fastServer();
  t.after(upstream.close);
  const config = { accounts: [{ path: "dev", limits: ["1000 calls"] }], upstreams: [httpUpstream("fast", upstream.port)] };
  const directory = freshDirectory();
  const gateway = ending(t, await startGateway(config, { directory }));
  const agent = await new BareAgent(gateway.url).open();
  for (let i = 0; i < 25; ++i) assert.ok(!(await agent.call("fast.echo", { text: "x" })).isError);
  await sleep(500);  // many times the group commit
  await gateway.kill();
  assert.equal(await auditRecords(gateway, "--tool", "fast.echo"), 25, "read while no gateway runs");
  const again = ending(t, await startGateway(config, { directory }));
  await verifyAudit(again);
  assert.equal(await auditRecords(again, "--tool", "fast.echo"), 25);
  const dev = await waitFor(async () => {
    const now = await budget(again, "dev", "calls");
    return now.held === 0 && now;
  }, { timeout: 15_000, what: "the stranded lease to be reconciled" });
  assert.ok(used(dev) >= 25 && used(dev) <= 1000, JSON.stringify(dev));
  await again.stop();
});

test("a synchronous account loses nothing to a kill", async (t) => {
  const upstream = await fastServer();
  t.after(upstream.close);
  const config = { accounts: [{ path: "dev", limits: ["40 calls"], sync: true }], upstreams: [httpUpstream("fast", upstream.port)] };
  const directory = freshDirectory();
  let answered = 0;
  for (let round = 0; round < 4; ++round) {
    const gateway = ending(t, await startGateway(config, { directory }));
    const agent = await new BareAgent(gateway.url).open();
    for (let i = 0; i < 5; ++i) { await agent.call("fast.echo", { text: "x" }); ++answered; }
    await gateway.kill();
  }
  const gateway = ending(t, await startGateway(config, { directory }));
  const dev = await waitFor(async () => {
    const now = await budget(gateway, "dev", "calls");
    return now.held === 0 && now;
  }, { timeout: 15_000, what: "holds to end" });
  assert.ok(used(dev) >= answered && used(dev) <= 40, JSON.stringify(dev));
  await gateway.stop();
});
