// Model endpoints under budgets, seen by the published openai package: what is asked, answered, refused and paid.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { connect as connectSocket } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import OpenAI from "openai";
import { call, connect, serf } from "./lib/agent.mjs";
import { ending, httpUpstream, startGateway } from "./lib/gateway.mjs";
import { fastServer } from "./lib/fast_server.mjs";
import { auditQuery, budget, verifyAudit } from "./lib/ledger.mjs";
import { modelConfig, modelUpstream, PROMPT } from "./lib/models.mjs";
import { residentKib, waitFor } from "./lib/processes.mjs";

const messages = [{ role: "user", content: "Tell me a story." }];

async function keyOf(gateway) {
  const made = await gateway.bursar("keys", "create", "ada", "--account", "dev");
  assert.equal(made.code, 0, made.stderr);
  const key = /sk-[A-Za-z0-9_-]{16,}/.exec(made.stdout)[0];
  const models = () => gateway.get("/v1/models", { headers: { authorization: `Bearer ${key}` } });
  await waitFor(async () => (await models()).status === 200, { timeout: 5000, every: 100, what: "the key to open the gateway" });
  return key;
}

// Counts what really goes over the wire, retries of the SDK included.
async function clientOf(gateway, options = {}) {
  const wire = { requests: 0 };
  const client = new OpenAI({
    apiKey: await keyOf(gateway), baseURL: `http://127.0.0.1:${gateway.port}/v1`,
    fetch: (...args) => { ++wire.requests; return fetch(...args); }, ...options,
  });
  return Object.assign(client, { wire });
}

async function world(t, { offers, ...options } = {}, names = ["one"]) {
  const upstreams = {};
  for (const name of names) {
    upstreams[name] = await modelUpstream(offers);
    t.after(upstreams[name].close);
  }
  const gateway = ending(t, await startGateway(modelConfig(upstreams, options)));
  return { gateway, client: await clientOf(gateway), ...upstreams };
}

const spent = async (gateway, resource) => (await budget(gateway, "dev", resource)).spent;
const noHold = (gateway, resource = "tokens") =>
  waitFor(async () => (await budget(gateway, "dev", resource)).held === 0, { timeout: 10_000, every: 50, what: "no hold to be left" });

async function refused(promise) {
  const error = await promise.then(() => assert.fail("must be refused"), (e) => e);
  assert.ok(error instanceof OpenAI.APIError, `${error}`);
  return error;
}

test("a chat completion is answered, paid by its usage, and says what it cost", async (t) => {
  const { gateway, client, one } = await world(t);
  const { data, response } = await client.chat.completions.create({ model: "one/ok", messages, max_tokens: 50 }).withResponse();
  assert.equal(data.choices[0].message.content, "Once upon a time.");
  assert.match(response.headers.get("x-bursar-cost"), /^0\.000021 usd, 16 tokens, 1 calls, /);
  assert.equal(response.headers.get("x-bursar-account"), "dev");
  assert.ok(response.headers.get("x-bursar-left-usd"));
  assert.ok(response.headers.get("x-request-id"));
  assert.equal(await spent(gateway, "tokens"), PROMPT + 5);
  assert.equal(await spent(gateway, "usd"), 0.000021);
  await noHold(gateway);
  assert.equal(one.requests[0].headers.authorization, "Bearer sk-own-one", "our own credential, never the caller's");
  assert.equal(one.requests[0].body.model, "ok");
  const [record] = (await auditQuery(gateway)).filter((r) => r.method === "chat/completions");
  assert.equal(record.upstream, "one");
  assert.equal(record.outcome, "applied");
  await verifyAudit(gateway);
  const metrics = await (await gateway.get("/metrics")).text();
  assert.match(metrics, /bursar_calls_total\{[^}]*method="chat\/completions"[^}]*outcome="ok"[^}]*\} 1/);
  await gateway.stop();
});

