// Tokens of a company's identity provider: who gets in, who pays, who may what, and that no token is ever seen again.
import { Client as ModernClient, ClientCredentialsProvider as ModernProvider, StreamableHTTPClientTransport as ModernTransport } from "@modelcontextprotocol/client";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { ClientCredentialsProvider } from "@modelcontextprotocol/sdk/client/auth-extensions.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { BareAgent, call, serf, textOf } from "./lib/agent.mjs";
import { fastServer } from "./lib/fast_server.mjs";
import { ending, httpUpstream, startGateway, stdioUpstream } from "./lib/gateway.mjs";
import { auditQuery, budget } from "./lib/ledger.mjs";
import { hmacWithPublicKey, signed, signingKey, startIssuer, unsigned } from "./lib/oauth_issuer.mjs";
import { waitFor } from "./lib/processes.mjs";

// The metadata names the gateway's own address, so it has to be known beforehand.
function freePort() {
  return new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => { const { port } = server.address(); server.close(() => done(port)); });
  });
}

const CLIENTS = {
  ada: { secret: "s3cret-ada", claims: { sub: "ada", tenant: "blue", groups: ["research"] } },
};
const ACCOUNTS = [{ path: "acme" }, { path: "acme/blue" }, { path: "acme/blue/ada", limits: ["100 calls"] }];

// A gateway that takes tokens only, of one issuer, and that issuer.
async function companyOf(t, { clients = CLIENTS, issuer: issuerOptions = {}, identity = {}, accounts = ACCOUNTS, ...config } = {}) {
  const port = await freePort();
  const resource = `http://127.0.0.1:${port}/mcp`;
  const issuer = await startIssuer({ resource, clients, ...issuerOptions });
  t.after(issuer.stop);
  const { issuers, ...more } = identity;
  const gateway = ending(t, await startGateway({
    upstreams: [stdioUpstream("faults_stdio")],
    ...config,
    listen: { port, ...config.listen },
    accounts,
    identity: { development: false, resource, issuers: [{ issuer: issuer.url, jwks_cache: "2 s", clock_skew: "1 s", ...issuers }], accounts: [{ account: "acme/{tenant}/{sub}" }], ...more },
  }));
  const status = async (token, url = gateway.url) => (await new BareAgent(url, { key: token }).post({ jsonrpc: "2.0", id: 1, method: "tools/list" })).status;
  return { gateway, issuer, resource, status, ada: (more) => issuer.token({ sub: "ada", tenant: "blue", ...more }) };
}

const header = (response) => response.headers.get("www-authenticate") ?? "";

test("an SDK client finds its way from a 401 to a token by the metadata alone", async (t) => {
  const { gateway, issuer, resource } = await companyOf(t, { identity: { scopes: ["mcp"] } });
  const refused = await new BareAgent(gateway.url).post({ jsonrpc: "2.0", id: 1, method: "tools/list" });
  assert.equal(refused.status, 401);
  const where = /resource_metadata="([^"]+)"/.exec(header(refused))?.[1];
  assert.equal(where, `http://127.0.0.1:${gateway.port}/.well-known/oauth-protected-resource/mcp`);
  assert.match(header(refused), /^Bearer .*scope="mcp"/);
  assert.ok(!header(refused).includes("error="), "nothing was shown, so nothing was wrong");
  for (const path of ["", "/mcp", "/mcp/faults"]) {
    const metadata = await (await gateway.get(`/.well-known/oauth-protected-resource${path}`)).json();
    assert.deepEqual(metadata, { resource, authorization_servers: [issuer.url], scopes_supported: ["mcp"], bearer_methods_supported: ["header"], resource_name: "Bursar" });
  }

  const client = new Client({ name: "e2e", version: "1" });
  const authProvider = new ClientCredentialsProvider({ clientId: "ada", clientSecret: CLIENTS.ada.secret, scope: "mcp", expectedIssuer: issuer.url });
  await client.connect(new StreamableHTTPClientTransport(new URL(gateway.url), { authProvider }));
  assert.equal(textOf(await call(client, "faults.echo", { text: "hi" })), "hi");
  assert.equal((await budget(gateway, "acme/blue/ada", "calls")).spent, 1, "the account of the rule pays");
  const modern = new ModernClient({ name: "e2e", version: "1" }, { versionNegotiation: { mode: "auto" } });
  const modernProvider = new ModernProvider({ clientId: "ada", clientSecret: CLIENTS.ada.secret, scope: "mcp", expectedIssuer: issuer.url });
  await modern.connect(new ModernTransport(new URL(gateway.url), { authProvider: modernProvider }));
  assert.equal(textOf(await modern.callTool({ name: "faults.echo", arguments: { text: "modern" } })), "modern");
  await modern.close();
  await client.close();
  await gateway.stop();
});

