#include "bursar/admit/auction/saved_setup.h"

#include <boost/json/array.hpp>

#include "bursar/admit/saved_numbers.h"

namespace bursar::admit {

Result<PolicySetup> saved_setup(const boost::json::object& saved, const PolicyEntry& entry) {
  const auto corrupt = [](std::string_view what) {
    return fail(ErrorCode::kCorrupt, "saved state: " + std::string(what));
  };
  SavedNumbers from(saved);
  PolicySetup setup;
  setup.budget = from.numbers("budget", 1);
  setup.horizon = from.count("horizon");
  if (auto ok = from.check(); !ok) return tl::unexpected(ok.error());
  if (!(setup.budget.front() > 0)) return corrupt("its budget cannot be");
  if (const auto* names = saved.if_contains("resources"); names != nullptr && names->is_array()) {
    for (const auto& name : names->get_array()) {
      if (!name.is_string()) return corrupt("its resources cannot be");
      setup.resource_names.emplace_back(name.get_string());
    }
  }
  const auto* parameters = saved.if_contains("parameters");
  if (parameters == nullptr || !parameters->is_object()) return corrupt("has no parameters");
  auto complete = complete_parameters(entry, parameters->get_object());
  if (!complete) return corrupt(complete.error().message);
  setup.parameters = std::move(*complete);
  return setup;
}

}  // namespace bursar::admit
