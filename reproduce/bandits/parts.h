// The chapters of systems/bandits, a file each, and what they share.
//
//   Result<void> stochastic_part(const RunOptions& options, Report& report);   // adds its tables and bars
//
// A new part is declared here and named in bandits.cc.
#pragma once

#include <string>
#include <vector>

#include "bursar/explore/worlds.h"
#include "reproduce/report.h"
#include "reproduce/system.h"

namespace bursar::reproduce::bandits {

Result<void> stochastic_part(const RunOptions& options, Report& report);   // chapters 1 and 3, best arms
Result<void> growth_part(const RunOptions& options, Report& report);       // of regret with the horizon
Result<void> similarity_part(const RunOptions& options, Report& report);   // chapter 4
Result<void> contextual_part(const RunOptions& options, Report& report);   // chapter 8
Result<void> knapsack_part(const RunOptions& options, Report& report);     // chapter 10
Result<void> experts_part(const RunOptions& options, Report& report);      // chapter 5: all costs are seen
Result<void> adversarial_part(const RunOptions& options, Report& report);  // chapter 6: one cost is seen
Result<void> routing_part(const RunOptions& options, Report& report);      // chapter 7: sets of atoms
Result<void> games_part(const RunOptions& options, Report& report);        // chapter 9
Result<void> incentives_part(const RunOptions& options, Report& report);   // chapter 11

// One run of the policy "NAME[:parameters]" of explore::policies(); arms and seed are added. No budget: none that ends.
[[nodiscard]] Result<explore::Run> run_bandit(const std::string& words, const explore::World& world,
                                              std::uint64_t rounds, std::uint64_t seed,
                                              const std::vector<double>& budget = {});

// Whether the table of policies has this one.
[[nodiscard]] bool is_known(const std::string& words);

// Of log y over log x, by least squares.
[[nodiscard]] double log_slope(const std::vector<double>& x, const std::vector<double>& y);

// How far two means lie apart, in half-widths of their 99% intervals together: above 1 they do not overlap.
[[nodiscard]] double apart(const std::vector<double>& lower, const std::vector<double>& higher);

}  // namespace bursar::reproduce::bandits
