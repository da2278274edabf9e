// The quick start's second half (scripts/quickstart builds first): starts the gateway in front of published servers, lets an
// agent work through it until its budget is used up, prints what was decided, and fails unless all of it happened.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join, relative } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { boundPort, BURSAR, FIXTURES, NODE, ROOT } from "../lib/gateway.mjs";
import { Agent } from "./agent.mjs";

const KEEP = process.argv.includes("--keep");
const HOME = process.env.QUICKSTART_HOME ?? join(ROOT, ".bursar-quickstart");
const CALLS = 80;
const CALLS_AFTERWARDS = 1000;  // --keep: so that you can try it yourself

const main = (name) => join(ROOT, `node_modules/@modelcontextprotocol/server-${name}/dist/index.js`);

function configuration(port, calls) {
  return `# Written by scripts/quickstart; docs/configuration.md explains every field.
listen: {address: 127.0.0.1, port: ${port}}
database: bursar.db

# The budget tree. A call is paid by every account of its path, or refused.
identity: {development: true, development_account: quickstart/agent}
accounts:
  - {path: quickstart, limits: [5.00 usd day, 2000 calls day]}
  - {path: quickstart/agent, limits: [0.50 usd, ${calls} calls, 300 s]}

prices:  # the first that fits
  - {server: faults, price: "0.010 usd, 1 calls"}
  - {server: filesystem, tool: "read_*", price: "0.002 usd, 1 calls"}
  - {price: "0.001 usd, 1 calls"}

upstreams:
  - {name: everything, command: ${NODE}, args: [${main("everything")}]}
  - {name: filesystem, command: ${NODE}, args: [${main("filesystem")}, ${join(HOME, "docs")}], trust_annotations: true}
  - {name: memory, command: ${NODE}, args: [${main("memory")}], env: {MEMORY_FILE_PATH: ${join(HOME, "memory.jsonl")}}}
  - {name: faults, command: ${NODE}, args: [${join(FIXTURES, "faults_stdio.mjs")}]}  # slow, hanging and failing tools

turn: {budget: 30 s, atba: {timeout_min: 250 ms}}  # the default never cuts before 1 s; lower, so that you see what is learned
tools:
  - {server: faults, tool: "*", optional: true, idempotent: false}
`;
}

function prepare(port) {
  rmSync(HOME, { recursive: true, force: true });
  mkdirSync(HOME);
  cpSync(join(ROOT, "docs"), join(HOME, "docs"), { recursive: true });
  writeFileSync(join(HOME, "bursar.yaml"), configuration(port, CALLS));
}

const isFree = (port) => new Promise((done) => {
  const probe = createServer().once("error", () => done(false)).listen(port, "127.0.0.1", () => probe.close(() => done(true)));
});

function program(...args) {
  return new Promise((done, fail) => execFile(BURSAR, [...args, "-c", "bursar.yaml"], { cwd: HOME, maxBuffer: 16 << 20 }, (error, stdout, stderr) =>
    (error ? fail(new Error(`bursar ${args.join(" ")}: ${stderr || error.message}`)) : done(stdout))));
}

async function start() {
  const child = spawn(BURSAR, ["serve", "-c", "bursar.yaml"], { cwd: HOME, stdio: ["ignore", "pipe", "pipe"] });
  const log = [];
  const ended = new Promise((done) => child.once("exit", done));
  const port = await new Promise((done, fail) => {
    for (const stream of [child.stdout, child.stderr]) {
      createInterface(stream).on("line", (line) => {
        log.push(line);
        const bound = boundPort(line);
        if (bound) done(bound);
      });
    }
    ended.then((code) => fail(new Error(`bursar serve ended with ${code}:\n${log.join("\n")}`)));
    setTimeout(() => fail(new Error(`bursar serve did not listen within 20 s:\n${log.join("\n")}`)), 20_000).unref();
  });
  return { port, child, ended, log, stop: () => { child.kill("SIGTERM"); return ended; } };
}

const heading = (text) => console.log(`\n${text}\n${"─".repeat(text.length)}`);
const right = (value, width) => String(value).padStart(width);
const ms = (us) => (us / 1000).toFixed(us < 10_000 ? 1 : 0);
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

