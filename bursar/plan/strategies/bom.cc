// Several answers; those that were given often enough are judged, and the best judged one is the answer.
//
// The rules of sample/pass_k.h with k = 1. Only distinct answers that reach the threshold are judged, each by its first
// whole reply; a single one needs no judge. Batches end early where the purse would not pay the judge any more. An
// answer that no judge could be had for counts as judged at 0: with no judge at all the majority stands.
// Source: systems/bom.
#include <algorithm>
#include <map>

#include "bursar/plan/strategies/asks.h"
#include "bursar/plan/strategies/ballot.h"
#include "bursar/plan/strategies/entries.h"
#include "bursar/sample/pass_k.h"

namespace bursar::plan {
namespace {

constexpr std::size_t kBatch = 8, kFirstOfPurse = 4;  // the first few show what an answer costs
constexpr std::int64_t kLeastJudge = 64, kJudgesKept = 2;

sample::SelectOptions options_of(const Job& job, const sample::Ballot& ballot) {
  const double threshold = job.number("threshold");
  return {.rule = sample::select_rule_named(job.text("rule")).value(),  // one of its choices
          .threshold = threshold < 0 ? std::min(sample::default_threshold(ballot.samples), .5) : threshold,
          .temperature = job.number("soft_temperature"),
          .seed = job.setup().seed};
}

// What sampling leaves of a purse: two judges that read an answer and write the least, in answers' worth.
std::size_t kept_for_judges(const std::vector<Observation>& seen) {
  std::int64_t tokens = 0, answers = 0;
  for (const Observation& one : seen) {
    tokens += one.completion_tokens;
    answers += one.ok() ? 1 : 0;
  }
  const std::int64_t mean = std::max<std::int64_t>(answers > 0 ? tokens / answers : 1, 1);
  return static_cast<std::size_t>(kJudgesKept * (2 + kLeastJudge / mean));
}

// The answers that the rule wants judged, the most frequent first.
std::vector<std::string> survivors(const sample::Ballot& ballot, const sample::SelectOptions& options) {
  std::vector<std::string> keys;
  (void)sample::select_pass_k(ballot, options, [&](const sample::AnswerGroup& group) -> Result<double> {
    keys.push_back(group.key);
    return 0.0;
  });
  return keys;
}

std::vector<Action> judgements(const Job& job, const Ballots& votes, const sample::Ballot& ballot,
                               const std::vector<std::string>& keys, std::size_t each) {
  std::vector<Action> out;
  for (const std::string& key : keys) {
    const auto group = std::ranges::find(ballot.groups, key, &sample::AnswerGroup::key);
    for (std::size_t i = 0; i < each; ++i) {
      out.push_back(ask_of(job, Task::kJudge, {{"answer", votes.answer_of(*group, 0).text}},
                           {.model = job.setup().judge_model,
                            .max_tokens = job.integer("judge_tokens"),
                            .least_tokens = kLeastJudge,
                            .temperature = job.setup().temperature}));
    }
  }
  return out;
}

// The mean of what each answer's judges said; 0 where none of them said anything.
std::map<std::string, double> rewards_of(const std::vector<std::string>& keys, const std::vector<Observation>& seen,
                                         std::size_t each) {
  std::map<std::string, double> out;
  for (std::size_t k = 0; k < keys.size(); ++k) {
    double sum = 0;
    std::size_t said = 0;
    for (std::size_t i = k * each; i < (k + 1) * each; ++i) {
      const auto score = seen[i].ok() ? read_number(seen[i].text, "Score") : std::nullopt;
      if (!score) continue;
      sum += std::clamp(*score, 0.0, 1.0);
      ++said;
    }
    out[keys[k]] = said > 0 ? sum / static_cast<double>(said) : 0;
  }
  return out;
}

boost::json::object numbers_of(const sample::Ballot& ballot, const std::map<std::string, double>& rewards) {
  boost::json::object out;
  for (const sample::AnswerGroup& group : ballot.groups) {
    const auto reward = rewards.find(group.key);
    if (reward == rewards.end()) continue;
    out[group.key.substr(0, 80)] = {{"votes", group.count}, {"reward", reward->second}};
  }
  return out;
}

}  // namespace

Script bom(Job& job) {
  Ballots votes(answer_form(job));
  const auto samples = static_cast<std::size_t>(job.integer("samples"));
  const std::size_t first = job.purse().limit.empty() ? kBatch : kFirstOfPurse;
  for (std::size_t drawn = 0, next = std::min(samples, first); next > 0;) {
    std::vector<Action> asks(next, job.sample());
    const std::vector<Observation> seen = co_await job.run(std::move(asks));
    votes.take(seen);
    drawn += next;
    next = any_refused(seen) ? 0 : affordable(job, seen, std::min(samples - drawn, kBatch), kept_for_judges(seen));
    if (const auto best = votes.best()) job.offer(*best);
    job.note({{"drawn", drawn}, {"answers", votes.samples().size()}});
  }
  if (votes.samples().empty()) co_return std::nullopt;
  const sample::Ballot ballot = votes.ballot();
  const sample::SelectOptions options = options_of(job, ballot);
  const std::vector<std::string> keys = survivors(ballot, options);
  job.note({{"rule", std::string(name_of(options.rule))},
            {"threshold", options.threshold},
            {"distinct", ballot.groups.size()},
            {"judged", keys.size() > 1 ? keys.size() : 0}});
  if (keys.size() <= 1) co_return votes.best();
  const auto each = static_cast<std::size_t>(job.integer("judgements"));
  std::vector<Action> asks = judgements(job, votes, ballot, keys, each);
  const std::vector<Observation> seen = co_await job.run(std::move(asks));
  const std::map<std::string, double> rewards = rewards_of(keys, seen, each);
  job.note({{"rewards", numbers_of(ballot, rewards)}});
  const auto chosen = sample::select_pass_k(
      ballot, options, [&](const sample::AnswerGroup& group) -> Result<double> { return rewards.at(group.key); });
  if (!chosen || chosen->groups.empty()) co_return votes.best();
  const sample::AnswerGroup& winner = ballot.groups[chosen->groups.front()];
  co_return votes.answer_of(winner, rewards.at(winner.key));
}

namespace {
constexpr std::string_view kRules[] = {"majority", "best-of-n", "soft-best-of-n", "bom"};
constexpr PolicyParameter kParameters[] = {
    kAnswersParameter,
    {.name = "rule",
     .about =
         "majority, the best judged of all, a draw by softmax of the judgements, or the best judged of the frequent",
     .kind = ParameterKind::kText,
     .preset = "\"bom\"",
     .choices = kRules},
    {.name = "samples", .about = "answers", .kind = ParameterKind::kInteger, .preset = "8", .low = 1, .high = 64},
    {.name = "threshold",
     .about = "share of the answers that one needs to be judged; below 0: 2 / answers",
     .preset = "-1",
     .low = -1,
     .high = .99},
    {.name = "judgements",
     .about = "calls that judge one answer",
     .kind = ParameterKind::kInteger,
     .preset = "1",
     .low = 1,
     .high = 4},
    {.name = "judge_tokens",
     .about = "tokens of one judgement",
     .kind = ParameterKind::kInteger,
     .preset = "256",
     .low = 16,
     .high = 8192},
    {.name = "soft_temperature", .about = "of soft-best-of-n", .preset = "0.1", .low = .001, .high = 100},
};
}  // namespace

const StrategyEntry kBom{.name = "bom",
                         .slug = "bom",
                         .about = "Judges the answers that were given often enough, and takes the best of them",
                         .parameters = kParameters,
                         .script = bom};

}  // namespace bursar::plan
