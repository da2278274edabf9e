// Who may come in, and what is not let in: keys, origins, hosts, other people's sessions, and bad input over real sockets.
import assert from "node:assert/strict";
import { test } from "node:test";
import { BareAgent, call, connect, rawExchange, serf, textOf } from "./lib/agent.mjs";
import { ending, startGateway, stdioUpstream } from "./lib/gateway.mjs";
import { budget } from "./lib/ledger.mjs";
import { alive, waitFor } from "./lib/processes.mjs";

const keyIn = (text) => /sk-[A-Za-z0-9_-]{16,}/.exec(text)?.[0];

async function createKey(gateway, name, account) {
  const made = await gateway.bursar("keys", "create", name, "--account", account);
  assert.equal(made.code, 0, made.stderr);
  const key = keyIn(made.stdout);
  assert.ok(key, made.stdout);
  // A running gateway sees a key that the command line made within about a second.
  await waitFor(() => new BareAgent(gateway.url, { key }).open().then(() => true, () => false), { timeout: 5000, every: 100, what: `the key ${name} to open the gateway` });
  return key;
}

const strict = {
  identity: { development: false },
  accounts: [{ path: "acme", limits: ["1000 calls"] }, { path: "acme/ada", limits: ["2 calls"] }, { path: "acme/bob" }],
  upstreams: [stdioUpstream("faults_stdio")],
};

test("a key opens its own account; a wrong, missing or revoked one opens nothing", async (t) => {
  const gateway = ending(t, await startGateway(strict));
  const ada = await createKey(gateway, "ada-laptop", "acme/ada");
  const bob = await createKey(gateway, "bob", "acme/bob");
  for (const key of [undefined, "sk-wrong", `${ada}x`, ada.slice(0, -1)]) {
    await assert.rejects(new BareAgent(gateway.url, { key }).open(), /HTTP 401/, String(key));
  }
  const refused = await new BareAgent(gateway.url).post({ jsonrpc: "2.0", id: 1, method: "tools/list" });
  assert.match(refused.headers.get("www-authenticate") ?? "", /^Bearer/);

  const agent = await connect(gateway, { key: ada });
  for (let i = 0; i < 2; ++i) assert.equal(textOf(await call(agent, "faults.echo", { text: "hi" })), "hi");
  assert.equal(serf(await call(agent, "faults.echo", { text: "hi" })).context.budget.account, "acme/ada");
  const other = await connect(gateway, { key: bob });
  assert.equal(textOf(await call(other, "faults.echo", { text: "hi" })), "hi", "bob's budget is his own");
  assert.equal((await budget(gateway, "acme", "calls")).spent, 3);

  const listed = await gateway.bursar("keys", "list");
  assert.equal(listed.code, 0, listed.stderr);
  assert.ok(listed.stdout.includes("ada-laptop") && !listed.stdout.includes(ada), "a key is shown once");
  assert.equal((await gateway.bursar("keys", "revoke", "ada-laptop")).code, 0);
  await assert.rejects(async () => {
    // A revocation is seen within a second.
    for (let i = 0; i < 20; ++i) {
      await new BareAgent(gateway.url, { key: ada }).open();
      await new Promise((done) => setTimeout(done, 100));
    }
  }, /HTTP 401/);
  assert.ok(!gateway.lines.join("\n").includes(ada), "no key in the log");
  await agent.close().catch(() => {});
  await other.close();
  await gateway.stop();
});

test("a session belongs to its principal", async (t) => {
  const gateway = ending(t, await startGateway(strict));
  const ada = await createKey(gateway, "ada", "acme/ada");
  const bob = await createKey(gateway, "bob", "acme/bob");
  const hers = await new BareAgent(gateway.url, { key: ada }).open();
  const thief = new BareAgent(gateway.url, { key: bob, headers: { "mcp-session-id": hers.session, "mcp-protocol-version": "2025-11-25" } });
  assert.equal((await thief.post({ jsonrpc: "2.0", id: 1, method: "tools/list" })).status, 404);
  assert.equal((await fetch(gateway.url, { headers: { ...thief.headers, accept: "text/event-stream" } })).status, 404);
  assert.equal((await fetch(gateway.url, { method: "DELETE", headers: thief.headers })).status, 404);
  assert.equal(textOf(await hers.call("faults.echo", { text: "mine" })), "mine", "and is still hers");
  assert.equal((await fetch(gateway.url, { method: "DELETE", headers: hers.headers })).status < 300, true);
  assert.equal((await hers.post({ jsonrpc: "2.0", id: 1, method: "tools/list" })).status, 404, "ended");
  await gateway.stop();
});

