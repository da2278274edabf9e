// Agents and servers of both eras of the protocol, in all four pairs, over HTTP and stdio: the published SDK clients of the
// first and second generation, the Inspector's command line, and `bursar mcp` for agents on stdio.
import { Client as ModernClient, StreamableHTTPClientTransport as ModernTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport as ModernStdio } from "@modelcontextprotocol/client/stdio";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import {
  CreateMessageRequestSchema, ElicitRequestSchema, ListRootsRequestSchema, ResourceUpdatedNotificationSchema, ToolListChangedNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { BareAgent, connect, textOf } from "./lib/agent.mjs";
import { BURSAR, ending, FIXTURES, freshDirectory, NODE, readLines, ROOT, startGateway, writeConfig } from "./lib/gateway.mjs";
import { waitFor } from "./lib/processes.mjs";

const MODERN = "2026-07-28", NOTE = "mem://note";
const FIXTURE = join(FIXTURES, "eras.mjs");
const INSPECTOR = join(ROOT, "node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js");
const SERVERS = ["legacy-http", "legacy-stdio", "modern-http", "modern-stdio"];

let gateway, log;
const fixtures = [];

async function startHttp(era, env) {
  const child = spawn(NODE, [FIXTURE, era, "http"], { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "inherit"] });
  fixtures.push(child);
  const line = await new Promise((done) => createInterface(child.stdout).once("line", done));
  return JSON.parse(line).port;
}

before(async () => {
  log = join(freshDirectory(), "eras.log");
  const env = { ERAS_LOG: log };
  const upstreams = [];
  for (const era of ["legacy", "modern"]) {
    upstreams.push({ name: `${era}-http`, url: `http://127.0.0.1:${await startHttp(era, env)}/mcp` });
    upstreams.push({ name: `${era}-stdio`, command: NODE, args: [FIXTURE, era, "stdio"], env });
  }
  gateway = await startGateway({ upstreams, handles: { state_lifetime: "20 s" } });
});
after(async () => {
  await gateway?.stop();
  for (const child of fixtures) child.kill("SIGKILL");
});

// What an agent answers when it is asked.
const ANSWERS = {
  elicitation: () => ({ action: "accept", content: { colour: "blue" } }),
  sampling: () => ({ role: "assistant", model: "tests", content: { type: "text", text: "Paris" } }),
  roots: () => ({ roots: [{ uri: "file:///home/ada", name: "home" }] }),
};
const ASKABLE = { elicitation: { form: {} }, sampling: {}, roots: {} };

async function legacyAgent(server, capabilities = ASKABLE) {
  const handlers = Object.keys(capabilities).length === 0 ? [] : [[ElicitRequestSchema, ANSWERS.elicitation], [CreateMessageRequestSchema, ANSWERS.sampling], [ListRootsRequestSchema, ANSWERS.roots]];
  return connect(gateway, { server, capabilities, handlers });
}
function withAnswers(client) {
  client.setRequestHandler("elicitation/create", ANSWERS.elicitation);
  client.setRequestHandler("sampling/createMessage", ANSWERS.sampling);
  client.setRequestHandler("roots/list", ANSWERS.roots);
  return client;
}
async function modernAgent(server, capabilities = ASKABLE) {
  const client = new ModernClient({ name: "e2e-modern", version: "1.0.0" }, { capabilities, versionNegotiation: { mode: { pin: MODERN } } });
  if (Object.keys(capabilities).length > 0) withAnswers(client);
  await client.connect(new ModernTransport(new URL(server ? gateway.urlOf(server) : gateway.url)));
  return client;
}
const AGENTS = { legacy: legacyAgent, modern: modernAgent };
const said = async (client, name, args = {}, options) => {
  const request = { name, arguments: args };
  const result = client instanceof ModernClient ? await client.callTool(request, options) : await client.callTool(request, undefined, options);
  assert.ok(!result.isError, JSON.stringify(result));
  return textOf(result);
};

