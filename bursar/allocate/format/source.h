// Where the readers of this folder take their bytes from, and what they may hold: they open nothing themselves.
//
//   auto stated = read_problem_csv(from_text("item,option,value,cost\na,0,1,2\n"), {});
//   ByteSource file{.read = [&](std::span<char> to) { return read_some(fd, to); }, .size = bytes_of(fd)};
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>

#include "bursar/core/result.h"

namespace bursar::allocate {

struct ByteSource {
  // Fills the front of `to` and says how much; 0 at the end, and only there.
  std::function<Result<std::size_t>(std::span<char> to)> read;
  std::optional<std::uint64_t> size = std::nullopt;  // bytes in all, where that is known: readers then reserve once
};

// The text in pieces of at most `piece` bytes; it must outlive the source.
[[nodiscard]] ByteSource from_text(std::string_view text, std::size_t piece = SIZE_MAX);

struct ReadLimits {
  std::uint64_t max_options = std::uint64_t{1} << 32;  // rows of a table, all items together
  std::uint64_t max_bytes = std::uint64_t{1} << 30;    // of a JSON document; CSV and NPY are read in pieces
  std::size_t max_name_bytes = 4096;
  // Asked now and then with the bytes and options read so far; false ends the reading with kCancelled.
  std::function<bool(std::uint64_t bytes, std::uint64_t options)> go_on = nullptr;
};

// Fills `to` as far as the source reaches, and says how far.
[[nodiscard]] Result<std::size_t> read_full(const ByteSource& source, std::span<char> to);

}  // namespace bursar::allocate