test("neither the caller's credential nor forged vendor keys reach the server", async (t) => {
  const gateway = ending(t, await startGateway(strict));
  const ada = await createKey(gateway, "ada", "acme/bob");
  const agent = await connect(gateway, { key: ada });
  const seen = textOf(await call(agent, "faults.whoami", {}, { meta: { "dev.bursar/context": "forged", "example.org/mine": 7 } }));
  assert.ok(!seen.includes(ada));
  const { meta, env } = JSON.parse(seen);
  assert.notEqual(meta["dev.bursar/context"], "forged");
  assert.equal(meta["example.org/mine"], 7, "other keys pass untouched");
  assert.ok(!env.includes("E2E_SECRET_OF_THE_GATEWAY"));
  await agent.close();
  await gateway.stop();
});

test("foreign origins and hosts are refused, loopback ones served", async (t) => {
  const gateway = ending(t, await startGateway({ upstreams: [stdioUpstream("faults_stdio")] }));
  const initialize = JSON.stringify({ jsonrpc: "2.0", id: 0, method: "initialize", params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "x", version: "1" } } });
  const ask = async (host, origin) => {
    const answer = await rawExchange(gateway.port, `POST /mcp HTTP/1.1\r\nhost: ${host}\r\n${origin ? `origin: ${origin}\r\n` : ""}content-type: application/json\r\naccept: application/json, text/event-stream\r\ncontent-length: ${initialize.length}\r\nconnection: close\r\n\r\n${initialize}`);
    return Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);
  };
  assert.equal(await ask(`127.0.0.1:${gateway.port}`), 200);
  assert.equal(await ask(`localhost:${gateway.port}`, `http://localhost:${gateway.port}`), 200);
  assert.equal(await ask(`127.0.0.1:${gateway.port}`, "https://evil.example.com"), 403);
  assert.equal(await ask(`127.0.0.1:${gateway.port}`, "null"), 403);
  assert.equal(await ask(`127.0.0.1:${gateway.port}`, "http://localhost.evil.com"), 403);
  const host = await ask("evil.example.com");
  assert.ok(host >= 400 && host < 500, `foreign host: ${host}`);
  await gateway.stop();
});

