// What kind of line a piece of hidden reasoning begins, by its first token: a handful of starters that say how it goes
// on.
//
//   line_classes()[line_class_of("Wait, 3 does not")];     // "wait"
//   line_classes()[line_class_of(" Altern")];              // "alternatively": the start of one listed word only
//   line_classes()[line_class_of("</think>")];             // "end"
//
// Lower and upper case and leading blanks do not matter. O(bytes of the first word). Source: systems/budget-guidance;
// the list is ours [choice].
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace bursar::sample {

inline constexpr std::string_view kEndOfThinking = "</think>";

// Names, all different: "end" first; "blank", "number", "list" and "formula" by their first sign; then words; "other"
// last.
[[nodiscard]] std::span<const std::string_view> line_classes();

// In line_classes(). Whatever contains the end mark, or is a beginning of it of two letters or more, is "end".
[[nodiscard]] std::size_t line_class_of(std::string_view start, std::string_view end_mark = kEndOfThinking);

// 0 for the first line, 1 for the second, then 2 … 3, 4 … 7, 8 … 15 and so on, at most kStepBuckets - 1.
inline constexpr std::size_t kStepBuckets = 12;
[[nodiscard]] std::size_t step_bucket(std::size_t line);

}  // namespace bursar::sample
