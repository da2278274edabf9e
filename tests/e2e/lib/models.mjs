// OpenAI-compatible upstreams that misbehave on request, in the test's own process. What one does follows from the model's
// name: "ok", "slow", "stall", "half", "early", "flood", "fail-500", "limit-429", "liar", "mute", "hang".
//
//   const upstream = await modelUpstream();             // { port, requests, aborted, close }
//   const config = modelConfig({ one: upstream });      // accounts, models, prices
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

export const PROMPT = 11;  // tokens that an honest upstream reports
const words = ["Once", " upon", " a", " time", "."];

const chunk = (model, delta, finish = null) =>
  `data: ${JSON.stringify({ id: "c1", object: "chat.completion.chunk", created: 1, model, choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
const usageOf = (completion) => ({ prompt_tokens: PROMPT, completion_tokens: completion, total_tokens: PROMPT + completion });

async function stream(model, body, response, signal) {
  response.writeHead(200, { "content-type": "text/event-stream" });
  const write = (text) => response.write(text);
  write(chunk(model, { role: "assistant", content: "" }));
  for (const word of words) {
    if (model === "slow") await sleep(100);
    write(chunk(model, { content: word }));
    if (model === "stall") return;                                   // and never again
    if (model === "half") { write(chunk(model, { content: word }).slice(0, 40)); await sleep(20); return response.socket.destroy(); }
    if (model === "early") { await sleep(20); return response.end(); }
  }
  while (model === "flood" && !signal.aborted) {
    if (!write(chunk(model, { content: "x".repeat(4000) }))) await Promise.race([new Promise((done) => response.once("drain", done)), sleep(1000)]);
  }
  if (model === "long") for (let i = 0; i < 400 && !signal.aborted; ++i) { write(chunk(model, { content: " word" })); await sleep(10); }
  write(chunk(model, {}, "stop"));
  if (body.stream_options?.include_usage && model !== "mute") {
    const usage = model === "liar" ? { prompt_tokens: -4, completion_tokens: "many", total_tokens: 1e30 } : usageOf(words.length);
    write(`data: ${JSON.stringify({ id: "c1", object: "chat.completion.chunk", created: 1, model, choices: [], usage })}\n\n`);
  }
  write("data: [DONE]\n\n");
  response.end();
}

async function answer(path, body, response, signal) {
  const { model } = body;
  const json = (status, value, headers = {}) => { response.writeHead(status, { "content-type": "application/json", ...headers }); response.end(JSON.stringify(value)); };
  if (model === "fail-500") return json(500, { error: { message: "out of order", type: "server_error" } });
  if (model === "limit-429") return json(429, { error: { message: "slow down", type: "rate_limit" } }, { "retry-after": "1" });
  if (model === "bad-400") return json(400, { error: { message: "temperature is too high", type: "invalid_request_error", param: "temperature", code: null } });
  if (model === "hang") return;
  if (path.endsWith("/embeddings")) {
    const count = Array.isArray(body.input) ? body.input.length : 1;
    return json(200, { object: "list", model, data: Array.from({ length: count }, (_, index) => ({ object: "embedding", index, embedding: [0.5, 0.25] })), usage: { prompt_tokens: 4 * count, total_tokens: 4 * count } });
  }
  if (body.stream) return stream(model, body, response, signal);
  if (model === "slow") await sleep(500);
  const completion = model === "excess" ? 100_000 : words.length;
  const usage = model === "mute" ? undefined : model === "liar" ? { prompt_tokens: -4, completion_tokens: "many" } : usageOf(completion);
  const choice = path.endsWith("/chat/completions")
    ? { index: 0, message: { role: "assistant", content: words.join("") }, finish_reason: "stop" }
    : { index: 0, text: words.join(""), finish_reason: "stop", logprobs: null };
  json(200, { id: "c1", object: path.endsWith("/chat/completions") ? "chat.completion" : "text_completion", created: 1, model, choices: [choice], usage });
}

export async function modelUpstream({ models = ["ok"] } = {}) {
  const requests = [];
  let aborted = 0;
  const http = createServer(async (request, response) => {
    if (request.method === "GET") {
      response.writeHead(200, { "content-type": "application/json" });
      return response.end(JSON.stringify({ object: "list", data: models.map((id) => ({ id, object: "model", created: 1, owned_by: "fake" })) }));
    }
    let text = "";
    for await (const piece of request) text += piece;
    const body = JSON.parse(text);
    requests.push({ path: request.url, headers: request.headers, body });
    const signal = { aborted: false };
    response.on("close", () => { if (!response.writableFinished) { signal.aborted = true; ++aborted; } });
    await answer(request.url, body, response, signal).catch(() => response.destroy());
  });
  http.keepAliveTimeout = 60_000;
  await new Promise((done) => http.listen(0, "127.0.0.1", done));
  return { port: http.address().port, requests, aborted: () => aborted, close: () => { http.closeAllConnections(); http.close(); } };
}

// upstreams: { name: upstream }; more: fields of bursar.yaml.
export function modelConfig(upstreams, { limits = ["1000 calls", "100 usd", "10M tokens"], routes, models = {}, each = {}, ...more } = {}) {
  return {
    accounts: [{ path: "dev", limits }],
    upstreams: [],
    models: {
      upstreams: Object.entries(upstreams).map(([name, u]) => ({ name, url: `http://127.0.0.1:${u.port}/v1`, headers: { Authorization: `Bearer sk-own-${name}` }, ...each })),
      prices: [{ upstream: "*", input: "1 usd", output: "2 usd" }],
      ...(routes && { routes }),
      ...models,
    },
    ...more,
  };
}
