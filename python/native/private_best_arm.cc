// Best-arm identification under differential privacy, and the accountant that refuses to overspend.
#include "bursar/explore/private_best_arm/private_best_arm.h"

#include <pybind11/stl.h>

#include "python/native/arrays.h"
#include "python/native/failure.h"
#include "python/native/json_values.h"
#include "python/native/module.h"
#include "python/native/unlocked.h"

namespace bursar::python {
namespace py = pybind11;
using explore::PrivacyAccountant;
using explore::PrivacyLoss;
using explore::PrivateBestArm;
using py::arg;

namespace {

std::pair<double, double> pair_of(PrivacyLoss loss) { return {loss.epsilon, loss.delta}; }

explore::PrivateNoise noise_named(const std::string& name) {
  using explore::PrivateNoise;
  for (const auto noise : {PrivateNoise::kLaplace, PrivateNoise::kGaussian, PrivateNoise::kNone})
    if (name_of(noise) == name) return noise;
  refuse("noise: is '" + name + "'; known are laplace, gaussian, none");
}

explore::EliminationSchedule schedule_named(const std::string& name) {
  if (name == "halving") return explore::EliminationSchedule::kHalving;
  if (name == "paper") return explore::EliminationSchedule::kPaper;
  refuse("schedule: is '" + name + "'; known are halving, paper");
}

PrivateBestArm make(const py::object& arms, std::uint64_t samples, double epsilon, const std::string& noise,
                    double delta, double user_weight, const std::string& schedule, bool clip, std::uint64_t seed) {
  explore::ArmFeatures features;
  if (py::isinstance<py::int_>(arms)) {
    features.arms = arms.cast<std::size_t>();
  } else {
    const auto given = doubles(arms, "arms", {2});
    if (!given.given()) refuse("arms: is missing; give their number, or their features [arms, dimension]");
    features = {given.shape[0], given.shape[1], {given.numbers.begin(), given.numbers.end()}};
  }
  const explore::PrivateBestArmOptions options{
      .samples = samples,
      .schedule = schedule_named(schedule),
      .noise = {.noise = noise_named(noise), .epsilon = epsilon, .delta = delta, .user_weight = user_weight},
      .clip = clip,
      .seed = seed};
  return unwrap(unlocked([&] { return PrivateBestArm::make(std::move(features), options); }));
}

void report(PrivateBestArm& self, const py::object& arms, const py::object& counts, const py::object& sums) {
  const auto a = integers(arms, "arms", {0, 1}), n = integers(counts, "counts", {0, 1});
  const auto s = doubles(sums, "sums", {0, 1});
  if (!a.given() || !n.given() || !s.given()) refuse("arms, counts and sums: are all needed");
  require_shape(n.shape, a.shape, "counts", "arms");
  require_shape(s.shape, a.shape, "sums", "arms");
  std::vector<explore::ArmSum> all;
  for (std::size_t i = 0; i < a.numbers.size(); ++i) {
    if (a.numbers[i] < 0 || n.numbers[i] < 0) refuse("arms and counts: must be at least 0");
    all.push_back({static_cast<std::size_t>(a.numbers[i]), static_cast<std::uint64_t>(n.numbers[i]), s.numbers[i]});
  }
  unwrap(self.report(all));
}

py::tuple next_batch(const PrivateBestArm& self) {
  std::vector<std::int64_t> arms, counts;
  for (const explore::Pull& pull : self.next_batch()) {
    arms.push_back(static_cast<std::int64_t>(pull.arm));
    counts.push_back(static_cast<std::int64_t>(pull.count));
  }
  return py::make_tuple(to_array(std::move(arms)), to_array(std::move(counts)));
}

py::list phases(const PrivateBestArm& self) {
  py::list list;
  for (const explore::PrivatePhase& p : self.phases()) {
    py::dict d;
    d["pulls"] = p.pulls;
    d["arms"] = to_array(std::vector<std::int64_t>(p.arms.begin(), p.arms.end()));
    d["means"] = to_array(std::vector<double>(p.means));
    list.append(d);
  }
  return list;
}

void bind_accountant(py::module_& module) {
  py::class_<PrivacyAccountant>(module, "PrivacyAccountant",
                                "Keeps what each unit of privacy has lost, and refuses what would overspend it.")
      .def(py::init([](double epsilon, double delta) { return unwrap(PrivacyAccountant::make({epsilon, delta})); }),
           arg("epsilon"), arg("delta") = 0.0, "What any one unit (a set of people, disjoint from others) may lose.")
      .def(
          "reserve",
          [](PrivacyAccountant& a, const std::string& unit, double epsilon, double delta) {
            return unwrap(a.reserve(unit, {epsilon, delta}));
          },
          arg("unit"), arg("epsilon"), arg("delta") = 0.0, "Sets a loss aside; the hold, or bursar.Exhausted.")
      .def(
          "commit", [](PrivacyAccountant& a, std::uint64_t hold) { unwrap(a.commit(hold)); }, arg("hold"),
          "What was held is spent, for good: an answer that depends on the unit's data has left.")
      .def(
          "release", [](PrivacyAccountant& a, std::uint64_t hold) { unwrap(a.release(hold)); }, arg("hold"),
          "Nothing left.")
      .def(
          "spent", [](const PrivacyAccountant& a, const std::string& unit) { return pair_of(a.spent(unit)); },
          arg("unit"), "(epsilon, delta) that the unit has lost.")
      .def(
          "remaining", [](const PrivacyAccountant& a, const std::string& unit) { return pair_of(a.remaining(unit)); },
          arg("unit"), "(epsilon, delta): the limit less what was spent and is held.")
      .def_property_readonly(
          "spent_at_most", [](const PrivacyAccountant& a) { return pair_of(a.spent_at_most()); },
          "(epsilon, delta) of the unit that lost most: the loss of the whole")
      .def(
          "save", [](const PrivacyAccountant& a) { return from_json(a.save()); },
          "The whole state as a dict that json can write.")
      .def_static(
          "restore",
          [](const py::dict& saved) { return unwrap(PrivacyAccountant::restore(to_json_object(saved, "saved"))); },
          arg("saved"), "The accountant whose save() gave `saved`.");
}

}  // namespace

void bind_private_best_arm(py::module_& module) {
  bind_accountant(module);
  py::class_<PrivateBestArm>(module, "PrivateBestArm",
                             "Finds the best of some arms with a fixed number of samples, so that no single reward can "
                             "be told from the answer.")
      .def(py::init(&make), arg("arms"), py::kw_only(), arg("samples"), arg("epsilon"), arg("noise") = "laplace",
           arg("delta") = 0.0, arg("user_weight") = 1.0, arg("schedule") = "halving", arg("clip") = false,
           arg("seed") = 0,
           "arms: their number, or their features [arms, dimension]; seed: a secret, as the rewards are.")
      .def("next_batch", &next_batch, "(arms, counts): what is still to be pulled in this phase; empty when done.")
      .def("report", &report, arg("arms"), arg("counts"), arg("sums"),
           "Sums of so many rewards in [0, 1] of each arm; a phase may be reported in parts.")
      .def_property_readonly("done", &PrivateBestArm::done, "whether there is an answer")
      .def(
          "answer", [](const PrivateBestArm& b) { return unwrap(b.answer()).arm; },
          "The arm; bursar.Unavailable until done.")
      .def_property_readonly("samples_used", &PrivateBestArm::samples_used, "so far")
      .def_property_readonly(
          "cost", [](const PrivateBestArm& b) { return pair_of(b.cost()); },
          "(epsilon, delta) to reserve before the first pull, once for the whole run")
      .def_property_readonly(
          "spent", [](const PrivateBestArm& b) { return pair_of(b.spent()); }, "(epsilon, delta) lost so far")
      .def("phases", &phases, "What each phase let out: its pulls, active arms and their private means.")
      .def(
          "save", [](const PrivateBestArm& b) { return from_json(b.save()); },
          "The whole state as a dict; secret, for it holds the sums of the phase under way.")
      .def_static(
          "restore",
          [](const py::dict& saved) { return unwrap(PrivateBestArm::restore(to_json_object(saved, "saved"))); },
          arg("saved"), "The run whose save() gave `saved`.");
}

}  // namespace bursar::python
