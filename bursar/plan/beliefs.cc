#include "bursar/plan/beliefs.h"

#include <algorithm>

#include "bursar/plan/strategies/attempts.h"
#include "bursar/plan/strategies/prompts.h"

namespace bursar::plan {
namespace {

constexpr std::size_t kMostDraws = 64;
constexpr std::size_t kKinds = 8;

bool is_whole_answer(const JobRecord::Call& call) {
  const bool whole = call.purpose == "sample" || call.purpose == "solve" || call.purpose == "leaf";
  return whole && call.ok() && call.tokens > 0;
}

double number_note(const JobRecord& job, std::string_view key) {
  const auto* value = job.notes.if_contains(key);
  return value != nullptr && value->is_number() ? value->to_number<double>() : 0;
}

std::string text_note(const JobRecord& job, std::string_view key) {
  const auto* value = job.notes.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::optional<Disagreement> kind_named(std::string_view name) {
  for (std::size_t k = 0; k < kKinds; ++k) {
    if (name_of(static_cast<Disagreement>(k)) == name) return static_cast<Disagreement>(k);
  }
  return std::nullopt;
}

std::optional<SolveRecord> solved_in(const JobRecord& job) {
  const auto level = static_cast<int>(number_note(job, "level"));
  if (job.strategy != "plan-and-budget" || level < 1 || level > 5) return std::nullopt;
  SolveRecord out{.level = level};
  for (const JobRecord::Call& call : job.calls) {
    if (call.ok() && call.purpose != "assess" && call.purpose != "decompose") out.tokens += call.tokens;
  }
  return out.tokens > 0 ? std::optional(out) : std::nullopt;
}

}  // namespace

std::optional<bool> Beliefs::Fate::of(AnswerDigest other, AnswerDigest answer) const {
  if (truth) return other != 0 && other == *truth;
  if (other == answer) return correct;
  return correct ? std::optional(false) : std::nullopt;  // one answer is right
}

Result<void> Beliefs::observe(const JobRecord& job) {
  if (job.id.empty()) return invalid_argument("a job without an id cannot be told of later; give it one");
  if (!models_.contains(job.model) && models_.size() == kMostModels)
    return fail(ErrorCode::kExhausted,
                "beliefs are kept of " + std::to_string(kMostModels) + " models; \"" + job.model + "\" is one more");
  ModelBeliefs& main = models_[job.model];
  std::vector<AnswerDigest> answers;
  for (const JobRecord::Call& call : job.calls) {
    if (call.model.empty()) continue;  // a tool
    if (!models_.contains(call.model) && models_.size() < kMostModels) models_[call.model];
    const auto of = models_.find(call.model);
    const double ms = static_cast<double>(call.took.count()) / 1000;
    const bool tells = call.ok() || call.end == ActionEnd::kCancelled;
    if (of != models_.end() && ms > 0 && tells) of->second.add_latency({.value = ms, .censored = !call.ok()});
    if (!is_whole_answer(call)) continue;
    if (of != models_.end() && !call.cut && call.purpose == "sample") of->second.add_length(call.tokens);
    if (const AnswerDigest answer = digest_of_answer(final_answer(call.text)); answer != 0) answers.push_back(answer);
  }
  // Draws of pets go on where answers disagree: such pools would be all hard.
  if (job.strategy != "pets" && answers.size() >= 2) main.add_answers(digest_of_text(job.question), answers);
  if (job.answer.empty()) return {};
  if (waiting_.size() == kMostWaiting) waiting_.pop_front();
  waiting_.push_back(waiting_of(job));
  return {};
}

Beliefs::Waiting Beliefs::waiting_of(const JobRecord& job) {
  Waiting out{.id = job.id,
              .strategy = job.strategy,
              .model = job.model,
              .answer = digest_of_answer(job.answer),
              .draws = {},
              .solved = solved_in(job)};
  const JobRecord::Call *first = nullptr, *check = nullptr;
  for (const JobRecord::Call& call : job.calls) {
    if (call.purpose == "verify" && call.ok()) check = &call;
    if (!is_whole_answer(call) || call.model != job.model) continue;
    if (first == nullptr) first = &call;
    const AnswerDigest answer = digest_of_answer(final_answer(call.text));
    if (out.draws.size() < kMostDraws) out.draws.push_back({answer, std::max<std::int64_t>(call.max_tokens, 1)});
  }
  if (job.strategy == "sevra" && first != nullptr && check != nullptr) {
    const FirstAnswer seen{.reply = first->text, .tokens = first->tokens, .cut = first->cut};
    out.verified = Verified{.attempt = attempt_of(job.question, seen),
                            .base = digest_of_answer(final_answer(first->text)),
                            .tokens = std::max<std::int64_t>(check->tokens, 0),
                            .score = std::clamp(number_note(job, "score"), 0.0, 1.0)};
  }
  if (const auto kind = kind_named(text_note(job, "disagreement")); kind && *kind != Disagreement::kNone) {
    out.pair = FinalPair{.kind = *kind,
                         .base = digest_of_answer(text_note(job, "base")),
                         .refined = digest_of_answer(text_note(job, "candidate"))};
  }
  return out;
}

Result<void> Beliefs::feedback(std::string_view job, const Feedback& said) {
  if (!said.correct && !said.reward && said.truth.empty())
    return invalid_argument("feedback: says nothing; give correct, reward or truth");
  if (said.reward && !(*said.reward >= 0 && *said.reward <= 1))
    return invalid_argument("feedback: reward is " + std::to_string(*said.reward) + "; it must be from 0 to 1");
  const auto found = std::ranges::find(waiting_, job, &Waiting::id);
  if (found == waiting_.end())
    return fail(ErrorCode::kNotFound, "feedback: no job \"" + std::string(job) +
                                          "\" waits for it; it had no answer, was told of before, or is forgotten");
  const Waiting told = std::move(*found);
  waiting_.erase(found);
  Fate fate{.correct = said.correct.value_or(said.reward.value_or(0) >= .5)};
  if (const AnswerDigest truth = digest_of_answer(said.truth); truth != 0) {
    fate = {.correct = told.answer == truth, .truth = truth};
  }
  const bool graded = said.reward && !said.correct && !fate.truth;
  ModelBeliefs& model = models_[told.model];
  model.add_success(told.strategy, graded ? *said.reward : fate.correct ? 1 : 0);
  if (told.solved) {
    SolveRecord row = *told.solved;
    row.correct = fate.correct;
    model.add(row);
  }
  learn_draws(model, told, fate);
  learn_changes(model, told, fate);
  return {};
}

void Beliefs::learn_draws(ModelBeliefs& model, const Waiting& job, const Fate& fate) {
  for (const Draw& draw : job.draws) {
    const auto right = fate.of(draw.answer, job.answer);
    if (right) model.add(AgentRun{.tokens = static_cast<double>(draw.max_tokens), .correct = *right});
  }
  if (!fate.truth || job.draws.size() < 3) return;  // without it, only teams that were right could be told of
  ModelBeliefs::Team team;
  for (std::size_t a = 0; a < 3; ++a) team.right.at(a) = job.draws[a].answer == *fate.truth;
  model.add(team);
}

void Beliefs::learn_changes(ModelBeliefs& model, const Waiting& job, const Fate& fate) {
  if (job.verified) {
    const Verified& v = *job.verified;
    const bool base = fate.of(v.base, job.answer).value_or(true);
    model.add(ModelBeliefs::Gated{.row = {.attempt = v.attempt, .fixed = !base && fate.correct},
                                  .outcome = {.base_correct = base,
                                              .verified_correct = fate.correct,
                                              .score = v.score,
                                              .verification_tokens = v.tokens}});
  }
  if (!job.pair) return;
  auto base = fate.of(job.pair->base, job.answer), refined = fate.of(job.pair->refined, job.answer);
  if (!base && refined == false && job.answer == job.pair->refined) base = true;
  if (!base || !refined) return;
  model.add(
      ModelBeliefs::FinalChange{.kind = job.pair->kind, .gained = *refined && !*base, .harmed = *base && !*refined});
}

const boost::json::object& Beliefs::snapshot(std::string_view model) const {
  static const boost::json::object nothing;
  const auto found = models_.find(model);
  return found == models_.end() ? nothing : found->second.snapshot();
}

std::vector<BeliefRow> Beliefs::describe() const {
  std::vector<BeliefRow> out;
  for (const auto& [model, beliefs] : models_) beliefs.describe(model, out);
  return out;
}

}  // namespace bursar::plan
