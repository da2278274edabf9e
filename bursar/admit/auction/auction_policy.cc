#include "bursar/admit/auction/auction_policy.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <cmath>
#include <limits>
#include <string>

#include "bursar/core/saved_numbers.h"

namespace bursar::admit {
namespace {

constexpr double kMostMoney = std::numeric_limits<int>::max();

int whole(double money) { return static_cast<int>(std::clamp(std::floor(money), 0.0, kMostMoney)); }

tl::unexpected<Error> not_open(DecisionId id) {
  return fail(ErrorCode::kNotFound, "decision " + std::to_string(id) +
                                        " is not open: it was never made, was observed before, or is older than the " +
                                        std::to_string(AuctionPolicy::kOpenMost) + " bids that are kept open");
}

tl::unexpected<Error> corrupt(std::string_view what) {
  return fail(ErrorCode::kCorrupt, "saved state: " + std::string(what));
}

}  // namespace

AuctionPolicy::AuctionPolicy(std::string name, PolicySetup setup, std::unique_ptr<BidRule> rule)
    : name_(std::move(name)), setup_(std::move(setup)), rule_(std::move(rule)), remaining_(setup_.budget.front()) {}

Result<std::unique_ptr<AuctionPolicy>> AuctionPolicy::make(std::string name, PolicySetup setup,
                                                           std::unique_ptr<BidRule> rule) {
  const auto episode = episode_of(setup);
  if (!episode) return tl::unexpected(episode.error());
  std::unique_ptr<AuctionPolicy> policy(new AuctionPolicy(std::move(name), std::move(setup), std::move(rule)));
  policy->episode_ = *episode;
  if (auto ok = policy->begin_episode(); !ok) return tl::unexpected(ok.error());
  return policy;
}

Result<Episode> episode_of(const PolicySetup& setup) {
  const auto& p = setup.parameters;
  if (setup.budget.size() != 1) {
    return invalid_argument("budget has " + std::to_string(setup.budget.size()) +
                            " resources; an auction is paid in 1");
  }
  std::uint64_t auctions = p.at("episode").to_number<std::uint64_t>();
  if (auctions == 0) auctions = setup.horizon;
  if (auctions == 0 || auctions > static_cast<std::uint64_t>(kMostMoney)) {
    return invalid_argument("episode and horizon are 0; say in how many auctions the budget is to be spent");
  }
  double budget = p.at("episode_budget").to_number<double>();
  if (budget == 0) {
    const double share =
        setup.horizon > auctions ? static_cast<double>(auctions) / static_cast<double>(setup.horizon) : 1;
    budget = setup.budget.front() * share;
  }
  if (budget > kMostMoney) {
    return invalid_argument("the budget of an episode is " + std::to_string(budget) +
                            "; count money in a coarser unit, so that it is at most 2^31 - 1");
  }
  return Episode{.auctions = static_cast<int>(auctions), .budget = whole(budget)};
}

Result<void> AuctionPolicy::begin_episode() {
  ++episodes_;
  return rule_->begin({.auctions = episode_.auctions, .budget = std::min(episode_.budget, whole(remaining_))});
}

Result<void> AuctionPolicy::check(const Request& request) const {
  if (request.rewards.size() != 1 || !request.costs.empty() || !request.holds.empty()) {
    return invalid_argument("policy " + name_ + " bids in auctions: a request has one reward and no costs, not " +
                            std::to_string(request.rewards.size()) + " rewards and " +
                            std::to_string(request.costs.size()) + " costs");
  }
  if (request.purse.size() > 1 || (request.purse.size() == 1 && !std::isfinite(request.purse.front()))) {
    return invalid_argument("the purse must be one number, or empty");
  }
  if (!(request.rewards.front() >= 0 && request.rewards.front() <= 1)) {
    return invalid_argument("reward is " + std::to_string(request.rewards.front()) +
                            "; it must be theta, a chance from 0 to 1");
  }
  return {};
}

Result<Decision> AuctionPolicy::decide(const Request& request) {
  if (auto ok = check(request); !ok) return tl::unexpected(ok.error());
  if (pending_) {  // not heard of: for now it counts as won at the whole bid
    if (auto ok = rule_->settle(true, open_.back().bid); !ok) return tl::unexpected(ok.error());
    pending_ = false;
  }
  if (decided_ > 0 && decided_ % static_cast<std::uint64_t>(episode_.auctions) == 0) {
    if (auto ok = begin_episode(); !ok) return tl::unexpected(ok.error());
  }
  price_ = rule_->price_of_money();
  const auto wish = rule_->bid(request.rewards.front());
  if (!wish) return tl::unexpected(wish.error());
  int bid = std::min(*wish, whole(remaining_));
  if (!request.purse.empty()) bid = std::min(bid, whole(request.purse.front()));
  Decision decision{.id = decided_++,
                    .option = 0,
                    .intended = 0,
                    .bid = static_cast<double>(bid),
                    .wanted_bid = static_cast<double>(rule_->wished())};
  decision.reason = bid < rule_->wished() ? DecisionReason::kBudget : DecisionReason::kBest;
  decision.past_horizon = setup_.horizon > 0 && decided_ > setup_.horizon;
  remaining_ -= bid;
  open_.push_back({.id = decision.id, .bid = bid, .episode = episodes_});
  if (open_.size() > kOpenMost) open_.pop_front();
  pending_ = true;
  return decision;
}

Result<void> AuctionPolicy::observe(DecisionId id, const Outcome& outcome) {
  const auto open = std::ranges::lower_bound(open_, id, {}, &Open::id);
  if (open == open_.end() || open->id != id) return not_open(id);
  const bool won = !outcome.costs.empty() && !outcome.refused;
  if (outcome.costs.size() > 1 || (won && !(std::isfinite(outcome.costs.front()) && outcome.costs.front() >= 0))) {
    return invalid_argument("costs must be one number of at least 0, or empty for a lost auction");
  }
  const double cost = won ? outcome.costs.front() : 0;
  const int counted = won ? whole(std::ceil(std::min(cost, kMostMoney))) : 0;
  if (pending_ && id == open_.back().id) {
    if (auto ok = rule_->settle(won, std::min(counted, rule_->budget_left())); !ok) return ok;
    pending_ = false;
  } else if (open->episode == episodes_) {
    rule_->refund(open->bid - std::min(open->bid, counted));
  }
  remaining_ += open->bid - cost;
  price_ = rule_->price_of_money();
  open_.erase(open);
  return {};
}

boost::json::object AuctionPolicy::save() const {
  boost::json::array open, names;
  for (const Open& one : open_) open.push_back({{"id", one.id}, {"bid", one.bid}, {"episode", one.episode}});
  for (const std::string& name : setup_.resource_names) names.emplace_back(name);
  return {{"policy", name_},
          {"budget", saved_numbers(setup_.budget)},
          {"resources", std::move(names)},
          {"horizon", setup_.horizon},
          {"parameters", setup_.parameters},
          {"decided", decided_},
          {"remaining", remaining_},
          {"price", price_},
          {"episodes", episodes_},
          {"episode_budget", rule_->episode().budget},
          {"auctions_left", rule_->auctions_left()},
          {"budget_left", rule_->budget_left()},
          {"carried", rule_->carried()},
          {"wished", rule_->wished()},
          {"pending", pending_},
          {"open", std::move(open)}};
}

Result<void> AuctionPolicy::load(const boost::json::object& saved) {
  SavedNumbers from(saved);
  const std::uint64_t decided = from.count("decided"), episodes = from.count("episodes");
  const std::uint64_t budget = from.count("episode_budget"), auctions_left = from.count("auctions_left"),
                      budget_left = from.count("budget_left"), wished = from.count("wished");
  const double remaining = from.signed_number("remaining"), price = from.number("price"),
               carried = from.number("carried");
  const bool pending = from.flag("pending");
  if (auto ok = from.check(); !ok) return ok;
  const auto* open = saved.if_contains("open");
  if (open == nullptr || !open->is_array()) return corrupt("needs the list open");
  if (open->get_array().size() > kOpenMost || (pending && open->get_array().empty())) {
    return corrupt("its list open cannot be");
  }
  std::deque<Open> bids;
  for (const auto& entry : open->get_array()) {
    if (!entry.is_object()) return corrupt("open must hold objects");
    SavedNumbers one(entry.get_object());
    const std::uint64_t id = one.count("id"), bid = one.count("bid"), episode = one.count("episode");
    if (auto ok = one.check(); !ok) return ok;
    if (id >= decided || (!bids.empty() && id <= bids.back().id) || bid > static_cast<std::uint64_t>(kMostMoney)) {
      return corrupt("open decision " + std::to_string(id) + " cannot be");
    }
    bids.push_back({.id = id, .bid = static_cast<int>(bid), .episode = episode});
  }
  if (budget > static_cast<std::uint64_t>(episode_.budget) ||
      auctions_left > static_cast<std::uint64_t>(episode_.auctions) || budget_left > budget) {
    return corrupt("its episode cannot be");
  }
  const Episode now{.auctions = episode_.auctions, .budget = static_cast<int>(budget)};
  if (auto ok = rule_->resume(now, static_cast<int>(auctions_left), static_cast<int>(budget_left)); !ok) {
    return corrupt(ok.error().message);
  }
  if (carried > kMostMoney || wished > static_cast<std::uint64_t>(rule_->highest_price())) {
    return corrupt("carried or wished cannot be");
  }
  rule_->set_carried(carried);
  rule_->set_wished(static_cast<int>(wished));
  open_ = std::move(bids);
  decided_ = decided;
  episodes_ = episodes;
  remaining_ = remaining;
  price_ = price;
  pending_ = pending;
  return {};
}

}  // namespace bursar::admit
