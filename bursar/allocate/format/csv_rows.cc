#include "bursar/allocate/format/csv_rows.h"

#include <algorithm>
#include <cstring>

namespace bursar::allocate {
namespace {

constexpr std::size_t kMostFields = 4096;
constexpr std::string_view kMark = "\xEF\xBB\xBF";

}  // namespace

CsvRows::CsvRows(ByteSource source, std::size_t max_row) : source_(std::move(source)) {
  // A short text needs no more room than itself, and the end that its last line may lack.
  const std::size_t room = std::max<std::size_t>(max_row, kMark.size() + 1);
  buffer_.resize(source_.size && *source_.size < room ? *source_.size + 2 : room + 1);
}

tl::unexpected<Error> CsvRows::wrong(std::string_view what) const {
  return invalid_argument("line " + std::to_string(row_line_) + ": " + std::string(what));
}

// At least one byte more, or ended_.
Result<void> CsvRows::fill() {
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  const std::size_t room = buffer_.size() - 1 - end_;
  if (room == 0) return wrong("the row is longer than " + std::to_string(end_) + " bytes; is a quote not closed?");
  auto got = read_full(source_, std::span(buffer_).subspan(end_, room));
  if (!got) return tl::unexpected(got.error());
  const bool first = taken_ == 0;
  end_ += *got;
  taken_ += *got;
  ended_ = *got < room;
  if (first && std::string_view(buffer_.data(), end_).starts_with(kMark)) begin_ = kMark.size();
  // The last line may lack its end; giving it one leaves a single case.
  if (ended_ && end_ > begin_ && buffer_[end_ - 1] != '\n') buffer_[end_++] = '\n';
  return {};
}

Result<bool> CsvRows::next() {
  while (true) {
    row_line_ = line_;
    fields_.clear();
    const char* from = buffer_.data() + begin_;
    const auto* line_end = static_cast<const char*>(std::memchr(from, '\n', end_ - begin_));
    bool wants_more = line_end == nullptr;
    if (!wants_more && std::memchr(from, '"', static_cast<std::size_t>(line_end - from)) == nullptr) {
      begin_ += static_cast<std::size_t>(line_end + 1 - from);
      ++line_;
      if (line_end != from && line_end[-1] == '\r') --line_end;
      if (line_end == from) continue;
      split_plain(from, line_end);
    } else if (!wants_more) {
      auto scanned = scan_quoted();
      if (!scanned) return tl::unexpected(scanned.error());
      wants_more = *scanned == Scan::kMore;
    }
    if (wants_more) {
      if (ended_) return begin_ == end_ ? Result<bool>(false) : wrong("a quote is not closed");
      if (auto filled = fill(); !filled) return tl::unexpected(filled.error());
      continue;
    }
    if (fields_.size() > kMostFields) return wrong("more than " + std::to_string(kMostFields) + " fields");
    return true;
  }
}

void CsvRows::split_plain(const char* at, const char* end) {
  while (fields_.size() <= kMostFields) {
    const auto* comma = static_cast<const char*>(std::memchr(at, ',', static_cast<std::size_t>(end - at)));
    if (comma == nullptr) break;
    fields_.emplace_back(at, static_cast<std::size_t>(comma - at));
    at = comma + 1;
  }
  fields_.emplace_back(at, static_cast<std::size_t>(end - at));
}

// Finds the row's end first, and only then joins doubled quotes in place, so that a row whose rest is still to be read
// can be looked at again.
Result<CsvRows::Scan> CsvRows::scan_quoted() {
  struct Part {
    char* from;
    char* to;
    bool doubled;
  };
  std::vector<Part> parts;
  char* at = buffer_.data() + begin_;
  char* const end = buffer_.data() + end_;
  std::uint64_t lines = 0;
  for (bool row_ends = false; !row_ends; ++at) {
    if (parts.size() > kMostFields) return wrong("more than " + std::to_string(kMostFields) + " fields");
    Part part{at, at, false};
    if (at != end && *at == '"') {
      part.from = ++at;
      while (true) {
        at = static_cast<char*>(std::memchr(at, '"', static_cast<std::size_t>(end - at)));
        if (at == nullptr || at + 1 == end) return Scan::kMore;
        if (at[1] != '"') break;
        part.doubled = true;
        at += 2;
      }
      part.to = at++;
      lines += static_cast<std::uint64_t>(std::count(part.from, part.to, '\n'));
      if (*at == '\r' && at + 1 != end && at[1] == '\n') ++at;
      if (*at != ',' && *at != '\n') return wrong("something stands behind a closing quote");
    } else {
      while (at != end && *at != ',' && *at != '\n' && *at != '"') ++at;
      if (at == end) return Scan::kMore;
      if (*at == '"') return wrong("a quote stands inside a field that does not begin with one");
      part.to = at != part.from && *at == '\n' && at[-1] == '\r' ? at - 1 : at;
    }
    row_ends = *at == '\n';
    parts.push_back(part);
  }
  for (const Part& part : parts) {
    char* to = part.to;
    if (part.doubled) {
      to = part.from;
      for (const char* c = part.from; c != part.to; ++c) {
        *to++ = *c;
        c += *c == '"' ? 1 : 0;
      }
    }
    fields_.emplace_back(part.from, static_cast<std::size_t>(to - part.from));
  }
  line_ += lines + 1;
  begin_ = static_cast<std::size_t>(at - buffer_.data());
  return Scan::kRow;
}

}  // namespace bursar::allocate
