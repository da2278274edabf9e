// The smallest MCP server over streamable HTTP, in the test's own process, so that the gateway and not the server is what is
// measured and killed. Tools: echo {text}, wait {ms}. onRequest sees every request with its message;
// refuse(request, message) may say a status instead of an answer.
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

const string = { type: "string" };
const TOOLS = [
  { name: "echo", description: "says it again", inputSchema: { type: "object", properties: { text: string } }, annotations: { readOnlyHint: true, idempotentHint: true } },
  { name: "wait", description: "takes ms", inputSchema: { type: "object", properties: { ms: { type: "number" } } }, annotations: { readOnlyHint: true, idempotentHint: true } },
];

export async function fastServer({ onRequest = () => {}, refuse = () => undefined } = {}) {
  let calls = 0, session = 0;
  const answers = {
    initialize: (p) => ({ protocolVersion: p.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: "fast", version: "1" } }),
    ping: () => ({}),
    "tools/list": () => ({ tools: TOOLS }),
    "tools/call": async ({ name, arguments: args }) => {
      ++calls;
      if (name === "wait") await sleep(args.ms);
      return { content: [{ type: "text", text: String(args?.text ?? name) }] };
    },
  };
  const http = createServer(async (request, response) => {
    if (request.method !== "POST") { response.writeHead(request.method === "DELETE" ? 200 : 405); return response.end(); }
    const chunks = [];
    try { for await (const chunk of request) chunks.push(chunk); } catch { return; }
    const message = JSON.parse(Buffer.concat(chunks).toString("utf8"));
    onRequest(request, message);
    const status = refuse(request, message);
    if (status) { response.writeHead(status); return response.end(); }
    if (message.id === undefined) { response.writeHead(202); return response.end(); }
    const answer = answers[message.method];
    const body = answer ? { result: await answer(message.params ?? {}) } : { error: { code: -32601, message: "unknown method" } };
    response.writeHead(200, { "content-type": "application/json", ...(message.method === "initialize" && { "mcp-session-id": `s${++session}` }) });
    response.end(JSON.stringify({ jsonrpc: "2.0", id: message.id, ...body }));
  });
  http.keepAliveTimeout = 60_000;
  await new Promise((done) => http.listen(0, "127.0.0.1", done));
  return { port: http.address().port, calls: () => calls, close: () => { http.closeAllConnections(); http.close(); } };
}
