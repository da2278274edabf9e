// Servers that crash, hang, lie, flood or leave processes behind: the call ends with something an agent can act on, the budget
// is settled, others do not notice, and no process stays.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { call, connect, serf, textOf } from "./lib/agent.mjs";
import { ending, freshDirectory, httpUpstream, noProcessLeft, readLines, startFixture, startGateway, stdioUpstream } from "./lib/gateway.mjs";
import { budget } from "./lib/ledger.mjs";
import { alive, tagged, waitFor } from "./lib/processes.mjs";

const account = [{ path: "dev", limits: ["1000 calls", "600 s"] }];
const settled = async (gateway) => waitFor(async () => (await budget(gateway, "dev", "calls")).held === 0, { timeout: 5000, what: "the hold to end" });

test("a child that crashes costs one call, is started again, and disturbs nobody else", async (t) => {
  const gateway = ending(t, await startGateway({
    accounts: account,
    upstreams: [stdioUpstream("faults_stdio"), stdioUpstream("faults_stdio", { name: "other" })],
  }));
  const agent = await connect(gateway);
  const neighbour = call(agent, "other.sleep", { ms: 600 });
  const error = serf(await call(agent, "faults.crash"));
  assert.equal(error.category, "UPSTREAM_FAILURE");
  assert.equal(error.outcome, "unknown", "it may have been applied");
  assert.equal(textOf(await neighbour), "slept");
  const again = await waitFor(async () => {
    const result = await call(agent, "faults.echo", { text: "back" });
    return !result.isError && result;
  }, { timeout: 10_000, every: 200, what: "the child to be started again" });
  assert.equal(textOf(again), "back");
  await settled(gateway);
  await agent.close();
  await gateway.stop();
});

test("a server that hangs is cut at its allocated timeout, and is told", async (t) => {
  const log = join(freshDirectory(), "calls.jsonl");
  const gateway = ending(t, await startGateway({ accounts: account, upstreams: [stdioUpstream("faults_stdio", { env: { FAULTS_LOG: log } })] }));
  const agent = await connect(gateway);
  const began = Date.now();
  const [hung, ...others] = await Promise.all([
    call(agent, "faults.hang_write"), ...Array.from({ length: 5 }, (_, i) => call(agent, "faults.echo", { text: `${i}` })),
  ]);
  const took = Date.now() - began;
  const error = serf(hung);
  assert.deepEqual([error.category, error.code, error.outcome], ["UPSTREAM_FAILURE", "TIMEOUT", "unknown"]);
  assert.equal(error.suggested_actions[0].type, "VERIFY_STATE", "a write whose end is unknown must be looked up, not repeated");
  assert.ok(took < 10_000, `cut after ${took} ms, not after a minute`);
  others.forEach((r, i) => assert.equal(textOf(r), `${i}`));
  await waitFor(() => readLines(log).some((l) => l.event === "cancelled" && l.tool === "hang_write"), { timeout: 2000, what: "the cancellation to arrive" });
  await settled(gateway);
  await agent.close();
  await gateway.stop();
});

test("answers after the cancellation are ignored", async (t) => {
  const gateway = ending(t, await startGateway({ accounts: account, upstreams: [stdioUpstream("faults_stdio")] }));
  const agent = await connect(gateway);
  assert.equal(serf(await call(agent, "faults.late", { ms: 3500 }, { meta: { "dev.bursar/turn": { id: "t", ms_left: 2500 } } })).code, "TIMEOUT");
  await sleep(2500);
  assert.equal(textOf(await call(agent, "faults.echo", { text: "fine" })), "fine");
  await agent.close();
  await gateway.stop();
});

test("a tool's own error is the tool's, and costs a call", async (t) => {
  const gateway = ending(t, await startGateway({ accounts: account, upstreams: [stdioUpstream("faults_stdio")] }));
  const agent = await connect(gateway);
  const result = await call(agent, "faults.fail", { message: "the disk is on fire" });
  assert.equal(result.isError, true);
  assert.match(textOf(result), /the disk is on fire/);
  assert.equal((await budget(gateway, "dev", "calls")).spent, 1);
  await agent.close();
  await gateway.stop();
});

for (const lie of ["garbage", "half"]) {
  test(`over stdio: ${lie}`, async (t) => {
    const gateway = ending(t, await startGateway({ accounts: account, upstreams: [stdioUpstream("faults_stdio")] }));
    const agent = await connect(gateway);
    const error = serf(await call(agent, `faults.${lie}`));
    assert.ok(["UPSTREAM_FAILURE", "INTERNAL_ERROR"].includes(error.category), error.category);
    const again = await waitFor(async () => {
      const result = await call(agent, "faults.echo", { text: "still here" });
      return !result.isError && result;
    }, { timeout: 10_000, every: 200, what: "the server to serve again" });
    assert.equal(textOf(again), "still here");
    await settled(gateway);
    await agent.close();
    await gateway.stop();
  });
}

