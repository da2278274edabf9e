// A number as messages and names of this room show it: the shortest text that reads back as the same double.
#pragma once

#include <charconv>
#include <string>

namespace bursar::schedule {

[[nodiscard]] inline std::string to_text(double x) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, x).ptr};
}

}  // namespace bursar::schedule
