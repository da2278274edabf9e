#include "bursar/explore/contextual/per_context.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <cmath>
#include <string>

namespace bursar::explore {
namespace {

constexpr std::size_t kMostContexts = 1 << 20;

}  // namespace

PerContext::PerContext(const PerContextOptions& options, std::vector<std::unique_ptr<Learner>> learners)
    : options_(options), learners_(std::move(learners)) {}

Result<std::unique_ptr<PerContext>> PerContext::make(const PerContextOptions& options, const Make& make) {
  if (options.contexts == 0 || options.contexts > kMostContexts) {
    return invalid_argument("contexts: must be 1 to " + std::to_string(kMostContexts) + ", is " +
                            std::to_string(options.contexts));
  }
  std::vector<std::unique_ptr<Learner>> learners;
  for (std::size_t c = 0; c < options.contexts; ++c) {
    auto learner = make();
    if (!learner) return tl::unexpected(learner.error());
    learners.push_back(std::move(*learner));
  }
  return std::unique_ptr<PerContext>(new PerContext(options, std::move(learners)));
}

Result<std::size_t> PerContext::place(const Question& question) const {
  if (question.context.size() != 1) {
    return invalid_argument("context: has " + std::to_string(question.context.size()) + " numbers, needs one");
  }
  const double x = question.context[0];
  const auto count = static_cast<double>(learners_.size());
  if (options_.binned) {
    if (!(x >= 0 && x <= 1)) return invalid_argument("context: must be from 0 to 1, is " + std::to_string(x));
    return static_cast<std::size_t>(std::min(std::floor(x * count), count - 1));
  }
  if (!(x >= 0 && x < count) || x != std::floor(x)) {
    return invalid_argument("context: must be a type, a whole number from 0 to " +
                            std::to_string(learners_.size() - 1) + ", is " + std::to_string(x));
  }
  return static_cast<std::size_t>(x);
}

Result<Pick> PerContext::pick(const Question& question, RandomStream& random) {
  const auto at = place(question);
  if (!at) return tl::unexpected(at.error());
  Question asked = question;
  asked.context = {};
  auto out = learners_[*at]->pick(asked, random);
  if (out && out->arm) out->memo.push_back(static_cast<double>(*at));
  return out;
}

Pick PerContext::inner(const Pick& pick) {
  Pick out = pick;
  out.memo.pop_back();
  return out;
}

// The context is the last of the memo; a damaged state may have lost it.
Learner* PerContext::of(const Pick& pick) {
  if (pick.memo.empty()) return nullptr;
  const double at = pick.memo.back();
  return at >= 0 && at < static_cast<double>(learners_.size()) ? learners_[static_cast<std::size_t>(at)].get()
                                                               : nullptr;
}

Result<void> PerContext::update(const Pick& pick, const Feedback& feedback, RandomStream& random) {
  Learner* const learner = of(pick);
  if (learner == nullptr) return fail(ErrorCode::kCorrupt, "saved state: a choice has no context");
  return learner->update(inner(pick), feedback, random);
}

void PerContext::forget(const Pick& pick) {
  if (Learner* const learner = of(pick)) learner->forget(inner(pick));
}

std::vector<Belief> PerContext::beliefs() const {
  std::vector<Belief> out(arms(), Belief{.mean = .5, .low = 0, .high = 1});
  std::vector<Belief> sum(arms());
  for (const auto& learner : learners_) {
    const auto here = learner->beliefs();
    for (std::size_t a = 0; a < out.size(); ++a) {
      sum[a].mean += here[a].pulls * here[a].mean;
      sum[a].low += here[a].pulls * here[a].low;
      sum[a].high += here[a].pulls * here[a].high;
      sum[a].pulls += here[a].pulls;
    }
  }
  for (std::size_t a = 0; a < out.size(); ++a) {
    const double n = sum[a].pulls;
    if (n > 0) out[a] = {.mean = sum[a].mean / n, .low = sum[a].low / n, .high = sum[a].high / n, .pulls = n};
  }
  return out;
}

// Square roots: of all contexts together at most as if the rounds were spread over them evenly.
std::optional<double> PerContext::regret_bound(double rounds) const {
  const auto count = static_cast<double>(learners_.size());
  const auto one = learners_[0]->regret_bound(rounds / count);
  if (!one || options_.binned) return std::nullopt;
  return *one * count;
}

boost::json::object PerContext::save() const {
  boost::json::array learners;
  for (const auto& learner : learners_) learners.push_back(learner->save());
  return {{"learners", std::move(learners)}};
}

Result<void> PerContext::load(const boost::json::object& saved) {
  const auto* list = saved.if_contains("learners");
  if (list == nullptr || !list->is_array() || list->get_array().size() != learners_.size()) {
    return fail(ErrorCode::kCorrupt, "saved state: learners must be " + std::to_string(learners_.size()) + " objects");
  }
  for (std::size_t c = 0; c < learners_.size(); ++c) {
    const auto& one = list->get_array()[c];
    if (!one.is_object()) return fail(ErrorCode::kCorrupt, "saved state: learners must be objects");
    if (auto ok = learners_[c]->load(one.get_object()); !ok) return ok;
  }
  return {};
}

std::size_t lipschitz_bins(double rounds, double arms, double lipschitz) {
  const double eps =
      std::pow(rounds / (arms * std::log(std::max(rounds, 2.0))), -1.0 / 3) * std::pow(lipschitz, -2.0 / 3);
  return static_cast<std::size_t>(std::clamp(std::ceil(1 / eps), 1.0, static_cast<double>(kMostContexts)));
}

}  // namespace bursar::explore
