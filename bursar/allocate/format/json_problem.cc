#include "bursar/allocate/format/json_problem.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cmath>

#include "bursar/allocate/format/json_place.h"
#include "bursar/allocate/format/names.h"
#include "bursar/allocate/format/option_table.h"
#include "bursar/allocate/many_resources.h"
#include "bursar/core/json.h"

namespace bursar::allocate {
namespace {

using boost::json::array;
using boost::json::object;
using boost::json::value;

constexpr std::int64_t kMostCopies = 1000;
constexpr std::size_t kMostExplained = 1000;

class Reader {
 public:
  explicit Reader(const ReadLimits& limits) : limits_(limits) {}
  Result<StatedProblem> read(const value& document);

 private:
  Result<void> settings(const object& root, const Place& place);
  Result<void> budget(const object& root, const Place& place);
  Result<void> groups(const object& root, const Place& place);
  Result<void> items(const value& list, const Place& place);
  Result<void> item(const value& v, const Place& place);
  Result<void> option(const value& v, const Place& place);
  Result<void> copies(const object& o, const Place& place);
  Result<void> costs(const value& v, const Place& place, double times);
  Result<void> name_item(const value* name, const Place& place);
  Result<void> group_of(const value* name, const Place& place);
  Result<void> end_item(const Place& place);
  Result<void> room_for_one(const Place& place) const;

  Result<void> table(const object& root, const Place& place);
  Result<void> table_rows(const value& v, const Place& place, std::vector<double>& to, bool first, Sign sign);
  Result<void> table_costs(const object& root, const Place& place);
  Result<void> table_extras(const object& root, const Place& place);
  Result<std::string_view> name(const value& v, const Place& place) const;
  Result<const array*> list(const value& v, const Place& place, std::size_t size, std::string_view of) const;

