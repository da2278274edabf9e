#include "python/native/stream.h"

#include <algorithm>

#include "python/native/failure.h"

namespace bursar::python {
namespace py = pybind11;

StreamArrays::StreamArrays(const py::kwargs& given, std::size_t resources)
    : resources_(resources),
      rewards_(doubles(given["rewards"], "rewards", {1, 2})),
      costs_(doubles(given["costs"], "costs", {1, 2, 3})),
      holds_(doubles(given["holds"], "holds", {1, 2, 3})),
      actual_rewards_(doubles(given["actual_rewards"], "actual_rewards", {1, 2})),
      actual_costs_(doubles(given["actual_costs"], "actual_costs", {1, 2, 3})),
      prices_(doubles(given["prices"], "prices")),
      context_(doubles(given["context"], "context", {1, 2})),
      time_s_(doubles(given["time_s"], "time_s")),
      first_(integers(given["first"], "first")) {
  if (!rewards_.given()) refuse("rewards: are missing");
  if (first_.given()) {
    if (rewards_.shape.size() != 1) refuse("first: is for rewards of 1 dimension");
    require_starts(first_, rewards_.numbers.size(), "options");
    requests_ = first_.numbers.size() - 1;
  } else {
    requests_ = rewards_.shape[0];
    width_ = rewards_.shape.size() == 2 ? rewards_.shape[1] : 1;
  }
  if (prices_.given() == costs_.given()) refuse("costs and prices: give costs for options, or prices for auctions");
  check_costs(costs_, "costs");
  check_costs(holds_, "holds");
  check_costs(actual_costs_, "actual_costs");
  if (actual_rewards_.given()) require_shape(actual_rewards_.shape, rewards_.shape, "actual_rewards", "rewards");
  require_length(prices_, requests_, "prices", "requests");
  if (prices_.given() && width_ != 1) refuse("prices: auctions have one reward each; rewards has more");
  require_length(time_s_, requests_, "time_s", "requests");
  if (!context_.given()) return;
  if (context_.shape[0] != requests_)
    refuse("context: has " + std::to_string(context_.shape[0]) + " rows, must have " + std::to_string(requests_));
  features_ = context_.shape.size() == 2 ? context_.shape[1] : 1;
}

void StreamArrays::check_costs(const Numbers<double>& costs, std::string_view field) const {
  if (!costs.given()) return;
  std::vector<std::size_t> wanted = rewards_.shape;
  if (resources_ > 1 || costs.shape.size() > wanted.size()) wanted.push_back(resources_);
  require_shape(costs.shape, wanted, field, resources_ > 1 ? "rewards and budget" : "rewards");
}

std::size_t StreamArrays::begin(std::size_t t) const {
  return first_.given() ? static_cast<std::size_t>(first_.numbers[t]) : t * width_;
}

admit::LoggedRequest StreamArrays::at(std::size_t t) const {
  const std::size_t from = begin(t), options = begin(t + 1) - from;
  const auto row = [&](const Numbers<double>& numbers, std::size_t each) {
    return numbers.given() ? numbers.numbers.subspan(from * each, options * each) : std::span<const double>{};
  };
  return {.line = t + 1,
          .time_s = time_s_.given() ? time_s_.numbers[t] : 0.0,
          .rewards = row(rewards_, 1),
          .costs = row(costs_, resources_),
          .holds = row(holds_, resources_),
          .actual_costs = row(actual_costs_, resources_),
          .actual_rewards = row(actual_rewards_, 1),
          .context = context_.given() ? context_.numbers.subspan(t * features_, features_) : std::span<const double>{},
          .price = prices_.given() ? prices_.numbers[t] : 0.0};
}

}  // namespace bursar::python
