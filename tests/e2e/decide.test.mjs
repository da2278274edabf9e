// POST /v1/decide and /v1/observe: a named policy spreads a budget over requests, and the ledger pays.
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ending, startGateway } from "./lib/gateway.mjs";
import { modelConfig, modelUpstream } from "./lib/models.mjs";
import { waitFor } from "./lib/processes.mjs";

const CONFIG = {
  accounts: [{ path: "dev", limits: ["2 usd"] }, { path: "dev/ads", limits: ["1 usd"] }],
  policies: [{ name: "pacing", policy: "dual-mirror-descent", account: "dev/ads", budget: "1 usd", horizon: 200 }],
  upstreams: [],
};

async function post(gateway, path, body, headers = {}) {
  const response = await gateway.get(path, { method: "POST", headers, body: JSON.stringify(body) });
  return { status: response.status, headers: response.headers, ...(await response.json()) };
}

// The same stream in every run.
function stream(count) {
  let x = 1;
  const next = () => (x = (x * 48271) % 2147483647) / 2147483647;
  const usd = (most) => ({ usd: Math.round(next() * most * 1e6) / 1e6 });
  return Array.from({ length: count }, () => ({
    options: [{ reward: next(), cost: usd(0.04) }, { reward: next() / 2, cost: usd(0.01) }], paid: usd(0.01),
  }));
}

async function decideAll(gateway, requests) {
  const out = [];
  for (const { options, paid } of requests) {
    const made = await post(gateway, "/v1/decide", { policy: "pacing", options });
    assert.equal(made.status, 200, JSON.stringify(made));
    out.push([made.option, made.prices.usd]);
    if (made.option === null) continue;
    const seen = await post(gateway, "/v1/observe", { decision: made.decision, cost: paid, reward: 1 });
    assert.equal(seen.status, 200, JSON.stringify(seen));
    assert.deepEqual(seen.settled, paid);
  }
  return out;
}

async function spent(gateway) {
  const { accounts } = await (await gateway.get("/v1/accounts?under=dev%2Fads")).json();
  const { spent: text, held } = accounts[0].limits[0];
  assert.equal(held, "0.00 usd");
  return Number(text.split(" ")[0]);
}

test("a restart and a crash in the middle change no decision, and the ledger has what was paid", async (t) => {
  const requests = stream(150);
  const whole = ending(t, await startGateway(CONFIG));
  const expected = await decideAll(whole, requests);
  const paid = requests.reduce((sum, { paid: { usd } }, i) => sum + (expected[i][0] === null ? 0 : usd), 0);
  assert.ok(expected.some(([option]) => option === null), "the policy holds back");
  assert.ok(Math.abs((await spent(whole)) - paid) < 1e-9);

  const first = ending(t, await startGateway(CONFIG));
  const decisions = await decideAll(first, requests.slice(0, 60));
  await first.stop();
  const second = ending(t, await first.restart());
  decisions.push(...(await decideAll(second, requests.slice(60, 110))));
  const state = join(first.directory, "bursar.db.policy.pacing.json");
  await waitFor(() => JSON.parse(readFileSync(state, "utf8")).state.decided === 110, { what: () => "the state to be written" });
  await second.kill();
  const third = ending(t, await second.restart());
  decisions.push(...(await decideAll(third, requests.slice(110))));
  assert.deepEqual(decisions, expected);
  await third.stop();
});