test("completions, embeddings and the list of models work as the SDK expects", async (t) => {
  const { gateway, client } = await world(t, { offers: { models: ["ok", "other"] } });
  const completion = await client.completions.create({ model: "one/ok", prompt: "Once", max_tokens: 5 });
  assert.equal(completion.choices[0].text, "Once upon a time.");
  const embedding = await client.embeddings.create({ model: "one/ok", input: ["a", "b"], encoding_format: "float" });
  assert.equal(embedding.data.length, 2);
  assert.equal(await spent(gateway, "tokens"), PROMPT + 5 + 8);
  const names = [];
  for await (const model of client.models.list()) names.push(model.id);
  assert.deepEqual(names.sort(), ["one/ok", "one/other"]);
  assert.equal((await client.models.retrieve("one/ok")).id, "one/ok");
  await gateway.stop();
});

test("a stream passes through, its usage is paid and hidden unless it was asked for", async (t) => {
  const { gateway, client, one } = await world(t);
  let text = "", chunks = 0;
  for await (const piece of await client.chat.completions.create({ model: "one/ok", messages, stream: true })) {
    ++chunks;
    assert.ok(piece.choices.length > 0, "the chunk that only we asked for stays hidden");
    text += piece.choices[0].delta.content ?? "";
  }
  assert.equal(text, "Once upon a time.");
  assert.equal(chunks, 7);
  assert.equal(one.requests[0].body.stream_options.include_usage, true);
  assert.equal(one.requests[0].body.max_tokens, 4096, "what is reserved is also asked for");
  assert.equal(await spent(gateway, "tokens"), PROMPT + 5);
  let usage;
  for await (const piece of await client.chat.completions.create({ model: "one/ok", messages, stream: true, stream_options: { include_usage: true } })) usage ??= piece.usage;
  assert.equal(usage.total_tokens, PROMPT + 5);
  await noHold(gateway);
  await gateway.stop();
});

test("64 agents on a budget of K calls get exactly K, and no refusal is retried", async (t) => {
  const K = 100, AGENTS = 64;
  const { gateway, client, one } = await world(t, { limits: [`${K} calls`, "100 usd"] });
  let granted = 0, refusals = 0;
  await Promise.all(Array.from({ length: AGENTS }, async () => {
    for (let i = 0; i < 4; ++i) {
      try {
        await client.chat.completions.create({ model: "one/ok", messages, max_tokens: 10 });
        ++granted;
      } catch (error) {
        assert.equal(error.status, 402, `${error}`);
        assert.equal(error.type, "insufficient_quota");
        assert.equal(error.error.bursar.resource, "calls");
        ++refusals;
      }
    }
  }));
  assert.equal(granted, K);
  assert.equal(refusals, AGENTS * 4 - K);
  assert.equal(one.requests.length, K, "requests that reached the upstream");
  assert.equal(client.wire.requests, AGENTS * 4, "the SDK asked once for each");
  const dev = await budget(gateway, "dev", "calls");
  assert.deepEqual({ spent: dev.spent, held: dev.held }, { spent: K, held: 0 });
  await gateway.stop();
});

test("a money limit holds under concurrency: what was settled never passes it", async (t) => {
  const { gateway, client } = await world(t, { limits: ["0.01 usd"] });
  const results = await Promise.allSettled(Array.from({ length: 200 }, () => client.chat.completions.create({ model: "one/ok", messages, max_tokens: 100 })));
  const granted = results.filter((r) => r.status === "fulfilled").length;
  for (const r of results) if (r.status === "rejected") assert.equal(r.reason.status, 402);
  const usd = await budget(gateway, "dev", "usd");
  assert.ok(granted > 0 && usd.spent <= 0.01, JSON.stringify(usd));
  assert.equal(Math.round(usd.spent * 1e6), granted * 21);
  await gateway.stop();
});

test("a refusal says which account, what is left and what to do; one that refills soon says when", async (t) => {
  const { gateway, client } = await world(t, { limits: ["1 calls rate 5 s", "5 tokens total"] });
  const exhausted = await refused(client.chat.completions.create({ model: "one/ok", messages }));
  assert.equal(exhausted.status, 402);
  assert.equal(exhausted.headers.get("x-should-retry"), "false");
  assert.equal(exhausted.error.bursar.account, "dev");
  assert.equal(exhausted.error.bursar.left, 5);
  assert.ok(exhausted.error.bursar.recovery.suggested_actions.some((a) => a.type === "ANSWER_WITH_PARTIAL"));
  assert.equal(client.wire.requests, 1);
  gateway.reconfigure({ accounts: [{ path: "dev", limits: ["1 calls rate 2 s"] }] });
  await waitFor(async () => gateway.lines.some((l) => l.includes("configuration_loaded")), { what: "the reload" });
  await client.chat.completions.create({ model: "one/ok", messages });
  const soon = await refused(client.chat.completions.create({ model: "one/ok", messages }, { maxRetries: 0 }));
  assert.equal(soon.status, 429);
  assert.equal(soon.headers.get("x-should-retry"), "true");
  assert.ok(Number(soon.headers.get("retry-after")) >= 1);
  // The SDK waits as it was told, and is served.
  await client.chat.completions.create({ model: "one/ok", messages }, { maxRetries: 2 });
  await gateway.stop();
});

