// The answer that most samples gave.
//
//   auto vote = majority(*ballot);                          // vote->group, vote->share, vote->tied
//   auto heavy = majority(*ballot, {.weighted = true});     // by the sum of weights: confidence, process rewards
//
// Source: systems/pets, systems/dora (weights), systems/bom.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "bursar/sample/answers.h"

namespace bursar::sample {

enum class TieRule : std::uint8_t {
  kFirstSeen,    // open answers
  kSmallestKey,  // options of a list, by their canonical text
};

struct VoteOptions {
  bool weighted = false;
  TieRule ties = TieRule::kFirstSeen;
};

struct VoteResult {
  std::size_t group = 0;
  double share = 0;  // of all samples, or of all weight; samples without an answer count in the former
  bool tied = false;
};

// Absent where nobody answered, or nothing weighs anything. O(groups).
[[nodiscard]] std::optional<VoteResult> majority(const Ballot& ballot, const VoteOptions& options = {});

}  // namespace bursar::sample
