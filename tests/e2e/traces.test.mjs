// Traces over OTLP: what the agent waited for, what the upstream took, and one trace from end to end.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { BareAgent, textOf } from "./lib/agent.mjs";
import { ending, httpUpstream, startGateway, stdioUpstream } from "./lib/gateway.mjs";
import { fastServer } from "./lib/fast_server.mjs";
import { modelConfig, modelUpstream } from "./lib/models.mjs";
import { waitFor } from "./lib/processes.mjs";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736", PARENT = "00f067aa0ba902b7";

// A receiver of OTLP/HTTP in JSON; spans: all that came, attributes as a plain object.
async function receiver(t) {
  const spans = [], paths = new Set();
  const http = createServer(async (request, response) => {
    let body = "";
    for await (const piece of request) body += piece;
    paths.add(`${request.method} ${request.url} ${request.headers["content-type"]} ${request.headers["x-team"] ?? ""}`);
    for (const resource of JSON.parse(body).resourceSpans) for (const scope of resource.scopeSpans) for (const span of scope.spans) {
      const attributes = Object.fromEntries(span.attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
      spans.push({ ...span, attributes, service: resource.resource.attributes.find((a) => a.key === "service.name").value.stringValue });
    }
    response.writeHead(200, { "content-type": "application/json" }).end("{}");
  });
  await new Promise((done) => http.listen(0, "127.0.0.1", done));
  t.after(() => { http.closeAllConnections(); http.close(); });
  return { url: `http://127.0.0.1:${http.address().port}`, spans, paths };
}

test("a tool call is one trace from the agent to the server", async (t) => {
  const otlp = await receiver(t);
  const gateway = ending(t, await startGateway({
    accounts: [{ path: "dev", limits: ["3 calls"] }], upstreams: [stdioUpstream("faults_stdio")],
    telemetry: { otlp_url: otlp.url, headers: { "X-Team": "t" }, service: "gw" },
  }));
  const agent = await new BareAgent(gateway.url).open();
  const meta = { traceparent: `00-${TRACE}-${PARENT}-01` };
  const seen = JSON.parse(textOf(await agent.call("faults.whoami", {}, { meta })));
  await agent.call("faults.fail", {}, { meta });
  await agent.call("faults.echo", { text: "secret words" }, { meta });
  await agent.call("faults.echo", { text: "x" }, { meta });  // refused: nothing is left
  await waitFor(() => otlp.spans.length >= 7, { what: () => `seven spans; there are ${otlp.spans.length}` });
  assert.ok(otlp.paths.has("POST /v1/traces application/json t"), [...otlp.paths].join());
  assert.ok(otlp.spans.every((s) => s.traceId === TRACE && s.service === "gw"));
  const server = otlp.spans.find((s) => s.name === "tools/call faults.whoami" && s.kind === 2);
  const client = otlp.spans.find((s) => s.name === "tools/call faults.whoami" && s.kind === 3);
  assert.equal(server.parentSpanId, PARENT);
  assert.equal(client.parentSpanId, server.spanId);
  assert.equal(seen.meta.traceparent, `00-${TRACE}-${client.spanId}-01`, "the server was told of our span");
  assert.equal(server.attributes["gen_ai.tool.name"], "faults.whoami");
  assert.equal(server.attributes["mcp.method.name"], "tools/call");
  assert.equal(server.attributes["bursar.account"], "dev");
  assert.ok(BigInt(client.startTimeUnixNano) >= BigInt(server.startTimeUnixNano) && BigInt(client.endTimeUnixNano) <= BigInt(server.endTimeUnixNano));
  const refused = otlp.spans.find((s) => s.status?.code === 2 && s.kind === 2 && s.name === "tools/call faults.echo");
  assert.equal(refused.attributes["error.type"], "CALLS_EXHAUSTED");
  assert.ok(!JSON.stringify(otlp.spans).includes("secret words"), "no arguments are in a span");
  await gateway.stop();
});

test("a model call is a span in the conventions of generative AI", async (t) => {
  const otlp = await receiver(t), one = await modelUpstream();
  t.after(one.close);
  const gateway = ending(t, await startGateway({ ...modelConfig({ one }), telemetry: { otlp_url: otlp.url } }));
  const answer = await gateway.get("/v1/chat/completions", {
    method: "POST", headers: { "content-type": "application/json", traceparent: `00-${TRACE}-${PARENT}-01` },
    body: JSON.stringify({ model: "one/ok", max_tokens: 20, messages: [{ role: "user", content: "x" }] }),
  });
  assert.equal(answer.status, 200);
  const span = await waitFor(() => otlp.spans.find((s) => s.name === "chat one/ok" && s.kind === 2), { what: () => JSON.stringify(otlp.spans) });
  assert.equal(span.traceId, TRACE);
  assert.equal(span.attributes["gen_ai.operation.name"], "chat");
  assert.equal(Number(span.attributes["gen_ai.usage.output_tokens"]), 5);
  assert.match(one.requests[0].headers.traceparent, new RegExp(`^00-${TRACE}-[0-9a-f]{16}-01$`));
  await gateway.stop();
});

test("calls without a decision of their own are sampled, and a receiver that is gone stops nobody", async (t) => {
  const upstream = await fastServer();
  t.after(upstream.close);
  const gateway = ending(t, await startGateway({
    accounts: [{ path: "dev", limits: ["100 calls"] }], upstreams: [httpUpstream("fast", upstream.port)],
    telemetry: { otlp_url: "http://127.0.0.1:9", sample: 1 },
  }));
  const agent = await new BareAgent(gateway.url).open();
  for (let i = 0; i < 20; ++i) assert.ok(!(await agent.call("fast.echo", { text: "x" })).isError);
  await gateway.stop();
});
