// A number as messages of this room show it: shortest text that reads back as the same double.
#pragma once

#include <charconv>
#include <string>

namespace bursar::agree {

[[nodiscard]] inline std::string to_text(double x) {
  char text[32];
  const auto [end, error] = std::to_chars(text, text + sizeof text, x);
  return error == std::errc{} ? std::string(text, end) : std::string("?");
}

// Six digits after the point at most, for reading: "0.333333", "1.5".
[[nodiscard]] inline std::string to_short(double x) {
  char text[64];
  const auto [end, error] = std::to_chars(text, text + sizeof text, x, std::chars_format::general, 6);
  return error == std::errc{} ? std::string(text, end) : std::string("?");
}

}  // namespace bursar::agree
