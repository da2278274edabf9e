// Reading tables and words, and laying out numbers.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "bursar/allocate/format/csv_rows.h"
#include "bursar/cli/experiment/experiment_verbs.h"

namespace bursar::cli {
namespace {
constexpr std::size_t kMostBytes = std::size_t{256} << 20;
}  // namespace

Result<std::string> read_text(const std::string& path, std::istream& standard) {
  std::error_code error;
  std::ifstream file;
  if (path != "-") file.open(path, std::ios::binary);
  if (path != "-" && (!file || std::filesystem::is_directory(path, error)))
    return fail(ErrorCode::kUnavailable, path + ": cannot be read");
  std::istream& in = path == "-" ? standard : file;
  std::string text;
  for (std::string piece(1 << 16, '\0'); in;) {
    in.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    text.append(piece, 0, static_cast<std::size_t>(in.gcount()));
    if (text.size() > kMostBytes) return fail(ErrorCode::kExhausted, path + ": is longer than 256 MiB");
  }
  return text;
}

std::size_t TextTable::find(std::string_view column) const {
  return static_cast<std::size_t>(std::ranges::find(columns, column) - columns.begin());
}

Result<TextTable> read_table(const std::string& path, std::istream& standard) {
  const auto text = read_text(path, standard);
  if (!text) return tl::unexpected(text.error());
  allocate::CsvRows rows(allocate::from_text(*text));
  TextTable table;
  for (;;) {
    const auto more = rows.next();
    if (!more) return tl::unexpected(with_context(path, more.error()));
    if (!*more) break;
    if (table.columns.empty()) {
      table.columns.assign(rows.fields().begin(), rows.fields().end());
      for (const std::string& name : table.columns) {
        if (std::ranges::count(table.columns, name) > 1)
          return invalid_argument(path + ": column '" + name + "' stands twice");
      }
      continue;
    }
    if (rows.fields().size() != table.columns.size()) {
      return invalid_argument(path + ": line " + std::to_string(rows.line()) + " has " +
                              std::to_string(rows.fields().size()) + " fields and the header " +
                              std::to_string(table.columns.size()));
    }
    table.cells.insert(table.cells.end(), rows.fields().begin(), rows.fields().end());
  }
  if (table.rows() == 0) return invalid_argument(path + ": has no rows below a header");
  return table;
}

Result<double> number_of(const std::string& text, const std::string& what) {
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || at != end || !std::isfinite(number))
    return invalid_argument(what + ": '" + text + "' is no number");
  return number;
}

Result<std::pair<std::string, std::string>> split_pair(const std::string& text, const std::string& what) {
  const std::size_t at = text.rfind('=');
  if (at == std::string::npos || at == 0) return invalid_argument(what + ": '" + text + "' is not NAME=VALUE");
  return std::pair{text.substr(0, at), text.substr(at + 1)};
}

std::string padded(std::string text, std::size_t width) {
  std::size_t letters = 0;
  for (const char c : text) letters += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
  if (letters < width) text.append(width - letters, ' ');
  return text;
}

std::string short_number(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", x);
  return text;
}

}  // namespace bursar::cli
