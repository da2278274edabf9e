#include "bursar/admit/auction/bid_log_form.h"

#include <algorithm>
#include <array>

#include "bursar/admit/auction/bid_log.h"
#include "bursar/admit/log/text_lines.h"

namespace bursar::admit {
namespace {

class AuctionLog final : public LogReader {
 public:
  AuctionLog(allocate::ByteSource source, std::string resource)
      : lines_(std::move(source), kLongestAuction), resources_{std::move(resource)} {}

  Result<bool> next(LoggedRequest& request) override {
    do {
      const auto more = lines_.next();
      if (!more || !*more) return more;
    } while (is_no_auction(lines_.text()));
    const auto auction = parse_auction(lines_.text());
    if (!auction) {
      return tl::unexpected(with_context("line " + std::to_string(lines_.line()), auction.error()));
    }
    reward_ = auction->theta;
    real_ = auction->click ? 1 : 0;
    request = {.line = lines_.line(),
               .rewards = {&reward_, 1},
               .actual_rewards = {&real_, 1},
               .price = static_cast<double>(auction->price)};
    return true;
  }
  std::span<const std::string> resources() const override { return resources_; }

 private:
  TextLines lines_;
  std::array<std::string, 1> resources_;
  double reward_ = 0, real_ = 0;
};

}  // namespace

bool is_no_auction(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos || line.front() == '#';
}

bool begins_auctions(std::string_view text) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    if (!is_no_auction(line)) return parse_auction(line).has_value();
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  return false;
}

Result<std::unique_ptr<LogReader>> open_auction_log(allocate::ByteSource source, const LogOptions& options) {
  if (options.resources.size() > 1) {
    return invalid_argument("a log of `click price theta` knows one resource, and " +
                            std::to_string(options.resources.size()) + " were named");
  }
  return std::make_unique<AuctionLog>(std::move(source),
                                      options.resources.empty() ? "money" : options.resources.front());
}

}  // namespace bursar::admit
