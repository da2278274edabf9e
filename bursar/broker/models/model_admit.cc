#include <algorithm>

#include "bursar/broker/models/model_run.h"
#include "bursar/broker/pipeline/stage_support.h"
#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

constexpr Duration kComeBack = std::chrono::seconds{1};  // about when one of many calls ends

BucketRate rate_of(double per_second, double burst) {
  return {.per_second = per_second, .burst = std::max(burst, 1.0)};
}

}  // namespace

ModelRun::Refused ModelRun::route(WallTime /*now*/) {
  const auto route = table_->routes.find(call_.request.model);
  if (!route)
    return Why{.cause = Cause::kNotFound, .hint = "GET /v1/models lists the names that there are", .param = "model"};
  retries_ = route->retries;
  hedge_after_ = route->hedge_after;
  output_max_ = call_.request.max_output.value_or(call_.max_output.value_or(route->max_output_tokens));
  policy_ = route->policy;
  targets_ = route->targets.size();
  for (std::size_t i = 0; i < route->targets.size(); ++i) {
    const ModelTarget& target = route->targets[i];
    auto endpoint = table_->find(target.upstream);
    if (endpoint == nullptr) continue;  // the configuration's check refuses such a route
    if (!services_.pipeline->visible(call_.principal, target.upstream, target.model, call_.request.model)) continue;
    candidates_.push_back({.endpoint = std::move(endpoint),
                           .model = target.model,
                           .price = table_->prices.find(target.upstream, target.model),
                           .value = i < route->values.size() ? route->values[i] : 0,
                           .place = i});
  }
  // What is denied looks exactly like what does not exist.
  if (candidates_.empty()) {
    return Why{.cause = Cause::kNotFound, .hint = "GET /v1/models lists the names that there are", .param = "model"};
  }
  return std::nullopt;
}

ModelRun::Refused ModelRun::throttle(WallTime now) {
  if (shared_.deps.audit_health && !shared_.deps.audit_health()) return Why{.cause = Cause::kStoreUnavailable};
  const RateConfig& rate = config_->rate;
  if (rate.per_principal > 0) {
    if (auto wait =
            shared_.principal_buckets.take(call_.principal.subject, rate_of(rate.per_principal, rate.burst), now)) {
      return Why{.cause = Cause::kRateLimited, .wait = wait};
    }
  }
  if (rate.per_tool > 0) {
    const std::string key = candidates_.front().endpoint->config.name + '\0' + candidates_.front().model;
    if (auto wait = shared_.tool_buckets.take(key, rate_of(rate.per_tool, rate.burst), now)) {
      return Why{.cause = Cause::kRateLimited, .wait = wait};
    }
  }
  auto unit = shared_.in_flight.acquire("p:" + call_.principal.subject, config_->limits.calls_per_principal);
  if (!unit) return Why{.cause = Cause::kConcurrency, .wait = kComeBack};
  principal_unit_ = std::move(*unit);
  return std::nullopt;
}

ModelRun::Refused ModelRun::enter_turn(WallTime now) {
  trace_id_ = trace_id_of(call_.traceparent);
  turn_id_ = trace_id_;
  if (call_.turn.empty()) return std::nullopt;
  const bool object = call_.turn.starts_with('{');
  const std::string meta =
      R"({"dev.bursar/turn":)" + (object ? call_.turn : R"({"id":)" + json_string(call_.turn) + "}") + "}";
  if (object) {
    if (const auto valid = parse_json(call_.turn, {.max_bytes = 16 << 10, .max_depth = 8}); !valid) {
      return Why{.cause = Cause::kBadRequest, .hint = "x-bursar-turn: " + valid.error().message};
    }
  }
  auto asked = read_turn(meta, call_.traceparent);
  if (!asked) return Why{.cause = Cause::kBadRequest, .hint = "x-bursar-turn: " + asked.error().message};
  // A turn of one call that names caps still needs a place where they are kept.
  if (asked->id.empty() && !asked->caps.empty()) asked->id = call_.id;
  const TurnView view = shared_.turns.enter(call_.principal.subject, *asked, config_->turn.budget, now);
  turn_id_ = asked->id;
  turn_ = {.total = view.total, .left = view.ends - now, .plan_known = asked->plan_known};
  std::span<const PlannedStep> later(asked->plan);
  plan_.resize(1);
  if (!later.empty() && later.front().tool == call_.request.model) {
    plan_.front().optional = later.front().optional;
    plan_.front().weight = later.front().weight;
    later = later.subspan(1);
  }
  for (const PlannedStep& step : later) {
    const auto route = table_->routes.find(step.tool);
    if (!route) continue;  // nothing is known of it, so nothing can be kept for it
    plan_.push_back({.tool = {route->targets.front().upstream, route->targets.front().model},
                     .optional = step.optional,
                     .weight = step.weight});
  }
  return std::nullopt;
}

