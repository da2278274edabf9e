// What users of other gateways suffer from, each pain a test of its own name: it must be impossible here.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import OpenAI from "openai";
import { BareAgent, call, connect, isRefusal, serf, textOf } from "./lib/agent.mjs";
import { BURSAR, ending, freshDirectory, httpUpstream, noProcessLeft, readLines, startGateway, stdioUpstream } from "./lib/gateway.mjs";
import { fastServer } from "./lib/fast_server.mjs";
import { auditQuery, budget, verifyAudit } from "./lib/ledger.mjs";
import { modelConfig, modelUpstream } from "./lib/models.mjs";
import { alive, residentKib, waitFor } from "./lib/processes.mjs";

const messages = [{ role: "user", content: "Tell me a story." }];

async function fast(t) {
  const upstream = await fastServer();
  t.after(upstream.close);
  return upstream;
}
const calls = (gateway, account = "dev") => budget(gateway, account, "calls");
const noHold = (gateway, resource = "calls") =>
  waitFor(async () => (await budget(gateway, "dev", resource)).held === 0, { timeout: 15_000, every: 50, what: "no hold to be left" });
const config = (upstream, limits, more = {}) => ({ accounts: [{ path: "dev", limits, ...more }], upstreams: [httpUpstream("fast", upstream.port)] });

async function models(t, options = {}, names = ["one"]) {
  const upstreams = {};
  for (const name of names) { upstreams[name] = await modelUpstream(); t.after(upstreams[name].close); }
  const gateway = ending(t, await startGateway(modelConfig(upstreams, options)));
  const wire = { requests: 0 };
  const client = new OpenAI({ apiKey: "none", baseURL: `http://127.0.0.1:${gateway.port}/v1`,
    fetch: (url, init) => { ++wire.requests; const headers = new Headers(init.headers); headers.delete("authorization"); return fetch(url, { ...init, headers }); } });
  return { gateway, client, wire, ...upstreams };
}

test("pain 1: concurrent requests overspend a budget", async (t) => {
  const upstream = await fast(t), N = 60;
  const gateway = ending(t, await startGateway(config(upstream, [`${N} calls`])));
  const agents = await Promise.all(Array.from({ length: 24 }, () => new BareAgent(gateway.url).open()));
  const results = await Promise.all(agents.flatMap((agent) => Array.from({ length: 5 }, () => agent.call("fast.echo", { text: "x" }))));
  assert.equal(results.filter((r) => !r.isError).length, N);
  assert.equal(upstream.calls(), N, "what reached the server");
  await gateway.stop();
});

test("pain 2: N replicas spend N budgets", async (t) => {
  const upstream = await fast(t);
  const first = ending(t, await startGateway(config(upstream, ["20 calls"])));
  // A second process on the same budget is refused, rather than given a budget of its own.
  await assert.rejects(startGateway({ ...config(upstream, ["20 calls"]), database: join(first.directory, "bursar.db") }, { timeout: 8000 }), /in use by process/);
  const agent = await connect(first);
  for (let i = 0; i < 25; ++i) await call(agent, "fast.echo", { text: "x" });
  assert.equal(upstream.calls(), 20);
  await agent.close();
  await first.stop();
});

test("pain 3: a restart refills the budget", async (t) => {
  const upstream = await fast(t);
  let gateway = ending(t, await startGateway(config(upstream, ["10 calls"])));
  for (const end of ["stop", "kill", "stop"]) {
    const agent = await new BareAgent(gateway.url).open();
    for (let i = 0; i < 4; ++i) await agent.call("fast.echo", { text: "x" });
    await gateway[end]();
    gateway = ending(t, await gateway.restart());
  }
  assert.ok(upstream.calls() <= 10, `${upstream.calls()} calls of 10`);
  const agent = await new BareAgent(gateway.url).open();
  assert.ok(isRefusal(await agent.call("fast.echo", { text: "x" })));
  await gateway.stop();
});

test("pain 4: holds leak, and a budget that is not spent refuses", async (t) => {
  const gateway = ending(t, await startGateway({ accounts: [{ path: "dev", limits: ["40 calls"] }], upstreams: [stdioUpstream("faults_stdio")] }));
  for (let i = 0; i < 12; ++i) {
    const agent = await new BareAgent(gateway.url).open();
    const stop = new AbortController();
    const calling = agent.call("faults.sleep", { ms: 500 }, { signal: stop.signal }).catch(() => {});
    await sleep(60);
    stop.abort();
    await calling;
  }
  await noHold(gateway);
  const { spent, left } = await calls(gateway);
  assert.equal(spent + left, 40);
  const agent = await connect(gateway);
  for (let i = 0; i < left; ++i) {
    const result = await call(agent, "faults.echo", { text: "x" });
    assert.ok(!result.isError, `call ${i} of the ${left} that are left: ${JSON.stringify(result)}`);
  }
  await agent.close();
  await gateway.stop();
});

