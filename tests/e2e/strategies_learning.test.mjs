// What a strategy's job leaves behind: a trace that replays, beliefs that feedback taught, workflows that go on.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { BURSAR, ending, startGateway } from "./lib/gateway.mjs";
import { budget } from "./lib/ledger.mjs";
import { waitFor } from "./lib/processes.mjs";
import { simConfig, startSimModel } from "./lib/sim_model.mjs";

const SEED = 7;  // of the simulated model

async function world(t, { sim: about = {}, ...options } = {}) {
  const sim = await startSimModel(t, { seed: SEED, ...about });
  const gateway = ending(t, await startGateway(simConfig(sim, options)));
  const made = await gateway.bursar("keys", "create", "ada", "--account", "dev");
  assert.equal(made.code, 0, made.stderr);
  const key = /sk-[A-Za-z0-9_-]{16,}/.exec(made.stdout)[0];
  const post = async (path, body, credential = key) => {
    const response = await fetch(`http://127.0.0.1:${gateway.port}${path}`, { method: "POST", headers: { "content-type": "application/json", authorization: `Bearer ${credential}` }, body: JSON.stringify(body) });
    return { status: response.status, text: await response.text() };
  };
  await waitFor(async () => (await fetch(`http://127.0.0.1:${gateway.port}/v1/models`, { headers: { authorization: `Bearer ${key}` } })).status === 200, { every: 100, what: "the key to open the gateway" });
  const json = async (path, body, credential) => { const got = await post(path, body, credential); return { status: got.status, ...JSON.parse(got.text) }; };
  return { sim, gateway, key, post, json };
}

// A program beside the gateway's; `bursar plan` starts bursar-plan.
const program = (name, args, { cwd, env = {}, timeout = 60_000 } = {}) => new Promise((done) => {
  execFile(join(dirname(BURSAR), `bursar-${name}`), args, { cwd, env: { ...process.env, ...env }, timeout }, (error, stdout, stderr) => done({ code: error ? (error.code ?? error.signal) : 0, stdout, stderr }));
});

const plan = (args, how) => program("plan", args, how);

const chat = (strategy, question, bursar = {}) => ({ model: `bursar/${strategy}`, messages: [{ role: "user", content: question }], seed: 11, bursar });

test("a replay tells another model, and a journal that was changed, from the job's own", async (t) => {
  const { gateway, json } = await world(t);
  const answer = await json("/v1/chat/completions", chat("plan-and-budget", "[difficulty 0.6] How many ways are there?", { explain: "full" }));
  assert.equal(answer.status, 200, JSON.stringify(answer).slice(0, 500));
  const file = join(gateway.directory, "answer.json");
  const replay = (of, ...more) => { writeFileSync(file, JSON.stringify(of)); return plan(["replay", file, ...more]); };
  const same = await replay(answer, "--simulated", String(SEED));
  assert.equal(same.code, 0, same.stderr);
  assert.match(same.stdout, /replay: \d+ decisions of plan-and-budget, all the same/);
  assert.match(same.stdout, new RegExp(`simulation, model seed ${SEED}: \\d+ decisions, all the same`));
  assert.notEqual((await replay(answer, "--simulated", "8")).code, 0, "another model decides otherwise");
  const changed = structuredClone(answer);
  changed.bursar.job.setup.seed += 1;
  assert.match((await replay(changed)).stderr, /action 1 is another one now/);
  for (const nonsense of [{}, [], { bursar: { job: {} } }]) assert.equal((await replay(nonsense)).code, 1);
});