test("what the ledger cannot pay is refused, and nothing is spent; wrong bodies and strangers are told so", async (t) => {
  const gateway = ending(t, await startGateway({ ...CONFIG, policies: [{ ...CONFIG.policies[0], policy: "greedy", budget: "5 usd" }] }));
  const option = (usd) => [{ reward: 1, cost: { usd } }];
  const first = await post(gateway, "/v1/decide", { policy: "pacing", options: option(0.9), key: "a" });
  assert.deepEqual([first.status, first.option, first.reserved], [200, 0, { usd: 0.9 }]);
  assert.equal((await post(gateway, "/v1/decide", { policy: "pacing", options: option(0.9), key: "a" })).decision, first.decision);
  const over = await post(gateway, "/v1/decide", { policy: "pacing", options: option(0.2) });
  assert.equal(over.status, 402);
  assert.equal(over.error.code, "exhausted");
  assert.match(over.error.message, /dev\/ads/);
  assert.equal(over.headers.get("x-should-retry"), "false");
  const seen = await post(gateway, "/v1/observe", { decision: first.decision, cost: { usd: 0.7 } });
  assert.ok(Math.abs(seen.remaining.usd - 4.3) < 1e-9, JSON.stringify(seen));
  assert.equal((await post(gateway, "/v1/observe", { decision: first.decision, cost: { usd: 0.7 } })).status, 409);
  assert.equal((await post(gateway, "/v1/decide", { policy: "pacing", options: option(0.2) })).status, 200);
  assert.equal((await post(gateway, "/v1/decide", { policy: "none", options: option(0.2) })).status, 404);
  const wrong = await post(gateway, "/v1/decide", { policy: "pacing", options: option(-1) });
  assert.deepEqual([wrong.status, /\$\.options\[0\]\.cost\.usd/.test(wrong.error.message)], [400, true]);
  assert.equal((await post(gateway, "/v1/decide", {}, { authorization: "Bearer sk-wrong" })).status, 401);
  assert.equal((await gateway.get("/v1/decide")).status, 405);
});

test("a damaged state is not taken for a new budget", async (t) => {
  const gateway = ending(t, await startGateway(CONFIG));
  await gateway.stop();
  const state = join(gateway.directory, "bursar.db.policy.pacing.json");
  assert.ok(existsSync(state));
  writeFileSync(state, "{");
  await assert.rejects(gateway.restart(), /move the file away/);
});

test("a route's policy leads calls to the model that is worth its price, makes others wait, and keeps its budget", async (t) => {
  const large = await modelUpstream(), small = await modelUpstream();
  t.after(large.close);
  t.after(small.close);
  const config = modelConfig({ large, small }, {
    routes: [{ model: "best", targets: ["large/ok", "small/ok"], policy: "pacing", values: [1, 0.5] }],
    policies: [{ name: "pacing", policy: "dual-mirror-descent", account: "dev", budget: "0.02 usd", window: "day", horizon: 60 }],
  });
  config.models.prices = [{ upstream: "large", input: "10 usd", output: "200 usd" }, { upstream: "small", input: "1 usd", output: "10 usd" }];
  const gateway = ending(t, await startGateway(config));
  const statuses = [];
  for (let i = 0; i < 60; ++i) {
    const response = await gateway.get("/v1/chat/completions", {
      method: "POST", headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "best", max_tokens: 10, messages: [{ role: "user", content: "hi" }] }),
    });
    if (response.status === 429) assert.ok(Number(response.headers.get("retry-after")) >= 1, await response.text());
    statuses.push(response.status);
  }
  assert.ok(statuses.every((status) => status === 200 || status === 429), `${statuses}`);
  assert.ok(large.requests.length > 0 && small.requests.length > 0, `${large.requests.length} and ${small.requests.length} calls`);
  const { accounts } = await (await gateway.get("/v1/accounts?under=dev")).json();
  const paid = Number(accounts[0].limits.find(({ limit }) => limit.endsWith("usd")).spent.split(" ")[0]);
  assert.ok(paid > 0 && paid <= 0.02, `${paid} usd`);
  await gateway.stop();
  const { state } = JSON.parse(readFileSync(join(gateway.directory, "bursar.db.policy.pacing.json"), "utf8"));
  assert.ok(Math.abs(state.remaining[0] - (0.02 - paid)) < 1e-9, `${state.remaining[0]} left of 0.02 after ${paid}`);
});
