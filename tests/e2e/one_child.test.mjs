// A server that may have one child only still serves an agent: the catalogue asks it first, and then makes room.
import assert from "node:assert/strict";
import { test } from "node:test";
import { call, connect, textOf } from "./lib/agent.mjs";
import { ending, startGateway, stdioUpstream } from "./lib/gateway.mjs";

test("the only child of a server is the agent's", async (t) => {
  const gateway = ending(t, await startGateway({ upstreams: [stdioUpstream("faults_stdio", { max_children: 1 })] }));
  const agent = await connect(gateway);
  const { tools } = await agent.listTools();
  assert.ok(tools.some((tool) => tool.name === "faults.echo"));
  for (const word of ["one", "two"]) {
    const result = await call(agent, "faults.echo", { text: word });
    assert.equal(textOf(result), word, JSON.stringify(result));
    await new Promise((done) => setTimeout(done, 2500));  // long enough for the lists to be asked for again
    assert.equal((await agent.listTools()).tools.length, tools.length);
  }
  const { upstreams } = await (await gateway.get("/v1/status")).json();
  assert.equal(upstreams[0].up, true, JSON.stringify(upstreams));
  await agent.close();
  await gateway.stop();
});
