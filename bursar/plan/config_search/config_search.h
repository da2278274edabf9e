// Which models and how many samples each stage of a fixed chain should get under one total, where a trial is dear.
//
//   ConfigSearch search = *ConfigSearch::make(stages, {.space = {.budget = 900}, .seed = 7});
//   while (search.trials().size() < 50) {
//     const auto batch = search.propose(10);
//     for (const Configuration& c : *batch) search.report(c, {.value = run(c), .examples = 50});
//   }
//   Recommendation best = *search.best();          // best.configuration, best.predicted, best.why
//
// First trials come from what is usual: does a stage need its large model, or do as well with many samples of a small
// one (config_space.h)? Then each proposal is the best configuration of a plausible world, drawn from a Bayesian model
// of the score (score_surrogate.h; Thompson sampling). best() is the tried configuration with the largest posterior
// mean, not with the largest raw score, which is biased upwards. Measure the top few again before you rely on one.
// Sans-I/O, deterministic from the seed; a search that was saved goes on exactly, its open proposals with it.
// Another proposer may feed the same archive: report() takes any configuration within the budget (prompt_proposer.h).
// A round O(p^3 + configurations), well below a second for three stages of three models. Source: systems/agenttts.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "bursar/plan/config_search/config_space.h"
#include "bursar/plan/config_search/score_surrogate.h"

namespace bursar::plan {

struct SearchOptions {
  SpaceOptions space;
  std::uint64_t seed = 1;
  double spread = .7;        // of the draws, in posterior standard deviations, >= 0
  bool usual_first = true;   // false: as many first trials at random
  bool curvature = true;     // false: more samples are believed never to hurt
  bool joint_budget = true;  // false: every stage keeps to the cost of its largest model once
};

struct Trial {
  Configuration configuration;
  Score score;
  double cost = 0;
};

// What the trials say of one stage, in words and figures.
struct Guideline {
  std::string stage, text;
  double probability = 0;  // posterior, that it holds
};

struct Recommendation {
  Configuration configuration;
  double predicted = 0;      // score, from the posterior mean of its logarithm
  double low = 0, high = 0;  // the middle 95%; at most 1
  double cost = 0;
  std::vector<Guideline> why;
};

class ConfigSearch {
 public:
  static constexpr std::size_t kMostTrials = 100'000, kMostBatch = 1000;

  // Errors: those of ConfigSpace::make, and kInvalidArgument for a spread below 0.
  [[nodiscard]] static Result<ConfigSearch> make(std::vector<ChainStage> stages, SearchOptions options);

  // New proposals, none of them tried or open, at most `max_batch`; fewer, or none, where all have been.
  // kInvalidArgument for a batch outside 1 … 1000.
  [[nodiscard]] Result<std::vector<Configuration>> propose(std::size_t max_batch);
  // Of a proposal, or of any configuration; again where it was measured again. Errors, with the state as it was:
  // kInvalidArgument for an unknown model, samples out of range, a cost above the budget, a score or one of a stage
  // outside [0, 1], examples below 1; kExhausted past kMostTrials.
  Result<void> report(const Configuration& configuration, const Score& score);
  // A proposal that could not be measured: no longer open, and not proposed again. kNotFound where it is not open.
  Result<void> give_up(const Configuration& configuration);

  // kUnavailable before the first trial whose score is above 0.
  [[nodiscard]] Result<Recommendation> best() const;
  // Tried configurations by posterior mean, the best first, at most `count`: what to measure again.
  [[nodiscard]] std::vector<Configuration> leaders(std::size_t count) const;

  [[nodiscard]] const ConfigSpace& space() const { return space_; }
  [[nodiscard]] const SearchOptions& options() const { return options_; }
  [[nodiscard]] const std::vector<Trial>& trials() const { return trials_; }
  [[nodiscard]] const std::vector<Configuration>& open() const { return open_; }
  [[nodiscard]] const ScoreSurrogate& belief() const { return belief_; }
  // What is believed of each stage at the best configuration; empty before there is one.
  [[nodiscard]] std::vector<Guideline> guidelines() const;

  [[nodiscard]] boost::json::object save() const;
  [[nodiscard]] static Result<ConfigSearch> restore(const boost::json::object& saved);  // kCorrupt, naming the place

 private:
  ConfigSearch(ConfigSpace space, SearchOptions options);
  [[nodiscard]] bool is_known(const Configuration& configuration) const;
  [[nodiscard]] std::vector<Configuration> first_trials() const;
  [[nodiscard]] std::optional<Configuration> draw_best();

  ConfigSpace space_;
  SearchOptions options_;
  ScoreSurrogate belief_;
  std::vector<double> own_limit_;  // [stages], where the budget is not joint
  std::vector<Trial> trials_;
  std::vector<Configuration> open_, given_up_;
  std::uint64_t drawn_ = 0;
};

}  // namespace bursar::plan