function printCalls(agent) {
  heading("What the agent did");
  console.log(`tool                         ${right("calls", 6)}${right("ok", 5)}${right("refused", 9)}${right("median ms", 11)}`);
  for (const tool of [...new Set(agent.calls.map((c) => c.tool))]) {
    const calls = agent.calls.filter((c) => c.tool === tool);
    console.log(`${tool.padEnd(29)}${right(calls.length, 6)}${right(calls.filter((c) => c.ok).length, 5)}${right(calls.filter((c) => c.error).length, 9)}${right(median(calls.map((c) => c.ms)).toFixed(1), 11)}`);
  }
}

function printTimeouts(records) {
  heading("Timeouts allocated against latencies seen (ms)");
  console.log(`tool                         ${right("calls", 6)}${right("first timeout", 15)}${right("last timeout", 14)}${right("median", 9)}${right("longest", 9)}`);
  for (const tool of [...new Set(records.map((r) => r.tool))]) {
    const calls = records.filter((r) => r.tool === tool && r.timeout_us > 0 && r.attempts > 0);
    if (calls.length === 0) continue;
    const elapsed = calls.map((r) => r.elapsed_us);
    console.log(`${tool.padEnd(29)}${right(calls.length, 6)}${right(ms(calls[0].timeout_us), 15)}${right(ms(calls.at(-1).timeout_us), 14)}${right(ms(median(elapsed)), 9)}${right(ms(Math.max(...elapsed)), 9)}`);
  }
}

function printReactions(agent) {
  heading("What was refused, and what the agent did with the advice");
  for (const { tool, error, action, did } of agent.reactions) console.log(`${tool}: ${error.code} → ${action?.type ?? "nothing it could do"}: ${did}`);
  const last = agent.reactions.at(-1);
  if (!last) return;
  heading(`One of them in full: ${last.tool}`);
  const { category, code, outcome, retryable, suggested_actions, context } = last.error;
  console.log(`  "${last.error.message}"`);
  console.log(`  ${category} / ${code}, outcome ${outcome}, retryable ${retryable}`);
  if (context?.budget) console.log(`  budget: ${JSON.stringify(context.budget)}`);
  for (const a of suggested_actions) console.log(`  advice: ${a.type} — ${a.message}`);
  console.log(`  so it ${last.did}: found ${agent.answer.found.length} of ${agent.subjects.length} subjects${agent.answer.missing.length ? `; missing: ${agent.answer.missing.join(", ")}` : ""}`);
  for (const [subject, { document, line }] of agent.answer.found) console.log(`    ${subject} (${document}): ${line}`);
}

// The records of tools/call in their order. They are written in groups, so the last one may be on its way for a moment.
async function trail(expected) {
  for (let tries = 0; ; ++tries) {
    const lines = (await program("audit", "query", "--json", "--limit", "10000")).split("\n").filter(Boolean);
    const records = lines.map((line) => JSON.parse(line)).filter((r) => r.method === "tools/call");
    if (records.length >= expected || tries === 50) return records.sort((a, b) => a.sequence - b.sequence);
    await sleep(20);
  }
}

