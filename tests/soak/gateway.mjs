// Runs the real gateway under mixed load for a while, and looks for what grows: scripts/soak gateway [--minutes 30] [--rate 100].
//
// One line a minute says how it stands; `bar` lines at the end say what was asked for and what came out, and the exit status is 1
// where one is short. Memory is judged by the slope of a line through the last two thirds, by least squares.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { budget, verifyAudit } from "../e2e/lib/ledger.mjs";
import { PROMPT } from "../e2e/lib/models.mjs";
import { waitFor } from "../e2e/lib/processes.mjs";
import { startLoad } from "./load.mjs";
import { bar, missedBars, sample, slope } from "./measure.mjs";
import { startWorld } from "./world.mjs";

const { values } = parseArgs({ options: { minutes: { type: "string", default: "30" }, rate: { type: "string", default: "100" }, verbose: { type: "boolean", default: false } } });
const minutes = Number(values.minutes), rate = Number(values.rate);
assert.ok(minutes > 0 && rate > 0, "--minutes and --rate are positive numbers");

const KEPT_OPEN = 6;  // descriptors, at most, that a first load opens for good
const IDLE = ["held", "running", "sessions", "streams", "queue"];
const failures = (trouble, of = "") => [...trouble].reduce((sum, [what, { times }]) => sum + (what.startsWith(of) ? times : 0), 0);
const total = (counts) => Object.values(counts).reduce((sum, n) => sum + n, 0);

// The gateway at rest: nothing runs, idle children and sessions have ended.
async function atRest(world, began, timeout, wanted = () => true) {
  let last;
  await waitFor(async () => {
    last = await sample(world.gateway, began);
    return IDLE.every((what) => last[what] === 0) && wanted(last);
  }, { timeout, every: 1000, what: "the gateway to come to rest" }).catch(() => {});
  return last;
}

function minuteLine(at, calls, trouble) {
  const statuses = Object.entries(at.statuses).map(([status, n]) => `${status}:${n}`).join(" ");
  console.log(`${(at.seconds / 60).toFixed(1).padStart(5)} min  rss ${(at.rss / 1024).toFixed(1)} MiB  pss ${(at.pss / 1024).toFixed(1)} MiB  descriptors ${at.descriptors}  children ${at.children}  threads ${at.threads}  ` +
    `sessions ${at.sessions}  held ${at.held}  streams ${at.streams}  done ${calls}  failures ${trouble}  ${statuses}`);
}

// Every call of a steady agent is paid, once; of the rough ones, every call that its agent was answered, and none that was not sent.
async function accountBars(world, asked) {
  const spent = async (account, resource) => (await budget(world.gateway, account, resource)).spent;
  const tools = total(world.steadyCalls());
  const paid = await spent("soak/steady", "calls");
  console.log(`steady: ${paid} calls paid, ${tools} made of tools and ${asked} of models`);
  bar("steady calls paid and not made, or made and not paid", Math.abs(paid - tools - asked), "calls", "<=", 0);
  console.log(`rough: ${await spent("soak/rough", "calls")} calls paid, ${total(world.roughCalls())} reached servers of tools and ${world.models.bad.asked()} endpoints of models`);
  for (const resource of ["calls", "usd", "tokens"]) bar(`${resource} held at the end`, (await budget(world.gateway, "soak", resource)).held, resource, "<=", 0);
}

const began = performance.now();
const world = await startWorld();
// What is opened once and kept, a log of denials, a reader of the database, is not to count as left over.
const cold = await atRest(world, began, 20_000);
const warmUp = startLoad(world, { rate });
await sleep(20_000);
await warmUp.stop();
const first = await atRest(world, began, 150_000, (at) => at.children <= cold.children && at.descriptors <= cold.descriptors + KEPT_OPEN);
assert.ok(first.descriptors <= cold.descriptors + KEPT_OPEN, `${first.descriptors} descriptors at rest after a first load, ${cold.descriptors} before it`);
console.log(`soak of ${minutes} min at ${rate} calls/s; at rest: rss ${(first.rss / 1024).toFixed(1)} MiB, ${first.descriptors} descriptors, ${first.children} children, ${first.threads} threads`);
const load = startLoad(world, { rate });
const samples = [], end = performance.now() + minutes * 60_000;
for (let line = began + 60_000; performance.now() < end;) {
  await sleep(Math.min(5000, end - performance.now()));
  const at = await sample(world.gateway, began);
  samples.push(at);
  world.models.bad.asked();
  world.models.good.asked();
  if (performance.now() >= line || performance.now() >= end) {
    line += 60_000;
    minuteLine(at, total(load.done), failures(load.trouble));
  }
}
const { done, trouble, own } = await load.stop();
console.log(`done: ${Object.entries(done).map(([kind, n]) => `${kind} ${n}`).join(", ")}`);
const worst = [...trouble].sort(([a], [b]) => b.startsWith("steady") - a.startsWith("steady"));
for (const [what, { times, first, text }] of values.verbose ? worst : worst.filter(([kind]) => kind.startsWith("steady")).slice(0, 20)) console.log(`  ${times} × ${what.split(":")[0]}, first at ${first}: ${text}`);

const last = await atRest(world, began, 150_000, (at) => at.descriptors <= first.descriptors && at.children <= first.children);
minuteLine(last, total(done), 0);
const late = samples.slice(Math.floor(samples.length / 3));
const perMinute = (what) => slope(late.map((s) => [s.seconds / 60, s[what]]));
// A slope means nothing before the caches are full: what a short run shows is printed, and not judged.
if (minutes >= 10) bar("growth of the resident set", perMinute("rss"), "KiB/min", "<=", 64);
else console.log(`growth of the resident set: ${perMinute("rss").toFixed(0)} KiB/min (judged from 10 minutes on)`);
bar("resident set, at most", Math.max(...samples.map((s) => s.rss)) / 1024, "MiB", "<=", 192);
bar("descriptors left", Math.max(0, last.descriptors - first.descriptors), "descriptors", "<=", 0);
bar("children left", Math.max(0, last.children - first.children), "children", "<=", 0);
bar("threads left", Math.max(0, last.threads - first.threads), "threads", "<=", 0);
for (const what of IDLE) bar(`${what} left`, last[what], what, "<=", 0);
await accountBars(world, world.models.good.asked());
bar("answers of our own with 500 or 503", own, "answers", "<=", 0);
bar("steady calls that failed", failures(trouble, "steady"), "calls", "<=", 0);
await verifyAudit(world.gateway);
await world.stop();
console.log(missedBars().length === 0 ? "all bars are met" : `short: ${missedBars().join(", ")}`);
process.exit(missedBars().length === 0 ? 0 : 1);
