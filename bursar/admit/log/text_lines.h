// Lines of text, one at a time, from a source of any length. A line ends with \n or \r\n; the last may lack its end.
//
//   TextLines lines(source, 1 << 20);
//   for (auto more = lines.next(); more && *more; more = lines.next()) use(lines.line(), lines.text());
//
// Memory: one buffer of `max_line` bytes and a piece. O(bytes).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "bursar/allocate/format/source.h"

namespace bursar::admit {

class TextLines {
 public:
  TextLines(allocate::ByteSource source, std::size_t max_line);

  // False at the end. Errors: a line of more than max_line bytes, by its number; those of the source.
  [[nodiscard]] Result<bool> next();
  [[nodiscard]] std::string_view text() const { return text_; }  // without its end; valid until next()
  [[nodiscard]] std::uint64_t line() const { return line_; }     // from 1

 private:
  allocate::ByteSource source_;
  std::size_t max_line_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;
  bool ended_ = false;
  std::string_view text_;
  std::uint64_t line_ = 0;
};

}  // namespace bursar::admit
