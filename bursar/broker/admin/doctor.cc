#include "bursar/broker/admin/doctor.h"

#include <algorithm>
#include <array>
#include <set>
#include <sys/stat.h>

#include "bursar/broker/config/values.h"
#include "bursar/broker/oauth/vault.h"
#include "bursar/broker/pipeline/serf.h"
#include "bursar/core/utc_text.h"

namespace bursar::broker {
namespace {

bool is_loopback(std::string_view address) {
  return address == "localhost" || address == "::1" || address.starts_with("127.");
}

std::string listed(const std::vector<std::string>& names) {
  std::string out;
  for (std::size_t i = 0; i < names.size() && i < 5; ++i) out += (i == 0 ? "" : ", ") + names[i];
  return names.size() > 5 ? out + " and " + std::to_string(names.size() - 5) + " more" : out;
}

// "3 of 100 usd"
std::string spent_text(const ledger::Standing& s) {
  return to_string(Amount{s.limit.resource, s.spent}) + " of " + limit_text(s.limit);
}

class Examiner {
 public:
  explicit Examiner(const DoctorFacts& facts) : facts_(facts), config_(facts.config) {}

  std::vector<Finding> run() {
    if (!facts_.config_error.empty()) {
      add(Grade::kFail, "configuration", "the file is valid", facts_.config_error,
          "correct it; `bursar check` reads it again");
      return std::move(findings_);
    }
    add(Grade::kOk, "configuration", "the file is valid",
        std::to_string(config_.upstreams.size()) + " upstreams, " + std::to_string(config_.accounts.size()) +
            " accounts");
    contracts();
    if (!config_.models.upstreams.empty()) models();
    context();
    timeouts();
    errors();
    observability();
    storage();
    return std::move(findings_);
  }

 private:
  void add(Grade grade, std::string_view head, std::string_view check, std::string detail, std::string advice = {}) {
    findings_.push_back({grade, std::string(head), std::string(check), std::move(detail), std::move(advice)});
  }
  void ok_or(bool ok, Grade otherwise, std::string_view head, std::string_view check, std::string detail,
             std::string advice) {
    add(ok ? Grade::kOk : otherwise, head, check, std::move(detail), ok ? std::string() : std::move(advice));
  }

  void contracts() {
    const std::size_t upstreams = config_.upstreams.size() + config_.models.upstreams.size();
    ok_or(upstreams > 0, Grade::kFail, "contracts", "there are upstreams", std::to_string(upstreams) + " configured",
          "add them under upstreams, or run `bursar import mcp.json`");
    if (!facts_.never_signed_in.empty()) {
      add(Grade::kFail, "contracts", "we are signed in to every upstream with auth: oauth",
          "never: " + listed(facts_.never_signed_in),
          "start the gateway and run `bursar upstream login " + facts_.never_signed_in.front() + "`");
    }
    if (!facts_.running) {
      return add(Grade::kWarn, "contracts", "every tool has a usable schema", "no running gateway was looked at",
                 "start the gateway and run `bursar doctor --url http://…`");
    }
    for (const auto& u : facts_.running->upstreams) {
      ok_or(u.up, Grade::kFail, "contracts", "upstream " + u.name + " answers",
            u.up ? std::to_string(u.tools) + " tools, protocol " + u.protocol_version : u.last_error,
            "start it, or correct its command or url");
      if (!u.sign_in.empty() && u.sign_in != "none") signed_in(u);
      ok_or(u.tools_without_schema.empty(), Grade::kWarn, "contracts", "tools of " + u.name + " have usable schemas",
            u.tools_without_schema.empty() ? "all of them" : "without: " + listed(u.tools_without_schema),
            "their arguments cannot be checked before they cost something; have the server declare an inputSchema");
      pinned(u);
    }
  }

  void signed_in(const UpstreamHealth& u) {
    ok_or(u.sign_in == "signed_in", Grade::kFail, "contracts", "we are signed in to upstream " + u.name,
          u.sign_in == "signed_in"   ? "with a token of its authorization server"
          : u.sign_in == "under_way" ? "a sign-in waits for its browser"
                                     : "its server asks for a token",
          "run `bursar upstream login " + u.name + "`");
  }

  void pinned(const UpstreamHealth& u) {
    if (u.tools_digest.empty()) return;
    const std::string pin = "tools_digest: " + u.tools_digest;
    if (u.tools_pinned.empty()) {
      return add(Grade::kWarn, "contracts", "tools of " + u.name + " are pinned", "they may change unseen",
                 "look at them, and write " + pin + " to the upstream");
    }
    ok_or(!u.drifted(), Grade::kFail, "contracts", "tools of " + u.name + " are pinned",
          u.drifted() ? "they are not what was pinned" : "they are what was pinned",
          "look at what changed; if it is right, write " + pin);
  }