test("over HTTP: garbage, half an event, resets, stalls and statuses become errors with a cause", async (t) => {
  const fixture = await startFixture("faults_http");
  t.after(fixture.stop);
  const gateway = ending(t, await startGateway({ accounts: account, upstreams: [httpUpstream("faults", fixture.port)] }));
  const agent = await connect(gateway);
  assert.equal(textOf(await call(agent, "faults.echo", { text: "well" })), "well");
  const expected = {
    garbage: ["UPSTREAM_FAILURE", "INTERNAL_ERROR"], half: ["UPSTREAM_FAILURE"], reset: ["UPSTREAM_FAILURE"],
    stall: ["UPSTREAM_FAILURE"], "status:503": ["UPSTREAM_FAILURE"], "status:500": ["INTERNAL_ERROR", "UPSTREAM_FAILURE"],
    "status:429:1": ["RATE_LIMITED"], "status:403": ["PERMISSION_DENIED"], "wrong-id": ["UPSTREAM_FAILURE", "INTERNAL_ERROR"],
  };
  for (const [kind, categories] of Object.entries(expected)) {
    await fetch(`http://127.0.0.1:${fixture.port}/fault?next=${kind}&count=5`);
    // A write: nothing may be repeated that was sent.
    const error = serf(await call(agent, "faults.count"));
    assert.ok(categories.includes(error.category), `${kind}: ${error.category} / ${error.code}`);
    await fetch(`http://127.0.0.1:${fixture.port}/fault?next=none&count=0`);
    await waitFor(async () => !(await call(agent, "faults.echo", { text: "x" })).isError, { timeout: 40_000, every: 500, what: `the server to serve again after ${kind}` });
  }
  await settled(gateway);
  await agent.close();
  await gateway.stop();
});

test("an idempotent call survives a reset by being sent again", async (t) => {
  const fixture = await startFixture("faults_http");
  t.after(fixture.stop);
  const gateway = ending(t, await startGateway({ accounts: account, upstreams: [httpUpstream("faults", fixture.port, { trust_annotations: true })] }));
  const agent = await connect(gateway);
  for (let i = 0; i < 10; ++i) await call(agent, "faults.echo", { text: "warm" });
  await fetch(`http://127.0.0.1:${fixture.port}/fault?next=reset&count=1`);
  assert.equal(textOf(await call(agent, "faults.echo", { text: "twice" })), "twice");
  await agent.close();
  await gateway.stop();
});

test("a server that is not there is an error with a cause, and comes back when it is", async (t) => {
  const fixture = await startFixture("faults_http");
  await fixture.stop();
  const gateway = ending(t, await startGateway({
    accounts: account, upstreams: [httpUpstream("gone", fixture.port), stdioUpstream("faults_stdio")],
  }));
  const agent = await connect(gateway);
  assert.equal(textOf(await call(agent, "faults.echo", { text: "x" })), "x", "the other server serves");
  const tools = (await agent.listTools()).tools.map((tool) => tool.name);
  assert.ok(tools.includes("faults.echo"));
  await agent.close();
  await gateway.stop();
});

test("a flood of notifications does not drown the gateway or its neighbours", async (t) => {
  const gateway = ending(t, await startGateway({
    accounts: account, upstreams: [stdioUpstream("faults_stdio"), stdioUpstream("faults_stdio", { name: "other" })],
  }));
  const agent = await connect(gateway);
  const flood = call(agent, "faults.flood", { count: 20_000, bytes: 200 });
  const began = Date.now();
  assert.equal(textOf(await call(agent, "other.echo", { text: "calm" })), "calm");
  assert.ok(Date.now() - began < 3000);
  const result = await flood;
  if (result.isError) serf(result);
  assert.equal((await gateway.get("/healthz")).status, 200);
  await agent.close();
  await gateway.stop();
});

test("a result that breaks its schema is a broken contract, not an answer", async (t) => {
  const gateway = ending(t, await startGateway({ accounts: account, upstreams: [stdioUpstream("faults_stdio")] }));
  const agent = await connect(gateway);
  assert.deepEqual((await call(agent, "faults.typed", {})).structuredContent, { celsius: 21.5 });
  const lie = await call(agent, "faults.typed", { lie: true });
  const error = serf(lie);
  assert.deepEqual([error.category, error.code], ["INTERNAL_ERROR", "CONTRACT_VIOLATION"]);
  assert.equal(lie.structuredContent, undefined, "a tool with a schema gets no structured content that breaks it");
  await agent.close();
  await gateway.stop();
});

test("a result past the limit is cut and says so", async (t) => {
  const gateway = ending(t, await startGateway({ accounts: account, upstreams: [stdioUpstream("faults_stdio")] }));
  const agent = await connect(gateway);
  const small = await call(agent, "faults.big", { bytes: 500_000 });
  assert.equal(textOf(small).length, 500_000);
  const big = await call(agent, "faults.big", { bytes: 3_000_000 });
  assert.ok(JSON.stringify(big).length < 1_200_000, `${JSON.stringify(big).length} bytes`);
  await agent.close();
  await gateway.stop();
});

test("no process is left: not a child, not a child's child, not after kill -9", async (t) => {
  const config = {
    accounts: account,
    upstreams: [
      stdioUpstream("faults_stdio"),
      // As npx does: a shell that starts the server as a child of its own.
      { name: "wrapped", command: "/bin/sh", args: ["-c", `"${process.execPath}" "${new URL("./fixtures/faults_stdio.mjs", import.meta.url).pathname}"; true`] },
    ],
  };
  for (const end of ["stop", "kill"]) {
    const gateway = ending(t, await startGateway(config));
    const agent = await connect(gateway);
    const pids = [Number(textOf(await call(agent, "faults.spawn"))), Number(textOf(await call(agent, "wrapped.spawn")))];
    assert.ok(pids.every(alive), "the tools left processes behind");
    assert.ok(tagged(gateway.tag).length >= 5, JSON.stringify(tagged(gateway.tag)));
    await agent.close().catch(() => {});
    if (end === "stop") await gateway.stop();
    else {
      await gateway.kill();
      await noProcessLeft(gateway.tag);
    }
  }
});
