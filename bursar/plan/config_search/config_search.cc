#include "bursar/plan/config_search/config_search.h"

#include <algorithm>
#include <cmath>

namespace bursar::plan {
namespace {

constexpr int kRedraws = 64;  // where the best configurations of the drawn worlds are known already

std::vector<Configuration>::const_iterator found(const std::vector<Configuration>& list, const Configuration& one) {
  return std::ranges::find(list, one);
}

}  // namespace

ConfigSearch::ConfigSearch(ConfigSpace space, SearchOptions options)
    : space_(std::move(space)), options_(std::move(options)), belief_(space_, {.curvature = options_.curvature}) {
  for (std::size_t i = 0; i < space_.stages().size() && !options_.joint_budget; ++i)
    own_limit_.push_back(space_.cost(i, {space_.largest(i), 1}));
}

Result<ConfigSearch> ConfigSearch::make(std::vector<ChainStage> stages, SearchOptions options) {
  if (!(options.spread >= 0) || !std::isfinite(options.spread)) return invalid_argument("spread must be at least 0");
  auto space = ConfigSpace::make(std::move(stages), options.space);
  if (!space) return tl::unexpected(space.error());
  return ConfigSearch(*std::move(space), std::move(options));
}

bool ConfigSearch::is_known(const Configuration& configuration) const {
  const auto tried = [&](const Trial& trial) { return trial.configuration == configuration; };
  return std::ranges::any_of(trials_, tried) || found(open_, configuration) != open_.end() ||
         found(given_up_, configuration) != given_up_.end();
}

std::vector<Configuration> ConfigSearch::first_trials() const {
  std::vector<Configuration> out = space_.first_trials();
  if (options_.usual_first) return out;
  RandomStream random = RandomStream(options_.seed).split("first trials");
  for (Configuration& trial : out) trial = space_.draw(random);
  return out;
}

std::optional<Configuration> ConfigSearch::draw_best() {
  const auto skip = [this](const Configuration& c) { return is_known(c); };
  for (int tries = 0; tries < kRedraws; ++tries) {
    RandomStream random = RandomStream(options_.seed).split("worlds").split(drawn_++);
    const std::vector<double> weights = belief_.draw(options_.spread, random);
    const auto worth = [&](std::size_t stage, const StageChoice& choice) {
      if (!own_limit_.empty() && space_.cost(stage, choice) > own_limit_[stage] * (1 + 1e-12)) return -1e9;
      return belief_.worth(weights, stage, choice);
    };
    if (auto best = space_.best(worth, skip)) return best;
    if (space_.enumerated() <= ConfigSpace::kMostEnumerated) return std::nullopt;  // all of them are known
  }
  RandomStream random = RandomStream(options_.seed).split("draws").split(drawn_);
  for (int tries = 0; tries < kRedraws; ++tries) {
    if (Configuration drawn = space_.draw(random); !is_known(drawn)) return drawn;
  }
  return std::nullopt;
}

Result<std::vector<Configuration>> ConfigSearch::propose(std::size_t max_batch) {
  if (max_batch < 1 || max_batch > kMostBatch)
    return invalid_argument("batch is " + std::to_string(max_batch) + "; it must be from 1 to " +
                            std::to_string(kMostBatch));
  std::vector<Configuration> out;
  for (Configuration& trial : first_trials()) {
    if (out.size() == max_batch) break;
    if (is_known(trial)) continue;
    open_.push_back(trial);
    out.push_back(std::move(trial));
  }
  // The first trials are a round of their own: what they show is what the model needs most.
  if (!out.empty()) return out;
  while (out.size() < max_batch) {
    auto next = draw_best();
    if (!next) break;
    open_.push_back(*next);
    out.push_back(*std::move(next));
  }
  return out;
}

Result<void> ConfigSearch::report(const Configuration& configuration, const Score& score) {
  if (auto ok = space_.check(configuration); !ok) return ok;
  const auto is_score = [](double x) { return x >= 0 && x <= 1; };
  if (!is_score(score.value))
    return invalid_argument("score is " + std::to_string(score.value) + "; it must be from 0 to 1");
  if (score.examples < 1)
    return invalid_argument("examples is " + std::to_string(score.examples) + "; it must be at least 1");
  if (!score.stages.empty() && score.stages.size() != space_.stages().size())
    return invalid_argument("there are " + std::to_string(score.stages.size()) + " scores of stages, and " +
                            std::to_string(space_.stages().size()) + " stages");
  if (!std::ranges::all_of(score.stages, is_score)) return invalid_argument("scores of stages must be from 0 to 1");
  if (trials_.size() >= kMostTrials)
    return fail(ErrorCode::kExhausted, "there are " + std::to_string(kMostTrials) + " trials already");
  trials_.push_back({.configuration = configuration, .score = score, .cost = space_.cost(configuration)});
  belief_.add(configuration, score);
  std::erase(open_, configuration);
  return {};
}

Result<void> ConfigSearch::give_up(const Configuration& configuration) {
  if (found(open_, configuration) == open_.end())
    return fail(ErrorCode::kNotFound, to_text(space_, configuration) + " is no open proposal");
  std::erase(open_, configuration);
  given_up_.push_back(configuration);
  return {};
}

std::vector<Configuration> ConfigSearch::leaders(std::size_t count) const {
  std::vector<std::pair<double, const Configuration*>> order;
  std::vector<Configuration> seen;
  for (const Trial& trial : trials_) {
    if (!(trial.score.value > 0) || found(seen, trial.configuration) != seen.end()) continue;
    seen.push_back(trial.configuration);
    order.emplace_back(belief_.of(trial.configuration).mean, &trial.configuration);
  }
  std::ranges::stable_sort(order, [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<Configuration> out;
  for (const auto& [mean, configuration] : order) {
    if (out.size() == count) break;
    out.push_back(*configuration);
  }
  return out;
}

Result<Recommendation> ConfigSearch::best() const {
  std::vector<Configuration> leader = leaders(1);
  if (leader.empty())
    return fail(ErrorCode::kUnavailable, "no trial has a score above 0 yet; report some, then ask again", true);
  const Belief belief = belief_.of(leader[0]);
  constexpr double kMiddle = 1.959964;  // 95%
  return Recommendation{.configuration = leader[0],
                        .predicted = std::min(1.0, std::exp(belief.mean)),
                        .low = std::min(1.0, std::exp(belief.mean - kMiddle * belief.sd)),
                        .high = std::min(1.0, std::exp(belief.mean + kMiddle * belief.sd)),
                        .cost = space_.cost(leader[0]),
                        .why = guidelines()};
}

}  // namespace bursar::plan
