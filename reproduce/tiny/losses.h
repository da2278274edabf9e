// The two fine-tuning losses, as weights for TinyPolicy::accumulate.
//
//   DpoResult r = dpo(logp_chosen, logp_rejected, ref_chosen, ref_rejected, 1.0);
//   chosen.weight = r.weight, rejected.weight = -r.weight;      // gradient of -w log p(chosen) + w log p(rejected)
//
// SFT: -sum_t log pi(y_t), weight 1. DPO: -log sigmoid(margin), margin = beta [(log pi - log pi_ref)(chosen) - (…)
// (rejected)]; dloss/dlogp(chosen) = -beta sigmoid(-margin) = -weight. Source: systems/sft-pft-balance.
#pragma once

#include <span>

#include "bursar/core/random.h"
#include "reproduce/tiny/policy.h"

namespace bursar::reproduce::tiny {

struct DpoResult {
  double loss = 0;
  double weight = 0;  // -dloss/dlogp of the chosen, and dloss/dlogp of the rejected; >= 0
  double margin = 0;
  bool right = false;  // the chosen gained more than the rejected
};
[[nodiscard]] DpoResult dpo(double chosen, double rejected, double reference_chosen, double reference_rejected,
                            double beta);

struct TuneOptions {
  double rate = 0;
  std::size_t batch = 16, epochs = 2;
};
// Plain epochs over shuffled examples with a fresh Adam; the token mean of each batch.
void fine_tune(TinyPolicy& policy, std::span<const Sequence> demonstrations, const TuneOptions& options,
               RandomStream random);
// Pairs against a frozen copy of the policy as it comes in; the token mean of each batch.
void prefer(TinyPolicy& policy, std::span<const Sequence> chosen, std::span<const Sequence> rejected, double beta,
            const TuneOptions& options, RandomStream random);

}  // namespace bursar::reproduce::tiny
