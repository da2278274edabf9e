// Profiles, schedules and curricula: numbers that are functions of (step, budget).
#include "bursar/schedule/profile/schedule.h"

#include <pybind11/functional.h>
#include <pybind11/stl.h>

#include "bursar/schedule/profile/budget_curriculum.h"
#include "bursar/schedule/profile/phi_advice.h"
#include "bursar/schedule/profile/plateau.h"
#include "python/native/arrays.h"
#include "python/native/failure.h"
#include "python/native/json_values.h"
#include "python/native/module.h"
#include "python/native/unlocked.h"

namespace bursar::python {
namespace py = pybind11;
using py::arg;
using schedule::BudgetCurriculum;
using schedule::Plateau;
using schedule::Sampling;
using schedule::Schedule;

namespace {

// A profile, and the words that make it where words do.
struct NamedProfile {
  schedule::Profile profile;
  std::optional<std::string> words;
};

py::object read_profile(const NamedProfile& p, const py::object& share) {
  if (!py::isinstance<py::array>(share)) return py::float_(p.profile(share.cast<double>()));
  const auto s = doubles(share, "share", {0, 1, 2});
  std::vector<double> values;
  values.reserve(s.numbers.size());
  for (const double x : s.numbers) values.push_back(p.profile(x));
  return to_array(std::move(values), s.shape);
}

Sampling sampling(std::int64_t every, const std::optional<std::vector<double>>& at) {
  if (at && every != 1) refuse("every and at: give one of them");
  return unwrap(at ? Sampling::at(*at) : Sampling::every(every));
}

schedule::Phase phase(const py::dict& d) {
  return {.profile = d["profile"].cast<NamedProfile>().profile,
          .sampling = sampling(d["every"].cast<std::int64_t>(), d["at"].cast<std::optional<std::vector<double>>>()),
          .steps = d["steps"].cast<std::int64_t>(),
          .peak = d["peak"].cast<double>(),
          .floor = d["floor"].cast<double>(),
          .warmup = d["warmup"].cast<std::int64_t>(),
          .warmup_from = d["warmup_from"].cast<double>()};
}

Schedule make_schedule(const std::vector<py::dict>& phases) {
  std::vector<schedule::Phase> made;
  for (const py::dict& d : phases) made.push_back(phase(d));
  return unwrap(Schedule::phases(std::move(made)));
}

py::array_t<double> read_steps(const Schedule& s, const py::object& steps) {
  const auto wanted = integers(steps, "steps", {0, 1, 2});
  std::vector<double> rates;
  rates.reserve(wanted.numbers.size());
  for (const std::int64_t step : wanted.numbers) rates.push_back(unwrap(s.at(step)));
  return to_array(std::move(rates), wanted.shape);
}

void write(const Schedule& s, std::int64_t first, const py::array& out) {
  (void)doubles(out, "out");
  if (!out.writeable()) refuse("out: must be writable");
  const std::span<double> room(static_cast<double*>(const_cast<void*>(out.data())),
                               static_cast<std::size_t>(out.size()));
  unwrap(s.write(first, room));
}

void bind_profile(py::module_& module) {
  py::class_<NamedProfile>(module, "Profile",
                           "The shape of a quantity over the consumed share s of its budget, from 0 to 1.\n\n"
                           "Profile('rex'), Profile('uba:phi=.25'), Profile('delayed:share=.3,of=cosine'): profiles()\n"
                           "lists the names. profile(s) reads it, at a number or at an array of them.")
      .def(py::init(
               [](const std::string& words) { return NamedProfile{unwrap(schedule::parse_profile(words)), words}; }),
           arg("words"), "By words, as the command line writes them.")
      .def_static(
          "custom",
          [](std::function<double(double)> curve) {
            return NamedProfile{unwrap(schedule::Profile::custom(std::move(curve))), std::nullopt};
          },
          arg("curve"), "Of a function from [0, 1] to [0, 1]. It cannot be pickled.")
      .def("__call__", &read_profile, arg("share"))
      .def(
          "mobius",
          [](const NamedProfile& p, double phi) { return NamedProfile{unwrap(p.profile.mobius(phi)), std::nullopt}; },
          arg("phi"), "This one bent by M_phi(u) = 2u / (phi + (2 - phi) u): below 2 it stays high for longer.")
      .def(
          "times",
          [](const NamedProfile& p, const NamedProfile& other) {
            return NamedProfile{p.profile.times(other.profile), std::nullopt};
          },
          arg("other"), "The product of two profiles.")
      .def_property_readonly(
          "name", [](const NamedProfile& p) { return p.profile.name(); }, "its words, or a description")
      .def("__repr__", [](const NamedProfile& p) { return "Profile('" + p.profile.name() + "')"; })
      .def("__reduce__", [](const py::object& self) {
        const auto& words = self.cast<const NamedProfile&>().words;
        if (!words) throw WrongType("profile: one that was composed cannot be pickled; use one that has words");
        return py::make_tuple(py::type::of(self), py::make_tuple(*words));
      });
  module.def("profiles", [] {
    py::list list;
    for (const schedule::ProfileEntry& e : schedule::profiles())
      list.append(py::make_tuple(std::string(e.name), std::string(e.about), std::string(e.parameters)));
    return list;
  });
  module.def("mobius", &schedule::mobius, arg("phi"), arg("share"));
}

void bind_curriculum(py::module_& module) {
  py::class_<BudgetCurriculum>(module, "BudgetCurriculum",
                               "How many tokens (or whatever is rationed) each step of a run may spend.")
      .def_static(
          "exponential",
          [](double from, double to, std::int64_t steps, std::int64_t drops) {
            return unwrap(BudgetCurriculum::exponential({from, to, drops, steps}));
          },
          arg("start"), arg("end"), arg("steps"), arg("drops") = 3,
          "start (end / start)^(k / drops) after k of `drops` equally spaced drops.")
      .def_static(
          "linear",
          [](double from, double to, std::int64_t steps, std::int64_t drops) {
            return unwrap(BudgetCurriculum::linear({from, to, drops, steps}));
          },
          arg("start"), arg("end"), arg("steps"), arg("drops") = 3,
          "start + (end - start) k / drops after k of `drops` equally spaced drops.")
      .def_static(
          "constant",
          [](double budget, std::int64_t steps) { return unwrap(BudgetCurriculum::constant(budget, steps)); },
          arg("budget"), arg("steps"), "The same budget at every step.")
      .def_static(
          "decay",
          [](double from, double factor, std::int64_t interval, std::int64_t steps) {
            return unwrap(BudgetCurriculum::decay({from, factor, interval, steps}));
          },
          arg("start"), arg("factor"), arg("interval"), arg("steps"), "max(1, start factor^floor(step / interval)).")
      .def_static(
          "of_profile",
          [](const NamedProfile& profile, double from, double to, std::int64_t steps, std::int64_t every,
             const std::optional<std::vector<double>>& at) {
            return unwrap(BudgetCurriculum::of_profile(profile.profile, sampling(every, at),
                                                       {.from = from, .to = to, .steps = steps}));
          },
          arg("profile"), arg("start"), arg("end"), arg("steps"), arg("every") = 1, arg("at") = py::none(),
          "From start, where the profile is 1, to end, where it is 0; read as a Schedule's.")
      .def(
          "at", [](const BudgetCurriculum& c, std::int64_t step) { return unwrap(c.at(step)); }, arg("step"),
          "The budget at a step; past the end the last one.")
      .def(
          "tokens_at", [](const BudgetCurriculum& c, std::int64_t step) { return unwrap(c.tokens_at(step)); },
          arg("step"), "at(step), rounded to the nearest whole number")
      .def(
          "changes",
          [](const BudgetCurriculum& c) {
            std::vector<std::pair<std::int64_t, double>> pairs;
            for (const auto& change : unwrap(c.changes())) pairs.emplace_back(change.step, change.budget);
            return pairs;
          },
          "[(step, budget from that step on), …]")
      .def_property_readonly("steps", &BudgetCurriculum::steps, "of the whole run")
      .def_property_readonly("grows", &BudgetCurriculum::grows, "the last budget is above the first");
}

void bind_plateau(py::module_& module) {
  py::class_<Plateau>(module, "Plateau", "A rate that falls when a measurement stops improving.")
      .def(py::init([](double rate, double factor, std::int64_t patience, std::int64_t cooldown, double threshold,
                       double floor, bool larger_is_better) {
             return unwrap(Plateau::create({rate, factor, patience, cooldown, threshold, floor, larger_is_better}));
           }),
           arg("rate"), py::kw_only(), arg("factor") = .1, arg("patience") = 10, arg("cooldown") = 0,
           arg("threshold") = 1e-4, arg("floor") = 0.0, arg("larger_is_better") = false)
      .def(
          "report", [](Plateau& p, double measured) { return unwrap(p.report(measured)); }, arg("measured"),
          "Reports one evaluation; the rate from now on.")
      .def_property_readonly("rate", &Plateau::rate, "from now on")
      .def_property_readonly("best", &Plateau::best, "None before the first finite measurement")
      .def(
          "save", [](const Plateau& p) { return from_json(p.save()); }, "The state as a dict that json can write.")
      .def_static(
          "restore", [](const py::dict& saved) { return unwrap(Plateau::restore(to_json_object(saved, "saved"))); },
          arg("saved"), "The plateau whose save() gave `saved`.");
}

}  // namespace

void bind_schedule(py::module_& module) {
  bind_profile(module);
  py::class_<Schedule>(module, "Schedule", "What bursar.schedule.Schedule holds.")
      .def(py::init(&make_schedule), arg("phases"))
      .def_static(
          "restarts",
          [](const py::dict& first, std::int64_t count, double growth, double decay) {
            return unwrap(Schedule::restarts(phase(first), {count, growth, decay}));
          },
          arg("first"), arg("count"), arg("growth"), arg("decay"))
      .def(
          "at", [](const Schedule& s, std::int64_t step) { return unwrap(s.at(step)); }, arg("step"))
      .def("read", &read_steps, arg("steps"))
      .def("write", &write, arg("first"), arg("out"))
      .def("table", [](const Schedule& s) { return to_array(unwrap(s.table())); })
      .def(
          "with_budget",
          [](const Schedule& s, std::int64_t done, std::int64_t total) { return unwrap(s.with_budget(done, total)); },
          arg("done"), arg("total"))
      .def_property_readonly("total", &Schedule::total, "steps of the budget")
      .def_property_readonly("peak", &Schedule::peak, "the largest of all phases");
  bind_curriculum(module);
  bind_plateau(module);
  module.def(
      "advise_phi",
      [](double kappa, std::int64_t total, double noise) {
        const auto advice = unwrap(unlocked([&] { return schedule::advise_phi({kappa, total, noise}); }));
        std::vector<std::tuple<double, double, double>> losses;
        for (const auto& l : advice.loss_by_phi) losses.emplace_back(l.phi, l.loss, l.peak);
        return std::make_pair(advice.phi, losses);
      },
      arg("kappa"), arg("total"), arg("noise"));
}

}  // namespace bursar::python
