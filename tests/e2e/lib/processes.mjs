// What /proc says of processes that belong to a test.
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const read = (path) => { try { return readFileSync(path, "utf8"); } catch { return ""; } };

// Live processes (no zombies) that carry BURSAR_E2E_TAG=tag in their environment, however they were reparented.
export function tagged(tag) {
  const found = [];
  for (const pid of readdirSync("/proc").filter((p) => /^\d+$/.test(p))) {
    if (!read(`/proc/${pid}/environ`).includes(`BURSAR_E2E_TAG=${tag}`)) continue;
    if (/^State:\s+Z/m.test(read(`/proc/${pid}/status`))) continue;
    found.push({ pid: Number(pid), command: read(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim() });
  }
  return found;
}

export function alive(pid) {
  const status = read(`/proc/${pid}/status`);
  return status !== "" && !/^State:\s+Z/m.test(status);
}

export function openFiles(pid) { return readdirSync(`/proc/${pid}/fd`).length; }
export function residentKib(pid) { return Number(/^VmRSS:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0); }

// Waits until check() is truthy and returns it; fails with what().
export async function waitFor(check, { timeout = 10_000, every = 20, what = () => "a condition" } = {}) {
  const end = Date.now() + timeout;
  for (;;) {
    const value = await check();
    if (value) return value;
    if (Date.now() > end) throw new Error(`waited ${timeout} ms for ${typeof what === "function" ? what() : what}`);
    await sleep(every);
  }
}
