// Clients that go away, read slowly or fall silent: what they held is released or settled, and the others do not notice.
import assert from "node:assert/strict";
import { connect as connectSocket } from "node:net";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { BareAgent, call, connect, textOf } from "./lib/agent.mjs";
import { ending, httpUpstream, startGateway, stdioUpstream } from "./lib/gateway.mjs";
import { fastServer } from "./lib/fast_server.mjs";
import { budget } from "./lib/ledger.mjs";
import { openFiles, residentKib, waitFor } from "./lib/processes.mjs";

const account = [{ path: "dev", limits: ["100000 calls"] }];
const noHold = (gateway) => waitFor(async () => (await budget(gateway, "dev", "calls")).held === 0, { timeout: 15_000, every: 100, what: "no hold to be left" });

async function neighbourIsServed(gateway) {
  const agent = await connect(gateway);
  const began = Date.now();
  for (let i = 0; i < 20; ++i) assert.equal(textOf(await call(agent, "fast.echo", { text: `${i}` })), `${i}`);
  assert.ok(Date.now() - began < 4000, `20 calls took ${Date.now() - began} ms`);
  await agent.close();
}

async function fastGateway(t, more = {}) {
  const upstream = await fastServer();
  t.after(upstream.close);
  return ending(t, await startGateway({ accounts: account, upstreams: [httpUpstream("fast", upstream.port), stdioUpstream("faults_stdio")], ...more }));
}

test("clients that hang up in the middle of a call leave no hold", async (t) => {
  const gateway = await fastGateway(t);
  const agents = await Promise.all(Array.from({ length: 16 }, () => new BareAgent(gateway.url).open()));
  await Promise.all(agents.map(async (agent, i) => {
    const stop = new AbortController();
    const calling = agent.call("fast.wait", { ms: 800 }, { signal: stop.signal });
    setTimeout(() => stop.abort(), 20 + 10 * i);
    await assert.rejects(calling);
  }));
  await neighbourIsServed(gateway);
  await noHold(gateway);
  const spent = (await budget(gateway, "dev", "calls")).spent;
  assert.ok(spent >= 20 && spent <= 36, `${spent}: a call that was sent is paid or released, never both`);
  await gateway.stop();
});

test("a cancelled call is cancelled at the server and leaves no hold", async (t) => {
  const gateway = await fastGateway(t);
  const agent = await connect(gateway);
  const stop = new AbortController();
  const calling = call(agent, "faults.hang", {}, { signal: stop.signal });
  await sleep(300);
  stop.abort();
  await assert.rejects(calling);
  await noHold(gateway);
  assert.equal(textOf(await call(agent, "faults.echo", { text: "next" })), "next");
  await agent.close();
  await gateway.stop();
});

test("a reader that takes nothing is cut off and its memory given back", async (t) => {
  const gateway = await fastGateway(t, { limits: { write_timeout: "2 s" } });
  const agent = await new BareAgent(gateway.url).open();
  const before = residentKib(gateway.pid);
  const sockets = Array.from({ length: 8 }, () => {
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "faults.flood", arguments: { count: 20_000, bytes: 1000 }, _meta: { progressToken: 1 } } });
    const socket = connectSocket({ port: gateway.port, host: "127.0.0.1" });
    socket.pause();
    socket.on("error", () => {});
    const headers = Object.entries(agent.headers).map(([k, v]) => `${k}: ${v}\r\n`).join("");
    socket.write(`POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\n${headers}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
    return socket;
  });
  await sleep(1500);
  await neighbourIsServed(gateway);
  await noHold(gateway);
  const grown = residentKib(gateway.pid) - before;
  assert.ok(grown < 200_000, `grown by ${grown} KiB`);
  sockets.forEach((s) => s.destroy());
  await gateway.stop();
});

test("half-open connections and slow headers are closed; the others are served", async (t) => {
  const gateway = await fastGateway(t, { limits: { header_timeout: "1 s", body_timeout: "1 s" } });
  const files = openFiles(gateway.pid);
  const closed = [];
  const open = (bytes) => new Promise((done) => {
    const socket = connectSocket(gateway.port, "127.0.0.1", () => { if (bytes) socket.write(bytes); done(socket); });
    socket.on("error", () => {});
    socket.on("close", () => closed.push(socket));
    socket.resume();
  });
  const sockets = [
    ...await Promise.all(Array.from({ length: 20 }, () => open(""))),
    ...await Promise.all(Array.from({ length: 20 }, () => open("POST /mcp HTTP/1.1\r\nhost: 127.0"))),
    ...await Promise.all(Array.from({ length: 20 }, () => open("POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{\"half\":"))),
  ];
  await neighbourIsServed(gateway);
  await waitFor(() => closed.length === sockets.length, { timeout: 10_000, what: () => `${sockets.length} lame connections to be closed; ${closed.length} are` });
  await waitFor(() => openFiles(gateway.pid) <= files + 8, { timeout: 5000, what: () => `descriptors to be given back: ${openFiles(gateway.pid)} after ${files}` });
  await noHold(gateway);
  await gateway.stop();
});
