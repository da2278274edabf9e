// Streams under faults: upstreams that stall, break off, never end an event or never stop, and agents that read slowly or not
// at all. Memory stays bounded, what was used is paid, and no hold is left. (models.test.mjs, disconnect.test.mjs and
// upstream.test.mjs hold the plainer cases.)
import assert from "node:assert/strict";
import { connect as connectSocket, createServer } from "node:net";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { BareAgent, call, connect, serf, textOf } from "./lib/agent.mjs";
import { ending, httpUpstream, startGateway } from "./lib/gateway.mjs";
import { budget } from "./lib/ledger.mjs";
import { modelConfig } from "./lib/models.mjs";
import { residentKib, waitFor } from "./lib/processes.mjs";

const MIB = 1024;  // of KiB
const messages = [{ role: "user", content: "Tell me a story." }];
const chunk = (content) => `data: ${JSON.stringify({ id: "c1", object: "chat.completion.chunk", created: 1, model: "m", choices: [{ index: 0, delta: { content }, finish_reason: null }] })}\n\n`;
const usage = `data: ${JSON.stringify({ id: "c1", object: "chat.completion.chunk", created: 1, model: "m", choices: [], usage: { prompt_tokens: 11, completion_tokens: 3, total_tokens: 14 } })}\n\n`;
const STREAM = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";

// Writes bytes as a server of nobody's making would: answer(socket, body) gets each request and says what it likes.
async function rawUpstream(t, answer) {
  const sockets = new Set();
  const upstream = { asked: 0, gone: 0, sent: 0 };
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => { ++upstream.gone; sockets.delete(socket); });
    let text = "";
    socket.on("data", (piece) => {
      text += piece.toString("latin1");
      const head = text.indexOf("\r\n\r\n");
      const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
      if (head < 0 || text.length < head + 4 + length) return;
      const body = text.slice(head + 4, head + 4 + length);
      text = text.slice(head + 4 + length);
      ++upstream.asked;
      answer(socket, body ? JSON.parse(body) : {}, upstream);
    });
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  t.after(() => { for (const socket of sockets) socket.destroy(); server.close(); });
  return Object.assign(upstream, { port: server.address().port });
}

// Writes text again and again for as long as somebody takes it.
function pour(socket, text, upstream) {
  const on = () => {
    while (!socket.destroyed) {
      upstream.sent += text.length;
      if (!socket.write(text)) return void socket.once("drain", on);
    }
  };
  on();
}

async function modelGateway(t, answer, options = {}) {
  const upstream = await rawUpstream(t, answer);
  const gateway = ending(t, await startGateway(modelConfig({ one: upstream }, { ...options, each: { stall_timeout: "500 ms", ...options.each } })));
  const ask = (more = {}, init = {}) => fetch(`http://127.0.0.1:${gateway.port}/v1/chat/completions`, {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ model: "one/m", messages, max_tokens: 50, stream: true, ...more }), ...init });
  const noHold = () => waitFor(async () => (await budget(gateway, "dev", "tokens")).held === 0, { timeout: 10_000, every: 50, what: "no hold to be left" });
  return { gateway, upstream, ask, noHold, tokens: async () => (await budget(gateway, "dev", "tokens")).spent };
}

