// A bounded table of requests, and what it says about prices: the dual of its linear program.
//
//   RequestSample sample(resources);
//   for (const Request& request : first_thousand) sample.add(request);
//   auto dual = sample.dual(budget_of_these_requests);
//   use(dual->prices, dual->bound);   // no policy earns more than `bound` on these requests with this budget
//
// The linear program:  max sum f . x,  the shares x of each request's options sum to <= 1,  sum b . x <= budget.  Its
// value is least over prices mu >= 0 of  sum_t max(0, max_k f_t(k) - mu . b_t(k)) + mu . budget,  and for every mu that
// sum is a bound (weak duality). Solved by allocate/many_resources.h: the LP itself, or cutting planes beyond its size.
// Source: systems/dual-mirror-descent.
#pragma once

#include <cstdint>
#include <vector>

#include "bursar/core/policy.h"

namespace bursar::admit {

struct DualPrices {
  std::vector<double> prices;  // [resources], reward per unit
  double bound = 0;            // the dual's value at them
};

class RequestSample {
 public:
  explicit RequestSample(std::size_t resources) : resources_(resources) {}

  void add(const Request& request);
  // Takes the place of the n-th request; keeps the order of the others. n < size().
  void replace(std::size_t n, const Request& request);
  void clear();
  [[nodiscard]] std::size_t size() const { return requests_.size(); }
  [[nodiscard]] std::size_t numbers() const { return numbers_; }  // held, in all

  // budget [resources], > 0. Errors: those of many_resources.
  [[nodiscard]] Result<DualPrices> dual(std::span<const double> budget) const;
  // The dual's value at the given prices: a bound, whatever they are.
  [[nodiscard]] double bound_at(std::span<const double> prices, std::span<const double> budget) const;

  // The n-th, as it was added; n < size().
  [[nodiscard]] Request at(std::size_t n) const;

 private:
  struct Row {
    std::vector<double> rewards, costs;
  };
  std::size_t resources_, numbers_ = 0;
  std::vector<Row> requests_;
};

// max(0, max_k reward_k - prices . cost_k): the request's part of the dual.
[[nodiscard]] double dual_part(const Request& request, std::span<const double> prices);

}  // namespace bursar::admit
