#include "bursar/core/policy_text.h"

#include <boost/json/array.hpp>

#include "bursar/core/json.h"

namespace bursar {
namespace {

std::string_view name_of(ParameterKind kind) {
  switch (kind) {
    case ParameterKind::kNumber: return "number";
    case ParameterKind::kInteger: return "integer";
    case ParameterKind::kFlag: return "flag";
    case ParameterKind::kText: return "text";
    case ParameterKind::kNumbers: return "numbers";
  }
  return "";
}

}  // namespace

std::string policies_text(PolicyTable table) {
  std::string out;
  for (const PolicyEntry& entry : table) {
    out += std::string(entry.name) + ": " + std::string(entry.about) + " (systems/" + std::string(entry.slug) + ")\n";
    for (const PolicyParameter& p : entry.parameters) {
      out += "  " + std::string(p.name) + " = " + (p.preset.empty() ? "(needed)" : std::string(p.preset)) + "  " +
             std::string(p.about);
      for (std::size_t i = 0; i < p.choices.size(); ++i) out += (i == 0 ? ": " : ", ") + std::string(p.choices[i]);
      out += '\n';
    }
  }
  return out;
}

std::string policies_json(PolicyTable table) {
  boost::json::array out;
  for (const PolicyEntry& entry : table) {
    boost::json::array parameters;
    for (const PolicyParameter& p : entry.parameters) {
      boost::json::object one{{"name", p.name}, {"about", p.about}, {"kind", name_of(p.kind)}};
      if (auto preset = parse_json(p.preset)) one["default"] = *preset;
      if (!p.choices.empty()) one["choices"] = boost::json::array(p.choices.begin(), p.choices.end());
      parameters.push_back(std::move(one));
    }
    out.push_back({{"name", entry.name},
                   {"system", entry.slug},
                   {"room", entry.room},
                   {"about", entry.about},
                   {"parameters", std::move(parameters)}});
  }
  return to_json(out) + "\n";
}

}  // namespace bursar
