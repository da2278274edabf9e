// HTTPS towards agents: what is offered, who may come, what a reload changes, and that nobody is held up by a handshake.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { request } from "node:https";
import { connect as connectPlain } from "node:net";
import { test } from "node:test";
import { connect as connectTls } from "node:tls";
import { rawExchange } from "./lib/agent.mjs";
import { authority } from "./lib/certificates.mjs";
import { ending, freshDirectory, startGateway, stdioUpstream } from "./lib/gateway.mjs";
import { waitFor } from "./lib/processes.mjs";

const NAMES = { names: ["IP:127.0.0.1", "DNS:localhost"] };
const INITIALIZE = { jsonrpc: "2.0", id: 0, method: "initialize", params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "tls", version: "1" } } };

function secured(tls, more = {}) {
  const directory = freshDirectory();
  const ca = authority(directory);
  const server = ca.issue("server", NAMES);
  return { directory, ca, server, start: (t) => startGateway({ upstreams: [stdioUpstream("faults_stdio")], ...more, listen: { ...more.listen, tls: { certificate: server.cert, key: server.key, ...tls?.(ca) } } }, { directory }).then((gateway) => ending(t, gateway)) };
}

// One request over HTTPS: { status, body, cipher, protocol, alpn, serial }.
function ask(gateway, { ca, path = "/healthz", method = "GET", body, ...options }) {
  return new Promise((done, fail) => {
    const sent = request({ host: "127.0.0.1", port: gateway.port, path, method, ca: readFileSync(ca), agent: false, headers: { "content-type": "application/json", accept: "application/json, text/event-stream" }, ...options }, (response) => {
      const { socket } = response;
      const seen = { protocol: socket.getProtocol(), cipher: socket.getCipher().name, alpn: socket.alpnProtocol, serial: socket.getPeerCertificate().serialNumber };
      let text = "";
      response.on("data", (piece) => { text += piece; });
      response.on("end", () => done({ status: response.statusCode, headers: response.headers, body: text, ...seen }));
      response.on("error", fail);
    });
    sent.on("error", fail);
    sent.end(body && JSON.stringify(body));
  });
}
const shake = (gateway, options) => new Promise((done) => {
  const socket = connectTls({ host: "127.0.0.1", port: gateway.port, ...options }, () => { done({ protocol: socket.getProtocol(), alpn: socket.alpnProtocol }); socket.destroy(); });
  socket.on("error", (error) => done({ error: error.code ?? error.message }));
});

