// What the program itself says about budgets and the audit trail, by its command line.
import assert from "node:assert/strict";

// { limit, spent, held, left } of one account's limit on a resource, in whole units of the resource.
export async function budget(gateway, account, resource) {
  const shown = await gateway.bursar("budget", "show", "--json");
  assert.equal(shown.code, 0, `bursar budget show: ${shown.stderr}`);
  const found = flatten(JSON.parse(shown.stdout)).find((row) => row.account === account && row.resource === resource);
  assert.ok(found, `${account} has no ${resource} in ${shown.stdout}`);
  return found;
}

function flatten(document) { return document; }

export async function verifyAudit(gateway) {
  const verified = await gateway.bursar("audit", "verify");
  assert.equal(verified.code, 0, `bursar audit verify: ${verified.stdout}${verified.stderr}`);
}

// The records of tools/call that the trail holds; more are words of `bursar audit query`.
export async function auditQuery(gateway, ...more) {
  const found = await gateway.bursar("audit", "query", "--json", "--limit", "100000", ...more);
  assert.equal(found.code, 0, `bursar audit query: ${found.stderr}`);
  return found.stdout.split("\n").filter(Boolean).map((line) => JSON.parse(line));
}
export async function auditRecords(gateway, ...more) { return (await auditQuery(gateway, ...more)).filter((r) => r.method === "tools/call").length; }
