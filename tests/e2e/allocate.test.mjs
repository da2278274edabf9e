// `bursar allocate` on a large table, the same question over HTTP, and the verbs that are programs of their own.
import assert from "node:assert/strict";
import { createWriteStream, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { once } from "node:events";
import { test } from "node:test";
import { bursar, ending, freshDirectory, startGateway } from "./lib/gateway.mjs";

const ITEMS = 20_000, OPTIONS = 10;

// 200,000 rows with whole costs; the generator is fixed, so that two runs read the same table.
async function table(path) {
  let x = 1;
  const next = () => (x = (x * 48271) % 2147483647);
  const out = createWriteStream(path);
  out.write("item,option,value,cost\n");
  for (let i = 0; i < ITEMS; ++i) {
    let rows = "";
    for (let k = 0; k < OPTIONS; ++k) rows += `customer ${i},${k === 0 ? "none" : `offer ${k}`},${k === 0 ? 0 : next() % 10_000},${k === 0 ? 0 : next() % 1000}\n`;
    if (!out.write(rows)) await once(out, "drain");
  }
  out.end();
  await once(out, "close");
}

test("a table of 200,000 rows is allocated within its budget, with a bound and a choice for every item", async (t) => {
  const directory = freshDirectory();
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const csv = join(directory, "offers.csv"), choices = join(directory, "choices.csv");
  await table(csv);
  const ran = await bursar(["allocate", csv, "--budget", "2000000", "--output", choices, "--json", "--explain", "customer 7"]);
  assert.equal(ran.code, 0, ran.stderr);
  const answer = JSON.parse(ran.stdout);
  assert.equal(answer.items, ITEMS);
  assert.equal(answer.options, ITEMS * OPTIONS);
  assert.ok(answer.bound >= answer.value && answer.gap <= 1e-6, ran.stdout);
  assert.match(answer.explanations[0].text, /customer 7/);
  const [head, ...rows] = readFileSync(choices, "utf8").trimEnd().split("\n");
  assert.equal(head, "item,option,value,cost");
  assert.equal(rows.length, ITEMS);
  const sum = (column) => rows.reduce((total, row) => total + Number(row.split(",")[column]), 0);
  assert.equal(sum(2), answer.value);
  assert.equal(sum(3), answer.resources[0].cost);
  assert.ok(sum(3) <= 2_000_000);
  assert.equal(ran.stderr, "", "no progress where nobody watches");
});

test("errors name file, line, column and value, and what is infeasible says who forces it", async (t) => {
  const directory = freshDirectory();
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const csv = join(directory, "wrong.csv");
  writeFileSync(csv, "item,value,cost\na,1,5\nb,1,-3\n");
  const wrong = await bursar(["allocate", csv, "--budget", "20"]);
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /wrong\.csv: line 3, column 'cost': '-3' is -3; it must be at least 0/);
  writeFileSync(csv, "item,value,cost\na,1,5\nb,1,30\n");
  const short = await bursar(["allocate", csv, "--budget", "20"]);
  assert.equal(short.code, 1);
  assert.match(short.stderr, /15 short; most is needed by item 1 \(b\) \(30\)/);
});

test("POST /v1/allocate answers a principal, and refuses with the field and the value", async (t) => {
  const gateway = ending(t, await startGateway({ accounts: [{ path: "dev" }], upstreams: [] }));
  const post = (body, headers = {}) => gateway.get("/v1/allocate", { method: "POST", headers, body: typeof body === "string" ? body : JSON.stringify(body) });
  const items = [{ name: "cache", value: 5, cost: 2 }, { name: "index", value: 9, cost: 6 }];
  const good = await post({ budget: 7, items, explain: ["cache"] });
  assert.equal(good.status, 200);
  const answer = await good.json();
  assert.deepEqual([answer.value, answer.bound, answer.stop, answer.choice], [9, 9, "optimal", [0, 1]]);
  assert.equal(answer.explanations[0].options[1].status, "unaffordable");
  for (const [body, status, message] of [
    ["{", 400, /JSON/],
    [{ budget: -7, items }, 400, /\$\.budget: is -7/],
    [{ budget: 7, items: [{ name: "a", value: 1, cost: 2, prize: 1 }] }, 400, /\$\.items\[0\]: unknown key 'prize'/],
    [{ budget: 7, items, explain: ["ghost"] }, 404, /no item 'ghost'/],
    [{ budget: 1, items: [{ name: "a", options: [{ value: 1, cost: 3 }] }] }, 422, /2 short/],
  ]) {
    const refused = await post(body);
    assert.equal(refused.status, status);
    assert.match((await refused.json()).error.message, message);
  }
  assert.equal((await gateway.get("/v1/allocate")).status, 405);
  assert.equal((await post({ budget: 7, items }, { authorization: "Bearer sk-wrong" })).status, 401);
  assert.equal((await post({ budget: 7, items }, { origin: "https://evil.example" })).status, 403);
  const large = await post("x".repeat(8 << 20)).catch((error) => ({ status: 413, error }));
  assert.equal(large.status, 413);
});

test("bursar systems lists what is live; help lists the programs; an unknown verb is a wrong word", async () => {
  const systems = await bursar(["systems", "--json"]);
  assert.equal(systems.code, 0, systems.stderr);
  const list = JSON.parse(systems.stdout);
  assert.equal(list.length, 45);
  assert.equal(list.find((s) => s.slug === "knapsack-rl").status, "live");
  const help = await bursar(["help"]);
  assert.match(help.stdout, /allocate .*budget/);
  assert.match(help.stdout, /reproduce /);
  const unknown = await bursar(["alocate", "x.csv"]);
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /^bursar: .*alocate/);
  const wrong = await bursar(["reproduce", "no-such-system"]);
  assert.equal(wrong.code, 2, "the program's own exit status");
});
