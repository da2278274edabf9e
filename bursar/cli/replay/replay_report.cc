#include "bursar/cli/replay/replay_report.h"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cmath>
#include <cstdio>

#include "bursar/cli/replay/log_file.h"
#include "bursar/core/json.h"

namespace bursar::cli {
namespace {

using admit::ReplayPoint;
using admit::ReplayResult;

constexpr std::array kMarks{.25, .5, .75, 1.0};

using Rows = std::vector<std::vector<std::string>>;

// Columns as wide as their widest cell; the first to the left, the others to the right.
std::string aligned(const Rows& rows) {
  std::vector<std::size_t> width;
  for (const auto& row : rows) {
    width.resize(std::max(width.size(), row.size()), 0);
    for (std::size_t c = 0; c < row.size(); ++c) width[c] = std::max(width[c], row[c].size());
  }
  std::string out;
  for (const auto& row : rows) {
    std::string line = "  ";
    for (std::size_t c = 0; c < row.size(); ++c) {
      const std::string pad(width[c] - row[c].size(), ' ');
      line += c == 0 ? row[c] + pad : "  " + pad + row[c];
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  }
  return out;
}

std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", 100 * share);
  return text;
}

std::string resource_name(const ReplayReport& report, std::size_t j) {
  return report.resources[j].empty() ? "budget" : report.resources[j];
}

double pooled(const ReplayReport& report, std::size_t j) {
  if (report.episode == 0) return report.budget[j];
  return report.budget[j] * std::ceil(static_cast<double>(report.requests) / static_cast<double>(report.episode));
}

// The curve's last point not past the mark; zeros before its first.
const ReplayPoint* at_mark(const ReplayResult& result, double share) {
  const ReplayPoint* found = nullptr;
  for (const ReplayPoint& point : result.points) {
    if (static_cast<double>(point.requests) <= share * static_cast<double>(result.requests)) found = &point;
  }
  return found;
}

std::string head_text(const ReplayReport& report) {
  std::string out = report.log + ": " + std::to_string(report.requests) + " requests; budget";
  for (std::size_t j = 0; j < report.budget.size(); ++j) {
    out += (j == 0 ? " " : ", ") + short_number(report.budget[j]) +
           (report.resources[j].empty() ? "" : " " + report.resources[j]);
  }
  if (report.episode > 0) out += " for each " + std::to_string(report.episode) + " requests";
  out += report.horizon > 0 ? "; the policies expect " + std::to_string(report.horizon) + " requests"
                            : "; the policies do not know how many requests come";
  if (report.delay > 0) out += "; outcomes come " + std::to_string(report.delay) + " requests later";
  return out + "\n";
}

std::string bound_text(const ReplayReport& report) {
  const std::string value = short_number(report.bound.value);
  std::string out;
  switch (report.bound.kind) {
    case BoundKind::kLinearProgram: out = "best in hindsight: " + value + " (linear program over the whole log)"; break;
    case BoundKind::kDual:
      out = "best in hindsight: at most " + value +
            " (Lagrangian dual over the whole log, at the prices of a sample of it)";
      break;
    case BoundKind::kEstimate:
      out =
          "best in hindsight: about " + value + " (estimated from a sample, no bound: the log could be read only once)";
      break;
    case BoundKind::kNone: return "best in hindsight: not computed\n";
  }
  if (report.episode > 0) out += ", with the budgets of all episodes pooled";
  out += "; prices";
  for (std::size_t j = 0; j < report.bound.prices.size(); ++j) {
    out += (j == 0 ? " " : ", ") + short_number(report.bound.prices[j]) +
           (report.resources[j].empty() ? "" : " per " + report.resources[j]);
  }
  return out + "\n";
}

std::string overspent_text(const ReplayReport& report) {
  std::string out;
  for (const ReplayResult& p : report.policies) {
    for (std::size_t j = 0; j < p.overspent.size(); ++j) {
      if (p.overspent[j] <= 1e-9 * report.budget[j]) continue;
      out += "note: " + p.label + " is " + short_number(p.overspent[j]) + " over the budget of " +
             resource_name(report, j) +
             ": real costs were above the log's holds; give holds that are the most a request "
             "can cost\n";
    }
  }
  return out;
}

boost::json::object by_resource(const ReplayReport& report, const std::vector<double>& numbers) {
  boost::json::object out;
  for (std::size_t j = 0; j < numbers.size(); ++j) out[resource_name(report, j)] = numbers[j];
  return out;
}

boost::json::object policy_json(const ReplayReport& report, const ReplayResult& p) {
  boost::json::array points;
  for (const ReplayPoint& point : p.points) {
    points.push_back({{"requests", point.requests},
                      {"reward", point.reward},
                      {"spent", by_resource(report, point.spent)},
                      {"prices", by_resource(report, point.prices)}});
  }
  boost::json::object out{{"policy", p.label},
                          {"reward", p.reward},
                          {"spent", by_resource(report, p.spent)},
                          {"prices", by_resource(report, p.prices)},
                          {"taken", p.taken},
                          {"short_of_budget", p.short_of_budget},
                          {"past_horizon", p.past_horizon},
                          {"overspent", by_resource(report, p.overspent)},
                          {"points", std::move(points)}};
  out["first_short"] = p.first_short ? boost::json::value(*p.first_short) : boost::json::value(nullptr);
  if (report.bound.kind == BoundKind::kNone) return out;
  out["regret"] = report.bound.value - p.reward;
  if (report.bound.value > 0) out["share_of_bound"] = p.reward / report.bound.value;
  return out;
}

}  // namespace

std::string_view name_of(BoundKind kind) {
  switch (kind) {
    case BoundKind::kLinearProgram: return "linear_program";
    case BoundKind::kDual: return "lagrangian_dual";
    case BoundKind::kEstimate: return "sample_estimate";
    case BoundKind::kNone: break;
  }
  return "none";
}

std::string to_text(const ReplayReport& report) {
  const bool bounded = report.bound.kind != BoundKind::kNone;
  Rows main{{"policy", "reward"}}, spend{{"spent after"}}, prices{{"price after"}};
  if (bounded) main[0].insert(main[0].end(), {"of best", "regret"});
  main[0].insert(main[0].end(), {"taken", "short", "first short at"});
  for (const double mark : kMarks) spend[0].push_back(percent(mark)), prices[0].push_back(percent(mark));
  for (const ReplayResult& p : report.policies) {
    std::vector<std::string> row{p.label, short_number(p.reward)};
    if (bounded) {
      row.push_back(report.bound.value > 0 ? percent(p.reward / report.bound.value) : "-");
      row.push_back(short_number(report.bound.value - p.reward));
    }
    row.insert(row.end(), {std::to_string(p.taken), std::to_string(p.short_of_budget),
                           p.first_short ? std::to_string(*p.first_short + 1) : "-"});
    main.push_back(std::move(row));
    for (std::size_t j = 0; j < report.budget.size(); ++j) {
      std::vector<std::string> spent{p.label + ", " + resource_name(report, j)}, price = spent;
      for (const double mark : kMarks) {
        const ReplayPoint* point = at_mark(p, mark);
        spent.push_back(percent(point == nullptr ? 0 : point->spent[j] / pooled(report, j)));
        price.push_back(point == nullptr ? "-" : short_number(point->prices[j]));
      }
      spend.push_back(std::move(spent));
      prices.push_back(std::move(price));
    }
  }
  return head_text(report) + bound_text(report) + '\n' + aligned(main) + '\n' + aligned(spend) + '\n' +
         aligned(prices) + overspent_text(report);
}

std::string to_json_text(const ReplayReport& report) {
  boost::json::array policies;
  for (const ReplayResult& p : report.policies) policies.push_back(policy_json(report, p));
  boost::json::object bound{{"kind", name_of(report.bound.kind)}};
  if (report.bound.kind != BoundKind::kNone) {
    bound["value"] = report.bound.value;
    bound["prices"] = by_resource(report, report.bound.prices);
  }
  return to_json(boost::json::object{{"log", report.log},
                                     {"requests", report.requests},
                                     {"budget", by_resource(report, report.budget)},
                                     {"horizon", report.horizon},
                                     {"episode", report.episode},
                                     {"delay", report.delay},
                                     {"bound", std::move(bound)},
                                     {"policies", std::move(policies)}});
}

}  // namespace bursar::cli
