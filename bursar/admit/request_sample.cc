#include "bursar/admit/request_sample.h"

#include <algorithm>

#include "bursar/admit/argmax.h"
#include "bursar/allocate/many_resources.h"

namespace bursar::admit {

void RequestSample::add(const Request& request) {
  requests_.push_back({{request.rewards.begin(), request.rewards.end()}, {request.costs.begin(), request.costs.end()}});
  numbers_ += request.rewards.size() + request.costs.size();
}

void RequestSample::replace(std::size_t n, const Request& request) {
  Row& row = requests_[n];
  numbers_ += request.rewards.size() + request.costs.size();
  numbers_ -= row.rewards.size() + row.costs.size();
  row.rewards.assign(request.rewards.begin(), request.rewards.end());
  row.costs.assign(request.costs.begin(), request.costs.end());
}

void RequestSample::clear() {
  requests_.clear();
  numbers_ = 0;
}

Request RequestSample::at(std::size_t n) const {
  return {.rewards = requests_[n].rewards, .costs = requests_[n].costs};
}

Result<DualPrices> RequestSample::dual(std::span<const double> budget) const {
  // Doing nothing is an option of its own there.
  std::vector<double> value;
  std::vector<std::uint64_t> first{0};
  for (const Row& row : requests_) {
    value.push_back(0);
    value.insert(value.end(), row.rewards.begin(), row.rewards.end());
    first.push_back(value.size());
  }
  std::vector<double> cost(resources_ * value.size(), 0.0);
  for (std::size_t i = 0; i < requests_.size(); ++i) {
    for (std::size_t k = 0; k < requests_[i].rewards.size(); ++k) {
      for (std::size_t j = 0; j < resources_; ++j)
        cost[j * value.size() + first[i] + 1 + k] = requests_[i].costs[k * resources_ + j];
    }
  }
  if (requests_.empty()) return DualPrices{std::vector<double>(resources_, 0.0), 0};
  auto solved = allocate::many_resources({.value = value, .cost = cost, .resources = resources_, .first = first},
                                         budget, {.max_lp_entries = 40'000, .max_search_items = 0});
  if (!solved) return tl::unexpected(solved.error());
  return DualPrices{solved->price, bound_at(solved->price, budget)};
}

double RequestSample::bound_at(std::span<const double> prices, std::span<const double> budget) const {
  double sum = 0;
  for (std::size_t j = 0; j < resources_; ++j) sum += prices[j] * budget[j];
  for (std::size_t n = 0; n < requests_.size(); ++n) sum += dual_part(at(n), prices);
  return sum;
}

double dual_part(const Request& request, std::span<const double> prices) {
  double best = 0;
  const std::size_t m = prices.size();
  for (std::size_t k = 0; k < request.rewards.size(); ++k)
    best = std::max(best, net_worth(request.rewards[k], request.costs.subspan(k * m, m), prices));
  return best;
}

}  // namespace bursar::admit
