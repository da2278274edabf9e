#include "bursar/allocate/format/answer.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cmath>

#include "bursar/allocate/format/stated_problem.h"
#include "bursar/core/json.h"

namespace bursar::allocate {
namespace {

constexpr std::size_t kPieceBytes = 64 << 10;
constexpr std::size_t kShownGroups = 10;

std::size_t chosen_option(const Problem& p, const Allocation& a, std::size_t item) {
  return first_option(p, item) + a.choice[item];
}

double at(const std::vector<double>& numbers, std::size_t k) { return k < numbers.size() ? numbers[k] : 0; }

// Infinities have no place in JSON.
boost::json::value finite_or_null(double x) {
  return std::isfinite(x) ? boost::json::value(x) : boost::json::value(nullptr);
}

boost::json::array resources_json(const Problem& p, const Budget& budget, const Allocation& a) {
  boost::json::array list;
  for (std::size_t r = 0; r < budget.amounts.size(); ++r) {
    list.push_back({{"name", resource_name(p, r)},
                    {"budget", budget.amounts[r]},
                    {"cost", at(a.cost, r)},
                    {"price", finite_or_null(at(a.price, r))}});
  }
  return list;
}

boost::json::array groups_json(const Problem& p, const Allocation& a) {
  boost::json::array list;
  for (std::size_t g = 0; g < p.groups.size(); ++g) {
    list.push_back({{"name", p.groups[g].name},
                    {"cap", finite_or_null(p.groups[g].cap)},
                    {"cost", at(a.group_cost, g)},
                    {"price", finite_or_null(at(a.group_price, g))}});
  }
  return list;
}

// Names for programs; name_of() is a phrase for people.
std::string_view token_of(OptionStatus status) {
  switch (status) {
    case OptionStatus::kChosen: return "chosen";
    case OptionStatus::kForbidden: return "forbidden";
    case OptionStatus::kBelowMinimum: return "below_minimum";
    case OptionStatus::kDominated: return "dominated";
    case OptionStatus::kOffHull: return "off_hull";
    case OptionStatus::kPricedOut: return "priced_out";
    case OptionStatus::kUnaffordable: return "unaffordable";
  }
  return "unknown";
}

boost::json::object explanation_json(const Problem& p, const Explanation& e) {
  boost::json::array options;
  for (std::uint32_t k = 0; k < e.options.size(); ++k) {
    const OptionReport& o = e.options[k];
    options.push_back({{"name", option_name(p, e.item, k)},
                       {"value", o.value},
                       {"cost", boost::json::array(o.cost.begin(), o.cost.end())},
                       {"worth", finite_or_null(o.worth)},
                       {"status", std::string(token_of(o.status))}});
  }
  return {{"item", item_name(p, e.item)},
          {"chosen", option_name(p, e.item, e.chosen)},
          {"text", e.text},
          {"options", std::move(options)}};
}

void line(std::string& out, std::string_view what, const std::string& is) {
  constexpr std::size_t kColumn = 9;
  out += what;
  out.append(what.size() < kColumn ? kColumn - what.size() : 1, ' ');
  out += is + "\n";
}

std::string share_of(double used, double of) {
  if (!(of > 0) || !std::isfinite(of)) return {};
  return " (" + to_text(std::round(used / of * 10000) / 100) + " %)";
}

}  // namespace

std::string answer_json(const Problem& p, const Budget& budget, const Allocation& a, const AnswerParts& parts) {
  boost::json::object root{{"format", "bursar-allocate/1"},
                           {"items", p.items()},
                           {"options", p.value.size()},
                           {"minimise", p.minimise},
                           {"value", a.value},
                           {"bound", finite_or_null(a.bound)},
                           {"gap", finite_or_null(a.gap)},
                           {"method", std::string(name_of(a.method))},
                           {"stop", std::string(name_of(a.stop))},
                           {"resources", resources_json(p, budget, a)}};
  if (!p.groups.empty()) root["groups"] = groups_json(p, a);
  if (parts.choices) {
    boost::json::array choice(a.choice.begin(), a.choice.end()), items, options;
    if (!p.item_names.empty()) root["item"] = boost::json::array(p.item_names.begin(), p.item_names.end());
    if (!p.option_names.empty()) {
      for (std::size_t i = 0; i < a.choice.size(); ++i) options.emplace_back(option_name(p, i, a.choice[i]));
      root["option"] = std::move(options);
    }
    root["choice"] = std::move(choice);
  }
  if (!parts.explain.empty()) {
    boost::json::array list;
    for (const std::size_t item : parts.explain) {
      if (auto e = explain(p, a, item)) list.push_back(explanation_json(p, *e));
    }
    root["explanations"] = std::move(list);
  }
  return to_json(root);
}

std::string summary_text(const Problem& p, const Budget& budget, const Allocation& a) {
  std::string out;
  line(out, "items", std::to_string(p.items()) + ", " + std::to_string(p.value.size()) + " options");
  line(out, p.minimise ? "loss" : "value", to_text(a.value));
  line(out, "bound", to_text(a.bound) + (p.minimise ? " (no choice loses less)" : " (no choice is worth more)"));
  line(out, "gap", to_text(a.gap));
  line(out, "stopped", std::string(name_of(a.stop)) + ", method " + std::string(name_of(a.method)));
  for (std::size_t r = 0; r < budget.amounts.size(); ++r) {
    line(out, resource_name(p, r),
         to_text(at(a.cost, r)) + " of " + to_text(budget.amounts[r]) + share_of(at(a.cost, r), budget.amounts[r]) +
             ", one more is worth " + to_text(at(a.price, r)));
  }
  // The fullest groups first: those are the ones that bind.
  std::vector<std::size_t> order(p.groups.size());
  for (std::size_t g = 0; g < order.size(); ++g) order[g] = g;
  std::ranges::stable_sort(order, std::greater{}, [&](std::size_t g) { return at(a.group_price, g); });
  for (std::size_t k = 0; k < std::min(order.size(), kShownGroups); ++k) {
    const std::size_t g = order[k];
    const double cap = p.groups[g].cap;
    line(out, "group",
         p.groups[g].name + ": " + to_text(at(a.group_cost, g)) +
             (std::isfinite(cap) ? " of " + to_text(cap) + share_of(at(a.group_cost, g), cap) + ", one more is worth " +
                                       to_text(at(a.group_price, g))
                                 : ", no cap"));
  }
  if (order.size() > kShownGroups) line(out, "", "and " + std::to_string(order.size() - kShownGroups) + " groups more");
  return out;
}

void append_csv_field(std::string& out, std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

Result<void> write_choices_csv(const Problem& p, const Allocation& a, const TextSink& sink) {
  const std::size_t resources = resources_of(p);
  std::string piece = p.minimise ? "item,option,loss" : "item,option,value";
  for (std::size_t r = 0; r < resources; ++r) {
    piece += ',';
    append_csv_field(piece, resources == 1 && p.resource_names.empty() ? "cost" : "cost." + resource_name(p, r));
  }
  piece += '\n';
  for (std::size_t i = 0; i < a.choice.size(); ++i) {
    const std::size_t o = chosen_option(p, a, i);
    append_csv_field(piece, item_name(p, i));
    piece += ',';
    append_csv_field(piece, option_name(p, i, a.choice[i]));
    piece += ',' + to_text(p.value[o]);
    for (std::size_t r = 0; r < resources; ++r) piece += ',' + to_text(p.cost[r * p.value.size() + o]);
    piece += '\n';
    if (piece.size() < kPieceBytes) continue;
    if (auto ok = sink(piece); !ok) return ok;
    piece.clear();
  }
  return piece.empty() ? Result<void>() : sink(piece);
}

}  // namespace bursar::allocate
