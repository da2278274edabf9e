// What samples of a model answered, and which of the answers are the same one.
//
//   canonical_answer("\\boxed{\\frac{2}{4}}");                       // "1/2", as are "0.5", ".50" and " 1/2."
//   auto ballot = group_answers(std::vector<Trace>{{"12"}, {"12.0"}, {"7"}, {""}});
//   ballot->groups[0].count;   // 2, of ballot->samples == 4: an empty answer is counted and never chosen
//
// Two ways to write one answer split its votes, so a number has one form: exact rationals in lowest terms, as far as 64
// bits reach; what they do not reach stays as it was written. kExact leaves every string alone, for answers that are
// codes, names or options. Open text has no majority: give the groups of a clustering instead (AnswerForm::kExact over
// the cluster's name). Source: systems/bom (normaliser [choice]), systems/pets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::sample {

enum class AnswerForm : std::uint8_t { kMath, kExact };

// Trims, takes the last \boxed{…}, $ and \text{…} off, lower-cases, and writes numbers (integers with or without
// thousands separators, decimals, fractions, \frac, a unit or % behind) as a reduced fraction. O(bytes).
[[nodiscard]] std::string canonical_answer(std::string_view text, AnswerForm form = AnswerForm::kMath);

struct Trace {
  std::string answer;            // empty: no answer came out
  std::optional<double> reward;  // of this trace, by a reward model; finite
  double weight = 1;             // of its vote; finite, >= 0
};

struct AnswerGroup {
  std::string key;                  // the canonical answer
  std::int64_t count = 0;           // traces
  double weight = 0;                // the sum of theirs
  std::optional<double> reward;     // as GroupOptions::reward says
  std::vector<std::size_t> traces;  // in order
};

struct Ballot {
  std::vector<AnswerGroup> groups;  // in the order in which they were first seen
  std::int64_t samples = 0;         // traces, those without an answer too

  [[nodiscard]] double frequency(std::size_t group) const {
    return static_cast<double>(groups[group].count) / static_cast<double>(samples);
  }
};

enum class GroupReward : std::uint8_t {
  kMean,      // of its traces
  kMax,       // of its traces
  kHeaviest,  // of the trace with the largest weight, the first of equals
};

struct GroupOptions {
  AnswerForm form = AnswerForm::kMath;
  GroupReward reward = GroupReward::kMean;
};

// Errors: kInvalidArgument naming the trace, for a reward that is not finite, a weight that is negative or not finite,
// and rewards that some traces have and others lack. O(traces log groups).
[[nodiscard]] Result<Ballot> group_answers(std::span<const Trace> traces, const GroupOptions& options = {});

// Numbers for the answers of one question, in the order in which they come; for allocators that count options.
//
//   OptionTable options(32);
//   options.of("12");     // 0; absent from the 33rd distinct answer on, and for an empty one
class OptionTable {
 public:
  explicit OptionTable(std::size_t most, AnswerForm form = AnswerForm::kMath) : most_(most), form_(form) {}
  [[nodiscard]] std::optional<std::size_t> of(std::string_view answer);
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }

 private:
  std::size_t most_;
  AnswerForm form_;
  std::map<std::string, std::size_t, std::less<>> ids_;
  std::vector<std::string> names_;
};

}  // namespace bursar::sample
