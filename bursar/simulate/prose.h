// Reasoning that says nothing: sentences of drawn words, a sentence a line, of a given number of tokens (tokens.h).
//
//   prose(12, draw);   // "Next compare the second part with both known terms\n"
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "bursar/core/random.h"

namespace bursar::simulate {

// Ends in a line break unless it has no token.
[[nodiscard]] std::string prose(std::size_t tokens, RandomStream& draw);
[[nodiscard]] std::string_view any_word(RandomStream& draw);

}  // namespace bursar::simulate