  const ReadLimits& limits_;
  StatedProblem stated_;
  Problem& p_ = stated_.problem;
  OptionTable shape_;
  NameTable item_names_, group_names_;
  std::vector<std::vector<double>> cost_;  // [resources][options]
  std::vector<double> caps_;               // [groups of "groups"]
  bool some_minimum_ = false, some_forbidden_ = false, some_group_ = false;
};

Result<std::string_view> Reader::name(const value& v, const Place& place) const {
  if (!v.is_string()) return place.wrong("must be a string");
  const std::string_view text = view(v.get_string());
  if (text.empty() || text.size() > limits_.max_name_bytes)
    return place.wrong("must have 1 to " + std::to_string(limits_.max_name_bytes) + " bytes, has " +
                       std::to_string(text.size()));
  return text;
}

Result<const array*> Reader::list(const value& v, const Place& place, std::size_t size, std::string_view of) const {
  if (!v.is_array()) return place.wrong("must be a list");
  if (v.get_array().size() != size) {
    return place.wrong("has " + std::to_string(v.get_array().size()) + " entries; it needs " + std::to_string(size) +
                       ", one for each " + std::string(of));
  }
  return &v.get_array();
}

Result<void> Reader::settings(const object& root, const Place& place) {
  if (const value* v = root.if_contains("minimise")) {
    auto yes = truth(*v, {&place, "minimise"});
    if (!yes) return tl::unexpected(yes.error());
    p_.minimise = *yes;
  }
  if (const value* v = root.if_contains("method")) {
    const Place at{&place, "method"};
    auto text = name(*v, at);
    if (!text) return tl::unexpected(text.error());
    auto method = method_named(*text);
    if (!method) return at.wrong(method.error().message);
    stated_.options.method = *method;
  }
  if (const value* v = root.if_contains("sense")) {
    const Place at{&place, "sense"};
    auto text = name(*v, at);
    if (!text) return tl::unexpected(text.error());
    auto sense = sense_named(*text);
    if (!sense) return at.wrong(sense.error().message);
    stated_.options.sense = *sense;
  }
  for (const auto& [key, to] : {std::pair<std::string_view, double*>{"gap", &stated_.options.relative_gap},
                                std::pair<std::string_view, double*>{"time_limit_s", nullptr}}) {
    const value* v = root.if_contains({key.data(), key.size()});
    if (v == nullptr) continue;
    const Place at{&place, key};
    auto x = number(*v, at, Sign::kNotNegative);
    if (!x) return tl::unexpected(x.error());
    if (to == nullptr) {
      if (*x == 0) return at.wrong("must be greater than 0");
      stated_.time_limit_s = *x;
    } else {
      if (*x > 1) return at.wrong("is " + to_text(*x) + "; it must be from 0 to 1");
      *to = *x;
    }
  }
  const value* v = root.if_contains("explain");
  if (v == nullptr) return {};
  const Place at{&place, "explain"};
  if (!v->is_array() || v->get_array().size() > kMostExplained)
    return at.wrong("must be a list of at most " + std::to_string(kMostExplained) + " items");
  for (std::size_t i = 0; i < v->get_array().size(); ++i) {
    auto text = name(v->get_array()[i], {&at, {}, i});
    if (!text) return tl::unexpected(text.error());
    stated_.explain.emplace_back(*text);
  }
  return {};
}

Result<void> Reader::budget(const object& root, const Place& place) {
  const value* v = root.if_contains("budget");
  if (v == nullptr) return {};
  const Place at{&place, "budget"};
  Budget budget;
  if (!v->is_object()) {
    auto amount = number(*v, at, Sign::kNotNegative);
    if (!amount) return tl::unexpected(amount.error());
    budget.amounts = {*amount};
  } else {
    if (v->get_object().empty()) return at.wrong("names no resource");
    if (auto ok = few_resources(v->get_object().size(), at); !ok) return ok;
    for (const auto& member : v->get_object()) {
      if (member.key().size() > limits_.max_name_bytes) return at.wrong("names a resource at too great length");
      auto amount = number(member.value(), {&at, view(member.key())}, Sign::kNotNegative);
      if (!amount) return tl::unexpected(amount.error());
      budget.amounts.push_back(*amount);
      p_.resource_names.emplace_back(view(member.key()));
    }
  }
  stated_.budget = std::move(budget);
  return {};
}

Result<void> Reader::groups(const object& root, const Place& place) {
  const value* v = root.if_contains("groups");
  if (v == nullptr) return {};
  const Place at{&place, "groups"};
  if (!v->is_object()) return at.wrong("must be an object of groups and their caps");
  for (const auto& member : v->get_object()) {
    double cap = HUGE_VAL;
    if (!member.value().is_null()) {
      auto x = number(member.value(), {&at, view(member.key())}, Sign::kNotNegative);
      if (!x) return tl::unexpected(x.error());
      cap = *x;
    }
    (void)group_names_.add(view(member.key()));
    caps_.push_back(cap);
  }
  return {};
}

Result<void> Reader::room_for_one(const Place& place) const {
  if (p_.value.size() < limits_.max_options) return {};
  return fail(ErrorCode::kExhausted, place.text() + ": more than " + std::to_string(limits_.max_options) + " options");
}

// Appends `times` the cost to every resource.
Result<void> Reader::costs(const value& v, const Place& place, double times) {
  if (cost_.empty()) {
    if (p_.resource_names.empty() && v.is_object()) {
      if (auto ok = few_resources(v.get_object().size(), place); !ok) return ok;
      for (const auto& member : v.get_object()) p_.resource_names.emplace_back(view(member.key()));
    }
    cost_.resize(std::max<std::size_t>(1, p_.resource_names.size()));
  }
  if (!v.is_object()) {
    auto x = number(v, place, Sign::kNotNegative);
    if (!x) return tl::unexpected(x.error());
    if (cost_.size() > 1 && *x != 0)
      return place.wrong("must be an object with a cost for each of " + std::to_string(cost_.size()) + " resources");
    for (auto& column : cost_) column.push_back(*x * times);
    return {};
  }
  const object& o = v.get_object();
  for (std::size_t r = 0; r < p_.resource_names.size(); ++r) {
    const value* one = o.if_contains(p_.resource_names[r]);
    if (one == nullptr) return place.wrong("lacks the resource '" + p_.resource_names[r] + "'");
    auto x = number(*one, {&place, p_.resource_names[r]}, Sign::kNotNegative);
    if (!x) return tl::unexpected(x.error());
    cost_[r].push_back(*x * times);
  }
  for (const auto& member : o) {
    if (std::ranges::find(p_.resource_names, view(member.key())) == p_.resource_names.end())
      return place.wrong("unknown resource '" + std::string(view(member.key())).substr(0, 80) + "'");
  }
  return {};
}

Result<void> Reader::option(const value& v, const Place& place) {
  if (auto ok = room_for_one(place); !ok) return ok;
  if (!v.is_object()) return place.wrong("must be an object with value and cost");
  const object& o = v.get_object();
  if (auto ok = only(o, place, {"name", "value", "cost", "forbidden"}); !ok) return ok;
  const value *worth = o.if_contains("value"), *cost = o.if_contains("cost");
  if (worth == nullptr || cost == nullptr) return place.wrong(worth == nullptr ? "lacks value" : "lacks cost");
  auto x = number(*worth, {&place, "value"}, Sign::kAny);
  if (!x) return tl::unexpected(x.error());
  if (auto ok = costs(*cost, {&place, "cost"}, 1); !ok) return ok;
  bool forbidden = false;
  if (const value* f = o.if_contains("forbidden")) {
    auto yes = truth(*f, {&place, "forbidden"});
    if (!yes) return tl::unexpected(yes.error());
    forbidden = *yes;
  }
  if (const value* n = o.if_contains("name")) {
    auto text = name(*n, {&place, "name"});
    if (!text) return tl::unexpected(text.error());
    shape_.add(*text);
  } else {
    shape_.add_numbered();
  }
  p_.value.push_back(*x);
  p_.forbidden.push_back(forbidden ? 1 : 0);
  some_forbidden_ |= forbidden;
  return {};
}

// A knapsack's item: 0, 1, … copies of it.
Result<void> Reader::copies(const object& o, const Place& place) {
  auto worth = number(o.at("value"), {&place, "value"}, Sign::kAny);
  if (!worth) return tl::unexpected(worth.error());
  std::int64_t most = 1;
  if (const value* v = o.if_contains("copies")) {
    if (!v->is_int64() || v->get_int64() < 1 || v->get_int64() > kMostCopies)
      return Place{&place, "copies"}.wrong("must be a whole number from 1 to " + std::to_string(kMostCopies));
    most = v->get_int64();
  }
  const value* cost = o.if_contains("cost");
  if (cost == nullptr) return place.wrong("lacks cost");
  for (std::int64_t n = 0; n <= most; ++n) {
    if (auto ok = room_for_one(place); !ok) return ok;
    const auto times = static_cast<double>(n);
    if (auto ok = costs(*cost, {&place, "cost"}, times); !ok) return ok;
    p_.value.push_back(*worth * times);
    p_.forbidden.push_back(0);
    shape_.add_numbered();
  }
  return {};
}

Result<void> Reader::name_item(const value* given, const Place& place) {
  std::string text = std::to_string(shape_.items());
  if (given != nullptr) {
    auto read = name(*given, {&place, "name"});
    if (!read) return tl::unexpected(read.error());
    text = *read;
  }
  if (!item_names_.add(text)) return place.wrong("an item is named '" + text.substr(0, 80) + "' already");
  return {};
}

Result<void> Reader::group_of(const value* given, const Place& place) {
  if (given == nullptr) {
    if (some_group_) return place.wrong("lacks a group, and other items have one");
    return {};
  }
  if (!some_group_ && shape_.items() != 0) return place.wrong("has a group, and items before it have none");
  some_group_ = true;
  auto text = name(*given, place);
  if (!text) return tl::unexpected(text.error());
  auto known = group_names_.find(*text);
  if (!known && !caps_.empty())
    return place.wrong("is '" + std::string(*text).substr(0, 80) + "', which \"groups\" does not list");
  if (!known) (void)group_names_.add(*text);
  p_.group.push_back(known ? *known : group_names_.size() - 1);
  return {};
}

Result<void> Reader::end_item(const Place& place) {
  if (const auto twice = shape_.end_item()) return place.wrong("the option '" + *twice + "' stands twice");
  return {};
}

Result<void> Reader::item(const value& v, const Place& place) {
  if (!v.is_object()) return place.wrong("must be an object with options, or with value and cost");
  const object& o = v.get_object();
  const value* options = o.if_contains("options");
  const bool in_or_out = o.contains("value");
  if ((options != nullptr) == in_or_out) return place.wrong("must have either options, or value and cost");
  if (auto ok = in_or_out ? only(o, place, {"name", "value", "cost", "copies", "group", "minimum"})
                          : only(o, place, {"name", "options", "group", "minimum"});
      !ok)
    return ok;
  if (auto ok = name_item(o.if_contains("name"), place); !ok) return ok;
  if (auto ok = group_of(o.if_contains("group"), {&place, "group"}); !ok) return ok;
  double minimum = 0;
  if (const value* m = o.if_contains("minimum")) {
    auto x = number(*m, {&place, "minimum"}, Sign::kNotNegative);
    if (!x) return tl::unexpected(x.error());
    minimum = *x;
    some_minimum_ = true;
  }
  p_.minimum.push_back(minimum);
  if (in_or_out) {
    if (auto ok = copies(o, place); !ok) return ok;
    return end_item(place);
  }
  const Place at{&place, "options"};
  if (!options->is_array() || options->get_array().empty()) return at.wrong("must be a list of at least one option");
  for (std::size_t k = 0; k < options->get_array().size(); ++k) {
    if (auto ok = option(options->get_array()[k], {&at, {}, k}); !ok) return ok;
  }
  return end_item(place);
}

Result<void> Reader::items(const value& v, const Place& place) {
  if (!v.is_array() || v.get_array().empty()) return place.wrong("must be a list of at least one item");
  const array& all = v.get_array();
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (auto ok = item(all[i], {&place, {}, i}); !ok) return ok;
  }
  return {};
}

// `first`: these rows decide the shape; the others must have the same.
Result<void> Reader::table_rows(const value& v, const Place& place, std::vector<double>& to, bool first, Sign sign) {
  if (!v.is_array() || v.get_array().empty()) return place.wrong("must be a list of at least one row");
  const array& rows = v.get_array();
  if (!first && rows.size() != p_.items())
    return place.wrong("has " + std::to_string(rows.size()) + " rows, and value has " + std::to_string(p_.items()));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Place at{&place, {}, i};
    if (!rows[i].is_array() || rows[i].get_array().empty()) return at.wrong("must be a list of at least one number");
    const array& row = rows[i].get_array();
    const std::size_t width = first ? row.size() : (p_.first.empty() ? p_.width : p_.first[i + 1] - p_.first[i]);
    if (row.size() != width)
      return at.wrong("has " + std::to_string(row.size()) + " entries, and the item has " + std::to_string(width) +
                      " options");
    if (to.size() + width > limits_.max_options)
      return fail(ErrorCode::kExhausted, at.text() + ": more than " + std::to_string(limits_.max_options) + " options");
    for (std::size_t k = 0; k < width; ++k) {
      auto x = number(row[k], {&at, {}, k}, sign);
      if (!x) return tl::unexpected(x.error());
      to.push_back(*x);
      if (first) shape_.add_numbered();
    }
    if (first) (void)shape_.end_item();
  }
  return {};
}

