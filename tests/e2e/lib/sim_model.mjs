// bursar-sim-model as its own process: an OpenAI-compatible upstream and a tool server that keep count of what they did.
//
//   const sim = await startSimModel(t, { seed: 7, faults: "drop=.02,500=.03" });
//   const gateway = await startGateway(simConfig(sim));        // models sim/sim-small …, tools world.search, bursar/<strategy>
//   (await sim.usage()).total.whole.completion_tokens;
//
// BURSAR_SIM_BIN names the program (by default the one beside BURSAR_BIN).
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { BURSAR, ROOT, boundPort } from "./gateway.mjs";

const SIM = process.env.BURSAR_SIM_BIN ? resolve(ROOT, process.env.BURSAR_SIM_BIN) : join(dirname(BURSAR), "bursar-sim-model");

export async function startSimModel(test, { seed = 7, faults = "", latency = 0 } = {}) {
  assert.ok(existsSync(SIM), `${SIM} is not there; run scripts/build release, or set BURSAR_SIM_BIN`);
  const words = ["--port", "0", "--seed", String(seed), "--latency-scale", String(latency)];
  const child = spawn(SIM, faults ? [...words, "--faults", faults] : words, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((done) => child.once("exit", (code, signal) => done({ code, signal })));
  const lines = [];
  const port = await Promise.race([
    new Promise((done) => createInterface(child.stdout).on("line", (line) => { lines.push(line); const p = boundPort(line); if (p) done(p); })),
    ended.then((how) => assert.fail(`bursar-sim-model ended with ${JSON.stringify(how)}`)),
  ]);
  assert.match(lines[0], /SIMULATED/);
  const stop = () => { child.kill("SIGTERM"); return ended; };
  test.after(stop);
  const get = async (path) => (await fetch(`http://127.0.0.1:${port}${path}`)).json();
  return {
    port, stop,
    usage: () => get("/v1/simulated/usage"),
    truth: async (question) => (await get(`/v1/simulated/truth?question=${encodeURIComponent(question)}`)).truth,
  };
}

// limits: of the account dev; strategies: fields of that part of bursar.yaml.
export function simConfig(sim, { limits = ["1M calls", "1000 usd", "1000M tokens"], strategies = {}, each = {}, models = {}, ...more } = {}) {
  return {
    accounts: [{ path: "dev", limits }],
    upstreams: [{ name: "world", url: `http://127.0.0.1:${sim.port}/mcp` }],
    models: {
      upstreams: [{ name: "sim", url: `http://127.0.0.1:${sim.port}/v1`, ...each }],
      prices: [{ upstream: "*", input: "1 usd", output: "2 usd" }],
      ...models,
    },
    strategies: { model: "sim/sim-medium", small_model: "sim/sim-small", judge_model: "sim/sim-large", tools: ["world.search"], ...strategies },
    ...more,
  };
}
