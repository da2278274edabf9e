// Strategies as models, seen by the published openai package, in front of the simulated model, which keeps its own count.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import OpenAI from "openai";
import { bursar, ending, startGateway } from "./lib/gateway.mjs";
import { auditQuery, budget, verifyAudit } from "./lib/ledger.mjs";
import { waitFor } from "./lib/processes.mjs";
import { simConfig, startSimModel } from "./lib/sim_model.mjs";

const ask = (content) => [{ role: "user", content }];
const QUESTION = "How many of them are left over? [difficulty 0.4]";
const TRAIL = "[hops 2] Where does the trail end?";
// What a strategy cannot be asked without.
const NEEDS = { pipeline: { parameters: { pipeline: { stages: [{ name: "solve", prompt: "{{question}}", model: "sim/sim-small", samples: 2 }] } } } };

async function world(t, { sim: about = {}, ...options } = {}) {
  const sim = await startSimModel(t, about);
  const gateway = ending(t, await startGateway(simConfig(sim, options)));
  const made = await gateway.bursar("keys", "create", "ada", "--account", "dev");
  assert.equal(made.code, 0, made.stderr);
  const client = new OpenAI({ apiKey: /sk-[A-Za-z0-9_-]{16,}/.exec(made.stdout)[0], baseURL: `http://127.0.0.1:${gateway.port}/v1`, maxRetries: 0 });
  const names = await waitFor(() => client.models.list().then((list) => list.data.map((model) => model.id), () => undefined), { every: 100, what: "the key to open the gateway" });
  const strategies = names.filter((name) => name.startsWith("bursar/")).map((name) => name.slice("bursar/".length));
  return { sim, gateway, client, strategies };
}

const body = (strategy, question, { bursar = {}, ...more } = {}) => ({ model: `bursar/${strategy}`, messages: ask(question), seed: 3, bursar: { ...NEEDS[strategy], ...bursar }, ...more });
const run = (client, strategy, question = QUESTION, options = {}, how = {}) => client.chat.completions.create(body(strategy, question, options), how);

async function streamed(client, strategy, question = QUESTION, options = {}) {
  const seen = { text: "", pieces: 0 };
  for await (const chunk of await run(client, strategy, question, { stream: true, stream_options: { include_usage: true }, ...options })) {
    if (chunk.usage) seen.usage = chunk.usage;
    if (chunk.bursar) seen.bursar = chunk.bursar;
    const [choice] = chunk.choices;
    if (choice?.delta.content) { seen.text += choice.delta.content; ++seen.pieces; }
    seen.finish ??= choice?.finish_reason;
  }
  return seen;
}

const spent = async (gateway, resource = "tokens") => (await budget(gateway, "dev", resource)).spent;
const noHold = (gateway) => waitFor(async () => (await budget(gateway, "dev", "tokens")).held === 0, { timeout: 10_000, every: 100, what: "no hold to be left" });
const tokensOf = (count) => count.prompt_tokens + count.completion_tokens;
const committed = (record) => {  // "1234 tokens", "2k tokens"
  const [, number = 0, scale] = /([\d.]+)([kMG]?) tokens/.exec(record.committed ?? "") ?? [];
  return Math.round(Number(number) * ({ k: 1e3, M: 1e6, G: 1e9 }[scale] ?? 1));
};
const modelCalls = async (gateway) => (await auditQuery(gateway)).filter((record) => record.method === "chat/completions");

// Nothing that the model computed is missing from what was paid; returns both sums.
async function nothingUnaccounted(gateway, sim) {
  await noHold(gateway);
  const { total } = await sim.usage();
  const paid = await spent(gateway), records = await modelCalls(gateway);
  assert.equal(records.reduce((sum, record) => sum + committed(record), 0), paid, "receipts and the account");
  assert.ok(paid >= tokensOf(total.whole) + tokensOf(total.broken), `${paid} paid, ${JSON.stringify(total)} computed`);
  return { paid, total, records };
}

test("every strategy answers like a model, says what all its calls used, and is paid for exactly that", async (t) => {
  const { gateway, client, sim, strategies } = await world(t);
  assert.ok(strategies.length >= 6, `${strategies}`);
  let before = 0;
  for (const name of strategies) {
    const question = name === "voi-search" || name === "bavt" ? TRAIL : QUESTION;
    const { data, response } = await run(client, name, question).withResponse();
    assert.equal(data.choices[0].finish_reason, "stop", name);
    assert.match(data.choices[0].message.content, /Answer: \S/, name);
    assert.equal(data.bursar.ended, "answered", name);
    const { whole } = (await sim.usage()).total;
    assert.equal(data.usage.total_tokens, tokensOf(whole) - before, `${name}: usage against the model's own count`);
    assert.match(response.headers.get("x-bursar-cost"), new RegExp(`\\b${data.usage.total_tokens} tokens`), name);
    before = tokensOf(whole);
  }
  const { paid, total } = await nothingUnaccounted(gateway, sim);
  assert.equal(paid, tokensOf(total.whole));
  await verifyAudit(gateway);
  await gateway.stop();
});

