#include "bursar/broker/pipeline/contract.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/static_resource.hpp>
#include <cmath>

#include "bursar/broker/pipeline/contract_schema.h"
#include "bursar/broker/pipeline/raw_json.h"
#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

namespace json = boost::json;
using schema::kNone;
using schema::Node;
using schema::NodeId;
using schema::Program;

std::size_t code_points(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

bool is_whole(double number) { return std::isfinite(number) && std::floor(number) == number; }

std::uint8_t type_of(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null: return schema::kNull;
    case json::kind::bool_: return schema::kBoolean;
    case json::kind::int64:
    case json::kind::uint64: return schema::kInteger;
    case json::kind::double_: return is_whole(value.get_double()) ? schema::kInteger : schema::kNumber;
    case json::kind::string: return schema::kString;
    case json::kind::array: return schema::kArray;
    case json::kind::object: return schema::kObject;
  }
  return 0;
}

std::string types_text(std::uint8_t types) {
  constexpr std::pair<std::uint8_t, std::string_view> kNames[] = {
      {schema::kObject, "an object"}, {schema::kArray, "an array"},     {schema::kString, "a string"},
      {schema::kNumber, "a number"},  {schema::kInteger, "an integer"}, {schema::kBoolean, "true or false"},
      {schema::kNull, "null"}};
  std::string out;
  for (const auto& [bit, name] : kNames) {
    if ((types & bit) == 0 || (bit == schema::kInteger && (types & schema::kNumber) != 0)) continue;
    if (!out.empty()) out += " or ";
    out += name;
  }
  return out;
}

std::string short_text(const json::value& value) {
  constexpr std::size_t kMax = 80;
  return std::string(utf8_prefix(to_json(value), kMax));
}

std::string number_text(double value) {
  if (is_whole(value) && std::abs(value) < 1e15) return std::to_string(static_cast<std::int64_t>(value));
  return short_text(json::value(value));
}

// Where in the instance we are; printed only when something is wrong.
struct Place {
  const Place* parent = nullptr;
  std::string_view name;
  std::size_t index = 0;
  bool is_index = false;
};

std::string to_text(const Place& place) {
  std::string out = place.parent == nullptr ? std::string{} : to_text(*place.parent);
  if (place.is_index) return out + "[" + std::to_string(place.index) + "]";
  constexpr std::size_t kMaxName = 64;
  if (!out.empty()) out += '.';
  return out.append(utf8_prefix(place.name, kMaxName));
}

class Run {
 public:
  explicit Run(const Program& program) : program_(program) {}

  std::vector<std::string> check(const json::value& instance, std::string_view root) {
    const Place place{.name = root};
    fits(program_.root, instance, place, 0);
    if (spent_) return {std::string(root) + ": is too large or too deep to be checked against the schema"};
    return std::move(hints_);
  }

 private:
  // While somebody only asks (not, anyOf, if …) nothing is written down.
  bool quietly(NodeId id, const json::value& value, const Place& place, std::size_t depth) {
    ++quiet_;
    const bool ok = fits(id, value, place, depth);
    --quiet_;
    return ok;
  }

  bool wrong(const Place& place, std::string_view what) {
    if (quiet_ == 0 && hints_.size() < Contract::kMaxHints) {
      std::string hint = to_text(place);
      hint += ": ";
      hint += what;
      hints_.push_back(std::move(hint));
    }
    return false;
  }

  bool pay(std::size_t steps = 1) {
    work_ += steps;
    if (work_ > Contract::kMaxWork) spent_ = true;
    return !spent_;
  }

  bool fits(NodeId id, const json::value& value, const Place& place, std::size_t depth) {
    // Two levels of a schema may stand for one of the instance (allOf, $ref), and circles of $ref must end.
    constexpr std::size_t kMaxLevels = 4 * Contract::kMaxDepth;
    if (depth > kMaxLevels) spent_ = true;
    if (!pay()) return true;
    const Node& node = program_.nodes[id];
    if (node.accepts_nothing) return wrong(place, "is not allowed");
    if (node.types != 0 && (type_of(value) & node.types) == 0) return wrong(place, "must be " + types_text(node.types));
    bool ok = true;
    if (node.reference != kNone) ok = fits(node.reference, value, place, depth + 1) && ok;
    if (node.has_values) ok = has_value(node, value, place) && ok;
    switch (value.kind()) {
      case json::kind::int64:
      case json::kind::uint64:
      case json::kind::double_: ok = number_fits(node, value, place) && ok; break;
      case json::kind::string: ok = string_fits(node, value.get_string(), place) && ok; break;
      case json::kind::array: ok = array_fits(node, value.get_array(), place, depth) && ok; break;
      case json::kind::object: ok = object_fits(node, value, place, depth) && ok; break;
      default: break;
    }
    return logic_fits(node, value, place, depth) && ok;
  }

