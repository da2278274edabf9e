// The published run on a real log of auctions, through both doors that replay it.
import assert from "node:assert/strict";
import { existsSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { bursar, freshDirectory, ROOT } from "./lib/gateway.mjs";

const DATA = join(process.env.BURSAR_SHARED ?? resolve(ROOT, "../shared"), "data");
const LOG = join(DATA, "ipinyou-2997.theta.txt.gz"), FACTS = join(DATA, "ipinyou-2997.info.json");
const skip = existsSync(LOG) ? false : `the log of campaign 2997 is not here: ${LOG}`;

test("bursar bid replay gives the published rows exactly", { skip }, async () => {
  const ran = await bursar(["bid", "replay", LOG, "--train", FACTS, "--c0", "1/32", "--episode", "1000", "--policy", "rlb", "--policy", "ssmdp", "--policy", "mcpc", "--json"], { timeout: 120_000 });
  assert.equal(ran.code, 0, ran.stderr);
  const { budget, policies } = JSON.parse(ran.stdout);
  assert.equal(budget, 1969);
  assert.deepEqual(policies.map(({ wins, clicks, spend }) => [wins, clicks, spend]),
    [[39680, 78, 304375], [40395, 80, 306637], [14752, 48, 307751]]);
});

test("bursar replay gives the same row for the rule that bursar bid fit wrote", { skip }, async (t) => {
  const directory = freshDirectory();
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const rule = join(directory, "rlb.json");
  const fit = await bursar(["bid", "fit", FACTS, "--c0", "1/32", "--episode", "1000", "--policy", rule], { timeout: 120_000 });
  assert.equal(fit.code, 0, fit.stderr);
  const ran = await bursar(["replay", LOG, "--policy", `@${rule}`, "--budget", String(157 * 1969), "--goal", "value", "--no-bound", "--json"], { timeout: 120_000 });
  assert.equal(ran.code, 0, ran.stderr);
  const [policy] = JSON.parse(ran.stdout).policies;
  assert.equal(policy.taken, 39680);
  assert.equal(policy.reward, 78, "clicks");
  assert.equal(policy.spent.money, 304375);
});