test("only a token of the issuer, for us, in time, and signed as it must be opens the door", async (t) => {
  const { gateway, issuer, status, ada } = await companyOf(t, { identity: { issuers: { algorithms: ["RS256", "ES256"] } } });
  const now = Math.floor(Date.now() / 1000);
  await waitFor(async () => (await status(ada())) !== 503, { timeout: 5000, what: "the keys to be read" });
  assert.notEqual(await status(ada()), 401);
  const claims = issuer.claims({ sub: "ada", tenant: "blue" });
  const stranger = signingKey(issuer.key().kid);
  const good = ada();
  const cases = {
    "another audience": ada({ aud: "https://elsewhere.example/mcp" }),
    "no audience": ada({ aud: undefined }),
    "another issuer": ada({ iss: "https://evil.example" }),
    "expired": ada({ exp: now - 10 }),
    "never expires": ada({ exp: undefined }),
    "not yet valid": ada({ nbf: now + 600 }),
    "issued in the future": ada({ iat: now + 600 }),
    "no subject": ada({ sub: undefined }),
    "alg none": unsigned(claims),
    "alg None": unsigned(claims, "None"),
    "alg none with a signature": `${unsigned(claims)}${good.split(".")[2]}`,
    "HS256 with the public key": hmacWithPublicKey(issuer.key(), claims),
    "an unknown key": signed(signingKey("other"), claims),
    "a stranger's key under a known name": signed(stranger, claims),
    "a key that the token brings": signed(stranger, claims, { jwk: stranger.jwk }),
    "an algorithm that is not on the list": signed(signingKey(issuer.key().kid, "EdDSA"), claims),
    "a critical extension": signed(issuer.key(), claims, { crit: ["exp"] }),
    "another kind of token": signed(issuer.key(), claims, { typ: "logout+jwt" }),
    "a changed claim": [good.split(".")[0], Buffer.from(JSON.stringify({ ...claims, sub: "bob" })).toString("base64url"), good.split(".")[2]].join("."),
    "cut off": good.slice(0, -4),
    "with something after it": `${good}A`,
  };
  for (const [what, token] of Object.entries(cases)) {
    const response = await new BareAgent(gateway.url, { key: token }).post({ jsonrpc: "2.0", id: 1, method: "tools/list" });
    assert.equal(response.status, 401, what);
    assert.match(header(response), /error="invalid_token"/, what);
    const body = await response.text();
    assert.ok(!body.includes(token) && !header(response).includes(token.split(".")[1]), `${what}: not repeated`);
  }
  const said = gateway.lines.join("\n");
  for (const token of [good, ...Object.values(cases)]) assert.ok(!said.includes(token.split(".")[2] || token), "in no log");
  await gateway.stop();
});