test("feedback teaches the jobs that follow, once, from who asked, and over a restart", async (t) => {
  const { sim, gateway, json } = await world(t);
  let last;
  for (let i = 0; i < 80; ++i) {
    const question = `[difficulty ${(i % 10) / 10}] How many of them are there in case ${i}?`;
    const answer = await json("/v1/chat/completions", chat("sevra", question, { parameters: { threshold: 0 }, explain: true }));
    assert.equal(answer.status, 200);
    const told = await json("/v1/feedback", { id: answer.id, truth: await sim.truth(question) });
    assert.deepEqual(told, { status: 200, id: answer.id, learned: true });
    last = answer.id;
  }
  assert.equal((await json("/v1/feedback", { id: last, correct: true })).status, 404, "it was told of already");
  const beliefs = join(gateway.directory, "bursar.db.beliefs.json");
  const shown = await waitFor(async () => {
    const { stdout, code } = await program("sample", ["beliefs", beliefs]);
    return code === 0 && /success of sevra \(sim\/sim-medium\) +80 /.test(stdout) ? stdout : undefined;
  }, { timeout: 10_000, every: 200, what: "beliefs to be kept" });
  assert.match(shown, /tokens of an answer \(sim\/sim-medium\) +\d+ .* typical/);
  const other = await gateway.bursar("keys", "create", "bob", "--account", "dev");
  const bob = /sk-[A-Za-z0-9_-]{16,}/.exec(other.stdout)[0];
  const mine = await json("/v1/chat/completions", chat("pets", "How many?"));
  await waitFor(async () => (await json("/v1/feedback", { id: "none", correct: true }, bob)).status === 404, { every: 100, what: "the second key to be known" });
  assert.equal((await json("/v1/feedback", { id: mine.id, correct: true }, bob)).status, 404, "another's answer");
  assert.equal((await json("/v1/feedback", { id: mine.id, reward: 1.5 })).status, 400);
  assert.equal((await json("/v1/feedback", { id: mine.id, correct: true })).status, 200);
  await gateway.stop();
  const kept = JSON.parse(readFileSync(beliefs, "utf8"));
  assert.ok(JSON.stringify(kept).length > 1000);
});

const WORKFLOW = {
  subtasks: [
    { id: "outline", prompt: "<question>[difficulty 0.3] What are the parts of it?</question>", options: [{ model: "sim/sim-small", p: 0.6, latency_ms: { mean: 200, cv: 0.4 }, tokens: 150, usd: 0.0003 }, { model: "sim/sim-large", p: 0.9, latency_ms: { mean: 600, cv: 0.4 }, tokens: 200, usd: 0.0004 }] },
    { id: "left", parents: ["outline"], prompt: "Given:\n{{outline}}\n<question>[difficulty 0.8] [truth 42] And the left?</question>", check: { regex: "Answer: .*\\b42\\b" }, options: [{ model: "sim/sim-small", p: 0.4, latency_ms: { mean: 200, cv: 0.4 }, tokens: 150, usd: 0.0003 }] },
    { id: "right", parents: ["outline"], prompt: "Given:\n{{outline}}\n<question>[difficulty 0.2] And the right?</question>", options: [{ model: "sim/sim-medium", p: 0.8, latency_ms: { mean: 200, cv: 0.4 }, tokens: 150, usd: 0.0003 }] },
  ],
};

test("a workflow runs on the gateway's models, and is paid to the token", async (t) => {
  const { sim, gateway, json, post } = await world(t);
  const done = await json("/v1/plan/workflow", { workflow: WORKFLOW, budget: "20k tokens, 30 s", explain: true });
  assert.equal(done.status, 200, JSON.stringify(done));
  assert.equal(done.complete, true, JSON.stringify(done));
  assert.deepEqual(Object.keys(done.answers).sort(), ["left", "outline", "right"]);
  assert.match(done.answers.left, /42/);
  assert.ok(done.trace.some((entry) => entry.step?.why?.p_complete > 0));
  const { whole } = (await sim.usage()).total;
  assert.equal((await budget(gateway, "dev", "tokens")).spent, whole.prompt_tokens + whole.completion_tokens);
  assert.equal(whole.calls, done.calls);

  const short = await json("/v1/plan/workflow", { workflow: WORKFLOW, budget: "700 tokens" });
  assert.equal(short.complete ?? false, false);
  const spent = Number(/([\d.]+)(k?) tokens/.exec(short.cost ?? "0 tokens")?.[1] ?? 0);
  assert.ok(spent <= 700, short.cost);
  for (const [body, names] of [[{}, "workflow"], [{ workflow: WORKFLOW, budget: "lots" }, "budget"], [{ workflow: { subtasks: [{ ...WORKFLOW.subtasks[0], id: "" }] } }, "subtask"], [{ workflow: { subtasks: [{ ...WORKFLOW.subtasks[0], check: { regex: "(" } }] } }, "regex"]]) {
    const { status, text } = await post("/v1/plan/workflow", body);
    assert.equal(status, 400, text);
    assert.match(text, new RegExp(names));
  }
});

