#include "bursar/broker/decide_door/decide_door.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <variant>

#include "bursar/broker/api/api.h"
#include "bursar/broker/audit/digest.h"
#include "bursar/broker/decide_door/answered_keys.h"
#include "bursar/broker/decide_door/decide_pace.h"
#include "bursar/broker/decide_door/decider.h"
#include "bursar/broker/telemetry/log.h"
#include "bursar/core/utc_text.h"

namespace bursar::broker {
namespace {

constexpr std::size_t kMaxKey = 128, kMaxName = 200;
// The ledger's own time of a hold: after ours, so that nothing returns unpaid that may have been spent.
constexpr Duration kHoldSlack = std::chrono::minutes{10};

HttpResponse refused(const HttpRefusal& refusal) {
  HttpResponse response{.status = refusal.status, .body = refusal.body};
  if (!refusal.www_authenticate.empty()) response.headers.emplace_back("www-authenticate", refusal.www_authenticate);
  return response;
}

int status_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::kInvalidArgument: return 400;
    case ErrorCode::kNotFound: return 404;
    case ErrorCode::kPermissionDenied: return 403;
    case ErrorCode::kAlreadyExists: return 409;
    case ErrorCode::kExhausted: return error.retryable ? 429 : 402;
    case ErrorCode::kUnavailable:
    case ErrorCode::kTimeout: return 503;
    default: return 500;
  }
}

HttpResponse failed(const Error& error) {
  HttpResponse response = http_error(status_of(error), name_of(error.code), error.message);
  if (response.status == 402) response.headers.emplace_back("x-should-retry", "false");
  if (response.status == 429) {
    const auto wait = error.retry_after ? std::chrono::ceil<std::chrono::seconds>(*error.retry_after).count() : 1;
    response.headers.emplace_back("x-should-retry", "true");
    response.headers.emplace_back("retry-after", std::to_string(std::max<std::int64_t>(wait, 1)));
  }
  return response;
}

HttpResponse failed(const ledger::Refusal& refusal, WallTime now) {
  Error error = refusal.to_error();
  if (refusal.refills_at) error.retry_after = std::chrono::ceil<std::chrono::milliseconds>(*refusal.refills_at - now);
  return failed(error);
}

struct Named {
  Decider* decider = nullptr;
  std::string payer;
};

std::string member(std::string_view name, const std::string& json) { return ",\"" + std::string(name) + "\":" + json; }

std::string answer_of(const Decider& decider, const Decider::Asked& asked, std::optional<WallTime> expires) {
  const Resources& resources = decider.resources();
  const Decision& decision = asked.decision;
  std::string out = "{\"decision\":" + json_string(to_string(asked.name));
  out += member("policy", json_string(asked.name.policy));
  out += member("option", decision.option ? std::to_string(*decision.option) : "null");
  out += member("reason", json_string(name_of(decision.reason)));
  if (decision.wanted_bid > 0 || decision.bid > 0) out += member("bid", number_json(decision.bid));
  out += member("prices", costs_json(asked.prices, resources));
  out += member("remaining", costs_json(asked.remaining, resources));
  if (expires) {
    out += member("reserved", costs_json(costs_of(asked.reserve, resources), resources));
    out += member("expires", json_string(utc_text(*expires, TimeDigits::kMicros)));
  } else {
    out += member("reserved", "{}");
  }
  if (decision.past_horizon) out += member("past_horizon", "true");
  return out + '}';
}

Result<boost::json::value> body_of(const HttpRequest& request, std::initializer_list<std::string_view> members) {
  auto document = parse_json(request.body, {.max_bytes = kMaxDecideBytes, .max_depth = 8});
  if (!document) return document;
  if (auto known = JsonView(*document).only(members); !known) return tl::unexpected(known.error());
  return document;
}

}  // namespace

struct DecideDoor::State {
  Dependencies deps;
  std::map<std::string, std::unique_ptr<Decider>, std::less<>> deciders;  // fixed once they are open
  AnsweredKeys keys;
  std::atomic<bool> stopped{false};

  [[nodiscard]] Result<Named> find(std::string_view policy, const Principal& principal) const;
  static void decide(const std::shared_ptr<State>& self, const HttpRequest& request, const Principal& principal,
                     const std::shared_ptr<Exchange>& exchange);
  static void reserve(const std::shared_ptr<State>& self, const Named& named, Decider::Asked asked,
                      const std::string& key, const std::shared_ptr<Exchange>& exchange);
  void reserved(Decider& decider, const Decider::Asked& asked, ledger::Reservation made, const std::string& key,
                Exchange& exchange);
  [[nodiscard]] HttpResponse observe(const HttpRequest& request, const Principal& principal) const;
  Result<ledger::Receipt> end(Decider& decider, Decider::Taken& taken, const ObserveRequest& seen, bool known) const;
  void count_as_reserved(Decider& decider, std::vector<Decider::Taken> left) const;
  void save() const;
};

