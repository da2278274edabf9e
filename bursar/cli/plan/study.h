// Strategies on simulated questions, so that their worth can be seen before any is paid for. No real model is asked:
// what holds here need not hold there.
//
//   Study study({.questions = 200, .seed = 1});
//   auto row = study.run({"bom", {{"samples", 8}}});   // row->accuracy, row->tokens, row->difference
//
// Every strategy runs through the executor that also runs it live, against simulate::SimulatedModel. It is held against
// the majority of as many samples as cost the same tokens, on the same questions (interpolated between counts of
// samples), so that a difference is that of the strategy and not of its spending.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "bursar/core/policy.h"
#include "bursar/plan/job/executor.h"
#include "bursar/plan/job/script.h"

namespace bursar::cli {

enum class QuestionKind : std::uint8_t {
  kOpen,     // a number
  kOptions,  // one of four letters
  kSearch,   // where a trail of links ends, which a tool alone can say
};

struct StudySetup {
  std::size_t questions = 200;  // 1 … 100,000
  std::uint64_t seed = 1;
  QuestionKind kind = QuestionKind::kOpen;
  double difficulty = -1;  // of all of them, in [0, 1]; below 0: spread over all
  std::string model = "sim-medium", small_model = "sim-small", judge_model = "sim-medium";
  std::int64_t max_tokens = 512;
  plan::JobLimits limits;
};

struct StudyRow {
  std::string name;
  double accuracy = 0, tokens = 0, calls = 0;  // means
  double tokens_right = 0;                     // tokens for each right answer; 0: none was right
  double majority = 0;                         // accuracy of the majority at equal tokens
  double difference = 0, error = 0;            // accuracy - majority, paired, and its standard error
  std::size_t unanswered = 0;
  bool beyond = false;  // it spends more than the largest majority: that one is what it is held against
};

class Study {
 public:
  static constexpr std::array<std::size_t, 9> kMajorities{1, 2, 4, 6, 8, 12, 16, 24, 32};

  explicit Study(const StudySetup& setup);

  // Errors: of make_job.
  [[nodiscard]] Result<StudyRow> run(const PolicyWords& strategy) const;
  [[nodiscard]] StudyRow majority_of(std::size_t index) const;  // of kMajorities[index]

 private:
  struct Told {
    bool right = false, answered = false;
    double tokens = 0, calls = 0;
  };
  [[nodiscard]] plan::JobSetup job_of(std::size_t question) const;
  [[nodiscard]] Result<Told> ask(const PolicyWords& strategy, std::size_t question) const;
  [[nodiscard]] bool right(std::size_t question, const std::string& reply) const;
  [[nodiscard]] StudyRow summed(std::string name, const std::vector<Told>& told) const;

  StudySetup setup_;
  std::vector<std::string> questions_, truths_;
  std::array<std::vector<Told>, kMajorities.size()> majorities_;  // [count of samples][question]
};

}  // namespace bursar::cli
