#include "bursar/admit/sampled_prices.h"

#include <algorithm>
#include <boost/json/array.hpp>

#include "bursar/core/saved_numbers.h"

namespace bursar::admit {

Result<std::unique_ptr<SampledPrices>> SampledPrices::make(std::vector<double> budget, std::uint64_t horizon,
                                                           SampledConfig config) {
  if (horizon == 0) return invalid_argument("horizon: must be at least 1 request");
  if (config.first == 0 || config.sample == 0) return invalid_argument("first and sample must be at least 1 request");
  if (!config.initial_prices.empty() && config.initial_prices.size() != budget.size()) {
    return invalid_argument("initial_prices: has " + std::to_string(config.initial_prices.size()) + " numbers for " +
                            std::to_string(budget.size()) + " resources");
  }
  return std::unique_ptr<SampledPrices>(new SampledPrices(budget.size(), horizon, std::move(config)));
}

SampledPrices::SampledPrices(std::size_t resources, std::uint64_t horizon, SampledConfig config)
    : horizon_(horizon),
      config_(std::move(config)),
      sample_(resources),
      next_solve_(config_.first),
      prices_(config_.initial_prices) {
  prices_.resize(resources, 0.0);
}

void SampledPrices::look(const Request& request) {
  if (request.costs.empty()) return;  // an auction: nothing is known of its cost
  if (sample_.size() < config_.sample) {
    sample_.add(request);
  } else {
    sample_.replace(seen_ % config_.sample, request);
  }
  ++seen_;
}

std::span<const double> SampledPrices::prices(const PriceQuestion& question) {
  if (question.decided >= next_solve_) solve(question.remaining, question.decided);
  return prices_;
}

void SampledPrices::solve(std::span<const double> remaining, std::uint64_t decided) {
  next_solve_ = config_.once ? UINT64_MAX : config_.every > 0 ? decided + config_.every : 2 * decided;
  if (sample_.size() == 0) return;
  const double left = static_cast<double>(decided < horizon_ ? horizon_ - decided : 1);
  std::vector<double> budget(remaining.begin(), remaining.end());
  // A spent resource keeps a sliver, so that the program stays feasible and its price is the one of the last unit.
  for (double& b : budget) b = std::max(b / left * static_cast<double>(sample_.size()), 1e-300);
  if (auto dual = sample_.dual(budget)) prices_ = std::move(dual->prices);
}

boost::json::object SampledPrices::save() const {
  boost::json::array requests;
  for (std::size_t n = 0; n < sample_.size(); ++n) {
    const Request r = sample_.at(n);
    requests.push_back({{"rewards", saved_numbers(r.rewards)}, {"costs", saved_numbers(r.costs)}});
  }
  return {{"prices", saved_numbers(prices_)},
          {"seen", seen_},
          {"next_solve", next_solve_},
          {"sample", std::move(requests)}};
}

Result<void> SampledPrices::load(const boost::json::object& saved) {
  SavedNumbers from(saved);
  auto prices = from.numbers("prices", prices_.size());
  const std::uint64_t seen = from.count("seen"), next = from.count("next_solve");
  if (auto ok = from.check(); !ok) return ok;
  const auto* requests = saved.if_contains("sample");
  if (requests == nullptr || !requests->is_array() || requests->get_array().size() > config_.sample ||
      requests->get_array().size() > seen) {
    return fail(ErrorCode::kCorrupt,
                "saved state: sample must be a list of at most " + std::to_string(config_.sample) + " requests");
  }
  RequestSample sample(prices_.size());
  for (const auto& one : requests->get_array()) {
    const auto* list = one.is_object() ? one.get_object().if_contains("rewards") : nullptr;
    if (list == nullptr || !list->is_array())
      return fail(ErrorCode::kCorrupt, "saved state: a request of the sample has no rewards");
    SavedNumbers row(one.get_object());
    const std::size_t options = list->get_array().size();
    const auto rewards = row.numbers("rewards", options), costs = row.numbers("costs", options * prices_.size());
    if (auto ok = row.check(); !ok) return ok;
    sample.add({.rewards = rewards, .costs = costs});
  }
  prices_ = std::move(prices);
  seen_ = seen;
  next_solve_ = next;
  sample_ = std::move(sample);
  return {};
}

}  // namespace bursar::admit
