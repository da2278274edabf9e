#include "bursar/admit/matching/philosopher.h"

#include <string>

namespace bursar::admit {

Result<Philosopher> Philosopher::create(const BayesianMatching& matching, const OnlineLp& lp,
                                        PhilosopherOptions options) {
  return ProposalPlan::create(matching, lp, options.proposals).map([&](ProposalPlan plan) {
    return Philosopher(std::move(plan), options.seed);
  });
}

Result<std::optional<std::size_t>> Philosopher::play(std::size_t t, std::optional<std::size_t> type) {
  if (t != next_ || t >= plan_.periods()) {
    return invalid_argument("period " + std::to_string(t) + " is out of turn; " +
                            (next_ < plan_.periods()
                                 ? "the next is " + std::to_string(next_) + ", by arrive() or no_arrival()"
                                 : "all " + std::to_string(plan_.periods()) + " periods have been played"));
  }
  if (type && *type >= plan_.types(t)) {
    return invalid_argument("period " + std::to_string(t) + " has " + std::to_string(plan_.types(t)) +
                            " types counted from 0, and none is " + std::to_string(*type));
  }
  RandomStream stream = root_.split(t);
  luck_.resize(plan_.luck_size());
  for (double& u : luck_) u = stream.uniform01();
  ++next_;
  return plan_.step(t, type, free_, luck_);
}

Result<std::optional<std::size_t>> Philosopher::arrive(std::size_t t, std::size_t type) { return play(t, type); }

Result<void> Philosopher::no_arrival(std::size_t t) {
  return play(t, std::nullopt).map([](const std::optional<std::size_t>&) {});
}

Result<void> Philosopher::resume(std::size_t next_period, std::vector<std::uint8_t> free) {
  if (next_period > plan_.periods() || free.size() != plan_.items()) {
    return fail(ErrorCode::kCorrupt, "the saved state is of another matching: period " + std::to_string(next_period) +
                                         " of " + std::to_string(plan_.periods()) + ", " + std::to_string(free.size()) +
                                         " items of " + std::to_string(plan_.items()));
  }
  next_ = next_period;
  free_ = std::move(free);
  return {};
}

}  // namespace bursar::admit