Result<void> Reader::table_costs(const object& root, const Place& place) {
  const value* v = root.if_contains("cost");
  if (v == nullptr) return place.wrong("lacks cost");
  const Place at{&place, "cost"};
  if (!v->is_object()) {
    if (p_.resource_names.size() > 1)
      return at.wrong("must be an object with one table for each resource of the budget");
    cost_.resize(1);
    return table_rows(*v, at, cost_[0], false, Sign::kNotNegative);
  }
  const object& tables = v->get_object();
  if (auto ok = few_resources(tables.size(), at); !ok) return ok;
  if (p_.resource_names.empty()) {
    for (const auto& member : tables) p_.resource_names.emplace_back(view(member.key()));
  }
  cost_.resize(p_.resource_names.size());
  if (tables.size() != cost_.size() || cost_.empty())
    return at.wrong("has " + std::to_string(tables.size()) + " tables; it needs one for each resource of the budget");
  for (std::size_t r = 0; r < cost_.size(); ++r) {
    const value* one = tables.if_contains(p_.resource_names[r]);
    if (one == nullptr) return at.wrong("lacks the resource '" + p_.resource_names[r] + "'");
    if (auto ok = table_rows(*one, {&at, p_.resource_names[r]}, cost_[r], false, Sign::kNotNegative); !ok) return ok;
  }
  return {};
}

