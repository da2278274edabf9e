// The world of a soak: a gateway with everything switched on, and behind it servers of both eras over HTTP and stdio, servers
// that misbehave, model endpoints, and an authorization server. What the servers did is counted apart from the gateway.
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { closeSync, existsSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { FIXTURES, freshDirectory, NODE, startFixture, startGateway } from "../e2e/lib/gateway.mjs";
import { modelUpstream } from "../e2e/lib/models.mjs";
import { startIssuer } from "../e2e/lib/oauth_issuer.mjs";
import { waitFor } from "../e2e/lib/processes.mjs";

export const PAIRS = ["legacy-http", "legacy-stdio", "modern-http", "modern-stdio"];
// Models that misbehave as tests/e2e/lib/models.mjs says. Each has an endpoint of its own, so that its circuit stops no other.
export const MODEL_FAULTS = ["half", "early", "stall", "flood", "fail-500", "limit-429", "liar", "mute", "bad-400", "excess", "long", "hang"];
const ERAS = join(FIXTURES, "eras.mjs");

function freePort() {
  return new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => { const { port } = server.address(); server.close(() => done(port)); });
  });
}

async function startEra(era, log) {
  const child = spawn(NODE, [ERAS, era, "http"], { env: { ...process.env, ERAS_LOG: log }, stdio: ["ignore", "pipe", "inherit"] });
  const line = await new Promise((done) => createInterface(child.stdout).once("line", done));
  return { port: JSON.parse(line).port, stop: () => child.kill("SIGKILL") };
}

// How many lines of a log that grows hold each of the words; reads only what is new.
export function lineCounter(file, words) {
  const counts = Object.fromEntries(words.map((word) => [word, 0]));
  let at = 0, rest = "";
  return () => {
    if (!existsSync(file)) return counts;
    const descriptor = openSync(file, "r"), buffer = Buffer.alloc(1 << 20);
    for (let n; (n = readSync(descriptor, buffer, 0, buffer.length, at)) > 0; at += n) {
      const lines = (rest + buffer.toString("utf8", 0, n)).split("\n");
      rest = lines.pop();
      for (const line of lines) for (const word of words) if (line.includes(word)) ++counts[word];
    }
    closeSync(descriptor);
    return counts;
  };
}

// A model upstream that counts instead of remembering: { port, asked, close }.
async function countingModels() {
  const upstream = await modelUpstream({ models: ["ok"] });
  let asked = 0;
  upstream.asked = () => { asked += upstream.requests.splice(0).length; return asked; };
  return upstream;
}

