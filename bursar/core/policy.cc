#include "bursar/core/policy.h"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <charconv>
#include <cmath>

#include "bursar/core/json.h"

namespace bursar {
namespace {

constexpr std::size_t kMostResources = 4096;
constexpr std::size_t kMostNumbers = 1 << 20;

// As a person writes it: 0.5, 20000, 1e-09.
std::string number_text(double x) {
  std::array<char, 32> text{};
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), x).ptr};
}

std::string value_text(const boost::json::value& v) { return v.is_double() ? number_text(v.get_double()) : to_json(v); }

std::string range_text(const PolicyParameter& p) {
  if (std::isinf(p.low) && std::isinf(p.high)) return "";
  if (std::isinf(p.high)) return " of at least " + number_text(p.low);
  if (std::isinf(p.low)) return " of at most " + number_text(p.high);
  return " from " + number_text(p.low) + " to " + number_text(p.high);
}

std::optional<double> as_number(const boost::json::value& v) {
  if (v.is_double()) return v.get_double();
  if (v.is_int64()) return static_cast<double>(v.get_int64());
  if (v.is_uint64()) return static_cast<double>(v.get_uint64());
  return std::nullopt;
}

bool in_range(const PolicyParameter& p, double x) { return std::isfinite(x) && x >= p.low && x <= p.high; }

bool fits(const PolicyParameter& p, const boost::json::value& v) {
  switch (p.kind) {
    case ParameterKind::kNumber: {
      const auto x = as_number(v);
      return x && in_range(p, *x);
    }
    case ParameterKind::kInteger: return (v.is_int64() || v.is_uint64()) && in_range(p, *as_number(v));
    case ParameterKind::kFlag: return v.is_bool();
    case ParameterKind::kText:
      return v.is_string() &&
             (p.choices.empty() || std::ranges::find(p.choices, std::string_view(v.get_string())) != p.choices.end());
    case ParameterKind::kNumbers:
      return v.is_array() && v.get_array().size() <= kMostNumbers &&
             std::ranges::all_of(v.get_array(), [&](const boost::json::value& e) {
               const auto x = as_number(e);
               return x && in_range(p, *x);
             });
  }
  return false;
}

std::string wanted(const PolicyParameter& p) {
  switch (p.kind) {
    case ParameterKind::kNumber: return "a number" + range_text(p);
    case ParameterKind::kInteger: return "an integer" + range_text(p);
    case ParameterKind::kFlag: return "true or false";
    case ParameterKind::kNumbers: return "a list of numbers" + range_text(p);
    case ParameterKind::kText: break;
  }
  std::string out;
  for (std::size_t i = 0; i < p.choices.size(); ++i) {
    out += (i == 0 ? "" : i + 1 == p.choices.size() ? " or " : ", ") + std::string(p.choices[i]);
  }
  return out.empty() ? "a text" : out;
}

std::string parameter_names(const PolicyEntry& entry) {
  std::string out;
  for (const PolicyParameter& p : entry.parameters) out += (out.empty() ? "" : ", ") + std::string(p.name);
  return out.empty() ? "none" : out;
}

Result<void> check_setup(const PolicySetup& setup) {
  if (setup.budget.empty() || setup.budget.size() > kMostResources) {
    return invalid_argument("budget: has " + std::to_string(setup.budget.size()) + " resources; give 1 to " +
                            std::to_string(kMostResources));
  }
  if (!setup.resource_names.empty() && setup.resource_names.size() != setup.budget.size()) {
    return invalid_argument("budget: " + std::to_string(setup.resource_names.size()) + " names for " +
                            std::to_string(setup.budget.size()) + " resources");
  }
  for (std::size_t j = 0; j < setup.budget.size(); ++j) {
    if (std::isfinite(setup.budget[j]) && setup.budget[j] > 0) continue;
    const std::string name = setup.resource_names.empty() ? "resource " + std::to_string(j) : setup.resource_names[j];
    return invalid_argument("budget of " + name + ": must be a positive number, is " + number_text(setup.budget[j]));
  }
  return {};
}