test("a streamed job says the same as a plain one, and hides nothing of its usage", async (t) => {
  const { gateway, client, strategies } = await world(t);
  for (const name of strategies) {
    const plain = await run(client, name);
    const stream = await streamed(client, name);
    assert.equal(stream.text, plain.choices[0].message.content, name);
    assert.ok(stream.pieces > 1 || stream.text.length <= 64, `${name}: ${stream.pieces} pieces`);  // a short answer is one piece
    assert.deepEqual(stream.usage, plain.usage, name);
    assert.equal(stream.finish, "stop", name);
    assert.equal(stream.bursar.strategy, plain.bursar.strategy, name);
  }
  await gateway.stop();
});

// What was decided and seen, without the times.
const decisions = (journal) => journal.map(({ step, seen }) => step
  ? { actions: step.actions.map(({ id, ...action }) => action), why: step.why, done: step.done }
  : { end: seen.end, text: seen.text, tokens: [seen.prompt_tokens, seen.completion_tokens], finish: seen.finish });

test("the same seed decides the same: on another gateway, beside other calls, in replay and in simulation", async (t) => {
  const SEED = 11;
  const jobs = async (aside) => {
    const { client, strategies, gateway } = await world(t, { sim: { seed: SEED } });
    const others = Array.from({ length: aside }, (_, i) => client.chat.completions.create({ model: "sim/sim-small", messages: ask(`Something else ${i}?`) }));
    const answers = await Promise.all(strategies.map((name) => run(client, name, QUESTION, { bursar: { explain: "full" } })));
    await Promise.all(others);
    for (const answer of answers) {
      const file = join(gateway.directory, "answer.json");
      writeFileSync(file, JSON.stringify(answer));
      const replayed = await bursar(["plan", "replay", file, "--simulated", String(SEED)]);
      assert.equal(replayed.code, 0, `${answer.model}: ${replayed.stdout}${replayed.stderr}`);
    }
    await gateway.stop();
    return Object.fromEntries(answers.map((answer) => [answer.model, { text: answer.choices[0].message.content, decisions: decisions(answer.bursar.job.journal) }]));
  };
  const [alone, beside] = [await jobs(0), await jobs(64)];
  assert.deepEqual(beside, alone);
  assert.ok(Object.values(alone).every((job) => job.decisions.length > 1));
});

test("strategies that search call the gateway's own tools, which are paid and audited", async (t) => {
  const { gateway, client, sim, strategies } = await world(t);
  for (const name of ["bats", "voi-search", "bavt"].filter((one) => strategies.includes(one))) {
    const before = await spent(gateway, "calls");
    let right = 0, calls = 0;
    for (let i = 0; i < 5; ++i) {
      const question = `[hops 3] Where does trail ${i} end?`;
      const answer = await run(client, name, question, { bursar: { parameters: { calls: 12 } } });
      calls += answer.bursar.calls;
      if (answer.choices[0].message.content.includes(`Answer: ${await sim.truth(question)}`)) ++right;
    }
    assert.ok(right >= 3, `${name}: ${right} of 5 found the end of the trail`);
    assert.equal(await spent(gateway, "calls"), before + calls, `${name}: calls of models and tools`);
  }
  const searches = (await auditQuery(gateway)).filter((record) => record.method === "tools/call");
  assert.ok(searches.length >= 9 && searches.every((record) => record.tool.includes("search")), `${searches.length} searches`);
  await nothingUnaccounted(gateway, sim);
  await gateway.stop();
});

test("texts are embedded by an endpoint where one is named, within the same purse", async (t) => {
  const { gateway, client, sim } = await world(t, { strategies: { embedding_model: "sim/sim-small" } });
  const answer = await run(client, "dora");
  assert.match(answer.choices[0].message.content, /Answer: \S/);
  assert.ok((await auditQuery(gateway)).some((record) => record.method === "embeddings"));
  await noHold(gateway);
  const computed = tokensOf((await sim.usage()).total.whole);
  assert.equal(await spent(gateway), computed);
  assert.equal(answer.usage.total_tokens, computed);
  await gateway.stop();
});

