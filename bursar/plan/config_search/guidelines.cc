// What a search has learned, stage by stage, in words: each of them a posterior probability.
#include <algorithm>
#include <cmath>
#include <iomanip>
#include <sstream>

#include "bursar/core/special.h"
#include "bursar/plan/config_search/config_search.h"

namespace bursar::plan {
namespace {

constexpr double kClose = .01;  // of a score: as good as

std::string number(double x, int digits) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(digits) << x;
  return out.str();
}

// P(row >= least).
double chance(const ScoreSurrogate& belief, const SurrogateRow& row, double least) {
  const Belief b = belief.of(row);
  return b.sd > 0 ? normal_cdf((b.mean - least) / b.sd) : (b.mean >= least ? 1 : 0);
}

SurrogateRow difference(SurrogateRow a, const SurrogateRow& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] -= b[i];
  return a;
}

class Guide {
 public:
  Guide(const ConfigSpace& space, const ScoreSurrogate& belief, Configuration best)
      : space_(space), belief_(belief), best_(std::move(best)), score_(std::exp(belief.of(best_).mean)) {}

  // Which size of model: the smallest with its best number of samples, for what the largest costs once, against it.
  [[nodiscard]] Guideline size_of_model(std::size_t i) const {
    const ChainStage& stage = space_.stages()[i];
    const StageChoice large{space_.largest(i), 1};
    const double room = space_.cost(i, large);
    StageChoice small{space_.smallest(i), 1};
    for (const StageChoice& choice : space_.choices(i)) {
      if (choice.model == small.model && space_.cost(i, choice) <= room && gain(i, choice, small) > 0) small = choice;
    }
    const SurrogateRow lead = difference(belief_.row(with(i, small)), belief_.row(with(i, large)));
    const double as_good = chance(belief_, lead, std::log(std::max(1e-9, 1 - kClose / std::max(score_, kClose * 2))));
    const std::string pair = text(stage, small) +
                             (as_good >= .5 ? " is within " + number(kClose, 2) + " of " : " is worse than ") +
                             text(stage, large);
    return {stage.name, "stage " + stage.name + ": " + pair, std::max(as_good, 1 - as_good)};
  }

  // Where more samples end to help.
  [[nodiscard]] Guideline useful_samples(std::size_t i) const {
    const ChainStage& stage = space_.stages()[i];
    const StageChoice now = best_[i];
    const double rises = chance(belief_, belief_.slope(i, now), 0);
    const std::string where = "stage " + stage.name + ": at " + text(stage, now) + " more samples ";
    if (rises >= .5) return {stage.name, where + "still help", rises};
    return {stage.name, where + "no longer help", 1 - rises};
  }

  // Which stage the next unit of the budget is worth most in.
  [[nodiscard]] std::optional<Guideline> priority() const {
    if (best_.size() < 2) return std::nullopt;
    std::vector<double> worth;
    for (std::size_t i = 0; i < best_.size(); ++i) worth.push_back(belief_.of(per_cost(i)).mean);
    const auto first = static_cast<std::size_t>(std::ranges::max_element(worth) - worth.begin());
    std::size_t second = first == 0 ? 1 : 0;
    for (std::size_t i = 0; i < worth.size(); ++i) {
      if (i != first && worth[i] > worth[second]) second = i;
    }
    const double sure = chance(belief_, difference(per_cost(first), per_cost(second)), 0);
    const std::string& name = space_.stages()[first].name;
    return Guideline{
        name,
        "stage " + name + ": the next unit of the budget is worth most here, then in " + space_.stages()[second].name,
        sure};
  }

 private:
  [[nodiscard]] Configuration with(std::size_t i, const StageChoice& choice) const {
    Configuration out = best_;
    out[i] = choice;
    return out;
  }
  [[nodiscard]] double gain(std::size_t i, const StageChoice& a, const StageChoice& b) const {
    return belief_.worth(belief_.mean(), i, a) - belief_.worth(belief_.mean(), i, b);
  }
  [[nodiscard]] static std::string text(const ChainStage& stage, const StageChoice& choice) {
    return stage.models[choice.model].name + " x " + std::to_string(choice.samples);
  }
  // d log score / d cost at the best configuration.
  [[nodiscard]] SurrogateRow per_cost(std::size_t i) const {
    const StageChoice now = best_[i], next{now.model, now.samples + 1};
    const double price = std::max(1e-12, space_.cost(i, next) - space_.cost(i, now));
    SurrogateRow out = belief_.slope(i, now);
    for (double& x : out) x /= now.samples * price;
    return out;
  }

  const ConfigSpace& space_;
  const ScoreSurrogate& belief_;
  Configuration best_;
  double score_;
};

}  // namespace

std::vector<Guideline> ConfigSearch::guidelines() const {
  const std::vector<Configuration> leader = leaders(1);
  if (leader.empty()) return {};
  const Guide guide(space_, belief_, leader[0]);
  std::vector<Guideline> out;
  for (std::size_t i = 0; i < space_.stages().size(); ++i) {
    if (space_.stages()[i].models.size() > 1) out.push_back(guide.size_of_model(i));
    out.push_back(guide.useful_samples(i));
  }
  if (auto one = guide.priority()) out.push_back(*std::move(one));
  return out;
}

}  // namespace bursar::plan
