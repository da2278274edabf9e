#include "bursar/simulate/prose.h"

#include <array>

namespace bursar::simulate {
namespace {

// None longer than a token.
constexpr auto kWords = std::to_array<std::string_view>(
    {"the",   "first", "second", "value", "part",  "of",    "and",   "then",  "compare", "with",  "known", "total",
     "check", "both",  "sides",  "so",    "it",    "must",  "be",    "less",  "than",    "after", "term",  "sum",
     "again", "since", "every",  "case",  "holds", "we",    "find",  "that",  "rest",    "is",    "even",  "count",
     "take",  "next",  "step",   "from",  "given", "bound", "ratio", "which", "leaves",  "same",  "as",    "before"});
constexpr auto kOpenings = std::to_array<std::string_view>({"First", "Now", "Next", "Then", "So", "Also", "Here"});
constexpr std::size_t kShortest = 8, kLongest = 14;  // tokens of a sentence, its full stop and line break among them

}  // namespace

std::string_view any_word(RandomStream& draw) { return kWords[draw.uniform_int(kWords.size())]; }

std::span<const std::string_view> openings() { return kOpenings; }

std::string prose(std::size_t tokens, RandomStream& draw, bool within_line) {
  std::string out;
  while (tokens > 0) {
    std::size_t line = kShortest + draw.uniform_int(std::uint64_t{kLongest - kShortest + 1});
    if (line > tokens || tokens - line < kShortest / 2) line = tokens;
    tokens -= line;
    const std::string_view opening = kOpenings[draw.uniform_int(kOpenings.size())];
    if (line > 1) out.append(within_line ? " so" : opening);
    within_line = false;
    for (std::size_t i = 3; i < line; ++i) out.append(" ").append(any_word(draw));
    if (line > 2) out += '.';
    out += '\n';
  }
  return out;
}

}  // namespace bursar::simulate
