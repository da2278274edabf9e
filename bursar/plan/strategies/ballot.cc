#include "bursar/plan/strategies/ballot.h"

#include <algorithm>

#include "bursar/plan/strategies/prompts.h"

namespace bursar::plan {

void Ballots::take(std::span<const Observation> seen, std::span<const double> weights) {
  for (std::size_t i = 0; i < seen.size(); ++i) {
    if (!seen[i].ok()) continue;
    std::string answer = final_answer(seen[i].text);
    if (answer.empty()) continue;
    traces_.push_back({.answer = answer, .weight = weights.empty() ? 1 : weights[i]});
    samples_.push_back({.action = seen[i].action,
                        .reply = seen[i].text,
                        .answer = std::move(answer),
                        .cut_off = seen[i].finish == "length"});
  }
}

void Ballots::weigh(std::size_t sample, double weight) {
  traces_[sample].weight = weight;
  traces_[sample].reward = weight;
}

sample::Ballot Ballots::ballot() const {
  // It fails for weights and rewards that are not finite or given for some alone, which nobody here gives.
  return sample::group_answers(traces_, {.form = form_}).value();
}

Answer Ballots::answer_of(const sample::AnswerGroup& group, double certainty) const {
  const auto whole = std::ranges::find_if(group.traces, [&](std::size_t trace) { return !samples_[trace].cut_off; });
  const Sample& chosen = samples_[whole == group.traces.end() ? group.traces.front() : *whole];
  return {.text = chosen.reply, .source = chosen.action, .certainty = certainty};
}

std::optional<Answer> Ballots::best(bool weighted) const {
  if (samples_.empty()) return std::nullopt;
  const sample::Ballot groups = ballot();
  const auto winner = sample::majority(groups, {.weighted = weighted});
  if (!winner) return std::nullopt;
  return answer_of(groups.groups[winner->group], winner->share);
}

std::vector<std::size_t> Ballots::choices() const {
  std::vector<std::size_t> out(samples_.size());
  if (samples_.empty()) return out;
  const sample::Ballot groups = ballot();
  for (std::size_t g = 0; g < groups.groups.size(); ++g) {
    for (const std::size_t trace : groups.groups[g].traces) out[trace] = g;
  }
  return out;
}

sample::AnswerForm answer_form(const Job& job) {
  return job.text("answers") == "exact" ? sample::AnswerForm::kExact : sample::AnswerForm::kMath;
}

}  // namespace bursar::plan
