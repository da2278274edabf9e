// MCP 2025-11-25 and before through the gateway, with the published client and the published servers.
import { CreateMessageRequestSchema, ElicitRequestSchema, ListRootsRequestSchema, LoggingMessageNotificationSchema, ToolListChangedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { BareAgent, call, connect, textOf } from "./lib/agent.mjs";
import { ending, freshDirectory, httpUpstream, NODE, ROOT, startFixture, startGateway, stdioUpstream } from "./lib/gateway.mjs";
import { waitFor } from "./lib/processes.mjs";

const packageMain = (name) => join(ROOT, "node_modules/@modelcontextprotocol", name, "dist/index.js");
const published = (name, args = []) => ({ name, command: NODE, args: [packageMain(`server-${name}`), ...args] });

test("/mcp offers all servers with prefixes, /mcp/<server> one of them without", async (t) => {
  const gateway = ending(t, await startGateway({ upstreams: [stdioUpstream("conformance_stdio"), stdioUpstream("faults_stdio")] }));
  const all = await connect(gateway), one = await connect(gateway, { server: "faults" });
  const names = (await all.listTools()).tools.map((tool) => tool.name);
  assert.ok(names.includes("conformance.test_simple_text") && names.includes("faults.echo"), names.join(" "));
  assert.deepEqual(names, [...new Set(names)], "no name twice");
  const own = (await one.listTools()).tools.map((tool) => tool.name);
  assert.ok(own.includes("echo") && !own.some((n) => n.startsWith("conformance")), own.join(" "));
  assert.equal(textOf(await call(one, "echo", { text: "direct" })), "direct");
  const prompts = (await all.listPrompts()).prompts.map((p) => p.name);
  assert.ok(prompts.includes("conformance.test_simple_prompt"), prompts.join(" "));
  assert.match((await all.getPrompt({ name: "conformance.test_simple_prompt" })).messages[0].content.text, /simple prompt/);
  const uris = (await all.listResources()).resources.map((r) => r.uri);
  assert.ok(uris.includes("test://static-text"), uris.join(" "));
  assert.match((await all.readResource({ uri: "test://static-text" })).contents[0].text, /static text resource/);
  assert.equal((await fetch(gateway.urlOf("nobody"), { method: "POST", headers: { "content-type": "application/json", accept: "application/json, text/event-stream" }, body: "{}" })).status, 404);
  await Promise.all([all.close(), one.close()]);
  await gateway.stop();
});

test("requests of a server reach the agent that called, and no other", async (t) => {
  // A server over stdio cannot say which call it asks for, so an agent that can be asked gets a child of its own.
  const gateway = ending(t, await startGateway({ upstreams: [stdioUpstream("conformance_stdio"), stdioUpstream("faults_stdio")] }));
  const agents = await Promise.all([0, 1, 2].map((i) => connect(gateway, {
    name: `agent-${i}`,
    capabilities: { sampling: {}, elicitation: {}, roots: {} },
    handlers: [
      [CreateMessageRequestSchema, async () => ({ role: "assistant", model: "none", content: { type: "text", text: `thought by ${i}` } })],
      [ElicitRequestSchema, async () => ({ action: "accept", content: { name: `user ${i}`, username: `user ${i}`, email: "x@example.org" } })],
      [ListRootsRequestSchema, async () => ({ roots: [] })],
    ],
  })));
  await Promise.all(agents.flatMap((agent, i) => [
    call(agent, "conformance.test_sampling", { prompt: "think" }).then((r) => assert.equal(textOf(r), `LLM response: thought by ${i}`)),
    call(agent, "faults.ask", { message: "who" }).then((r) => assert.equal(textOf(r), `accept user ${i}`)),
  ]));
  await Promise.all(agents.map((a) => a.close()));
  await gateway.stop();
});

test("progress, logs and results of many agents with the same ids and tokens are not mixed up", async (t) => {
  const gateway = ending(t, await startGateway({ upstreams: [stdioUpstream("faults_stdio", { isolation: "shared" })] }));
  // All of them number their requests from 1 and use those numbers as progress tokens.
  await Promise.all(Array.from({ length: 10 }, async (_, i) => {
    const agent = await connect(gateway);
    const seen = [];
    const result = await call(agent, "faults.progress", { steps: 3 + i, every_ms: 30 }, { onprogress: (p) => seen.push(p) });
    assert.equal(textOf(result), `${3 + i} steps`);
    assert.ok(seen.length >= 2 && seen.every((p) => p.total === 3 + i), JSON.stringify(seen));
    assert.deepEqual(seen.map((p) => p.progress), [...seen.map((p) => p.progress)].sort((a, b) => a - b));
    await agent.close();
  }));
  const [a, b] = await Promise.all([connect(gateway), connect(gateway)]);
  await Promise.all(Array.from({ length: 200 }, (_, i) => call(i % 2 ? a : b, "faults.echo", { text: `${i}` }).then((r) => assert.equal(textOf(r), `${i}`))));
  await Promise.all([a.close(), b.close()]);
  await gateway.stop();
});

test("notifications during a call arrive before its answer, in order", async (t) => {
  const gateway = ending(t, await startGateway({ upstreams: [stdioUpstream("faults_stdio")] }));
  const agent = await connect(gateway);
  await agent.setLoggingLevel("debug");
  const seen = [];
  agent.setNotificationHandler(LoggingMessageNotificationSchema, async ({ params }) => { seen.push(Number(params.data.split(" ")[0])); });
  await call(agent, "faults.flood", { count: 200 });
  await waitFor(() => seen.length >= 200, { timeout: 3000, what: () => `200 notifications, got ${seen.length}` });
  assert.deepEqual(seen, Array.from({ length: 200 }, (_, i) => i));
  await agent.close();
  await gateway.stop();
});

test("structured content, output schemas, annotations and foreign _meta pass untouched", async (t) => {
  const gateway = ending(t, await startGateway({ upstreams: [stdioUpstream("faults_stdio", { prefix: "" }), stdioUpstream("conformance_stdio")] }));
  const direct = (await import("./fixtures/faults_definition.mjs")).TOOLS;
  const agent = await connect(gateway);
  const { tools } = await agent.listTools();
  const typed = tools.find((tool) => tool.name === "typed");
  assert.deepEqual(typed.outputSchema, direct.typed.outputSchema);
  assert.deepEqual(typed.annotations, direct.typed.annotations);
  const schema = tools.find((tool) => tool.name === "conformance.json_schema_2020_12_tool").inputSchema;
  assert.equal(schema.$schema, "https://json-schema.org/draft/2020-12/schema");
  assert.ok(schema.$defs && schema.allOf && schema.if && schema.additionalProperties === false);
  await agent.close();
  await gateway.stop();
});

test("the protocol's older revisions are negotiated, unknown ones answered with ours", async (t) => {
  const gateway = ending(t, await startGateway({ upstreams: [stdioUpstream("faults_stdio")] }));
  for (const version of ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]) {
    const agent = await new BareAgent(gateway.url).open(version);
    assert.equal(agent.initialized.result.protocolVersion, version);
    assert.equal(textOf(await agent.call("faults.echo", { text: version })), version);
  }
  const agent = await new BareAgent(gateway.url).open("1999-01-01");
  assert.equal(agent.initialized.result.protocolVersion, "2025-11-25");
  assert.deepEqual((await agent.request("ping")).result, {});
  const wrong = await agent.post({ jsonrpc: "2.0", id: 9, method: "ping" }, { headers: { "mcp-protocol-version": "1999-01-01" } });
  assert.equal(wrong.status, 400);
  await gateway.stop();
});