  void models() {
    const ModelsConfig& m = config_.models;
    std::vector<std::string> open;
    for (const auto& u : m.upstreams) {
      if (!u.url.starts_with("https://") && !local_url(u.url)) open.push_back(u.name);
    }
    ok_or(open.empty(), Grade::kFail, "models", "credentials towards model endpoints are encrypted",
          open.empty() ? "https, or on this machine" : "plain http: " + listed(open), "use https");
    const bool priced = !m.prices.empty() || !m.price_file.empty();
    ok_or(priced, Grade::kWarn, "models", "models have prices",
          priced ? std::to_string(m.prices.size()) + " rules" + (m.price_file.empty() ? "" : " and " + m.price_file)
                 : "neither models.prices nor models.price_file is set",
          "set them; a model without a price is refused where usd is limited");
    if (!facts_.running) return;
    constexpr auto kOld = std::chrono::days{90};
    if (const std::string& date = facts_.running->price_date; !date.empty()) {
      const auto day = parse_utc(date);
      const bool recent = day && facts_.now - *day < kOld;
      ok_or(recent, Grade::kWarn, "models", "prices were looked up within 90 days", m.price_file + " is of " + date,
            "compare the prices with the bills and set its date (YYYY-MM-DD)");
    }
    for (const auto& u : facts_.running->models) {
      ok_or(!u.circuit_open && u.last_error.empty(), Grade::kFail, "models", "model endpoint " + u.name + " answers",
            u.last_error.empty() ? std::to_string(u.in_flight) + " calls in flight" : u.last_error,
            "correct its url, headers or tls, or wait until it is well again");
    }
  }

  void context() {
    const bool local = is_loopback(config_.listen.address);
    ok_or(config_.policy.default_effect == Effect::kDeny, local ? Grade::kWarn : Grade::kFail, "context",
          "tools are denied unless a rule allows them",
          config_.policy.default_effect == Effect::kDeny ? "policy.default is deny" : "policy.default is allow",
          "set policy.default to deny and list what is allowed");
    const auto valid = std::ranges::count_if(
        facts_.keys, [&](const KeyInfo& k) { return !k.revoked && (!k.expires || *k.expires > facts_.now); });
    ok_or(local || valid > 0, Grade::kFail, "context", "callers beyond loopback have keys",
          std::to_string(valid) + " valid keys; listening on " + config_.listen.address,
          "run `bursar keys create <name> --account <account>`");
    ok_or(local || !config_.identity.development, Grade::kFail, "context", "no caller works without a key",
          config_.identity.development ? "identity.development is on" : "identity.development is off",
          "set identity.development to false");
    keys_and_accounts();
    shared_credentials(local);
    if (facts_.foreign_session) {
      ok_or(facts_.foreign_session->empty(), Grade::kFail, "context",
            "a session of one principal is refused to another",
            facts_.foreign_session->empty() ? "tried with two keys" : "it was answered: " + *facts_.foreign_session,
            "this is a bug; stop the gateway and report it");
    }
  }

  void keys_and_accounts() {
    std::set<std::string_view> paths;
    for (const auto& account : config_.accounts) paths.insert(account.path);
    std::vector<std::string> lost;
    for (const auto& key : facts_.keys) {
      if (!key.revoked && !paths.contains(key.account)) lost.push_back(key.name + " (" + key.account + ")");
    }
    ok_or(lost.empty(), Grade::kFail, "context", "every key pays from an account that exists",
          lost.empty() ? "all of them" : "without: " + listed(lost), "add the accounts, or revoke the keys");
    std::vector<std::string> unlimited;
    for (const auto& account : config_.accounts) {
      if (!limited(account.path)) unlimited.push_back(account.path);
    }
    ok_or(unlimited.empty(), Grade::kWarn, "context", "every account has a limit, of its own or above it",
          unlimited.empty() ? "all of them" : "without: " + listed(unlimited),
          "give them limits, such as \"1000 calls day\"");
  }

  [[nodiscard]] bool limited(std::string_view path) const {
    return std::ranges::any_of(config_.accounts, [&](const ledger::AccountSpec& a) {
      return !a.limits.empty() && path.starts_with(a.path) &&
             (path.size() == a.path.size() || path[a.path.size()] == '/');
    });
  }

