// The load of a soak: many small loops, each an agent of its own kind, paced together to one rate of calls.
//
//   const load = startLoad(world, { rate: 100 });
//   await sleep(60_000);
//   const tally = await load.stop();      // { own, done: { kind: n }, trouble: Map of "kind: message" -> { times, first, text } }
//
// Steady agents use servers that do as they are told: none of their calls may fail, and each is counted by its server. Rough
// agents provoke: faults, floods, cancellations, hanging up, tokens that expire. They may fail, but never by a 5xx of our own.
import { Client as ModernClient, StreamableHTTPClientTransport as ModernTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport as ModernStdio } from "@modelcontextprotocol/client/stdio";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { CreateMessageRequestSchema, ElicitRequestSchema, ListRootsRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { renameSync, writeFileSync } from "node:fs";
import { connect as connectSocket } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import OpenAI from "openai";
import { BareAgent, call, connect, textOf } from "../e2e/lib/agent.mjs";
import { BURSAR } from "../e2e/lib/gateway.mjs";
import { MODEL_FAULTS, PAIRS } from "./world.mjs";

const MODERN = "2026-07-28", NOTE = "mem://note";
const ASKABLE = { elicitation: { form: {} }, sampling: {}, roots: {} };
const ANSWERS = {
  elicitation: () => ({ action: "accept", content: { colour: "blue" } }),
  sampling: () => ({ role: "assistant", model: "soak", content: { type: "text", text: "Paris" } }),
  roots: () => ({ roots: [{ uri: "file:///home/ada", name: "home" }] }),
};
const HANDLERS = [[ElicitRequestSchema, ANSWERS.elicitation], [CreateMessageRequestSchema, ANSWERS.sampling], [ListRootsRequestSchema, ANSWERS.roots]];
const messages = [{ role: "user", content: "Tell me a story." }];
const any = (list) => list[Math.floor(Math.random() * list.length)];

// Lets `rate` through in a second, first come, first served.
function pacer(rate) {
  let next = performance.now();
  return async () => {
    next = Math.max(next + 1000 / rate, performance.now() - 100);
    const wait = next - performance.now();
    if (wait > 1) await sleep(wait);
  };
}

const legacyAgent = (world, server, key) => connect(world.gateway, { server, key, capabilities: ASKABLE, handlers: HANDLERS });
function modernClient() {
  const client = new ModernClient({ name: "soak-modern", version: "1" }, { capabilities: ASKABLE, versionNegotiation: { mode: { pin: MODERN } } });
  client.setRequestHandler("elicitation/create", ANSWERS.elicitation);
  client.setRequestHandler("sampling/createMessage", ANSWERS.sampling);
  client.setRequestHandler("roots/list", ANSWERS.roots);
  return client;
}
async function modernAgent(world, server, key) {
  const client = modernClient();
  await client.connect(new ModernTransport(new URL(world.gateway.urlOf(server)), { requestInit: { headers: { authorization: `Bearer ${key}` } } }));
  return client;
}
async function stdioAgent(world, server, key, era) {
  const how = { command: BURSAR, args: ["mcp", "--url", `http://127.0.0.1:${world.gateway.port}`, "--server", server], env: { ...process.env, BURSAR_KEY: key }, stderr: "ignore" };
  if (era === "modern") {
    const client = modernClient();
    await client.connect(new ModernStdio(how));
    return client;
  }
  const client = new Client({ name: "soak-stdio", version: "1" }, { capabilities: ASKABLE });
  for (const [schema, handler] of HANDLERS) client.setRequestHandler(schema, handler);
  await client.connect(new StdioClientTransport(how));
  return client;
}

function expect(said, wanted) {
  if (said !== wanted) throw new Error(`said ${JSON.stringify(said)?.slice(0, 200)}, not ${JSON.stringify(wanted)}`);
}
const toolOf = async (client, name, args, options) => {
  const result = client instanceof ModernClient ? await client.callTool({ name, arguments: args }, options) : await call(client, name, args, options);
  if (result.isError) throw new Error(textOf(result) || JSON.stringify(result));
  return textOf(result);
};

// What a steady agent does to one server of ours, at random.
async function steadyStep(client) {
  const dice = Math.random();
  if (dice < 0.70) return expect(await toolOf(client, "echo", { text: "hello" }), "hello");
  if (dice < 0.78) return expect(await toolOf(client, "steps", {}, { onprogress: () => {} }), "three steps");
  if (dice < 0.82) return toolOf(client, "touch", {});
  if (dice < 0.90) return client.listTools();
  if (dice < 0.96) return client.readResource({ uri: NOTE });
  return client.getPrompt({ name: "greet", arguments: { name: "Ada" } });
}

const asking = async (client) => expect(await toolOf(client, "ask_both", {}), "accept: blue and Paris");

function openaiOf(world, key) { return new OpenAI({ apiKey: key, baseURL: `http://127.0.0.1:${world.gateway.port}/v1`, maxRetries: 0 }); }

// --- what rough agents do ------------------------------------------------------------------------------------------------

const FAULTS = ["garbage", "half", "reset", "stall", "wrong-id", "status:500", "status:503:1", "status:404"];
const ROUGH_TOOLS = [
  ["echo", { text: "x" }], ["fail", {}], ["rpc_error", {}], ["flood", { count: 200, bytes: 500 }], ["big", { bytes: 300_000 }], ["typed", { lie: true }],
  ["progress", { steps: 3, every_ms: 10 }], ["late", { ms: 50 }],
];

async function bareAgent(world, server) { return new BareAgent(world.gateway.urlOf(server), { key: world.keys.rough }).open("2025-11-25", {}); }

// Hangs up in the middle of a call, after a random time.
async function hangUp(world) {
  const agent = await bareAgent(world, any(["rough-http", "rough-stdio"]));
  const stop = new AbortController();
  setTimeout(() => stop.abort(), Math.random() * 120);
  await agent.call(any(["hang", "sleep", "deaf", "progress"]), { ms: 80, steps: 5, every_ms: 20 }, { signal: stop.signal }).catch(() => {});
  if (Math.random() < 0.5) await fetch(agent.url, { method: "DELETE", headers: agent.headers });  // the other half is abandoned
}

// Asks for much and reads nothing of it.
async function readNothing(world, model) {
  const body = JSON.stringify(model ? { model: "flood", messages, stream: true, max_tokens: 100_000 }
    : { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "flood", arguments: { count: 3000, bytes: 1000 }, _meta: { progressToken: 1 } } });
  const agent = model ? { headers: { authorization: `Bearer ${world.keys.rough}`, "content-type": "application/json" } } : await bareAgent(world, "rough-http");
  const socket = connectSocket(world.gateway.port, "127.0.0.1");
  socket.pause();
  socket.on("error", () => {});
  const headers = Object.entries(agent.headers).map(([k, v]) => `${k}: ${v}\r\n`).join("");
  socket.write(`POST ${model ? "/v1/chat/completions" : "/mcp/rough-http"} HTTP/1.1\r\nhost: 127.0.0.1\r\n${headers}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  await sleep(1000 + Math.random() * 1500);
  socket.destroy();
}

async function strangeBytes(world) {
  const socket = connectSocket(world.gateway.port, "127.0.0.1");
  socket.on("error", () => {});
  socket.resume();
  socket.write(any(["GET /healthz HTTP/1.1\r\n", "POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 100\r\n\r\n{", "\0\x16\x03\x01 nonsense\r\n\r\n", "POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\nabc"]));
  await sleep(200 + Math.random() * 400);
  socket.destroy();
}

async function modelFaults(client) {
  const model = any(["story", "hedged", ...MODEL_FAULTS.filter((name) => name !== "hang")]);
  const streamed = /half|early|stall|flood|long/.test(model) || Math.random() < 0.3;
  const stop = new AbortController();
  if (Math.random() < 0.3) setTimeout(() => stop.abort(), Math.random() * 150);
  const answer = await client.chat.completions.create({ model, messages, max_tokens: 40, stream: streamed }, { signal: stop.signal });
  if (streamed) { let n = 0; for await (const _ of answer) if (++n > 60) break; }
}

// Works with a token of a few seconds until it has expired, then needs a new one.
async function shortToken(world, pace) {
  const expiry = Math.floor(Date.now() / 1000) + 3, token = world.issuer.token({ sub: any(["ada", "bob", "cy"]), exp: expiry });
  world.issuer.seen.tokens.length = 0;
  const agent = await new BareAgent(world.gateway.urlOf("rough-http"), { key: token }).open();
  for (;;) {
    await pace();
    const expired = Date.now() > (expiry + 1) * 1000;
    try { await agent.call("echo", { text: "mine" }); } catch (error) { if (error.status !== 401) throw error; return; }
    if (expired) throw new Error("a token outlived its expiry");
    await sleep(100);
  }
}

let administered = 0;  // names of keys are never used again

async function administer(world) {
  const n = ++administered;
  const headers = { authorization: `Bearer ${world.keys.admin}`, "content-type": "application/json" };
  const at = async (path, body, method = body ? "POST" : "GET") => {
    const response = await world.gateway.get(path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: HTTP ${response.status} ${text}`);
    return text ? JSON.parse(text) : {};
  };
  for (const path of ["/v1/status", "/v1/accounts?under=soak", "/v1/keys", "/v1/receipts?limit=20", "/v1/reservations", "/v1/audit?limit=20", "/openapi.json"]) await at(path);
  await at("/v1/keys", { name: `soak-${n}`, account: "soak/api" });
  await at(`/v1/keys/soak-${n}`, undefined, "DELETE");
  const reserve = async () => (await at("/v1/reservations", { account: "soak/api", amounts: "2 calls", ttl: "30 s" })).id;
  await at(`/v1/reservations/${await reserve()}:settle`, { actual: "1 calls" });
  await at(`/v1/reservations/${await reserve()}:release`, {});
}

