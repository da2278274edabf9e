// The tokens of the simulated model: words, numbers and signs, by a rule that anybody can recount.
//
//   tokens_of("So 12345 is it.");     // "So", " 123", "45", " is", " it", "."
//   count_tokens("So 12345 is it.");  // 6
//
// From left to right, the longest that fits: <think> or </think>; one space or none, and then 1 to 8 letters (every
// character beyond ASCII is one, and is never split), or 1 to 3 digits, or one other sign; or a run of one white-space
// character, without the last space before something else. Joined, the tokens are the text; the tokens of a text that
// ends between two of them are the first ones of the whole text, so that cutting a reply and counting it agree. At
// least a byte a token. O(bytes).
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace bursar::simulate {

// They refer to `text`.
[[nodiscard]] std::vector<std::string_view> tokens_of(std::string_view text);
[[nodiscard]] std::size_t count_tokens(std::string_view text);

}  // namespace bursar::simulate