// Every promise of the quick start, checked.
async function judge(agent, records) {
  for (const server of ["everything", "filesystem", "memory", "faults"]) assert.ok(agent.tools.some((tool) => tool.startsWith(`${server}.`)), `tools of ${server}`);
  const of = (tool) => agent.calls.filter((c) => c.tool === tool);
  assert.ok(of("filesystem.read_text_file").filter((c) => c.ok).length >= 3, "documents were read");
  assert.ok(of("memory.create_entities").some((c) => c.ok), "something was remembered");
  assert.ok(of("faults.slow").filter((c) => c.ok).length >= 3, "slow tools were called");
  assert.ok(of("faults.fail").length > 0 && of("faults.fail").every((c) => !c.ok && !c.error), "a tool's own failure stays its own");
  const [hang] = of("faults.hang");
  assert.equal(hang?.error?.code, "TIMEOUT", "the hanging tool was cut");
  assert.ok(hang.ms < 10_000, `cut after ${hang.ms} ms, long before a minute`);
  assert.ok(agent.reactions.some((r) => r.error.category === "INVALID_INPUT" && r.action?.type === "FIX_INPUT"), "a wrong argument was corrected by the advice");
  assert.equal(of("filesystem.get_file_info").at(-1)?.ok, true, "and the corrected call went through");
  const refused = agent.calls.at(-1);
  assert.equal(refused.error?.code, "CALLS_EXHAUSTED", "the budget ended the work");
  assert.equal(agent.reactions.at(-1)?.action?.type, "ANSWER_WITH_PARTIAL", "the agent followed the advice");
  assert.ok(agent.answer.found.length > 0, "its answer holds what it had found");
  // Every attempt that a server saw is paid; one that never left, for its server was still starting, is not.
  const paid = records.reduce((sum, r) => sum + Number(/(\d+) calls/.exec(r.committed)?.[1] ?? 0), 0);
  assert.equal(paid, CALLS, "exactly the calls that the budget allows were paid");
  assert.ok(records.every((r) => r.attempts > 0 || r.committed === ""), "what reached no server is not paid");
  const slow = records.filter((r) => r.tool === "faults.slow" && r.attempts > 0);
  assert.ok(slow.at(-1).timeout_us < slow[0].timeout_us, "the timeout of the slow tool was learned");
  await program("audit", "verify");
}

function printUse(port) {
  const here = relative(process.cwd(), HOME) || ".";
  heading(KEEP ? "The gateway keeps running" : "To keep the gateway running: scripts/quickstart --keep");
  const address = `http://127.0.0.1:${KEEP ? port : 8484}/mcp`;
  console.log(`  endpoint        ${address}   (one server: ${address}/filesystem)`);
  console.log(`  Claude Code     claude mcp add --transport http bursar ${address}`);
  console.log(`  Inspector       npx @modelcontextprotocol/inspector --cli ${address} --transport http --method tools/list`);
  console.log(`  configuration   ${here}/bursar.yaml, read again while the gateway runs${KEEP ? `; it now allows ${CALLS_AFTERWARDS} calls` : ""}`);
  console.log(`  look at it      cd ${here} && ${relative(HOME, BURSAR)} budget show | audit query | doctor`);
  if (KEEP) console.log("  end it          Ctrl-C");
}

assert.ok(existsSync(BURSAR), `${BURSAR} is not there; scripts/quickstart builds it`);
prepare(KEEP && await isFree(8484) ? 8484 : 0);
const gateway = await start();
let failure;
try {
  const agent = await Agent.connect(`http://127.0.0.1:${gateway.port}/mcp`);
  console.log(`bursar listens on 127.0.0.1:${gateway.port}; the agent sees ${agent.tools.length} tools of 4 servers and may make ${CALLS} calls`);
  const began = performance.now();
  await agent.research(join(HOME, "docs"), ["budget", "lease", "timeout", "stage", "crash", "sans-i/o", "retry", "dragon"]);
  const took = performance.now() - began;
  await agent.close();
  const records = await trail(agent.calls.length);
  printCalls(agent);
  heading("Spend against limits");
  console.log((await program("budget", "show")).trimEnd());
  printTimeouts(records);
  printReactions(agent);
  await judge(agent, records);
  console.log(`\nall as it should be, in ${(took / 1000).toFixed(1)} s`);
  if (KEEP) writeFileSync(join(HOME, "bursar.yaml"), configuration(gateway.port, CALLS_AFTERWARDS));
  printUse(gateway.port);
} catch (error) {
  failure = error;
}
if (KEEP && !failure) {
  process.once("SIGINT", () => gateway.child.kill("SIGTERM"));
  process.once("SIGTERM", () => gateway.child.kill("SIGTERM"));
  await gateway.ended;
} else {
  await gateway.stop();
}
if (failure) {
  console.error(`\nquickstart: ${failure.message}\nthe gateway's last words:\n${gateway.log.slice(-15).join("\n")}`);
  process.exit(1);
}
