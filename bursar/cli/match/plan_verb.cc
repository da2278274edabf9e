// `bursar match plan` and `bursar match prices`.
#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <charconv>
#include <cmath>
#include <limits>

#include "bursar/admit/matching/goal_matcher.h"
#include "bursar/admit/matching/match_bounds.h"
#include "bursar/admit/matching/matching_json.h"
#include "bursar/admit/matching/philosopher.h"
#include "bursar/admit/matching/posted_prices.h"
#include "bursar/cli/match/match_verbs.h"
#include "bursar/core/json.h"
#include "bursar/core/random.h"

namespace bursar::cli {
namespace {

using admit::BayesianMatching;
using admit::NamedGoals;
using admit::NamedMatching;
using admit::OnlineLp;
using admit::PostedPrices;

constexpr std::size_t kShown = 20;
// Column generation takes a second for so many edges, and grows fast.
constexpr std::size_t kMostLpEdges = 1200;

struct Mean {
  std::string name;
  double mean = 0, error = 0;  // its standard error
};

class Sums {
 public:
  void add(double x) { sum_ += x, squares_ += x * x, ++n_; }
  [[nodiscard]] Mean mean(std::string name) const {
    const double n = static_cast<double>(std::max<std::uint64_t>(n_, 1)), mean = sum_ / n;
    return {std::move(name), mean, std::sqrt(std::max(0.0, squares_ / n - mean * mean) / n)};
  }