  void shared_credentials(bool local) {
    std::vector<std::string> shared;
    for (const auto& u : config_.upstreams) {
      if (u.isolation == Isolation::kShared) shared.push_back(u.name);
    }
    ok_or(shared.empty(), local ? Grade::kWarn : Grade::kFail, "context", "no two principals share an upstream session",
          shared.empty() ? "isolation is principal or session everywhere" : "shared: " + listed(shared),
          "set isolation to principal, unless the server keeps nothing of its callers");
    std::vector<std::string> open;
    for (const auto& u : config_.upstreams) {
      if (!u.url.empty() && !u.url.starts_with("https://") && !local_url(u.url)) open.push_back(u.name);
    }
    ok_or(open.empty(), Grade::kFail, "context", "credentials towards upstreams are encrypted",
          open.empty() ? "https, or on this machine" : "plain http: " + listed(open), "use https");
  }

  static bool local_url(std::string_view url) {
    url.remove_prefix(std::min(url.find("://") + 3, url.size()));
    if (url.starts_with("[::1]")) return true;
    return is_loopback(url.substr(0, url.find_first_of(":/")));
  }

  void timeouts() {
    const auto& turn = config_.turn;
    ok_or(turn.budget > turn.atba.answer_reserve_min, Grade::kFail, "timeouts", "a turn leaves time beside its answer",
          "turn.budget is " + duration_text(turn.budget) + ", " + duration_text(turn.atba.answer_reserve_min) +
              " are kept for the answer",
          "raise turn.budget");
    ok_or(turn.atba.stop_early_fraction > 0, Grade::kWarn, "timeouts", "a turn that cannot end in time stops early",
          turn.atba.stop_early_fraction > 0 ? "with what was obtained" : "stop_early_fraction is 0",
          "leave it at its default");
    add(Grade::kOk, "timeouts", "a failing upstream is cut off", "5 failures in a row open its circuit for 30 s");
    if (!facts_.running) return;
    for (const auto& u : facts_.running->upstreams) {
      ok_or(u.tools_without_latency.empty(), Grade::kWarn, "timeouts", "tools of " + u.name + " have data or a prior",
            u.tools_without_latency.empty() ? "all of them" : "without: " + listed(u.tools_without_latency),
            "give them a prior under tools, or let them run; 2 s are assumed");
      ok_or(turn.budget > u.sum_of_medians, Grade::kWarn, "timeouts",
            "a turn can hold every tool of " + u.name + " once",
            duration_text(turn.budget) + " for medians of " + duration_text(u.sum_of_medians), "raise turn.budget");
      ok_or(!u.circuit_open, Grade::kWarn, "timeouts", "the circuit of " + u.name + " is closed",
            u.circuit_open ? "open: " + u.last_error : "closed", "look at the server");
    }
  }

  // Every failure there is, classified as if it had happened. Only what the agent itself gave up needs no next step.
  void errors() {
    std::vector<std::string> wrong;
    constexpr int kCauses = static_cast<int>(Cause::kInternal) + 1;
    for (int i = 0; i < kCauses; ++i) {
      const Serf serf = classify({.cause = static_cast<Cause>(i), .tool = "t", .upstream = "u"});
      const auto back = Serf::parse(serf.to_json());
      if (serf.code.empty() || serf.message.empty() || serf.message.size() > 300 ||
          (serf.actions.empty() && serf.code != "CANCELLED") || !back) {
        wrong.push_back(std::to_string(i));
      }
    }
    ok_or(wrong.empty(), Grade::kFail, "errors", "every failure says what to do next",
          std::to_string(kCauses) + " causes tried", "this is a bug: causes " + listed(wrong));
  }

  void observability() {
    if (facts_.audit) {
      add(Grade::kOk, "observability", "the audit trail verifies",
          std::to_string(facts_.audit->records) + " records, head " + facts_.audit->head.substr(0, 12));
    } else if (facts_.audit_error.empty()) {
      add(Grade::kOk, "observability", "the audit trail verifies", "there is none yet");
    } else {
      add(Grade::kFail, "observability", "the audit trail verifies", facts_.audit_error,
          "somebody changed the database; find out who, and keep a copy");
    }
    ok_or(!config_.audit.arguments, Grade::kWarn, "observability", "arguments are not kept as they are",
          config_.audit.arguments ? "audit.arguments is true" : "only their HMAC is kept",
          "set audit.arguments to false");
    ok_or(!config_.audit.security_log.empty(), Grade::kWarn, "observability", "denials have a log of their own",
          config_.audit.security_log.empty() ? "audit.security_log is not set" : config_.audit.security_log,
          "set audit.security_log to a file that your alarms read");
    ok_or(config_.log_level != "off", Grade::kWarn, "observability", "events are logged",
          "log_level is " + config_.log_level, "set log_level to info");
    if (facts_.running) running();
  }

