// A first few answers; then as many more as a question with such a first few deserves, and the majority.
//
// How many: a stream plan (sample/streaming_allocator.h), fitted to the pools that feedback brought, or to questions
// drawn from a stated prior: the chance of the right answer is uniform, half of the wrong answers agree. It ends early
// once no further draw could change the majority. Source: systems/pets.
#include <algorithm>

#include "bursar/plan/strategies/ballot.h"
#include "bursar/plan/strategies/entries.h"
#include "bursar/sample/streaming_allocator.h"

namespace bursar::plan {
namespace {

constexpr std::size_t kPriorQuestions = 24, kPriorSamples = 48, kPriorOptions = 5;

std::vector<std::vector<std::size_t>> prior_pools() {
  std::vector<std::vector<std::size_t>> pools(kPriorQuestions);
  RandomStream random(1);
  for (std::size_t q = 0; q < pools.size(); ++q) {
    const double right = (static_cast<double>(q) + .5) / static_cast<double>(kPriorQuestions);
    for (std::size_t s = 0; s < kPriorSamples; ++s) {
      const bool popular = random.bernoulli(.5);
      const auto wrong = popular ? 1 : 2 + random.uniform_int(std::uint64_t{kPriorOptions - 2});
      pools[q].push_back(random.bernoulli(right) ? 0 : wrong);
    }
  }
  return pools;
}

Result<sample::StreamPlan> plan_of(const Job& job) {
  sample::StreamOptions options;
  options.mean_budget = job.number("samples");
  options.warm_up = static_cast<std::size_t>(job.integer("warm_up"));
  options.most = static_cast<std::size_t>(job.integer("most"));
  options.kind = sample::AnswerKind::kChoice;
  if (const auto* learned = job.setup().beliefs.if_contains("stream_plan");
      learned != nullptr && learned->is_object()) {
    auto plan = sample::StreamPlan::restore(learned->get_object());
    // A plan that was learned for other numbers would overrule what this request asks for.
    if (plan && plan->options().mean_budget == options.mean_budget && plan->options().warm_up == options.warm_up &&
        plan->options().most == options.most)
      return plan;
  }
  return sample::fit_stream_plan(prior_pools(), options);
}

// Whether the runner-up cannot come to the leader's votes with so many more.
bool decided(const Ballots& votes, std::size_t more) {
  if (votes.samples().empty()) return false;
  std::vector<std::int64_t> counts{0, 0};
  for (const sample::AnswerGroup& group : votes.ballot().groups) counts.push_back(group.count);
  std::ranges::sort(counts, std::greater{});
  return counts[0] > counts[1] + static_cast<std::int64_t>(more);
}

// What the first answers chose, as the plan wants it: exactly `warm_up` of them; one that failed agrees with nobody.
std::vector<std::size_t> first_of(const Ballots& votes, std::size_t warm_up) {
  std::vector<std::size_t> choices = votes.choices();
  for (std::size_t unlike = 1000; choices.size() < warm_up; ++unlike) choices.push_back(unlike);
  choices.resize(warm_up);
  return choices;
}

}  // namespace

Script pets(Job& job) {
  const auto plan = plan_of(job);
  const auto warm_up = plan ? plan->options().warm_up : static_cast<std::size_t>(job.integer("warm_up"));
  Ballots votes(answer_form(job));
  std::size_t drawn = 0, target = warm_up;
  while (drawn < target && !decided(votes, target - drawn)) {
    const std::size_t batch = std::min<std::size_t>(target - drawn, warm_up);
    std::vector<Action> asks(batch, job.sample());
    const std::vector<Observation> seen = co_await job.run(std::move(asks));
    votes.take(seen);
    drawn += batch;
    if (const auto best = votes.best()) job.offer(*best);
    if (drawn == warm_up && plan) {
      const std::vector<std::size_t> first = first_of(votes, warm_up);
      const auto wanted = plan->target(first);
      if (wanted) target = static_cast<std::size_t>(*wanted);
    }
    job.note({{"drawn", drawn}, {"target", target}, {"certainty", job.best() ? job.best()->certainty : 0}});
  }
  co_return votes.best();
}

namespace {
constexpr PolicyParameter kParameters[] = {
    kAnswersParameter,
    {.name = "samples", .about = "answers a question, on average", .preset = "8", .low = 1, .high = 64},
    {.name = "warm_up",
     .about = "answers before anything is decided",
     .kind = ParameterKind::kInteger,
     .preset = "4",
     .low = 1,
     .high = 8},
    {.name = "most",
     .about = "answers of one question",
     .kind = ParameterKind::kInteger,
     .preset = "32",
     .low = 1,
     .high = 64},
};
}  // namespace

const StrategyEntry kPets{.name = "pets",
                          .slug = "pets",
                          .about = "Draws more answers where the first few disagree, and takes the majority",
                          .parameters = kParameters,
                          .script = pets};

}  // namespace bursar::plan
