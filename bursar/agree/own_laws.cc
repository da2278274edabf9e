#include "bursar/agree/own_laws.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "bursar/agree/number_text.h"

namespace bursar::agree {

OwnLaws::OwnLaws(const std::vector<std::vector<std::uint64_t>>& counts) {
  for (const auto& own : counts) {
    double rounds = 0;
    for (const std::uint64_t n : own) rounds += static_cast<double>(n);
    auto& law = law_.emplace_back();
    for (const std::uint64_t n : own)
      law.push_back((static_cast<double>(n) + .5) / (rounds + .5 * static_cast<double>(own.size())));
    rounds_.push_back(rounds);
  }
}

double OwnLaws::confusion(std::size_t a, std::size_t b, double rounds) const {
  double overlap = 0;
  for (std::size_t k = 0; k < law_[a].size(); ++k) overlap += std::sqrt(law_[a][k] * law_[b][k]);
  return std::min(1.0, std::pow(std::min(overlap, 1.0), rounds));
}

Result<std::size_t> OwnLaws::likeliest(std::span<const std::uint64_t> seen) const {
  double total = 0;
  for (const std::uint64_t n : seen) total += static_cast<double>(n);
  std::size_t best = 0;
  double least = 0;
  for (std::size_t e = 0; e < law_.size(); ++e) {
    double g = 0;  // twice the loss of likelihood against the frequencies themselves
    for (std::size_t k = 0; k < seen.size(); ++k) {
      const auto n = static_cast<double>(seen[k]);
      if (n > 0) g += 2 * n * std::log(n / (total * law_[e][k]));
    }
    if (e > 0 && g >= least) continue;
    best = e;
    least = g;
  }
  // Chi-squared of as many degrees stays below this but for a chance of about 1e-8; a law known from few rounds is off
  // by as much again.
  const double degrees = static_cast<double>(seen.size()) - 1;
  const double most = (1 + total / std::max(rounds_[best], 1.0)) * (degrees + 6 * std::sqrt(2 * degrees) + 18);
  if (least <= most) return best;
  return fail(ErrorCode::kInfeasible,
              "unidentifiable: what is reported fits no effort (effort " + std::to_string(best) + " fits best, G = " +
                  to_short(least) + " and at most " + to_short(most) + " is chance); does a mixed rule pay for lies?");
}

}  // namespace bursar::agree
