// A policy in a file: what `bursar admit fit` writes, and `--policy @file` and the service load.
//
//   {"policy": "dual-mirror-descent", "parameters": {"initial_prices": [0.8]}, "horizon": 20000, "about": "…"}
//
//   auto file = parse_policy_file(text);
//   auto policy = make_policy(**policy_named(policies(), file->words.name), {…, file->words.parameters});
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/core/policy.h"

namespace bursar::admit {

struct PolicyFile {
  PolicyWords words;
  std::uint64_t horizon = 0;           // requests; 0: not said
  std::vector<std::string> resources;  // the order of the parameters' numbers; empty: not said
  std::string about;                   // where it comes from, for people
};

// kInvalidArgument names the place. Parameters are checked when the policy is made.
[[nodiscard]] Result<PolicyFile> parse_policy_file(std::string_view text);
[[nodiscard]] std::string policy_file_text(const PolicyFile& file);  // one line

}  // namespace bursar::admit
