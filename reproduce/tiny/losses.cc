#include "reproduce/tiny/losses.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace bursar::reproduce::tiny {
namespace {

// Calls `use` with the indices of each batch of each epoch.
template <class Use>
void in_batches(std::size_t examples, const TuneOptions& options, RandomStream& random, Use&& use) {
  std::vector<std::size_t> order(examples);
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (std::size_t epoch = 0; epoch < options.epochs; ++epoch) {
    random.shuffle(std::span(order));
    for (std::size_t from = 0; from < examples; from += options.batch) {
      use(std::span(order).subspan(from, std::min(options.batch, examples - from)));
    }
  }
}

}  // namespace

DpoResult dpo(double chosen, double rejected, double reference_chosen, double reference_rejected, double beta) {
  const double margin = beta * ((chosen - reference_chosen) - (rejected - reference_rejected));
  const double small = std::exp(-std::abs(margin));
  return {.loss = std::max(0.0, -margin) + std::log1p(small),
          .weight = beta * (margin >= 0 ? small : 1) / (1 + small),
          .margin = margin,
          .right = margin > 0};
}

void fine_tune(TinyPolicy& policy, std::span<const Sequence> demonstrations, const TuneOptions& options,
               RandomStream random) {
  Adam adam(policy.parameters().size());
  std::vector<float> gradient(policy.parameters().size(), 0.F);
  std::vector<Sequence> batch;
  in_batches(demonstrations.size(), options, random, [&](std::span<const std::size_t> indices) {
    batch.clear();
    for (const std::size_t i : indices) batch.push_back(demonstrations[i]);
    const std::size_t tokens = policy.accumulate(batch, gradient);
    adam.descend(policy.parameters(), gradient, 1 / static_cast<double>(tokens), options.rate);
  });
}

void prefer(TinyPolicy& policy, std::span<const Sequence> chosen, std::span<const Sequence> rejected, double beta,
            const TuneOptions& options, RandomStream random) {
  const auto reference_chosen = policy.log_probabilities(chosen),
             reference_rejected = policy.log_probabilities(rejected);
  Adam adam(policy.parameters().size());
  std::vector<float> gradient(policy.parameters().size(), 0.F);
  std::vector<Sequence> batch;
  in_batches(chosen.size(), options, random, [&](std::span<const std::size_t> indices) {
    batch.clear();
    for (const std::size_t i : indices) batch.push_back(chosen[i]), batch.push_back(rejected[i]);
    const auto now = policy.log_probabilities(batch);
    for (std::size_t k = 0; k < indices.size(); ++k) {
      const std::size_t i = indices[k];
      const auto r = dpo(now[2 * k], now[2 * k + 1], reference_chosen[i], reference_rejected[i], beta);
      batch[2 * k].weight = static_cast<float>(r.weight);
      batch[2 * k + 1].weight = static_cast<float>(-r.weight);
    }
    const std::size_t tokens = policy.accumulate(batch, gradient);
    adam.descend(policy.parameters(), gradient, 1 / static_cast<double>(tokens), options.rate);
  });
}

}  // namespace bursar::reproduce::tiny
