// Bandits behind /v1/decide and /v1/observe, and as the policy of a route: what they learn lasts, and budgets hold.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ending, startGateway } from "./lib/gateway.mjs";
import { modelConfig, modelUpstream } from "./lib/models.mjs";

async function post(gateway, path, body) {
  const response = await gateway.get(path, {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body),
  });
  return { status: response.status, headers: response.headers, ...(await response.json()) };
}

test("a bandit learns from late feedback, refuses it twice, and keeps it over a restart", async (t) => {
  const gateway = ending(t, await startGateway({
    accounts: [{ path: "dev", limits: ["5 usd"] }],
    policies: [{ name: "prompt", policy: "ucb1:arms=3,conf=0.1,most=[0.01]", account: "dev", budget: "2 usd", horizon: 100 }],
    upstreams: [],
  }));
  const ask = (to) => post(to, "/v1/decide", { policy: "prompt", options: [{}, {}, {}] });
  const tell = (to, decision, reward) => post(to, "/v1/observe", { decision, reward, cost: { usd: 0.004 } });
  const first = [await ask(gateway), await ask(gateway), await ask(gateway)];
  assert.deepEqual(first.map(({ option }) => option), [0, 1, 2], JSON.stringify(first));
  assert.deepEqual(first[0].reserved, { usd: 0.01 });
  for (const { decision, option } of first.reverse()) {
    assert.equal((await tell(gateway, decision, 2)).status, 400, "outside the range, and nothing is settled");
    const seen = await tell(gateway, decision, option === 1 ? 0.9 : 0.1);
    assert.deepEqual([seen.status, seen.settled], [200, { usd: 0.004 }]);
    assert.equal((await tell(gateway, decision, 0.9)).status, 409);
  }
  assert.equal((await post(gateway, "/v1/decide", { policy: "prompt", options: [{}, {}] })).status, 400);
  const told = await post(gateway, "/v1/decide", { policy: "prompt", options: [{ reward: 1 }, {}, {}] });
  assert.match(told.error.message, /\$\.options\[0\]\.reward/);
  const taken = [];
  for (let i = 0; i < 6; ++i) {
    const { decision, option } = await ask(gateway);
    taken.push(option);
    await tell(gateway, decision, option === 1 ? 0.9 : 0.1);
  }
  assert.ok(taken.filter((option) => option === 1).length >= 4, `${taken}`);
  await gateway.stop();
  const again = ending(t, await gateway.restart());
  const after = await ask(again);
  assert.equal(after.option, 1);
  assert.ok(Math.abs(after.remaining.usd - (2 - 9 * 0.004 - 0.01)) < 1e-9, JSON.stringify(after));
});

test("a route's bandit finds the model whose answers are worth most, within its budget", async (t) => {
  const large = await modelUpstream(), small = await modelUpstream();
  t.after(large.close);
  t.after(small.close);
  const config = modelConfig({ large, small }, {
    routes: [{ model: "best", targets: ["large/ok", "small/ok"], policy: "choice" }],
    policies: [{ name: "choice", policy: "thompson:arms=2", account: "dev", budget: "0.5 usd", feedback: "1h" }],
  });
  config.models.prices = [{ upstream: "large", input: "10 usd", output: "100 usd" }, { upstream: "small", input: "1 usd", output: "10 usd" }];
  const gateway = ending(t, await startGateway(config));
  let last = null;
  for (let i = 0; i < 60; ++i) {
    const before = small.requests.length;
    const response = await gateway.get("/v1/chat/completions", {
      method: "POST", headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "best", max_tokens: 10, messages: [{ role: "user", content: "hi" }] }),
    });
    assert.equal(response.status, 200, await response.text());
    last = response.headers.get("x-bursar-decision");
    assert.match(last, /^choice\./);
    const reward = small.requests.length > before ? 0.9 : 0.2;
    const seen = await post(gateway, "/v1/observe", { decision: last, reward });
    assert.equal(seen.status, 200, JSON.stringify(seen));
  }
  assert.equal((await post(gateway, "/v1/observe", { decision: last, reward: 1 })).status, 409);
  assert.ok(small.requests.length > 40 && large.requests.length > 0, `${large.requests.length} and ${small.requests.length} calls`);
  const { accounts } = await (await gateway.get("/v1/accounts?under=dev")).json();
  const paid = Number(accounts[0].limits.find(({ limit }) => limit.endsWith("usd")).spent.split(" ")[0]);
  assert.ok(paid > 0 && paid <= 0.5, `${paid} usd`);
});
