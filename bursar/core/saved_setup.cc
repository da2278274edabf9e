#include "bursar/core/saved_setup.h"

#include <algorithm>
#include <boost/json/array.hpp>

#include "bursar/core/saved_numbers.h"

namespace bursar {

boost::json::object save_setup(std::string_view policy, const PolicySetup& setup) {
  boost::json::array names;
  for (const std::string& name : setup.resource_names) names.emplace_back(name);
  return {{"policy", policy},
          {"budget", saved_numbers(setup.budget)},
          {"resources", std::move(names)},
          {"horizon", setup.horizon},
          {"parameters", setup.parameters}};
}

Result<PolicySetup> saved_setup(const boost::json::object& saved, const PolicyEntry& entry) {
  const auto corrupt = [](std::string_view what) {
    return fail(ErrorCode::kCorrupt, "saved state: " + std::string(what));
  };
  const auto* budget = saved.if_contains("budget");
  if (budget == nullptr || !budget->is_array()) return corrupt("has no budget");
  SavedNumbers from(saved);
  PolicySetup setup;
  setup.budget = from.numbers("budget", budget->get_array().size());
  setup.horizon = from.count("horizon");
  if (auto ok = from.check(); !ok) return tl::unexpected(ok.error());
  if (setup.budget.empty() || !std::ranges::all_of(setup.budget, [](double b) { return b > 0; })) {
    return corrupt("its budget cannot be");
  }
  if (const auto* names = saved.if_contains("resources"); names != nullptr && names->is_array()) {
    for (const auto& name : names->get_array()) {
      if (!name.is_string()) return corrupt("its resources cannot be");
      setup.resource_names.emplace_back(name.get_string());
    }
  }
  if (!setup.resource_names.empty() && setup.resource_names.size() != setup.budget.size()) {
    return corrupt("its resources cannot be");
  }
  const auto* parameters = saved.if_contains("parameters");
  if (parameters == nullptr || !parameters->is_object()) return corrupt("has no parameters");
  auto complete = complete_parameters(entry, parameters->get_object());
  if (!complete) return corrupt(complete.error().message);
  setup.parameters = std::move(*complete);
  return setup;
}

}  // namespace bursar
