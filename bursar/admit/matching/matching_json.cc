#include "bursar/admit/matching/matching_json.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <limits>
#include <map>
#include <string_view>

#include "bursar/core/json.h"

namespace bursar::admit {
namespace {

constexpr double kMost = std::numeric_limits<double>::max();
constexpr std::size_t kMostItems = 1'000'000;

using Places = std::map<std::string, std::size_t, std::less<>>;

Result<Places> places_of(const std::vector<std::string>& names, const JsonView& at) {
  Places out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!out.emplace(names[i], i).second) return at.wrong("'" + names[i] + "' stands twice");
  }
  return out;
}

Result<std::vector<std::string>> read_items(const JsonView& items) {
  std::vector<std::string> names;
  if (!items.value().is_array()) {
    const auto count = items.as_int(0, kMostItems);
    if (!count) return items.wrong("must be a list of names or a number of items up to 1,000,000");
    for (std::int64_t i = 0; i < *count; ++i) names.push_back(std::to_string(i));
    return names;
  }
  const auto count = items.array_size(kMostItems);
  if (!count) return tl::unexpected(count.error());
  for (std::size_t i = 0; i < *count; ++i) {
    const auto name = items.element(i).and_then([](const JsonView& v) { return v.as_string(256); });
    if (!name) return tl::unexpected(name.error());
    names.emplace_back(*name);
  }
  return names;
}

// A list with a number for each name, or an object by name where the others have 0.
Result<std::vector<double>> read_values(const JsonView& at, const Places& places) {
  std::vector<double> out(places.size(), 0.0);
  if (const auto* object = at.value().if_object()) {
    for (const auto& [key, value] : *object) {
      const auto found = places.find(std::string_view(key));
      if (found == places.end()) return at.wrong("there is no '" + std::string(key) + "'");
      const auto number = JsonView(value, at.path() + "." + std::string(key)).as_double(0, kMost);
      if (!number) return tl::unexpected(number.error());
      out[found->second] = *number;
    }
    return out;
  }
  const auto count = at.array_size();
  if (!count) return tl::unexpected(count.error());
  if (*count != places.size())
    return at.wrong("has " + std::to_string(*count) + " numbers for " + std::to_string(places.size()) + " names");
  for (std::size_t i = 0; i < *count; ++i) {
    const auto number = at.element(i).and_then([](const JsonView& v) { return v.as_double(0, kMost); });
    if (!number) return tl::unexpected(number.error());
    out[i] = *number;
  }
  return out;
}

Result<BuyerType> read_type(const JsonView& at, const Places& items, std::string& name) {
  if (auto ok = at.only({"name", "probability", "value"}); !ok) return tl::unexpected(ok.error());
  const auto probability = at.double_at("probability", 0, 1);
  if (!probability) return tl::unexpected(probability.error());
  const auto given = at.find("name");
  if (!given) return tl::unexpected(given.error());
  if (*given) {
    const auto text = (*given)->as_string(256);
    if (!text) return tl::unexpected(text.error());
    name = *text;
  }
  auto value = at.at("value").and_then([&](const JsonView& v) { return read_values(v, items); });
  if (!value) return tl::unexpected(value.error());
  return BuyerType{.probability = *probability, .value = std::move(*value)};
}