Result<Named> DecideDoor::State::find(std::string_view policy, const Principal& principal) const {
  if (const auto found = deciders.find(policy); found != deciders.end()) {
    const std::string& account = found->second->config().account;
    if (is_within(principal.account, account)) return Named{found->second.get(), principal.account};
    if (may_administer(principal) || is_within(account, principal.account)) return Named{found->second.get(), account};
  }
  return fail(ErrorCode::kNotFound, "there is no policy '" + std::string(policy.substr(0, 64)) + "' for account " +
                                        principal.account + "; bursar.yaml lists them as `policies`");
}

void DecideDoor::State::decide(const std::shared_ptr<State>& self, const HttpRequest& request,
                               const Principal& principal, const std::shared_ptr<Exchange>& exchange) {
  const auto body = body_of(request, {"policy", "options", "context", "key"});
  if (!body) return exchange->answer(failed(body.error()));
  const JsonView root(*body);
  const auto name = root.string_at("policy", kMaxName);
  if (!name) return exchange->answer(failed(name.error()));
  const auto named = self->find(*name, principal);
  if (!named) return exchange->answer(failed(named.error()));
  const auto asks = read_decide(root, named->decider->resources(), named->decider->learns());
  if (!asks) return exchange->answer(failed(asks.error()));
  std::string key;
  if (const auto given = root.find("key"); !given) {
    return exchange->answer(failed(given.error()));
  } else if (*given) {
    const auto text = (*given)->as_string(kMaxKey);
    if (!text) return exchange->answer(failed(text.error()));
    key = principal.subject + '\n' + std::string(*text);
  }
  const WallTime now = self->deps.clock->now();
  if (!key.empty()) {
    auto known = self->keys.begin(key, hex(sha256(request.body)), now);
    switch (known.state) {
      case AnsweredKeys::State::kNew: break;
      case AnsweredKeys::State::kAnswered: return exchange->answer({.body = std::move(known.answer)});
      case AnsweredKeys::State::kUnderWay:
        return exchange->answer(http_error(409, "already_exists", "$.key: is being decided; ask again for the answer"));
      case AnsweredKeys::State::kOther:
        return exchange->answer(
            http_error(409, "already_exists", "$.key: came with another body before; use a new key"));
    }
  }
  auto asked = named->decider->ask(*asks, principal.subject, now);
  if (!asked) {
    if (!key.empty()) self->keys.forget(key);
    return exchange->answer(failed(asked.error()));
  }
  if (asked->open) return reserve(self, *named, std::move(*asked), key, exchange);
  std::string answer = answer_of(*named->decider, *asked, std::nullopt);
  if (!key.empty()) self->keys.finish(key, answer, now);
  exchange->answer({.body = std::move(answer)});
}

void DecideDoor::State::reserve(const std::shared_ptr<State>& self, const Named& named, Decider::Asked asked,
                                const std::string& key, const std::shared_ptr<Exchange>& exchange) {
  ledger::ReserveRequest request{
      .account = named.payer, .amounts = asked.reserve, .ttl = named.decider->config().feedback + kHoldSlack};
  // A reservation is moved out of the ledger's function, which is called once; a std::function has to be copyable.
  self->deps.ledger->reserve(std::move(request), [self, decider = named.decider, asked = std::move(asked), key,
                                                  exchange](ledger::Reservation made) {
    self->reserved(*decider, asked, std::move(made), key, *exchange);
  });
}

void DecideDoor::State::reserved(Decider& decider, const Decider::Asked& asked, ledger::Reservation made,
                                 const std::string& key, Exchange& exchange) {
  const WallTime now = deps.clock->now();
  auto* hold = std::get_if<ledger::Hold>(&made);
  if (hold == nullptr || stopped.load()) {
    decider.refuse(asked.name.id);
    if (!key.empty()) keys.forget(key);
    if (const auto* refusal = std::get_if<ledger::Refusal>(&made)) return exchange.answer(failed(*refusal, now));
    return exchange.answer(http_error(503, "unavailable", "The gateway is shutting down; nothing was reserved."));
  }
  decider.grant(asked.name.id, std::move(*hold), now);
  std::string answer = answer_of(decider, asked, now + decider.config().feedback);
  if (!key.empty()) keys.finish(key, answer, now);
  exchange.answer({.body = std::move(answer)});
}

