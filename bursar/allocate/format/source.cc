#include "bursar/allocate/format/source.h"

#include <algorithm>
#include <cstring>
#include <memory>

namespace bursar::allocate {

ByteSource from_text(std::string_view text, std::size_t piece) {
  auto left = std::make_shared<std::string_view>(text);
  return {.read = [left, piece](std::span<char> to) -> Result<std::size_t> {
            const std::size_t n = std::min({to.size(), left->size(), std::max<std::size_t>(piece, 1)});
            if (n != 0) std::memcpy(to.data(), left->data(), n);
            left->remove_prefix(n);
            return n;
          },
          .size = text.size()};
}

Result<std::size_t> read_full(const ByteSource& source, std::span<char> to) {
  std::size_t filled = 0;
  while (filled < to.size()) {
    auto got = source.read(to.subspan(filled));
    if (!got) return got;
    if (*got == 0) break;
    filled += *got;
  }
  return filled;
}

}  // namespace bursar::allocate
