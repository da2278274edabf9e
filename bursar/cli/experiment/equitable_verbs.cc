// `bursar experiment plan` and `bursar experiment sample`: samples for groups, by learning curves.
#include <algorithm>
#include <boost/json/array.hpp>
#include <cmath>
#include <map>
#include <numeric>

#include "bursar/cli/experiment/experiment_verbs.h"
#include "bursar/core/json.h"
#include "bursar/explore/equitable/adaptive_sampler.h"
#include "bursar/explore/equitable/trainer.h"

namespace bursar::cli {
namespace {

namespace json = boost::json;
using explore::AdaptiveSampler;
using explore::EquityObjective;
using explore::FixedPlan;
using explore::GroupSpec;
using explore::LearningCurve;
using Counts = std::vector<std::int64_t>;

struct StatedGroups {
  std::vector<GroupSpec> groups;
  std::vector<LearningCurve> curves;
};

Result<StatedGroups> read_groups(const std::string& path, std::istream& in) {
  const auto table = read_table(path, in);
  if (!table) return tl::unexpected(table.error());
  for (const char* column : {"group", "cost", "weight", "a", "b", "gamma"}) {
    if (table->find(column) == table->columns.size())
      return invalid_argument(path + ": has no column `" + column +
                              "`; needs group, cost, weight, a, b, gamma, and may " + "have population, min, max");
  }
  StatedGroups out;
  for (std::size_t row = 0; row < table->rows(); ++row) {
    const std::string name = table->at(row, table->find("group"));
    std::optional<Error> wrong;
    const auto number = [&](const char* column, double preset) {
      const std::size_t at = table->find(column);
      if (at == table->columns.size()) return preset;
      const auto x = number_of(table->at(row, at), path + ": group '" + name + "', " + column);
      if (!x && !wrong) wrong = x.error();
      return x.value_or(preset);
    };
    const double most = 1e12;
    GroupSpec group{.name = name, .cost = number("cost", 1), .weight = number("weight", 1)};
    group.population = number("population", 0);
    group.min_n = static_cast<std::int64_t>(std::clamp(number("min", 1), -1.0, most));
    group.max_n = static_cast<std::int64_t>(std::clamp(number("max", most), -1.0, most));
    out.groups.push_back(group);
    out.curves.push_back({number("a", 0), number("b", 0), number("gamma", 1)});
    if (wrong) return tl::unexpected(*wrong);
  }
  return out;
}

std::size_t width_of(const std::vector<GroupSpec>& groups) {
  std::size_t width = 5;
  for (const GroupSpec& g : groups) width = std::max(width, std::min<std::size_t>(g.name.size(), 30));
  return width;
}

std::string list_of(const Counts& counts) {
  std::string text;
  for (const std::int64_t n : counts) text += (text.empty() ? "" : ", ") + std::to_string(n);
  return text;
}

void print_plan(const StatedGroups& stated, const explore::StaticPlan& plan, const explore::PlanExplanation& why,
                double budget, const EquityObjective& objective, std::ostream& out) {
  const std::size_t width = width_of(stated.groups);
  out << padded("group", width) << "  samples     error     next unit of budget lowers it by\n";
  for (std::size_t g = 0; g < stated.groups.size(); ++g) {
    out << padded(stated.groups[g].name, width) << "  " << padded(std::to_string(plan.counts[g]), 10) << "  "
        << padded(short_number(plan.errors[g]), 8) << "  " << short_number(why.next_dollar[g]) << '\n';
  }
  out << "\nspent " << short_number(plan.spent) << " of " << short_number(budget) << "; L " << short_number(plan.loss)
      << ", no plan is below " << short_number(plan.bound) << "; worst error " << short_number(why.worst_error)
      << "\nprice of equity: the average error is " << short_number(why.average_error) << ", and could be "
      << short_number(why.least_average_error) << " if only the average counted\n";
  constexpr std::array kFixed{std::pair{FixedPlan::kEqualCounts, "equal counts"},
                              std::pair{FixedPlan::kEqualSpend, "equal spend"},
                              std::pair{FixedPlan::kProportional, "proportional to population"}};
  for (const auto& [kind, name] : kFixed) {
    const auto counts = explore::plan_fixed(kind, stated.groups, budget);
    if (!counts) continue;  // populations may not be stated
    out << padded(name, 28) << "L " << short_number(equity_loss(stated.groups, stated.curves, objective, *counts))
        << "  (" << list_of(*counts) << ")\n";
  }
  out << "\nhow the plan moves with its values\n";
  for (const explore::PlanVariant& v : why.variants) out << padded(v.name, 28) << list_of(v.counts) << '\n';
}

json::object plan_json(const StatedGroups& stated, const explore::StaticPlan& plan,
                       const explore::PlanExplanation& why) {
  json::array groups;
  for (std::size_t g = 0; g < stated.groups.size(); ++g) {
    groups.push_back({{"group", stated.groups[g].name},
                      {"samples", plan.counts[g]},
                      {"error", plan.errors[g]},
                      {"marginal", plan.marginals[g]},
                      {"next_unit", why.next_dollar[g]}});
  }
  json::array variants;
  for (const explore::PlanVariant& v : why.variants)
    variants.push_back({{"name", v.name}, {"samples", json::array(v.counts.begin(), v.counts.end())}});
  return {{"groups", std::move(groups)},
          {"spent", plan.spent},
          {"loss", plan.loss},
          {"bound", plan.bound},
          {"price", plan.price},
          {"worst_error", why.worst_error},
          {"price_of_equity", why.price_of_equity},
          {"variants", std::move(variants)}};
}

// ---- Buying from a file -----------------------------------------------------------------------------------------

struct GroupRows {
  std::vector<std::uint32_t> pool, validation, test;  // the pool in the order of buying
};

struct People {
  std::vector<double> x, y;
  std::vector<std::string> names;  // of groups, as they come
  std::vector<GroupRows> rows;
  std::size_t columns = 0;
  [[nodiscard]] explore::TrainingData data() const { return {x, y, columns}; }
};

Result<People> read_people(const SampleGroupsWords& words, std::istream& in) {
  const auto table = read_table(words.file, in);
  if (!table) return tl::unexpected(table.error());
  const std::size_t group = table->find("group"), target = table->find("target");
  if (group == table->columns.size() || target == table->columns.size() || table->columns.size() < 3)
    return invalid_argument(words.file + ": needs the columns group, target, and one a feature");
  People out{.columns = table->columns.size() - 2};
  std::map<std::string, std::size_t> known;
  std::vector<std::vector<std::uint32_t>> of;
  for (std::size_t row = 0; row < table->rows(); ++row) {
    const auto [at, fresh] = known.try_emplace(table->at(row, group), known.size());
    if (fresh) out.names.push_back(at->first), of.emplace_back();
    of[at->second].push_back(static_cast<std::uint32_t>(row));
    for (std::size_t c = 0; c < table->columns.size(); ++c) {
      if (c == group) continue;
      const auto x =
          number_of(table->at(row, c), words.file + ": row " + std::to_string(row + 1) + ", " + table->columns[c]);
      if (!x) return tl::unexpected(x.error());
      (c == target ? out.y : out.x).push_back(*x);
    }
  }
  RandomStream random = RandomStream(words.seed).split("experiment").split("rows");
  for (std::size_t g = 0; g < of.size(); ++g) {
    random.shuffle(std::span(of[g]));
    const auto size = static_cast<double>(of[g].size());
    const auto validation = static_cast<std::size_t>(words.validation * size),
               test = static_cast<std::size_t>(words.test * size);
    if (validation < 3 || test < 3 || validation + test + 3 > of[g].size()) {
      return invalid_argument(words.file + ": group '" + out.names[g] + "' has " + std::to_string(of[g].size()) +
                              " rows; validation and test need at least 3 each, and something must be left to buy");
    }
    const auto begin = of[g].begin(), middle = begin + static_cast<std::ptrdiff_t>(validation),
               end = middle + static_cast<std::ptrdiff_t>(test);
    out.rows.push_back({.pool = {end, of[g].end()}, .validation = {begin, middle}, .test = {middle, end}});
  }
  return out;
}

Result<void> set_numbers(const std::vector<std::string>& given, const char* what, std::vector<GroupSpec>& groups,
                         double GroupSpec::* field) {
  for (const std::string& text : given) {
    const auto pair = split_pair(text, what);
    if (!pair) return tl::unexpected(pair.error());
    const auto x = number_of(pair->second, what);
    if (!x) return tl::unexpected(x.error());
    const auto group = std::ranges::find(groups, pair->first, &GroupSpec::name);
    if (group == groups.end()) return invalid_argument(std::string(what) + ": there is no group '" + pair->first + "'");
    (*group).*field = *x;
  }
  return {};
}

class Trainer {
 public:
  Trainer(const People& people, const SampleGroupsWords& words) : people_(people), words_(words) {}