test("bursar plan run executes a workflow, keeps what happened, and goes on after it was killed", async (t) => {
  const { sim, gateway, key } = await world(t, { sim: { latency: 1 } });
  writeFileSync(join(gateway.directory, "flow.json"), JSON.stringify(WORKFLOW));
  const words = ["run", "flow.json", "--budget", "20k tokens, 60 s", "--url", `http://127.0.0.1:${gateway.port}`, "--state", "flow.run"];
  const how = { cwd: gateway.directory, env: { BURSAR_KEY: key } };
  const state = () => { try { return readFileSync(join(gateway.directory, "flow.run"), "utf8").trimEnd().split("\n").map((line) => JSON.parse(line)); } catch { return []; } };
  const killed = plan(words, { ...how, timeout: 700 });
  await killed;
  const before = state();
  assert.ok(!before.some((entry) => entry.result), "it was killed before its end");
  const { code, stdout, stderr } = await plan(words, how);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /## left[\s\S]*42[\s\S]*complete, /);
  const after = state();
  assert.deepEqual(after.slice(0, before.length), before, "what had happened stays");
  assert.equal(after.at(-1).result.complete, true);
  const seen = after.filter((entry) => entry.seen).map((entry) => entry.seen.action);
  assert.equal(new Set(seen).size, seen.length, "no sample was asked twice");
  const again = await plan(words, how);
  assert.equal(again.code, 0);
  assert.equal(again.stdout, stdout, "a run that has ended costs nothing more");
  const { whole, broken } = (await sim.usage()).total;
  const paid = (await budget(gateway, "dev", "tokens")).spent;
  assert.ok(paid >= whole.prompt_tokens + whole.completion_tokens, `${paid} ${JSON.stringify({ whole, broken })}`);
  const other = await plan([...words, "--seed", "2"], how);
  assert.notEqual(other.code, 0);
  assert.match(other.stderr, /another workflow, budget or seed/);
});

test("a pipeline from a file is a model of its own, and a reload that breaks it changes nothing", async (t) => {
  const { gateway, key, json } = await world(t);
  const stage = (name, prompt, more) => ({ name, prompt, prompt_tokens: 64, generation_tokens: 64, models: [{ name: "sim/sim-small", parameters: 3e9 }, { name: "sim/sim-large", parameters: 70e9 }], ...more });
  const pipeline = { name: "qa", stages: [stage("think", "{{question}}", { model: "sim/sim-small", samples: 3 }), stage("answer", "{{think}}\n{{question}}", { model: "sim/sim-large", samples: 1 })] };
  writeFileSync(join(gateway.directory, "qa.json"), JSON.stringify(pipeline));
  gateway.reconfigure({ strategies: { ...gateway.config.strategies, pipelines: ["qa.json"] } });
  const models = async () => (await (await fetch(`http://127.0.0.1:${gateway.port}/v1/models`, { headers: { authorization: `Bearer ${key}` } })).json()).data.map((model) => model.id);
  await waitFor(async () => (await models()).includes("bursar/pipeline-qa"), { timeout: 10_000, every: 200, what: "the pipeline to be listed" });
  const answer = await json("/v1/chat/completions", chat("pipeline-qa", "How many? [difficulty 0.2]", { explain: true }));
  assert.equal(answer.status, 200, JSON.stringify(answer).slice(0, 400));
  const asked = answer.bursar.trace.filter((entry) => entry.step).flatMap((entry) => entry.step.actions).map((action) => action.model);
  assert.deepEqual(asked, ["sim/sim-small", "sim/sim-small", "sim/sim-small", "sim/sim-small", "sim/sim-large"], "three samples, their fusion, and the answer");
  writeFileSync(join(gateway.directory, "bad.json"), "{}");
  gateway.reconfigure({ strategies: { ...gateway.config.strategies, pipelines: ["bad.json"] } });
  await waitFor(() => gateway.lines.some((line) => line.includes("configuration_refused") && line.includes("bad.json")), { timeout: 10_000, every: 200, what: "the reload to be refused" });
  assert.ok((await models()).includes("bursar/pipeline-qa"));
});

test("a job that cannot be run is refused before anything is asked, and says which member is wrong", async (t) => {
  const { sim, gateway, json } = await world(t);
  const wrong = [
    [{ model: "nobody/m" }, 404], [{ judge_model: "bursar/pets" }, 404], [{ parameters: { samples: 0 } }, 400], [{ budget: "much" }, 400], [{ tools: "search" }, 400],
  ];
  for (const [bursar, status] of wrong) {
    const answer = await json("/v1/chat/completions", chat("pets", "How many?", bursar));
    assert.equal(answer.status, status, JSON.stringify(answer));
    assert.equal(answer.error.param, "bursar", JSON.stringify(answer));
  }
  const unknown = await json("/v1/chat/completions", chat("guess", "How many?"));
  assert.equal(unknown.status, 404);
  assert.match(unknown.error.message, /there is no strategy named 'guess'; there are auto, pets/);
  assert.equal((await sim.usage()).total.whole.calls, 0);
  assert.equal((await budget(gateway, "dev", "tokens")).spent, 0);
});