Result<void> Reader::table_extras(const object& root, const Place& place) {
  const std::size_t items = p_.items();
  const auto each = [&](std::string_view key, std::size_t size, std::string_view of, const auto& take) -> Result<void> {
    const value* v = root.if_contains({key.data(), key.size()});
    if (v == nullptr) return {};
    const Place at{&place, key};
    auto entries = list(*v, at, size, of);
    if (!entries) return tl::unexpected(entries.error());
    for (std::size_t i = 0; i < size; ++i) {
      if (Result<void> ok = take((**entries)[i], Place{&at, {}, i}); !ok) return ok;
    }
    return {};
  };
  const bool ragged = !p_.first.empty();
  if (ragged && root.contains("option_names")) return Place{&place, "option_names"}.wrong("needs rows of one length");
  NameTable option_names;
  auto ok = each("item_names", items, "row", [&](const value& v, const Place& at) -> Result<void> {
    auto text = name(v, at);
    if (!text) return tl::unexpected(text.error());
    return item_names_.add(*text) ? Result<void>() : at.wrong("'" + std::string(*text) + "' stands twice");
  });
  if (ok) {
    ok = each("option_names", p_.width, "option", [&](const value& v, const Place& at) -> Result<void> {
      auto text = name(v, at);
      if (!text) return tl::unexpected(text.error());
      return option_names.add(*text) ? Result<void>() : at.wrong("'" + std::string(*text) + "' stands twice");
    });
  }
  if (ok) {
    some_group_ = root.contains("group");
    ok = each("group", items, "row", [&](const value& v, const Place& at) { return group_of(&v, at); });
  }
  if (ok) {
    ok = each("minimum", items, "row", [&](const value& v, const Place& at) -> Result<void> {
      auto x = number(v, at, Sign::kNotNegative);
      if (!x) return tl::unexpected(x.error());
      p_.minimum.push_back(*x);
      some_minimum_ = true;
      return {};
    });
  }
  p_.option_names = std::move(option_names).take();
  return ok;
}

