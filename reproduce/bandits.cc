// systems/bandits: the book's algorithms, chapter by chapter, against their bounds and each other.
#include "reproduce/bandits/parts.h"
#include "reproduce/system.h"

namespace bursar::reproduce {

Result<Report> reproduce_bandits(const RunOptions& options) {
  Report report{.slug = "bandits",
                .simulated =
                    "rewards, costs and contexts are drawn as the sheet says; the policies are those of the library, "
                    "made by name",
                .claim =
                    "each algorithm loses no more than its bound, with logarithmic, sqrt(T) and T^(2/3) regret in the "
                    "worlds of its chapter, and under a budget only those that know of it come near the optimum",
                .seed = options.seed,
                .seeds = options.seeds != 0 ? options.seeds
                         : options.quick    ? 4
                                            : 60,
                .quick = options.quick};
  for (const auto part :
       {&bandits::stochastic_part, &bandits::growth_part, &bandits::similarity_part, &bandits::experts_part,
        &bandits::adversarial_part, &bandits::routing_part, &bandits::contextual_part, &bandits::games_part,
        &bandits::knapsack_part, &bandits::incentives_part}) {
    if (auto ok = part(options, report); !ok) return tl::unexpected(ok.error());
  }
  return report;
}

}  // namespace bursar::reproduce
