#include "bursar/broker/decide_door/decide_request.h"

#include <algorithm>
#include <array>
#include <boost/json/object.hpp>
#include <charconv>
#include <cmath>

#include "bursar/broker/decide_door/decide_check.h"

namespace bursar::broker {
namespace {

constexpr double kMost = 1e12;           // of a cost or a reward
constexpr double kRoundingSlack = 1e-6;  // of a smallest unit: 0.29 usd is 290,000 of them, whatever doubles say

// Members of a cost, written to `out` by resource.
Result<void> read_costs(const JsonView& costs, const Resources& resources, std::span<double> out) {
  const auto* object = costs.value().if_object();
  if (object == nullptr) return costs.wrong("must be an object of resources and numbers");
  for (const auto& [key, unused] : *object) {
    const auto found = std::ranges::find(resources, std::string_view(key), &Resource::name);
    if (found == resources.end()) {
      std::string known;
      for (const Resource resource : resources) known.append(known.empty() ? "" : ", ").append(resource.name());
      return costs.wrong("the policy has no budget of '" + std::string(key).substr(0, 64) + "'; it spreads " + known);
    }
    const auto number = costs.double_at(key, 0, kMost);
    if (!number) return tl::unexpected(number.error());
    out[static_cast<std::size_t>(found - resources.begin())] = *number;
  }
  return {};
}

struct ReadOption {
  bool cost = false, hold = false;
};

Result<ReadOption> read_option(const JsonView& option, const Resources& resources, bool learns, DecideRequest& out) {
  if (auto ok = option.only({"reward", "cost", "hold"}); !ok) return tl::unexpected(ok.error());
  if (learns) {
    if (const auto told = option.find("reward"); told && *told) {
      return (*told)->wrong("is for policies that do not learn it; this one does, from what is observed");
    }
    out.rewards.push_back(0);  // not read; as many as there are options
  } else {
    const auto reward = option.double_at("reward", -kMost, kMost);
    if (!reward) return tl::unexpected(reward.error());
    out.rewards.push_back(*reward);
  }
  ReadOption read;
  std::vector<double> cost(resources.size());
  const auto given = option.find("cost");
  if (!given) return tl::unexpected(given.error());
  if (*given) {
    read.cost = true;
    if (auto ok = read_costs(**given, resources, cost); !ok) return tl::unexpected(ok.error());
  }
  std::vector<double> hold = cost;
  const auto most = option.find("hold");
  if (!most) return tl::unexpected(most.error());
  if (*most) {
    read.hold = true;
    if (auto ok = read_costs(**most, resources, hold); !ok) return tl::unexpected(ok.error());
    for (std::size_t j = 0; j < cost.size(); ++j) {
      if (hold[j] < cost[j]) {
        return (*most)->wrong("is below the cost in " + std::string(resources[j].name()) +
                              "; a hold is the most that an option can cost");
      }
    }
  }
  out.costs.insert(out.costs.end(), cost.begin(), cost.end());
  out.holds.insert(out.holds.end(), hold.begin(), hold.end());
  return read;
}

Result<std::vector<double>> read_context(const JsonView& body) {
  const auto found = body.find("context");
  if (!found) return tl::unexpected(found.error());
  std::vector<double> out;
  if (!*found) return out;
  const auto size = (*found)->array_size(kMaxDecideContext);
  if (!size) return tl::unexpected(size.error());
  for (std::size_t i = 0; i < *size; ++i) {
    const auto number = (*found)->element(i).and_then([](const JsonView& v) { return v.as_double(-1e300, 1e300); });
    if (!number) return tl::unexpected(number.error());
    out.push_back(*number);
  }
  return out;
}

}  // namespace

Result<DecideRequest> read_decide(const JsonView& body, const Resources& resources, bool learns) {
  const auto options = body.at("options");
  if (!options) return tl::unexpected(options.error());
  const auto size = options->array_size(kMaxDecideOptions);
  if (!size) return tl::unexpected(size.error());
  if (*size == 0) return options->wrong("needs at least one option");
  DecideRequest out;
  bool any_cost = false, any_hold = false;
  for (std::size_t i = 0; i < *size; ++i) {
    const auto option = options->element(i);
    if (!option) return tl::unexpected(option.error());
    const auto read = read_option(*option, resources, learns, out);
    if (!read) return tl::unexpected(read.error());
    any_cost |= read->cost;
    any_hold |= read->hold;
  }
  if (!any_hold) out.holds.clear();
  if ((*size == 1 || learns) && !any_cost && !any_hold) out.costs.clear();
  auto context = read_context(body);
  if (!context) return tl::unexpected(context.error());
  out.context = std::move(*context);
  return out;
}

Result<ObserveRequest> read_observe(const JsonView& body, const Resources& resources) {
  ObserveRequest out;
  const auto cost = body.find("cost");
  if (!cost) return tl::unexpected(cost.error());
  if (*cost) {
    std::vector<double> costs(resources.size());
    if (auto ok = read_costs(**cost, resources, costs); !ok) return tl::unexpected(ok.error());
    out.cost = amounts_of(costs, resources, Rounding::kNearest);
  }
  const auto reward = body.find("reward");
  if (!reward) return tl::unexpected(reward.error());
  if (*reward) {
    const auto number = (*reward)->as_double(-kMost, kMost);
    if (!number) return tl::unexpected(number.error());
    out.reward = *number;
  }
  return out;
}

std::string to_string(const DecisionName& name) {
  std::array<char, 24> hex{};
  const auto end = std::to_chars(hex.data(), hex.data() + hex.size(), name.run, 16).ptr;
  return name.policy + '.' + std::string(hex.data(), end) + '.' + std::to_string(name.id);
}

std::optional<DecisionName> parse_decision_name(std::string_view text) {
  const std::size_t first = text.find('.'), last = text.rfind('.');
  if (first == std::string_view::npos || first == last || first == 0) return std::nullopt;
  DecisionName out{.policy = std::string(text.substr(0, first))};
  const std::string_view run = text.substr(first + 1, last - first - 1), id = text.substr(last + 1);
  const auto whole = [](std::string_view digits, std::uint64_t& number, int base) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number, base);
    return error == std::errc{} && end == digits.data() + digits.size() && !digits.empty();
  };
  if (!whole(run, out.run, 16) || !whole(id, out.id, 10)) return std::nullopt;
  return out;
}

Amounts amounts_of(std::span<const double> costs, const Resources& resources, Rounding rounding) {
  Amounts out;
  for (std::size_t j = 0; j < resources.size(); ++j) {
    const double units = costs[j] * std::pow(10.0, resources[j].decimals());
    const double whole = rounding == Rounding::kUp ? std::ceil(units - kRoundingSlack) : std::round(units);
    // A policy has no more resources than fit, and the reader bounds what each costs.
    (void)out.set(resources[j], static_cast<std::int64_t>(whole));
  }
  return out;
}

std::vector<double> costs_of(const Amounts& amounts, const Resources& resources) {
  std::vector<double> out;
  for (const Resource resource : resources) out.push_back(whole_units({resource, amounts[resource]}));
  return out;
}

std::string number_json(double number) {
  std::array<char, 40> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  return {text.data(), end};
}

std::string costs_json(std::span<const double> costs, const Resources& resources) {
  std::string out = "{";
  for (std::size_t j = 0; j < resources.size(); ++j) {
    if (j > 0) out += ',';
    append_json_string(out, resources[j].name());
    out += ':' + number_json(costs[j]);
  }
  return out + '}';
}

}  // namespace bursar::broker
