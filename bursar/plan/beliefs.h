// What strategies have learned from the jobs that were run and from what was said of their answers, model by model; it
// begins with stated priors.
//
//   Beliefs beliefs;
//   auto ok = beliefs.observe(*record_of("job-7", setup, journal, answer));   // each job, as it ends
//   auto heard = beliefs.feedback("job-7", {.correct = true});                // or {.reward = .8}, {.truth = "42"}
//   setup.beliefs = beliefs.snapshot(setup.model);                            // for the next job
//   for (const BeliefRow& row : beliefs.describe()) …                         // what, prior, now, from how many
//
// The keys of a snapshot, and who reads them; a key is absent until there is enough to learn from:
//   stream_plan    pets: a saved sample::StreamPlan. From 30 questions with 16 answers each. Answers of pets itself do
//                  not count: it draws more where they disagree, and such pools would be all hard.
//   gate           sevra: {"gate": saved LinearGate, "threshold": t}. From 60 verified answers, 10 of them mended.
//   level_curves   plan-and-budget: five of {"c", "a"} or null (token_plan.h). From 50 answers at a level.
//   agent_law      mas-phase: {"kappa", "beta"}, from answers under two or more limits of tokens, 30 each
//   correlation    mas-phase: rho of the agents of a question, from 30 questions with three answers and a known truth
//   final_rates    voi-search: {kind of disagreement: {"gain", "harm"}}, from 20 of a kind
//   success        {strategy: {"mean", "low", "high", "count"}} with 90 % intervals
//   lengths        {"log_mean", "log_sd", "count"} of whole answers, tokens
//   latency_ms     {"median", "p95", "count"} of calls; the p95 null where too many were cancelled before
//
// What feedback says of the other answers of a job: with the truth, all. Without, those that agree with the final one
// share its fate, and where it was right those that differ were wrong; the rest is left out. An answer that was changed
// and then wrong counts as one that had been right [choice: it makes changes rarer]. Answers are compared as
// canonical_answer() writes them. Memory is bounded: 10,000 jobs wait for feedback and the oldest is forgotten; of rows
// the newest 2,000 of a kind are kept, of models 64. Sans-I/O, not thread-safe. A fit is renewed after every 16 rows;
// beliefs that were restored go on exactly as those that were saved.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/core/result.h"
#include "bursar/plan/job_record.h"
#include "bursar/plan/model_beliefs.h"

namespace bursar::plan {

struct Feedback {
  std::optional<bool> correct = std::nullopt;
  std::optional<double> reward = std::nullopt;  // in [0, 1]; from a half on the answer counts as right
  std::string truth = {};                       // the right answer, where somebody knows it; empty: nobody does
};

class Beliefs {
 public:
  static constexpr std::size_t kMostWaiting = 10'000, kMostModels = 64;

  // Errors, nothing learned: kInvalidArgument for a record without an id; kExhausted for one model too many.
  [[nodiscard]] Result<void> observe(const JobRecord& job);
  // Once for each job. Errors, nothing learned: kNotFound for a job that is not known, was told of, or is forgotten;
  // kInvalidArgument for a feedback that says nothing, or a reward out of range. What `truth` says of the answer counts
  // before `correct`, and that before `reward`. O(waiting).
  [[nodiscard]] Result<void> feedback(std::string_view job, const Feedback& said);

  // Empty for a model that nothing is known of.
  [[nodiscard]] const boost::json::object& snapshot(std::string_view model) const;
  [[nodiscard]] std::vector<BeliefRow> describe() const;
  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }

  [[nodiscard]] boost::json::object save() const;
  // Errors: kCorrupt naming the member.
  [[nodiscard]] static Result<Beliefs> restore(const boost::json::object& saved);

 private:
  struct Draw {
    AnswerDigest answer = 0;
    std::int64_t max_tokens = 0;
  };
  struct Verified {
    Attempt attempt;
    AnswerDigest base = 0;
    std::int64_t tokens = 0;
    double score = 0;
  };
  struct FinalPair {
    Disagreement kind = Disagreement::kNone;
    AnswerDigest base = 0, refined = 0;
  };
  // Of a job that waits for feedback: what its answer will teach.
  struct Waiting {
    std::string id, strategy, model;
    AnswerDigest answer = 0;
    std::vector<Draw> draws;
    std::optional<Verified> verified = std::nullopt;
    std::optional<FinalPair> pair = std::nullopt;
    std::optional<SolveRecord> solved = std::nullopt;
  };
  struct Fate {
    bool correct = false;
    std::optional<AnswerDigest> truth = std::nullopt;
    // Of another answer of the job whose final one is `answer`; absent: nobody knows.
    [[nodiscard]] std::optional<bool> of(AnswerDigest other, AnswerDigest answer) const;
  };

  [[nodiscard]] static Waiting waiting_of(const JobRecord& job);
  static void learn_draws(ModelBeliefs& model, const Waiting& job, const Fate& fate);
  static void learn_changes(ModelBeliefs& model, const Waiting& job, const Fate& fate);
  [[nodiscard]] static boost::json::object saved_job(const Waiting& job);
  [[nodiscard]] static Result<Waiting> restored_job(const boost::json::value& saved);

  std::map<std::string, ModelBeliefs, std::less<>> models_;
  std::deque<Waiting> waiting_;
};

}  // namespace bursar::plan
