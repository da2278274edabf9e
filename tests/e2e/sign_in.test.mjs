// Upstreams that want OAuth: an administrator signs in once, and the gateway keeps, renews and guards the token.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { call, connect, serf, textOf } from "./lib/agent.mjs";
import { auditQuery } from "./lib/ledger.mjs";
import { BURSAR, ending, startGateway } from "./lib/gateway.mjs";
import { waitFor } from "./lib/processes.mjs";
import { browse, login, redirection, startProtected, statusOf } from "./lib/sign_in.mjs";

async function protectedBy(t, { server: serverOptions, oauth, ...config } = {}) {
  const server = await startProtected(serverOptions);
  t.after(server.close);
  const gateway = ending(t, await startGateway({ upstreams: [{ name: "files", url: server.url, ...(oauth && { oauth }) }], ...config }));
  return { server, gateway };
}
const needed = (gateway) => waitFor(async () => (await statusOf(gateway, "files")).sign_in === "needed", { timeout: 15_000, what: "the server to ask for a token" });
const toolsOf = async (client) => (await client.listTools()).tools.map(({ name }) => name).filter((name) => name.startsWith("files."));
const listed = (client) => waitFor(async () => (await toolsOf(client)).length === 2, { timeout: 15_000, what: "the tools of the server" });
async function signIn(gateway) {
  const { authorization_url } = await login(gateway, "files");
  const page = await browse(authorization_url);
  return { status: page.status, text: await page.text(), headers: page.headers, authorization_url };
}

// The command, as somebody runs it: what it printed, and its end.
function upstreamLogin(gateway, ...more) {
  const child = spawn(BURSAR, ["upstream", "login", "files", "-c", "bursar.yaml", ...more], { cwd: gateway.directory, stdio: ["pipe", "pipe", "pipe"] });
  const out = [], err = [];
  createInterface(child.stdout).on("line", (line) => out.push(line));
  createInterface(child.stderr).on("line", (line) => err.push(line));
  const ended = new Promise((done) => child.once("exit", (code) => done({ code, out, err })));
  const address = waitFor(() => out.find((line) => line.startsWith("http")), { timeout: 15_000, what: () => `an address; it said ${out} ${err}` });
  return { child, address, ended };
}

test("an administrator signs in once, and every agent's calls carry his token", async (t) => {
  const { server, gateway } = await protectedBy(t);
  await needed(gateway);
  const doctor = await gateway.bursar("doctor");
  assert.match(doctor.stdout, /fail +contracts: we are signed in to upstream files/);
  assert.match(doctor.stdout, /-> run `bursar upstream login files`/);
  const command = upstreamLogin(gateway);
  const page = await browse(await command.address);
  assert.equal(page.status, 200);
  const ended = await command.ended;
  assert.equal(ended.code, 0, ended.err.join("\n"));
  assert.match(ended.out.at(-1), new RegExp(`^signed in to files by ${server.issuer}, scopes files:read offline_access$`));
  const client = await connect(gateway);
  await listed(client);
  assert.equal(textOf(await call(client, "files.whoami")), "whoami by ada with files:read offline_access");
  const [registration] = server.seen.registrations, [authorization] = server.seen.authorizations;
  assert.equal(registration.application_type, "native");
  assert.deepEqual(registration.redirect_uris, [`http://127.0.0.1:${gateway.port}/oauth/callback`]);
  assert.equal(authorization.resource, server.url);
  assert.equal(authorization.code_challenge_method, "S256");
  const list = await gateway.bursar("upstream", "list");
  assert.match(list.stdout, /^files +signed_in/m);
  assert.match((await gateway.bursar("doctor")).stdout, /ok +contracts: we are signed in to upstream files/);
  await client.close();
  await gateway.stop();
});

test("a sign-in is finished by hand where the browser cannot reach the gateway", async (t) => {
  const { gateway } = await protectedBy(t);
  await needed(gateway);
  const pasted = upstreamLogin(gateway);
  pasted.child.stdin.write(`${await redirection(await pasted.address)}\n`);
  assert.equal((await pasted.ended).code, 0);
  assert.equal((await statusOf(gateway, "files")).sign_in, "signed_in");
  assert.equal((await gateway.bursar("upstream", "logout", "files")).code, 0);
  assert.notEqual((await statusOf(gateway, "files")).sign_in, "signed_in");
  const { authorization_url } = await login(gateway, "files");
  const given = await gateway.bursar("upstream", "login", "files", "--callback", await redirection(authorization_url));
  assert.equal(given.code, 0, given.stderr);
  await gateway.stop();
});

test("a sign-in outlives the gateway, sealed on disk, and is renewed before the token ends", async (t) => {
  const { server, gateway } = await protectedBy(t, { server: { lifetime: 5 } });
  await needed(gateway);
  await signIn(gateway);
  await waitFor(() => server.seen.tokens.filter(({ grant_type }) => grant_type === "refresh_token").length >= 1, { timeout: 15_000, what: "a renewal" });
  const file = join(gateway.directory, "bursar.db.oauth/files");
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(statSync(join(gateway.directory, "bursar.db.oauth")).mode & 0o777, 0o700);
  await gateway.stop();
  const again = ending(t, await gateway.restart());
  assert.equal((await statusOf(again, "files")).sign_in, "signed_in");
  const client = await connect(again);
  await listed(client);
  assert.match(textOf(await call(client, "files.whoami")), /^whoami by ada/);
  assert.equal(server.seen.authorizations.length, 1, "nobody had to sign in again");
  await client.close();
  await again.stop();
});

