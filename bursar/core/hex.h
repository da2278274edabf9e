// Numbers in hexadecimal, appended without a format string: ids are printed at every call.
//
//   std::string id = "r-";
//   append_hex(id, 255, 16);  // "r-00000000000000ff"
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

namespace bursar {

// Lower case, at least `digits` of them (at most 16), with zeros before.
inline void append_hex(std::string& out, std::uint64_t value, int digits = 1) {
  std::array<char, 16> text;
  int used = 0;
  do {
    text[15 - used] = "0123456789abcdef"[value & 15];
    value >>= 4;
    ++used;
  } while (value != 0);
  for (; used < std::min(digits, 16); ++used) text[15 - used] = '0';
  out.append(text.data() + 16 - used, static_cast<std::size_t>(used));
}

}  // namespace bursar