test("an agent that leaves in the middle ends the job, and what was asked until then is paid", async (t) => {
  const { gateway, client, sim } = await world(t, { sim: { latency: 1 } });
  for (const options of [{}, { stream: true }]) {
    const leaving = new AbortController();
    const calling = run(client, "bom", QUESTION, options, { signal: leaving.signal });
    calling.catch(() => { /* below */ });
    await sleep(450);  // the first answers take about half a second
    leaving.abort();
    if (!options.stream) await assert.rejects(calling);
    await nothingUnaccounted(gateway, sim);
  }
  const stream = await run(client, "plan-and-budget", QUESTION, { stream: true });
  for await (const _ of stream) break;
  await nothingUnaccounted(gateway, sim);
  const asked = (await sim.usage()).total;
  await sleep(500);
  assert.deepEqual((await sim.usage()).total, asked, "nothing is asked any more");
  assert.ok((await modelCalls(gateway)).some((record) => record.code === "CANCELLED"));
  await gateway.stop();
});

test("a purse that ends in the middle gives the best answer so far, and is never overspent", async (t) => {
  const { gateway, client, sim, strategies } = await world(t);
  let short = 0;
  for (const name of strategies) {
    for (const tokens of [1200, 2500, 4000]) {
      const before = await spent(gateway);
      const answer = await run(client, name, QUESTION, { max_tokens: 300, bursar: { budget: `${tokens} tokens`, ...NEEDS[name] } }).then(
        (given) => given, (error) => { assert.equal(error.status, 402, `${name} with ${tokens}: ${error}`); });
      const used = (await spent(gateway)) - before;
      assert.ok(used <= tokens, `${name} spent ${used} of ${tokens}`);
      if (!answer) continue;
      assert.equal(answer.usage.total_tokens, used);
      assert.match(answer.choices[0].message.content, /\S/);
      if (answer.bursar.ended === "purse") { ++short; assert.equal(answer.choices[0].finish_reason, "length"); }
    }
  }
  assert.ok(short > 0, "some purse must have ended in the middle");
  await nothingUnaccounted(gateway, sim);
  await gateway.stop();
});

test("an account that ends in the middle gives the best answer so far", async (t) => {
  const { gateway, client, sim } = await world(t, { limits: ["5 calls", "100k tokens"] });
  const answer = await run(client, "bom", QUESTION);
  assert.match(answer.choices[0].message.content, /Answer: /);
  assert.equal(await spent(gateway, "calls"), 5);
  const refused = await run(client, "bom", QUESTION).then(() => assert.fail("must be refused"), (error) => error);
  assert.equal(refused.status, 402, `${refused}`);
  await nothingUnaccounted(gateway, sim);
  await gateway.stop();
});

test("a deadline gives the best answer so far", async (t) => {
  const { gateway, client, sim } = await world(t, { sim: { latency: 1 }, strategies: { parallel: 1 } });
  const began = Date.now();
  const answer = await run(client, "bom", QUESTION, { bursar: { budget: "3 s" } });
  assert.ok(Date.now() - began < 6000);
  assert.equal(answer.bursar.ended, "deadline");
  assert.equal(answer.choices[0].finish_reason, "length");
  assert.match(answer.choices[0].message.content, /Answer: /);
  await nothingUnaccounted(gateway, sim);
  await gateway.stop();
});

test("strategies live with upstreams that fail, and pay for what those computed", async (t) => {
  const { gateway, client, sim, strategies } = await world(t, {
    sim: { faults: "drop=.03,half=.03,stall=.01,slow=.04,500=.04,429=.02" }, each: { timeout: "3 s", stall_timeout: "1 s" },
  });
  let answered = 0, jobs = 0;
  const failed = {};
  await Promise.all(strategies.flatMap((name) => Array.from({ length: 6 }, async (_, i) => {
    ++jobs;
    try {
      const answer = await run(client, name, `Question ${i}? [difficulty 0.3]`, { seed: i });
      assert.match(answer.choices[0].message.content, /\S/);
      ++answered;
    } catch (error) {
      (failed[name] ??= []).push(error.message);
      assert.ok(error instanceof OpenAI.APIError && [402, 429, 500, 502, 503, 504].includes(error.status), `${name}: ${error}`);
    }
  })));
  t.diagnostic(`${answered} of ${jobs} answered; others: ${JSON.stringify(failed)}`);
  assert.ok(answered > jobs * .8, `${answered} of ${jobs} were answered`);
  const { total } = await nothingUnaccounted(gateway, sim);
  assert.ok(total.broken.calls > 0 && total.refused.calls > 0, JSON.stringify(total));
  await gateway.stop();
});

