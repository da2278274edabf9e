#include "bursar/explore/incentives/bayesian_greedy.h"

namespace bursar::explore {

Result<std::unique_ptr<BayesianGreedy>> BayesianGreedy::make(const BayesianGreedyOptions& options) {
  auto table = BetaArms::create(options.priors);
  if (!table) return tl::unexpected(table.error());
  return std::unique_ptr<BayesianGreedy>(new BayesianGreedy(std::move(*table)));
}

Result<Pick> BayesianGreedy::pick(const Question& question, RandomStream& /*random*/) {
  return Pick{.arm = table_.best(question)};
}

Result<void> BayesianGreedy::update(const Pick& pick, const Feedback& feedback, RandomStream& /*random*/) {
  table_.learn(*pick.arm, feedback.reward);
  return {};
}

boost::json::object BayesianGreedy::save() const {
  boost::json::object out;
  table_.save(out);
  return out;
}

Result<void> BayesianGreedy::load(const boost::json::object& saved) {
  BetaArms table = table_;
  SavedNumbers from(saved);
  table.load(from);
  if (auto ok = from.check(); !ok) return ok;
  table_ = std::move(table);
  return {};
}

}  // namespace bursar::explore