test("an agent that leaves a stream pays for what was streamed, and its hold is gone", async (t) => {
  const { gateway, client, one } = await world(t);
  const stream = await client.chat.completions.create({ model: "one/long", messages, stream: true });
  let seen = 0;
  for await (const piece of stream) { seen += piece.choices[0].delta.content?.length ?? 0; if (seen > 60) break; }  // breaks the connection
  await noHold(gateway);
  await waitFor(() => one.aborted() === 1, { what: "the upstream's call to be cancelled" });
  const tokens = await spent(gateway, "tokens");
  assert.ok(tokens >= seen && tokens < 4096, `${tokens} tokens for ${seen} bytes`);
  const [record] = (await auditQuery(gateway)).filter((r) => r.method === "chat/completions");
  assert.equal(record.code, "CANCELLED");
  await gateway.stop();
});

for (const model of ["half", "early", "stall"]) {
  test(`a stream that breaks (${model}) is told to the agent and settled`, async (t) => {
    const { gateway, client } = await world(t, { each: { stall_timeout: "300 ms" } });
    let text = "";
    await assert.rejects(async () => {
      for await (const piece of await client.chat.completions.create({ model: `one/${model}`, messages, stream: true })) text += piece.choices[0].delta.content ?? "";
    }, OpenAI.APIError);
    assert.equal(text, "Once");
    await noHold(gateway);
    const tokens = await spent(gateway, "tokens");
    assert.ok(tokens > 4 && tokens < 400, `${tokens}`);
    await gateway.stop();
  });
}

test("a flood is cut, and its excess shows as an overrun", async (t) => {
  const { gateway, client } = await world(t);
  await assert.rejects(async () => {
    for await (const _ of await client.chat.completions.create({ model: "one/flood", messages, stream: true, max_tokens: 10 })) { /* read on */ }
  }, OpenAI.APIError);
  await noHold(gateway);
  assert.ok((await budget(gateway, "dev", "tokens")).overrun > 0);
  await gateway.stop();
});

test("what an upstream reports wrongly is not believed, and its excess is an overrun", async (t) => {
  const { gateway, client } = await world(t);
  await client.chat.completions.create({ model: "one/liar", messages, max_tokens: 50 });
  const lied = await spent(gateway, "tokens");
  assert.ok(lied >= PROMPT + 5, `${lied}`);
  assert.equal((await budget(gateway, "dev", "tokens")).overrun, 0);
  await client.chat.completions.create({ model: "one/excess", messages, max_tokens: 50 });
  const after = await budget(gateway, "dev", "tokens");
  assert.equal(after.spent, lied + PROMPT + 100_000);
  assert.ok(after.overrun > 99_000);
  await gateway.stop();
});

test("a fallback answers, and never escapes the budget", async (t) => {
  const routes = [{ model: "story", targets: ["one/fail-500", "two/ok"] }];
  const { gateway, client, one, two } = await world(t, { routes, limits: ["5 calls"] }, ["one", "two"]);
  for (let i = 0; i < 2; ++i) {
    assert.equal((await client.chat.completions.create({ model: "story", messages })).choices[0].message.content, "Once upon a time.");
  }
  await refused(client.chat.completions.create({ model: "story", messages }, { maxRetries: 0 }));  // one call is left: no fallback
  assert.equal((await refused(client.chat.completions.create({ model: "story", messages }))).status, 402);
  assert.equal(one.requests.length + two.requests.length, 5, "what both upstreams saw together");
  assert.equal(await spent(gateway, "calls"), 5);
  await gateway.stop();
});

