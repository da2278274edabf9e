// Rows of comma-separated values (RFC 4180), one at a time, from a source of any length.
//
//   CsvRows rows(source);
//   for (auto more = rows.next(); more && *more; more = rows.next()) use(rows.line(), rows.fields());
//
// A field in quotes may hold commas, doubled quotes and line ends. Lines end with \n or \r\n; empty ones are skipped,
// and so is a byte order mark at the start. Memory: one buffer of `max_row` bytes. O(bytes).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "bursar/allocate/format/source.h"

namespace bursar::allocate {

class CsvRows {
 public:
  explicit CsvRows(ByteSource source, std::size_t max_row = std::size_t{1} << 20);

  // False at the end. Errors name the line: a quote that is not closed, or stands inside an unquoted field; a row of
  // more than max_row bytes or 4,096 fields; and those of the source.
  [[nodiscard]] Result<bool> next();
  // Of the row; valid until the next call of next().
  [[nodiscard]] std::span<const std::string_view> fields() const { return fields_; }
  [[nodiscard]] std::uint64_t line() const { return row_line_; }  // where the row begins, from 1
  [[nodiscard]] std::uint64_t bytes() const { return taken_; }    // read so far

 private:
  enum class Scan : std::uint8_t { kRow, kMore };
  [[nodiscard]] Result<void> fill();
  [[nodiscard]] Result<Scan> scan_quoted();
  void split_plain(const char* at, const char* end);
  [[nodiscard]] tl::unexpected<Error> wrong(std::string_view what) const;

  ByteSource source_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;  // what is not read yet
  bool ended_ = false;               // the source is
  std::uint64_t taken_ = 0, line_ = 1, row_line_ = 0;
  std::vector<std::string_view> fields_;
};

}  // namespace bursar::allocate
