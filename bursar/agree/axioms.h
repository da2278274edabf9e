// What an outcome owes to each party and group, and who was denied it: fairness axioms with counterexamples.
//
//   auto report = check_axioms({.reports = wishes}, .9);
//   if (!report->all_hold()) for (const AxiomFinding& f : report->findings) if (!f.holds) blame(f.group, f.party);
//   auto owed = guarantees({.reports = wishes}, .4);      // per party: how far, and how far each axiom allows
//
// On [0, 1] with shares v_i = w_i / W (1/n without weights), outcome y, and every distance d_i = |x_i - y|:
//     individual fair share     d_i <= 1 - v_i                          for every party
//     unanimous fair share      d_i <= 1 - v(S)                         for every S that shares one point
//     proportionality           y = share of those at 1                 where all stand at 0 or 1
//     unanimity                 y = p                                   where all stand at p
//     proportional fairness     d_i <= range(S) + 1 - v(S), i in S      for every group S
// The last implies the second, and that one the first, the third and the fourth. On [low, high] all distances scale.
//
// slack is the least of bound - distance over all parties or groups: the axiom holds where it is >= -1e-12 of the
// interval. The group that attains it is returned. Proportional fairness needs no look at 2^n groups: of the groups
// that reach down to party i the one from i to the largest report binds, so that
//     max_i (s_i - V_{i-1})  <=  y  <=  min_j (s_j + 1 - V_j)     (s sorted upwards, V_j the share of the first j).
// Errors: those of check(profile), and an outcome outside of the interval. O(n log n). Source: systems/uniform-phantom.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/agree/phantom.h"

namespace bursar::agree {

enum class Axiom : std::uint8_t {
  kIndividualFairShare,
  kUnanimousFairShare,
  kProportionality,
  kUnanimity,
  kProportionalFairness
};
inline constexpr std::size_t kAxioms = 5;
[[nodiscard]] std::string_view name_of(Axiom axiom);  // "individual fair share", …

struct AxiomFinding {
  Axiom axiom = Axiom::kIndividualFairShare;
  bool applies = true;  // false: the profile is not of the kind that the axiom speaks of; it then holds
  bool holds = true;
  double slack = 0;                // bound - distance at the worst
  std::vector<std::size_t> group;  // the worst one, in order of the parties
  std::size_t party = 0;           // of the group, the one that is farthest away
  double distance = 0, bound = 0;  // of that party
};

struct AxiomReport {
  std::array<AxiomFinding, kAxioms> findings;  // in the order of Axiom
  [[nodiscard]] bool all_hold() const;
  [[nodiscard]] const AxiomFinding& of(Axiom axiom) const { return findings[static_cast<std::size_t>(axiom)]; }
};
[[nodiscard]] Result<AxiomReport> check_axioms(const Profile& profile, double outcome);

// "unanimous fair share: 2 of 3 parties (a, b) stand at 0 … and may be at most 0.333333 away; the outcome 0.9 is 0.9
// away from a". `names` may be empty: positions are written.
[[nodiscard]] std::string to_text(const AxiomFinding& finding, const Profile& profile, double outcome,
                                  std::span<const std::string> names);

struct Guarantee {
  double distance = 0;
  double individual = 0, unanimous = 0, proportional = 0;  // what each axiom allows this party at most
};
[[nodiscard]] Result<std::vector<Guarantee>> guarantees(const Profile& profile, double outcome);

}  // namespace bursar::agree