function configOf({ port, resource, issuer, steady, rough, models, logs }) {
  const http = (name, at, more) => ({ name, url: `http://127.0.0.1:${at}/mcp`, child_idle: "10 s", ...more });
  const stdio = (name, args, env, more) => ({ name, command: NODE, args, env, child_idle: "10 s", ...more });
  return {
    listen: { port },
    limits: { session_idle: "20 s", idle_timeout: "20 s", write_timeout: "5 s", header_timeout: "10 s", body_timeout: "10 s" },
    identity: { resource, issuers: [{ issuer: issuer.url, algorithms: ["ES256"], jwks_cache: "5 s", clock_skew: "0 s" }], accounts: [{ account: "soak/tokens/{sub}", create: true, limits: ["1M calls"] }] },
    accounts: [
      { path: "dev" }, { path: "soak", limits: ["100M calls", "1000000 usd", "100000M tokens"] }, { path: "soak/steady", limits: ["10M calls day"] }, { path: "soak/rough", limits: ["10M calls day"] },
      { path: "soak/asking" },      { path: "soak/tokens" }, { path: "soak/poor", limits: ["1 tokens"] }, { path: "soak/api" },
    ],
    handles: { state_lifetime: "10 s" },
    turn: { budget: "1 min", atba: { timeout_min: "20 s", hard_max: "30 s", answer_reserve_min: "100 ms" } },  // the machine may be busy
    prices: [{ server: "*", meter_ms: false, price: "0.001 usd, 1 calls" }],
    audit: { security_log: join(logs, "security.jsonl") },
    upstreams: [
      http("legacy-http", steady.legacy.port), http("modern-http", steady.modern.port),
      stdio("legacy-stdio", [ERAS, "legacy", "stdio"], { ERAS_LOG: steady.log }), stdio("modern-stdio", [ERAS, "modern", "stdio"], { ERAS_LOG: steady.log }),
      http("rough-http", rough.http.port), stdio("rough-stdio", [join(FIXTURES, "faults_stdio.mjs")], { FAULTS_LOG: rough.log }),
    ],
    models: {
      upstreams: Object.entries({ good: models.good, ...Object.fromEntries(MODEL_FAULTS.map((name) => [name, models.bad])) })
        .map(([name, u]) => ({ name, url: `http://127.0.0.1:${u.port}/v1`, headers: { Authorization: `Bearer sk-own-${name}` }, stall_timeout: name === "good" ? "1 min" : "1 s", timeout: "1 min" })),
      routes: [
        { model: "ok", targets: ["good"] }, { model: "story", targets: ["fail-500/fail-500", "long/ok"], retries: 1 },
        { model: "hedged", targets: ["hang/hang", "long/ok"], hedge_after: "100 ms" }, ...MODEL_FAULTS.map((name) => ({ model: name, targets: [name], retries: 0 })),
      ],
      prices: [{ upstream: "*", input: "1 usd", output: "2 usd" }],
    },
    telemetry: { otlp_url: "http://127.0.0.1:9", sample: 0.1 },  // nobody listens there
    log_level: "warn",
  };
}

async function keyOf(gateway, name, account, ...words) {
  const made = await gateway.bursar("keys", "create", name, "--account", account, ...words);
  if (made.code !== 0) throw new Error(made.stderr);
  const key = /sk-[A-Za-z0-9_-]{16,}/.exec(made.stdout)[0];
  await waitFor(async () => (await gateway.get("/v1/models", { headers: { authorization: `Bearer ${key}` } })).status === 200, { every: 100, what: `the key ${name} to open the gateway` });
  return key;
}

export async function startWorld() {
  const logs = freshDirectory(), steadyLog = join(logs, "steady.jsonl"), roughLog = join(logs, "rough.jsonl");
  const steady = { log: steadyLog, legacy: await startEra("legacy", steadyLog), modern: await startEra("modern", steadyLog) };
  const rough = { log: roughLog, http: await startFixture("faults_http", { env: { FAULTS_LOG: roughLog } }) };
  const models = { good: await countingModels(), bad: await countingModels() };
  const port = await freePort(), resource = `http://127.0.0.1:${port}/mcp`;
  const issuer = await startIssuer({ resource });
  const gateway = await startGateway(configOf({ port, resource, issuer, steady, rough, models, logs }), { timeout: 30_000, env: { BURSAR_ADMIN_KEY: "" } });
  const keys = {};
  for (const account of ["steady", "asking", "rough", "poor"]) keys[account] = await keyOf(gateway, account, `soak/${account}`);
  keys.admin = await keyOf(gateway, "admin", "soak/api", "--admin");
  // Whatever becomes of this process, nothing of it stays.
  process.once("exit", () => { for (const child of [gateway.child, steady.legacy, steady.modern, rough.http]) (child.kill ?? child.stop).call(child, "SIGKILL"); });
  const fault = (kind) => fetch(`http://127.0.0.1:${rough.http.port}/fault?next=${kind}&count=1`).then((r) => r.text());
  return {
    gateway, keys, models, issuer, fault,
    steadyCalls: lineCounter(steadyLog, ['{"call":"echo"', '{"call":"steps"', '{"call":"touch"']), roughCalls: lineCounter(roughLog, ['"event":"begin"', '"event":"fault"']),
    async stop() {
      await gateway.stop({ within: 40_000 });
      gateway.remove();
    },
  };
}
