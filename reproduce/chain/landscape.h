// A chain of stages whose score is known everywhere: what a search of models and samples is tried on.
//
//   Landscape world(chat_stages(), RandomStream(7));
//   world.score(configuration);                       // without noise
//   world.measure(configuration, 50, random);         // a mean over so many examples
//   world.optimum();                                  // over the grid of samples, by enumeration
//
// A stage needs a large model or does as well with samples of a small one; more samples help, flatten and then hurt; a
// poor stage makes the next ones want more. Formulas: systems/agenttts.
#pragma once

#include <array>
#include <vector>

#include "bursar/core/random.h"
#include "bursar/plan/config_search/config_space.h"

namespace bursar::reproduce {

[[nodiscard]] std::vector<plan::ChainStage> wiki_stages();  // two: retrieval and answer
[[nodiscard]] std::vector<plan::ChainStage> chat_stages();  // three

class Landscape {
 public:
  Landscape(const plan::ConfigSpace& space, const RandomStream& root);
  [[nodiscard]] double score(const plan::Configuration& configuration) const;
  [[nodiscard]] double measure(const plan::Configuration& configuration, int examples, RandomStream& random) const;
  [[nodiscard]] double optimum() const { return optimum_; }

 private:
  struct Model {
    double base = 0, gain = 0, tau = 0, peak = 0, fall = 0;
    std::array<double, 101> rugged{};  // by samples
  };
  struct Stage {
    std::vector<Model> models;
    double weight = 0, coupling = 0;
  };
  [[nodiscard]] double quality(std::size_t stage, const plan::StageChoice& choice, double before) const;
  void enumerate(const plan::ConfigSpace& space, std::size_t stage, double cost, double before, double product);

  std::vector<Stage> stages_;
  double optimum_ = 0;
};

}  // namespace bursar::reproduce