test("pain 5: when the store fails, spending goes on unguarded and is forgotten", async (t) => {
  const upstream = await fast(t);
  const gateway = ending(t, await startGateway(config(upstream, ["1000 calls"], { sync: true })));
  const agent = await new BareAgent(gateway.url).open();
  assert.ok(!(await agent.call("fast.echo", { text: "x" })).isError);
  // Somebody locks the database and does not let go.
  const other = new DatabaseSync(join(gateway.directory, "bursar.db"));
  other.exec("PRAGMA busy_timeout = 5000");  // the gateway may be writing at this moment
  other.exec("BEGIN IMMEDIATE");
  const before = upstream.calls();
  const refused = serf(await agent.call("fast.echo", { text: "x" }));
  assert.equal(refused.outcome, "not_applied");
  assert.equal(upstream.calls(), before, "nothing was called that could not be written down");
  other.exec("ROLLBACK");
  other.close();
  await waitFor(async () => !(await agent.call("fast.echo", { text: "x" })).isError, { timeout: 15_000, every: 200, what: "the store to be back" });
  await noHold(gateway);
  assert.equal((await calls(gateway)).spent, upstream.calls(), "each call that was made is written down");
  await gateway.stop();
});

test("pain 6: a client that disconnects is not billed, or is held for ever", async (t) => {
  const { gateway, client, one } = await models(t);
  const stream = await client.chat.completions.create({ model: "one/long", messages, stream: true });
  let seen = 0;
  for await (const piece of stream) { seen += piece.choices[0].delta.content?.length ?? 0; if (seen > 40) break; }
  await waitFor(() => one.aborted() === 1, { what: "the upstream's call to be cancelled" });
  await noHold(gateway, "tokens");
  const { spent } = await budget(gateway, "dev", "tokens");
  assert.ok(spent >= seen / 4 && spent < 4096, `${spent} tokens for ${seen} characters`);
  await gateway.stop();
});

test("pain 7: a fallback or retry escapes the budget", async (t) => {
  const { gateway, client, one, two } = await models(t, { routes: [{ model: "story", targets: ["one/fail-500", "two/ok"], retries: 3 }], limits: ["7 calls"] }, ["one", "two"]);
  for (let i = 0; i < 8; ++i) await client.chat.completions.create({ model: "story", messages }, { maxRetries: 0 }).catch((e) => e);
  assert.ok(one.requests.length + two.requests.length <= 7, `${one.requests.length} + ${two.requests.length} attempts of 7`);
  assert.ok((await calls(gateway)).spent <= 7);
  await gateway.stop();
});

test("pain 8: a refusal as 429 starts a storm of retries", async (t) => {
  const { gateway, client, wire } = await models(t, { limits: ["1 calls"] });
  await client.chat.completions.create({ model: "one/ok", messages });
  const before = wire.requests;
  const error = await client.chat.completions.create({ model: "one/ok", messages }, { maxRetries: 5 }).catch((e) => e);
  assert.equal(error.status, 402);
  assert.equal(error.headers.get("x-should-retry"), "false");
  assert.equal(wire.requests - before, 1, "the SDK asked once");
  await gateway.stop();
});

test("pain 9: 'session not found' after a restart", async (t) => {
  const upstream = await fast(t);
  const first = ending(t, await startGateway(config(upstream, ["100 calls"])));
  const agent = await connect(first);
  assert.equal(textOf(await call(agent, "fast.echo", { text: "before" })), "before");
  await first.stop();
  const second = ending(t, await first.restart({ listen: { port: first.port } }));
  assert.equal(textOf(await call(agent, "fast.echo", { text: "after" })), "after");
  await agent.close();
  await second.stop();
});

test("pain 10: timeouts are hard-coded", async (t) => {
  const gateway = ending(t, await startGateway({
    accounts: [{ path: "dev", limits: ["1000 calls"] }], upstreams: [stdioUpstream("faults_stdio")],
    tools: [{ tool: "*", idempotent: false }], turn: { atba: { timeout_min: "200 ms" } },
  }));
  const agent = await connect(gateway);
  for (let i = 0; i < 40; ++i) await call(agent, "faults.sleep", { ms: 10 });
  const quick = performance.now();
  assert.equal(serf(await call(agent, "faults.sleep", { ms: 60_000 })).code, "TIMEOUT");
  assert.ok(performance.now() - quick < 5000, "a tool that takes 10 ms is not waited for a minute");
  // One that reports progress is given longer than that.
  assert.ok(!(await call(agent, "faults.progress", { steps: 8, every_ms: 150 }, { onprogress: () => {} })).isError);
  await agent.close();
  await gateway.stop();
});

