// Reasoning that says nothing: sentences of drawn words, a sentence a line, of a given number of tokens (tokens.h).
//
//   prose(12, draw);   // "Next compare the second part with both known terms\n"
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "bursar/core/random.h"

namespace bursar::simulate {

// Ends in a line break unless it has no token. within_line: its first sentence was begun by somebody else.
[[nodiscard]] std::string prose(std::size_t tokens, RandomStream& draw, bool within_line = false);
[[nodiscard]] std::span<const std::string_view> openings();  // the words that sentences begin with, equally likely
[[nodiscard]] std::string_view any_word(RandomStream& draw);

}  // namespace bursar::simulate
