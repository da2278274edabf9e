#include "bursar/admit/price_policies.h"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>

#include "bursar/admit/dual_mirror_descent.h"
#include "bursar/admit/fixed_prices.h"
#include "bursar/admit/priced_policy.h"
#include "bursar/admit/sampled_prices.h"

namespace bursar::admit {
namespace {

using boost::json::object;
using Made = Result<std::unique_ptr<PricedPolicy>>;

constexpr std::array<std::string_view, 3> kMirrors{"entropy", "euclidean", "weighted"};
constexpr std::array<std::string_view, 4> kPaces{"auto", "fixed", "receding", "doubling"};
constexpr std::array<std::string_view, 2> kGoals{"utility", "value"};

constexpr PolicyParameter kGoal{.name = "goal",
                                .about = "auctions: utility (value less what is paid) or value alone",
                                .kind = ParameterKind::kText,
                                .preset = "\"utility\"",
                                .choices = kGoals};
constexpr PolicyParameter kNextBest{.name = "next_best",
                                    .about = "where the best option does not fit, take the best that does",
                                    .kind = ParameterKind::kFlag,
                                    .preset = "false"};
constexpr PolicyParameter kMaxOpen{.name = "max_open",
                                   .about = "decisions after which one that was never observed counts at its hold",
                                   .kind = ParameterKind::kInteger,
                                   .preset = "65536",
                                   .low = 1,
                                   .high = 1 << 24};
constexpr PolicyParameter kInitialPrices{.name = "initial_prices",
                                         .about = "reward per unit of each resource to begin with",
                                         .kind = ParameterKind::kNumbers,
                                         .preset = "[]",
                                         .low = 0};

constexpr std::array kMirrorParameters{
    PolicyParameter{.name = "mirror",
                    .about = "the shape of a step: entropy multiplies prices, euclidean and weighted add to them",
                    .kind = ParameterKind::kText,
                    .preset = "\"entropy\"",
                    .choices = kMirrors},
    PolicyParameter{.name = "pace",
                    .about = "allowance per request: fixed (budget / horizon), receding (what remains / requests that "
                             "remain), doubling (epochs, horizon not known); auto takes the first that is possible",
                    .kind = ParameterKind::kText,
                    .preset = "\"auto\"",
                    .choices = kPaces},
    PolicyParameter{.name = "step",
                    .about = "step x 1/sqrt(requests), scaled; 0: 3 for entropy, otherwise 1",
                    .preset = "0",
                    .low = 0,
                    .high = 1e6},
    kInitialPrices,
    PolicyParameter{.name = "reward_scale", .about = "largest reward; 0: the largest so far", .preset = "0", .low = 0},
    PolicyParameter{.name = "cost_scale",
                    .about = "largest cost of each resource; empty: the largest so far, within 1 and 5 allowances",
                    .kind = ParameterKind::kNumbers,
                    .preset = "[]",
                    .low = std::numeric_limits<double>::min()},
    PolicyParameter{.name = "weights",
                    .about = "of the weighted mirror; empty: cost_scale / allowance",
                    .kind = ParameterKind::kNumbers,
                    .preset = "[]",
                    .low = std::numeric_limits<double>::min()},
    PolicyParameter{.name = "first_epoch",
                    .about = "requests of the first epoch of pace doubling",
                    .kind = ParameterKind::kInteger,
                    .preset = "1000",
                    .low = 1,
                    .high = 1e12},
    PolicyParameter{.name = "period_s",
                    .about = "seconds that the budget must last, for pace receding by the clock; 0: by the horizon",
                    .preset = "0",
                    .low = 0,
                    .high = 1e10},
    PolicyParameter{.name = "clip",
                    .about = "hold prices below the bound of optimal ones",
                    .kind = ParameterKind::kFlag,
                    .preset = "true"},
    kGoal,
    kNextBest,
    kMaxOpen};

constexpr std::array kSampledParameters{PolicyParameter{.name = "first",
                                                        .about = "requests before the first linear program",
                                                        .kind = ParameterKind::kInteger,
                                                        .preset = "1",
                                                        .low = 1,
                                                        .high = 1e12},
                                        PolicyParameter{.name = "every",
                                                        .about = "requests between later ones; 0: at doubled counts",
                                                        .kind = ParameterKind::kInteger,
                                                        .preset = "0",
                                                        .low = 0,
                                                        .high = 1e12},
                                        PolicyParameter{.name = "once",
                                                        .about = "the first linear program is the last",
                                                        .kind = ParameterKind::kFlag,
                                                        .preset = "false"},
                                        PolicyParameter{.name = "sample",
                                                        .about = "latest requests in a linear program",
                                                        .kind = ParameterKind::kInteger,
                                                        .preset = "1000",
                                                        .low = 1,
                                                        .high = 100'000},
                                        kInitialPrices,
                                        kGoal,
                                        kNextBest,
                                        kMaxOpen};

constexpr std::array kStaticParameters{
    PolicyParameter{
        .name = "prices", .about = "reward per unit of each resource", .kind = ParameterKind::kNumbers, .low = 0},
    kGoal, kNextBest, kMaxOpen};
constexpr std::array kGreedyParameters{kGoal, kNextBest, kMaxOpen};

double number(const object& p, std::string_view key) { return p.at(key).to_number<double>(); }
std::uint64_t count(const object& p, std::string_view key) { return p.at(key).to_number<std::uint64_t>(); }
std::string_view text(const object& p, std::string_view key) {
  const auto& s = p.at(key).get_string();
  return {s.data(), s.size()};
}
std::vector<double> numbers(const object& p, std::string_view key) {
  std::vector<double> out;
  for (const auto& v : p.at(key).get_array()) out.push_back(v.to_number<double>());
  return out;
}

Made priced(std::string_view name, const PolicySetup& setup, std::unique_ptr<PriceSource> source) {
  const object& p = setup.parameters;
  return std::make_unique<PricedPolicy>(
      PricedOptions{.name = std::string(name),
                    .setup = setup,
                    .goal = text(p, "goal") == "value" ? AuctionGoal::kValue : AuctionGoal::kUtility,
                    .next_best = p.at("next_best").get_bool(),
                    .max_open = static_cast<std::uint32_t>(count(p, "max_open"))},
      std::move(source));
}

Made make_mirror(const PolicySetup& setup) {
  const object& p = setup.parameters;
  MirrorConfig config{.step = number(p, "step"),
                      .initial_prices = numbers(p, "initial_prices"),
                      .reward_scale = number(p, "reward_scale"),
                      .cost_scale = numbers(p, "cost_scale"),
                      .weights = numbers(p, "weights"),
                      .first_epoch = count(p, "first_epoch"),
                      .period_s = number(p, "period_s"),
                      .clip = p.at("clip").get_bool()};
  const std::string_view mirror = text(p, "mirror"), pace = text(p, "pace");
  config.mirror = mirror == "entropy"    ? Mirror::kEntropy
                  : mirror == "weighted" ? Mirror::kWeighted
                                         : Mirror::kEuclidean;
  if (pace == "receding" || (pace == "auto" && config.period_s > 0)) {
    config.pace = Pace::kReceding;
  } else if (pace == "doubling" || (pace == "auto" && setup.horizon == 0)) {
    config.pace = Pace::kDoubling;
  }
  auto source = DualMirrorDescent::make({.budget = setup.budget, .horizon = setup.horizon}, std::move(config));
  if (!source) return tl::unexpected(with_context("policy dual-mirror-descent", source.error()));
  return priced("dual-mirror-descent", setup, std::move(*source));
}

Made make_sampled(const PolicySetup& setup) {
  const object& p = setup.parameters;
  auto source = SampledPrices::make(setup.budget, setup.horizon,
                                    {.first = count(p, "first"),
                                     .every = count(p, "every"),
                                     .once = p.at("once").get_bool(),
                                     .sample = count(p, "sample"),
                                     .initial_prices = numbers(p, "initial_prices")});
  if (!source) return tl::unexpected(with_context("policy lp-prices", source.error()));
  return priced("lp-prices", setup, std::move(*source));
}

Made make_static(const PolicySetup& setup) {
  auto prices = numbers(setup.parameters, "prices");
  if (prices.size() != setup.budget.size()) {
    return invalid_argument("policy static-prices: prices has " + std::to_string(prices.size()) + " numbers for " +
                            std::to_string(setup.budget.size()) + " resources");
  }
  return priced("static-prices", setup, std::make_unique<FixedPrices>(std::move(prices)));
}

Made make_greedy(const PolicySetup& setup) {
  return priced("greedy", setup, std::make_unique<FixedPrices>(std::vector<double>(setup.budget.size(), 0.0)));
}

template <Made (*make)(const PolicySetup&)>
Result<std::unique_ptr<Policy>> as_policy(const PolicySetup& setup) {
  return make(setup).map([](std::unique_ptr<PricedPolicy> p) -> std::unique_ptr<Policy> { return p; });
}

template <std::size_t index, Made (*make)(const PolicySetup&)>
Result<std::unique_ptr<Policy>> restore(const object& saved) {
  return restore_priced(saved, price_policies()[index], make);
}

}  // namespace

PolicyTable price_policies() {
  static const std::array table{PolicyEntry{.name = "dual-mirror-descent",
                                            .slug = "dual-mirror-descent",
                                            .room = "admit",
                                            .about = "prices that follow the rate of spending",
                                            .parameters = kMirrorParameters,
                                            .make = &as_policy<make_mirror>,
                                            .restore = &restore<0, make_mirror>},
                                PolicyEntry{.name = "lp-prices",
                                            .slug = "dual-mirror-descent",
                                            .room = "admit",
                                            .about = "prices of a linear program over the latest requests",
                                            .parameters = kSampledParameters,
                                            .make = &as_policy<make_sampled>,
                                            .restore = &restore<1, make_sampled>},
                                PolicyEntry{.name = "static-prices",
                                            .slug = "dual-mirror-descent",
                                            .room = "admit",
                                            .about = "prices that are given and stay",
                                            .parameters = kStaticParameters,
                                            .make = &as_policy<make_static>,
                                            .restore = &restore<2, make_static>},
                                PolicyEntry{.name = "greedy",
                                            .slug = "dual-mirror-descent",
                                            .room = "admit",
                                            .about = "the best reward that fits, whatever it costs",
                                            .parameters = kGreedyParameters,
                                            .make = &as_policy<make_greedy>,
                                            .restore = &restore<3, make_greedy>}};
  return table;
}

}  // namespace bursar::admit