test("an event stream that broke is resumed where it stood", async (t) => {
  const gateway = ending(t, await startGateway({ upstreams: [stdioUpstream("faults_stdio")] }));
  const agent = await new BareAgent(gateway.url).open();
  const stop = new AbortController();
  const response = await agent.post({ jsonrpc: "2.0", id: 77, method: "tools/call", params: { name: "faults.progress", arguments: { steps: 12, every_ms: 100 }, _meta: { progressToken: "tok" } } }, { signal: stop.signal });
  assert.match(response.headers.get("content-type"), /text\/event-stream/);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while ((text.match(/notifications\/progress/g) ?? []).length < 3) text += (await reader.read()).value;
  stop.abort();
  const last = [...text.matchAll(/^id: ?(.+)$/gm)].at(-1)?.[1];
  assert.ok(last, `events carry ids: ${text}`);
  const seenBefore = [...text.matchAll(/"progress":(\d+)/g)].map((m) => Number(m[1]));
  const resumed = await fetch(gateway.url, { headers: { ...agent.headers, accept: "text/event-stream", "last-event-id": last } });
  assert.equal(resumed.status, 200);
  let rest = "";
  for await (const chunk of resumed.body.pipeThrough(new TextDecoderStream())) {
    rest += chunk;
    if (rest.includes('"id":77')) break;
  }
  const seenAfter = [...rest.matchAll(/"progress":(\d+)/g)].map((m) => Number(m[1]));
  assert.deepEqual([...seenBefore, ...seenAfter], Array.from({ length: 12 }, (_, i) => i + 1), "nothing lost, nothing twice");
  await gateway.stop();
});