for (const [era, agent] of Object.entries(AGENTS)) {
  for (const server of SERVERS) {
    const pair = `a ${era} agent and a ${server.replace("-", " server over ")}`;

    test(`${pair}: lists, calls, reads and prompts`, async () => {
      const client = await agent(server);
      if (era === "modern") assert.equal(client.getNegotiatedProtocolVersion(), MODERN);
      const { tools } = await client.listTools();
      assert.ok(tools.some((t) => t.name === "echo"), JSON.stringify(tools));
      assert.equal(await said(client, "echo", { text: "hello" }), "hello");
      assert.deepEqual((await client.listResources()).resources.map((r) => r.uri), [NOTE]);
      assert.match((await client.readResource({ uri: NOTE })).contents[0].text, /^version \d+$/);
      assert.deepEqual((await client.listPrompts()).prompts.map((p) => p.name), ["greet"]);
      const { messages } = await client.getPrompt({ name: "greet", arguments: { name: "Ada" } });
      assert.equal(messages[0].content.text, "Hello, Ada!");
      await client.close();
    });

    test(`${pair}: the server asks for the user, the model and the roots`, async () => {
      const client = await agent(server);
      assert.equal(await said(client, "ask_user"), "accept: blue");
      assert.equal(await said(client, "ask_model"), "Paris");
      assert.equal(await said(client, "ask_roots"), "file:///home/ada");
      assert.equal(await said(client, "ask_both"), "accept: blue and Paris");
      await client.close();
    });

    test(`${pair}: progress arrives while the call runs`, async () => {
      const client = await agent(server);
      const seen = [];
      assert.equal(await said(client, "steps", {}, { onprogress: ({ progress }) => seen.push(progress) }), "three steps");
      assert.deepEqual(seen, [1, 2, 3]);
      await client.close();
    });

    test(`${pair}: a cancelled call is cancelled at the server`, async () => {
      const client = await agent(server);
      const count = (what) => readLines(log).filter((l) => l.hang === what).length;
      const [begun, cancelled] = [count("begun"), count("cancelled")];
      const abort = new AbortController();
      const call = said(client, "hang", {}, { signal: abort.signal });
      call.catch(() => {});
      await waitFor(() => count("begun") > begun, { what: () => "the call to reach the server" });
      abort.abort();
      await assert.rejects(call);
      await waitFor(() => count("cancelled") > cancelled, { what: () => "the cancellation to reach the server" });
      await client.close();
    });

    test(`${pair}: what changed is told to those who follow it`, async () => {
      // An agent that can be asked has a child of its own in a legacy server over stdio, so this one cannot.
      const client = await agent(server, {});
      const heard = [];
      if (era === "legacy") {
        client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => { heard.push(params.uri); });
        client.setNotificationHandler(ToolListChangedNotificationSchema, () => { heard.push("tools"); });
        await client.subscribeResource({ uri: NOTE });
      } else {
        client.setNotificationHandler("notifications/resources/updated", ({ params }) => { heard.push(params.uri); });
        client.setNotificationHandler("notifications/tools/list_changed", () => { heard.push("tools"); });
        const subscription = await client.listen({ toolsListChanged: true, resourceSubscriptions: [NOTE] });
        assert.deepEqual(subscription.honoredFilter, { toolsListChanged: true, resourceSubscriptions: [NOTE] });
      }
      await waitFor(async () => { await said(client, "touch"); return heard.includes(NOTE) && heard.includes("tools"); }, { timeout: 15_000, every: 200, what: () => `the changes; heard ${heard}` });
      await client.close();
    });
  }
}

test("the gateway's own tool tells both eras what is left, free of charge", async () => {
  for (const agent of Object.values(AGENTS)) {
    const client = await agent();
    const { tools } = await client.listTools();
    assert.ok(tools.some((t) => t.name === "bursar.budget"));
    const result = await client.callTool({ name: "bursar.budget", arguments: {} });
    assert.equal(result.structuredContent.account, "dev");
    assert.match(textOf(result), /^Budget of dev\n/);
    assert.equal(typeof result.structuredContent.turn.ms_left, "number");
    await client.close();
  }
});

// --- requestState ------------------------------------------------------------------------------------------------------

const META = { "io.modelcontextprotocol/protocolVersion": MODERN, "io.modelcontextprotocol/clientCapabilities": ASKABLE };
async function post(server, name, params = {}) {
  const body = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name, arguments: {}, _meta: META, ...params } };
  const response = await new BareAgent(gateway.urlOf(server)).post(body, { headers: { "mcp-protocol-version": MODERN, "mcp-method": "tools/call", "mcp-name": name } });
  return { status: response.status, ...await response.json() };
}

test("a requestState is good once, for its request and its time", async () => {
  const asked = await post("legacy-http", "ask_user");
  assert.equal(asked.result.resultType, "input_required");
  const [key] = Object.keys(asked.result.inputRequests);
  const answer = { inputResponses: { [key]: ANSWERS.elicitation() }, requestState: asked.result.requestState };
  for (const [server, name, state] of [["legacy-http", "ask_model", answer.requestState], ["legacy-stdio", "ask_user", answer.requestState], ["legacy-http", "ask_user", "x" + answer.requestState]]) {
    const refused = await post(server, name, { ...answer, requestState: state });
    assert.equal(refused.error?.code, -32602, JSON.stringify(refused));
  }
  assert.equal(textOf((await post("legacy-http", "ask_user", answer)).result), "accept: blue");
  assert.match((await post("legacy-http", "ask_user", answer)).error.message, /begin anew/);
});

// --- agents on stdio ---------------------------------------------------------------------------------------------------

function mcpCommand(config) {
  const directory = freshDirectory();
  writeConfig(directory, config);
  return { command: BURSAR, args: ["mcp", "-c", join(directory, "bursar.yaml")], cwd: directory, stderr: "ignore" };
}
const oneServer = (era) => ({ database: join(freshDirectory(), "bursar.db"), upstreams: [{ name: "eras", prefix: "", command: NODE, args: [FIXTURE, era, "stdio"] }] });