test("keys rotate without a restart, and an issuer that is down for a while stops nobody", async (t) => {
  const { gateway, issuer, ada } = await companyOf(t);
  const agent = await waitFor(() => new BareAgent(gateway.url, { key: ada() }).open().catch(() => undefined), { timeout: 5000, what: "the first token to be good" });
  const old = ada();
  issuer.rotate({ keep: true });
  const fetched = issuer.seen.keys;
  const next = await new BareAgent(gateway.url, { key: ada() }).open();
  assert.ok(issuer.seen.keys <= fetched + 2, "the unknown key was asked for, once");
  assert.equal(textOf(await next.call("faults.echo", { text: "new" })), "new");
  agent.headers.authorization = `Bearer ${old}`;
  assert.equal(textOf(await agent.call("faults.echo", { text: "old" })), "old", "the old key is still published");

  issuer.down(true);
  const stranger = signed(signingKey("nobody-has-it"), issuer.claims({ sub: "ada", tenant: "blue" }));
  const before = issuer.seen.keys;
  const answers = await Promise.all(Array.from({ length: 20 }, () => new BareAgent(gateway.url, { key: stranger }).post({ jsonrpc: "2.0", id: 1, method: "tools/list" })));
  assert.deepEqual([...new Set(answers.map((a) => a.status))], [401], "an unknown key while the issuer is down");
  assert.ok(issuer.seen.keys <= before + 2, "and nobody hammers it");
  await new Promise((done) => setTimeout(done, 3000));  // longer than jwks_cache
  assert.equal(textOf(await next.call("faults.echo", { text: "still" })), "still");
  issuer.down(false);
  issuer.rotate();
  await waitFor(async () => (await new BareAgent(gateway.url, { key: old }).post({ jsonrpc: "2.0", id: 1, method: "tools/list" })).status === 401, { timeout: 10_000, every: 200, what: "a withdrawn key to be refused" });
  await gateway.stop();
});

test("rules decide which account pays, make it where they may, and let nobody choose his parent", async (t) => {
  const { gateway, issuer, resource } = await companyOf(t, {
    accounts: [{ path: "acme", limits: ["1000 calls"] }, { path: "acme/blue" }, { path: "guests", limits: ["1 calls"] }],
    identity: { accounts: [
      { groups: ["staff-*"], account: "acme/{tenant}/{sub}", create: true, limits: ["2 calls"] },
      { claims: { plan: "free" }, account: "guests" },
    ] },
  });
  const open = async (claims) => {
    const agent = new BareAgent(gateway.url, { key: issuer.token(claims) });
    return agent.open().then(() => agent, async (error) => error.message);
  };
  const ada = await waitFor(async () => { const a = await open({ sub: "ada", tenant: "blue", groups: ["staff-research"] }); return a instanceof BareAgent ? a : undefined; }, { timeout: 5000, what: "ada to come in" });
  for (let i = 0; i < 2; ++i) assert.equal(textOf(await ada.call("faults.echo", { text: "hi" })), "hi");
  assert.equal((await ada.call("faults.echo", { text: "hi" })).isError, true, "the limits of the rule hold");
  assert.equal((await budget(gateway, "acme/blue/ada", "calls")).limit, 2);
  assert.equal((await budget(gateway, "acme", "calls")).spent, 2);
  const guest = await open({ sub: "guest|7", plan: "free" });
  assert.equal(textOf(await guest.call("faults.echo", { text: "hi" })), "hi");

  for (const [what, claims] of [
    ["no rule fits", { sub: "eve" }],
    ["another group", { sub: "eve", tenant: "blue", groups: ["interns"] }],
    ["no such parent", { sub: "eve", tenant: "green", groups: ["staff-x"] }],
    ["a path in a claim", { sub: "eve", tenant: "blue/ada", groups: ["staff-x"] }],
    ["dots in a claim", { sub: "..", tenant: "blue", groups: ["staff-x"] }],
    ["an empty claim", { sub: "eve", tenant: "", groups: ["staff-x"] }],
    ["a list for a claim", { sub: "eve", tenant: ["blue"], groups: ["staff-x"] }],
    ["spaces", { sub: "eve ", tenant: "blue", groups: ["staff-x"] }],
  ]) assert.match(String(await open(claims)), /HTTP 403.*(account)/, what);
  assert.ok(resource);
  await gateway.stop();
});