bool ModelRun::limited(Resource resource) const {
  const auto limits = [&](std::string_view account) {
    const auto spec = services_.ledger->account(account);
    return spec && std::ranges::any_of(spec->limits, [&](const ledger::Limit& l) { return l.resource == resource; });
  };
  const std::string_view account = call_.principal.account;
  for (std::size_t end = account.find('/');; end = account.find('/', end + 1)) {
    if (limits(account.substr(0, end))) return true;
    if (end == std::string_view::npos) break;
  }
  if (!turn_) return false;
  return std::ranges::any_of(shared_.turns.caps(call_.principal.subject, turn_id_),
                             [&](const Amount& cap) { return cap.resource == resource; });
}

ModelRun::Refused ModelRun::check_bounds(WallTime /*now*/) {
  const bool unpriced =
      std::ranges::any_of(candidates_, [](const Candidate& c) { return c.price == nullptr || !names(*c.price, kUsd); });
  const std::string& unbounded = call_.request.unbounded;
  if (!unpriced && unbounded.empty()) return std::nullopt;  // the everyday case asks the ledger nothing
  const bool usd = limited(kUsd);
  if (!unbounded.empty() && (usd || limited(kTokens))) {
    return Why{.cause = Cause::kBadRequest,
               .hint = unbounded + ": what it may cost cannot be bounded, and account " + call_.principal.account +
                       " has a limit of tokens or usd",
               .param = unbounded.substr(0, unbounded.find_first_of("[:"))};
  }
  if (!usd) return std::nullopt;
  const std::string first = candidates_.front().endpoint->config.name + "/" + candidates_.front().model;
  std::erase_if(candidates_, [](const Candidate& c) { return c.price == nullptr || !names(*c.price, kUsd); });
  if (!candidates_.empty()) return std::nullopt;
  return Why{.cause = Cause::kPolicy,
             .hint = "models.prices has no price in usd for " + first + ", and the account that pays limits usd",
             .param = "model"};
}

ModelRun::Refused ModelRun::allot_time(const Candidate& candidate, WallTime now) {
  Duration timeout = candidate.endpoint->config.timeout;
  if (turn_) {
    const schedule::AtbaConfig& atba = config_->turn.atba;
    const schedule::ToolId id{candidate.endpoint->config.name, candidate.model};
    const KnownLatencies known(shared_.latencies(), *config_);
    plan_.front().tool = id;
    const auto decision = next_timeout(*turn_, plan_, 0, known, atba);
    if (decision.why == schedule::TimeoutReason::kSkip) return Why{.cause = Cause::kSkippedOptional};
    if (decision.why != schedule::TimeoutReason::kAllocated) return Why{.cause = Cause::kTurnTime};
    // The guess for a tool that nobody knows is far too short for a model: then all that the turn can spare.
    const auto share =
        Duration{static_cast<std::int64_t>(static_cast<double>(turn_->total.count()) * atba.answer_reserve_share)};
    const Duration spare = turn_->left - std::max(atba.answer_reserve_min, share);
    timeout = std::min(timeout, known.knows(id) ? decision.timeout : std::max(spare, decision.timeout));
  }
  deadline_ = now + timeout;
  return std::nullopt;
}

}  // namespace bursar::broker
