#include "bursar/agree/axioms.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "bursar/agree/number_text.h"

namespace bursar::agree {
namespace {

constexpr double kTolerance = 1e-12;  // of the interval's length

// The parties sorted by report, and the share of the total weight up to each.
class Sorted {
 public:
  explicit Sorted(const Profile& p) : p_(p), order_(p.reports.size()), upto_(p.reports.size() + 1) {
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    std::ranges::stable_sort(order_, {}, [&](std::size_t i) { return p.reports[i]; });
    double sum = 0;
    for (std::size_t k = 0; k < order_.size(); ++k) upto_[k + 1] = sum += weight(order_[k]);
    for (double& v : upto_) v /= sum;
  }
  [[nodiscard]] std::size_t size() const { return order_.size(); }
  [[nodiscard]] double report(std::size_t k) const { return p_.reports[order_[k]]; }
  [[nodiscard]] std::size_t party(std::size_t k) const { return order_[k]; }
  [[nodiscard]] double upto(std::size_t k) const { return upto_[k]; }  // share of the first k
  [[nodiscard]] double length() const { return p_.interval.length(); }
  [[nodiscard]] std::vector<std::size_t> group(std::size_t from, std::size_t to) const {
    std::vector<std::size_t> out(order_.begin() + static_cast<std::ptrdiff_t>(from),
                                 order_.begin() + static_cast<std::ptrdiff_t>(to));
    std::ranges::sort(out);
    return out;
  }
  // The first position behind k that says something else.
  [[nodiscard]] std::size_t behind(std::size_t k) const {
    const double x = report(k);
    while (k < size() && report(k) == x) ++k;
    return k;
  }

 private:
  [[nodiscard]] double weight(std::size_t i) const { return p_.weights.empty() ? 1.0 : p_.weights[i]; }

  const Profile& p_;
  std::vector<std::size_t> order_;
  std::vector<double> upto_;
};

// Takes note of the worst case of one axiom: the sorted parties [from, to), judged by the one at `worst`.
class Worst {
 public:
  Worst(Axiom axiom, const Sorted& sorted, double outcome) : sorted_(sorted), y_(outcome) {
    finding_.axiom = axiom;
    finding_.applies = false;
    finding_.slack = std::numeric_limits<double>::infinity();
  }
  void see(std::size_t from, std::size_t to, std::size_t worst, double bound) {
    const double distance = std::abs(sorted_.report(worst) - y_), slack = bound - distance;
    if (finding_.applies && slack >= finding_.slack) return;
    finding_ = {
        .axiom = finding_.axiom, .slack = slack, .party = sorted_.party(worst), .distance = distance, .bound = bound};
    from_ = from, to_ = to;
  }
  [[nodiscard]] AxiomFinding take() {
    if (!finding_.applies) finding_.slack = 0;
    finding_.holds = finding_.slack >= -kTolerance * sorted_.length();
    finding_.group = sorted_.group(from_, to_);
    return std::move(finding_);
  }