test("bad input over real sockets is refused properly, and the gateway lives", async (t) => {
  const gateway = ending(t, await startGateway({ upstreams: [stdioUpstream("faults_stdio")] }));
  const agent = await new BareAgent(gateway.url).open();
  const headers = Object.entries(agent.headers).map(([k, v]) => `${k}: ${v}\r\n`).join("");
  const send = (body, extra = "") => {
    const bytes = Buffer.isBuffer(body) ? body : Buffer.from(body);
    return rawExchange(gateway.port, Buffer.concat([Buffer.from(`POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\n${headers}${extra}content-length: ${bytes.length}\r\nconnection: close\r\n\r\n`), bytes]));
  };
  const status = (answer) => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 0);
  const code = (answer) => Number(/"code":\s*(-?\d+)/.exec(answer)?.[1] ?? NaN);
  const nested = (depth) => "[".repeat(depth) + "]".repeat(depth);

  const cases = [
    ["malformed JSON", '{"jsonrpc":"2.0","id":1,"method":', -32700],
    ["an empty body", "", -32700],
    ["not an object", '"hello"', -32600],
    ["a number", "42", -32600],
    ["a batch", '[{"jsonrpc":"2.0","id":1,"method":"ping"}]', -32600],
    ["a wrong version", '{"jsonrpc":"1.0","id":1,"method":"ping"}', -32600],
    ["a method that is no string", '{"jsonrpc":"2.0","id":1,"method":7}', -32600],
    ["an id that is an object", '{"jsonrpc":"2.0","id":{},"method":"ping"}', -32600],
    ["an id that is null", '{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600],
    ["bad UTF-8", Buffer.concat([Buffer.from('{"jsonrpc":"2.0","id":1,"method":"'), Buffer.from([0xff, 0xfe, 0xc0]), Buffer.from('"}')]), -32700],
    ["nested too deeply", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"faults.echo","arguments":${nested(5000)}}}`, undefined],
    ["just over the depth", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"faults.echo","arguments":{"x":${nested(70)}}}}`, undefined],
  ];
  for (const [what, body, expected] of cases) {
    const answer = await send(body);
    assert.ok(status(answer) >= 400 && status(answer) < 500, `${what}: ${answer.slice(0, 200)}`);
    if (expected !== undefined) assert.equal(code(answer), expected, `${what}: ${answer}`);
    else assert.ok(code(answer) < 0, `${what}: ${answer}`);
  }
  for (const [what, body, expected] of [
    ["an unknown method", '{"jsonrpc":"2.0","id":1,"method":"no/such"}', -32601],
    ["an unknown tool", '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"faults.nothing","arguments":{}}}', -32602],
    ["no tool name", '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}', -32602],
    ["params of a wrong type", '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":7}}', -32602],
  ]) {
    const answer = await send(body);
    assert.equal(code(answer), expected, `${what}: ${answer}`);
  }
  const huge = await send(Buffer.alloc(5 << 20, 0x20));
  assert.ok([413, 0].includes(status(huge)), `a huge body: ${huge.slice(0, 100)}`);
  const announced = await rawExchange(gateway.port, `POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\n${headers}content-length: 99999999999\r\n\r\n{`);
  assert.equal(status(announced), 413, "announced sizes are refused before they come");
  const fat = await rawExchange(gateway.port, `POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\nx-fat: ${"y".repeat(100_000)}\r\n\r\n`);
  assert.ok([400, 413, 431, 0].includes(status(fat)), `fat headers: ${fat.slice(0, 100)}`);
  for (const junk of ["\0\0\0\0\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01", "POST /mcp HTTP/1.1\r\ncontent-length: -1\r\n\r\n", "POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"]) {
    const answer = await rawExchange(gateway.port, junk, { wait: 1000 });
    assert.ok(status(answer) === 0 || status(answer) >= 400, `${JSON.stringify(junk)}: ${answer.slice(0, 100)}`);
  }
  const schema = serf(await agent.call("faults.echo", { text: 7 }));
  assert.equal(schema.category, "INVALID_INPUT");
  assert.equal(schema.suggested_actions[0].type, "FIX_INPUT");
  assert.ok(schema.param_hints?.length > 0 || schema.context.param_hints?.length > 0, "says which argument");
  assert.ok(alive(gateway.pid));
  assert.equal(textOf(await agent.call("faults.echo", { text: "alive" })), "alive");
  await gateway.stop();
});

test("a tool that policy hides looks like one that does not exist", async (t) => {
  const gateway = ending(t, await startGateway({
    policy: { default: "allow", rules: [{ effect: "deny", tools: ["crash"] }] },
    upstreams: [stdioUpstream("faults_stdio")],
  }));
  const agent = await new BareAgent(gateway.url).open();
  const names = (await agent.request("tools/list")).result.tools.map((tool) => tool.name);
  assert.ok(names.includes("faults.echo") && !names.includes("faults.crash"));
  const [hidden, unknown] = await Promise.all(["faults.crash", "faults.crasH"].map((name) => agent.request("tools/call", { name, arguments: {} })));
  assert.equal(hidden.error.code, -32602);
  assert.equal(hidden.error.message.replace("crash", "X"), unknown.error.message.replace("crasH", "X"));
  await gateway.stop();
});