// Comes in as soon as the issuer's keys are there.
const arrive = (gateway, token, url = gateway.url) => waitFor(() => new BareAgent(url, { key: token() }).open().catch(() => undefined), { timeout: 10_000, every: 100, what: () => `a token to be good; the gateway said:\n${gateway.lines.slice(-10).join("\n")}` });

test("groups, scopes and arguments decide what a token may do", async (t) => {
  const { gateway, ada, status } = await companyOf(t, {
    identity: { scopes: ["mcp"] },
    policy: { default: "deny", rules: [
      { effect: "deny", groups: ["suspended"] },
      { effect: "allow", groups: ["research"], tools: ["count"] },
      { effect: "allow", scopes: ["files:write"], tools: ["sleep"] },
      { effect: "allow", tools: ["echo"], arguments: { text: "docs/**" } },
    ] },
  });
  const plain = await arrive(gateway, () => ada({ scope: "mcp" }));
  const tools = async (agent) => (await agent.request("tools/list")).result.tools.map((tool) => tool.name).sort();
  assert.deepEqual(await tools(plain), ["faults.echo"]);
  const researcher = await arrive(gateway, () => ada({ scope: "mcp files:write", groups: ["research"] }));
  assert.deepEqual(await tools(researcher), ["faults.count", "faults.echo", "faults.sleep"]);
  assert.match(textOf(await researcher.call("faults.count")), /^\d+$/);
  await assert.rejects(plain.call("faults.count"), /Unknown tool/, "what is denied does not exist");
  const suspended = await arrive(gateway, () => ada({ scope: "mcp files:write", groups: ["research", "suspended"] }));
  assert.deepEqual(await tools(suspended), []);
  await assert.rejects(suspended.call("faults.echo", { text: "docs/a" }), /Unknown tool/);

  const needed = await plain.post({ jsonrpc: "2.0", id: 9, method: "tools/call", params: { name: "faults.sleep", arguments: { ms: 1 } } });
  assert.equal(needed.status, 403);
  assert.match(header(needed), /error="insufficient_scope".*scope="mcp files:write".*resource_metadata="http/);
  const meta = { "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}, "io.modelcontextprotocol/clientInfo": { name: "bare", version: "1" } };
  const modern = await new BareAgent(gateway.url, { key: ada({ scope: "mcp" }), headers: { "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "faults.sleep" } })
    .post({ jsonrpc: "2.0", id: 9, method: "tools/call", params: { name: "faults.sleep", arguments: { ms: 1 }, _meta: meta } });
  assert.equal(modern.status, 403, "in the modern era too");
  assert.match(header(modern), /error="insufficient_scope".*scope="mcp files:write"/);
  assert.equal(await status(ada({ scope: "other" })), 403, "scopes that every token needs");
  const lacking = await new BareAgent(gateway.url, { key: ada() }).post({ jsonrpc: "2.0", id: 1, method: "tools/list" });
  assert.match(header(lacking), /error="insufficient_scope".*scope="mcp"/);

  assert.equal(textOf(await plain.call("faults.echo", { text: "docs/a/b.txt" })), "docs/a/b.txt");
  const spent = (await budget(gateway, "acme/blue/ada", "calls")).spent;
  for (const text of ["secret", "docs/../secret", "docs/./x", "docs//x", "docs\\..\\x", "docs/%2e%2e/x", "docs/a\0b", "/docs/x", "docs/", ""]) {
    const refused = serf(await plain.call("faults.echo", { text }));
    assert.deepEqual([refused.category, refused.code], ["PERMISSION_DENIED", "POLICY"], text);
  }
  assert.equal((await budget(gateway, "acme/blue/ada", "calls")).spent, spent, "what was refused costs nothing");
  await gateway.stop();
});

test("a scope of the token opens administration, and nothing less does", async (t) => {
  const { gateway, ada } = await companyOf(t);
  await arrive(gateway, ada);
  const accounts = (token) => gateway.get("/v1/accounts", { headers: token ? { authorization: `Bearer ${token}` } : {} });
  const admin = await accounts(ada({ scope: "bursar:admin" }));
  assert.equal(admin.status, 200);
  assert.ok((await admin.text()).includes("acme/blue"));
  assert.equal((await accounts()).status, 401);
  const create = (token) => gateway.get("/v1/accounts/acme/new", { method: "PUT", headers: { authorization: `Bearer ${token}`, "content-type": "application/json" }, body: "{}" });
  for (const scope of ["", "bursar:administrator", "Bursar:Admin", "x bursar:adminx"]) assert.equal((await create(ada({ scope }))).status, 403, scope);
  assert.ok((await create(ada({ scope: "x bursar:admin" }))).ok);
  await gateway.stop();
});

test("a session of one principal is none of another's, whoever issued the token", async (t) => {
  const { gateway, issuer, ada } = await companyOf(t, { accounts: [...ACCOUNTS, { path: "acme/blue/bob" }] });
  const hers = await arrive(gateway, ada);
  const thief = new BareAgent(gateway.url, { key: issuer.token({ sub: "bob", tenant: "blue" }), headers: { "mcp-session-id": hers.session, "mcp-protocol-version": "2025-11-25" } });
  assert.equal((await thief.post({ jsonrpc: "2.0", id: 1, method: "tools/list" })).status, 404);
  hers.headers.authorization = `Bearer ${ada({ iat: undefined })}`;
  assert.equal(textOf(await hers.call("faults.echo", { text: "mine" })), "mine", "with a newer token it is still hers");
  await gateway.stop();
});

test("an upstream gets a token of its own for the caller, never the caller's", async (t) => {
  const heard = [];
  const upstream = await fastServer({ onRequest: (request, message) => heard.push({ authorization: request.headers.authorization, method: message.method, text: message.params?.arguments?.text }) });
  t.after(upstream.close);
  const port = await freePort();
  const resource = `http://127.0.0.1:${port}/mcp`;
  const issuer = await startIssuer({ resource, clients: { bursar: { secret: "s3cret/of bursar" }, broken: { secret: "x", refuses: true } } });
  t.after(issuer.stop);
  const exchange = (client_id, client_secret) => ({ url: `${issuer.url}/token`, client_id, client_secret, audience: "https://fast.example" });
  const gateway = ending(t, await startGateway({
    listen: { port },
    accounts: [...ACCOUNTS, { path: "acme/blue/bob" }],
    identity: { resource, issuers: [{ issuer: issuer.url }], accounts: [{ account: "acme/{tenant}/{sub}" }] },
    upstreams: [
      httpUpstream("fast", upstream.port, { headers: { Authorization: "Bearer own-credential" }, token_exchange: exchange("bursar", "s3cret/of bursar") }),
      httpUpstream("refused", upstream.port, { headers: { Authorization: "Bearer own-credential" }, token_exchange: exchange("broken", "x") }),
    ],
  }));
  const ada = () => issuer.token({ sub: "ada", tenant: "blue" });
  const agent = await arrive(gateway, ada);
  await waitFor(async () => (await agent.request("tools/list")).result.tools.some((tool) => tool.name === "fast.echo"), { timeout: 10_000, what: "the catalogue" });
  heard.length = 0;
  for (const text of ["a1", "a2"]) assert.equal(textOf(await agent.call("fast.echo", { text })), text);
  const bob = await arrive(gateway, () => issuer.token({ sub: "bob", tenant: "blue" }));
  assert.equal(textOf(await bob.call("fast.echo", { text: "b1" })), "b1");

  assert.equal(issuer.seen.exchanges.length, 2, "one exchange a caller, the second call from the cache");
  const claimsOf = (authorization) => JSON.parse(Buffer.from(authorization.split(".")[1], "base64url"));
  for (const [text, sub] of [["a1", "ada"], ["a2", "ada"], ["b1", "bob"]]) {
    const { authorization } = heard.find((request) => request.text === text);
    const claims = claimsOf(authorization);
    assert.deepEqual([claims.sub, claims.aud, claims.act], [sub, "https://fast.example", { sub: "bursar" }]);
  }
  const callers = issuer.seen.exchanges.map((form) => form.subject_token);
  assert.equal(new Set(callers).size, 2);
  assert.ok(heard.every((request) => !callers.some((token) => request.authorization?.includes(token))), "never the caller's own");

  const refused = serf(await agent.call("refused.echo", { text: "r1" }));
  assert.deepEqual([refused.category, refused.code, refused.outcome], ["PERMISSION_DENIED", "UPSTREAM_UNAUTHORISED", "not_applied"]);
  assert.ok(!heard.some((request) => request.text === "r1"), "nothing was sent without a token");
  const nobody = await new BareAgent(gateway.url).open();  // the development principal
  assert.equal(serf(await nobody.call("fast.echo", { text: "d1" })).code, "UPSTREAM_UNAUTHORISED", "who has no token has nothing to exchange");
  const audit = await auditQuery(gateway);
  assertNowhere(gateway, [...issuer.seen.tokens, "s3cret/of bursar", "own-credential"], [JSON.stringify(audit)]);
  await gateway.stop();
});

test("a token that its server refuses is exchanged anew, and the call goes on", async (t) => {
  const revoked = new Set(), used = [];
  const upstream = await fastServer({
    onRequest: (request, { method }) => { if (method === "tools/call") used.push(request.headers.authorization); },
    refuse: (request) => (revoked.has(request.headers.authorization) ? 401 : undefined),
  });
  t.after(upstream.close);
  const { gateway, issuer, ada } = await companyOf(t, {
    clients: { bursar: { secret: "s3cret" } }, accounts: [...ACCOUNTS, { path: "dev" }],
    upstreams: [],
  });
  gateway.reconfigure({ upstreams: [httpUpstream("fast", upstream.port, { token_exchange: { url: `${issuer.url}/token`, client_id: "bursar", client_secret: "s3cret", audience: "https://fast.example" } })] });
  const agent = await waitFor(() => arrive(gateway, ada).catch(() => undefined), { timeout: 10_000, what: "the gateway to let ada in" });
  await waitFor(async () => !(await agent.call("fast.echo", { text: "a1" }).catch(() => ({ isError: true }))).isError, { timeout: 10_000, every: 200, what: "the upstream" });
  const before = issuer.seen.exchanges.length;
  await new Promise((done) => setTimeout(done, 2100));  // one exchanged a moment ago would not be asked for again
  revoked.add(used.at(-1));
  assert.equal(textOf(await agent.call("fast.echo", { text: "a2" })), "a2");
  assert.equal(issuer.seen.exchanges.length, before + 1);
  assert.notEqual(used.at(-1), used.at(-2), "sent again, with another token");
  revoked.add(used.at(-1));
  assert.equal(serf(await agent.call("fast.echo", { text: "a3" })).code, "UPSTREAM_UNAUTHORISED", "a server that refuses them all is not asked for ever");
  assert.equal(issuer.seen.exchanges.length, before + 1);
  await gateway.stop();
});

test("a stream ends with the token that opened it, and goes on with another", async (t) => {
  const { gateway, issuer, ada } = await companyOf(t, { identity: { issuers: { clock_skew: "0 s" } } });
  const brief = () => ada({ exp: Math.floor(Date.now() / 1000) + 4 });
  const agent = await arrive(gateway, brief);
  const get = (token) => fetch(gateway.url, { headers: { accept: "text/event-stream", "mcp-session-id": agent.headers["mcp-session-id"], authorization: `Bearer ${token}` } });
  const listen = (token) => {
    const meta = { "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {} };
    return fetch(gateway.url, { method: "POST", headers: { authorization: `Bearer ${token}`, "content-type": "application/json", accept: "application/json, text/event-stream", "mcp-protocol-version": "2026-07-28", "mcp-method": "subscriptions/listen" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 5, method: "subscriptions/listen", params: { notifications: { toolsListChanged: true }, _meta: meta } }) });
  };
  const began = Date.now(), token = brief();
  const [legacy, modern] = await Promise.all([get(token), listen(token)]);
  assert.deepEqual([legacy.status, modern.status], [200, 200]);
  const [, said] = await Promise.all([legacy.text(), modern.text()]);  // both end by themselves
  const took = Date.now() - began;
  assert.ok(took > 2000 && took < 9000, `${took} ms`);
  assert.match(said, /"id":5,"error":\{"code":-32600,"message":"The token has expired/);
  assert.equal((await get(token)).status, 401);
  const again = await get(ada());
  assert.equal(again.status, 200, "the session is there still");
  await again.body.cancel();
  await gateway.stop();
});

// No secret, nor the part of a token that makes it one, in anything that the gateway said or wrote.
function assertNowhere(gateway, secrets, more = []) {
  const files = readdirSync(gateway.directory).filter((name) => name !== "bursar.yaml");
  const places = [["the log", gateway.lines.join("\n")], ...files.map((name) => [name, readFileSync(join(gateway.directory, name), "latin1")]), ...more.map((text, i) => [`answer ${i}`, text])];
  for (const secret of secrets) {
    const telling = secret.split(".").length === 3 ? [secret.split(".")[2], secret.split(".")[1]] : [secret];
    for (const [where, text] of places) for (const part of telling) assert.ok(!part || !text.includes(part), `a secret in ${where}`);
  }
}

test("no token is in logs, errors, metrics, the audit trail or receipts", async (t) => {
  const { gateway, issuer, ada } = await companyOf(t, { log_level: "trace", audit: { arguments: true } });
  const agent = await arrive(gateway, ada);
  const answers = [];
  const keep = async (response) => answers.push(`${JSON.stringify([...response.headers])}\n${await response.text()}`);
  assert.equal(textOf(await agent.call("faults.echo", { text: "hi" })), "hi");
  answers.push(JSON.stringify(await agent.request("tools/call", { name: "faults.echo", arguments: { text: 7 } })));
  answers.push(textOf(await agent.call("faults.whoami")));
  const secrets = [issuer.token({ sub: "ada" }), ada({ exp: 1 }), ada({ aud: "x" }), unsigned(issuer.claims({ sub: "ada", tenant: "blue" })), hmacWithPublicKey(issuer.key(), issuer.claims({ sub: "ada" }))];
  for (const token of secrets) {
    await keep(await new BareAgent(gateway.url, { key: token }).post({ jsonrpc: "2.0", id: 1, method: "tools/list" }));
    await keep(await gateway.get("/v1/accounts", { headers: { authorization: `Bearer ${token}` } }));
    await keep(await gateway.get("/nothing", { headers: { authorization: token } }));
    await keep(await gateway.get("/v1/models", { headers: { authorization: `Basic ${token}` } }));
  }
  for (const path of ["/metrics", "/readyz", "/v1/receipts", "/v1/accounts", "/.well-known/oauth-protected-resource"]) {
    await keep(await gateway.get(path, { headers: { authorization: `Bearer ${ada({ scope: "bursar:admin" })}` } }));
  }
  const audit = await auditQuery(gateway);
  assert.ok(audit.some((record) => JSON.stringify(record).includes("#ada")), "who called is known");
  await gateway.stop();
  assertNowhere(gateway, [...secrets, ...issuer.seen.tokens], [...answers, JSON.stringify(audit)]);
});
