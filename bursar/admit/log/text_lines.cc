#include "bursar/admit/log/text_lines.h"

#include <algorithm>
#include <cstring>

namespace bursar::admit {
namespace {

constexpr std::size_t kPiece = std::size_t{1} << 18;

}  // namespace

TextLines::TextLines(allocate::ByteSource source, std::size_t max_line)
    : source_(std::move(source)), max_line_(max_line), buffer_(std::min(max_line, kPiece) + 1) {}

Result<bool> TextLines::next() {
  std::size_t looked = 0;
  while (true) {
    char* const from = buffer_.data() + begin_;
    auto* end = static_cast<char*>(std::memchr(from + looked, '\n', end_ - begin_ - looked));
    const std::size_t length = end != nullptr ? static_cast<std::size_t>(end - from) : end_ - begin_;
    if (length > max_line_) {
      return invalid_argument("line " + std::to_string(line_ + 1) + ": is longer than " + std::to_string(max_line_) +
                              " bytes");
    }
    if (end != nullptr || (ended_ && length > 0)) {
      text_ = {from, length};
      if (text_.ends_with('\r')) text_.remove_suffix(1);
      begin_ += length + (end != nullptr ? 1 : 0);
      ++line_;
      return true;
    }
    if (ended_) return false;
    looked = length;
    std::memmove(buffer_.data(), from, length);
    begin_ = 0;
    end_ = length;
    if (end_ == buffer_.size()) buffer_.resize(2 * buffer_.size());
    auto got = source_.read(std::span(buffer_).subspan(end_));
    if (!got) return tl::unexpected(got.error());
    ended_ = *got == 0;
    end_ += *got;
  }
}

}  // namespace bursar::admit