  bool has_value(const Node& node, const json::value& value, const Place& place) {
    for (const json::value& candidate : node.one_of_values) {
      if (equal(candidate, value)) return true;
    }
    if (node.one_of_values.size() == 1) return wrong(place, "must be " + short_text(node.one_of_values[0]));
    std::string list;
    for (const json::value& candidate : node.one_of_values) {
      if (list.size() > 120) {
        list += ", …";
        break;
      }
      list += (list.empty() ? "" : ", ") + short_text(candidate);
    }
    return wrong(place, "must be one of " + list);
  }

  // Equal as JSON Schema means it: 1 and 1.0 are, members in any order are.
  bool equal(const json::value& a, const json::value& b) {
    if (!pay()) return true;
    if (a.is_number() && b.is_number()) {
      if (a.is_double() || b.is_double()) return a.to_number<double>() == b.to_number<double>();
      return a == b;
    }
    if (a.kind() != b.kind()) return false;
    if (const auto* text = a.if_string()) return pay(text->size() / 16) && *text == b.get_string();
    if (const auto* array = a.if_array()) {
      return std::ranges::equal(*array, b.get_array(),
                                [&](const json::value& x, const json::value& y) { return equal(x, y); });
    }
    if (const auto* object = a.if_object()) {
      const auto& other = b.get_object();
      if (object->size() != other.size()) return false;
      return std::ranges::all_of(*object, [&](const auto& member) {
        const auto* value = other.if_contains(member.key());
        return value != nullptr && equal(member.value(), *value);
      });
    }
    return a == b;
  }

  bool number_fits(const Node& node, const json::value& value, const Place& place) {
    if (!node.minimum && !node.maximum && !node.exclusive_minimum && !node.exclusive_maximum && !node.multiple_of)
      return true;
    const double x = value.to_number<double>();
    bool ok = true;
    if (node.minimum && x < *node.minimum) ok = wrong(place, "must be at least " + number_text(*node.minimum));
    if (node.maximum && x > *node.maximum) ok = wrong(place, "must be at most " + number_text(*node.maximum));
    if (node.exclusive_minimum && x <= *node.exclusive_minimum)
      ok = wrong(place, "must be more than " + number_text(*node.exclusive_minimum));
    if (node.exclusive_maximum && x >= *node.exclusive_maximum)
      ok = wrong(place, "must be less than " + number_text(*node.exclusive_maximum));
    if (node.multiple_of) {
      const double quotient = x / *node.multiple_of;
      // 0.0075 is a multiple of 0.0001 although neither is a binary fraction.
      const bool whole = std::isfinite(quotient) &&
                         std::abs(quotient - std::round(quotient)) <= 1e-9 * std::max(1.0, std::abs(quotient) * 1e-3);
      if (!whole) ok = wrong(place, "must be a multiple of " + number_text(*node.multiple_of));
    }
    return ok;
  }

  bool string_fits(const Node& node, const json::string& text, const Place& place) {
    const std::string_view view(text.data(), text.size());
    bool ok = true;
    if (node.min_length || node.max_length) {
      pay(view.size() / 64);
      const std::size_t length = code_points(view);
      if (node.min_length && length < *node.min_length)
        ok = wrong(place, "must have at least " + std::to_string(*node.min_length) + " characters");
      if (node.max_length && length > *node.max_length)
        ok = wrong(place, "must have at most " + std::to_string(*node.max_length) + " characters");
    }
    if (node.pattern && !matches(*node.pattern, view))
      ok = wrong(place, "must match " + std::string(utf8_prefix(node.pattern->pattern(), 80)));
    return ok;
  }