test("list_changed of a server and of a reload reach the agent's own stream", async (t) => {
  const gateway = ending(t, await startGateway({ upstreams: [stdioUpstream("faults_stdio")] }));
  const agent = await connect(gateway);
  let changed = 0;
  agent.setNotificationHandler(ToolListChangedNotificationSchema, async () => { ++changed; });
  await agent.listTools();
  gateway.reconfigure({ upstreams: [...gateway.config.upstreams, stdioUpstream("conformance_stdio")] });
  await waitFor(async () => (await agent.listTools()).tools.some((tool) => tool.name === "conformance.test_simple_text"), { timeout: 10_000, every: 200, what: "the new server's tools" });
  await waitFor(() => changed > 0, { timeout: 5000, what: "tools/list_changed" });
  await agent.close();
  await gateway.stop();
});

test("the published servers work through it: everything, filesystem, memory", async (t) => {
  const files = join(freshDirectory(), "docs");
  mkdirSync(files);
  cpSync(join(ROOT, "docs"), files, { recursive: true });
  const gateway = ending(t, await startGateway({ upstreams: [published("everything"), published("filesystem", [files]), { ...published("memory"), env: { MEMORY_FILE_PATH: join(files, "memory.jsonl") } }] }));
  const agent = await connect(gateway, { capabilities: { roots: {}, sampling: {}, elicitation: {} }, handlers: [[ListRootsRequestSchema, async () => ({ roots: [] })]] });
  const names = (await agent.listTools()).tools.map((tool) => tool.name);
  assert.ok(["everything.echo", "filesystem.list_directory", "memory.read_graph"].every((n) => names.includes(n)), names.join(" "));
  assert.match(textOf(await call(agent, "everything.echo", { message: "hello" })), /hello/);
  assert.match(textOf(await call(agent, "filesystem.list_directory", { path: files })), /architecture\.md/);
  assert.match(textOf(await call(agent, "filesystem.read_text_file", { path: join(files, "architecture.md") })), /# Architecture/);
  await call(agent, "memory.create_entities", { entities: [{ name: "Bursar", entityType: "gateway", observations: ["keeps budgets"] }] });
  assert.match(textOf(await call(agent, "memory.search_nodes", { query: "Bursar" })), /keeps budgets/);
  assert.ok((await agent.listResources()).resources.length > 0);
  await agent.close();
  await gateway.stop();
});

test("the Inspector lists and calls", async (t) => {
  const fixture = await startFixture("conformance_http");
  t.after(fixture.stop);
  const gateway = ending(t, await startGateway({ upstreams: [httpUpstream("conformance", fixture.port)] }));
  const inspector = (...words) => new Promise((done, fail) => {
    execFile(NODE, [join(ROOT, "node_modules/.bin/mcp-inspector"), "--cli", gateway.url, "--transport", "http", ...words], { timeout: 60_000, env: { ...process.env, PATH: `${join(ROOT, "node_modules/node/bin")}:${process.env.PATH}` } },
      (error, stdout, stderr) => (error ? fail(new Error(stderr + stdout)) : done(JSON.parse(stdout))));
  });
  const { tools } = await inspector("--method", "tools/list");
  assert.ok(tools.some((tool) => tool.name === "conformance.test_simple_text"));
  const result = await inspector("--method", "tools/call", "--tool-name", "conformance.test_simple_text");
  assert.match(textOf(result), /simple text/);
  await gateway.stop();
});
