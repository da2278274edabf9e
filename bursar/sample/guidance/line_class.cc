#include "bursar/sample/guidance/line_class.h"

#include <algorithm>
#include <array>
#include <bit>
#include <string>

namespace bursar::sample {
namespace {

enum Fixed : std::size_t { kEnd, kBlank, kNumber, kList, kFormula, kFirstWord };

constexpr auto kClasses = std::to_array<std::string_view>(
    {"end",     "blank", "number",  "list",  "formula", "actually", "again", "alternatively", "and",       "another",
     "because", "but",   "check",   "first", "final",   "finally",  "given", "hence",         "here",      "hmm",
     "however", "i",     "if",      "in",    "instead", "it",       "let",   "maybe",         "next",      "no",
     "not",     "now",   "oh",      "okay",  "or",      "perhaps",  "right", "second",        "similarly", "since",
     "so",      "step",  "suppose", "that",  "the",     "then",     "there", "therefore",     "this",      "thus",
     "to",      "try",   "verify",  "wait",  "we",      "what",     "when",  "which",         "yes",       "other"});
static_assert(kClasses.size() <= 64);

constexpr std::size_t kOther = kClasses.size() - 1, kShortestBeginning = 3;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::size_t word_class(std::string_view word) {
  std::size_t begun = kOther, beginnings = 0;
  for (std::size_t i = kFirstWord; i < kOther; ++i) {
    if (kClasses.at(i) == word) return i;
    if (!kClasses.at(i).starts_with(word)) continue;
    begun = i;
    ++beginnings;
  }
  return word.size() >= kShortestBeginning && beginnings == 1 ? begun : kOther;
}

}  // namespace

std::span<const std::string_view> line_classes() { return kClasses; }

std::size_t line_class_of(std::string_view start, std::string_view end_mark) {
  if (!end_mark.empty() && start.contains(end_mark)) return kEnd;
  const std::size_t first = start.find_first_not_of(" \t");
  if (first == std::string_view::npos || start[first] == '\n' || start[first] == '\r') return kBlank;
  start.remove_prefix(first);
  if (start.size() >= 2 && end_mark.starts_with(start)) return kEnd;
  if (start[0] >= '0' && start[0] <= '9') return kNumber;
  if (std::string_view("-*#>+").contains(start[0])) return kList;
  if (std::string_view("\\$=([{|").contains(start[0])) return kFormula;
  std::string word;
  for (const char c : start) {
    if (!is_letter(c) || word.size() > 32) break;
    word.push_back(c < 'a' ? static_cast<char>(c - 'A' + 'a') : c);
  }
  return word.empty() ? kOther : word_class(word);
}

std::size_t step_bucket(std::size_t line) {
  return std::min<std::size_t>(kStepBuckets - 1, static_cast<std::size_t>(std::bit_width(line)));
}

}  // namespace bursar::sample
