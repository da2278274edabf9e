// The entries of the table of names: how each rule is made of its parameters.
#include <array>
#include <boost/json/array.hpp>
#include <cmath>

#include "bursar/admit/auction/auction_policy.h"
#include "bursar/admit/auction/bid_table.h"
#include "bursar/admit/auction/bidder.h"
#include "bursar/admit/auction/value_prices.h"
#include "bursar/admit/priced_policy.h"
#include "bursar/core/saved_setup.h"

namespace bursar::admit {
namespace {

using boost::json::object;

constexpr std::array<std::string_view, 4> kScales{"exact", "map_a", "map_d", "seg"};

constexpr PolicyParameter kEpisode{.name = "episode",
                                   .about = "auctions of an episode; 0: the whole horizon is one",
                                   .kind = ParameterKind::kInteger,
                                   .preset = "0",
                                   .low = 0,
                                   .high = 1 << 30};
constexpr PolicyParameter kEpisodeBudget{.name = "episode_budget",
                                         .about = "budget of an episode; 0: its share of the budget by auctions",
                                         .kind = ParameterKind::kInteger,
                                         .preset = "0",
                                         .low = 0,
                                         .high = 1 << 30};
constexpr PolicyParameter kPriceCounts{.name = "price_counts",
                                       .about = "how often each market price 0, 1, ... P was seen in training",
                                       .kind = ParameterKind::kNumbers,
                                       .preset = "",
                                       .low = 0,
                                       .high = 1e15};
constexpr PolicyParameter kLaplace{
    .name = "laplace", .about = "added to every count", .preset = "1", .low = 0, .high = 1e9};
constexpr PolicyParameter kThetaAvg{
    .name = "theta_avg", .about = "share of auctions that were clicked in training", .preset = "", .low = 0, .high = 1};
constexpr PolicyParameter kV1{.name = "v1", .about = "value of a click", .preset = "1", .low = 1e-300, .high = 1e300};
constexpr PolicyParameter kV0{
    .name = "v0", .about = "weight of money: 1 for profit", .preset = "0", .low = 0, .high = 1e300};
constexpr PolicyParameter kGamma{
    .name = "gamma", .about = "discount of each later auction", .preset = "1", .low = 1e-9, .high = 1};
constexpr PolicyParameter kScale{.name = "scale",
                                 .about = "how a table plays episodes longer or richer than itself",
                                 .kind = ParameterKind::kText,
                                 .preset = "\"exact\"",
                                 .choices = kScales};
constexpr PolicyParameter kTableAuctions{.name = "table_auctions",
                                         .about = "horizon of the table; 0: the episode's",
                                         .kind = ParameterKind::kInteger,
                                         .preset = "0",
                                         .low = 0,
                                         .high = 1 << 20};
constexpr PolicyParameter kTableBudget{.name = "table_budget",
                                       .about = "budget of the table; 0: the episode's",
                                       .kind = ParameterKind::kInteger,
                                       .preset = "0",
                                       .low = 0,
                                       .high = 1 << 30};
constexpr PolicyParameter kThetas{.name = "thetas",
                                  .about =
                                      "predictions of training: values later auctions by all of them, not by "
                                      "theta_avg alone; empty: the published method",
                                  .kind = ParameterKind::kNumbers,
                                  .preset = "[]",
                                  .low = 0,
                                  .high = 1};
constexpr PolicyParameter kHighestPrice{.name = "highest_price",
                                        .about = "no bid is above it",
                                        .kind = ParameterKind::kInteger,
                                        .preset = "300",
                                        .low = 1,
                                        .high = 1 << 20};

constexpr std::array kTableParameters{kPriceCounts, kThetaAvg,      kThetas,      kEpisode, kEpisodeBudget,
                                      kScale,       kTableAuctions, kTableBudget, kLaplace, kV1,
                                      kV0,          kGamma};
constexpr std::array kMeanParameters{
    kPriceCounts, kThetaAvg, kEpisode, kEpisodeBudget, kScale, kTableAuctions, kTableBudget,
    kLaplace,     kV1,       kV0,      kGamma};
constexpr std::array kLinearParameters{
    PolicyParameter{.name = "b0", .about = "bid on an average prediction", .preset = "", .low = 0, .high = 1e12},
    kThetaAvg, kEpisode, kEpisodeBudget, kHighestPrice};
constexpr std::array kMcpcParameters{PolicyParameter{.name = "cost_per_click",
                                                     .about = "money spent for each click of training",
                                                     .preset = "",
                                                     .low = 0,
                                                     .high = 1e15},
                                     kEpisode, kEpisodeBudget, kHighestPrice};
constexpr std::array kPacedParameters{
    PolicyParameter{.name = "price",
                    .about = "first price of money, clicks a unit; 0: theta_avg / allowance of an auction",
                    .preset = "0",
                    .low = 0,
                    .high = 1e12},
    PolicyParameter{
        .name = "eta", .about = "step of the price at each auction", .preset = "0.007", .low = 1e-9, .high = 1},
    kThetaAvg,
    kEpisode,
    kEpisodeBudget,
    kHighestPrice};

double number(const object& p, std::string_view key) { return p.at(key).to_number<double>(); }
int integer(const object& p, std::string_view key) { return p.at(key).to_number<int>(); }
std::vector<double> numbers(const object& p, std::string_view key) {
  std::vector<double> out;
  for (const auto& v : p.at(key).get_array()) out.push_back(v.to_number<double>());
  return out;
}

Result<PriceModel> prices_of(const object& p) {
  std::vector<std::uint64_t> counts;
  for (const double count : numbers(p, "price_counts")) {
    if (count != std::floor(count)) return invalid_argument("price_counts must be whole numbers");
    counts.push_back(static_cast<std::uint64_t>(count));
  }
  return PriceModel::from_histogram(counts, number(p, "laplace"));
}

Result<ThetaModel> theta_of(const object& p) {
  if (p.contains("thetas") && !p.at("thetas").get_array().empty())
    return ThetaModel::distribution(numbers(p, "thetas"));
  return ThetaModel::average(number(p, "theta_avg"));
}

Result<std::unique_ptr<Bidder>> bidder_of(const PolicySetup& setup) {
  const object& p = setup.parameters;
  const auto episode = episode_of(setup);
  if (!episode) return tl::unexpected(episode.error());
  const auto prices = prices_of(p);
  if (!prices) return tl::unexpected(prices.error());
  const auto theta = theta_of(p);
  if (!theta) return tl::unexpected(theta.error());
  const auto& scale_text = p.at("scale").get_string();
  const auto scale = scale_named({scale_text.data(), scale_text.size()});
  if (!scale) return tl::unexpected(scale.error());
  const int auctions = integer(p, "table_auctions"), budget = integer(p, "table_budget");
  auto table = BidTable::solve(*prices, *theta,
                               {.horizon = auctions == 0 ? episode->auctions : auctions,
                                .budget = budget == 0 ? episode->budget : budget,
                                .objective = {number(p, "v1"), number(p, "v0"), number(p, "gamma")}});
  if (!table) return tl::unexpected(table.error());
  return std::make_unique<Bidder>(std::make_shared<const BidTable>(*std::move(table)), *scale);
}

Result<std::unique_ptr<BidRule>> make_rlb(const PolicySetup& setup) {
  return bidder_of(setup).map([](std::unique_ptr<Bidder> b) -> std::unique_ptr<BidRule> { return b; });
}

Result<std::unique_ptr<BidRule>> make_ssmdp(const PolicySetup& setup) {
  return bidder_of(setup).map([&](std::unique_ptr<Bidder> b) -> std::unique_ptr<BidRule> {
    return std::make_unique<MeanRule>(std::move(b), number(setup.parameters, "theta_avg"));
  });
}

Result<std::unique_ptr<BidRule>> make_lin(const PolicySetup& setup) {
  const object& p = setup.parameters;
  const double theta_avg = number(p, "theta_avg");
  if (theta_avg <= 0) return invalid_argument("theta_avg is 0; LIN bids in proportion to theta / theta_avg");
  return std::make_unique<LinearRule>(number(p, "b0") / theta_avg, integer(p, "highest_price"));
}

Result<std::unique_ptr<BidRule>> make_mcpc(const PolicySetup& setup) {
  const object& p = setup.parameters;
  return std::make_unique<LinearRule>(number(p, "cost_per_click"), integer(p, "highest_price"));
}

Result<std::unique_ptr<BidRule>> make_dmd(const PolicySetup& setup) {
  const object& p = setup.parameters;
  const auto episode = episode_of(setup);
  if (!episode) return tl::unexpected(episode.error());
  double price = number(p, "price");
  if (price == 0 && episode->budget > 0) price = number(p, "theta_avg") * episode->auctions / episode->budget;
  if (price <= 0) return invalid_argument("price is 0; give one, or a theta_avg above 0 and a budget of at least 1");
  return std::make_unique<PacedRule>(price, number(p, "eta"), integer(p, "highest_price"));
}

using MakeRule = Result<std::unique_ptr<BidRule>> (*)(const PolicySetup&);
using MadePolicy = Result<std::unique_ptr<Policy>>;

template <std::size_t index, MakeRule make>
Result<std::unique_ptr<AuctionPolicy>> make_auction(const PolicySetup& setup) {
  const std::string name(auction_policies()[index].name);
  auto rule = make(setup);
  if (!rule) return tl::unexpected(with_context("policy " + name, rule.error()));
  return AuctionPolicy::make(name, setup, *std::move(rule));
}

template <std::size_t index, MakeRule make>
MadePolicy as_policy(const PolicySetup& setup) {
  return make_auction<index, make>(setup).map(
      [](std::unique_ptr<AuctionPolicy> p) -> std::unique_ptr<Policy> { return p; });
}

template <std::size_t index, MakeRule make>
MadePolicy restore(const object& saved) {
  auto setup = saved_setup(saved, auction_policies()[index]);
  if (!setup) return tl::unexpected(setup.error());
  auto policy = make_auction<index, make>(*setup);
  if (!policy) {
    Error error = with_context("saved state", policy.error());
    error.code = ErrorCode::kCorrupt;
    return tl::unexpected(error);
  }
  if (auto ok = (*policy)->load(saved); !ok) return tl::unexpected(ok.error());
  return std::move(*policy);
}

Result<std::unique_ptr<PricedPolicy>> make_value_table(const PolicySetup& setup) {
  auto bidder = bidder_of(setup);
  if (!bidder) return tl::unexpected(with_context("policy value-table", bidder.error()));
  auto source = ValuePrices::make(*std::move(bidder), *episode_of(setup));
  if (!source) return tl::unexpected(with_context("policy value-table", source.error()));
  return std::make_unique<PricedPolicy>(
      PricedOptions{.name = "value-table", .setup = setup, .goal = AuctionGoal::kValue}, *std::move(source));
}

MadePolicy make_value_policy(const PolicySetup& setup) {
  return make_value_table(setup).map([](std::unique_ptr<PricedPolicy> p) -> std::unique_ptr<Policy> { return p; });
}

MadePolicy restore_value_policy(const object& saved) {
  return restore_priced(saved, auction_policies()[5], &make_value_table);
}

constexpr PolicyEntry entry(std::string_view name, std::string_view about,
                            std::span<const PolicyParameter> parameters) {
  return {.name = name, .slug = "rtb-rl", .room = "admit", .about = about, .parameters = parameters};
}

template <std::size_t index, MakeRule make>
PolicyEntry with(PolicyEntry entry) {
  entry.make = &as_policy<index, make>;
  entry.restore = &restore<index, make>;
  return entry;
}

PolicyEntry value_entry() {
  PolicyEntry value =
      entry("value-table", "options at the marginal value of money of a table of auctions", kTableParameters);
  value.make = &make_value_policy;
  value.restore = &restore_value_policy;
  return value;
}

}  // namespace

PolicyTable auction_policies() {
  static const std::array table{
      with<0, make_rlb>(entry("rlb", "bids in auctions by the value of money later, from a table", kTableParameters)),
      with<1, make_ssmdp>(entry("ssmdp", "the same table, bidding the same on every prediction", kMeanParameters)),
      with<2, make_lin>(entry("lin", "bids in auctions in proportion to the prediction", kLinearParameters)),
      with<3, make_mcpc>(entry("mcpc", "bids what a click has cost before, times its chance", kMcpcParameters)),
      with<4, make_dmd>(entry("dmd", "bids in auctions at a price of money that follows spending", kPacedParameters)),
      value_entry()};
  return table;
}

Result<std::unique_ptr<BidRule>> make_bid_rule(std::string_view name, const PolicySetup& setup) {
  constexpr std::array<std::pair<std::string_view, MakeRule>, 5> kRules{
      {{"rlb", make_rlb}, {"ssmdp", make_ssmdp}, {"lin", make_lin}, {"mcpc", make_mcpc}, {"dmd", make_dmd}}};
  for (const auto& [rule, make] : kRules) {
    if (rule == name) return make(setup);
  }
  return fail(ErrorCode::kNotFound,
              "no rule '" + std::string(name) + "' for auctions; there are rlb, ssmdp, lin, mcpc, dmd");
}

object campaign_parameters(const CampaignFacts& facts) {
  boost::json::array counts, thetas;
  for (const std::uint64_t count : facts.price_counts) counts.emplace_back(count);
  for (const double theta : facts.thetas) thetas.emplace_back(theta);
  object parameters{
      {"price_counts", std::move(counts)}, {"theta_avg", facts.click_rate()}, {"thetas", std::move(thetas)}};
  if (facts.clicks > 0) {
    parameters["cost_per_click"] = static_cast<double>(facts.cost) / static_cast<double>(facts.clicks);
  }
  return parameters;
}

}  // namespace bursar::admit