Result<void> Reader::table(const object& root, const Place& place) {
  if (auto ok = table_rows(root.at("value"), {&place, "value"}, p_.value, true, Sign::kAny); !ok) return ok;
  std::move(shape_).finish(p_);
  if (auto ok = table_costs(root, place); !ok) return ok;
  if (auto ok = table_extras(root, place); !ok) return ok;
  const value* forbidden = root.if_contains("forbidden");
  if (forbidden == nullptr) return {};
  const Place at{&place, "forbidden"};
  std::vector<double> marks;
  if (auto ok = table_rows(*forbidden, at, marks, false, Sign::kNotNegative); !ok) return ok;
  for (const double mark : marks) {
    if (mark != 0 && mark != 1) return at.wrong("holds " + to_text(mark) + "; marks are 0 and 1");
    p_.forbidden.push_back(mark != 0 ? 1 : 0);
  }
  some_forbidden_ = true;
  return {};
}

Result<StatedProblem> Reader::read(const value& document) {
  const Place place;
  if (!document.is_object()) return place.wrong("must be an object with items, or with value and cost");
  const object& root = document.get_object();
  const value* list_of_items = root.if_contains("items");
  const bool is_table = root.contains("value");
  if ((list_of_items != nullptr) == is_table) return place.wrong("must have either items, or value and cost");
  if (auto ok = is_table ? only(root, place,
                                {"value", "cost", "item_names", "option_names", "group", "minimum", "forbidden",
                                 "budget", "groups", "minimise", "method", "sense", "gap", "time_limit_s", "explain"})
                         : only(root, place,
                                {"items", "budget", "groups", "minimise", "method", "sense", "gap", "time_limit_s",
                                 "explain"});
      !ok)
    return tl::unexpected(ok.error());
  for (const auto part : {&Reader::settings, &Reader::budget, &Reader::groups}) {
    if (auto ok = (this->*part)(root, place); !ok) return tl::unexpected(ok.error());
  }
  if (auto ok = is_table ? table(root, place) : items(*list_of_items, {&place, "items"}); !ok)
    return tl::unexpected(ok.error());
  if (!is_table) std::move(shape_).finish(p_);
  p_.cost = std::move(cost_.front());
  for (std::size_t r = 1; r < cost_.size(); ++r) p_.cost.insert(p_.cost.end(), cost_[r].begin(), cost_[r].end());
  p_.item_names = std::move(item_names_).take();
  if (!some_minimum_) p_.minimum.clear();
  if (!some_forbidden_) p_.forbidden.clear();
  if (!some_group_ && !caps_.empty()) return place.wrong("has groups, and no item names its group");
  for (std::uint32_t g = 0; some_group_ && g < group_names_.size(); ++g) {
    p_.groups.push_back({.name = group_names_.name(g), .cap = g < caps_.size() ? caps_[g] : HUGE_VAL});
  }
  return std::move(stated_);
}

}  // namespace

Result<StatedProblem> read_problem_json(std::string_view text, const ReadLimits& limits) {
  auto document = parse_json(text, {.max_bytes = limits.max_bytes, .max_depth = 8});
  if (!document) return tl::unexpected(document.error());
  return Reader(limits).read(*document);
}

}  // namespace bursar::allocate