test("a workflow runs on the gateway's models, and goes on where it was broken off", async (t) => {
  const { gateway, client, sim } = await world(t);
  const options = [{ model: "sim/sim-small", p: 0.6, latency_ms: { mean: 50 }, tokens: 150, usd: 0.0003 }];
  const workflow = { subtasks: [
    { id: "first", prompt: "How many came? [difficulty 0.2]", check: { regex: "boxed" }, options },
    { id: "second", prompt: "How many left? [difficulty 0.2]", options },
    { id: "both", parents: ["first", "second"], prompt: "How many are there now?\n{{first}}\n{{second}}", options },
  ] };
  const post = (more) => fetch(`http://127.0.0.1:${gateway.port}/v1/plan/workflow`, {
    method: "POST", headers: { authorization: `Bearer ${client.apiKey}`, "content-type": "application/json" }, body: JSON.stringify({ workflow, budget: "0.1 usd, 60 s", seed: 2, ...more }) });
  const whole = await (await post({})).json();
  assert.equal(whole.complete, true, JSON.stringify(whole));
  assert.deepEqual(Object.keys(whole.answers).sort(), ["both", "first", "second"]);
  assert.match(whole.answers.both, /Answer: /);
  const events = (await (await post({ stream: true })).text()).split("\n").filter((line) => line.startsWith("data: {")).map((line) => JSON.parse(line.slice(6)));
  const journal = events.filter((event) => event.step || event.seen);
  assert.ok(journal.length > 3);
  const paid = await spent(gateway);
  const rest = await (await post({ journal: journal.slice(0, journal.findIndex((event) => event.seen) + 1) })).json();
  assert.equal(rest.complete, true, JSON.stringify(rest));
  assert.deepEqual(rest.answers, whole.answers, "the same seed, the same answers");
  assert.ok((await spent(gateway)) > paid);
  const none = await post({ budget: "1 tokens" });
  assert.equal(none.status, 402, await none.text());
  await nothingUnaccounted(gateway, sim);
  await gateway.stop();
});

test("ten thousand calls with faults: what came whole is paid to the token, what broke never with less than was computed", async (t) => {
  const { gateway, client, sim, strategies } = await world(t, {
    sim: { faults: "drop=.01,half=.01,stall=.002,500=.01,429=.005" },
    each: { timeout: "10 s", stall_timeout: "4 s" },  // none that is not stalled is ever given up, or it would be whole there and not here
    models: { routes: ["sim/sim-small", "sim/sim-medium", "sim/sim-large"].map((model) => ({ model, targets: [model], retries: 0 })) },
  });
  const CALLS = 10_000, CONCURRENCY = 32;
  let next = 0, refusals = 0;
  const plain = (i) => client.chat.completions.create({ model: i % 3 ? "sim/sim-small" : "sim/sim-medium", messages: ask(`Question ${i}?`), max_tokens: 200 });
  const stream = async (i) => { for await (const _ of await client.chat.completions.create({ model: "sim/sim-small", messages: ask(`Question ${i}?`), stream: true, max_tokens: 200 })) { /* to the end */ } };
  const job = (i) => run(client, strategies[i % strategies.length], `Question ${i}?`, { seed: i, max_tokens: 300 });
  const done = async () => { const { whole, broken, refused } = (await sim.usage()).total; return whole.calls + broken.calls + refused.calls >= CALLS; };
  const worker = async () => {
    while (!(await done())) {
      for (let k = 0; k < 10; ++k) {
        const i = next++;
        try { await [plain, stream, job][i % 3](i); } catch (error) { assert.ok(error instanceof OpenAI.APIError, `${error}`); ++refusals; }
      }
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  const { paid, total, records } = await nothingUnaccounted(gateway, sim);
  t.diagnostic(`${next} requests, ${refusals} failed; ${JSON.stringify(total)}; ${paid} tokens paid`);
  const good = records.filter((record) => record.code === "");
  assert.equal(good.length, total.whole.calls, "calls that came whole");
  assert.equal(good.reduce((sum, record) => sum + committed(record), 0), tokensOf(total.whole), "their receipts against the model's own count");
  const bad = records.filter((record) => record.code !== "");
  assert.ok(total.broken.calls > 50, JSON.stringify(total));
  assert.ok(bad.reduce((sum, record) => sum + committed(record), 0) >= tokensOf(total.broken));
  await verifyAudit(gateway);
  await gateway.stop();
});
