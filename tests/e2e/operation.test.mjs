// What an operator does: check, import, reload, look, doctor.
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { call, connect, serf, textOf } from "./lib/agent.mjs";
import { bursar, ending, freshDirectory, httpUpstream, startGateway, stdioUpstream, writeConfig } from "./lib/gateway.mjs";
import { auditQuery, budget, verifyAudit } from "./lib/ledger.mjs";
import { waitFor } from "./lib/processes.mjs";

test("bursar check names file, line and field, and what was probably meant", async () => {
  const cwd = freshDirectory();
  writeConfig(cwd, { upstreams: [stdioUpstream("faults_stdio")], accounts: [{ path: "dev", limits: ["10 calls"] }] });
  const good = await bursar(["check", "-c", "bursar.yaml"], { cwd });
  assert.equal(good.code, 0, good.stderr);
  writeFileSync(join(cwd, "bursar.yaml"), "upstreams:\n  - name: files\n    comand: npx\n");
  const typo = await bursar(["check", "-c", "bursar.yaml"], { cwd });
  assert.notEqual(typo.code, 0);
  assert.match(typo.stderr + typo.stdout, /bursar\.yaml:3:\d+: .*comand.*did you mean command/);
  for (const [yaml, expected] of [
    ["accounts:\n  - path: a\n    limits: [-5 calls]\n", /limits/],
    ["upstreams:\n  - {name: a, command: x}\n  - {name: a, command: y}\n", /twice/],
    ["listen: {port: 99999}\n", /port/],
    ["database: ${NOT_SET_ANYWHERE}\n", /NOT_SET_ANYWHERE/],
    ["{ this is: [not yaml\n", /bursar\.yaml:\d+/],
  ]) {
    writeFileSync(join(cwd, "bursar.yaml"), yaml);
    const bad = await bursar(["check", "-c", "bursar.yaml"], { cwd });
    assert.notEqual(bad.code, 0, yaml);
    assert.match(bad.stderr + bad.stdout, expected, yaml);
  }
  assert.notEqual((await bursar(["check", "-c", "missing.yaml"], { cwd })).code, 0);
});

test("bursar serve refuses a bad configuration before it opens anything", async () => {
  const cwd = freshDirectory();
  writeFileSync(join(cwd, "bursar.yaml"), "upstreams: 7\n");
  const refused = await bursar(["serve", "-c", "bursar.yaml"], { cwd, timeout: 10_000 });
  assert.ok(typeof refused.code === "number" && refused.code !== 0, JSON.stringify(refused));
  assert.match(refused.stderr + refused.stdout, /upstreams/);
  assert.ok(!existsSync(join(cwd, "bursar.db")));
});

test("bursar import reads Claude's, Cursor's and VS Code's files", async () => {
  const cwd = freshDirectory();
  const servers = { files: { command: "npx", args: ["-y", "server-filesystem", "/tmp"], env: { A: "b" } }, web: { url: "https://example.org/mcp", headers: { Authorization: "Bearer ${TOKEN}" } } };
  for (const [name, content] of [["claude.json", { mcpServers: servers }], ["vscode.json", { servers: { ...servers, files: { type: "stdio", ...servers.files } }, inputs: [] }]]) {
    writeFileSync(join(cwd, name), JSON.stringify(content));
    const imported = await bursar(["import", name], { cwd, env: { TOKEN: "t" } });
    assert.equal(imported.code, 0, imported.stderr);
    writeFileSync(join(cwd, "bursar.yaml"), imported.stdout);
    const checked = await bursar(["check", "-c", "bursar.yaml"], { cwd, env: { TOKEN: "t" } });
    assert.equal(checked.code, 0, `${imported.stdout}\n${checked.stderr}`);
    assert.match(imported.stdout, /files/);
    assert.match(imported.stdout, /https:\/\/example\.org\/mcp/);
  }
});

test("a good change takes effect while running, a bad one leaves the last good one at work", async (t) => {
  const gateway = ending(t, await startGateway({ accounts: [{ path: "dev", limits: ["2 calls"] }], upstreams: [stdioUpstream("faults_stdio")] }));
  const agent = await connect(gateway);
  for (let i = 0; i < 2; ++i) await call(agent, "faults.echo", { text: "x" });
  assert.equal(serf(await call(agent, "faults.echo", { text: "x" })).code, "CALLS_EXHAUSTED");

  gateway.reconfigure({ accounts: [{ path: "dev", limits: ["5 calls"] }] });
  await waitFor(async () => (await budget(gateway, "dev", "calls")).limit === 5, { timeout: 10_000, every: 200, what: "the raised limit" });
  assert.equal(textOf(await call(agent, "faults.echo", { text: "more" })), "more", "the same session goes on");
  assert.equal((await budget(gateway, "dev", "calls")).spent, 3, "nothing was forgotten");

  const mark = gateway.lines.length;
  writeFileSync(join(gateway.directory, "bursar.yaml"), "accounts: [{path: dev, limits: [nonsense]}]\n");
  await waitFor(() => gateway.lines.slice(mark).some((l) => /limits/.test(l)), { timeout: 10_000, what: "the log to say what is wrong" });
  assert.equal(textOf(await call(agent, "faults.echo", { text: "still" })), "still");
  assert.equal((await gateway.get("/healthz")).status, 200);

  gateway.reconfigure({ accounts: [{ path: "dev", limits: ["4 calls"] }] });
  await waitFor(async () => (await budget(gateway, "dev", "calls")).limit === 4, { timeout: 10_000, every: 200, what: "the lowered limit" });
  assert.equal(serf(await call(agent, "faults.echo", { text: "x" })).code, "CALLS_EXHAUSTED");
  await agent.close();
  await gateway.stop();
});

