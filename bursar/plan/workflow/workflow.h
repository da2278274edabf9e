// A graph of subtasks that one run must all complete, each of which can be tried with several models and several
// samples at once; and where such a run stands.
//
//   std::vector<Subtask> tasks;
//   tasks.push_back({.id = "outline", .options = {{.model = "small", .p = .6, .latency = {.mean_ms = 2000, .cv = .4},
//                                                  .cost = {.usd = .0004, .tokens = 500}}}});
//   tasks.push_back({.id = "draft", .parents = {0}, .options = …});
//   auto workflow = Workflow::make(std::move(tasks));
//   RunState state{.usd = .8, .ms = 300'000};                 // nothing has begun
//   workflow->dispatchable(state);                            // {0}: bit 0
//
// A subtask is complete once a batch of its samples ended with a success among them; it can be tried where all of its
// parents are complete and none of its samples is running. Success rates, latencies and costs are inputs: nothing is
// learned here. Latency is log-normal, or a pool of measured samples. At most 64 subtasks (sets of them are bits of one
// word). Source: systems/mcpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::plan {

using NodeSet = std::uint64_t;  // bit v: subtask v

struct LatencyModel {
  double mean_ms = 0;  // > 0
  double cv = 0;       // standard deviation / mean, >= 0; 0: always the mean
};

struct CostModel {
  double usd = 0, tokens = 0;   // of one sample on average, >= 0
  bool follows_latency = true;  // a sample of twice the mean latency costs twice the mean; false: always the mean
};

// One sample as it was measured.
struct MeasuredSample {
  double ms = 0;  // > 0
  bool success = false;
  double tokens = 0;  // >= 0
};

struct Option {
  std::string model;
  double p = 0;  // that one sample succeeds, in [0, 1]
  LatencyModel latency;
  CostModel cost;
  std::vector<MeasuredSample> measured = {};  // where given: p, latency and tokens are its own, usd in proportion
};

struct Subtask {
  std::string id;
  std::vector<std::size_t> parents = {};
  std::vector<Option> options = {};
};

// Samples of one subtask that run together.
struct RunningBatch {
  std::size_t node = 0, option = 0;
  int pending = 1;         // samples that have not ended, >= 1
  bool succeeded = false;  // one that ended was a success
  double elapsed_ms = 0;   // since its start
};

struct RunState {
  static constexpr double kUnlimited = std::numeric_limits<double>::infinity();
  NodeSet completed = 0;
  double usd = kUnlimited, tokens = kUnlimited;  // that may still be spent; what runs is paid already
  double ms = kUnlimited;                        // until the deadline
  std::vector<RunningBatch> running = {};
  std::vector<int> failures = {};  // samples that failed, [workflow.option_at(node, option)]; empty: none
  std::uint64_t events = 0;        // that led here: decisions of one seed differ by it
};

// What to start: `samples` of one option.
struct Start {
  std::size_t node = 0, option = 0;
  int samples = 1;
  bool operator==(const Start&) const = default;
};

class Workflow {
 public:
  static constexpr std::size_t kMostSubtasks = 64, kMostOptions = 16, kMostMeasured = 1 << 14;

  // Errors name the subtask: kInvalidArgument for none or too many of them, an id that is empty or stands twice, an
  // unknown parent, a cycle, no option, a model that stands twice, a number out of range; kInfeasible where no option
  // of a subtask can succeed. Means and rates of measured options are filled in. O(nodes + edges).
  [[nodiscard]] static Result<Workflow> make(std::vector<Subtask> subtasks);

  [[nodiscard]] std::size_t size() const { return subtasks_.size(); }
  [[nodiscard]] const std::vector<Subtask>& subtasks() const { return subtasks_; }
  [[nodiscard]] const Subtask& operator[](std::size_t node) const { return subtasks_[node]; }
  [[nodiscard]] NodeSet all() const;
  [[nodiscard]] NodeSet parents(std::size_t node) const { return parents_[node]; }
  [[nodiscard]] NodeSet children(std::size_t node) const { return children_[node]; }
  [[nodiscard]] const std::vector<std::size_t>& order() const { return order_; }  // parents first

  // Every model that some option names, in the order of first appearance.
  [[nodiscard]] const std::vector<std::string>& models() const { return models_; }
  // The option of that model; the first option where the subtask does not offer it [choice].
  [[nodiscard]] std::size_t option_of(std::size_t node, std::size_t model) const {
    return option_of_[model * subtasks_.size() + node];
  }
  // Options of all subtasks, counted through.
  [[nodiscard]] std::size_t option_at(std::size_t node, std::size_t option) const { return first_[node] + option; }
  [[nodiscard]] std::size_t option_count() const { return first_.back(); }

  [[nodiscard]] NodeSet dispatchable(const RunState& state) const;
  // kInvalidArgument where a state is none of this workflow: a complete subtask with an open parent, a batch that
  // cannot run, a number that is not one.
  [[nodiscard]] Result<void> check(const RunState& state) const;

 private:
  Workflow() = default;
  [[nodiscard]] Result<void> link();
  void index_models();

  std::vector<Subtask> subtasks_;
  std::vector<NodeSet> parents_, children_;
  std::vector<std::size_t> order_, first_, option_of_;
  std::vector<std::string> models_;
};

// Parameters of ln(latency): its standard deviation and mean.
struct LogNormal {
  double mu = 0, sigma = 0;
};
[[nodiscard]] LogNormal log_normal_of(const LatencyModel& latency);

// Money with which every subtask can have so many samples of a model that one succeeds at 95 %, and the longest path of
// mean latency / p: the units in which the sheet counts budgets and deadlines. Subtasks with p = 1 need one sample;
// infinite where the model's p is 0.
[[nodiscard]] double budget_scale_usd(const Workflow& workflow, std::size_t model = 0);
[[nodiscard]] double deadline_scale_ms(const Workflow& workflow, std::size_t model = 0);
// The longest path of `weight`, from each subtask to the end, itself included. [subtasks]
[[nodiscard]] std::vector<double> path_lengths(const Workflow& workflow, std::span<const double> weight);

}  // namespace bursar::plan
