#include "bursar/admit/auction/bid_log_file.h"

#include <fstream>
#include <memory>

#include "bursar/admit/auction/bid_log_form.h"
#include "bursar/admit/log/text_lines.h"

namespace bursar::admit {
namespace {

std::string place(const std::string& path, std::uint64_t line) { return path + ": line " + std::to_string(line); }

Result<allocate::ByteSource> open_file(const std::string& path) {
  auto file = std::make_shared<std::ifstream>(path, std::ios::binary);
  if (!*file) return fail(ErrorCode::kUnavailable, "cannot be opened");
  return allocate::ByteSource{.read = [file](std::span<char> to) -> Result<std::size_t> {
    file->read(to.data(), static_cast<std::streamsize>(to.size()));
    if (file->bad()) return fail(ErrorCode::kUnavailable, "cannot be read to its end");
    return static_cast<std::size_t>(file->gcount());
  }};
}

}  // namespace

Result<void> read_auctions(const std::string& path, const std::function<Result<void>(const Auction&)>& take) {
  const auto named = [&](Error error) { return tl::unexpected(with_context(path, std::move(error))); };
  auto source = open_file(path).and_then(&inflated);
  if (!source) return named(source.error());
  TextLines lines(*std::move(source), kLongestAuction);
  while (true) {
    const auto more = lines.next();
    if (!more) return named(more.error());
    if (!*more) return {};
    if (is_no_auction(lines.text())) continue;
    const auto auction = parse_auction(lines.text());
    if (!auction) return tl::unexpected(with_context(place(path, lines.line()), auction.error()));
    if (auto ok = take(*auction); !ok) return tl::unexpected(with_context(place(path, lines.line()), ok.error()));
  }
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
