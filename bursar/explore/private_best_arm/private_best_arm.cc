#include "bursar/explore/private_best_arm/private_best_arm.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "bursar/allocate/solve.h"

namespace bursar::explore {
namespace {

Result<void> check_features(const ArmFeatures& f) {
  if (f.arms == 0 || f.arms > PrivateBestArm::kMostArms) {
    return invalid_argument("arms: are " + std::to_string(f.arms) + "; needs 1 to " +
                            std::to_string(PrivateBestArm::kMostArms));
  }
  if (f.values.empty()) return {};
  if (f.dimension == 0 || f.dimension > PrivateBestArm::kMostDimension) {
    return invalid_argument("dimension: is " + std::to_string(f.dimension) + "; it must be from 1 to " +
                            std::to_string(PrivateBestArm::kMostDimension));
  }
  if (f.values.size() != f.arms * f.dimension || f.values.size() > PrivateBestArm::kMostValues) {
    return invalid_argument("features: are " + std::to_string(f.values.size()) + " numbers for " +
                            std::to_string(f.arms) + " arms of dimension " + std::to_string(f.dimension));
  }
  return {};
}

}  // namespace

Result<PrivateBestArm> PrivateBestArm::make(ArmFeatures features, PrivateBestArmOptions options) {
  if (auto ok = check_features(features); !ok) return tl::unexpected(ok.error());
  if (auto ok = check_noise(options.noise); !ok) return tl::unexpected(ok.error());
  std::size_t dimension = features.arms;
  if (!features.values.empty()) {
    const auto rank = rank_of(features.values, features.dimension);
    if (!rank) return tl::unexpected(rank.error());
    if (*rank == 0) return invalid_argument("features: every one is zero; no reward could tell the arms apart");
    dimension = *rank;
  }
  auto plan = plan_elimination(
      {.arms = features.arms, .dimension = dimension, .samples = options.samples, .schedule = options.schedule});
  if (!plan) return tl::unexpected(plan.error());
  PrivateBestArm out(std::move(features), options, *std::move(plan));
  if (auto ok = out.begin_phase(); !ok) return tl::unexpected(ok.error());
  return out;
}

PrivateBestArm::PrivateBestArm(ArmFeatures features, PrivateBestArmOptions options, EliminationPlan plan)
    : features_(std::move(features)), options_(options), plan_(std::move(plan)), active_(features_.arms) {
  std::iota(active_.begin(), active_.end(), std::size_t{0});
}

std::vector<double> PrivateBestArm::active_rows() const {
  const std::size_t d = features_.dimension;
  std::vector<double> rows;
  rows.reserve(active_.size() * d);
  for (const std::size_t arm : active_) {
    const auto* from = features_.values.data() + arm * d;
    rows.insert(rows.end(), from, from + d);
  }
  return rows;
}

Result<void> PrivateBestArm::begin_phase() {
  pulled_.clear(), alpha_.clear();
  if (done()) {
    counts_.clear(), sums_.clear();
    return {};
  }
  if (!features_.values.empty()) {
    const std::vector<double> rows = active_rows();
    const auto rank = rank_of(rows, features_.dimension);
    if (!rank) return tl::unexpected(rank.error());
    if (*rank == 0) {
      // Every mean is 0 whatever is measured: one arm is pulled for the sake of the count, and chance decides.
      pulled_ = {active_.front()};
      alpha_.assign(active_.size(), 0);
    } else if (static_cast<double>(*rank) < std::sqrt(static_cast<double>(active_.size()))) {
      auto chosen = max_det_collection(rows, features_.dimension);
      if (!chosen) return tl::unexpected(chosen.error());
      for (const std::size_t row : chosen->members) pulled_.push_back(active_[row]);
      alpha_ = std::move(chosen->coefficients);
    }
  }
  if (pulled_.empty()) pulled_ = active_;
  pulls_ = plan_.pulls(pulled_.size());
  counts_.assign(pulled_.size(), 0);
  sums_.assign(pulled_.size(), 0);
  open_ = pulled_.size();
  return {};
}

std::vector<Pull> PrivateBestArm::next_batch() const {
  std::vector<Pull> batch;
  for (std::size_t j = 0; j < pulled_.size(); ++j) {
    if (counts_[j] < pulls_) batch.push_back({pulled_[j], pulls_ - counts_[j]});
  }
  return batch;
}

Result<void> PrivateBestArm::report(std::span<const ArmSum> sums) {
  struct Before {
    std::size_t at;
    std::uint64_t count;
    double sum;
  };
  std::vector<Before> undo;
  undo.reserve(sums.size());
  const auto refuse = [&](std::string what) -> Result<void> {
    for (auto b = undo.rbegin(); b != undo.rend(); ++b) counts_[b->at] = b->count, sums_[b->at] = b->sum;
    return invalid_argument(std::move(what));
  };
  for (const ArmSum& s : sums) {
    const auto found = std::ranges::lower_bound(pulled_, s.arm);
    if (found == pulled_.end() || *found != s.arm) {
      return refuse("arm " + std::to_string(s.arm) + " is not being pulled in this phase; next_batch says which are");
    }
    const auto at = static_cast<std::size_t>(found - pulled_.begin());
    if (s.count == 0 || s.count > pulls_ - counts_[at]) {
      return refuse("arm " + std::to_string(s.arm) + ": " + std::to_string(s.count) + " rewards were reported and " +
                    std::to_string(pulls_ - counts_[at]) + " are wanted");
    }
    double sum = s.sum;
    if (options_.clip && s.count == 1 && !std::isnan(sum)) sum = std::clamp(sum, 0.0, 1.0);
    if (!(sum >= 0 && sum <= static_cast<double>(s.count))) {
      return refuse("arm " + std::to_string(s.arm) + ": the " + std::to_string(s.count) +
                    " rewards must each be from 0 to 1, or the noise would hide too little; scale them, or clip");
    }
    undo.push_back({at, counts_[at], sums_[at]});
    counts_[at] += s.count;
    sums_[at] += sum;
  }
  for (const ArmSum& s : sums) used_ += s.count;
  // An arm that stood full before this report took nothing from it.
  std::ranges::sort(undo, {}, &Before::at);
  for (std::size_t i = 0; i < undo.size(); ++i) {
    const bool last = i + 1 == undo.size() || undo[i + 1].at != undo[i].at;
    if (last && counts_[undo[i].at] == pulls_) --open_;
  }
  return open_ == 0 && !done() ? end_phase() : Result<void>{};
}

Result<void> PrivateBestArm::end_phase() {
  RandomStream random = RandomStream(options_.seed).split("private-best-arm").split("noise").split(phase_);
  const double scale = noise_scale(options_.noise, pulls_);
  std::vector<double> measured(pulled_.size());
  for (std::size_t j = 0; j < pulled_.size(); ++j) {
    measured[j] = release_mean(sums_[j] / static_cast<double>(pulls_), scale, options_.noise.noise, random);
  }
  PrivatePhase phase{.pulls = pulls_, .arms = active_, .means = measured, .pulled = pulled_};
  if (!alpha_.empty()) {
    const std::size_t r = pulled_.size();
    phase.means.assign(active_.size(), 0);
    for (std::size_t i = 0; i < active_.size(); ++i) {
      for (std::size_t j = 0; j < r; ++j) phase.means[i] += alpha_[i * r + j] * measured[j];
    }
  }
  keep_best(phase.means);
  released_.push_back(std::move(phase));
  ++phase_;
  return begin_phase();
}

void PrivateBestArm::keep_best(const std::vector<double>& means) {
  struct Candidate {
    double mean;
    std::uint64_t tie;
    std::size_t arm;
  };
  RandomStream random = RandomStream(options_.seed).split("private-best-arm").split("ties").split(phase_);
  std::vector<Candidate> order;
  order.reserve(active_.size());
  for (std::size_t i = 0; i < active_.size(); ++i) order.push_back({means[i], random(), active_[i]});
  const std::size_t kept = plan_.survivors[phase_ + 1];
  std::ranges::nth_element(
      order, order.begin() + static_cast<std::ptrdiff_t>(kept - 1),
      [](const Candidate& a, const Candidate& b) { return a.mean != b.mean ? a.mean > b.mean : a.tie < b.tie; });
  active_.clear();
  for (std::size_t i = 0; i < kept; ++i) active_.push_back(order[i].arm);
  std::ranges::sort(active_);
}

Result<PrivateAnswer> PrivateBestArm::answer() const {
  if (!done()) {
    return fail(ErrorCode::kUnavailable, "the answer is not known before all phases; " + std::to_string(phase_) +
                                             " of " + std::to_string(plan_.phases()) + " are done");
  }
  return PrivateAnswer{active_.front(), used_, spent()};
}

PrivacyLoss PrivateBestArm::cost() const {
  if (options_.noise.noise == PrivateNoise::kNone || plan_.phases() == 0) return {};
  return {options_.noise.epsilon, options_.noise.delta};
}

}  // namespace bursar::explore