  void running() {
    const GatewayStatus& s = *facts_.running;
    ok_or(s.config_error.empty(), Grade::kFail, "observability", "the gateway runs the newest configuration",
          s.config_error.empty() ? "generation " + std::to_string(s.config_generation) : s.config_error,
          "correct the file");
    ok_or(s.ledger_error.empty(), Grade::kFail, "observability", "the ledger works",
          s.ledger_error.empty() ? "healthy" : s.ledger_error, "nothing is spent until it does");
    ok_or(s.audit_error.empty(), Grade::kFail, "observability", "the audit trail is written",
          s.audit_error.empty() ? "healthy" : s.audit_error, "only tools that change nothing are called until it is");
    ok_or(s.internal_errors == 0, Grade::kWarn, "observability", "no call ended with an error of our own",
          std::to_string(s.internal_errors) + " since the start", "see `bursar audit query --failures`; report them");
    constexpr double kAlarm = 0.8;
    std::vector<std::string> near, over;
    for (const auto& b : s.budgets) {
      if (b.overrun > 0 || b.stranded > 0) over.push_back(b.account + " (" + spent_text(b) + ')');
      if (b.limit.window.kind == ledger::WindowKind::kRate) continue;
      if (static_cast<double>(b.spent) + static_cast<double>(b.held) >= kAlarm * static_cast<double>(b.limit.amount))
        near.push_back(b.account + " (" + spent_text(b) + ')');
    }
    ok_or(near.empty(), Grade::kWarn, "observability", "every budget is below 80 %",
          near.empty() ? "all of them" : listed(near), "raise the limits, or expect refusals");
    ok_or(over.empty(), Grade::kWarn, "observability", "no budget was overrun or lost to a crash",
          over.empty() ? "none" : listed(over), "see `bursar budget show`");
  }

  void storage() {
    if (!facts_.database_exists) {
      return add(Grade::kOk, "storage", "the database is for its owner only", config_.database + " does not exist yet");
    }
    ok_or(facts_.database_error.empty(), Grade::kFail, "storage", "the database can be read",
          facts_.database_error.empty() ? config_.database : facts_.database_error,
          "check its permissions, or restore it");
    ok_or((facts_.database_mode & 077) == 0, Grade::kFail, "storage", "the database is for its owner only",
          (facts_.database_mode & 077) == 0 ? config_.database : "others may read or write " + config_.database,
          "run `chmod 600 " + config_.database + "`");
    std::vector<std::string> open;
    for (const auto& account : config_.accounts) {
      if (account.fail_open) open.push_back(account.path);
    }
    ok_or(open.empty(), Grade::kWarn, "storage", "nothing is spent while the database fails",
          open.empty() ? "every account fails closed" : "fail_open: " + listed(open), "remove fail_open");
  }

  const DoctorFacts& facts_;
  const Config& config_;
  std::vector<Finding> findings_;
};

}  // namespace

DoctorFacts gather_facts(const std::string& config_path, const Environment& env, WallTime now) {
  DoctorFacts facts;
  facts.now = now;
  auto config = config_path.empty() ? parse_config("", "defaults", env) : load_config(config_path, env);
  if (!config) {
    facts.config_error = config.error().message;
    return facts;
  }
  facts.config = std::move(*config);
  const std::string& database = facts.config.database;
  struct stat info{};
  for (const UpstreamConfig& upstream : facts.config.upstreams) {
    const bool somebody = upstream.auth == AuthChoice::kOAuth && upstream.oauth.grant == OAuthGrant::kAuthorizationCode;
    const std::string file = oauth::vault_folder(database) + "/" + upstream.name;
    if (somebody && ::stat(file.c_str(), &info) != 0) facts.never_signed_in.push_back(upstream.name);
  }
  facts.database_exists = ::stat(database.c_str(), &info) == 0;
  facts.database_mode = info.st_mode & 0777;
  if (!facts.database_exists) return facts;
  auto keys = list_keys(database);
  if (keys) {
    facts.keys = std::move(*keys);
  } else {
    facts.database_error = keys.error().message;
  }
  const auto verified = verify(database);
  if (verified) {
    facts.audit = *verified;
  } else if (verified.error().code != ErrorCode::kNotFound) {
    facts.audit_error = verified.error().message;
  }
  return facts;
}

std::vector<Finding> examine(const DoctorFacts& facts) { return Examiner(facts).run(); }

Grade worst(const std::vector<Finding>& findings) {
  Grade out = Grade::kOk;
  for (const auto& finding : findings) out = std::max(out, finding.grade);
  return out;
}

std::string_view name_of(Grade grade) {
  constexpr std::array<std::string_view, 3> kNames = {"ok", "warn", "fail"};
  return kNames[static_cast<std::size_t>(grade)];
}

}  // namespace bursar::broker
