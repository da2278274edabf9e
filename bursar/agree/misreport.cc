#include "bursar/agree/misreport.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

namespace bursar::agree {
namespace {

constexpr std::size_t kMostParties = 10'000, kMostOthers = 64;
constexpr int kBisections = 60;

Result<void> check_size(const Profile& truth) {
  if (auto ok = check(truth); !ok) return ok;
  if (truth.reports.size() <= kMostParties) return {};
  return invalid_argument("there are " + std::to_string(truth.reports.size()) +
                          " parties; at most 10000 are searched, so look at a sample");
}

std::vector<double> candidates(const Profile& truth, std::size_t grid) {
  std::vector<double> out;
  for (std::size_t k = 0; k < grid; ++k) {
    const double share = static_cast<double>(k) / static_cast<double>(grid - 1);
    out.push_back(k + 1 == grid ? truth.interval.high : truth.interval.low + truth.interval.length() * share);
  }
  const std::size_t step = 1 + (truth.reports.size() - 1) / kMostOthers;
  for (std::size_t i = 0; i < truth.reports.size(); i += step) out.push_back(truth.reports[i]);
  return out;
}

// Parties answer one after another, `answer(i, reports)`, until a whole round of them changes nothing.
template <class Answer>
Result<Dynamics> play(const Profile& truth, std::size_t most, Answer answer) {
  const std::size_t n = truth.reports.size();
  Dynamics d{.reports{truth.reports.begin(), truth.reports.end()}};
  std::size_t unchanged = 0;
  while (d.responses < most && unchanged < n) {
    const std::size_t i = d.responses++ % n;
    const Result<double> next = answer(i, d.reports);
    if (!next) return tl::unexpected(next.error());
    unchanged = *next == d.reports[i] ? unchanged + 1 : 0;
    d.reports[i] = *next;
  }
  d.settled = unchanged >= n;
  return d;
}

Profile with_reports(const Profile& truth, std::span<const double> reports) {
  return {.reports = reports, .weights = truth.weights, .interval = truth.interval};
}

// The report of party i that brings the outcome nearest to `wanted`.
Result<double> respond(const Rule& rule, const Profile& truth, std::vector<double>& reports, std::size_t i) {
  const double wanted = truth.reports[i], before = reports[i];
  double low = truth.interval.low, high = truth.interval.high;
  const auto outcome = [&](double z) {
    reports[i] = z;
    auto y = rule(with_reports(truth, reports));
    reports[i] = before;
    return y;
  };
  const auto now = outcome(before), least = outcome(low), most = outcome(high);
  for (const auto* y : {&now, &least, &most}) {
    if (!*y) return tl::unexpected(y->error());
  }
  if (*least >= wanted) return low;
  if (*most <= wanted) return high;
  if (*now == wanted) return before;
  for (int step = 0; step < kBisections; ++step) {
    const double z = low + (high - low) / 2;
    const auto y = outcome(z);
    if (!y) return y;
    (*y < wanted ? low : high) = z;
  }
  return high;
}

}  // namespace

Rule rule_of(SplitRule rule) {
  return [rule](const Profile& profile) { return decide(rule, profile); };
}

Result<std::optional<Lie>> find_lie(const Rule& rule, const Profile& truth, const LieSearch& search) {
  if (auto ok = check_size(truth); !ok) return tl::unexpected(ok.error());
  if (search.grid < 2) return invalid_argument("the grid of a search for lies needs two reports at least");
  const auto honest = rule(truth);
  if (!honest) return tl::unexpected(honest.error());
  const std::vector<double> tries = candidates(truth, search.grid);
  std::vector<double> reports(truth.reports.begin(), truth.reports.end());
  std::optional<Lie> best;
  double least = search.tolerance * truth.interval.length();
  for (std::size_t i = 0; i < reports.size(); ++i) {
    const double wanted = truth.reports[i];
    for (const double report : tries) {
      reports[i] = report;
      const auto y = rule(with_reports(truth, reports));
      if (!y) return tl::unexpected(y.error());
      const double gain = std::abs(*honest - wanted) - std::abs(*y - wanted);
      if (gain <= least) continue;
      least = gain;
      best = Lie{.party = i, .report = report, .honest = *honest, .outcome = *y, .gain = gain};
    }
    reports[i] = wanted;
  }
  return best;
}

Result<Dynamics> best_responses(const Rule& rule, const Profile& truth, std::size_t most) {
  if (auto ok = check_size(truth); !ok) return tl::unexpected(ok.error());
  auto end = play(truth, most, [&](std::size_t i, std::vector<double>& z) { return respond(rule, truth, z, i); });
  if (!end) return end;
  const auto y = rule(with_reports(truth, end->reports));
  if (!y) return tl::unexpected(y.error());
  end->outcome = *y;
  return end;
}

Result<Dynamics> best_responses_to_average(const Profile& truth, std::size_t most) {
  if (auto ok = check_size(truth); !ok) return tl::unexpected(ok.error());
  if (!truth.weights.empty()) return invalid_argument("the closed form of best responses is for equal weights");
  const auto n = static_cast<double>(truth.reports.size());
  auto end = play(truth, most, [&](std::size_t i, const std::vector<double>& z) -> Result<double> {
    const double others = std::accumulate(z.begin(), z.end(), 0.0) - z[i];
    return std::clamp(n * truth.reports[i] - others, truth.interval.low, truth.interval.high);
  });
  if (end) end->outcome = std::accumulate(end->reports.begin(), end->reports.end(), 0.0) / n;
  return end;
}

}  // namespace bursar::agree
