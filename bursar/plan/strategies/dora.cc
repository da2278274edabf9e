// Partial solutions grown side by side: a judge scores each step, and the rollouts are split anew over the directions.
//
// One call adds one step to one partial solution and ends with the answer as far as it goes; a step that repeats the
// answer of the one before ends its solution, and so does the last. The split is sample/rollout_split.h; what goes the
// same way is found by the embedding model, or by hashed n-grams without one, of the answers so far or of the whole
// texts. The vote over finished solutions weighs them by their last score. A step whose call failed leaves the search
// without a vote. Source: systems/dora.
#include <algorithm>

#include "bursar/plan/strategies/asks.h"
#include "bursar/plan/strategies/ballot.h"
#include "bursar/plan/strategies/entries.h"
#include "bursar/sample/hashed_ngrams.h"
#include "bursar/sample/parallel_search.h"

namespace bursar::plan {
namespace {

constexpr std::int64_t kLeastStep = 32, kLeastJudge = 48;

constexpr const char* kNextStep =
    "There is no <step>: write only the next short step of the solution that <steps> has begun, and end with the "
    "answer as far as you see it. Where the solution is complete, repeat its answer.";

struct Partial {
  std::string text, answer;
  double score = 0;
  bool failed = false, finished = false;
};

sample::SearchOptions options_of(const Job& job) {
  sample::SearchOptions out{.rollouts = job.integer("rollouts"),
                            .steps = static_cast<std::size_t>(job.integer("steps"))};
  out.split.policy = sample::rollout_policy_named(job.text("policy")).value();  // one of its choices
  out.split.width = job.integer("width");
  out.split.quality_temperature = job.number("quality_temperature");
  out.split.similarity_temperature = job.number("similarity_temperature");
  return out;
}

std::vector<Action> extensions(const Job& job, const std::vector<std::size_t>& parents,
                               const std::vector<Partial>& grown) {
  std::vector<Action> out;
  const std::int64_t tokens = job.integer("step_tokens");
  for (const std::size_t parent : parents) {
    std::vector<Section> sections;
    if (parent != sample::ParallelSearch::kRoot) sections.emplace_back("steps", grown[parent].text);
    sections.emplace_back("next", kNextStep);
    sections.push_back(limit_section(tokens));
    out.push_back(ask_of(job, Task::kStep, std::move(sections),
                         {.max_tokens = tokens, .least_tokens = kLeastStep, .temperature = job.setup().temperature}));
  }
  return out;
}

std::vector<Partial> grow(const Job& job, const std::vector<std::size_t>& parents, const std::vector<Partial>& before,
                          const std::vector<Observation>& seen, bool last) {
  std::vector<Partial> out;
  for (std::size_t i = 0; i < parents.size(); ++i) {
    Partial next = parents[i] == sample::ParallelSearch::kRoot ? Partial() : before[parents[i]];
    const std::string answer = seen[i].ok() ? final_answer(seen[i].text) : std::string();
    next.failed = answer.empty();
    const bool repeats =
        sample::canonical_answer(answer, answer_form(job)) == sample::canonical_answer(next.answer, answer_form(job));
    next.finished = next.failed || last || repeats;
    next.text += (next.text.empty() ? "" : "\n") + seen[i].text;
    next.answer = answer;
    out.push_back(std::move(next));
  }
  return out;
}

// A judge for each step that came back.
std::vector<Action> judgements(const Job& job, const std::vector<Partial>& grown) {
  std::vector<Action> out;
  for (const Partial& one : grown) {
    if (one.failed) continue;
    out.push_back(ask_of(job, Task::kJudge, {{"answer", one.text}},
                         {.model = job.setup().judge_model,
                          .max_tokens = job.integer("judge_tokens"),
                          .least_tokens = kLeastJudge,
                          .temperature = job.setup().temperature}));
  }
  return out;
}

// A judge that says nothing is of two minds.
void read_scores(std::vector<Partial>& grown, const std::vector<Observation>& seen) {
  std::size_t next = 0;
  for (Partial& one : grown) {
    one.score = 0;
    if (one.failed) continue;
    const Observation& said = seen[next++];
    one.score = std::clamp((said.ok() ? read_number(said.text, "Score") : std::nullopt).value_or(.5), 0.0, 1.0);
  }
}

// What the partial solutions that go on mean.
std::vector<std::string> meanings(const Job& job, const std::vector<Partial>& grown) {
  const bool by_answer = job.text("direction") == "answer";
  std::vector<std::string> out;
  for (const Partial& one : grown) {
    if (!one.finished) out.push_back(by_answer ? one.answer : one.text);
  }
  return out;
}

// None where nobody embeds, or nothing is to be told apart.
std::vector<Action> embedding(const Job& job, const std::vector<std::string>& texts) {
  const bool wanted = !texts.empty() && sample::needs_embeddings(options_of(job).split.policy);
  if (!wanted || job.setup().embedding_model.empty()) return {};
  return {{.purpose = "embed", .ask = EmbedAsk{job.setup().embedding_model, texts}}};
}

// Of an embedder that answered, else hashed n-grams.
std::vector<std::vector<float>> vectors_of(const std::vector<Observation>& seen,
                                           const std::vector<std::string>& texts) {
  if (!seen.empty() && seen[0].vectors.size() == texts.size()) return seen[0].vectors;
  std::vector<std::vector<float>> out;
  out.reserve(texts.size());
  for (const std::string& text : texts) out.push_back(sample::embed_ngrams(text));
  return out;
}

std::vector<sample::SearchStep> steps_of(const std::vector<Partial>& grown, std::vector<std::vector<float>> vectors) {
  std::vector<sample::SearchStep> out;
  out.reserve(grown.size());
  std::size_t next = 0;
  for (const Partial& one : grown) {
    out.push_back({.finished = one.finished,
                   .answer = one.failed ? std::string() : one.answer,
                   .score = one.score,
                   .embedding = one.finished ? std::vector<float>() : std::move(vectors[next++])});
  }
  return out;
}

Answer whole(const Partial& one, double certainty) { return {.text = one.text, .source = 0, .certainty = certainty}; }

// The heaviest answer of what has finished; before anything has, the best of what is under way.
std::optional<Answer> best_of(const sample::ParallelSearch& search, const std::vector<Partial>& finished,
                              const std::vector<Partial>& grown, sample::AnswerForm form) {
  if (const auto key = search.answer(form)) {
    double weight = 0, all = 0;
    const Partial* best = nullptr;
    for (const Partial& one : finished) {
      all += one.score;
      if (sample::canonical_answer(one.answer, form) != *key) continue;
      weight += one.score;
      if (best == nullptr || one.score > best->score) best = &one;
    }
    if (best != nullptr) return whole(*best, all > 0 ? weight / all : 0);
  }
  const Partial* best = nullptr;
  for (const Partial& one : grown) {
    if (!one.failed && (best == nullptr || one.score > best->score)) best = &one;
  }
  if (best == nullptr) return std::nullopt;
  return whole(*best, best->score);
}

}  // namespace

Script dora(Job& job) {
  const sample::SearchOptions options = options_of(job);
  auto search = sample::ParallelSearch::make(options);
  std::vector<Partial> grown, finished;
  for (std::size_t step = 1; search && !search->done(); ++step) {
    const std::vector<std::size_t> parents = search->to_extend();
    std::vector<Action> asks = extensions(job, parents, grown);
    const std::vector<Observation> seen = co_await job.run(std::move(asks));
    grown = grow(job, parents, grown, seen, step == options.steps);
    if (!job.best()) {
      if (const auto early = best_of(*search, finished, grown, answer_form(job))) job.offer(*early);
    }
    std::vector<Action> judges = judgements(job, grown);
    const std::vector<Observation> scores = co_await job.run(std::move(judges));
    read_scores(grown, scores);
    const std::vector<std::string> texts = meanings(job, grown);
    std::vector<Action> embed = embedding(job, texts);
    const std::vector<Observation> embedded = co_await job.run(std::move(embed));
    if (auto ok = search->report(steps_of(grown, vectors_of(embedded, texts))); !ok)
      break;  // scores are in range, embeddings of one length
    std::ranges::copy_if(grown, std::back_inserter(finished),
                         [](const Partial& one) { return one.finished && !one.failed; });
    if (const auto best = best_of(*search, finished, grown, answer_form(job))) job.offer(*best);
    job.note({{"step", step},
              {"grown", grown.size()},
              {"finished", finished.size()},
              {"certainty", job.best() ? job.best()->certainty : 0}});
    if (any_refused(seen) || any_refused(scores)) search->stop();
  }
  co_return job.best();
}

namespace {
constexpr std::string_view kPolicies[] = {"uniform", "beam", "dvts", "rebase", "dora", "direction-bayes"};
constexpr std::string_view kDirections[] = {"answer", "text"};
constexpr PolicyParameter kParameters[] = {
    kAnswersParameter,
    {.name = "policy",
     .about = "how rollouts are split over partial solutions",
     .kind = ParameterKind::kText,
     .preset = "\"dora\"",
     .choices = kPolicies},
    {.name = "rollouts",
     .about = "partial solutions at a time",
     .kind = ParameterKind::kInteger,
     .preset = "8",
     .low = 1,
     .high = 64},
    {.name = "steps", .about = "of one solution", .kind = ParameterKind::kInteger, .preset = "4", .low = 1, .high = 16},
    {.name = "step_tokens",
     .about = "tokens of one step",
     .kind = ParameterKind::kInteger,
     .preset = "256",
     .low = 32,
     .high = 8192},
    {.name = "judge_tokens",
     .about = "tokens of one judgement",
     .kind = ParameterKind::kInteger,
     .preset = "128",
     .low = 16,
     .high = 8192},
    {.name = "direction",
     .about = "what tells directions apart: the answers so far, or the texts",
     .kind = ParameterKind::kText,
     .preset = "\"answer\"",
     .choices = kDirections},
    {.name = "width",
     .about = "of beam and dvts",
     .kind = ParameterKind::kInteger,
     .preset = "4",
     .low = 1,
     .high = 64},
    {.name = "quality_temperature", .about = "of the softmax of scores", .preset = "0.1", .low = .001, .high = 100},
    {.name = "similarity_temperature",
     .about = "of the softmax of cosines; .1 suits hashed n-grams",
     .preset = "0.1",
     .low = .001,
     .high = 100},
};
}  // namespace

const StrategyEntry kDora{
    .name = "dora",
    .slug = "dora",
    .about = "Grows solutions step by step, and splits its rollouts over the directions they take",
    .parameters = kParameters,
    .script = dora};

}  // namespace bursar::plan