  // Trains on n of the first `have` of the group's pool.
  Result<explore::MeasuredError> train(std::size_t group, std::int64_t have, std::int64_t n,
                                       const std::vector<std::uint32_t>& measured) {
    const auto& pool = people_.rows[group].pool;
    std::vector<std::uint32_t> rows(pool.begin(), pool.begin() + static_cast<std::ptrdiff_t>(have));
    if (n < have) random_.shuffle(std::span(rows));
    rows.resize(static_cast<std::size_t>(n));
    const auto data = people_.data();
    const auto model = words_.model == "logistic" ? explore::fit_logistic(data, rows, words_.lambda)
                                                  : explore::fit_ridge(data, rows, words_.lambda);
    if (!model) return tl::unexpected(model.error());
    return explore::measure(*model, data, measured);
  }

 private:
  const People& people_;
  const SampleGroupsWords& words_;
  RandomStream random_{RandomStream(words_.seed).split("experiment").split("training")};
};

Result<void> buy_all(AdaptiveSampler& sampler, const People& people, Trainer& trainer) {
  for (;;) {
    const auto want = sampler.request();
    if (!want) return tl::unexpected(want.error());
    if (!*want) return {};
    const std::size_t g = (*want)->group;
    if (auto ok = sampler.bought((*want)->count); !ok) return ok;
    for (const std::int64_t n : sampler.record_sizes(g)) {
      const auto e = trainer.train(g, sampler.counts()[g], n, people.rows[g].validation);
      if (!e) return tl::unexpected(e.error());
      if (auto ok = sampler.observe(g, n, std::max(0.0, e->error), e->variance); !ok) return ok;
    }
  }
}

}  // namespace

Result<bool> experiment_plan(const PlanGroupsWords& words, ExperimentStreams streams) {
  const auto stated = read_groups(words.file, streams.in);
  if (!stated) return tl::unexpected(stated.error());
  const EquityObjective objective{.q = words.q};
  const auto plan = plan_static(stated->groups, stated->curves, objective, words.budget);
  if (!plan) return tl::unexpected(plan.error());
  const auto why = explain_plan(stated->groups, stated->curves, objective, words.budget, *plan);
  if (!why) return tl::unexpected(why.error());
  if (words.json)
    streams.out << to_json(plan_json(*stated, *plan, *why)) << '\n';
  else
    print_plan(*stated, *plan, *why, words.budget, objective, streams.out);
  return true;
}

Result<bool> experiment_sample(const SampleGroupsWords& words, ExperimentStreams streams) {
  if (words.model != "ridge" && words.model != "logistic")
    return invalid_argument("--model: '" + words.model + "' is neither ridge nor logistic");
  const auto people = read_people(words, streams.in);
  if (!people) return tl::unexpected(people.error());
  std::vector<GroupSpec> groups;
  for (std::size_t g = 0; g < people->names.size(); ++g)
    groups.push_back({.name = people->names[g], .max_n = static_cast<std::int64_t>(people->rows[g].pool.size())});
  if (auto ok = set_numbers(words.costs, "--cost", groups, &GroupSpec::cost); !ok) return tl::unexpected(ok.error());
  if (auto ok = set_numbers(words.weights, "--weight", groups, &GroupSpec::weight); !ok)
    return tl::unexpected(ok.error());
  auto sampler = AdaptiveSampler::make(groups, {.objective = {.q = words.q},
                                                .budget = words.budget,
                                                .batch = words.batch,
                                                .seed_count = words.first,
                                                .tolerance = words.tolerance,
                                                .thompson = words.thompson,
                                                .seed = words.seed});
  if (!sampler) return tl::unexpected(sampler.error());
  Trainer trainer(*people, words);
  if (auto ok = buy_all(*sampler, *people, trainer); !ok) return tl::unexpected(ok.error());
  const auto report = sampler->report();
  if (!report) return tl::unexpected(report.error());
  const auto equal = explore::plan_fixed(FixedPlan::kEqualSpend, groups, words.budget);
  if (!equal) return tl::unexpected(equal.error());
  const std::size_t width = width_of(groups);
  json::array rows;
  std::ostream& out = streams.out;
  if (!words.json)
    out << padded("group", width)
        << "  samples   test error  ± (s.e.)  next unit lowers it by  equal spend: samples, test error\n";
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const auto& row = report->groups[g];
    const auto& test = people->rows[g].test;
    const auto e = trainer.train(g, row.count, row.count, test),
               other = trainer.train(g, (*equal)[g], (*equal)[g], test);
    if (!e || !other) return tl::unexpected(e ? other.error() : e.error());
    if (words.json) {
      rows.push_back({{"group", groups[g].name},
                      {"samples", row.count},
                      {"test_error", e->error},
                      {"test_deviation", std::sqrt(e->variance)},
                      {"a", row.curve.a},
                      {"b", row.curve.b},
                      {"gamma", row.curve.gamma},
                      {"marginal", row.marginal},
                      {"next_unit", row.next_dollar},
                      {"equal_spend_samples", (*equal)[g]},
                      {"equal_spend_error", other->error}});
      continue;
    }
    out << padded(groups[g].name, width) << "  " << padded(std::to_string(row.count), 8) << "  "
        << padded(short_number(e->error), 10) << "  " << padded(short_number(std::sqrt(e->variance)), 8) << "  "
        << padded(short_number(row.next_dollar), 22) << "  " << (*equal)[g] << ", " << short_number(other->error)
        << '\n';
  }
  if (words.json) {
    out << to_json(json::object{{"groups", std::move(rows)},
                                {"spent", report->spent},
                                {"left", report->left},
                                {"price_of_equity", report->price_of_equity}})
        << '\n';
    return true;
  }
  out << "\nspent " << short_number(report->spent) << " of " << short_number(words.budget) << "; price of equity "
      << short_number(report->price_of_equity) << " in average error\n";
  if (words.weights.empty())
    out << "every group has weight 1, whatever its size: say --weight GROUP=NUMBER where that is not meant\n";
  return true;
}

}  // namespace bursar::cli