test("a refused token is renewed in the middle of a call, and a sign-in asked for where that fails", async (t) => {
  const { server, gateway } = await protectedBy(t);
  await needed(gateway);
  await signIn(gateway);
  const client = await connect(gateway);
  await listed(client);
  await new Promise((done) => setTimeout(done, 15_500));  // longer than the pause between renewals
  server.revoke();
  assert.match(textOf(await call(client, "files.whoami")), /^whoami by ada/);
  assert.equal(server.seen.tokens.at(-1).grant_type, "refresh_token");
  server.revoke({ andRefresh: true });
  const error = serf(await call(client, "files.whoami"));
  assert.equal(error.category, "PERMISSION_DENIED");
  assert.equal(error.code, "UPSTREAM_UNAUTHORISED");
  assert.equal((await statusOf(gateway, "files")).sign_in, "needed");
  await signIn(gateway);
  assert.match(textOf(await call(client, "files.whoami")), /^whoami by ada/);
  await client.close();
  await gateway.stop();
});

test("a server that wants further scopes gets a wider sign-in, not an endless one", async (t) => {
  const { server, gateway } = await protectedBy(t);
  await needed(gateway);
  await signIn(gateway);
  const client = await connect(gateway);
  await listed(client);
  assert.equal(serf(await call(client, "files.write")).code, "FORBIDDEN");
  const status = await statusOf(gateway, "files");
  assert.equal(status.sign_in, "needed");
  assert.match(status.why, /files:write/);
  assert.match(textOf(await call(client, "files.whoami")), /^whoami/, "the token is good for the rest");
  await signIn(gateway);
  assert.equal(server.seen.authorizations.at(-1).scope, "files:read files:write offline_access");
  assert.equal(server.seen.registrations.length, 1, "known there already");
  assert.match(textOf(await call(client, "files.write")), /files:write/);
  await client.close();
  await gateway.stop();
});

test("only the browser with our state ends a sign-in, and only an administrator begins one", async (t) => {
  const { gateway } = await protectedBy(t);
  await needed(gateway);
  const { authorization_url } = await login(gateway, "files");
  const target = new URL(await redirection(authorization_url));
  const forged = new URL(target);
  forged.searchParams.set("state", "guess");
  assert.equal((await fetch(forged)).status, 404);
  const rebound = await gateway.get(`${target.pathname}${target.search}`, { headers: { origin: "https://evil.example" } });
  assert.equal(rebound.status, 403);
  assert.equal((await statusOf(gateway, "files")).sign_in, "under_way", "nothing happened yet");
  const page = await fetch(target);
  assert.equal(page.status, 200);
  assert.match(page.headers.get("content-security-policy"), /default-src 'none'/);
  assert.equal(page.headers.get("referrer-policy"), "no-referrer");
  assert.equal((await fetch(target)).status, 404, "good once");
  const { stdout } = await gateway.bursar("keys", "create", "ada", "--account", "dev");
  for (const [path, method] of [["/v1/upstreams", "GET"], ["/v1/upstreams/files:login", "POST"], ["/v1/upstreams/files:logout", "POST"]]) {
    const status = async () => (await gateway.get(path, { method, headers: { authorization: `Bearer ${stdout.trim()}` } })).status;
    await waitFor(async () => (await status()) !== 401, { timeout: 5000, what: "the gateway to know the new key" });
    assert.equal(await status(), 403, path);
  }
  await gateway.stop();
});

test("somebody who says no at the authorization server is told so", async (t) => {
  const { gateway } = await protectedBy(t, { server: { consent: () => false } });
  await needed(gateway);
  const command = upstreamLogin(gateway);
  const page = await browse(await command.address);
  assert.equal(page.status, 400);
  assert.match(await page.text(), /access_denied/);
  const { code, err } = await command.ended;
  assert.equal(code, 1);
  assert.match(err.join("\n"), /access_denied/);
  await gateway.stop();
});

test("no token, code or secret of a sign-in is in logs, errors, metrics, the audit trail or answers", async (t) => {
  const { server, gateway } = await protectedBy(t, { log_level: "trace", server: { lifetime: 5 } });
  await needed(gateway);
  const begun = await signIn(gateway);
  const client = await connect(gateway);
  await listed(client);
  await call(client, "files.whoami");
  await waitFor(() => server.seen.tokens.length >= 2, { timeout: 15_000, what: "a renewal" });
  const said = [begun.text, JSON.stringify(await statusOf(gateway, "files")), await (await gateway.get("/metrics")).text(), await (await gateway.get("/v1/status")).text(), (await gateway.bursar("upstream", "list", "--json")).stdout, JSON.stringify(await auditQuery(gateway))];
  await client.close();
  await gateway.stop();
  said.push(gateway.lines.join("\n"));
  const folder = join(gateway.directory, "bursar.db.oauth");
  for (const file of readdirSync(folder)) said.push(readFileSync(join(folder, file), "latin1"));
  said.push(readFileSync(join(gateway.directory, "bursar.db"), "latin1"));
  assert.ok(server.seen.secrets.length >= 5);
  for (const secret of server.seen.secrets) for (const text of said) assert.ok(!text.includes(secret), `${secret.slice(0, 12)}… is in ${text.slice(0, 80)}`);
});

test("a server outside leads the gateway to no address inside by what its metadata names", async (t) => {
  for (const [issuer, why] of [["https://10.1.2.3", /leads to 10\.1\.2\.3, which is private/], ["https://169.254.169.254", /which is link-local/], ["https://[fd00::1]", /which is private/], ["http://id.example", /must begin with https/]]) {
    const { gateway } = await protectedBy(t, { server: { names: issuer } });
    await needed(gateway);
    const { error } = await login(gateway, "files");
    assert.match(error.message, why, issuer);
    await gateway.stop();
  }
});