test("health, readiness and metrics answer, and say nothing secret", async (t) => {
  const gateway = ending(t, await startGateway({
    accounts: [{ path: "dev", limits: ["100 calls"] }],
    upstreams: [stdioUpstream("faults_stdio", { env: { SECRET: "hunter2hunter2" } }), httpUpstream("gone", 9, { headers: { authorization: "Bearer hunter2hunter2" } })],
  }));
  const agent = await connect(gateway);
  await call(agent, "faults.echo", { text: "x" });
  await call(agent, "faults.fail");
  for (const path of ["/healthz", "/readyz", "/metrics"]) {
    const response = await gateway.get(path);
    assert.ok([200, 503].includes(response.status), `${path}: ${response.status}`);
    assert.ok(!(await response.text()).includes("hunter2"), path);
  }
  assert.equal((await gateway.get("/healthz")).status, 200);
  const metrics = await (await gateway.get("/metrics")).text();
  assert.match(metrics, /^# TYPE bursar_/m);
  assert.ok(!gateway.lines.join("\n").includes("hunter2"));
  assert.equal((await gateway.get("/nothing")).status, 404);
  await agent.close();
  await gateway.stop();
});

test("the audit trail answers who, what and when, and notices a change", async (t) => {
  const gateway = ending(t, await startGateway({ accounts: [{ path: "dev", limits: ["3 calls"] }], upstreams: [stdioUpstream("faults_stdio")] }));
  const agent = await connect(gateway);
  const secret = "do not write this down";
  await call(agent, "faults.echo", { text: secret });
  await call(agent, "faults.count");
  await call(agent, "faults.count");
  await call(agent, "faults.count");
  await agent.close();
  await gateway.stop();
  await verifyAudit(gateway);
  const all = await auditQuery(gateway);
  const calls = all.filter((r) => r.method === "tools/call");
  assert.equal(calls.length, 4);
  assert.equal((await auditQuery(gateway, "--tool", "faults.count")).length, 3);
  assert.equal((await auditQuery(gateway, "--tool", "*.echo")).length, 1);
  assert.equal((await auditQuery(gateway, "--principal", "nobody")).length, 0);
  assert.equal(calls.filter((r) => r.category === "RESOURCE_EXHAUSTED").length, 1);
  assert.ok(!JSON.stringify(all).includes(secret), "arguments are kept as a digest");
  const table = await gateway.bursar("audit", "query");
  assert.equal(table.code, 0);
  assert.match(table.stdout, /faults\.count/);

  const { DatabaseSync } = await import("node:sqlite");
  const database = new DatabaseSync(join(gateway.directory, "bursar.db"));
  const name = database.prepare("select name from sqlite_master where type = 'table' and name like 'audit%'").get()?.name;
  assert.ok(name, "an audit table");
  const columns = database.prepare(`select name from pragma_table_info('${name}')`).all().map((c) => c.name);
  const blob = columns.find((c) => ["tool", "record", "body", "json"].includes(c));
  for (const { name: trigger } of database.prepare("select name from sqlite_master where type = 'trigger'").all()) database.exec(`drop trigger ${trigger}`);
  database.exec(`update ${name} set ${blob} = replace(${blob}, 'faults.echo', 'faults.ECHO')`);
  database.close();
  const broken = await gateway.bursar("audit", "verify");
  assert.notEqual(broken.code, 0, "a changed record breaks the chain");
});

test("bursar budget show draws the tree with what is left; bursar doctor checks the running gateway", async (t) => {
  const gateway = ending(t, await startGateway({
    identity: { development_account: "acme/dev" },
    accounts: [{ path: "acme", limits: ["100 calls", "5 usd day"] }, { path: "acme/dev", limits: ["10 calls"] }],
    upstreams: [stdioUpstream("faults_stdio")],
  }));
  const agent = await connect(gateway);
  for (let i = 0; i < 3; ++i) await call(agent, "faults.echo", { text: "x" });
  const tree = await gateway.bursar("budget", "show");
  assert.equal(tree.code, 0, tree.stderr);
  assert.match(tree.stdout, /acme/);
  assert.match(tree.stdout, /dev/);
  assert.match(tree.stdout, /calls/);
  const doctor = await gateway.bursar("doctor");
  assert.ok([0, 1].includes(doctor.code), doctor.stderr);
  assert.ok(doctor.stdout.split("\n").length > 5, doctor.stdout);
  await agent.close();
  await gateway.stop();
  assert.ok(readFileSync(join(gateway.directory, "bursar.yaml")).length > 0);
});