for (const era of ["legacy", "modern"]) {
  test(`bursar mcp serves a legacy agent over stdio, before a ${era} server`, async () => {
    const client = new Client({ name: "desktop", version: "1" }, { capabilities: ASKABLE });
    client.setRequestHandler(ElicitRequestSchema, ANSWERS.elicitation);
    await client.connect(new StdioClientTransport(mcpCommand(oneServer(era))));
    assert.equal(await said(client, "echo", { text: "hello" }), "hello");
    assert.equal(await said(client, "ask_user"), "accept: blue");
    await client.close();
  });

  test(`bursar mcp serves a modern agent over stdio, before a ${era} server`, async () => {
    const client = withAnswers(new ModernClient({ name: "desktop", version: "1" }, { capabilities: ASKABLE, versionNegotiation: { mode: { pin: MODERN } } }));
    await client.connect(new ModernStdio(mcpCommand(oneServer(era))));
    assert.equal(await said(client, "echo", { text: "hello" }), "hello");
    assert.equal(await said(client, "ask_user"), "accept: blue");
    const seen = [];
    assert.equal(await said(client, "steps", {}, { onprogress: ({ progress }) => seen.push(progress) }), "three steps");
    assert.deepEqual(seen, [1, 2, 3]);
    await client.close();
  });
}

test("bursar mcp is a bridge to a running gateway", async () => {
  const client = withAnswers(new ModernClient({ name: "desktop", version: "1" }, { capabilities: ASKABLE, versionNegotiation: { mode: { pin: MODERN } } }));
  await client.connect(new ModernStdio({ command: BURSAR, args: ["mcp", "--url", `http://127.0.0.1:${gateway.port}`, "--server", "legacy-http"], stderr: "ignore" }));
  assert.equal(await said(client, "echo", { text: "hello" }), "hello");
  assert.equal(await said(client, "ask_both"), "accept: blue and Paris");
  await client.close();
});

// --- the Inspector -----------------------------------------------------------------------------------------------------

function inspector(...words) {
  const home = freshDirectory();
  return new Promise((done, failed) => {
    execFile(NODE, [INSPECTOR, "--cli", ...words], { cwd: home, env: { ...process.env, HOME: home, PATH: `${join(NODE, "..")}:${process.env.PATH}` }, timeout: 60_000 }, (error, stdout, stderr) => {
      if (error) failed(new Error(`${error.message}\n${stdout}\n${stderr}`)); else done(JSON.parse(stdout));
    });
  });
}

for (const server of ["legacy-http", "modern-http"]) {
  test(`the Inspector's command line before a ${server}`, async () => {
    const at = ["--server-url", gateway.urlOf(server), "--transport", "http"];
    const { tools } = await inspector(...at, "--method", "tools/list");
    assert.ok(tools.some((t) => t.name === "echo"));
    const result = await inspector(...at, "--method", "tools/call", "--tool-name", "echo", "--tool-arg", "text=hello");
    assert.equal(textOf(result), "hello");
    assert.equal((await inspector(...at, "--method", "resources/list")).resources[0].uri, NOTE);
    assert.match((await inspector(...at, "--method", "resources/read", "--uri", NOTE)).contents[0].text, /^version/);
    const { messages } = await inspector(...at, "--method", "prompts/get", "--prompt-name", "greet", "--prompt-args", "name=Ada");
    assert.equal(messages[0].content.text, "Hello, Ada!");
  });
}

// --- a restart ---------------------------------------------------------------------------------------------------------

test("a legacy session goes on after the gateway was restarted, and one that was ended does not", async (t) => {
  const first = ending(t, await startGateway({ upstreams: [{ name: "eras", prefix: "", command: NODE, args: [FIXTURE, "legacy", "stdio"] }] }));
  const config = { listen: { address: "127.0.0.1", port: first.port } };
  const client = await connect(first);
  const bare = await new BareAgent(first.url).open();
  assert.equal(await said(client, "echo", { text: "before" }), "before");
  assert.equal((await fetch(first.url, { method: "DELETE", headers: bare.headers })).status, 204);
  await first.stop();
  const second = ending(t, await first.restart(config));
  assert.equal(await said(client, "echo", { text: "after" }), "after");
  await assert.rejects(bare.request("tools/list"), /404/);
  await client.close();
  await second.stop();
});

test("a modern server's own state comes back to it through another gateway with the same secret", async (t) => {
  const upstreams = [{ name: "m", prefix: "", command: NODE, args: [join(FIXTURES, "modern_stdio.mjs")] }];
  const handles = { secret: "a secret that both replicas know" };
  const [one, two] = await Promise.all([startGateway({ upstreams, handles }), startGateway({ upstreams, handles })]);
  ending(t, one);
  ending(t, two);
  const name = "test_input_required_result_request_state";
  const ask = async (at, params = {}) => {
    const body = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name, arguments: {}, _meta: META, ...params } };
    const response = await new BareAgent(at.url).post(body, { headers: { "mcp-protocol-version": MODERN, "mcp-method": "tools/call", "mcp-name": name } });
    return response.json();
  };
  const asked = await ask(one);
  assert.equal(asked.result?.resultType, "input_required", JSON.stringify(asked));
  const answer = { inputResponses: { confirm: { action: "accept", content: { ok: true } } }, requestState: asked.result.requestState };
  assert.equal(textOf((await ask(two, answer)).result), "state-ok");
});
