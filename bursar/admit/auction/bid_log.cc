#include "bursar/admit/auction/bid_log.h"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <charconv>
#include <cmath>
#include <limits>

#include "bursar/admit/auction/price_model.h"
#include "bursar/core/json.h"

namespace bursar::admit {
namespace {

constexpr std::size_t kThetas = 1024;
constexpr std::string_view kBlanks = " \t\r";

std::string_view next_field(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
  const std::string_view field = line.substr(0, line.find_first_of(kBlanks));
  line.remove_prefix(field.size());
  return field;
}

template <class T>
bool read(std::string_view field, T& value) {
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  return error == std::errc{} && end == field.data() + field.size();
}

tl::unexpected<Error> wrong(std::string_view name, std::string_view field, std::string_view must) {
  std::string text(field.substr(0, 40));
  std::ranges::replace_if(text, [](char c) { return static_cast<unsigned char>(c) < ' '; }, '?');
  return invalid_argument(std::string(name) + " is '" + text + "'; it must be " + std::string(must));
}

// The mean of each of at most kThetas equal shares of the predictions, so that their mean stays what it was.
std::vector<double> thin(std::vector<double> thetas) {
  std::ranges::sort(thetas);
  if (thetas.size() <= kThetas) return thetas;
  std::vector<double> out;
  for (std::size_t share = 0; share < kThetas; ++share) {
    const std::size_t from = share * thetas.size() / kThetas, to = (share + 1) * thetas.size() / kThetas;
    double sum = 0;
    for (std::size_t i = from; i < to; ++i) sum += thetas[i];
    out.push_back(sum / static_cast<double>(to - from));
  }
  return out;
}

}  // namespace

Result<Auction> parse_auction(std::string_view line) {
  const std::string_view click = next_field(line), price = next_field(line), theta = next_field(line);
  if (theta.empty() || !next_field(line).empty()) {
    return invalid_argument("must have three fields: click price theta");
  }
  Auction auction;
  if (click != "0" && click != "1") return wrong("click", click, "0 or 1");
  auction.click = click == "1";
  if (!read(price, auction.price) || auction.price < 0) return wrong("price", price, "a whole number of at least 0");
  if (!read(theta, auction.theta) || !(auction.theta >= 0 && auction.theta <= 1)) {
    return wrong("theta", theta, "a chance from 0 to 1");
  }
  return auction;
}

Result<CampaignFacts> CampaignFacts::of(std::span<const Auction> auctions, int highest_price) {
  if (auctions.empty()) return invalid_argument("there are no auctions to learn from");
  if (highest_price < 1 || highest_price > PriceModel::kHighestPrice) {
    return invalid_argument("highest price is " + std::to_string(highest_price) + "; it must be from 1 to " +
                            std::to_string(PriceModel::kHighestPrice));
  }
  CampaignFacts facts;
  facts.price_counts.assign(static_cast<std::size_t>(highest_price) + 1, 0);
  std::vector<double> thetas;
  thetas.reserve(auctions.size());
  for (const Auction& auction : auctions) {
    const int price = std::clamp(auction.price, 0, highest_price);
    ++facts.price_counts[static_cast<std::size_t>(price)];
    facts.cost += static_cast<std::uint64_t>(price);
    facts.clicks += auction.click ? 1 : 0;
    thetas.push_back(auction.theta);
  }
  facts.auctions = auctions.size();
  facts.thetas = thin(std::move(thetas));
  return facts;
}

Result<int> CampaignFacts::budget_of_episode(double share, int auctions_of_episode) const {
  const double budget = mean_price() * share * auctions_of_episode;
  if (share > 0 && auctions_of_episode >= 1 && budget < std::numeric_limits<int>::max()) {
    return static_cast<int>(budget);
  }
  return invalid_argument("a share of " + std::to_string(share) + " for " + std::to_string(auctions_of_episode) +
                          " auctions is no budget; the share must be above 0, and the auctions at least 1");
}

std::string campaign_json(const CampaignFacts& facts) {
  boost::json::array counts, thetas;
  for (const std::uint64_t count : facts.price_counts) counts.emplace_back(count);
  for (const double theta : facts.thetas) thetas.emplace_back(theta);
  return to_json(boost::json::object{{"price_counter_train", std::move(counts)},
                                     {"cost_train", facts.cost},
                                     {"imp_train", facts.auctions},
                                     {"clk_train", facts.clicks},
                                     {"theta_train", std::move(thetas)}});
}

Result<CampaignFacts> parse_campaign(std::string_view json) {
  constexpr std::int64_t kMost = std::int64_t{1} << 53;
  const auto document = parse_json(json, {.max_bytes = 64 << 20});
  if (!document) return tl::unexpected(document.error());
  const JsonView root(*document);
  CampaignFacts facts;
  const auto counts = root.at("price_counter_train");
  if (!counts) return tl::unexpected(counts.error());
  const auto prices = counts->array_size(std::size_t{PriceModel::kHighestPrice} + 1);
  if (!prices) return tl::unexpected(prices.error());
  for (std::size_t price = 0; price < *prices; ++price) {
    const auto count = counts->element(price).and_then([&](JsonView v) { return v.as_int(0, kMost); });
    if (!count) return tl::unexpected(count.error());
    facts.price_counts.push_back(static_cast<std::uint64_t>(*count));
  }
  if (facts.price_counts.empty()) return counts->wrong("is empty; give a count for every price 0..P");
  const std::array<std::pair<const char*, std::uint64_t*>, 3> numbers{
      {{"cost_train", &facts.cost}, {"imp_train", &facts.auctions}, {"clk_train", &facts.clicks}}};
  for (const auto& [name, number] : numbers) {
    const auto value = root.int_at(name, number == &facts.auctions ? 1 : 0, kMost);
    if (!value) return tl::unexpected(value.error());
    *number = static_cast<std::uint64_t>(*value);
  }
  if (facts.clicks > facts.auctions) return root.wrong("has more clicks (clk_train) than auctions (imp_train)");
  const auto thetas = root.find("theta_train");
  if (!thetas) return tl::unexpected(thetas.error());
  if (!thetas->has_value()) return facts;
  const auto many = (*thetas)->array_size(1 << 20);
  if (!many) return tl::unexpected(many.error());
  for (std::size_t i = 0; i < *many; ++i) {
    const auto theta = (*thetas)->element(i).and_then([](JsonView v) { return v.as_double(0, 1); });
    if (!theta) return tl::unexpected(theta.error());
    facts.thetas.push_back(*theta);
  }
  return facts;
}

}  // namespace bursar::admit