// --- the loops -----------------------------------------------------------------------------------------------------------

export function startLoad(world, { rate = 100 } = {}) {
  const pace = pacer(rate), done = {}, trouble = new Map(), { steady, rough, poor } = world.keys;
  let stopping = false;
  let own = 0;
  const note = (kind, error) => {
    // 500 is passed on where an endpoint of models said so.
    if (error?.status === 503 || (error?.status === 500 && !/failed inside/.test(error.message))) ++own;
    const line = `${kind}: ${String(error?.message ?? error).replaceAll(/\d{2,}/g, "#").slice(0, 160)}`;
    const seen = trouble.get(line) ?? { times: 0, first: new Date().toISOString(), text: String(error?.message ?? error).slice(0, 300) };
    ++seen.times;
    trouble.set(line, seen);
  };
  const loops = [];
  // step() again and again until the end; what it throws is noted.
  const loop = (kind, step, rest = 0) => loops.push((async () => {
    while (!stopping) {
      await pace();
      if (stopping) return;
      try { await step(); done[kind] = (done[kind] ?? 0) + 1; } catch (error) { note(kind, error); await sleep(200); }
      if (rest) await sleep(rest * (0.5 + Math.random()));
    }
  })());
  // One agent for `steps` calls, then another.
  const lives = (kind, open, steps, { rest = 0, also = () => {}, step = steadyStep } = {}) => {
    let client, left = 0;
    loop(kind, async () => {
      if (left <= 0) {
        await client?.endpoint?.terminateSession().catch(() => {});
        await client?.close().catch(() => {});
        client = undefined;
        client = await open();
        left = steps * (0.5 + Math.random());
        await also(client);
      }
      --left;
      try { await step(client); } catch (error) { left = 0; throw error; }
    }, rest);
    return () => client?.close().catch(() => {});
  };
  const ends = [];
  const listen = (client) => (Math.random() < 0.5 ? client.listen({ toolsListChanged: true, resourceSubscriptions: [NOTE] }) : undefined);
  for (const server of PAIRS) {
    ends.push(lives(`steady legacy, ${server}`, () => legacyAgent(world, server, steady), 200));
    ends.push(lives(`steady legacy, short, ${server}`, () => legacyAgent(world, server, steady), 5, { rest: 200 }));
    ends.push(lives(`steady modern, ${server}`, () => modernAgent(world, server, steady), 100, { also: listen }));
    ends.push(lives(`steady modern, short, ${server}`, () => modernAgent(world, server, steady), 5, { rest: 200, also: listen }));
  }
  // Where both sides are modern, each round of questions is a call of its own: counted apart.
  for (const server of PAIRS) {
    ends.push(lives(`steady questions, legacy, ${server}`, () => legacyAgent(world, server, world.keys.asking), 20, { rest: 300, step: asking }));
    ends.push(lives(`steady questions, modern, ${server}`, () => modernAgent(world, server, world.keys.asking), 20, { rest: 300, step: asking }));
  }
  for (const era of ["legacy", "modern"]) ends.push(lives(`steady ${era} on stdio`, () => stdioAgent(world, any(PAIRS), steady, era), 30, { rest: 20 }));

  const good = openaiOf(world, steady), bad = openaiOf(world, rough), broke = openaiOf(world, poor);
  for (let i = 0; i < 2; ++i) loop("steady model", async () => expect((await good.chat.completions.create({ model: "ok", messages, max_tokens: 40 })).choices[0].message.content, "Once upon a time."));
  loop("steady stream", async () => {
    let text = "";
    for await (const piece of await good.chat.completions.create({ model: "ok", messages, stream: true })) text += piece.choices[0]?.delta.content ?? "";
    expect(text, "Once upon a time.");
  });
  loop("steady embedding", () => good.embeddings.create({ model: "ok", input: ["a", "b"], encoding_format: "float" }), 100);
  loop("rough refusal", async () => { try { await broke.chat.completions.create({ model: "ok", messages }); } catch (error) { if (error.status !== 402) throw error; } }, 200);
  for (let i = 0; i < 3; ++i) loop("rough model", () => modelFaults(bad), 20);

  let agents;
  loop("rough tool", async () => {
    agents ??= { http: await bareAgent(world, "rough-http"), stdio: await bareAgent(world, "rough-stdio") };
    try { await any([agents.http, agents.stdio]).call(...any(ROUGH_TOOLS)); } catch (error) { if (error.status === 404) agents = undefined; throw error; }
  });
  loop("rough fault", async () => {
    await world.fault(any(FAULTS));
    const result = await (await bareAgent(world, "rough-http")).call(any(["echo", "count"]), { text: "x" });
    if (result.isError) throw new Error(textOf(result));
  }, 300);
  loop("rough crash", async () => (await bareAgent(world, "rough-stdio")).call(any(["crash", "half", "garbage"])), 5000);
  for (let i = 0; i < 3; ++i) loop("rough hang up", () => hangUp(world), 50);
  loop("rough slow reader", () => readNothing(world, Math.random() < 0.5), 1000);
  loop("rough bytes", () => strangeBytes(world), 100);
  for (let i = 0; i < 2; ++i) loop("rough token", () => shortToken(world, pace), 100);
  loop("steady administration", () => administer(world), 1500);
  loop("steady reload", async () => {
    const { config, directory } = world.gateway;
    config.upstreams.find((u) => u.name === "rough-stdio").child_idle = any(["8 s", "9 s", "10 s"]);
    config.rate = { burst: any([10, 11, 12]) };
    writeFileSync(join(directory, "bursar.new"), JSON.stringify(config));
    renameSync(join(directory, "bursar.new"), join(directory, "bursar.yaml"));
    await sleep(8000);
  });

  return {
    done, trouble,
    async stop() {
      stopping = true;
      await Promise.race([Promise.all(loops), sleep(30_000)]);
      await Promise.all(ends.map((end) => end()));
      return { done, trouble, own };
    },
  };
}
