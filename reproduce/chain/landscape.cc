#include "reproduce/chain/landscape.h"

#include <algorithm>
#include <cmath>

namespace bursar::reproduce {
namespace {

using plan::ChainStage;
using plan::ConfigSpace;
using plan::Configuration;
using plan::StageChoice;

constexpr double kRugged = .012;

ChainStage stage(const char* name, std::int64_t prompt, std::int64_t generation, std::vector<double> billions) {
  ChainStage out{.name = name, .prompt_tokens = prompt, .generation_tokens = generation};
  for (const double b : billions)
    out.models.push_back({.name = std::to_string(static_cast<int>(b)) + "B", .parameters = b * 1e9});
  return out;
}

}  // namespace

std::vector<ChainStage> wiki_stages() {
  return {stage("retrieval", 2048, 128, {7, 32, 72}), stage("answer", 256, 64, {3, 8, 70})};
}

std::vector<ChainStage> chat_stages() {
  return {stage("design", 1024, 1024, {3, 8, 70}), stage("code", 1024, 512, {3, 8, 70}),
          stage("test", 1024, 256, {3, 8, 70})};
}

Landscape::Landscape(const ConfigSpace& space, const RandomStream& root) {
  for (std::size_t i = 0; i < space.stages().size(); ++i) {
    RandomStream random = root.split("stage").split(i), noise = root.split("rugged").split(i);
    const std::vector<plan::ModelChoice>& models = space.stages()[i].models;
    const double least = models[space.smallest(i)].parameters, most = models[space.largest(i)].parameters;
    const bool needs = random.bernoulli(.5);
    Stage out{.weight = random.uniform(.25, .5), .coupling = random.uniform(.3, .8)};
    const double tau = random.uniform(3, 10), peak = random.uniform(8, 40);
    for (const plan::ModelChoice& model : models) {
      const double rel = std::log(model.parameters / least) / std::log(most / least);
      Model one{.base = (needs ? .35 + .40 * rel : .55 + .12 * rel) + .03 * random.normal(),
                .gain = needs ? random.uniform(.10, .14) : .20 - .10 * rel + random.uniform(0, .03),
                .tau = tau,
                .peak = peak * (1 + rel),
                .fall = rel < .5 ? .08 : .03};
      for (double& r : one.rugged) r = noise.bernoulli(.5) ? kRugged : -kRugged;
      out.models.push_back(one);
    }
    stages_.push_back(std::move(out));
  }
  enumerate(space, 0, 0, 1, 1);
}

double Landscape::quality(std::size_t stage, const StageChoice& choice, double before) const {
  const Stage& s = stages_[stage];
  const Model& m = s.models[choice.model];
  const double more = s.coupling * (1 - before), samples = choice.samples;
  const double raw = m.base + m.gain * (1 - std::exp(-(samples - 1) / (m.tau * (1 + more)))) -
                     m.fall * std::max(0.0, samples / (m.peak * (1 + 2 * more)) - 1) +
                     m.rugged[static_cast<std::size_t>(choice.samples)];
  return std::clamp(raw, .02, .98) * (.6 + .4 * before);
}

double Landscape::score(const Configuration& configuration) const {
  double before = 1, product = 1;
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    before = quality(i, configuration[i], before);
    product *= i + 1 == stages_.size() ? before : std::pow(before, stages_[i].weight);
  }
  return product;
}

void Landscape::enumerate(const ConfigSpace& space, std::size_t stage, double cost, double before, double product) {
  if (stage == stages_.size()) {
    optimum_ = std::max(optimum_, product);
    return;
  }
  for (const StageChoice& choice : space.choices(stage)) {
    const double total = cost + space.cost(stage, choice);
    if (!space.fits(total)) continue;
    const double v = quality(stage, choice, before);
    const bool last = stage + 1 == stages_.size();
    enumerate(space, stage + 1, total, v, product * (last ? v : std::pow(v, stages_[stage].weight)));
  }
}

double Landscape::measure(const Configuration& configuration, int examples, RandomStream& random) const {
  const double p = score(configuration);
  int right = 0;
  for (int i = 0; i < examples; ++i) right += random.bernoulli(p) ? 1 : 0;
  return static_cast<double>(right) / examples;
}

}  // namespace bursar::reproduce
