// An agent of the older revision in front of a server of 2026-07-28, over HTTP and over stdio: it must not notice.
import { CreateMessageRequestSchema, ElicitRequestSchema, ListRootsRequestSchema, LoggingMessageNotificationSchema, PromptListChangedNotificationSchema, ToolListChangedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import assert from "node:assert/strict";
import { test } from "node:test";
import { call, connect, textOf } from "./lib/agent.mjs";
import { ending, httpUpstream, startFixture, startGateway, stdioUpstream } from "./lib/gateway.mjs";
import { waitFor } from "./lib/processes.mjs";

const open = { prefix: "", trust_annotations: true };
const UPSTREAMS = {
  HTTP: async (t) => {
    const fixture = await startFixture("modern_http");
    t.after(fixture.stop);
    return httpUpstream("modern", fixture.port, open);
  },
  stdio: async () => stdioUpstream("modern_stdio", open),
};

for (const [transport, upstream] of Object.entries(UPSTREAMS)) {
  test(`an older agent works with a modern server over ${transport}`, async (t) => {
    const gateway = ending(t, await startGateway({ upstreams: [await upstream(t)] }));
    const heard = [];
    const agent = await connect(gateway, {
      capabilities: { elicitation: {}, sampling: {}, roots: {} },
      handlers: [
        [ElicitRequestSchema, async () => ({ action: "accept", content: { name: "Ada", color: "red", ok: true, context: "space" } })],
        [CreateMessageRequestSchema, async () => ({ role: "assistant", model: "m", content: { type: "text", text: "Paris" } })],
        [ListRootsRequestSchema, async () => ({ roots: [{ uri: "file:///r", name: "r" }] })],
      ],
    });
    for (const schema of [LoggingMessageNotificationSchema, ToolListChangedNotificationSchema, PromptListChangedNotificationSchema]) {
      agent.setNotificationHandler(schema, ({ method, params }) => { heard.push(`${method} ${params?.data ?? ""}`.trim()); });
    }

    assert.ok((await agent.listTools()).tools.length > 20);
    assert.match(textOf(await call(agent, "test_simple_text")), /simple text/);
    // What the server asks in a result comes to the agent as a request.
    assert.equal(textOf(await call(agent, "test_input_required_result_elicitation")), "Hello, Ada!");
    assert.equal(textOf(await call(agent, "test_input_required_result_sampling")), "Paris");
    assert.match(textOf(await call(agent, "test_input_required_result_list_roots")), /file:\/\/\/r/);
    assert.equal(textOf(await call(agent, "test_input_required_result_multi_round")), "Ada likes red");
    assert.equal(textOf(await call(agent, "test_input_required_result_multiple_inputs")), "all inputs received");
    assert.match((await agent.getPrompt({ name: "test_input_required_result_prompt" })).messages[0].content.text, /space/);
    // What the newer revision has no method for.
    await agent.ping();
    await call(agent, "test_logging_tool");
    assert.deepEqual(heard.filter((h) => h.startsWith("notifications/message")), []);
    await agent.setLoggingLevel("info");
    await call(agent, "test_logging_tool");
    await waitFor(() => heard.some((h) => h.startsWith("notifications/message a line")), { what: () => `a log line; heard ${heard}` });
    await agent.subscribeResource({ uri: "test://watched-resource" });
    await agent.unsubscribeResource({ uri: "test://watched-resource" });
    if (transport === "HTTP") {
      await call(agent, "test_trigger_tool_change");
      await waitFor(() => heard.includes("notifications/tools/list_changed"), { what: () => `list_changed; heard ${heard}` });
    }
    // An agent that cannot be asked is told so by the server.
    const mute = await connect(gateway);
    assert.match(JSON.stringify(await call(mute, "test_missing_capability").catch((e) => e.message)), /capabilit/i);
    await Promise.all([agent.close(), mute.close()]);
    await gateway.stop();
  });
}
