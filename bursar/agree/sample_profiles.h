// Profiles of the four kinds that tests and reproductions look at: uniform, all at an end, quarters, unanimous.
#pragma once

#include <vector>

#include "bursar/core/random.h"

namespace bursar::agree {

inline std::vector<double> any_profile(std::size_t parties, RandomStream& random) {
  const std::uint64_t kind = random.uniform_int(std::uint64_t{4});
  const double shared = random.uniform01();
  std::vector<double> out;
  for (std::size_t i = 0; i < parties; ++i) {
    out.push_back(kind == 0   ? random.uniform01()
                  : kind == 1 ? static_cast<double>(random.uniform_int(0, 1))
                  : kind == 2 ? .25 * static_cast<double>(random.uniform_int(0, 4))
                              : shared);
  }
  return out;
}

}  // namespace bursar::agree
