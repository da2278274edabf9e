#include "bursar/broker/decide_door/decide_pace.h"

#include <algorithm>

namespace bursar::broker {
namespace {

constexpr Duration kPause = std::chrono::seconds{5};

class Ticket final : public PaceTicket {
 public:
  Ticket(std::shared_ptr<void> owner, Decider& decider, DecisionId id)
      : owner_(std::move(owner)), decider_(decider), id_(id) {}
  [[nodiscard]] std::string decision() const override {
    return decider_.learns() ? to_string(decider_.name_of(id_)) : std::string();
  }
  ~Ticket() override {
    if (!settled_) decider_.refuse(id_);
  }
  void settle(const Amounts& cost, WallTime now) override {
    settled_ = true;
    decider_.paid(id_, cost, now);
  }

 private:
  std::shared_ptr<void> owner_;
  Decider& decider_;
  DecisionId id_;
  bool settled_ = false;
};

bool priced(const Amounts& worst, const Resources& resources) {
  const auto named = [&](Resource r) { return std::ranges::find(worst.items(), r, &Amount::resource); };
  return std::ranges::find(resources, kUsd) == resources.end() || named(kUsd) != worst.items().end();
}

PaceAnswer not_now(const Decider& decider, const Decider::Asked& asked, WallTime now) {
  PaceAnswer out;
  out.why = "policy " + decider.config().name + ": ";
  if (asked.decision.reason != DecisionReason::kBudget) {
    out.why += "no model is worth its price now, so that the budget lasts";
    out.wait = kPause;
    return out;
  }
  out.why += "the budget that is left cannot pay the model that it would take";
  if (asked.window_ends) out.wait = *asked.window_ends - now;
  return out;
}

}  // namespace

namespace {

// More than any budget: an arm that this call cannot take stays closed.
constexpr double kClosed = 1e300;

// A policy that learns has one arm for each of the route's targets, also for those that this call cannot have.
void list_arms(const PaceQuestion& question, const Resources& resources, DecideRequest& request) {
  request.rewards.assign(question.targets, 0);
  request.costs.assign(question.targets * resources.size(), kClosed);
  for (std::size_t i = 0; i < question.values.size(); ++i) {
    if (!priced(question.worst[i], resources)) continue;
    const auto costs = costs_of(question.worst[i], resources);
    std::ranges::copy(costs, request.costs.begin() + static_cast<std::ptrdiff_t>(question.places[i] * costs.size()));
  }
}

}  // namespace

Result<PaceAnswer> pace_with(std::shared_ptr<void> owner, Decider& decider, const PaceQuestion& question,
                             WallTime now) {
  DecideRequest request;
  std::vector<std::size_t> target;  // of each option
  for (std::size_t i = 0; i < question.values.size(); ++i) {
    if (!priced(question.worst[i], decider.resources())) continue;
    target.push_back(i);
    if (decider.learns()) continue;
    request.rewards.push_back(question.values[i]);
    for (const double cost : costs_of(question.worst[i], decider.resources())) request.costs.push_back(cost);
  }
  if (target.empty()) {
    return PaceAnswer{
        .lead = {},
        .ticket = {},
        .why = "policy " + decider.config().name + ": models.prices has no price in usd for any target of this route",
        .wait = {}};
  }
  if (decider.learns()) list_arms(question, decider.resources(), request);
  const auto asked = decider.ask(request, std::string(question.caller), now);
  if (!asked) {
    if (asked.error().code != ErrorCode::kExhausted) return tl::unexpected(asked.error());
    return PaceAnswer{.lead = {}, .ticket = {}, .why = asked.error().message, .wait = kPause};
  }
  if (!asked->open) return not_now(decider, *asked, now);
  PaceAnswer out;
  const std::size_t option = *asked->decision.option;
  out.lead = decider.learns()
                 ? static_cast<std::size_t>(std::ranges::find(question.places, option) - question.places.begin())
                 : target[option];
  out.ticket = std::make_unique<Ticket>(std::move(owner), decider, asked->name.id);
  return out;
}

}  // namespace bursar::broker
