// Any price source as a Policy: takes the option with the best reward - price x cost, and never more than remains.
//
//   auto free = std::make_unique<FixedPrices>(std::vector{0.0});
//   PricedPolicy policy({.name = "greedy", .setup = {.budget = {100}}}, std::move(free));
//   auto decision = policy.decide({.rewards = {{.7, .9}}, .costs = {{1.0, 3.0}}});   // takes option 1
//   auto ok = policy.observe(decision->id, {.costs = {{2.5}}});
//
// A request, in the order of the sheet: the best option at the prices (doing nothing wins ties at 0); if its hold fits
// into what remains in every coordinate it is taken, otherwise nothing is; the prices learn from the best option
// whether or not it was taken. The source learns the expected cost at once and is corrected by the difference when the
// real cost is observed: for linear and multiplicative steps the sum is the same, and prices do not wait for slow
// calls. In an auction nothing is expected: the bid is the hold, capped by what remains, and the source learns the
// price paid when it is observed. A decision still open max_open decisions later is counted as if its whole hold had
// been used. decide and observe: O(options x resources). Memory: 16 x resources + 16 bytes for each decision kept open.
// Source: systems/dual-mirror-descent.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bursar/admit/argmax.h"
#include "bursar/admit/price_source.h"
#include "bursar/core/policy.h"

namespace bursar::admit {

struct PricedOptions {
  std::string name;   // in the table of names
  PolicySetup setup;  // with parameters as completed
  AuctionGoal goal = AuctionGoal::kUtility;
  bool next_best = false;            // where the best does not fit, take the best that does
  std::uint32_t max_open = 1 << 16;  // decisions
};

class PricedPolicy final : public Policy {
 public:
  // The setup's budget is the purse; the source has as many prices.
  PricedPolicy(PricedOptions options, std::unique_ptr<PriceSource> source);

  [[nodiscard]] Result<Decision> decide(const Request& request) override;
  [[nodiscard]] Result<void> observe(DecisionId id, const Outcome& outcome) override;
  [[nodiscard]] std::span<const double> prices() const override { return source_->current(); }
  [[nodiscard]] std::span<const double> remaining() const override { return remaining_; }
  [[nodiscard]] std::uint64_t decided() const override { return decided_; }
  [[nodiscard]] boost::json::object save() const override;
  [[nodiscard]] Result<void> load(const boost::json::object& saved);

  // For actions that cannot be listed: the prices to decide at, and then what the best action at them earns and costs.
  // take() is one request: option 0 of the decision means that it fits.
  [[nodiscard]] std::span<const double> quote(double time_s = 0);
  [[nodiscard]] Result<Decision> take(double reward, std::span<const double> cost, double time_s = 0);

  [[nodiscard]] std::size_t open() const { return open_count_; }

 private:
  static constexpr std::size_t kNone = SIZE_MAX;
  enum class Kind : std::uint8_t { kClosed, kOption, kAuction };
  struct Open {
    DecisionId id = 0;
    double reward = 0;
    Kind kind = Kind::kClosed;
  };

  [[nodiscard]] Result<void> check(const Request& request) const;
  [[nodiscard]] Result<void> check(const Outcome& outcome) const;
  [[nodiscard]] bool fits(std::span<const double> hold, std::span<const double> purse) const;
  [[nodiscard]] std::size_t best_of(const Request& request, std::span<const double> mu, bool only_fitting) const;
  [[nodiscard]] Decision begin();
  [[nodiscard]] Decision bid(const Request& request, std::span<const double> mu);
  void hold(DecisionId id, Kind kind, double reward, std::span<const double> cost, std::span<const double> hold);
  [[nodiscard]] std::size_t slot_of(DecisionId id) const { return id & (open_.size() - 1); }
  std::size_t slot_for(DecisionId id);
  void grow();
  std::span<double> cost_at(std::size_t slot) { return std::span(amounts_).subspan(2 * slot * m_, m_); }
  std::span<double> hold_at(std::size_t slot) { return std::span(amounts_).subspan((2 * slot + 1) * m_, m_); }
  void settle_auction(const Open& open, std::span<const double> intended);

  PricedOptions options_;
  std::unique_ptr<PriceSource> source_;
  std::size_t m_;
  std::vector<double> remaining_;
  std::uint64_t decided_ = 0;
  // A ring of a power of two: a decision's place is free again max_open (rounded up to one) decisions later.
  std::vector<Open> open_;
  std::vector<double> amounts_;  // [slots][cost, hold][resources]
  std::size_t open_count_ = 0;
  std::vector<double> scratch_;  // [2 x resources]
};

// oracle(prices) -> {action, reward, cost}: its best action at the prices. One request.
template <class Oracle>
auto decide_with(PricedPolicy& policy, Oracle&& oracle, double time_s = 0) {
  auto best = std::forward<Oracle>(oracle)(policy.quote(time_s));
  using Action = decltype(best.action);
  struct Taken {
    Decision decision;
    Action action;  // meant where the decision has an option
  };
  return policy.take(best.reward, best.cost, time_s).map([&](const Decision& d) {
    return Taken{d, std::move(best.action)};
  });
}

// restore() of a table's entry: `make` makes a new policy of the saved setup, which then loads the rest.
[[nodiscard]] Result<std::unique_ptr<Policy>> restore_priced(
    const boost::json::object& saved, const PolicyEntry& entry,
    Result<std::unique_ptr<PricedPolicy>> (*make)(const PolicySetup& setup));

}  // namespace bursar::admit
