// What strategies that draw several answers share: asking side by side, and voting over what came back.
//
//   Ballots votes(AnswerForm::kMath);
//   votes.take(seen);                                      // observations of Job::sample()
//   if (auto best = votes.best()) job.offer(*best);        // the whole reply of the first sample that gave the winner
#pragma once

#include <span>
#include <string>
#include <vector>

#include "bursar/core/policy.h"
#include "bursar/plan/job/script.h"
#include "bursar/sample/vote.h"

namespace bursar::plan {

class Ballots {
 public:
  explicit Ballots(sample::AnswerForm form) : form_(form) {}

  // A sample that failed, or says nothing, is no vote. `weights`: one for each, or none (each weighs 1).
  void take(std::span<const Observation> seen, std::span<const double> weights = {});
  void weigh(std::size_t sample, double weight);  // of samples(), in the order in which they were taken

  struct Sample {
    std::uint64_t action = 0;
    std::string reply, answer;  // answer: what the reply ends in
    bool cut_off = false;
  };
  [[nodiscard]] const std::vector<Sample>& samples() const { return samples_; }
  [[nodiscard]] sample::Ballot ballot() const;
  // Of the group: the first of its samples that was not cut off if there is one, with `certainty`.
  [[nodiscard]] Answer answer_of(const sample::AnswerGroup& group, double certainty) const;
  // The majority; absent before anybody has answered.
  [[nodiscard]] std::optional<Answer> best(bool weighted = false) const;
  // The option that each sample chose, numbered in the order in which they were first seen.
  [[nodiscard]] std::vector<std::size_t> choices() const;

 private:
  sample::AnswerForm form_;
  std::vector<Sample> samples_;
  std::vector<sample::Trace> traces_;
};

// The parameter `answers`, and its entry in a strategy's table.
inline constexpr std::string_view kAnswerForms[] = {"math", "exact"};
inline constexpr PolicyParameter kAnswersParameter{
    .name = "answers",
    .about = "which answers are the same: numbers in any way of writing, or the very text",
    .kind = ParameterKind::kText,
    .preset = "\"math\"",
    .choices = kAnswerForms};
[[nodiscard]] sample::AnswerForm answer_form(const Job& job);

}  // namespace bursar::plan
