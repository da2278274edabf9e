#include <algorithm>
#include <boost/json/array.hpp>
#include <cmath>
#include <numeric>
#include <utility>

#include "bursar/core/saved_numbers.h"
#include "bursar/explore/best_arm/best_arm.h"
#include "bursar/explore/learner_checks.h"

namespace bursar::explore {
namespace {

std::size_t halvings(std::size_t arms) {
  std::size_t rounds = 0;
  for (std::size_t left = arms; left > 1; left = (left + 1) / 2) ++rounds;
  return rounds;
}

}  // namespace

SequentialHalving::SequentialHalving(const SequentialHalvingOptions& options)
    : options_(options),
      rounds_(halvings(options.arms)),
      table_(options.arms),
      asked_(options.arms),
      got_(options.arms),
      left_(options.arms) {
  std::iota(left_.begin(), left_.end(), Arm{0});
}

Result<std::unique_ptr<SequentialHalving>> SequentialHalving::make(const SequentialHalvingOptions& options) {
  if (auto ok = check_arms(options.arms); !ok) return tl::unexpected(ok.error());
  const std::uint64_t least = options.arms * halvings(options.arms);
  if (options.budget < least) {
    return invalid_argument("budget: must be at least " + std::to_string(least) + " samples for " +
                            std::to_string(options.arms) + " arms, is " + std::to_string(options.budget));
  }
  return std::unique_ptr<SequentialHalving>(new SequentialHalving(options));
}

std::uint64_t SequentialHalving::each() const {
  return std::max<std::uint64_t>(1, options_.budget / (left_.size() * std::max<std::size_t>(rounds_, 1)));
}

bool SequentialHalving::complete() const {
  const auto wanted = static_cast<double>(each());
  return std::ranges::all_of(left_, [&](Arm a) { return got_[a] >= wanted; });
}

// Keeps the better half; ties stay with the first.
void SequentialHalving::advance() {
  if (round_ >= rounds_ || !complete()) return;
  std::ranges::stable_sort(left_, std::greater{}, [&](Arm a) { return table_.mean(a); });
  left_.resize((left_.size() + 1) / 2);
  std::ranges::sort(left_);
  std::ranges::fill(asked_, 0);
  std::ranges::fill(got_, 0);
  ++round_;
}

std::optional<Arm> SequentialHalving::next() {
  if (round_ >= rounds_) return std::nullopt;
  const auto fewest = std::ranges::min_element(left_, {}, [&](Arm a) { return asked_[a]; });
  if (asked_[*fewest] >= static_cast<double>(each())) return std::nullopt;
  ++asked_[*fewest];
  return *fewest;
}

Result<void> SequentialHalving::record(Arm arm, double reward) {
  if (arm >= table_.arms()) return invalid_argument("arm: there is no arm " + std::to_string(arm));
  if (auto ok = check_between("reward", reward, 0, 1); !ok) return ok;
  table_.pick(arm);
  table_.learn(arm, reward);
  ++got_[arm];
  asked_[arm] = std::max(asked_[arm], got_[arm]);
  advance();
  return {};
}

Verdict SequentialHalving::verdict() const {
  Verdict out;
  // What was never sampled leads nobody, whatever its mean is taken for.
  out.arm = *std::ranges::max_element(left_, {}, [&](Arm a) { return std::pair(table_.pulls(a) > 0, table_.mean(a)); });
  out.stopped = round_ >= rounds_;
  std::vector<double> gaps;
  for (std::size_t a = 0; a < table_.arms(); ++a) {
    out.samples += table_.pulls(a);
    if (a != out.arm) gaps.push_back(std::max(0.0, table_.mean(out.arm) - table_.mean(a)));
  }
  if (gaps.empty()) return {.arm = out.arm, .stopped = true, .error = 0, .guaranteed = true, .samples = out.samples};
  std::ranges::sort(gaps);
  double hardness = 0;
  for (std::size_t i = 0; i < gaps.size(); ++i) {
    hardness = std::max(hardness, static_cast<double>(i + 2) / std::max(gaps[i] * gaps[i], 1e-12));
  }
  const double logs = std::max(1.0, std::log2(static_cast<double>(table_.arms())));
  out.error = std::min(1.0, 3 * logs * std::exp(-out.samples / (8 * hardness * logs)));
  return out;
}

Result<Pick> SequentialHalving::pick(const Question& question, RandomStream& /*random*/) {
  Pick out{.arm = next()};
  if (out.arm && !question.open(*out.arm)) {
    --asked_[*out.arm];
    out.arm.reset();
  }
  if (out.arm) out.memo = {static_cast<double>(round_)};
  return out;
}

Result<void> SequentialHalving::update(const Pick& pick, const Feedback& feedback, RandomStream& /*random*/) {
  return record(*pick.arm, feedback.reward);
}

void SequentialHalving::forget(const Pick& pick) {
  const bool this_round = pick.memo.size() == 1 && pick.memo[0] == static_cast<double>(round_);
  if (this_round && asked_[*pick.arm] > got_[*pick.arm]) --asked_[*pick.arm];
}

// Hoeffding's bounds at 95% for all arms together.
std::vector<Belief> SequentialHalving::beliefs() const {
  return table_.beliefs(std::sqrt(.5 * std::log(2 * static_cast<double>(table_.arms()) / .05)));
}

boost::json::object SequentialHalving::save() const {
  boost::json::object out = table_.save();
  out["round"] = round_;
  out["asked"] = saved_numbers(asked_);
  out["got"] = saved_numbers(got_);
  out["left"] = boost::json::array(left_.begin(), left_.end());
  return out;
}

Result<void> SequentialHalving::load(const boost::json::object& saved) {
  SavedNumbers from(saved);
  const std::uint64_t round = from.count("round");
  auto asked = from.numbers("asked", asked_.size()), got = from.numbers("got", got_.size());
  const auto* list = saved.if_contains("left");
  const auto left = from.numbers("left", list != nullptr && list->is_array() ? list->get_array().size() : 0);
  if (auto ok = from.check(); !ok) return ok;
  const bool ordered = std::ranges::adjacent_find(left, std::greater_equal{}) == left.end();
  if (left.empty() || !ordered || left.front() < 0 || left.back() >= static_cast<double>(table_.arms()) ||
      round > rounds_) {
    return fail(ErrorCode::kCorrupt,
                "saved state: left must be arms in order, and round one of " + std::to_string(rounds_));
  }
  if (auto ok = table_.load(saved); !ok) return ok;
  round_ = round;
  asked_ = std::move(asked);
  got_ = std::move(got);
  left_.assign(left.begin(), left.end());
  return {};
}

}  // namespace bursar::explore