// The value of one "key=value" of the command line.
boost::json::value word_value(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  if (text.size() >= 2 && text.front() == '[' && text.back() == ']') {
    boost::json::array out;
    for (std::string_view rest = text.substr(1, text.size() - 2); !rest.empty();) {
      const std::size_t end = std::min(rest.find(';'), rest.size());
      out.push_back(word_value(rest.substr(0, end)));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return out;
  }
  const char* const end = text.data() + text.size();
  std::int64_t whole = 0;
  if (const auto [stop, error] = std::from_chars(text.data(), end, whole); error == std::errc{} && stop == end) {
    return whole;
  }
  double number = 0;
  if (const auto [stop, error] = std::from_chars(text.data(), end, number);
      error == std::errc{} && stop == end && std::isfinite(number)) {
    return number;
  }
  return boost::json::string(text);
}

}  // namespace

std::string_view name_of(DecisionReason reason) {
  switch (reason) {
    case DecisionReason::kBest: return "best";
    case DecisionReason::kNothingPays: return "nothing_pays";
    case DecisionReason::kBudget: return "budget";
    case DecisionReason::kChance: return "chance";
    case DecisionReason::kReserved: return "reserved";
  }
  return "unknown";
}

const PolicyEntry* find_policy(PolicyTable table, std::string_view name) {
  const auto found = std::ranges::find(table, name, &PolicyEntry::name);
  return found == table.end() ? nullptr : &*found;
}

Result<const PolicyEntry*> policy_named(PolicyTable table, std::string_view name) {
  if (const PolicyEntry* found = find_policy(table, name)) return found;
  std::string all;
  for (const PolicyEntry& entry : table) all += (all.empty() ? "" : ", ") + std::string(entry.name);
  return fail(ErrorCode::kNotFound, "there is no policy " + json_string(name) + "; there are " + all);
}

Result<boost::json::object> complete_parameters(const PolicyEntry& entry, const boost::json::object& given) {
  const std::string where = "policy " + std::string(entry.name) + ": ";
  for (const auto& member : given) {
    if (std::ranges::find(entry.parameters, std::string_view(member.key()), &PolicyParameter::name) ==
        entry.parameters.end()) {
      return invalid_argument(where + "has no parameter " + json_string(member.key()) + "; it has " +
                              parameter_names(entry));
    }
  }
  boost::json::object out;
  for (const PolicyParameter& p : entry.parameters) {
    const auto* found = given.if_contains(p.name);
    if (found == nullptr && p.preset.empty()) {
      return invalid_argument(where + "needs " + std::string(p.name) + ", " + wanted(p) + " (" + std::string(p.about) +
                              ")");
    }
    if (found == nullptr) {
      auto preset = parse_json(p.preset);
      if (!preset) return tl::unexpected(with_context(where + std::string(p.name), preset.error()));
      out[p.name] = std::move(*preset);
      continue;
    }
    if (!fits(p, *found)) {
      return invalid_argument(where + std::string(p.name) + " must be " + wanted(p) + ", is " + value_text(*found));
    }
    out[p.name] = *found;
  }
  return out;
}

Result<std::unique_ptr<Policy>> make_policy(const PolicyEntry& entry, PolicySetup setup) {
  if (auto ok = check_setup(setup); !ok) return tl::unexpected(ok.error());
  auto parameters = complete_parameters(entry, setup.parameters);
  if (!parameters) return tl::unexpected(parameters.error());
  setup.parameters = std::move(*parameters);
  return entry.make(setup);
}

Result<std::unique_ptr<Policy>> restore_policy(PolicyTable table, const boost::json::value& saved) {
  auto name = JsonView(saved).string_at("policy", 256);
  if (!name) return tl::unexpected(name.error());
  auto entry = policy_named(table, *name);
  if (!entry) return tl::unexpected(entry.error());
  return (*entry)->restore(saved.get_object());
}

Result<PolicyWords> parse_policy_words(std::string_view text) {
  PolicyWords words;
  const std::size_t colon = std::min(text.find(':'), text.size());
  words.name = text.substr(0, colon);
  const std::string where = "policy '" + std::string(text) + "': ";
  if (words.name.empty()) return invalid_argument(where + "has no name; write NAME or NAME:parameter=value,…");
  std::string_view rest = text.substr(std::min(colon + 1, text.size()));
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(','), rest.size());
    const std::string_view word = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const std::size_t equals = word.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      return invalid_argument(where + "'" + std::string(word) + "' is not parameter=value");
    }
    const std::string_view key = word.substr(0, equals);
    if (words.parameters.contains(key)) return invalid_argument(where + "gives " + std::string(key) + " twice");
    words.parameters[key] = word_value(word.substr(equals + 1));
  }
  return words;
}

}  // namespace bursar
