#include "bursar/broker/decide_door/decide_check.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <cmath>
#include <set>
#include <vector>

#include "bursar/admit/policies.h"
#include "bursar/explore/policies.h"

namespace bursar::broker {
namespace {

constexpr std::string_view kNameBytes = "abcdefghijklmnopqrstuvwxyz0123456789_-";

}  // namespace

PolicyTable decide_policies() {
  static const std::vector<PolicyEntry> table = [] {
    std::vector<PolicyEntry> all;
    for (const PolicyTable part : {admit::policies(), explore::policies()}) {
      all.insert(all.end(), part.begin(), part.end());
    }
    return all;
  }();
  return table;
}

bool learns_rewards(const DecideConfig& config) {
  const auto words = parse_policy_words(config.policy);
  return words && find_policy(explore::policies(), words->name) != nullptr;
}

double whole_units(Amount amount) {
  return static_cast<double>(amount.units) / std::pow(10.0, amount.resource.decimals());
}

Result<std::unique_ptr<Policy>> make_decider(const DecideConfig& config, std::span<const double> prices) {
  const auto words = parse_policy_words(config.policy);
  if (!words) return tl::unexpected(words.error());
  const auto entry = policy_named(decide_policies(), words->name);
  if (!entry) return tl::unexpected(entry.error());
  PolicySetup setup{.horizon = config.horizon, .parameters = words->parameters};
  for (const Amount& amount : config.budget.items()) {
    setup.budget.push_back(whole_units(amount));
    setup.resource_names.emplace_back(amount.resource.name());
  }
  const bool priced = std::ranges::any_of(prices, [](double price) { return price > 0; });
  if (priced &&
      std::ranges::find((*entry)->parameters, "initial_prices", &PolicyParameter::name) != (*entry)->parameters.end()) {
    setup.parameters["initial_prices"] = boost::json::array(prices.begin(), prices.end());
  }
  return make_policy(**entry, std::move(setup));
}

Result<std::optional<ledger::Window>> window_of(const DecideConfig& config) {
  if (config.window.empty()) return std::optional<ledger::Window>();
  auto window = ledger::parse_window(config.window);
  if (!window) return tl::unexpected(window.error());
  using ledger::WindowKind;
  if (window->kind == WindowKind::kTotal || window->kind == WindowKind::kRate) {
    return invalid_argument("must be day, week or month, and perhaps a time zone, is \"" + config.window + "\"");
  }
  return std::optional(std::move(*window));
}

void check_policies(const Config& config, const ReportProblem& wrong) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < config.policies.size(); ++i) {
    const DecideConfig& one = config.policies[i];
    const auto say = [&](std::string_view field, std::string_view what) { wrong("policies", i, field, what); };
    if (one.name.empty() || one.policy.empty() || one.account.empty()) continue;  // reported as missing
    if (one.name.size() > 32 || one.name.find_first_not_of(kNameBytes) != std::string::npos) {
      say("name", "must be 1 to 32 of a-z 0-9 _ -");
    }
    if (!names.insert(one.name).second) say("name", "\"" + one.name + "\" stands twice");
    const bool listed =
        std::ranges::any_of(config.accounts, [&](const ledger::AccountSpec& a) { return a.path == one.account; });
    if (!listed) say("account", "\"" + one.account + "\" is not among the accounts; list it");
    if (const auto window = window_of(one); !window) say("window", window.error().message);
    if (one.budget.empty()) {
      say("budget", "is missing; write amounts such as \"100 usd\"");
    } else if (std::ranges::any_of(one.budget.items(), [](const Amount& a) { return a.units <= 0; })) {
      say("budget", "must be above 0 in each resource");
    } else if (const auto made = make_decider(one); !made) {
      say("policy", made.error().message);
    }
  }
}

}  // namespace bursar::broker
