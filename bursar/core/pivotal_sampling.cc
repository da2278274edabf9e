#include "bursar/core/pivotal_sampling.h"

#include <algorithm>
#include <string>

namespace bursar {

Result<std::vector<std::size_t>> ordered_pivotal_sample(std::span<const double> marginals, RandomStream& random) {
  std::vector<std::size_t> chosen;
  PivotalStream stream;
  for (std::size_t j = 0; j < marginals.size(); ++j) {
    const double r = marginals[j];
    if (!(r >= 0 && r <= 1)) {
      return invalid_argument("marginal " + std::to_string(j) + " is " + std::to_string(r) +
                              "; it must be a probability from 0 to 1");
    }
    const double u = r > 0 && r < 1 ? random.uniform01() : 0;
    if (const std::size_t s = stream.add(j, r, u); s != PivotalStream::kNobody) chosen.push_back(s);
  }
  if (const std::size_t s = stream.finish(random.uniform01()); s != PivotalStream::kNobody) chosen.push_back(s);
  std::ranges::sort(chosen);
  return chosen;
}

}  // namespace bursar