  bool matches(const RE2& pattern, std::string_view text) {
    if (!pay(1 + text.size() / 8)) return true;
    return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), pattern);
  }

  bool array_fits(const Node& node, const json::array& array, const Place& place, std::size_t depth) {
    bool ok = true;
    if (node.min_items && array.size() < *node.min_items)
      ok = wrong(place, "must have at least " + std::to_string(*node.min_items) + " items");
    if (node.max_items && array.size() > *node.max_items)
      ok = wrong(place, "must have at most " + std::to_string(*node.max_items) + " items");
    for (std::size_t i = 0; i < array.size() && !spent_; ++i) {
      const NodeId item = i < node.prefix_items.size() ? node.prefix_items[i] : node.items;
      if (item == kNone) break;
      const Place at{.parent = &place, .name = {}, .index = i, .is_index = true};
      ok = fits(item, array[i], at, depth + 1) && ok;
    }
    if (node.contains != kNone) ok = contains_fits(node, array, place, depth) && ok;
    if (node.unique_items) ok = unique_fits(array, place) && ok;
    return ok;
  }

  bool contains_fits(const Node& node, const json::array& array, const Place& place, std::size_t depth) {
    std::size_t found = 0;
    for (const json::value& item : array) {
      if (quietly(node.contains, item, place, depth + 1)) ++found;
      if (spent_) return true;
    }
    if (found < node.min_contains.value_or(1)) return wrong(place, "lacks an item that must be there");
    if (node.max_contains && found > *node.max_contains) return wrong(place, "has too many items of one kind");
    return true;
  }

  bool unique_fits(const json::array& array, const Place& place) {
    for (std::size_t i = 0; i < array.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        if (equal(array[i], array[j])) return spent_ || wrong(place, "must not hold the same item twice");
        if (spent_) return true;
      }
    }
    return true;
  }

  bool object_fits(const Node& node, const json::value& value, const Place& place, std::size_t depth) {
    const json::object& object = value.get_object();
    bool ok = true;
    if (node.min_properties && object.size() < *node.min_properties)
      ok = wrong(place, "must have at least " + std::to_string(*node.min_properties) + " members");
    if (node.max_properties && object.size() > *node.max_properties)
      ok = wrong(place, "must have at most " + std::to_string(*node.max_properties) + " members");
    for (const std::string& name : node.required) {
      if (!pay()) return true;
      if (object.if_contains(name) == nullptr) ok = wrong({.parent = &place, .name = name}, "is missing");
    }
    if (!node.properties.empty() || !node.pattern_properties.empty() || node.additional_properties != kNone ||
        node.property_names != kNone) {
      for (const auto& member : object) {
        if (spent_) return true;
        ok = member_fits(node, member, place, depth) && ok;
      }
    }
    for (const auto& [name, needed] : node.dependent_required) {
      if (!pay(needed.size()) || object.if_contains(name) == nullptr) continue;
      for (const std::string& other : needed) {
        if (object.if_contains(other) == nullptr)
          ok = wrong({.parent = &place, .name = other}, "is missing, since " + name + " is given");
      }
    }
    for (const auto& [name, id] : node.dependent_schemas) {
      if (object.if_contains(name) != nullptr) ok = fits(id, value, place, depth + 1) && ok;
    }
    return ok;
  }

  bool member_fits(const Node& node, const json::key_value_pair& member, const Place& place, std::size_t depth) {
    const std::string_view name(member.key().data(), member.key().size());
    const Place at{.parent = &place, .name = name};
    bool ok = true, known = false;
    const auto property = std::ranges::lower_bound(node.properties, name, {},
                                                   [](const auto& entry) -> std::string_view { return entry.first; });
    if (property != node.properties.end() && property->first == name) {
      known = true;
      ok = fits(property->second, member.value(), at, depth + 1);
    }
    for (const auto& [pattern, id] : node.pattern_properties) {
      if (!matches(*pattern, name)) continue;
      known = true;
      ok = fits(id, member.value(), at, depth + 1) && ok;
    }
    if (!known && node.additional_properties != kNone) {
      if (program_.nodes[node.additional_properties].accepts_nothing) {
        ok = wrong(at, "is unknown");
      } else {
        ok = fits(node.additional_properties, member.value(), at, depth + 1) && ok;
      }
    }
    if (node.property_names != kNone &&
        !quietly(node.property_names, json::value(json::string_view(name.data(), name.size())), at, depth + 1)) {
      ok = wrong(at, "is no allowed name");
    }
    return ok;
  }

  bool logic_fits(const Node& node, const json::value& value, const Place& place, std::size_t depth) {
    bool ok = true;
    for (const NodeId id : node.all_of) ok = fits(id, value, place, depth + 1) && ok;
    if (!node.any_of.empty() &&
        !std::ranges::any_of(node.any_of, [&](NodeId id) { return quietly(id, value, place, depth + 1); })) {
      ok = node.any_of.size() == 1 ? fits(node.any_of[0], value, place, depth + 1)
                                   : wrong(place, "fits none of the allowed forms");
    }
    if (!node.exactly_one_of.empty()) {
      const auto count =
          std::ranges::count_if(node.exactly_one_of, [&](NodeId id) { return quietly(id, value, place, depth + 1); });
      if (count == 0) ok = wrong(place, "fits none of the allowed forms");
      if (count > 1) ok = wrong(place, "fits more than one of the allowed forms");
    }
    if (node.negated != kNone && quietly(node.negated, value, place, depth + 1) && !spent_)
      ok = wrong(place, "has a form that is not allowed");
    if (node.condition != kNone) {
      const NodeId then = quietly(node.condition, value, place, depth + 1) ? node.consequence : node.alternative;
      if (then != kNone) ok = fits(then, value, place, depth + 1) && ok;
    }
    return ok;
  }

  const Program& program_;
  std::vector<std::string> hints_;
  std::size_t work_ = 0;
  int quiet_ = 0;
  bool spent_ = false;  // the work is used up: every answer from here on means nothing
};

}  // namespace

