// Every field of bursar.yaml, once: its name, where it lives in Config, what it may be, and what it is for. The loader,
// the JSON schema and the documentation are three visitors of these functions, so they cannot disagree.
//
//   struct Loader { template <…> void whole(std::string_view name, T& value, …); … };
//   Config config;  Loader loader(root);  describe(loader, config);
//
// A visitor has: text, flag, whole, real, size, duration, texts, text_map, choice, amounts, limits, object, objects.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

#include "bursar/broker/config/config.h"

namespace bursar::broker {

enum class Need : std::uint8_t { kOptional, kRequired };

template <class V>
void describe(V& v, ListenConfig& c) {
  v.text("address", c.address, "Address to listen on; beyond loopback every caller needs a key.");
  v.whole("port", c.port, 0, 65535, "TCP port; 0 lets the system choose.");
  v.texts("allowed_origins", c.allowed_origins, 256,
          "Values of the Origin header that are let in, beside loopback ones.");
  v.texts("allowed_hosts", c.allowed_hosts, 256,
          "Values of the Host header that are let in, beside loopback names and `address`.");
  v.whole("reactors", c.reactors, 0, 256, "Threads that do input and output; 0 means one a core.");
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
void describe(V& v, IdentityConfig& c) {
  v.flag("development", c.development, "A caller on loopback without a key is the development principal.");
  v.text("development_account", c.development_account, "The account that pays for the development principal.");
}

template <class V>
void describe(V& v, ledger::AccountSpec& c) {
  v.text("path", c.path, "Names joined by `/`, such as `acme/research/ada`; the parent must be listed too.",
         Need::kRequired);
  v.limits("limits", c.limits, "Such as `100 usd month Europe/Berlin`, `60 calls rate 60 s`, `1M tokens`.");
  v.flag("frozen", c.frozen, "Nothing may be spent.");
  v.flag("sync", c.sync, "Every reservation is on disk before it is granted.");
  v.flag("fail_open", c.fail_open, "Spend on, unguarded and reported, while the database fails.");
}

inline constexpr std::array<std::pair<std::string_view, Isolation>, 3> kIsolations = {
    {{"shared", Isolation::kShared}, {"principal", Isolation::kPrincipal}, {"session", Isolation::kSession}}};
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
  v.choice("isolation", c.isolation, kIsolations, "Who may share one upstream session or child.");
  v.flag("trust_annotations", c.trust_annotations, "Believe this server's readOnlyHint and idempotentHint.");
  v.whole("max_children", c.max_children, 1, 4096, "Children of this server over all principals and sessions.");
  v.whole("max_concurrent", c.max_concurrent, 1, 1'000'000, "Calls in flight towards this server.");
  v.size("memory", c.memory_bytes, 0, std::size_t{1} << 40, "Address space of a child; 0 for no limit.");
  v.whole("open_files", c.open_files, 16, 1'048'576, "Open files of a child.");
  v.duration("start_timeout", c.start_timeout, milliseconds{1}, hours{1}, "Time a child or session has to get ready.");
  v.duration("child_idle", c.child_idle, milliseconds{1}, hours{24 * 30}, "A child that nobody uses ends after this.");
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
  v.texts("servers", c.servers, 256, "Globs on upstream names.");
  v.texts("tools", c.tools, 256, "Globs on tool names.");
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
  v.choice("log_level", c.log_level, kLogLevels, "Least important event that is logged.");
}

}  // namespace bursar::broker
