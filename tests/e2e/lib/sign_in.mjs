// Signing in to upstreams: an authorization server with a protected MCP server in the test's own process, a browser, and an
// administrator who does what the gateway asks for.
//
//   const server = await startProtected({ lifetime: 300 });
//   const { authorization_url } = await login(gateway, "files");
//   await browse(authorization_url);               // signs in, and follows the redirection to where it leads
import { createHash, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

export const statusOf = async (gateway, name) => (await gateway.get(`/v1/upstreams/${name}`)).json();
export const login = async (gateway, name) => (await gateway.get(`/v1/upstreams/${name}:login`, { method: "POST", body: "{}" })).json();

// Where the authorization server sends the browser, without going there.
export async function redirection(url) {
  const response = await fetch(url, { redirect: "manual" });
  return response.headers.get("location");
}
export async function browse(url) { return fetch(await redirection(url)); }

// Somebody who signs in whenever that is needed, and gives up where it fails.
export function administrator(gateway, name) {
  let stopped = false, failed = false, busy = false;
  const state = async () => (await statusOf(gateway, name)).sign_in;
  const work = (async () => {
    while (!stopped) {
      if (!failed && (await state()) === "needed") {
        busy = true;
        const begun = await login(gateway, name);
        failed = Boolean(begun.error) || (begun.authorization_url && !(await browse(begun.authorization_url)).ok);
        busy = false;
      }
      await sleep(30);
    }
  })();
  return {
    gaveUp: () => failed,
    // The gateway asks for nothing, or for nothing that helps.
    settled: async () => {
      for (let i = 0; i < 200; ++i) {
        if (failed || (!busy && !["needed", "under_way"].includes(await state()))) return;
        await sleep(50);
      }
    },
    stop: async () => { stopped = true; await work.catch(() => {}); },
  };
}

const TOOLS = [{ name: "whoami", description: "says whose token came", inputSchema: { type: "object" }, annotations: { readOnlyHint: true } }, { name: "write", description: "wants a wider scope", inputSchema: { type: "object" } }];

// lifetime: of access tokens, in seconds; refresh: whether there are refresh tokens; consent: what the user answers; names: the
// authorization server that its metadata names, if not itself.
export async function startProtected({ lifetime = 300, refresh = true, consent = () => true, initialScopes = ["files:read"], names } = {}) {
  const seen = { registrations: [], authorizations: [], tokens: [], authorized: [], refused: 0, secrets: [] };
  const codes = new Map(), tokens = new Map(), refreshes = new Map();
  let origin;
  const secret = (kind) => { const made = `${kind}-${randomUUID()}`; seen.secrets.push(made); return made; };
  const json = (response, status, body, headers = {}) => { response.writeHead(status, { "content-type": "application/json", ...headers }); response.end(JSON.stringify(body)); };
  const give = (response, { client, scope, user, resource }) => {
    const token = secret("access");
    tokens.set(token, { scope, user, resource, until: Date.now() + lifetime * 1000 });
    const body = { access_token: token, token_type: "Bearer", expires_in: lifetime, scope };
    if (refresh) { body.refresh_token = secret("refresh"); refreshes.set(body.refresh_token, { client, scope, user, resource }); }
    json(response, 200, body);
  };
  const authorization = {
    "/.well-known/oauth-protected-resource/mcp": (_, response) => json(response, 200, { resource: `${origin}/mcp`, authorization_servers: [names ?? origin], scopes_supported: initialScopes }),
    "/.well-known/oauth-authorization-server": (_, response) => json(response, 200, {
      issuer: origin, authorization_endpoint: `${origin}/authorize`, token_endpoint: `${origin}/token`, registration_endpoint: `${origin}/register`, response_types_supported: ["code"],
      code_challenge_methods_supported: ["S256"], token_endpoint_auth_methods_supported: ["none"], authorization_response_iss_parameter_supported: true, scopes_supported: [...initialScopes, "offline_access"] }),
    "/register": ({ body }, response) => {
      const asked = JSON.parse(body), client_id = `client-${randomUUID()}`;
      seen.registrations.push({ client_id, ...asked });
      json(response, 201, { client_id, ...asked });
    },
    "/authorize": ({ query }, response) => {
      const client = seen.registrations.find(({ client_id }) => client_id === query.get("client_id"));
      if (!client?.redirect_uris.includes(query.get("redirect_uri"))) return json(response, 400, { error: "invalid_client" });
      seen.authorizations.push(Object.fromEntries(query));
      const back = new URL(query.get("redirect_uri"));
      const answer = (fields) => { for (const [name, value] of Object.entries({ ...fields, state: query.get("state"), iss: origin })) back.searchParams.set(name, value); };
      if (consent(query)) {
        const code = secret("code");
        codes.set(code, { client: client.client_id, challenge: query.get("code_challenge"), redirect: query.get("redirect_uri"), scope: query.get("scope") ?? "", resource: query.get("resource") });
        answer({ code });
      } else {
        answer({ error: "access_denied" });
      }
      response.writeHead(302, { location: back.href });
      response.end();
    },
    "/token": ({ body }, response) => {
      const form = new URLSearchParams(body);
      seen.tokens.push(Object.fromEntries(form));
      if (form.get("grant_type") === "refresh_token") {
        const old = refreshes.get(form.get("refresh_token"));
        refreshes.delete(form.get("refresh_token"));  // each is good once
        return old && old.client === form.get("client_id") ? give(response, old) : json(response, 400, { error: "invalid_grant" });
      }
      const code = codes.get(form.get("code"));
      codes.delete(form.get("code"));
      const challenge = createHash("sha256").update(form.get("code_verifier") ?? "").digest("base64url");
      const good = code && code.client === form.get("client_id") && code.redirect === form.get("redirect_uri") && code.challenge === challenge && code.resource === form.get("resource") && code.resource === `${origin}/mcp`;
      return good ? give(response, { client: code.client, scope: code.scope, user: "ada", resource: code.resource }) : json(response, 400, { error: "invalid_grant" });
    },
  };
  const answers = {
    initialize: (p) => ({ protocolVersion: p.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: "protected", version: "1" } }),
    "tools/list": () => ({ tools: TOOLS }),
    "tools/call": ({ name }, { user, scope }) => ({ content: [{ type: "text", text: `${name} by ${user} with ${scope}` }] }),
  };
  const challenge = (fields) => ({ "www-authenticate": `Bearer ${Object.entries({ ...fields, resource_metadata: `${origin}/.well-known/oauth-protected-resource/mcp` }).map(([k, v]) => `${k}="${v}"`).join(", ")}` });
  const http = createServer(async (request, response) => {
    const chunks = [];
    try { for await (const chunk of request) chunks.push(chunk); } catch { return; }
    const { pathname, searchParams } = new URL(request.url, origin), body = Buffer.concat(chunks).toString();
    if (pathname !== "/mcp") return authorization[pathname] ? authorization[pathname]({ query: searchParams, body }, response) : json(response, 404, {});
    if (request.method !== "POST") { response.writeHead(405); return response.end(); }
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1];
    const known = tokens.get(token);
    if (!known || known.until < Date.now()) { ++seen.refused; return json(response, 401, { error: "invalid_token" }, challenge({ scope: initialScopes.join(" ") })); }
    const message = JSON.parse(body);
    seen.authorized.push(message.method);
    if (message.method === "tools/call" && message.params.name === "write" && !known.scope.split(" ").includes("files:write")) {
      return json(response, 403, { error: "insufficient_scope" }, challenge({ error: "insufficient_scope", scope: "files:write" }));
    }
    if (message.id === undefined) { response.writeHead(202); return response.end(); }
    const answer = answers[message.method];
    json(response, 200, { jsonrpc: "2.0", id: message.id, ...(answer ? { result: answer(message.params ?? {}, known) } : { error: { code: -32601, message: "unknown method" } }) });
  });
  await new Promise((done) => http.listen(0, "127.0.0.1", done));
  origin = `http://127.0.0.1:${http.address().port}`;
  return {
    url: `${origin}/mcp`, issuer: origin, seen,
    revoke: ({ andRefresh = false } = {}) => { tokens.clear(); if (andRefresh) refreshes.clear(); },
    close: () => { http.closeAllConnections(); http.close(); },
  };
}
