#include "bursar/admit/auction/bid_log_file.h"

#include <array>
#include <cstring>
#include <memory>
#include <zlib.h>

namespace bursar::admit {
namespace {

constexpr int kLongestLine = 1024;

struct Close {
  void operator()(gzFile_s* file) const { gzclose(file); }
};

std::string place(const std::string& path, std::uint64_t line) { return path + ": line " + std::to_string(line); }

}  // namespace

Result<void> read_auctions(const std::string& path, const std::function<Result<void>(const Auction&)>& take) {
  const std::unique_ptr<gzFile_s, Close> file(gzopen(path.c_str(), "rb"));
  if (!file) return fail(ErrorCode::kUnavailable, path + " cannot be opened");
  gzbuffer(file.get(), 1 << 18);
  std::array<char, kLongestLine> buffer{};
  for (std::uint64_t number = 1; gzgets(file.get(), buffer.data(), kLongestLine) != nullptr; ++number) {
    std::string_view line(buffer.data());
    const bool whole = line.ends_with('\n') || gzeof(file.get()) != 0;
    if (!whole) return invalid_argument(place(path, number) + ": is longer than any `click price theta`");
    if (line.ends_with('\n')) line.remove_suffix(1);
    if (line.find_first_not_of(" \t\r") == std::string_view::npos || line.front() == '#') continue;
    const auto auction = parse_auction(line);
    if (!auction) return tl::unexpected(with_context(place(path, number), auction.error()));
    if (auto ok = take(*auction); !ok) return tl::unexpected(with_context(place(path, number), ok.error()));
  }
  int code = Z_OK;
  const char* why = gzerror(file.get(), &code);
  if (code != Z_OK && code != Z_STREAM_END) return fail(ErrorCode::kCorrupt, path + ": " + why);
  return {};
}

Result<std::vector<Auction>> read_all_auctions(const std::string& path, std::size_t most) {
  std::vector<Auction> auctions;
  auto ok = read_auctions(path, [&](const Auction& auction) -> Result<void> {
    if (auctions.size() >= most) {
      return fail(ErrorCode::kExhausted, "more than " + std::to_string(most) + " auctions to hold at once");
    }
    auctions.push_back(auction);
    return {};
  });
  if (!ok) return tl::unexpected(ok.error());
  return auctions;
}

}  // namespace bursar::admit