test("an upstream that asks for patience is asked again in its own time", async (t) => {
  const routes = [{ model: "story", targets: ["one/limit-429"], retries: 1 }];
  const { gateway, client, one } = await world(t, { routes });
  const began = Date.now();
  const error = await refused(client.chat.completions.create({ model: "story", messages }, { maxRetries: 0 }));
  assert.equal(error.status, 429);
  assert.ok(Date.now() - began >= 900);
  assert.equal(one.requests.length, 2);
  assert.equal(await spent(gateway, "tokens"), 0);
  await gateway.stop();
});

test("an upstream's own refusal of a request reaches the agent as it is", async (t) => {
  const { gateway, client } = await world(t);
  const error = await refused(client.chat.completions.create({ model: "one/bad-400", messages }));
  assert.equal(error.status, 400);
  assert.equal(error.param, "temperature");
  assert.equal(client.wire.requests, 1);
  await gateway.stop();
});

test("an agent that leaves a plain call frees its hold", async (t) => {
  const { gateway, client, one } = await world(t);
  const stop = new AbortController();
  const calling = client.chat.completions.create({ model: "one/hang", messages }, { signal: stop.signal });
  await waitFor(() => one.requests.length === 1, { what: "the upstream to be asked" });
  assert.ok((await budget(gateway, "dev", "tokens")).held > 0);
  stop.abort();
  await assert.rejects(calling);
  await noHold(gateway);
  await waitFor(() => one.aborted() === 1, { what: "the upstream's call to be cancelled" });
  await gateway.stop();
});

test("one turn's purse and one account pay for a model call and a tool call together", async (t) => {
  const tools = await fastServer();
  t.after(tools.close);
  const { gateway, client } = await world(t, { limits: ["5 calls", "1 usd"], upstreams: [httpUpstream("fast", tools.port)] });
  const agent = await connect(gateway, { key: client.apiKey });
  const headers = { "x-bursar-turn": JSON.stringify({ id: "job-7", calls_left: 2 }) };
  const meta = { "dev.bursar/turn": { id: "job-7" } };
  const model = (options) => client.chat.completions.create({ model: "one/ok", messages, max_tokens: 10 }, options);
  const { response } = await model({ headers }).withResponse();
  assert.equal(response.headers.get("x-bursar-left-calls"), "1");
  assert.ok(!(await call(agent, "fast.echo", { text: "x" }, { meta })).isError, "the purse pays for the tool");
  const byTool = await call(agent, "fast.echo", { text: "x" }, { meta });
  assert.equal(serf(byTool).code, "CALLS_EXHAUSTED", "and is spent for tools");
  assert.equal((await refused(model({ headers: { "x-bursar-turn": "job-7" } }))).status, 402, "and for models");
  // Without the turn, the account goes on until it is spent by both.
  await model();
  assert.ok(!(await call(agent, "fast.echo", { text: "x" })).isError);
  await model();
  assert.equal((await refused(model())).error.bursar.account, "dev");
  assert.equal(serf(await call(agent, "fast.echo", { text: "x" })).code, "CALLS_EXHAUSTED");
  assert.equal(await spent(gateway, "calls"), 5);
  await agent.close();
  await gateway.stop();
});

