// What is measured during a soak: the process by /proc, the gateway by its own metrics, the trend by least squares.
//
//   const at = await sample(gateway);                  // { seconds, rss, pss, descriptors, threads, children, held, … }
//   slope(samples.map((s) => [s.seconds, s.rss]))       // KiB a second
//   bar("leaked holds", 0, "holds", "<=", 0);           // prints the line, and remembers whether it was met
import { readFileSync } from "node:fs";
import { alive, openFiles, tagged } from "../e2e/lib/processes.mjs";

const field = (text, name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? NaN);
const read = (pid, file) => readFileSync(`/proc/${pid}/${file}`, "utf8");

// Values of metrics without labels, and sums of those with some.
export function parseMetrics(text) {
  const values = {};
  for (const line of text.split("\n")) {
    const [, name, value] = /^(\w+)(?:\{.*\})? (\S+)$/.exec(line) ?? [];
    if (name) values[name] = (values[name] ?? 0) + Number(value);
  }
  return values;
}

// Answers by status, as the gateway counted them: { "200": 17, "503": 1 }.
export function statuses(text) {
  const found = {};
  for (const [, status, count] of text.matchAll(/^bursar_http_responses_total\{status="(\w+)"\} (\d+)/gm)) found[status] = Number(count);
  return found;
}

// A connection that was opened while the machine was busy may be closed before its request is sent: asked for again.
async function metricsOf(gateway, tries = 3) {
  try {
    return await (await gateway.get("/metrics")).text();
  } catch (error) {
    if (tries > 1 && alive(gateway.pid)) return metricsOf(gateway, tries - 1);
    throw new Error(`the gateway does not answer: ${error.cause ?? error}; it said:\n${gateway.lines.slice(-20).join("\n")}`);
  }
}

export async function sample(gateway, began) {
  const text = await metricsOf(gateway);
  const metrics = parseMetrics(text);
  const status = read(gateway.pid, "status");
  return {
    seconds: (performance.now() - began) / 1000,
    rss: field(status, "VmRSS"), threads: field(status, "Threads"),
    pss: field(read(gateway.pid, "smaps_rollup"), "Pss"),
    descriptors: openFiles(gateway.pid), children: tagged(gateway.tag).length,
    held: metrics.bursar_budget_held,  // over all resources: nothing but its being 0 means anything
    running: metrics.bursar_calls_in_flight, sessions: metrics.bursar_sessions, streams: metrics.bursar_streams, queue: metrics.bursar_audit_queue,
    statuses: statuses(text),
  };
}

// The slope of the line through [x, y] points by least squares.
export function slope(points) {
  const n = points.length, mean = (i) => points.reduce((sum, p) => sum + p[i], 0) / n;
  const [mx, my] = [mean(0), mean(1)];
  const over = points.reduce((sum, [x, y]) => sum + (x - mx) * (y - my), 0);
  const under = points.reduce((sum, [x]) => sum + (x - mx) ** 2, 0);
  return under === 0 ? 0 : over / under;
}

const missed = [];
export function bar(name, value, unit, relation, limit) {
  const met = relation === "<=" ? value <= limit : relation === ">=" ? value >= limit : value === limit;
  if (!met) missed.push(name);
  console.log(`bar ${name}: ${Number.isInteger(value) ? value : value.toFixed(2)} ${unit} (needs ${relation} ${limit}) ${met ? "ok" : "short"}`);
}
export const missedBars = () => missed;
