// What is asked for again: by an agent under its Idempotency-Key, and by the gateway when an upstream says when.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { ending, startGateway } from "./lib/gateway.mjs";
import { budget } from "./lib/ledger.mjs";
import { modelConfig, modelUpstream, PROMPT } from "./lib/models.mjs";
import { waitFor } from "./lib/processes.mjs";

const messages = [{ role: "user", content: "Tell me a story." }];
const post = (gateway, body, headers = {}, init = {}) => fetch(`http://127.0.0.1:${gateway.port}/v1/chat/completions`, {
  method: "POST", headers: { "content-type": "application/json", ...headers }, body: JSON.stringify({ messages, max_tokens: 50, ...body }), ...init });
const tokens = async (gateway) => (await budget(gateway, "dev", "tokens")).spent;

async function world(t, options) {
  const one = await modelUpstream();
  t.after(one.close);
  return { one, gateway: ending(t, await startGateway(modelConfig({ one }, options))) };
}

test("a model call under the same Idempotency-Key is answered twice and paid once", async (t) => {
  const { gateway, one } = await world(t);
  const ask = (body = {}, key = "order-7") => post(gateway, { model: "one/ok", ...body }, { "idempotency-key": key });
  const first = await ask();
  const text = await first.text();
  assert.equal(first.headers.get("idempotent-replayed"), null);
  for (let i = 0; i < 3; ++i) {
    const again = await ask();
    assert.deepEqual([again.status, again.headers.get("idempotent-replayed"), await again.text()], [200, "true", text]);
  }
  assert.equal(one.requests.length, 1);
  assert.equal(await tokens(gateway), PROMPT + 5);
  const other = await ask({ max_tokens: 51 });
  assert.equal(other.status, 409);
  assert.equal(other.headers.get("x-should-retry"), "false");
  assert.equal((await ask({}, "order-8")).status, 200);
  assert.equal(one.requests.length, 2);
  await gateway.stop();
});

test("concurrent repetitions of a model call reach the upstream once", async (t) => {
  const { gateway, one } = await world(t);
  const answers = await Promise.all(Array.from({ length: 8 }, () => post(gateway, { model: "one/slow" }, { "idempotency-key": "k" })));
  const statuses = answers.map((a) => a.status).sort();
  assert.deepEqual(statuses, [200, ...Array(7).fill(409)]);
  for (const answer of answers) {
    if (answer.status === 409) assert.equal(answer.headers.get("x-should-retry"), "true");
    await answer.text();
  }
  assert.equal(one.requests.length, 1);
  assert.equal(await tokens(gateway), PROMPT + 5);
  await gateway.stop();
});

test("what was streamed, or was lost on its way, is not paid a second time; what failed for nothing may be tried again", async (t) => {
  const { gateway, one } = await world(t, { routes: [{ model: "*", targets: ["one"], retries: 0 }] });
  const ask = (model, key, body = {}, init = {}) => post(gateway, { model, ...body }, { "idempotency-key": key }, init);
  await (await ask("ok", "s", { stream: true })).text();
  assert.equal((await ask("ok", "s", { stream: true })).status, 409);
  const stop = new AbortController();
  const leaving = ask("hang", "l", {}, { signal: stop.signal });
  await waitFor(() => one.requests.length === 2, { what: "the upstream to be asked" });
  stop.abort();
  await assert.rejects(leaving);
  const paid = await waitFor(async () => { const b = await budget(gateway, "dev", "tokens"); return b.held === 0 && b.spent; }, { every: 50, what: "the hold to end" });
  assert.equal((await ask("hang", "l")).status, 409);
  assert.equal(await tokens(gateway), paid);
  for (let i = 0; i < 2; ++i) assert.equal((await ask("limit-429", "f")).status, 429);
  assert.equal(one.requests.length, 4, "both tries were made");
  await gateway.stop();
});

test("a date in Retry-After is waited for", async (t) => {
  let asked = 0;
  const http = createServer((request, response) => {
    request.resume().on("end", () => {
      const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
      if (++asked > 1) return response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ id: "c", object: "chat.completion", choices: [], usage }));
      response.writeHead(503, { "content-type": "application/json", "retry-after": new Date(Date.now() + 3000).toUTCString() }).end("{}");
    });
  });
  await new Promise((done) => http.listen(0, "127.0.0.1", done));
  t.after(() => { http.closeAllConnections(); http.close(); });
  const gateway = ending(t, await startGateway(modelConfig({ one: { port: http.address().port } }, { routes: [{ model: "m", targets: ["one/m"], retries: 1 }] })));
  const began = Date.now();
  assert.equal((await post(gateway, { model: "m" })).status, 200);
  assert.ok(Date.now() - began >= 1500, `${Date.now() - began} ms: dates have whole seconds`);
  assert.equal(asked, 2);
  await gateway.stop();
});
