// Every field of bursar.yaml, once: its name, where it lives in Config, what it may be, and what it is for. The loader,
// the JSON schema and the documentation are three visitors of these functions, so they cannot disagree.
//
//   struct Loader { template <…> void whole(std::string_view name, T& value, …); … };
//   Config config;  Loader loader(root);  describe(loader, config);
//
// A visitor has: text, flag, whole, real, size, duration, texts, reals, text_map, choice, amounts, limits, object,
// objects.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

#include "bursar/broker/config/config.h"

namespace bursar::broker {

enum class Need : std::uint8_t { kOptional, kRequired };

template <class V>
void describe(V& v, TlsServerConfig& c) {
  v.text("certificate", c.certificate, "PEM file with the certificate chain.");
  v.text("key", c.key, "PEM file with the private key.");
  v.text("client_ca", c.client_ca, "PEM file; clients must show a certificate that it signed.");
}

template <class V>
void describe(V& v, TlsClientConfig& c) {
  v.text("ca", c.ca, "PEM file with the authorities to trust; by default the system's.");
  v.text("certificate", c.certificate, "PEM file with our own certificate chain, for servers that ask for one.");
  v.text("key", c.key, "PEM file with our own private key.");
}

template <class V>
void describe(V& v, TokenExchangeConfig& c) {
  v.text("url", c.url, "Token endpoint (RFC 8693); without one nothing is exchanged.");
  v.text("client_id", c.client_id, "Our own name there.");
  v.text("client_secret", c.client_secret, "Our own secret there; never printed.");
  v.text("audience", c.audience, "Audience of the token that is asked for.");
  v.text("resource", c.resource, "Resource (RFC 8707) of the token that is asked for.");
  v.text("scope", c.scope, "Scope of the token that is asked for.");
}

inline constexpr std::array<std::pair<std::string_view, AuthChoice>, 3> kAuthChoices = {
    {{"auto", AuthChoice::kAuto}, {"oauth", AuthChoice::kOAuth}, {"none", AuthChoice::kNone}}};
inline constexpr std::array<std::pair<std::string_view, TokenAuth>, 5> kTokenAuths = {
    {{"auto", TokenAuth::kAuto},
     {"none", TokenAuth::kNone},
     {"basic", TokenAuth::kBasic},
     {"post", TokenAuth::kPost},
     {"private_key_jwt", TokenAuth::kPrivateKeyJwt}}};
inline constexpr std::array<std::pair<std::string_view, OAuthGrant>, 2> kOAuthGrants = {
    {{"authorization_code", OAuthGrant::kAuthorizationCode}, {"client_credentials", OAuthGrant::kClientCredentials}}};

template <class V>
void describe(V& v, OAuthConfig& c) {
  v.text("issuer", c.issuer,
         "The only authorization server that is believed; needed with `client_secret` and `private_key`.");
  v.text("client_id", c.client_id, "Our name there, where we are registered; by default we register ourselves.");
  v.text("client_secret", c.client_secret, "Our secret there; never printed.");
  v.text("client_metadata_url", c.client_metadata_url,
         "Our Client ID Metadata Document, an https URL: our name at servers that read such documents.");
  v.choice("token_auth", c.token_auth, kTokenAuths, "How we prove ourselves at the token endpoint.");
  v.text("private_key", c.private_key, "PEM file with the key that signs for `private_key_jwt`.");
  v.text("algorithm", c.algorithm, "Its algorithm: ES256, ES384, RS256, PS256 or EdDSA.");
  v.choice("grant", c.grant, kOAuthGrants,
           "`authorization_code`: somebody signs in once; `client_credentials`: we are our own account.");
  v.texts("scopes", c.scopes, 64, "Scopes to ask for, in the place of those that the server names.");
  v.text(
      "redirect_url", c.redirect_url,
      "Where browsers reach `/oauth/callback` of this gateway; by default under `identity.resource`, else loopback.");
  v.object("tls", c.tls, "How certificates of the authorization server are checked.");
}

template <class V>
void describe(V& v, ListenConfig& c) {
  v.text("address", c.address, "Address to listen on; beyond loopback every caller needs a key.");
  v.whole("port", c.port, 0, 65535, "TCP port; 0 lets the system choose.");
  v.texts("allowed_origins", c.allowed_origins, 256,
          "Values of the Origin header that are let in, beside loopback ones.");
  v.texts("allowed_hosts", c.allowed_hosts, 256,
          "Values of the Host header that are let in, beside loopback names and `address`.");
  v.whole("reactors", c.reactors, 0, 256, "Threads that do input and output; 0 means one a core.");
  v.object("tls", c.tls, "HTTPS; without a certificate, plain HTTP.");
}

template <class V>
void describe(V& v, LimitsConfig& c) {
  constexpr std::size_t kMiB = 1 << 20;
  using std::chrono::hours, std::chrono::milliseconds;
  v.size("body", c.body_bytes, 1024, 256 * kMiB, "Longest request body.");
  v.size("header", c.header_bytes, 1024, kMiB, "Longest request header.");
  v.whole("json_depth", c.json_depth, 8, 512, "Deepest nesting of a JSON body.");
  v.whole("connections", c.connections, 1, 1'000'000, "Open connections.");
  v.whole("sessions", c.sessions, 1, 1'000'000, "Agent sessions.");
  v.whole("sessions_per_principal", c.sessions_per_principal, 1, 1'000'000, "Agent sessions of one principal.");
  v.whole("calls_per_principal", c.calls_per_principal, 1, 1'000'000,
          "Calls of one principal that run at the same time.");
  v.whole("queue_per_stream", c.queue_per_stream, 1, 1'000'000, "Messages that wait for one slow reader.");
  v.size("result", c.result_bytes, 1024, 256 * kMiB, "Longest tool result; what is longer is cut and flagged.");
  v.duration("header_timeout", c.header_timeout, milliseconds{1}, hours{1}, "Time a client has to send its header.");
  v.duration("body_timeout", c.body_timeout, milliseconds{1}, hours{1}, "Time a client has to send its body.");
  v.duration("idle_timeout", c.idle_timeout, milliseconds{1}, hours{24}, "How long a kept-alive connection may rest.");
  v.duration("session_idle", c.session_idle, milliseconds{1}, hours{24 * 30}, "How long an agent session may rest.");
  v.duration("write_timeout", c.write_timeout, milliseconds{1}, hours{1},
             "A reader that takes nothing for so long is cut off.");
  v.duration("drain", c.drain, Duration{0}, hours{1}, "How long a shutdown waits for running calls.");
}

template <class V>
void describe(V& v, IssuerConfig& c) {
  using std::chrono::hours, std::chrono::seconds;
  v.text("issuer", c.issuer, "`iss` of its tokens, exactly.", Need::kRequired);
  v.text("jwks_url", c.jwks_url, "Where its keys are; by default asked of the issuer's metadata.");
  v.texts("audiences", c.audiences, 64, "`aud` must hold one of them; by default `identity.resource`.");
  v.texts("algorithms", c.algorithms, 16, "Signatures that are accepted; asymmetric ones only.");
  v.duration("clock_skew", c.clock_skew, Duration{0}, std::chrono::minutes{10}, "How far its clock may be from ours.");
  v.duration("jwks_cache", c.jwks_cache, seconds{1}, hours{24}, "How long its keys are kept.");
  v.text("groups_claim", c.groups_claim, "Claim with the groups of the caller.");
  v.flag("private_network", c.private_network, "Its host names may lead to a loopback, private or link-local address.");
  v.object("tls", c.tls, "How its certificate is checked.");
}

template <class V>
void describe(V& v, AccountRule& c) {
  v.text("issuer", c.issuer, "Glob on `iss`.");
  v.text("subject", c.subject, "Glob on `sub`.");
  v.texts("groups", c.groups, 256, "Globs on the caller's groups; one must fit.");
  v.text_map("claims", c.claims, 64, "Globs on further claims, by name.");
  v.text("account", c.account, "Account that pays, such as `acme/{tenant}/{sub}`: `{claim}` is a claim's value.",
         Need::kRequired);
  v.flag("create", c.create, "Make the account, below an existing parent, where it is missing.");
  v.limits("limits", c.limits, "Limits of an account so made.");
}

template <class V>
void describe(V& v, IdentityConfig& c) {
  v.flag("development", c.development, "A caller on loopback without a key is the development principal.");
  v.text("development_account", c.development_account, "The account that pays for the development principal.");
  v.text("resource", c.resource,
         "Our own identifier, an https URL: what tokens must be meant for (RFC 8707, RFC 9728).");
  v.texts("scopes", c.scopes, 64, "Scopes that every token needs.");
  v.text("admin_scope", c.admin_scope, "Scope of a token whose bearer is an administrator; empty for none.");
  v.objects("issuers", c.issuers, 32, "Authorization servers whose JWT access tokens are accepted.");
  v.objects("accounts", c.accounts, 1000, "Which account pays for a caller with a token; the first rule that fits.");
}

template <class V>
void describe(V& v, ledger::AccountSpec& c) {
  v.text("path", c.path, "Names joined by `/`, such as `acme/research/ada`; the parent must be listed too.",
         Need::kRequired);
  v.limits("limits", c.limits, "Such as `100 usd month Europe/Berlin`, `60 calls rate 60 s`, `1M tokens`.");
  v.flag("frozen", c.frozen, "Nothing may be spent while the file says so; without it `bursar budget freeze` decides.");
  v.flag("sync", c.sync, "Every reservation is on disk before it is granted.");
  v.flag("fail_open", c.fail_open, "Spend on, unguarded and reported, while the database fails.");
}

inline constexpr std::array<std::pair<std::string_view, Isolation>, 3> kIsolations = {
    {{"shared", Isolation::kShared}, {"principal", Isolation::kPrincipal}, {"session", Isolation::kSession}}};
inline constexpr std::array<std::pair<std::string_view, EraChoice>, 3> kEras = {
    {{"auto", EraChoice::kAuto}, {"modern", EraChoice::kModern}, {"legacy", EraChoice::kLegacy}}};
inline constexpr std::array<std::pair<std::string_view, Effect>, 2> kEffects = {
    {{"allow", Effect::kAllow}, {"deny", Effect::kDeny}}};
inline constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kLogLevels = {
    {{"trace", "trace"}, {"debug", "debug"}, {"info", "info"}, {"warn", "warn"}, {"error", "error"}, {"off", "off"}}};

template <class V>
void describe(V& v, UpstreamConfig& c) {
  using std::chrono::hours, std::chrono::milliseconds;
  v.text("name", c.name, "a-z 0-9 _ - (1 to 32 characters); the path `/mcp/<name>`.", Need::kRequired);
  v.text("prefix", c.prefix,
         "Goes before the names of its tools under `/mcp`; by default the name and a dot, `\"\"` for none.");
  v.text("command", c.command, "Program to start (stdio). Either this or `url`.");
  v.texts("args", c.args, 1024, "Arguments of the program.");
  v.text_map("env", c.env, 256, "Variables of the program, beside PATH, HOME, LANG and TMPDIR.");
  v.text("directory", c.directory, "Folder to start the program in.");
  v.text("url", c.url, "Streamable HTTP endpoint, `http://` or `https://`.");
  v.text_map("headers", c.headers, 64, "Headers towards `url`: our own credentials, never printed.");
  v.object("tls", c.tls, "How the certificate of `url` is checked.");
  v.object("token_exchange", c.token_exchange, "A token of the caller's own for this server (RFC 8693).");
  v.choice("auth", c.auth, kAuthChoices,
           "`oauth`: an administrator signs in once (`bursar upstream login`); `auto`: where the server asks for it.");
  v.object("oauth", c.oauth, "How we sign in; what is left out is learned from the server.");
  v.flag("private_network", c.private_network,
         "The host name of `url` may lead to a loopback, private or link-local address.");
  v.choice("era", c.era, kEras, "Revision of MCP: `modern` (2026-07-28), `legacy` (2025-11-25 and before), or asked.");
  v.text("tools_digest", c.tools_digest,
         "Digest of its tools, as `bursar doctor` prints it; an alarm is raised when they change.");
  v.choice("isolation", c.isolation, kIsolations, "Who may share one upstream session or child.");
  v.flag("trust_annotations", c.trust_annotations, "Believe this server's readOnlyHint and idempotentHint.");
  v.whole("max_children", c.max_children, 1, 4096, "Children of this server over all principals and sessions.");
  v.whole("max_concurrent", c.max_concurrent, 1, 1'000'000, "Calls in flight towards this server.");
  v.size("memory", c.memory_bytes, 0, std::size_t{1} << 40, "Address space of a child; 0 for no limit.");
  v.whole("open_files", c.open_files, 16, 1'048'576, "Open files of a child.");
  v.duration("start_timeout", c.start_timeout, milliseconds{1}, hours{1}, "Time a child or session has to get ready.");
  v.duration("child_idle", c.child_idle, milliseconds{1}, hours{24 * 30},
             "A child that nobody uses ends after this; a session over HTTP after a minute at most.");
}

template <class V>
void describe(V& v, PriceRule& c) {
  v.text("server", c.server, "Glob on the upstream's name.");
  v.text("tool", c.tool, "Glob on the tool's name, as the upstream calls it.");
  v.amounts("price", c.price, "Fixed price, such as `0.002 usd, 1 calls`; reserved and settled.");
  v.flag("meter_ms", c.meter_ms, "Reserve the timeout and settle the milliseconds that passed.");
}

template <class V>
void describe(V& v, PolicyRule& c) {
  v.choice("effect", c.effect, kEffects, "What the rule does.");
  v.texts("principals", c.principals, 256, "Globs on the principal's subject (`key:ada`) or account.");
  v.texts("groups", c.groups, 256, "Globs on the caller's groups; one must fit.");
  v.texts("scopes", c.scopes, 64, "Scopes that the caller must all have.");
  v.texts("servers", c.servers, 256, "Globs on upstream names.");
  v.texts("tools", c.tools, 256, "Globs on tool names.");
  v.text_map("arguments", c.arguments, 64,
             "Globs on string arguments, by name; `*` stays within a path segment, `**` does not, `..` never fits.");
}

template <class V>
void describe(V& v, PolicyConfig& c) {
  v.choice("default", c.default_effect, kEffects, "What happens where no rule fits.");
  v.objects("rules", c.rules, 1000, "First match wins.");
}

template <class V>
void describe(V& v, ToolConfig& c) {
  v.text("server", c.server, "Glob on the upstream's name.");
  v.text("tool", c.tool, "Glob on the tool's name.");
  v.flag("optional", c.optional_step, "The step may be skipped where time is short.");
  v.flag("idempotent", c.idempotent, "Calling twice does no harm, so a retry is safe.");
  v.flag("read_only", c.read_only, "Changes nothing.");
  v.duration("prior", c.prior, Duration{1}, std::chrono::hours{1}, "Latency that is assumed until there is data.");
}

template <class V>
void describe(V& v, schedule::AtbaConfig& c) {
  using std::chrono::hours;
  v.real("growth", c.growth, 1, 10, "Factor on the timeout of each further attempt.");
  v.real("optional_quantile", c.optional_quantile, 0.01, 0.999, "Latency quantile that an optional step gets.");
  v.real("reserve_quantile", c.reserve_quantile, 0.01, 0.999, "Latency quantile kept for each later mandatory step.");
  v.real("mandatory_quantile", c.mandatory_quantile, 0.01, 0.999, "Latency quantile that a mandatory step gets.");
  v.real("stop_early_fraction", c.stop_early_fraction, 0, 1,
         "Of the sum of medians; less time left than that ends the turn. 0 switches it off.");
  v.real("skip_fraction", c.skip_fraction, 0, 1, "Of the median; an optional step that would get less is skipped.");
  v.duration("answer_reserve_min", c.answer_reserve_min, Duration{0}, hours{1}, "Time kept for the answer, at least.");
  v.real("answer_reserve_share", c.answer_reserve_share, 0, 0.9, "Share of the turn kept for the answer.");
  v.duration("timeout_min", c.timeout_min, Duration{0}, hours{1}, "No timeout is shorter while the turn has time.");
  v.duration("hard_max", c.hard_max, std::chrono::milliseconds{1}, hours{24},
             "No call runs longer, whatever its progress says.");
}

template <class V>
void describe(V& v, TurnConfig& c) {
  v.duration("budget", c.budget, std::chrono::milliseconds{1}, std::chrono::hours{24},
             "Time of a turn whose agent names none.");
  v.object("atba", c.atba, "The adaptive timeout rule.");
}

template <class V>
void describe(V& v, RateConfig& c) {
  v.real("per_principal", c.per_principal, 0, 1e6, "Calls a second of one principal; 0 for no limit.");
  v.real("per_tool", c.per_tool, 0, 1e6, "Calls a second of one tool; 0 for no limit.");
  v.real("burst", c.burst, 1, 1e6, "Calls that may come at once.");
}

template <class V>
void describe(V& v, AuditConfig& c) {
  v.flag("arguments", c.arguments, "Keep raw arguments in the audit trail; by default only their HMAC.");
  v.text("security_log", c.security_log, "File that denials are also appended to, as JSON lines; empty for none.");
}

template <class V>
void describe(V& v, ModelUpstreamConfig& c) {
  using std::chrono::hours, std::chrono::milliseconds;
  v.text("name", c.name, "a-z 0-9 _ - (1 to 32 characters).", Need::kRequired);
  v.text("url", c.url, "Base of an OpenAI-compatible endpoint, such as `https://api.openai.com/v1`.", Need::kRequired);
  v.text_map("headers", c.headers, 64, "Our own credentials there, never printed.");
  v.object("tls", c.tls, "How its certificate is checked.");
  v.flag("private_network", c.private_network, "Its host name may lead to a loopback, private or link-local address.");
  v.whole("max_concurrent", c.max_concurrent, 1, 1'000'000, "Calls in flight towards it.");
  v.duration("timeout", c.timeout, milliseconds{1}, hours{24}, "Longest call.");
  v.duration("stall_timeout", c.stall_timeout, milliseconds{1}, hours{1}, "Longest silence of a stream.");
}

template <class V>
void describe(V& v, ModelRouteConfig& c) {
  v.text("model", c.model, "Glob on the model that the agent asks for.", Need::kRequired);
  v.texts("targets", c.targets, 32, "`upstream/model` or `upstream`, in the order in which they are tried.");
  v.text("policy", c.policy, "One of `policies`: chooses which target is tried first, or that the call has to wait.");
  v.reals("values", c.values, 32, 0, 1e9,
          "What an answer of each target is worth; needed with a `policy` that does not learn it.");
  v.whole("retries", c.retries, 0, 16, "Further attempts, over all targets.");
  v.duration("hedge_after", c.hedge_after, Duration{0}, std::chrono::hours{1},
             "A second attempt beside the first after this; 0 for never.");
  v.whole("max_output_tokens", c.max_output_tokens, 1, 10'000'000,
          "Reserved, and asked of the upstream, without `max_tokens`.");
}

template <class V>
void describe(V& v, ModelPriceConfig& c) {
  v.text("upstream", c.upstream, "Glob on the upstream's name.");
  v.text("model", c.model, "Glob on the model's name there.");
  v.amounts("input", c.input, "Price of a million prompt tokens, such as `2.50 usd`.");
  v.amounts("cached_input", c.cached_input, "Price of a million cached prompt tokens; by default that of `input`.");
  v.amounts("output", c.output, "Price of a million completion tokens.");
  v.amounts("call", c.call, "Price of a call, whatever its size.");
}

template <class V>
void describe(V& v, ModelsConfig& c) {
  v.objects("upstreams", c.upstreams, 256, "OpenAI-compatible endpoints.");
  v.objects("routes", c.routes, 1000, "Which endpoint answers for which model; the first rule that fits.");
  v.objects("prices", c.prices, 1000, "What tokens cost; the first rule that fits.");
  v.text("price_file", c.price_file, "YAML file with a `date` and further `prices`.");
}

template <class V>
void describe(V& v, DecideConfig& c) {
  v.text("name", c.name, "What requests call it: a-z 0-9 _ - (1 to 32 characters).", Need::kRequired);
  v.text("policy", c.policy,
         "`NAME` or `NAME:param=value,…`, as `bursar replay` takes it, or a bandit of `bursar explore policies`.",
         Need::kRequired);
  v.text("account", c.account, "Account that pays, or the account below it that asks.", Need::kRequired);
  v.amounts("budget", c.budget, "What the policy spreads over its requests, such as `100 usd, 2M tokens`; needed.");
  v.text("window", c.window, "`day`, `week` or `month`, and a time zone: the budget is there anew in each.");
  v.whole("horizon", c.horizon, 0, 1'000'000'000'000, "Requests that the budget must last; 0 where that is not known.");
  v.duration("feedback", c.feedback, std::chrono::seconds{1}, std::chrono::hours{23},
             "A decision that is not observed by then counts as what it reserved.");
}

template <class V>
void describe(V& v, StrategyConfig& c) {
  v.text("model", c.model, "Model that jobs ask, by the name that agents would use; empty: no strategies.");
  v.text("small_model", c.small_model, "Model of cheap steps; by default `model`.");
  v.text("judge_model", c.judge_model, "Model that judges answers; by default `model`.");
  v.text("embedding_model", c.embedding_model, "Model that embeds texts; by default hashed n-grams, without a model.");
  v.texts("tools", c.tools, 32, "MCP tools as agents see them; the first is the one to search with.");
  v.whole("max_output_tokens", c.max_output_tokens, 1, 10'000'000, "Of one answer, where the agent names no limit.");
  v.whole("parallel", c.parallel, 1, 256, "Inner calls of one job at a time.");
  v.whole("calls", c.calls, 1, 10'000, "Inner calls of one job.");
  v.duration("time", c.time, std::chrono::seconds{1}, std::chrono::hours{24}, "Of one job, at most.");
  v.texts("pipelines", c.pipelines, 64,
          "Files of pipelines, as `bursar tts search` writes them: `bursar/pipeline-<name>`.");
}

template <class V>
void describe(V& v, HandlesConfig& c) {
  v.text("secret", c.secret,
         "Key of session ids and request states; the same in all replicas. By default made and kept in the database.");
  v.duration("state_lifetime", c.state_lifetime, std::chrono::seconds{1}, std::chrono::hours{24},
             "How long a requestState that we hand out may come back.");
}

template <class V>
void describe(V& v, TelemetryConfig& c) {
  v.text("otlp_url", c.otlp_url, "OTLP/HTTP receiver of traces, such as `http://127.0.0.1:4318`; empty for none.");
  v.text_map("headers", c.headers, 64, "Our own credentials there, never printed.");
  v.real("sample", c.sample, 0, 1, "Share of the calls traced that bring no decision of their own.");
  v.text("service", c.service, "`service.name` of the traces.");
}

template <class V>
void describe(V& v, Config& c) {
  v.texts("resources", c.resources, 32,
          "Whole-number resources of your own, beside usd, tokens, calls, ms, rollouts, bits, labels.");
  v.object("listen", c.listen, "Where agents connect.");
  v.text("database", c.database, "SQLite file with budgets, receipts, keys and the audit trail.");
  v.object("limits", c.limits, "What an outsider can fill, and how far.");
  v.object("identity", c.identity, "Who callers are.");
  v.objects("accounts", c.accounts, 10'000, "The budget tree.");
  v.objects("upstreams", c.upstreams, 256, "The MCP servers behind the gateway.");
  v.objects("prices", c.prices, 1000,
            "What calls cost; the first rule that fits. Without one a call costs 1 call and its milliseconds.");
  v.object("policy", c.policy, "Who may call what.");
  v.objects("tools", c.tools, 1000, "Corrections of what servers say about their tools.");
  v.object("turn", c.turn, "Time of an agent's turn.");
  v.object("rate", c.rate, "Token buckets beside the account limits.");
  v.object("audit", c.audit, "The audit trail.");
  v.object("models", c.models, "Model endpoints under `/v1`.");
  v.objects("policies", c.policies, 100, "Named policies that `/v1/decide` asks.");
  v.object("strategies", c.strategies, "Models named `bursar/<strategy>`.");
  v.object("handles", c.handles, "Session ids and request states.");
  v.object("telemetry", c.telemetry, "Traces.");
  v.choice("log_level", c.log_level, kLogLevels, "Least important event that is logged.");
}

}  // namespace bursar::broker
