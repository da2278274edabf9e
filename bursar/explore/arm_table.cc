#include "bursar/explore/arm_table.h"

#include <algorithm>
#include <cmath>

#include "bursar/core/saved_numbers.h"

namespace bursar::explore {
namespace {

// In place of infinity, so that index arithmetic stays finite even for a scale of 0.
constexpr double kUnknown = 1e150;
constexpr std::size_t kBlock = 1024;

}  // namespace

ArmTable::ArmTable(std::size_t arms) : mean_(arms, .5), inverse_root_(arms, kUnknown), picks_(arms), pulls_(arms) {}

void ArmTable::widen(std::size_t arm) { inverse_root_[arm] = picks_[arm] > 0 ? 1 / std::sqrt(picks_[arm]) : kUnknown; }

void ArmTable::pick(Arm arm) {
  ++picks_[arm];
  widen(arm);
}

void ArmTable::learn(Arm arm, double reward) {
  const double n = ++pulls_[arm];
  mean_[arm] = n == 1 ? reward : mean_[arm] + (reward - mean_[arm]) / n;
}

void ArmTable::forget(Arm arm) {
  --picks_[arm];
  widen(arm);
}

// With a radius that leaves nothing of the means.
std::optional<Arm> ArmTable::least(const Question& question) const { return highest(1e30, question); }

std::optional<Arm> ArmTable::highest(double scale, const Question& question) const {
  const std::size_t n = mean_.size();
  scale = std::max(scale, 1e-100);
  std::optional<Arm> best;
  double top = -1;
  if (!question.closed.empty()) {
    for (std::size_t a = 0; a < n; ++a) {
      const double index = mean_[a] + scale * inverse_root_[a];
      if (question.closed[a] == 0 && index > top) top = index, best = static_cast<Arm>(a);
    }
    return best;
  }
  // Block by block: the maximum first, which the compiler turns into vectors, and its place only where it is higher.
  const double* const mean = mean_.data();
  const double* const root = inverse_root_.data();
  for (std::size_t begin = 0; begin < n; begin += kBlock) {
    const std::size_t end = std::min(begin + kBlock, n);
    double here = -1;
    for (std::size_t a = begin; a < end; ++a) {
      const double index = mean[a] + scale * root[a];
      here = here < index ? index : here;
    }
    if (here <= top) continue;
    top = here;
    for (std::size_t a = begin; a < end; ++a) {
      if (mean[a] + scale * root[a] < here) continue;
      best = static_cast<Arm>(a);
      break;
    }
  }
  return best;
}

std::vector<Belief> ArmTable::beliefs(double radius) const {
  std::vector<Belief> out(mean_.size());
  for (std::size_t a = 0; a < out.size(); ++a) {
    const double r = pulls_[a] > 0 ? radius / std::sqrt(pulls_[a]) : 1;
    out[a] = {
        .mean = mean_[a], .low = std::max(0.0, mean_[a] - r), .high = std::min(1.0, mean_[a] + r), .pulls = pulls_[a]};
  }
  return out;
}

boost::json::object ArmTable::save() const {
  return {{"mean", saved_numbers(mean_)}, {"picks", saved_numbers(picks_)}, {"pulls", saved_numbers(pulls_)}};
}

Result<void> ArmTable::load(const boost::json::object& saved) {
  SavedNumbers from(saved);
  auto mean = from.numbers("mean", mean_.size());
  auto picks = from.numbers("picks", mean_.size());
  auto pulls = from.numbers("pulls", mean_.size());
  if (auto ok = from.check(); !ok) return ok;
  for (std::size_t a = 0; a < mean.size(); ++a) {
    if (mean[a] >= 0 && mean[a] <= 1 && pulls[a] >= 0 && pulls[a] <= picks[a]) continue;
    return fail(ErrorCode::kCorrupt, "saved state: arm " + std::to_string(a) + " contradicts itself");
  }
  mean_ = std::move(mean);
  picks_ = std::move(picks);
  pulls_ = std::move(pulls);
  for (std::size_t a = 0; a < mean_.size(); ++a) widen(a);
  return {};
}

}  // namespace bursar::explore