test("a client that reads nothing costs bounded memory, and what it was sent is settled", async (t) => {
  const { gateway, client } = await world(t, { limits: ["1000 calls"] });
  const before = residentKib(gateway.pid);
  const body = JSON.stringify({ model: "one/flood", messages, stream: true, max_tokens: 1_000_000 });
  const sockets = Array.from({ length: 4 }, () => {
    const socket = connectSocket(gateway.port, "127.0.0.1");
    socket.pause();
    socket.on("error", () => {});
    socket.write(`POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${client.apiKey}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    return socket;
  });
  await sleep(3000);
  const grown = residentKib(gateway.pid) - before;
  t.diagnostic(`${grown} KiB for 4 streams that nobody reads`);
  assert.ok(grown < 96 * 1024, `${grown} KiB`);
  for (const socket of sockets) socket.destroy();
  await waitFor(async () => (await budget(gateway, "dev", "calls")).held === 0, { what: "no hold to be left" });
  assert.equal(await spent(gateway, "calls"), 4);
  await gateway.stop();
});

test("prices are read anew from their file, and a model without one is refused where money is limited", async (t) => {
  const { gateway, client } = await world(t, { models: { prices: [] } });
  const error = await refused(client.chat.completions.create({ model: "one/ok", messages }));
  assert.equal(error.status, 403);
  assert.match(error.message, /models\.prices/);
  assert.equal(client.wire.requests, 1);
  gateway.reconfigure({ models: { ...gateway.config.models, prices: [{ input: "1 usd", output: "1 usd" }] } });
  await waitFor(async () => gateway.lines.some((l) => l.includes("configuration_loaded")), { what: "the reload" });
  await client.chat.completions.create({ model: "one/ok", messages });
  assert.equal(await spent(gateway, "usd"), 0.000016);

  // Beside the configuration: a file that is read again when it changes, and kept when it turns bad.
  const prices = join(gateway.directory, "prices.yaml");
  const file = (usd) => writeFileSync(prices, `date: 2026-11-01\nprices:\n  - {input: ${usd} usd, output: ${usd} usd}\n`);
  const said = (text, times) => waitFor(async () => gateway.lines.filter((l) => l.includes(text)).length >= times, { what: text });
  file(2);
  gateway.reconfigure({ models: { ...gateway.config.models, prices: [], price_file: prices } });
  await said("configuration_loaded", 2);
  await client.chat.completions.create({ model: "one/ok", messages });
  assert.equal(await spent(gateway, "usd"), 0.000048);
  await sleep(1200);  // the gateway looks once a second
  file(3);
  await said("prices_loaded", 1);
  await client.chat.completions.create({ model: "one/ok", messages });
  assert.equal(await spent(gateway, "usd"), 0.000096);
  writeFileSync(prices, "prices: 7\n");
  await said("prices_refused", 1);
  await client.chat.completions.create({ model: "one/ok", messages });
  assert.equal(await spent(gateway, "usd"), 0.000144);
  await gateway.stop();
});

test("a hedge answers for an upstream that is slow, inside the budget", async (t) => {
  const routes = [{ model: "story", targets: ["one/hang", "two/ok"], hedge_after: "200 ms" }];
  const { gateway, client, one } = await world(t, { routes, limits: ["2 calls", "1M tokens"] }, ["one", "two"]);
  assert.equal((await client.chat.completions.create({ model: "story", messages, max_tokens: 10 })).choices[0].message.content, "Once upon a time.");
  await waitFor(() => one.aborted() === 1, { what: "the slow one to be cancelled" });
  await noHold(gateway);
  const calls = await budget(gateway, "dev", "calls");
  assert.deepEqual({ spent: calls.spent, held: calls.held }, { spent: 2, held: 0 });
  assert.equal((await budget(gateway, "dev", "tokens")).overrun, 0);
  await gateway.stop();
});

test("an endpoint that fails is left alone, and readiness and doctor say so", async (t) => {
  const { gateway, client, one } = await world(t, { routes: [{ model: "story", targets: ["one/fail-500"], retries: 0 }] });
  for (let i = 0; i < 5; ++i) await refused(client.chat.completions.create({ model: "story", messages }, { maxRetries: 0 }));
  assert.equal((await refused(client.chat.completions.create({ model: "story", messages }, { maxRetries: 0 }))).status, 502);
  assert.equal(one.requests.length, 5);
  const ready = await gateway.get("/readyz");
  assert.equal(ready.status, 503);
  assert.deepEqual((await ready.json()).upstreams_down, ["one"]);
  const doctor = await gateway.bursar("doctor");
  assert.match(doctor.stdout, /model endpoint one answers/);
  await gateway.stop();
});

test("strangers, foreign pages and wrong requests are told so in OpenAI's form", async (t) => {
  const { gateway, client } = await world(t);
  const stranger = new OpenAI({ apiKey: "sk-nobody", baseURL: `http://127.0.0.1:${gateway.port}/v1` });
  assert.equal((await refused(stranger.models.list())).status, 401);
  assert.equal((await gateway.get("/v1/models", { headers: { origin: "https://evil.example" } })).status, 403);
  const wrong = await refused(client.chat.completions.create({ model: "one/ok", messages, max_tokens: -1 }));
  assert.equal(wrong.status, 400);
  assert.equal(wrong.param, "max_tokens");
  assert.equal((await refused(client.chat.completions.create({ model: "nobody/x", messages }))).code, "model_not_found");
  await gateway.stop();
});
