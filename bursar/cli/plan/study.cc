#include "bursar/cli/plan/study.h"

#include <algorithm>
#include <cmath>

#include "bursar/cli/plan/simulated_calls.h"
#include "bursar/plan/strategies/ballot.h"
#include "bursar/plan/strategies/prompts.h"
#include "bursar/plan/strategies/strategies.h"
#include "bursar/simulate/model.h"
#include "bursar/simulate/question.h"
#include "bursar/simulate/world.h"

namespace bursar::cli {
namespace {

std::string question_text(const StudySetup& setup, std::size_t index) {
  const double spread = (static_cast<double>(index) + .5) / static_cast<double>(setup.questions);
  const double difficulty = setup.difficulty < 0 ? spread : setup.difficulty;
  const std::string mark = "[difficulty " + std::to_string(difficulty).substr(0, 5) + "]";
  const std::string name = "#" + std::to_string(setup.seed) + "-" + std::to_string(index + 1);
  switch (setup.kind) {
    case QuestionKind::kOpen: return "How many ways are there in case " + name + "? " + mark;
    case QuestionKind::kOptions:
      return "Which of these holds in case " + name + "? " + mark +
             "\nA) the first\nB) the second\nC) both\nD) neither";
    case QuestionKind::kSearch:
      return "Where does the trail of case " + name + " end? [hops " + std::to_string(2 + index % 3) + " from " +
             simulate::entity_name(RandomStream(setup.seed).split(index)()) + "]";
  }
  return {};
}

double mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

double error_of(const std::vector<double>& values, double mean) {
  double square = 0;
  for (const double value : values) square += (value - mean) * (value - mean);
  const auto n = static_cast<double>(values.size());
  return n < 2 ? 0 : std::sqrt(square / (n - 1) / n);
}

}  // namespace

Study::Study(const StudySetup& setup) : setup_(setup) {
  for (std::size_t q = 0; q < setup_.questions; ++q) {
    questions_.push_back(question_text(setup_, q));
    truths_.push_back(simulate::simulated_truth(setup_.seed, questions_.back()));
  }
  for (std::size_t m = 0; m < kMajorities.size(); ++m) {
    const PolicyWords words{"bom", {{"rule", "majority"}, {"samples", kMajorities.at(m)}}};
    for (std::size_t q = 0; q < questions_.size(); ++q) majorities_.at(m).push_back(ask(words, q).value());
  }
}

plan::JobSetup Study::job_of(std::size_t question) const {
  plan::JobSetup job{.messages = {{"user", questions_[question]}},
                     .question = questions_[question],
                     .model = setup_.model,
                     .small_model = setup_.small_model,
                     .judge_model = setup_.judge_model,
                     .max_tokens = setup_.max_tokens,
                     .seed = RandomStream(setup_.seed).split("jobs").split(question)()};
  if (setup_.kind == QuestionKind::kSearch) job.tools = {"search"};
  return job;
}

bool Study::right(std::size_t question, const std::string& reply) const {
  return simulate::same_answer(plan::final_answer(reply), truths_[question]);
}

Result<Study::Told> Study::ask(const PolicyWords& strategy, std::size_t question) const {
  const auto entry = plan::strategy_named(strategy.name);
  if (!entry) return tl::unexpected(entry.error());
  plan::JobSetup job = job_of(question);
  job.parameters = strategy.parameters;
  auto controller = plan::make_job(**entry, std::move(job));
  if (!controller) return tl::unexpected(controller.error());
  SimulatedCalls calls(setup_.seed, {{"user", questions_[question]}});
  plan::Executor executor(std::move(*controller), setup_.limits, calls);
  executor.begin(calls.now());
  calls.run(executor);
  const plan::JobResult& result = executor.result();
  return Told{.right = result.answer && right(question, result.answer->text),
              .answered = result.answer.has_value(),
              .tokens = static_cast<double>(result.cost[kTokens]),
              .calls = static_cast<double>(result.launched)};
}

StudyRow Study::summed(std::string name, const std::vector<Told>& told) const {
  StudyRow row{.name = std::move(name)};
  const auto n = static_cast<double>(told.size());
  for (const Told& one : told) {
    row.accuracy += (one.right ? 1 : 0) / n;
    row.tokens += one.tokens / n;
    row.calls += one.calls / n;
    row.unanswered += one.answered ? 0 : 1;
  }
  row.tokens_right = row.accuracy > 0 ? row.tokens / row.accuracy : 0;
  return row;
}

StudyRow Study::majority_of(std::size_t index) const {
  const std::size_t samples = kMajorities.at(index);
  StudyRow row = summed(samples == 1 ? "one answer" : "majority of " + std::to_string(samples), majorities_.at(index));
  row.majority = row.accuracy;
  return row;
}

Result<StudyRow> Study::run(const PolicyWords& strategy) const {
  std::vector<Told> told;
  for (std::size_t q = 0; q < questions_.size(); ++q) {
    auto one = ask(strategy, q);
    if (!one) return tl::unexpected(one.error());
    told.push_back(*one);
  }
  StudyRow row = summed(strategy.name, told);
  // Between the two majorities whose tokens enclose its own.
  std::size_t high = 0;
  while (high < kMajorities.size() && majority_of(high).tokens < row.tokens) ++high;
  row.beyond = high == kMajorities.size();
  high = std::min(high, kMajorities.size() - 1);
  const std::size_t low = high == 0 || row.beyond ? high : high - 1;
  const double from = majority_of(low).tokens, to = majority_of(high).tokens;
  const double weight = to > from ? (row.tokens - from) / (to - from) : 0;
  std::vector<double> differences;
  for (std::size_t q = 0; q < questions_.size(); ++q) {
    const auto value = [](const Told& one) { return one.right ? 1.0 : 0.0; };
    const double equal = (1 - weight) * value(majorities_.at(low)[q]) + weight * value(majorities_.at(high)[q]);
    row.majority += equal / static_cast<double>(questions_.size());
    differences.push_back(value(told[q]) - equal);
  }
  row.difference = mean_of(differences);
  row.error = error_of(differences, row.difference);
  return row;
}

}  // namespace bursar::cli