Result<void> read_period(const JsonView& at, const Places& items, NamedMatching& out) {
  Period& period = out.matching.periods.emplace_back();
  auto& names = out.types.emplace_back();
  const auto types = at.find("types");
  if (!types) return tl::unexpected(types.error());
  if (!*types) {
    auto type = read_type(at, items, names.emplace_back("0"));
    if (!type) return tl::unexpected(type.error());
    period.types.push_back(std::move(*type));
    return {};
  }
  if (auto ok = at.only({"types"}); !ok) return ok;
  const auto count = (*types)->array_size(10'000);
  if (!count) return tl::unexpected(count.error());
  for (std::size_t j = 0; j < *count; ++j) {
    auto type = (*types)->element(j).and_then(
        [&](const JsonView& v) { return read_type(v, items, names.emplace_back(std::to_string(j))); });
    if (!type) return tl::unexpected(type.error());
    period.types.push_back(std::move(*type));
  }
  return places_of(names, **types).map([](const Places&) {});
}

Result<void> read_goal_weights(const JsonView& at, NamedGoals& out) {
  if (const auto* object = at.value().if_object()) {
    for (const auto& [key, value] : *object) {
      const auto weight = JsonView(value, at.path() + "." + std::string(key)).as_double(0, kMost);
      if (!weight) return tl::unexpected(weight.error());
      out.goals.emplace_back(key);
      out.instance.weight.push_back(*weight);
    }
    return {};
  }
  const auto count = at.array_size(kMostItems);
  if (!count) return tl::unexpected(count.error());
  for (std::size_t u = 0; u < *count; ++u) {
    const auto weight = at.element(u).and_then([](const JsonView& v) { return v.as_double(0, kMost); });
    if (!weight) return tl::unexpected(weight.error());
    out.goals.push_back(std::to_string(u));
    out.instance.weight.push_back(*weight);
  }
  return {};
}

}  // namespace

Result<NamedMatching> read_matching(const boost::json::value& document) {
  const JsonView root(document);
  if (auto ok = root.only({"items", "periods"}); !ok) return tl::unexpected(ok.error());
  NamedMatching out;
  const auto items = root.at("items"), periods = root.at("periods");
  if (!items) return tl::unexpected(items.error());
  if (!periods) return tl::unexpected(periods.error());
  auto names = read_items(*items);
  if (!names) return tl::unexpected(names.error());
  out.items = std::move(*names);
  out.matching.items = out.items.size();
  const auto places = places_of(out.items, *items);
  if (!places) return tl::unexpected(places.error());
  const auto count = periods->array_size(kMostItems);
  if (!count) return tl::unexpected(count.error());
  for (std::size_t t = 0; t < *count; ++t) {
    auto ok = periods->element(t).and_then([&](const JsonView& v) { return read_period(v, *places, out); });
    if (!ok) return tl::unexpected(ok.error());
  }
  if (auto ok = check(out.matching); !ok) return tl::unexpected(ok.error());
  return out;
}

Result<NamedGoals> read_goals(const boost::json::value& document) {
  const JsonView root(document);
  if (auto ok = root.only({"goals", "slots"}); !ok) return tl::unexpected(ok.error());
  NamedGoals out;
  const auto goals = root.at("goals"), slots = root.at("slots");
  if (!goals) return tl::unexpected(goals.error());
  if (!slots) return tl::unexpected(slots.error());
  if (auto ok = read_goal_weights(*goals, out); !ok) return tl::unexpected(ok.error());
  const auto places = places_of(out.goals, *goals);
  if (!places) return tl::unexpected(places.error());
  const auto count = slots->array_size();
  if (!count) return tl::unexpected(count.error());
  for (std::size_t v = 0; v < *count; ++v) {
    const auto p = slots->element(v).and_then([&](const JsonView& at) { return read_values(at, *places); });
    if (!p) return tl::unexpected(p.error());
    auto& slot = out.instance.slots.emplace_back();
    for (std::size_t u = 0; u < p->size(); ++u) {
      if ((*p)[u] > 0) slot.push_back({.goal = u, .probability = (*p)[u]});
    }
  }
  if (auto ok = check(out.instance); !ok) return tl::unexpected(ok.error());
  return out;
}

Result<std::variant<NamedMatching, NamedGoals>> read_match_document(const boost::json::value& document) {
  using Either = std::variant<NamedMatching, NamedGoals>;
  const auto* object = document.if_object();
  if (object != nullptr && object->contains("periods"))
    return read_matching(document).map([](NamedMatching m) -> Either { return m; });
  if (object != nullptr && object->contains("slots"))
    return read_goals(document).map([](NamedGoals g) -> Either { return g; });
  return invalid_argument("$: must be an object with items and periods, or with goals and slots");
}

}  // namespace bursar::admit
