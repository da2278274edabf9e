#include "bursar/sample/parallel_search.h"

#include <cmath>
#include <utility>

namespace bursar::sample {

Result<ParallelSearch> ParallelSearch::make(const SearchOptions& options) {
  if (options.rollouts < 1 || options.rollouts > (std::int64_t{1} << 20))
    return invalid_argument("rollouts is " + std::to_string(options.rollouts) + "; it must be from 1 to 2^20");
  if (options.steps < 1) return invalid_argument("steps is 0; at least one must be taken");
  return ParallelSearch(options);
}

ParallelSearch::ParallelSearch(const SearchOptions& options)
    : options_(options), extend_(static_cast<std::size_t>(options.rollouts), kRoot) {
  const auto width = static_cast<std::size_t>(std::max<std::int64_t>(options.split.width, 1));
  for (std::size_t i = 0; i < extend_.size(); ++i) groups_.push_back(i / width);
}

Result<void> ParallelSearch::report(std::vector<SearchStep> grown) {
  if (grown.size() != extend_.size())
    return invalid_argument(std::to_string(grown.size()) + " steps were reported; " + std::to_string(extend_.size()) +
                            " were asked for");
  std::vector<std::size_t> alive;
  std::vector<Trace> finished;
  for (std::size_t i = 0; i < grown.size(); ++i) {
    if (!(grown[i].score >= 0 && grown[i].score <= 1))
      return invalid_argument("step " + std::to_string(i) + ": score is " + std::to_string(grown[i].score) +
                              "; it must be from 0 to 1");
    if (grown[i].finished)
      finished.push_back({.answer = grown[i].answer, .reward = {}, .weight = grown[i].score});
    else
      alive.push_back(i);
  }
  const auto enough = static_cast<std::int64_t>(finished_.size() + finished.size()) >= options_.rollouts;
  std::vector<std::size_t> extend, groups;
  if (!alive.empty() && !enough && taken_ + 1 < options_.steps) {
    const auto counts = split(grown, alive);
    if (!counts) return tl::unexpected(counts.error());
    for (std::size_t k = 0; k < alive.size(); ++k) {
      extend.insert(extend.end(), static_cast<std::size_t>((*counts)[k]), alive[k]);
      groups.insert(groups.end(), static_cast<std::size_t>((*counts)[k]), groups_[alive[k]]);
    }
  }
  ++taken_;
  extend_ = std::move(extend);
  groups_ = std::move(groups);
  for (Trace& trace : finished) finished_.push_back(std::move(trace));
  return {};
}

Result<std::vector<std::int64_t>> ParallelSearch::split(const std::vector<SearchStep>& grown,
                                                        const std::vector<std::size_t>& alive) const {
  std::vector<RolloutCandidate> candidates;
  candidates.reserve(alive.size());
  for (const std::size_t i : alive)
    candidates.push_back({.score = grown[i].score, .embedding = grown[i].embedding, .group = groups_[i]});
  return split_rollouts(candidates, options_.rollouts, options_.split);
}

std::optional<std::string> ParallelSearch::answer(AnswerForm form) const {
  const auto ballot = group_answers(finished_, {.form = form});
  if (!ballot) return std::nullopt;
  const auto vote = majority(*ballot, {.weighted = true});
  if (!vote) return std::nullopt;
  return ballot->groups[vote->group].key;
}

}  // namespace bursar::sample