test("a model that stalls before its first event is left at its stall timeout, and paid for its prompt at most", async (t) => {
  const { gateway, ask, noHold, tokens } = await modelGateway(t, (socket) => socket.write(STREAM), { routes: [{ model: "one/m", targets: ["one/m"], retries: 0 }] });
  const began = Date.now();
  const response = await ask();
  const text = await response.text();
  assert.ok(Date.now() - began < 5000, `${Date.now() - began} ms`);
  assert.ok(response.status === 504 || /data: \{"error"/.test(text), `${response.status} ${text}`);
  await noHold();
  assert.ok(await tokens() <= 200, `${await tokens()} tokens of 50 and a prompt`);
  await gateway.stop();
});

test("an event of a model that never ends is cut, and costs bounded memory", async (t) => {
  const { gateway, ask, noHold, upstream } = await modelGateway(t, (socket, _body, upstream) => { socket.write(`${STREAM}data: {"x":"`); pour(socket, "x".repeat(16_384), upstream); });
  const before = residentKib(gateway.pid);
  const text = await (await ask()).text();
  assert.match(text, /"code":"result_too_large"/);
  assert.ok(!text.includes("xxx"), "half an event never reaches the agent");
  const grown = residentKib(gateway.pid) - before;
  t.diagnostic(`${grown} KiB grown, ${(upstream.sent / 2 ** 20).toFixed(1)} MiB sent`);
  assert.ok(grown < 64 * MIB, `${grown} KiB`);
  await waitFor(() => upstream.gone === 1, { what: "the upstream's connection to be closed" });
  await noHold();
  await gateway.stop();
});

test("a whole answer that breaks off is paid at its worst case, and marked uncertain", async (t) => {
  const half = '{"id":"c1","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"Once';
  const { gateway, ask, noHold, tokens } = await modelGateway(t, (socket) => socket.end(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 5000\r\n\r\n${half}`), { routes: [{ model: "one/m", targets: ["one/m"], retries: 0 }] });
  const response = await ask({ stream: false });
  assert.equal(response.status, 502);
  await response.text();
  await noHold();
  assert.ok(await tokens() >= 50, `${await tokens()} tokens: nobody knows what was computed`);
  const { receipts } = await (await gateway.get("/v1/receipts?limit=10")).json();
  assert.ok(receipts.some((r) => r.uncertain), JSON.stringify(receipts));
  await gateway.stop();
});

test("a whole answer that never ends is cut at its limit", async (t) => {
  const { gateway, ask, noHold, upstream } = await modelGateway(t, (socket, _body, upstream) => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n{"id":"');
    pour(socket, "x".repeat(65_536), upstream);
  }, { routes: [{ model: "one/m", targets: ["one/m"], retries: 0 }] });
  const before = residentKib(gateway.pid);
  const response = await ask({ stream: false });
  assert.equal((await response.json()).error.code, "result_too_large");
  assert.equal(response.headers.get("x-should-retry"), "false");
  const grown = residentKib(gateway.pid) - before;
  t.diagnostic(`${grown} KiB grown, ${(upstream.sent / 2 ** 20).toFixed(1)} MiB sent`);
  assert.ok(grown < 128 * MIB, `${grown} KiB`);
  await waitFor(() => upstream.gone === 1, { what: "the upstream's connection to be closed" });
  await noHold();
  await gateway.stop();
});

test("a stream that comes a byte at a time passes through, byte for byte", async (t) => {
  const events = `${chunk("Once")}${chunk(" upon é")}: a comment\n\n${usage}data: [DONE]\n\n`;
  const { gateway, ask, tokens } = await modelGateway(t, async (socket) => {
    socket.setNoDelay(true);
    socket.write(STREAM);
    for (const byte of Buffer.from(events)) { socket.write(Buffer.of(byte)); await sleep(1); }
    socket.end();
  });
  const text = await (await ask({ stream_options: { include_usage: true } })).text();
  assert.ok(text.includes(`${chunk("Once")}${chunk(" upon é")}`), text);
  assert.ok(text.includes(usage) && text.endsWith("data: [DONE]\n\n"), text);
  assert.equal(await tokens(), 14);
  await gateway.stop();
});

test("a slow reader gets every event in order, and slows the upstream down", async (t) => {
  const COUNT = 20_000;  // more than the sockets on the way hold
  const event = (i) => chunk(`${i} ${"y".repeat(1000)}`);
  const { gateway, upstream, tokens } = await modelGateway(t, async (socket, _body, upstream) => {
    socket.write(STREAM);
    for (let i = 0; i < COUNT && !socket.destroyed; ++i) {
      upstream.sent = i;
      if (!socket.write(event(i))) await new Promise((done) => socket.once("drain", done).once("close", done));
    }
    socket.end(`${usage}data: [DONE]\n\n`);
  }, { each: { stall_timeout: "30 s" } });
  const body = JSON.stringify({ model: "one/m", messages, max_tokens: 5_000_000, stream: true });
  const socket = connectSocket(gateway.port, "127.0.0.1");
  socket.pause();
  socket.write(`POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  await sleep(1500);
  const waiting = upstream.sent;
  assert.ok(waiting < COUNT - 1, `the upstream waits; it sent ${waiting} of ${COUNT}`);
  let received = "";
  for await (const piece of socket) received += piece.toString("latin1");
  const numbers = [...received.matchAll(/"content":"(\d+) y/g)].map(([, n]) => Number(n));
  assert.equal(numbers.length, COUNT);
  assert.ok(numbers.every((n, i) => n === i), "in order");
  assert.match(received, /data: \[DONE\]/);
  assert.equal(await tokens(), 14, "paid by the usage that it reported");
  await gateway.stop();
});

test("a reader that takes nothing is cut off, the model's call with it, and what was streamed is paid", async (t) => {
  const { gateway, upstream, noHold, tokens } = await modelGateway(t, (socket, _body, upstream) => { socket.write(STREAM); pour(socket, chunk("z".repeat(1000)), upstream); },
    { limits: ["10M tokens"], each: { stall_timeout: "30 s" } });
  const body = JSON.stringify({ model: "one/m", messages, max_tokens: 5_000_000, stream: true });
  const before = residentKib(gateway.pid);
  const socket = connectSocket(gateway.port, "127.0.0.1");
  socket.pause();
  socket.on("error", () => {});
  socket.write(`POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  await waitFor(() => upstream.asked === 1 && upstream.sent > 100_000, { what: "the stream to begin" });
  await sleep(1000);
  const grown = residentKib(gateway.pid) - before;
  t.diagnostic(`${grown} KiB while nobody reads`);
  assert.ok(grown < 16 * MIB, `${grown} KiB`);
  socket.destroy();
  await waitFor(() => upstream.gone === 1, { what: "the model's call to be cancelled" });
  await noHold();
  const paid = await tokens();
  assert.ok(paid > 1000 && paid < 5_000_000, `${paid} tokens`);
  await gateway.stop();
});

// --- tools ---------------------------------------------------------------------------------------------------------------

const string = { type: "string" };
const TOOL = { name: "run", description: "does as the test says", inputSchema: { type: "object", properties: { text: string } }, annotations: { readOnlyHint: false } };

// A legacy MCP server whose tools/call is answered by run(socket, message).
function mcpServer(run) {
  return (socket, message, upstream) => {
    const reply = (result) => {
      const body = JSON.stringify({ jsonrpc: "2.0", id: message.id, result });
      socket.write(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
    };
    switch (message.method) {
      case "initialize": return reply({ protocolVersion: message.params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: "raw", version: "1" } });
      case "tools/list": return reply({ tools: [TOOL] });
      case "ping": return reply({});
      case "tools/call": ++upstream.calls; return run(socket, message, upstream);
    }
    if (message.id === undefined) return socket.write(message.method ? "HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n" : "HTTP/1.1 405 Method Not Allowed\r\ncontent-length: 0\r\n\r\n");
    const body = JSON.stringify({ jsonrpc: "2.0", id: message.id, error: { code: -32601, message: "unknown method" } });
    socket.write(`HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
  };
}

async function toolGateway(t, run, config = {}) {
  const upstream = Object.assign(await rawUpstream(t, mcpServer(run)), { calls: 0 });
  const gateway = ending(t, await startGateway({
    accounts: [{ path: "dev", limits: ["1000 calls"] }], upstreams: [httpUpstream("raw", upstream.port, { era: "legacy" })],
    turn: { atba: { timeout_min: "1 s" } }, tools: [{ tool: "*", prior: "200 ms", idempotent: false }], ...config }));
  const noHold = () => waitFor(async () => (await budget(gateway, "dev", "calls")).held === 0, { timeout: 10_000, every: 50, what: "no hold to be left" });
  return { gateway, upstream, noHold };
}

test("an event of a server that never ends is cut, and costs bounded memory", async (t) => {
  const { gateway, noHold } = await toolGateway(t, (socket, message, upstream) => { socket.write(`${STREAM}data: {"jsonrpc":"2.0","id":${JSON.stringify(message.id)},"result":{"x":"`); pour(socket, "x".repeat(65_536), upstream); },
    { turn: { atba: { timeout_min: "10 s" } } });
  const agent = await connect(gateway);
  const before = residentKib(gateway.pid);
  const error = serf(await call(agent, "raw.run"));
  assert.equal(error.code, "RESULT_TOO_LARGE", JSON.stringify(error));
  const grown = residentKib(gateway.pid) - before;
  t.diagnostic(`${grown} KiB grown`);
  assert.ok(grown < 64 * MIB, `${grown} KiB`);
  await noHold();
  assert.equal((await budget(gateway, "dev", "calls")).spent, 1);
  await agent.close();
  await gateway.stop();
});

test("what keeps a stream alive does not keep a call alive", async (t) => {
  const { gateway, noHold } = await toolGateway(t, (socket) => {
    socket.write(STREAM);
    const timer = setInterval(() => socket.write(": still here\n\n"), 50);
    socket.on("close", () => clearInterval(timer));
  });
  const agent = await connect(gateway);
  const began = Date.now();
  assert.equal(serf(await call(agent, "raw.run")).code, "TIMEOUT");
  assert.ok(Date.now() - began < 10_000, `${Date.now() - began} ms`);
  await noHold();
  await agent.close();
  await gateway.stop();
});

test("a server that answers twice, or another's request, is answered for once", async (t) => {
  const result = (id, text) => `data: ${JSON.stringify({ jsonrpc: "2.0", id, result: { content: [{ type: "text", text }] } })}\n\n`;
  const { gateway, noHold } = await toolGateway(t, (socket, { id }) => socket.end(`${STREAM}${result(987654321, "not asked")}${result(id, "first")}${result(id, "second")}`));
  const agent = await connect(gateway);
  for (let i = 0; i < 3; ++i) assert.equal(textOf(await call(agent, "raw.run")), "first");
  await noHold();
  assert.equal((await budget(gateway, "dev", "calls")).spent, 3);
  await agent.close();
  await gateway.stop();
});

test("an agent of the modern era that reads nothing of its call's stream costs bounded memory, and leaves no hold", async (t) => {
  const note = `data: ${JSON.stringify({ jsonrpc: "2.0", method: "notifications/message", params: { level: "info", data: "n".repeat(1000) } })}\n\n`;
  const { gateway, noHold, upstream } = await toolGateway(t, (socket, _message, upstream) => { socket.write(STREAM); pour(socket, note, upstream); }, { turn: { atba: { timeout_min: "20 s" } } });
  const meta = { "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}, "io.modelcontextprotocol/logLevel": "debug" };
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "raw.run", arguments: {}, _meta: meta } });
  const before = residentKib(gateway.pid);
  const sockets = Array.from({ length: 4 }, () => {
    const socket = connectSocket(gateway.port, "127.0.0.1");
    socket.pause();
    socket.on("error", () => {});
    socket.write(`POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: raw.run\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    return socket;
  });
  await waitFor(() => upstream.calls === 4, { what: "the calls to reach the server" });
  await sleep(2000);
  const grown = residentKib(gateway.pid) - before;
  t.diagnostic(`${grown} KiB for 4 streams that nobody reads`);
  assert.ok(grown < 96 * MIB, `${grown} KiB`);
  const other = await new BareAgent(gateway.url).open();
  assert.ok((await other.request("tools/list")).result.tools.length > 0, "others are served");
  for (const socket of sockets) socket.destroy();
  await noHold();
  await gateway.stop();
});