 private:
  double sum_ = 0, squares_ = 0;
  std::uint64_t n_ = 0;
};

std::optional<std::size_t> draw(const admit::Period& period, double u) {
  for (std::size_t j = 0; j < period.types.size(); ++j) {
    u -= period.types[j].probability;
    if (u < 0) return j;
  }
  return std::nullopt;
}

std::optional<std::size_t> heaviest(const std::vector<double>& value, const std::vector<std::uint8_t>& free) {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (free[i] != 0 && value[i] > (best ? value[*best] : 0)) best = i;
  }
  return best;
}

// The rule, its prices (where they are a table) and greedy on the same buyers.
Result<std::vector<Mean>> simulate(const BayesianMatching& m, const OnlineLp& lp, const PostedPrices& prices,
                                   const PlanWords& words) {
  Sums posted, rule, greedy;
  for (std::uint64_t k = 0; k < words.runs; ++k) {
    RandomStream buyers = RandomStream(words.seed).split("plan").split(k);
    auto matcher = admit::Philosopher::create(m, lp, {.seed = buyers()});
    if (!matcher) return tl::unexpected(matcher.error());
    std::vector<std::uint8_t> unsold(m.items, 1), left(m.items, 1);
    double by_price = 0, by_rule = 0, by_weight = 0;
    for (std::size_t t = 0; t < m.periods.size(); ++t) {
      const auto type = draw(m.periods[t], buyers.uniform01());
      if (!type) {
        if (auto ok = matcher->no_arrival(t); !ok) return tl::unexpected(ok.error());
        continue;
      }
      const auto& value = m.periods[t].types[*type].value;
      const auto item = matcher->arrive(t, *type);
      if (!item) return tl::unexpected(item.error());
      if (*item) by_rule += value[**item];
      if (const auto i = heaviest(value, left)) by_weight += value[*i], left[*i] = 0;
      if (!prices.exact()) continue;
      const auto tags = prices.prices(t, unsold);
      if (!tags) return tl::unexpected(tags.error());
      if (const auto i = admit::best_purchase(*tags, value)) by_price += value[*i], unsold[*i] = 0;
    }
    posted.add(by_price), rule.add(by_rule), greedy.add(by_weight);
  }
  std::vector<Mean> out;
  if (prices.exact()) out.push_back(posted.mean("posted prices"));
  out.push_back(rule.mean("philosopher"));
  out.push_back(greedy.mean("greedy"));
  return out;
}

void print_means(const std::vector<Mean>& means, double bound, std::ostream& out) {
  for (const Mean& m : means) {
    out << "  " << padded(m.name, 15) << padded(number_text(m.mean), 12) << padded("+- " + number_text(m.error), 14);
    if (bound > 0) out << number_text(100 * m.mean / bound) << " % of the bound";
    out << '\n';
  }
}

boost::json::array means_json(const std::vector<Mean>& means) {
  boost::json::array out;
  for (const Mean& m : means)
    out.push_back(boost::json::object{{"rule", m.name}, {"mean", m.mean}, {"standard_error", m.error}});
  return out;
}

boost::json::array numbers(std::span<const double> x) {
  boost::json::array out;
  for (const double v : x) out.push_back(std::isfinite(v) ? boost::json::value(v) : boost::json::value(nullptr));
  return out;
}

void print_matching_json(const NamedMatching& named, const OnlineLp& lp, const std::vector<Mean>& means,
                         std::ostream& out) {
  const std::size_t items = named.items.size();
  boost::json::array periods, names;
  for (const auto& name : named.items) names.emplace_back(name);
  for (std::size_t t = 0; t < named.matching.periods.size(); ++t) {
    boost::json::array types;
    for (std::size_t j = 0; j < named.types[t].size(); ++j) {
      const std::size_t k = lp.first[t] + j;
      types.push_back(boost::json::object{{"name", named.types[t][j]},
                                          {"price", lp.arrival_price[k]},
                                          {"x", numbers(std::span(lp.x).subspan(k * items, items))}});
    }
    periods.push_back(boost::json::object{{"item_price", numbers(std::span(lp.item_price).subspan(t * items, items))},
                                          {"types", std::move(types)}});
  }
  out << to_json(boost::json::object{{"format", "bursar-match/1"},
                                     {"items", std::move(names)},
                                     {"bound", lp.objective},
                                     {"periods", std::move(periods)},
                                     {"simulated", means_json(means)}})
      << '\n';
}

Result<void> plan_matching(const NamedMatching& named, const PlanWords& words, std::ostream& out) {
  const auto& m = named.matching;
  const auto lp = solve_online_lp(m);
  if (!lp) return tl::unexpected(lp.error());
  const auto prices = PostedPrices::create(m, *lp);
  if (!prices) return tl::unexpected(prices.error());
  const auto means = simulate(m, *lp, *prices, words);
  if (!means) return tl::unexpected(means.error());
  if (words.json) {
    print_matching_json(named, *lp, *means, out);
    return {};
  }
  out << m.items << " items, " << m.periods.size() << " periods\n"
      << "bound " << number_text(lp->objective) << " (linear program): no online policy earns more\n"
      << words.runs << " simulated streams of buyers earn\n";
  print_means(*means, lp->objective, out);
  if (m.periods.empty()) return {};
  out << (prices->exact() ? "posted" : "dual") << " prices before the first buyer\n";
  std::vector<double> tags(lp->item_price.begin(), lp->item_price.begin() + static_cast<std::ptrdiff_t>(m.items));
  if (prices->exact()) {
    auto posted = prices->prices(0, std::vector<std::uint8_t>(m.items, 1));
    if (!posted) return tl::unexpected(posted.error());
    tags = std::move(*posted);
  }
  for (std::size_t i = 0; i < std::min(m.items, kShown); ++i)
    out << "  " << padded(named.items[i], 15) << number_text(tags[i]) << '\n';
  if (m.items > kShown) out << "  and " << m.items - kShown << " more; --json prints all\n";
  return {};
}

Result<std::vector<Mean>> simulate_goals(const admit::MatchInstance& instance, const PlanWords& words) {
  std::vector<Mean> out;
  for (const auto rule : {admit::GoalRule::kBalance, admit::GoalRule::kRanking, admit::GoalRule::kRandom,
                          admit::GoalRule::kGreedy, admit::GoalRule::kFirst}) {
    Sums sums;
    for (std::uint64_t k = 0; k < words.runs; ++k) {
      RandomStream coins = RandomStream(words.seed).split("plan").split(k);
      auto matcher = admit::goal_matcher(rule, instance.weight, coins());
      if (!matcher) return tl::unexpected(matcher.error());
      for (const auto& slot : instance.slots) {
        const double u = coins.uniform01();
        const auto attempt = matcher->offer(slot);
        if (!attempt) return tl::unexpected(attempt.error());
        if (!*attempt) continue;
        auto ok = matcher->report((*attempt)->id, u < (*attempt)->probability);
        if (!ok) return tl::unexpected(ok.error());
      }
      sums.add(matcher->succeeded_weight());
    }
    out.push_back(sums.mean(std::string(name_of(rule))));
  }
  return out;
}

Result<void> plan_goals(const NamedGoals& named, const PlanWords& words, std::ostream& out) {
  const auto& instance = named.instance;
  std::size_t edges = 0;
  for (const auto& slot : instance.slots) edges += slot.size();
  const bool tight = edges <= kMostLpEdges;
  const auto bound = tight ? stochastic_configuration_lp(instance) : matching_lp(instance);
  if (!bound) return tl::unexpected(bound.error());
  const auto means = simulate_goals(instance, words);
  if (!means) return tl::unexpected(means.error());
  const std::string which = tight ? "stochastic configuration LP" : "matching LP";
  if (words.json) {
    boost::json::array goals;
    for (const auto& name : named.goals) goals.emplace_back(name);
    out << to_json(boost::json::object{{"format", "bursar-match/1"},
                                       {"goals", std::move(goals)},
                                       {"bound", bound->bound},
                                       {"bound_from", which},
                                       {"goal_price", numbers(bound->goal_price)},
                                       {"slot_price", numbers(bound->slot_price)},
                                       {"simulated", means_json(*means)}})
        << '\n';
    return {};
  }
  out << named.goals.size() << " goals, " << instance.slots.size() << " slots\n"
      << "bound " << number_text(bound->bound) << " (" << which << "): no policy that sees no coins earns more\n"
      << words.runs << " simulated streams earn\n";
  print_means(*means, bound->bound, out);
  return {};
}

Result<std::size_t> item_named(const NamedMatching& named, const std::string& flag, const std::string& name) {
  const auto found = std::ranges::find(named.items, name);
  if (found == named.items.end()) return invalid_argument(flag + ": there is no item '" + name + "'");
  return static_cast<std::size_t>(found - named.items.begin());
}

Result<std::vector<double>> buyer_values(const NamedMatching& named, const PricesWords& words) {
  std::vector<double> out(named.items.size(), 0.0);
  for (const std::string& word : words.values) {
    const std::size_t equals = word.rfind('=');
    const auto item = item_named(named, "--value", word.substr(0, equals));
    if (!item) return tl::unexpected(item.error());
    double x = -1;
    const char* const end = word.data() + word.size();
    if (equals == std::string::npos || std::from_chars(word.data() + equals + 1, end, x).ptr != end || !(x >= 0) ||
        !std::isfinite(x))
      return invalid_argument("--value is '" + word + "'; it must be NAME=NUMBER, the number from 0");
    out[*item] = x;
  }
  return out;
}

Result<std::vector<double>> prices_for(const NamedMatching& named, const PricesWords& words,
                                       const std::vector<std::uint8_t>& unsold) {
  const std::size_t items = named.items.size(), periods = named.matching.periods.size();
  if (words.period >= periods) {
    return invalid_argument("--period is " + std::to_string(words.period) + "; there are " + std::to_string(periods) +
                            ", counted from 0");
  }
  const auto lp = solve_online_lp(named.matching);
  if (!lp) return tl::unexpected(lp.error());
  if (words.lp) {
    std::vector<double> tags(items, std::numeric_limits<double>::infinity());
    for (std::size_t i = 0; i < items; ++i) {
      if (unsold[i] != 0) tags[i] = lp->item_price[words.period * items + i];
    }
    return tags;
  }
  return PostedPrices::create(named.matching, *lp, {.futures = words.futures, .seed = words.seed})
      .and_then([&](const PostedPrices& posted) { return posted.prices(words.period, unsold); });
}

}  // namespace