test("pain 11: errors are opaque, or lie", async (t) => {
  const gateway = ending(t, await startGateway({
    accounts: [{ path: "acme", limits: ["3 calls"] }, { path: "dev", limits: ["100 calls"] }],
    upstreams: [stdioUpstream("faults_stdio")], identity: { development_account: "acme" },
  }));
  const agent = await connect(gateway);
  const wrong = serf(await call(agent, "faults.sleep", { ms: "soon" }));
  assert.deepEqual([wrong.category, wrong.outcome, wrong.suggested_actions[0].type], ["INVALID_INPUT", "not_applied", "FIX_INPUT"]);
  const own = await call(agent, "faults.fail");
  assert.ok(own.isError && !isRefusal(own), "a tool's own error is shown as the tool's own");
  for (let i = 0; i < 2; ++i) await call(agent, "faults.echo", { text: "x" });
  const spent = serf(await call(agent, "faults.echo", { text: "x" }));
  assert.deepEqual([spent.category, spent.outcome, spent.retryable], ["RESOURCE_EXHAUSTED", "not_applied", false]);
  assert.match(spent.message, /acme/);
  await agent.close();
  await gateway.stop();
});

test("pain 12: who is asking is lost before the tool", async (t) => {
  const upstream = await fast(t);
  const gateway = ending(t, await startGateway({
    accounts: [{ path: "a", limits: ["5 calls"] }, { path: "b", limits: ["5 calls"] }], upstreams: [httpUpstream("fast", upstream.port)],
    policy: { default: "deny", rules: [{ principals: ["key:ada"], tools: ["fast.echo"] }] },
  }));
  const keys = {};
  for (const [name, account] of [["ada", "a"], ["bob", "b"]]) keys[name] = /sk-\S+/.exec((await gateway.bursar("keys", "create", name, "--account", account)).stdout)[0];
  const [ada, bob] = await waitFor(() => Promise.all([keys.ada, keys.bob].map((key) => new BareAgent(gateway.url, { key }).open())).catch(() => false), { timeout: 5000, every: 100 });
  assert.ok(!(await ada.call("fast.echo", { text: "x" })).isError);
  await assert.rejects(bob.call("fast.echo", { text: "x" }), /Unknown tool/);
  assert.deepEqual([(await calls(gateway, "a")).spent, (await calls(gateway, "b")).spent], [1, 0]);
  const records = await auditQuery(gateway);
  assert.deepEqual(records.map((r) => r.principal).sort(), ["key:ada", "key:bob"]);
  await gateway.stop();
});

test("pain 13: cancellations and notifications are not forwarded", async (t) => {
  const log = join(freshDirectory(), "faults.jsonl");
  const gateway = ending(t, await startGateway({ accounts: [{ path: "dev", limits: ["100 calls"] }], upstreams: [stdioUpstream("faults_stdio", { env: { FAULTS_LOG: log } })] }));
  const agent = await connect(gateway);
  let progress = 0;
  await call(agent, "faults.progress", { steps: 3, every_ms: 5 }, { onprogress: () => { ++progress; } });
  assert.equal(progress, 3);
  const stop = new AbortController();
  const calling = call(agent, "faults.hang", {}, { signal: stop.signal });
  await sleep(200);
  stop.abort();
  await assert.rejects(calling);
  await waitFor(() => readLines(log).some((entry) => entry.event === "cancelled" && entry.tool === "hang"), { what: "the server to be told" });
  await agent.close();
  await gateway.stop();
});

test("pain 14: children of stdio servers leak", async (t) => {
  const settings = { accounts: [{ path: "dev", limits: ["100 calls"] }], upstreams: [stdioUpstream("faults_stdio", { child_idle: "300 ms" })] };
  const gateway = ending(t, await startGateway(settings));
  for (let i = 0; i < 10; ++i) {
    const agent = await connect(gateway);
    await call(agent, "faults.echo", { text: "x" });
    await agent.endpoint.terminateSession();
    await agent.close();
  }
  const agent = await connect(gateway);
  const grandchild = Number(textOf(await call(agent, "faults.spawn")));
  assert.ok(alive(grandchild));
  await gateway.kill();
  await noProcessLeft(gateway.tag);
  assert.ok(!alive(grandchild));
});

test("pain 15: it weighs a lot, and has to be trusted", async (t) => {
  const upstream = await fast(t);
  const gateway = ending(t, await startGateway({ ...config(upstream, ["100000 calls"]), audit: { security_log: join(freshDirectory(), "security.jsonl") } }));
  const program = join(freshDirectory(), "bursar");
  execFileSync("strip", ["-o", program, BURSAR]);
  const size = statSync(program).size / 2 ** 20;
  t.diagnostic(`${size.toFixed(1)} MiB without its debugging symbols`);
  assert.ok(size < 16, `${size} MiB: one program, and nothing beside it`);
  const sessions = [];
  for (let i = 0; i < 1000; i += 50) sessions.push(...(await Promise.all(Array.from({ length: 50 }, () => new BareAgent(gateway.url).open()))));
  assert.equal(sessions.length, 1000);
  const mib = residentKib(gateway.pid) / 1024;
  t.diagnostic(`${mib.toFixed(1)} MiB resident with 1,000 sessions`);
  assert.ok(mib <= 64, `${mib} MiB`);
  await verifyAudit(gateway);  // what it did can be checked afterwards
  await gateway.stop();
});