test("agents are served over TLS 1.2 and 1.3, with good ciphers and nothing else", async (t) => {
  const { ca, start } = secured();
  const gateway = await start(t);
  assert.ok(gateway.lines.some((line) => line.includes(`https://127.0.0.1:${gateway.port}`)), "says where it listens");
  const modern = await ask(gateway, { ca: ca.pem });
  assert.deepEqual([modern.status, modern.protocol], [200, "TLSv1.3"]);
  const older = await ask(gateway, { ca: ca.pem, maxVersion: "TLSv1.2" });
  assert.equal(older.protocol, "TLSv1.2");
  assert.match(older.cipher, /^ECDHE-.*(GCM|CHACHA20)/);
  const roots = { ca: readFileSync(ca.pem) };
  assert.equal((await shake(gateway, { ...roots, ALPNProtocols: ["h2", "http/1.1"] })).alpn, "http/1.1");
  assert.ok((await shake(gateway, { ...roots, ALPNProtocols: ["h2"] })).error, "who speaks something else only is told so");
  assert.ok((await shake(gateway, { ...roots, minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" })).error, "TLS 1.1");
  assert.ok((await shake(gateway, { ...roots, maxVersion: "TLSv1.2", ciphers: "AES128-SHA" })).error, "no forward secrecy");
  assert.ok((await shake(gateway, {})).error, "our authority is none that Node knows");
  assert.ok(!(await rawExchange(gateway.port, "GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n", { wait: 1000 })).includes("200 OK"), "no plain HTTP beside it");

  const initialized = await ask(gateway, { ca: ca.pem, path: "/mcp", method: "POST", body: INITIALIZE });
  assert.equal(initialized.status, 200, initialized.body);
  const big = await ask(gateway, { ca: ca.pem, path: "/mcp", method: "POST", body: { ...INITIALIZE, padding: "x".repeat(1 << 20) } });
  assert.equal(big.status, 200, "many TLS records");
  const tooBig = await ask(gateway, { ca: ca.pem, path: "/mcp", method: "POST", body: { padding: "x".repeat(5 << 20) } }).catch((error) => error);
  assert.ok(tooBig.status === 413 || ["EPIPE", "ECONNRESET"].includes(tooBig.code), JSON.stringify(tooBig));
  await gateway.stop();
});

test("the command line of the same user knows the gateway by its certificate, and trusts no other", async (t) => {
  const { start } = secured();
  const gateway = await start(t);
  for (const where of [[], ["--url", `https://127.0.0.1:${gateway.port}`]]) {
    const shown = await gateway.bursar("budget", "show", "--json", ...where);
    assert.equal(shown.code, 0, shown.stderr);
    assert.ok(JSON.parse(shown.stdout).some((row) => row.account === "dev") || shown.stdout.trim() === "[]", shown.stdout);
  }
  const elsewhere = await gateway.bursar("budget", "show", "--json", "--url", `https://localhost:${gateway.port}`);
  assert.notEqual(elsewhere.code, 0);
  assert.match(elsewhere.stderr, /not trusted/, "an address that is not the published one needs a certificate that the system trusts");
  await gateway.stop();
});

test("with client_ca, only who has a certificate of it comes in", async (t) => {
  const { directory, ca, start } = secured((own) => ({ client_ca: own.pem }));
  const gateway = await start(t);
  const client = ca.issue("agent");
  const stranger = authority(directory, "strangers").issue("stranger");
  const pem = (files) => ({ cert: readFileSync(files.cert), key: readFileSync(files.key) });
  assert.equal((await ask(gateway, { ca: ca.pem, ...pem(client) })).status, 200);
  assert.equal((await ask(gateway, { ca: ca.pem, ...pem(client), maxVersion: "TLSv1.2" })).status, 200);
  await assert.rejects(ask(gateway, { ca: ca.pem }), "no certificate");
  await assert.rejects(ask(gateway, { ca: ca.pem, maxVersion: "TLSv1.2" }), "no certificate, TLS 1.2");
  await assert.rejects(ask(gateway, { ca: ca.pem, ...pem(stranger) }), "a stranger's");
  await gateway.stop();
});

test("certificates are read again on a reload, and bad ones change nothing", async (t) => {
  const { ca, server, start } = secured();
  const gateway = await start(t);
  const kept = connectTls({ host: "127.0.0.1", port: gateway.port, ca: readFileSync(ca.pem) });
  await new Promise((done) => kept.once("secureConnect", done));
  const first = (await ask(gateway, { ca: ca.pem })).serial;
  ca.issue("server", NAMES);  // over the same files
  process.kill(gateway.pid, "SIGHUP");
  const second = await waitFor(async () => { const { serial } = await ask(gateway, { ca: ca.pem }); return serial !== first && serial; }, { timeout: 5000, every: 100, what: "the new certificate" });
  const { writeFileSync } = await import("node:fs");
  writeFileSync(server.cert, "no certificate at all");
  process.kill(gateway.pid, "SIGHUP");
  await waitFor(() => gateway.lines.some((line) => line.includes("listen.tls.certificate")), { timeout: 5000, what: "the refusal in the log" });
  assert.equal((await ask(gateway, { ca: ca.pem })).serial, second, "what was good stays");
  kept.write("GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
  const answer = await new Promise((done) => { let text = ""; kept.on("data", (d) => { text += d; }); kept.on("close", () => done(text)); });
  assert.match(answer, /^HTTP\/1\.1 200 /, "who was connected stays connected");
  await gateway.stop();
});

test("a handshake that does not come holds up nobody, and counts as a connection", async (t) => {
  const { ca, start } = secured(undefined, { limits: { header_timeout: "500 ms", connections: 8 } });
  const gateway = await start(t);
  const silent = await Promise.all(Array.from({ length: 8 }, () => new Promise((done) => { const socket = connectPlain(gateway.port, "127.0.0.1", () => done(socket)); socket.on("error", () => {}); })));
  const ended = Promise.all(silent.map((socket) => new Promise((done) => { socket.on("close", done); socket.resume(); })));
  await assert.rejects(ask(gateway, { ca: ca.pem }), "the limit holds before the handshake too");
  await ended;  // each within header_timeout
  assert.equal((await ask(gateway, { ca: ca.pem })).status, 200);
  await gateway.stop();
});

test("a gateway does not start with TLS that cannot be", async (t) => {
  const { directory, ca, server } = secured();
  const other = ca.issue("other", NAMES);
  for (const [what, tls, expected] of [
    ["the key of another", { certificate: server.cert, key: other.key }, /listen\.tls\.key/],
    ["no such file", { certificate: "nowhere.pem", key: server.key }, /listen\.tls\.certificate.*nowhere\.pem/],
    ["a certificate alone", { certificate: server.cert }, /listen\.tls/],
    ["a client_ca alone", { client_ca: ca.pem }, /listen\.tls/],
  ]) {
    const failed = await startGateway({ upstreams: [], listen: { tls } }, { directory }).then((gateway) => ending(t, gateway), (error) => error);
    assert.match(failed.lines?.join("\n") ?? "it started", expected, what);
  }
});
