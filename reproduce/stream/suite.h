// The suite "stream": every schedule at its own best peak, in two worlds, with two optimisers, at six budgets.
//
//   auto suite = stream_suite({.seeds = 3});                 // kept: whoever asks again for the same gets the same
//   suite->mean_rank("rex", budgets_up_to(.1));
//   suite->share_better("rex", "cosine", all_budgets());     // of the configurations
//
// A configuration is a world, an optimiser and a budget (a share of the full 1,500 steps). Its error is the mean over
// the seeds of the share of wrong test rows at the peak where that mean is least, on a grid in steps of about 3
// (momentum .01 … .3, Adam .001 … .03). All schedules see the same beginnings and the same rows in the same order; a
// training never sees a row twice, except in the variant `repeated`: 2,048 rows, 40 epochs. Ranks are from 1, ties
// share theirs. O(trainings): about a minute for three seeds.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reproduce/stream/worlds.h"

namespace bursar::reproduce::stream {

struct SuiteOptions {
  std::uint64_t seed = 1;
  std::size_t seeds = 3;
  bool quick = false;     // the three smallest budgets and fewer test rows
  bool repeated = false;  // few rows, seen many times
};

struct Arm {
  std::string name, words;  // words: of parse_profile()
};
[[nodiscard]] std::span<const Arm> arms();  // the schedules that are compared, eleven of them

struct Configuration {
  WorldKind world = WorldKind::kGlyph;
  Optimiser optimiser = Optimiser::kMomentum;
  double budget = 1;           // share of the full number of steps
  std::vector<double> errors;  // [arms], each at its best peak
  std::vector<double> ranks;   // [arms]
};

// Which budgets count.
struct Budgets {
  double from = 0, to = 1;
};

struct Suite {
  std::vector<Configuration> configurations;

  [[nodiscard]] std::vector<double> ranks(std::size_t arm, Budgets budgets = {}) const;  // [configurations]
  [[nodiscard]] double mean_rank(std::size_t arm, Budgets budgets = {}) const;
  [[nodiscard]] double share_in_top(std::size_t arm, double top) const;  // of the configurations
  [[nodiscard]] double error_ratio(std::size_t arm) const;               // mean of error / the best arm's
  [[nodiscard]] std::size_t better(std::size_t arm, std::size_t than) const;
};

[[nodiscard]] std::size_t arm_named(std::string_view name);  // of arms(); names no other

using Progress = std::function<void(std::string_view)>;
[[nodiscard]] std::shared_ptr<const Suite> stream_suite(const SuiteOptions& options, const Progress& progress);

}  // namespace bursar::reproduce::stream
