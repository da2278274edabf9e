#include "bursar/agree/independent_markets.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "bursar/agree/number_text.h"

namespace bursar::agree {
namespace {

constexpr std::size_t kMostLines = 4096, kMostShares = std::size_t{1} << 26, kMostSearched = 10'000;
constexpr double kLargestWeight = 1e12, kRowTolerance = 1e-9, kLeastGain = 1e-9;

// One line: what is asked for, largest first, and the weight of the parties that ask for at least as much.
class Market {
 public:
  Market(const Proposals& p, std::size_t line) {
    std::vector<std::size_t> order(p.parties());
    std::iota(order.begin(), order.end(), std::size_t{0});
    const auto asked = [&](std::size_t i) { return p.shares[i * p.lines + line]; };
    std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return asked(a) > asked(b); });
    double above = 0;
    for (const std::size_t i : order) {
      above += p.weights.empty() ? 1.0 : p.weights[i];
      asked_.push_back(asked(i));
      above_.push_back(above);
    }
  }
  [[nodiscard]] double total() const { return above_.back(); }
  // max_k min(r_k, min(1, W_k t)): r falls and W rises, so the two meet once.
  [[nodiscard]] double at(double t) const {
    std::size_t low = 0, high = asked_.size();  // the first k at which the phantom is not below the report
    while (low < high) {
      const std::size_t k = low + (high - low) / 2;
      (phantom(k, t) < asked_[k] ? low : high) = phantom(k, t) < asked_[k] ? k + 1 : k;
    }
    const double below = low == 0 ? 0.0 : phantom(low - 1, t);
    return low == asked_.size() ? below : std::max(below, asked_[low]);
  }

 private:
  [[nodiscard]] double phantom(std::size_t k, double t) const { return std::min(1.0, above_[k] * t); }
  std::vector<double> asked_, above_;
};

double distance(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t j = 0; j < a.size(); ++j) sum += std::abs(a[j] - b[j]);
  return sum;
}

// Uniform on the simplex.
std::vector<double> drawn(std::size_t lines, RandomStream& random) {
  std::vector<double> out(lines);
  double sum = 0;
  for (double& x : out) sum += x = random.exponential();
  for (double& x : out) x /= sum;
  return out;
}

std::vector<std::vector<double>> lies(const Proposals& truth, std::size_t party, std::size_t tries,
                                      RandomStream& random) {
  constexpr std::size_t kMostOthers = 16;
  const auto own = truth.shares.subspan(party * truth.lines, truth.lines);
  std::vector<std::vector<double>> out;
  for (std::size_t j = 0; j < truth.lines; ++j) {
    out.emplace_back(truth.lines, 0.0);
    out.back()[j] = 1;
  }
  for (std::size_t i = 0; i < std::min(truth.parties(), kMostOthers); ++i) {
    const auto other = truth.shares.subspan(i * truth.lines, truth.lines);
    out.emplace_back(other.begin(), other.end());
  }
  for (std::size_t k = 0; k < tries; ++k) {
    out.push_back(drawn(truth.lines, random));
    const double keep = k % 2 == 0 ? 0 : 1 - .5 * random.uniform01() * random.uniform01();
    for (std::size_t j = 0; j < truth.lines; ++j) out.back()[j] = keep * own[j] + (1 - keep) * out.back()[j];
  }
  return out;
}

}  // namespace

Result<void> check(const Proposals& p) {
  if (p.lines < 2 || p.lines > kMostLines) {
    return invalid_argument("there are " + std::to_string(p.lines) + " budget lines; 2 to 4096 are taken");
  }
  if (p.shares.empty() || p.shares.size() % p.lines != 0 || p.shares.size() > kMostShares) {
    return invalid_argument("there are " + std::to_string(p.shares.size()) + " shares for " + std::to_string(p.lines) +
                            " lines; give a whole row per party, and 1 to 2^26 shares in all");
  }
  if (!p.weights.empty() && p.weights.size() != p.parties()) {
    return invalid_argument("there are " + std::to_string(p.parties()) + " proposals and " +
                            std::to_string(p.weights.size()) + " weights; give one of each per party");
  }
  for (std::size_t i = 0; i < p.parties(); ++i) {
    double sum = 0;
    for (std::size_t j = 0; j < p.lines; ++j) {
      const double x = p.shares[i * p.lines + j];
      if (!(x >= 0 && x <= 1)) {
        return invalid_argument("party " + std::to_string(i) + ", line " + std::to_string(j) + ": the share " +
                                to_text(x) + " is outside of [0, 1]");
      }
      sum += x;
    }
    if (!(std::abs(sum - 1) <= kRowTolerance)) {
      return invalid_argument("party " + std::to_string(i) + ": the shares sum to " + to_text(sum) + " instead of 1");
    }
    if (!p.weights.empty() && !(p.weights[i] > 0 && p.weights[i] <= kLargestWeight)) {
      return invalid_argument("party " + std::to_string(i) + ": the weight " + to_text(p.weights[i]) +
                              " must be above 0 and at most 1e12");
    }
  }
  return {};
}

Result<std::vector<double>> independent_markets(const Proposals& p) {
  if (auto ok = check(p); !ok) return tl::unexpected(ok.error());
  std::vector<Market> markets;
  for (std::size_t j = 0; j < p.lines; ++j) markets.emplace_back(p, j);
  const auto sum_at = [&](double t) {
    double sum = 0;
    for (const Market& m : markets) sum += m.at(t);
    return sum;
  };
  // With every phantom at 1 each line gets the most that anybody asks for, which together is at least 1.
  double low = 0, high = 1 / (p.weights.empty() ? 1.0 : std::ranges::min(p.weights));
  while (true) {
    const double t = low + (high - low) / 2;
    if (t <= low || t >= high) break;
    (sum_at(t) < 1 ? low : high) = t;
  }
  const double below = sum_at(low), above = sum_at(high);
  const double part = above > below ? std::clamp((1 - below) / (above - below), 0.0, 1.0) : 1;
  std::vector<double> out;
  for (const Market& m : markets) out.push_back(m.at(low) + part * (m.at(high) - m.at(low)));
  return out;
}

Result<std::optional<ProposalLie>> find_lie(const Proposals& truth, std::size_t tries, RandomStream random) {
  const auto honest = independent_markets(truth);
  if (!honest) return tl::unexpected(honest.error());
  if (truth.parties() > kMostSearched) {
    return invalid_argument("there are " + std::to_string(truth.parties()) +
                            " parties; at most 10000 are searched, so look at a sample");
  }
  std::vector<double> shares(truth.shares.begin(), truth.shares.end());
  std::optional<ProposalLie> best;
  double least = kLeastGain;
  for (std::size_t i = 0; i < truth.parties(); ++i) {
    const auto own = truth.shares.subspan(i * truth.lines, truth.lines);
    const auto place = shares.begin() + static_cast<std::ptrdiff_t>(i * truth.lines);
    for (std::vector<double>& lie : lies(truth, i, tries, random)) {
      std::ranges::copy(lie, place);
      auto outcome = independent_markets({.lines = truth.lines, .shares = shares, .weights = truth.weights});
      if (!outcome) return tl::unexpected(outcome.error());
      const double gain = distance(*honest, own) - distance(*outcome, own);
      if (gain <= least) continue;
      least = gain;
      best = ProposalLie{.party = i, .proposal = std::move(lie), .outcome = std::move(*outcome), .gain = gain};
    }
    std::ranges::copy(own, place);
  }
  return best;
}

}  // namespace bursar::agree
