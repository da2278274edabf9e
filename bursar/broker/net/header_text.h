// What may stand in the head of an HTTP message (RFC 9110).
//
//   if (!is_token(name) || !is_field_value(value)) return invalid_argument(…);
#pragma once

#include <algorithm>
#include <string_view>

namespace bursar::broker {

// A method or a header's name: visible ASCII without delimiters, at least one character.
[[nodiscard]] inline bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    const bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return word || (c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos);
  });
}

// No control character but the tab, so that it cannot end its line.
[[nodiscard]] inline bool is_field_value(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return (c >= 0 && c < ' ' && c != '\t') || c == 0x7F; });
}

// Equal whatever the case of ASCII letters, as names of headers are.
[[nodiscard]] inline bool same_ignoring_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace bursar::broker
