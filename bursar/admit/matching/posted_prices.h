// Prices that need no trust: posted before the buyer speaks, so that telling the truth is best, and worth at least what
// the philosopher's rule earns.
//
//   PostedPrices prices = *PostedPrices::create(matching, *solve_online_lp(matching));
//   std::vector<std::uint8_t> unsold(matching.items, 1);
//   std::vector<double> tags = *prices.prices(t, unsold);          // [items], infinite where sold
//   std::optional<std::size_t> bought = best_purchase(tags, values);  // largest value - price, if above 0
//
// price_i = max(0, V(t+1, F) - V(t+1, F without i)), F what is unsold, V the value of the philosopher's rule from there
// on. The buyer's choice maximises w_i + V(t+1, F without i), which is at least what the rule would have done: so
// welfare is at least V by induction. With the buyers' values known to you this is the practical matcher: no discard,
// one-step improvement. V is an exact table up to exact_items items and 2^22 cells; beyond, K futures are played with
// and without each item on common random numbers (a price has a standard error of about the value's spread / sqrt K).
// Truthfulness by the reduction of Banihashem et al. (2024); this rule is derived in systems/philosopher.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "bursar/admit/matching/philosopher_value.h"
#include "bursar/admit/matching/proposal_plan.h"
#include "bursar/core/result.h"

namespace bursar::admit {

struct PriceOptions {
  std::size_t exact_items = 12;  // up to here the table; 0: always futures
  std::size_t futures = 2000;    // K >= 1
  std::uint64_t seed = 1;        // of the futures
};

class PostedPrices {
 public:
  // Errors: as ProposalPlan::create(); kInvalidArgument for 0 futures.
  [[nodiscard]] static Result<PostedPrices> create(const BayesianMatching& matching, const OnlineLp& lp,
                                                   PriceOptions options = {});

  // [items], for the buyer of period t; +infinity where unsold[i] is 0. kInvalidArgument for a period that is not there
  // or flags of another length. O(items) with the table, O(K items^2 periods) without.
  [[nodiscard]] Result<std::vector<double>> prices(std::size_t t, std::span<const std::uint8_t> unsold) const;
  // What the philosopher's rule earns from period t on with these items. Errors as prices().
  [[nodiscard]] Result<double> value(std::size_t t, std::span<const std::uint8_t> unsold) const;

  [[nodiscard]] bool exact() const { return table_.has_value(); }
  [[nodiscard]] std::size_t items() const { return plan_.items(); }
  [[nodiscard]] std::size_t periods() const { return plan_.periods(); }

 private:
  PostedPrices(ProposalPlan plan, PriceOptions options) : plan_(std::move(plan)), options_(options) {}
  [[nodiscard]] Result<void> check_state(std::size_t t, std::span<const std::uint8_t> unsold) const;
  [[nodiscard]] double play(std::size_t t, std::vector<std::uint8_t> free, std::span<const double> luck) const;
  // Mean value from t on: of `free`, then of `free` without each item that is free.
  [[nodiscard]] std::vector<double> simulate(std::size_t t, std::span<const std::uint8_t> free, bool without) const;

  ProposalPlan plan_;
  PriceOptions options_;
  std::optional<PhilosopherValue> table_;
};

// The item of largest value - price above 0, ties to the lowest; none where nothing is worth its price. Spans of one
// length.
[[nodiscard]] std::optional<std::size_t> best_purchase(std::span<const double> prices, std::span<const double> values);

}  // namespace bursar::admit
