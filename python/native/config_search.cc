// Which models and how many samples the stages of a chain get: a search in few trials.
#include "bursar/plan/config_search/config_search.h"

#include <boost/json/array.hpp>
#include <pybind11/stl.h>

#include "bursar/core/json.h"
#include "bursar/plan/config_search/subtask_json.h"
#include "python/native/failure.h"
#include "python/native/json_values.h"
#include "python/native/module.h"
#include "python/native/unlocked.h"

namespace bursar::python {
namespace py = pybind11;
using plan::ConfigSearch;
using plan::Configuration;
using py::arg;

namespace {

ConfigSearch make(const py::list& stages, double budget, const std::string& unit, bool count_fusion,
                  std::uint64_t seed) {
  std::vector<plan::ChainStage> subtasks;
  for (std::size_t i = 0; i < stages.size(); ++i) {
    const std::string place = "stages[" + std::to_string(i) + "]";
    if (!py::isinstance<py::dict>(stages[i])) refuse(place + ": must be a dict");
    const boost::json::value one = to_json_object(stages[i].cast<py::dict>(), place);
    subtasks.push_back(unwrap(plan::subtask_of(JsonView(one, place))));
  }
  return unwrap(ConfigSearch::make(
      std::move(subtasks),
      {.space = {.budget = budget, .unit = unwrap(plan::cost_unit_named(unit)), .count_fusion = count_fusion},
       .seed = seed}));
}

// [(model, samples)] in the order of stages.
py::list listed(const ConfigSearch& search, const Configuration& configuration) {
  py::list out;
  for (std::size_t i = 0; i < configuration.size(); ++i)
    out.append(
        py::make_tuple(search.space().stages()[i].models[configuration[i].model].name, configuration[i].samples));
  return out;
}

Configuration configuration_of(const ConfigSearch& search, const std::vector<std::pair<std::string, int>>& given) {
  const auto& stages = search.space().stages();
  if (given.size() != stages.size())
    refuse("configuration: has " + std::to_string(given.size()) + " stages, and there are " +
           std::to_string(stages.size()));
  Configuration out;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const auto found = std::ranges::find(stages[i].models, given[i].first, &plan::ModelChoice::name);
    if (found == stages[i].models.end()) refuse("stage " + stages[i].name + " has no model '" + given[i].first + "'");
    out.push_back({.model = static_cast<std::size_t>(found - stages[i].models.begin()), .samples = given[i].second});
  }
  return out;
}

py::list propose(ConfigSearch& search, std::size_t most) {
  py::list out;
  for (const Configuration& one : unwrap(unlocked([&] { return search.propose(most); })))
    out.append(listed(search, one));
  return out;
}

py::dict best(const ConfigSearch& search) {
  const auto found = unwrap(search.best());
  py::list why;
  for (const plan::Guideline& g : found.why) why.append(py::make_tuple(g.text, g.probability));
  py::dict d;
  d["configuration"] = listed(search, found.configuration);
  d["predicted"] = found.predicted;
  d["interval"] = py::make_tuple(found.low, found.high);
  d["cost"] = found.cost;
  d["why"] = why;
  return d;
}

}  // namespace

void bind_config_search(py::module_& module) {
  using Given = std::vector<std::pair<std::string, int>>;
  py::class_<ConfigSearch>(module, "ConfigSearch", "Proposes which models and how many samples to try next.")
      .def(py::init(&make), arg("stages"), arg("budget") = 0.0, py::kw_only(), arg("unit") = "flops",
           arg("count_fusion") = false, arg("seed") = 1,
           "stages: dicts of name, prompt_tokens, generation_tokens, max_samples (100) and models (dicts of name, "
           "parameters, price_in, price_out, latency_ms); budget: 0 is every stage with its largest model once.")
      .def("propose", &propose, arg("most") = 10, "New configurations, each a (model, samples) for every stage.")
      .def(
          "report",
          [](ConfigSearch& self, const Given& configuration, double score, std::int64_t examples) {
            unwrap(self.report(configuration_of(self, configuration), {.value = score, .examples = examples}));
          },
          arg("configuration"), arg("score"), arg("examples") = 50,
          "A score from 0 to 1, the mean of so many examples.")
      .def(
          "give_up",
          [](ConfigSearch& self, const Given& configuration) {
            unwrap(self.give_up(configuration_of(self, configuration)));
          },
          arg("configuration"), "A proposal that could not be measured.")
      .def(
          "cost",
          [](const ConfigSearch& self, const Given& configuration) {
            return self.space().cost(configuration_of(self, configuration));
          },
          arg("configuration"), "Of a configuration, in the unit of the budget.")
      .def("recommend", &best, "What plan.recommend() gives, as a dict.")
      .def_property_readonly(
          "budget", [](const ConfigSearch& self) { return self.space().budget(); }, "in its unit")
      .def_property_readonly(
          "trials", [](const ConfigSearch& self) { return self.trials().size(); }, "reported so far")
      .def(
          "save", [](const ConfigSearch& self) { return from_json(self.save()); }, "The state, for restore().")
      .def_static(
          "restore",
          [](const py::dict& saved) { return unwrap(ConfigSearch::restore(to_json_object(saved, "saved"))); },
          arg("saved"), "Goes on exactly as the search that was saved.");
}

}  // namespace bursar::python
