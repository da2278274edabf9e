#include "bursar/explore/incentives/hidden_exploration.h"

#include <string>

#include "bursar/explore/learner_checks.h"

namespace bursar::explore {
namespace {

constexpr double kExplored = 1;  // mark at the end of the memo of an exploration round

bool explored(const Pick& pick) { return !pick.memo.empty(); }

Pick without_mark(const Pick& pick) {
  Pick out = pick;
  out.memo.pop_back();
  return out;
}

}  // namespace

Result<std::unique_ptr<HiddenExploration>> HiddenExploration::make(const HiddenExplorationOptions& options,
                                                                   std::unique_ptr<Learner> explorer) {
  auto gain = gain_of_samples(options.arms, options.warm_up);
  if (!gain) return tl::unexpected(gain.error());
  if (gain->plus <= 0) {
    const auto needed = samples_needed(options.arms);
    return fail(ErrorCode::kInfeasible, "warm_up: after " + std::to_string(options.warm_up) +
                                            " samples the second arm cannot look better, so nobody would follow; " +
                                            (needed ? "give at least " + std::to_string(*needed)
                                                    : std::string("and no number of them would do")));
  }
  if (explorer != nullptr && explorer->arms() != 2) {
    return invalid_argument("explorer: must have 2 arms, has " + std::to_string(explorer->arms()));
  }
  const double most = explorer == nullptr ? tight_exploration(*gain) : safe_exploration(*gain);
  if (!(options.epsilon >= 0 && options.epsilon <= most)) {
    return invalid_argument("epsilon: users follow up to " + std::to_string(most) + " after " +
                            std::to_string(options.warm_up) + " samples, is " + std::to_string(options.epsilon));
  }
  auto table = BetaArms::create({options.arms.first, options.arms.second});
  if (!table) return tl::unexpected(table.error());
  return std::unique_ptr<HiddenExploration>(new HiddenExploration(
      options.warm_up, options.epsilon > 0 ? options.epsilon : most, std::move(*table), std::move(explorer)));
}

Result<Pick> HiddenExploration::pick(const Question& question, RandomStream& random) {
  const bool both = question.open(0) && question.open(1);
  if (table_.pulls(0) < static_cast<double>(warm_up_) && question.open(0)) return Pick{.arm = 0};
  if (!both || !random.bernoulli(epsilon_)) return Pick{.arm = table_.best(question)};
  Pick out{.arm = 1};
  if (explorer_ != nullptr) {
    auto pick = explorer_->pick(question, random);
    if (!pick || !pick->arm) return pick;
    out = std::move(*pick);
  }
  out.by_chance = true;
  out.memo.push_back(kExplored);
  return out;
}

Result<void> HiddenExploration::update(const Pick& pick, const Feedback& feedback, RandomStream& random) {
  if (explored(pick) && explorer_ != nullptr) {
    if (auto ok = explorer_->update(without_mark(pick), feedback, random); !ok) return ok;
  }
  table_.learn(*pick.arm, feedback.reward);
  return {};
}

void HiddenExploration::forget(const Pick& pick) {
  if (explored(pick) && explorer_ != nullptr) explorer_->forget(without_mark(pick));
}

boost::json::object HiddenExploration::save() const {
  boost::json::object out;
  table_.save(out);
  if (explorer_ != nullptr) out["explorer"] = explorer_->save();
  return out;
}

Result<void> HiddenExploration::load(const boost::json::object& saved) {
  BetaArms table = table_;
  SavedNumbers from(saved);
  table.load(from);
  if (auto ok = from.check(); !ok) return ok;
  if (explorer_ != nullptr) {
    const auto* inner = saved.if_contains("explorer");
    if (inner == nullptr || !inner->is_object()) {
      return fail(ErrorCode::kCorrupt, "saved state: explorer must be an object");
    }
    if (auto ok = explorer_->load(inner->get_object()); !ok) return ok;
  }
  table_ = std::move(table);
  return {};
}

}  // namespace bursar::explore