 private:
  const Sorted& sorted_;
  const double y_;
  AxiomFinding finding_;
  std::size_t from_ = 0, to_ = 0;
};

AxiomFinding individual(const Sorted& s, double y) {
  Worst worst(Axiom::kIndividualFairShare, s, y);
  for (std::size_t k = 0; k < s.size(); ++k) worst.see(k, k + 1, k, s.length() * (1 - (s.upto(k + 1) - s.upto(k))));
  return worst.take();
}

AxiomFinding unanimous(const Sorted& s, double y) {
  Worst worst(Axiom::kUnanimousFairShare, s, y);
  for (std::size_t k = 0; k < s.size();) {
    const std::size_t end = s.behind(k);
    worst.see(k, end, k, s.length() * (1 - (s.upto(end) - s.upto(k))));
    k = end;
  }
  return worst.take();
}

// For those at either end the bound is what the others leave; both together say that y is the share of the upper end.
AxiomFinding proportionality(const Sorted& s, const Interval& interval, double y) {
  Worst worst(Axiom::kProportionality, s, y);
  const std::size_t n = s.size(), below = s.report(0) == interval.low ? s.behind(0) : 0;
  if (below < n && s.report(below) != interval.high) return worst.take();
  if (below > 0) worst.see(0, below, 0, s.length() * (1 - s.upto(below)));
  if (below < n) worst.see(below, n, below, s.length() * s.upto(below));
  return worst.take();
}

AxiomFinding unanimity(const Sorted& s, double y) {
  Worst worst(Axiom::kUnanimity, s, y);
  if (s.behind(0) == s.size()) worst.see(0, s.size(), 0, 0);
  return worst.take();
}

AxiomFinding proportional(const Sorted& s, double y) {
  Worst worst(Axiom::kProportionalFairness, s, y);
  const std::size_t n = s.size();
  for (std::size_t k = 0; k < n; ++k) {
    worst.see(0, k + 1, 0, s.report(k) - s.report(0) + s.length() * (1 - s.upto(k + 1)));
    worst.see(k, n, n - 1, s.report(n - 1) - s.report(k) + s.length() * s.upto(k));
  }
  return worst.take();
}

Result<void> check(const Profile& profile, double outcome) {
  if (auto ok = check(profile); !ok) return ok;
  if (outcome >= profile.interval.low && outcome <= profile.interval.high) return {};
  return invalid_argument("the outcome " + to_text(outcome) + " is outside of [" + to_text(profile.interval.low) +
                          ", " + to_text(profile.interval.high) + "]");
}

std::string list(std::span<const std::size_t> parties, std::span<const std::string> names) {
  constexpr std::size_t kShown = 8;
  std::string out;
  for (std::size_t k = 0; k < std::min(parties.size(), kShown); ++k) {
    out += (k == 0 ? "" : ", ") + (names.empty() ? "party " + std::to_string(parties[k]) : names[parties[k]]);
  }
  return parties.size() > kShown ? out + " and " + std::to_string(parties.size() - kShown) + " more" : out;
}

}  // namespace

std::string_view name_of(Axiom axiom) {
  switch (axiom) {
    case Axiom::kIndividualFairShare: return "individual fair share";
    case Axiom::kUnanimousFairShare: return "unanimous fair share";
    case Axiom::kProportionality: return "proportionality";
    case Axiom::kUnanimity: return "unanimity";
    case Axiom::kProportionalFairness: return "proportional fairness";
  }
  return "proportional fairness";
}

bool AxiomReport::all_hold() const { return std::ranges::all_of(findings, &AxiomFinding::holds); }

Result<AxiomReport> check_axioms(const Profile& profile, double outcome) {
  if (auto ok = check(profile, outcome); !ok) return tl::unexpected(ok.error());
  const Sorted sorted(profile);
  return AxiomReport{{individual(sorted, outcome), unanimous(sorted, outcome),
                      proportionality(sorted, profile.interval, outcome), unanimity(sorted, outcome),
                      proportional(sorted, outcome)}};
}

std::string to_text(const AxiomFinding& f, const Profile& profile, double outcome, std::span<const std::string> names) {
  std::string out(name_of(f.axiom));
  if (!f.applies) return out + ": says nothing about these reports";
  double least = profile.interval.high, most = profile.interval.low;
  for (const std::size_t i : f.group) {
    least = std::min(least, profile.reports[i]);
    most = std::max(most, profile.reports[i]);
  }
  out += f.holds ? ": holds; tightest for " : ": broken; ";
  out += std::to_string(f.group.size()) + " of " + std::to_string(profile.reports.size()) + " (" +
         list(f.group, names) + ") at " + to_short(least) + (least == most ? "" : " … " + to_short(most));
  return out + (f.holds ? ", who may be " : " may be ") + to_short(std::max(f.bound, 0.0)) +
         " away at most, and the outcome " + to_short(outcome) + " is " + to_short(f.distance) + " away from " +
         list(std::span(&f.party, 1), names);
}

Result<std::vector<Guarantee>> guarantees(const Profile& profile, double outcome) {
  if (auto ok = check(profile, outcome); !ok) return tl::unexpected(ok.error());
  const Sorted s(profile);
  const std::size_t n = s.size();
  std::vector<Guarantee> out(n);
  // The best group of party k reaches from the a <= k with the largest s_a - V_{a-1} to the b >= k with the smallest
  // s_b - V_b.
  std::vector<double> reach(n);
  for (std::size_t k = n; k-- > 0;) {
    const double here = s.report(k) - s.length() * s.upto(k + 1);
    reach[k] = k + 1 == n ? here : std::min(here, reach[k + 1]);
  }
  double from = -std::numeric_limits<double>::infinity();
  std::size_t end = 0, begin = 0;
  for (std::size_t k = 0; k < n; ++k) {
    if (k == end) begin = k, end = s.behind(k);
    from = std::max(from, s.report(k) - s.length() * s.upto(k));
    const double x = s.report(k);
    out[s.party(k)] = {.distance = std::abs(x - outcome),
                       .individual = s.length() * (1 - (s.upto(k + 1) - s.upto(k))),
                       .unanimous = s.length() * (1 - (s.upto(end) - s.upto(begin))),
                       .proportional = reach[k] - from + s.length()};
  }
  return out;
}

}  // namespace bursar::agree