Result<void> match_plan(const PlanWords& words, MatchStreams streams) {
  const auto document = read_document(words.path, streams.in);
  if (!document) return tl::unexpected(document.error());
  const auto read = admit::read_match_document(*document);
  if (!read) return tl::unexpected(with_context(words.path, read.error()));
  const auto* matching = std::get_if<NamedMatching>(&*read);
  return matching != nullptr ? plan_matching(*matching, words, streams.out)
                             : plan_goals(std::get<NamedGoals>(*read), words, streams.out);
}

Result<void> match_prices(const PricesWords& words, MatchStreams streams) {
  const auto document = read_document(words.path, streams.in);
  if (!document) return tl::unexpected(document.error());
  const auto named = admit::read_matching(*document);
  if (!named) return tl::unexpected(with_context(words.path, named.error()));
  const std::size_t items = named->items.size();
  std::vector<std::uint8_t> unsold(items, 1);
  for (const std::string& name : words.sold) {
    const auto item = item_named(*named, "--sold", name);
    if (!item) return tl::unexpected(item.error());
    unsold[*item] = 0;
  }
  const auto values = buyer_values(*named, words);
  if (!values) return tl::unexpected(values.error());
  const auto tags = prices_for(*named, words, unsold);
  if (!tags) return tl::unexpected(tags.error());
  const auto bought = admit::best_purchase(*tags, *values);
  if (words.json) {
    boost::json::object prices;
    for (std::size_t i = 0; i < items; ++i)
      prices[named->items[i]] = unsold[i] != 0 ? boost::json::value((*tags)[i]) : boost::json::value(nullptr);
    boost::json::object out{{"format", "bursar-match/1"}, {"period", words.period}, {"prices", std::move(prices)}};
    if (!words.values.empty()) out["buys"] = bought ? boost::json::value(named->items[*bought]) : boost::json::value();
    streams.out << to_json(out) << '\n';
    return {};
  }
  for (std::size_t i = 0; i < items; ++i)
    streams.out << padded(named->items[i], 16) << (unsold[i] != 0 ? number_text((*tags)[i]) : "sold") << '\n';
  if (!words.values.empty()) streams.out << "buys " << (bought ? named->items[*bought] : "nothing") << '\n';
  return {};
}

}  // namespace bursar::cli
