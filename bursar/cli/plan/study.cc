#include "bursar/cli/plan/study.h"

#include <algorithm>
#include <cmath>
#include <deque>

#include "bursar/plan/strategies/ballot.h"
#include "bursar/plan/strategies/prompts.h"
#include "bursar/plan/strategies/strategies.h"
#include "bursar/simulate/model.h"
#include "bursar/simulate/question.h"
#include "bursar/simulate/world.h"

namespace bursar::cli {
namespace {

// Performs a job's actions on the simulated model, one after the other.
class SimulatedCalls final : public plan::ExecutorEffects {
 public:
  SimulatedCalls(std::uint64_t seed, std::string question)
      : seed_(seed), question_(std::move(question)), model_(seed) {}

  [[nodiscard]] plan::JobResult run(std::unique_ptr<plan::Controller> controller, const plan::JobLimits& limits) {
    plan::Executor executor(std::move(controller), limits, *this);
    executor.begin(now_);
    while (!executor.finished() && !waiting_.empty()) {
      const plan::Action action = waiting_.front();
      waiting_.pop_front();
      plan::Observation seen = perform(action);
      now_ += seen.took;
      executor.ended(std::move(seen), now_);
      for (; !cancelled_.empty(); cancelled_.pop_back()) {
        executor.ended({.action = cancelled_.back(), .end = plan::ActionEnd::kCancelled, .text = {}}, now_);
      }
    }
    return executor.result();
  }

  [[nodiscard]] Result<Amounts> bound(const plan::Action& action) override {
    const auto* ask = std::get_if<plan::ModelAsk>(&action.ask);
    return amounts(ask == nullptr ? 0 : simulate::prompt_tokens(messages_of(*ask)) + ask->max_tokens);
  }
  void launch(const plan::Action& action) override { waiting_.push_back(action); }
  void cancel(std::uint64_t action) override {
    std::erase_if(waiting_, [&](const plan::Action& a) { return a.id == action; });
    cancelled_.push_back(action);
  }
  void wake(Duration /*in*/) override {}
  void finish() override {}

 private:
  static Amounts amounts(std::int64_t tokens) {
    Amounts out;
    (void)out.set(kTokens, tokens);  // two resources fit
    (void)out.set(kCalls, 1);
    return out;
  }

  [[nodiscard]] std::vector<simulate::ChatMessage> messages_of(const plan::ModelAsk& ask) const {
    std::vector<simulate::ChatMessage> out;
    for (const plan::Message& message : ask.messages) out.push_back({message.role, message.content});
    if (out.empty()) out.push_back({"user", question_});
    return out;
  }

  [[nodiscard]] plan::Observation perform(const plan::Action& action) {
    if (const auto* tool = std::get_if<plan::ToolAsk>(&action.ask)) {
      std::string query;
      for (const auto& member : tool->arguments) {
        if (member.value().is_string()) query += std::string(member.value().get_string()) + " ";
      }
      return {.action = action.id, .text = simulate::search(seed_, query), .cost = amounts(0)};
    }
    const auto& ask = std::get<plan::ModelAsk>(action.ask);
    const auto reply = model_.chat({.model = ask.model,
                                    .messages = messages_of(ask),
                                    .max_tokens = ask.max_tokens,
                                    .temperature = ask.temperature,
                                    .seed = action.seed,
                                    .stop = ask.stop,
                                    .logprobs = ask.top_logprobs > 0,
                                    .top_logprobs = static_cast<std::size_t>(ask.top_logprobs)});
    if (!reply) return {.action = action.id, .end = plan::ActionEnd::kFailed, .text = {}, .why = reply.error().message};
    const simulate::ChatChoice& choice = reply->choices.front();
    plan::Observation seen{.action = action.id, .text = choice.text, .finish = choice.cut ? "length" : "stop"};
    seen.prompt_tokens = reply->usage.prompt_tokens;
    seen.completion_tokens = reply->usage.completion_tokens;
    seen.cost = amounts(seen.prompt_tokens + seen.completion_tokens);
    const double ms = reply->first_token_ms + reply->token_ms * static_cast<double>(seen.completion_tokens);
    seen.took = Duration(static_cast<std::int64_t>(ms * 1000));
    if (!choice.probabilities.empty()) {
      for (const auto& [token, logprob] : choice.probabilities.front().top)
        seen.first_token.push_back({token, logprob});
    }
    return seen;
  }

  std::uint64_t seed_;
  std::string question_;
  simulate::SimulatedModel model_;
  WallTime now_ = wall_from_unix_us(0);
  std::deque<plan::Action> waiting_;
  std::vector<std::uint64_t> cancelled_;
};

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
  const plan::JobResult result =
      SimulatedCalls(setup_.seed, questions_[question]).run(std::move(*controller), setup_.limits);
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
