// A small authorization server in the test's own process: metadata (RFC 8414), keys that rotate, client credentials, and
// token exchange (RFC 8693). Signatures are node:crypto's.
//
//   const issuer = await startIssuer({ resource, clients: { ada: { secret: "s", claims: { sub: "ada", scope: "mcp" } } } });
//   issuer.token({ sub: "ada" })           // an access token, good for 5 minutes
//   issuer.rotate(); issuer.down(true);    // a new key signs from now on; its endpoints answer 503
import { createHmac, createSign, generateKeyPairSync, randomUUID, sign as signRaw } from "node:crypto";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";

const b64 = (value) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

// algorithm: RS256, PS256, ES256, EdDSA
export function signingKey(kid = randomUUID(), algorithm = "ES256") {
  const [type, options] = { RS256: ["rsa", { modulusLength: 2048 }], PS256: ["rsa", { modulusLength: 2048 }], ES256: ["ec", { namedCurve: "P-256" }], EdDSA: ["ed25519", {}] }[algorithm];
  const { privateKey, publicKey } = generateKeyPairSync(type, options);
  return { kid, algorithm, privateKey, publicKey, jwk: { ...publicKey.export({ format: "jwk" }), kid, use: "sig", alg: algorithm } };
}

export function signed(key, claims, header = {}) {
  const input = `${b64({ alg: key.algorithm, kid: key.kid, typ: "at+jwt", ...header })}.${b64(claims)}`;
  const by = { ES256: () => createSign("sha256").update(input).sign({ key: key.privateKey, dsaEncoding: "ieee-p1363" }),
    RS256: () => createSign("sha256").update(input).sign(key.privateKey),
    PS256: () => createSign("sha256").update(input).sign({ key: key.privateKey, padding: 6, saltLength: 32 }),
    EdDSA: () => signRaw(null, Buffer.from(input), key.privateKey) };
  return `${input}.${by[key.algorithm]().toString("base64url")}`;
}

// What an attacker makes of a public key: an HMAC with its text.
export function hmacWithPublicKey(key, claims) {
  const input = `${b64({ alg: "HS256", kid: key.kid, typ: "JWT" })}.${b64(claims)}`;
  const pem = key.publicKey.export({ format: "pem", type: "spki" });
  return `${input}.${createHmac("sha256", pem).update(input).digest("base64url")}`;
}
export const unsigned = (claims, alg = "none") => `${b64({ alg, typ: "JWT" })}.${b64(claims)}.`;

export async function startIssuer({ resource, clients = {}, algorithm = "ES256", tls } = {}) {
  let key = signingKey(randomUUID(), algorithm), published = [key], broken = false;
  const seen = { keys: 0, metadata: 0, exchanges: [], tokens: [] };
  const issuer = {};
  const now = () => Math.floor(Date.now() / 1000);
  issuer.claims = (more = {}) => ({ iss: issuer.url, aud: resource, iat: now(), exp: now() + 300, jti: randomUUID(), ...more });
  issuer.token = (claims = {}, header = {}) => {
    const made = signed(key, issuer.claims(claims), header);
    seen.tokens.push(made);
    return made;
  };
  const answers = {
    "/.well-known/oauth-authorization-server": () => {
      ++seen.metadata;
      return { issuer: issuer.url, jwks_uri: `${issuer.url}/keys`, token_endpoint: `${issuer.url}/token`, authorization_endpoint: `${issuer.url}/authorize`, response_types_supported: ["code"],
        grant_types_supported: ["client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange"], token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post"], code_challenge_methods_supported: ["S256"] };
    },
    "/keys": () => { ++seen.keys; return { keys: published.map((k) => k.jwk) }; },
    "/token": (form, headers) => {
      const basic = /^Basic (.+)$/.exec(headers.authorization ?? "");
      const [id, secret] = basic ? Buffer.from(basic[1], "base64").toString().split(":").map(decodeURIComponent) : [form.get("client_id"), form.get("client_secret")];
      if (clients[id]?.secret !== secret) return { status: 401, error: "invalid_client" };
      if (form.get("grant_type") === "client_credentials") {
        const granted = form.get("scope") ?? clients[id].claims?.scope;
        const token = issuer.token({ ...clients[id].claims, ...(granted && { scope: granted }), aud: form.get("resource") ?? resource });
        return { access_token: token, token_type: "Bearer", expires_in: 300 };
      }
      const subject = form.get("subject_token") ?? "";
      seen.exchanges.push(Object.fromEntries(form));
      if (clients[id].refuses) return { status: 400, error: "invalid_grant", error_description: `not with ${subject}` };
      const who = JSON.parse(Buffer.from(subject.split(".")[1] ?? "e30", "base64url"));
      const token = issuer.token({ sub: who.sub, aud: form.get("audience") ?? form.get("resource"), act: { sub: id } });
      return { access_token: token, issued_token_type: "urn:ietf:params:oauth:token-type:access_token", token_type: "Bearer", expires_in: clients[id].lifetime ?? 300 };
    },
  };
  const handler = async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const answer = broken ? { status: 503, error: "down" } : answers[request.url]?.(new URLSearchParams(Buffer.concat(chunks).toString()), request.headers);
    const { status = answer ? 200 : 404, ...body } = answer ?? {};
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
  };
  const server = tls ? createTlsServer(tls, handler) : createServer(handler);
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return Object.assign(issuer, {
    url: `${tls ? "https" : "http"}://127.0.0.1:${server.address().port}`,
    seen,
    key: () => key,
    down: (is) => { broken = is; },
    // A new key signs from now on; what is published beside it is up to the caller.
    rotate: ({ keep = false } = {}) => { key = signingKey(randomUUID(), algorithm); published = keep ? [...published, key] : [key]; return key; },
    stop: () => { server.closeAllConnections(); server.close(); },
  });
}
