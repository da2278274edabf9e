// Synthetic genomes of several ancestries, and a ridge model of a trait for each: the second world of
// systems/equitable-sampling.
//
//   GenomeGroup group(/*markers=*/250, /*heritability=*/.5, /*pool=*/4000, random);
//   MeasuredError e = group.train(bought, 1.0, random, GenomeGroup::Set::kValidation);   // 1 - R^2
//
// Allele frequencies: ancestral uniform on (.05, .5), the group's from Balding-Nichols with F_ST = .1. Genotypes
// Binomial(2, f), standardised. Half of the markers are causal; effects N(0, 1) / sqrt(2 f (1 - f)) a copy, rescaled to
// the heritability. Ridge with lambda = P (1 - h^2) / h^2.
#pragma once

#include <cstdint>
#include <vector>

#include "bursar/core/random.h"
#include "bursar/explore/equitable/trainer.h"

namespace bursar::reproduce {

class GenomeGroup {
 public:
  enum class Set : std::uint8_t { kValidation, kTest };
  static constexpr std::size_t kValidationRows = 600, kTestRows = 2000;

  GenomeGroup(std::size_t markers, double heritability, std::size_t pool, RandomStream random);

  // Trains on a random `share` of the first `bought` people of the pool.
  [[nodiscard]] explore::MeasuredError train(std::size_t bought, double share, RandomStream& random, Set set) const;

 private:
  std::size_t markers_, pool_;
  double lambda_;
  std::vector<double> x_, y_;  // pool, then validation, then test
  std::vector<std::uint32_t> validation_, test_;
};

}  // namespace bursar::reproduce