// The ledger first: what it could not write, the policy still has to know.
Result<ledger::Receipt> DecideDoor::State::end(Decider& decider, Decider::Taken& taken, const ObserveRequest& seen,
                                               bool known) const {
  const DecisionName name = decider.name_of(taken.id);
  if (taken.paid) {  // by the model call itself, which told what it cost
    decider.tell(taken.id, taken.expected, seen.reward);
    return ledger::Receipt{.reserved = taken.expected, .actual = taken.expected};
  }
  auto receipt = taken.hold.settle(
      {.actual = seen.cost.value_or(taken.expected), .uncertain = !known, .memo = "decision " + to_string(name)});
  if (!receipt) {
    log(LogLevel::kError, "decision_not_settled", {{"decision", to_string(name)}, {"reason", receipt.error().message}});
  }
  decider.tell(taken.id, seen.cost, seen.reward);
  return receipt;
}

HttpResponse DecideDoor::State::observe(const HttpRequest& request, const Principal& principal) const {
  const auto body = body_of(request, {"decision", "cost", "reward"});
  if (!body) return failed(body.error());
  const JsonView root(*body);
  const auto text = root.string_at("decision", kMaxName);
  if (!text) return failed(text.error());
  const auto name = parse_decision_name(*text);
  const auto named = name ? find(name->policy, principal) : tl::unexpected(Error{});
  if (!named) return failed({ErrorCode::kNotFound, "there is no decision '" + std::string(text->substr(0, 100)) + "'"});
  const auto seen = read_observe(root, named->decider->resources());
  if (!seen) return failed(seen.error());
  if (auto ok = named->decider->check_reward(seen->reward); !ok) return failed(ok.error());
  auto taken = named->decider->take(*name, principal);
  if (!taken) return failed(taken.error());
  const auto receipt = end(*named->decider, *taken, *seen, true);
  if (!receipt) return failed(receipt.error());
  const Resources& resources = named->decider->resources();
  std::string out = "{\"decision\":" + json_string(*text);
  out += member("settled", costs_json(costs_of(receipt->actual, resources), resources));
  if (receipt->overrun != Amounts{}) {
    out += member("overrun", costs_json(costs_of(receipt->overrun, resources), resources));
  }
  out += member("remaining", costs_json(named->decider->remaining(), resources));
  return {.body = out + '}'};
}

void DecideDoor::State::count_as_reserved(Decider& decider, std::vector<Decider::Taken> left) const {
  for (Decider::Taken& taken : left) (void)end(decider, taken, {.cost = taken.reserve}, false);
}

void DecideDoor::State::save() const {
  for (const auto& [name, decider] : deciders) {
    if (auto ok = decider->save(); !ok) {
      log(LogLevel::kWarn, "policy_not_written", {{"policy", name}, {"reason", ok.error().message}});
    }
  }
}

Result<std::unique_ptr<DecideDoor>> DecideDoor::open(Dependencies dependencies, const Config& config) {
  auto state = std::make_shared<State>();
  state->deps = std::move(dependencies);
  for (const DecideConfig& one : config.policies) {
    auto decider = Decider::open(one, config.database + ".policy." + one.name + ".json", state->deps.clock->now());
    if (!decider) return tl::unexpected(decider.error());
    state->deciders.emplace(one.name, std::move(*decider));
  }
  return std::unique_ptr<DecideDoor>(new DecideDoor(std::move(state)));
}

DecideDoor::DecideDoor(std::shared_ptr<State> state) : state_(std::move(state)) {}

DecideDoor::~DecideDoor() { stop(); }

void DecideDoor::handle(const HttpRequest& request, const std::shared_ptr<Exchange>& exchange) {
  const Authentication who = state_->deps.authenticate(request);
  if (const auto* refusal = std::get_if<HttpRefusal>(&who)) return exchange->answer(refused(*refusal));
  if (request.method != "POST") {
    HttpResponse response = http_error(405, "method_not_allowed", "Decisions and observations are posted.");
    response.headers.emplace_back("allow", "POST");
    return exchange->answer(std::move(response));
  }
  if (state_->stopped.load()) {
    return exchange->answer(http_error(503, "unavailable", "The gateway is shutting down."));
  }
  const Principal& principal = std::get<Principal>(who);
  if (request.path == "/v1/decide") return State::decide(state_, request, principal, exchange);
  exchange->answer(state_->observe(request, principal));
}

Result<PaceAnswer> DecideDoor::pace(const PaceQuestion& question) {
  const auto found = state_->deciders.find(question.policy);
  if (found == state_->deciders.end()) {
    return fail(ErrorCode::kNotFound,
                "the policy " + std::string(question.policy) + " is not there yet; restart the gateway");
  }
  return pace_with(state_, *found->second, question, state_->deps.clock->now());
}

void DecideDoor::tick() {
  const WallTime now = state_->deps.clock->now();
  for (const auto& [name, decider] : state_->deciders) state_->count_as_reserved(*decider, decider->overdue(now));
  state_->save();
}

void DecideDoor::stop() {
  if (state_->stopped.exchange(true)) return;
  for (const auto& [name, decider] : state_->deciders) state_->count_as_reserved(*decider, decider->finish());
  state_->save();
}

}  // namespace bursar::broker
