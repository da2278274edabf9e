// Agents: the published SDK client where a real client matters, and a bare one where speed or bad manners do.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import assert from "node:assert/strict";
import { connect as connectSocket } from "node:net";

export const SERF_KEY = "dev.bursar/error";
export const BUDGET_KEY = "dev.bursar/budget";
export const TURN_KEY = "dev.bursar/turn";

// An SDK client on the gateway (or on one server of it). handlers: [[schema, handler], …] of requests from the server.
export async function connect(gateway, { server, key, headers = {}, capabilities = {}, handlers = [], name = "e2e-agent" } = {}) {
  const url = new URL(server ? gateway.urlOf(server) : gateway.url);
  const client = new Client({ name, version: "1.0.0" }, { capabilities });
  for (const [schema, handler] of handlers) client.setRequestHandler(schema, handler);
  const transport = new StreamableHTTPClientTransport(url, {
    requestInit: { headers: { ...(key && { authorization: `Bearer ${key}` }), ...headers } },
  });
  await client.connect(transport);
  client.endpoint = transport;
  return client;
}

export const call = (client, name, args = {}, { meta, ...options } = {}) =>
  client.callTool({ name, arguments: args, ...(meta && { _meta: meta }) }, undefined, { timeout: 120_000, ...options });

export const textOf = (result) => result.content?.find((c) => c.type === "text")?.text ?? "";

const CATEGORIES = ["INVALID_INPUT", "RESOURCE_NOT_FOUND", "PERMISSION_DENIED", "RATE_LIMITED", "RESOURCE_EXHAUSTED", "UPSTREAM_FAILURE", "INTERNAL_ERROR"];
const ACTIONS = ["RETRY", "WAIT", "FIX_INPUT", "SWITCH_RESOURCE", "VERIFY_STATE", "SKIP_OPTIONAL", "REQUEST_APPROVAL", "ANSWER_WITH_PARTIAL", "ESCALATE_TO_USER"];

// The structured error of a refused or failed call, checked for its form.
export function serf(result) {
  assert.equal(result.isError, true, `a refusal is an error result: ${JSON.stringify(result)}`);
  const error = result._meta?.[SERF_KEY];
  assert.ok(error, `a refusal carries ${SERF_KEY}: ${JSON.stringify(result)}`);
  assert.equal(error.version, 1);
  assert.ok(CATEGORIES.includes(error.category), error.category);
  assert.match(error.code, /^[A-Z][A-Z_]*$/);
  assert.equal(typeof error.retryable, "boolean");
  assert.ok(["not_applied", "applied", "unknown"].includes(error.outcome), error.outcome);
  assert.ok(Array.isArray(error.suggested_actions));
  for (const action of error.suggested_actions) assert.ok(ACTIONS.includes(action.type), action.type);
  assert.ok(error.message.length > 0 && error.message.length <= 300, error.message);
  assert.ok(textOf(result).includes(error.message), "the text item says it too");
  return error;
}
export const isRefusal = (result) => result.isError === true && result._meta?.[SERF_KEY] !== undefined;

// A client without manners or comforts: one fetch a request, JSON or the first answering event.
export class BareAgent {
  #next = 1;
  constructor(url, { key, headers = {} } = {}) {
    this.url = url;
    this.headers = { "content-type": "application/json", accept: "application/json, text/event-stream", ...(key && { authorization: `Bearer ${key}` }), ...headers };
  }
  async post(message, { headers = {}, signal } = {}) {
    return fetch(this.url, { method: "POST", headers: { ...this.headers, ...headers }, body: typeof message === "string" ? message : JSON.stringify(message), signal });
  }
  async open(version = "2025-11-25", capabilities = {}) {
    const response = await this.post({ jsonrpc: "2.0", id: 0, method: "initialize", params: { protocolVersion: version, capabilities, clientInfo: { name: "bare", version: "1" } } });
    if (!response.ok) throw new Error(`initialize: HTTP ${response.status} ${await response.text()}`);
    this.session = response.headers.get("mcp-session-id");
    this.initialized = await answerOf(response, 0);
    if (this.session) this.headers["mcp-session-id"] = this.session;
    this.headers["mcp-protocol-version"] = this.initialized.result.protocolVersion;
    await (await this.post({ jsonrpc: "2.0", method: "notifications/initialized" })).text();
    return this;
  }
  async request(method, params = {}, options = {}) {
    const id = this.#next++;
    const response = await this.post({ jsonrpc: "2.0", id, method, params }, options);
    if (!response.ok) throw Object.assign(new Error(`${method}: HTTP ${response.status}`), { status: response.status, body: await response.text() });
    return answerOf(response, id);
  }
  async call(name, args = {}, options = {}) {
    const { meta, ...rest } = options;
    const answer = await this.request("tools/call", { name, arguments: args, ...(meta && { _meta: meta }) }, rest);
    if (answer.error) throw Object.assign(new Error(answer.error.message), { rpc: answer.error });
    return answer.result;
  }
}

// The JSON-RPC answer to `id` in an HTTP response, be it JSON or an event stream.
export async function answerOf(response, id) {
  if (!response.headers.get("content-type")?.includes("text/event-stream")) return response.json();
  let rest = "";
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    rest += chunk;
    for (let end; (end = rest.indexOf("\n\n")) >= 0; rest = rest.slice(end + 2)) {
      const data = rest.slice(0, end).split("\n").filter((l) => l.startsWith("data:")).map((l) => l.slice(5).trimStart()).join("\n");
      if (!data) continue;
      const message = JSON.parse(data);
      if (message.id === id && (message.result || message.error)) return message;
    }
  }
  throw new Error("the stream ended without an answer");
}

// Sends bytes over a socket of its own and returns what came back until it closed (or `wait` ms of silence).
export function rawExchange(port, bytes, { wait = 3000 } = {}) {
  return new Promise((done) => {
    const socket = connectSocket(port, "127.0.0.1");
    let received = "";
    const finish = () => { socket.destroy(); done(received); };
    socket.setTimeout(wait, finish);
    socket.on("data", (d) => { received += d.toString("latin1"); });
    socket.on("close", finish);
    socket.on("error", finish);
    socket.on("connect", () => socket.write(bytes));
  });
}
