// Rules that bid as policies of core/policy.h: a request is one auction, its reward the predicted worth of winning.
//
//   auto entry = policy_named(auction_policies(), "rlb");
//   auto policy = make_policy(**entry, {.budget = {309'133}, .horizon = 156'063, .parameters = {…}});
//   auto decision = (*policy)->decide({.rewards = std::array{.004}});   // theta; no costs
//   auto ok = (*policy)->observe(decision->id, {.costs = std::array{70.}});    // won at 70; nothing: lost
//
// Names: rlb (value table, exact, MapA, MapD or Seg; with `thetas` on their distribution), ssmdp, lin, mcpc, dmd. Every
// one bids option 0 and at most what remains; `bid` may be 0, which wins what costs nothing. Episodes of `episode`
// requests each have `episode_budget` (default: their share of the budget), and what one leaves is not carried over.
// Money is whole units: a cost with a fraction counts as the next larger one in the rule, and as it is in remaining().
// An outcome that comes late is first counted as won at the bid, and the rest given back when it comes: a budget is
// never overspent, and with prompt outcomes nothing differs. value-table is the other use of a table: its marginal
// value is the price of money of PricedPolicy, for requests whose options have costs.
// decide O(bid) at most; memory: the table, and 40 bytes for each bid kept open. Source: systems/rtb-rl.
#pragma once

#include <boost/json/object.hpp>
#include <deque>
#include <memory>

#include "bursar/admit/auction/bid_log.h"
#include "bursar/admit/auction/bid_rule.h"
#include "bursar/core/policy.h"

namespace bursar::admit {

[[nodiscard]] PolicyTable auction_policies();

// The rule behind a name of that table but value-table; the setup's parameters are complete.
[[nodiscard]] Result<std::unique_ptr<BidRule>> make_bid_rule(std::string_view name, const PolicySetup& setup);

// What a training log says, as the parameters price_counts, theta_avg, thetas and cost_per_click; a caller gives a
// policy those that its entry has and that were not given.
[[nodiscard]] boost::json::object campaign_parameters(const CampaignFacts& facts);

// The episodes of a setup whose parameters have `episode` and `episode_budget`; 0: all of the horizon, its share of the
// budget. kInvalidArgument where there is neither, for other than one resource, and beyond 2^31 - 1.
[[nodiscard]] Result<Episode> episode_of(const PolicySetup& setup);

class AuctionPolicy final : public Policy {
 public:
  static constexpr std::size_t kOpenMost = 1 << 16;

  // `rule` is not null; the setup has one resource and complete parameters.
  [[nodiscard]] static Result<std::unique_ptr<AuctionPolicy>> make(std::string name, PolicySetup setup,
                                                                   std::unique_ptr<BidRule> rule);

  [[nodiscard]] Result<Decision> decide(const Request& request) override;
  [[nodiscard]] Result<void> observe(DecisionId id, const Outcome& outcome) override;
  [[nodiscard]] std::span<const double> prices() const override { return {&price_, 1}; }
  [[nodiscard]] std::span<const double> remaining() const override { return {&remaining_, 1}; }
  [[nodiscard]] std::uint64_t decided() const override { return decided_; }
  [[nodiscard]] boost::json::object save() const override;
  [[nodiscard]] Result<void> load(const boost::json::object& saved);

 private:
  struct Open {
    DecisionId id = 0;
    int bid = 0;
    std::uint64_t episode = 0;
  };
  AuctionPolicy(std::string name, PolicySetup setup, std::unique_ptr<BidRule> rule);
  [[nodiscard]] Result<void> begin_episode();
  [[nodiscard]] Result<void> check(const Request& request) const;

  std::string name_;
  PolicySetup setup_;
  std::unique_ptr<BidRule> rule_;
  Episode episode_;  // as planned; a poor one begins with what remains
  double remaining_ = 0, price_ = 0;
  std::uint64_t decided_ = 0, episodes_ = 0;
  bool pending_ = false;  // the last of open_, and of all decisions, is not yet settled in the rule
  std::deque<Open> open_;
};

}  // namespace bursar::admit
