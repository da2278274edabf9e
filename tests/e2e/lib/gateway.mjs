// Starts the real program on a generated bursar.yaml in a folder of its own, and looks at it from outside.
//
//   const gateway = await startGateway({ upstreams: [stdioUpstream("faults")] });
//   const agent = await connect(gateway);
//   …
//   await gateway.stop();          // SIGTERM, drained; asserts exit status 0 and that no process was left
//
// BURSAR_BIN names the program (default build/release/bin/bursar).
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { alive, tagged, waitFor } from "./processes.mjs";

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../../..");
export const FIXTURES = join(ROOT, "tests/e2e/fixtures");
export const NODE = join(ROOT, "node_modules/node/bin/node");
export const BURSAR = resolve(ROOT, process.env.BURSAR_BIN ?? "build/release/bin/bursar");

export function freshDirectory() { return mkdtempSync(join(tmpdir(), "bursar-e2e-")); }

// An upstream entry for a fixture of this folder over stdio. more: fields of an upstream entry; env goes to the child.
export function stdioUpstream(fixture, { name = fixture.replace(/_.*$/, ""), ...more } = {}) {
  return { name, command: NODE, args: [join(FIXTURES, `${fixture}.mjs`)], ...more };
}
export function httpUpstream(name, port, more = {}) { return { name, url: `http://127.0.0.1:${port}/mcp`, ...more }; }

// Starts a fixture that prints {"port": N}, as its own process.
export async function startFixture(fixture, { env = {} } = {}) {
  const child = spawn(NODE, [join(FIXTURES, `${fixture}.mjs`)], { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await Promise.race([
    new Promise((done) => createInterface(child.stdout).once("line", (l) => done([l]))),
    new Promise((_, fail) => child.once("exit", (code) => fail(new Error(`fixture ${fixture} ended with ${code}`)))),
  ]);
  child.removeAllListeners("exit");
  const ended = new Promise((done) => child.once("exit", done));
  return { ...JSON.parse(line), pid: child.pid, stop: () => { child.kill("SIGKILL"); return ended; } };
}

// Runs the program once: { code, stdout, stderr }.
export function bursar(args, { cwd, env = {}, timeout = 30_000, input } = {}) {
  return new Promise((done) => {
    const child = execFile(BURSAR, args, { cwd, env: { ...process.env, ...env }, timeout, maxBuffer: 64 << 20 }, (error, stdout, stderr) =>
      done({ code: error ? (error.code ?? error.signal) : 0, stdout, stderr }));
    if (input !== undefined) child.stdin.end(input);
  });
}

export function writeConfig(directory, config) {
  // JSON is YAML.
  writeFileSync(join(directory, "bursar.yaml"), JSON.stringify(config, null, 2) + "\n");
}

// config: fields of bursar.yaml; listen.port, the database and a tag in every child's environment are filled in.
export async function startGateway(config, { directory = freshDirectory(), env = {}, args = [], verbose = Boolean(process.env.E2E_VERBOSE), timeout = 20_000 } = {}) {
  assert.ok(existsSync(BURSAR), `${BURSAR} is not there; run scripts/build release, or set BURSAR_BIN`);
  const tag = randomUUID();
  const complete = {
    ...config,
    listen: { address: "127.0.0.1", port: 0, ...config.listen },
    upstreams: config.upstreams.map((u) => (u.command ? { ...u, env: { ...u.env, BURSAR_E2E_TAG: tag } } : u)),
  };
  writeConfig(directory, complete);
  const child = spawn(BURSAR, ["serve", "-c", "bursar.yaml", ...args], { cwd: directory, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  const lines = [];
  let port;
  const ended = new Promise((done) => child.once("exit", (code, signal) => done({ code, signal })));
  for (const stream of [child.stdout, child.stderr]) {
    createInterface(stream).on("line", (line) => {
      lines.push(line);
      if (verbose) console.error(`[bursar ${child.pid}] ${line}`);
      port ??= boundPort(line);
    });
  }
  let over;
  ended.then((how) => { over = how; });
  await waitFor(() => port ?? over, { timeout, what: () => `bursar serve to listen; it said:\n${lines.join("\n")}` });
  if (!port) throw Object.assign(new Error(`bursar serve ended with ${JSON.stringify(over)}:\n${lines.join("\n")}`), { lines, over });

  const gateway = {
    port, directory, tag, child, pid: child.pid, lines, ended, config: complete,
    url: `http://127.0.0.1:${port}/mcp`,
    urlOf: (server) => `http://127.0.0.1:${port}/mcp/${server}`,
    get: (path, options) => fetch(`http://127.0.0.1:${port}${path}`, options),
    bursar: (...words) => bursar([...words, "-c", "bursar.yaml"], { cwd: directory, env }),
    reconfigure: (change) => { Object.assign(complete, change); writeConfig(directory, complete); },
    async kill() {
      child.kill("SIGKILL");
      await ended;
    },
    // Starts again on the same folder after kill() or stop().
    restart: (changes = {}) => startGateway({ ...config, ...changes }, { directory, env, args, verbose, timeout }),
    async stop({ expectCode = 0, within = 20_000 } = {}) {
      if (!over) child.kill("SIGTERM");
      const how = await Promise.race([ended, new Promise((done) => setTimeout(done, within, undefined).unref())]);
      if (!how) {
        child.kill("SIGKILL");
        assert.fail(`bursar serve did not stop within ${within} ms; it said:\n${lines.slice(-40).join("\n")}`);
      }
      assert.deepEqual(how, { code: expectCode, signal: null }, `the end of bursar serve; it said:\n${lines.slice(-40).join("\n")}`);
      await noProcessLeft(tag);
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
  return gateway;
}

export function boundPort(line) {
  const match = /listening on https?:\/\/[^ ]*?:(\d+)/.exec(line);
  return match ? Number(match[1]) : undefined;
}

export async function noProcessLeft(tag, { timeout = 5000 } = {}) {
  await waitFor(() => tagged(tag).length === 0, { timeout, what: () => `no process to be left; there are ${JSON.stringify(tagged(tag))}` });
}

// Registers that a test's gateway ends whatever happens.
export function ending(test, gateway) {
  test.after(async () => {
    if (alive(gateway.pid)) gateway.child.kill("SIGKILL");
    await gateway.ended;
    for (const { pid } of tagged(gateway.tag)) { try { process.kill(pid, "SIGKILL"); } catch { /* gone */ } }
    if (!process.env.E2E_KEEP) gateway.remove();
  });
  return gateway;
}

export const readLines = (file) => (existsSync(file) ? readFileSync(file, "utf8").split("\n").filter(Boolean).map((l) => JSON.parse(l)) : []);