struct Contract::Compiled {
  Program program;
};

Contract::Contract(std::unique_ptr<Compiled> compiled) : compiled_(std::move(compiled)) {}
Contract::~Contract() = default;

Result<std::shared_ptr<const Contract>> Contract::compile(std::string_view schema) {
  auto program = schema::compile(schema);
  if (!program) return tl::unexpected(with_context("schema", program.error()));
  return std::shared_ptr<const Contract>(new Contract(std::make_unique<Compiled>(Compiled{std::move(*program)})));
}

const std::vector<std::string>& Contract::ignored() const { return compiled_->program.ignored; }

std::vector<std::string> Contract::check(std::string_view instance, std::string_view root) const {
  if (instance.empty()) instance = "{}";
  // Arguments are small: their document lives on the stack and is dropped as a whole.
  unsigned char buffer[4096];
  json::monotonic_resource memory(buffer, sizeof buffer);
  json::parse_options options;
  options.max_depth = kMaxDepth;
  boost::system::error_code error;
  const json::value value = json::parse(json::string_view(instance.data(), instance.size()), error, &memory, options);
  if (error) return {std::string(root) + ": is no JSON that can be checked (" + error.message() + ")"};
  return Run(compiled_->program).check(value, root);
}

std::shared_ptr<const Contract> ContractCache::get(std::string_view schema) {
  if (schema.empty()) return nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (const auto it = index_.find(schema); it != index_.end()) {
      entries_.splice(entries_.begin(), entries_, it->second);
      return it->second->contract;
    }
  }
  // Compiled outside the lock; two threads that race compile the same thing twice and keep one.
  auto compiled = Contract::compile(schema);
  std::shared_ptr<const Contract> contract = compiled ? *compiled : nullptr;
  const std::lock_guard lock(mutex_);
  if (const auto it = index_.find(schema); it != index_.end()) return it->second->contract;
  while (!entries_.empty() && (entries_.size() >= kMaxEntries || bytes_ + schema.size() > kMaxBytes)) {
    bytes_ -= entries_.back().schema.size();
    index_.erase(entries_.back().schema);
    entries_.pop_back();
  }
  bytes_ += schema.size();
  entries_.push_front({.schema = std::string(schema), .contract = contract});
  index_.emplace(entries_.front().schema, entries_.begin());
  return contract;
}

}  // namespace bursar::broker
