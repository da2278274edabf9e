// Policies of core/policy.h by name, from the tables of admit and explore.
#include "python/native/policy.h"

#include <algorithm>
#include <pybind11/stl.h>

#include "bursar/admit/policies.h"
#include "bursar/core/json.h"
#include "bursar/explore/bandit_policy.h"
#include "bursar/explore/policies.h"
#include "python/native/arrays.h"
#include "python/native/failure.h"
#include "python/native/json_values.h"
#include "python/native/module.h"

namespace bursar::python {
namespace py = pybind11;
using py::arg;

PolicyTable table_of(const std::string& room) { return room == "admit" ? admit::policies() : explore::policies(); }

namespace {

std::vector<const Policy*>& in_use() {
  static std::vector<const Policy*> policies;
  return policies;
}

// The policy of a call that begins.
const Policy& idle(const Policy& policy) {
  require_idle(policy);
  return policy;
}

}  // namespace

void require_idle(const Policy& policy) {
  if (in_use().empty() || std::ranges::find(in_use(), &policy) == in_use().end()) return;
  throw Failure({.code = ErrorCode::kUnavailable,
                 .message = "policy: another call is using it; a policy has one caller at a time",
                 .retryable = true});
}

PolicyInUse::PolicyInUse(const Policy& policy) : policy_(&policy) {
  require_idle(policy);
  in_use().push_back(policy_);
}

PolicyInUse::~PolicyInUse() { std::erase(in_use(), policy_); }

namespace {

std::unique_ptr<Policy> make(const std::string& room, const std::string& words, const py::object& budget,
                             std::vector<std::string> resources, std::uint64_t horizon, const py::dict& parameters) {
  PolicyWords parsed = unwrap(parse_policy_words(words));
  for (auto& [name, value] : to_json_object(parameters, "parameters")) parsed.parameters[name] = value;
  const auto amounts = doubles(budget, "budget", {0, 1});
  if (!amounts.given()) return unwrap(explore::make_bandit(parsed.name, parsed.parameters, horizon));
  return unwrap(make_policy(*unwrap(policy_named(table_of(room), parsed.name)),
                            {.budget = {amounts.numbers.begin(), amounts.numbers.end()},
                             .resource_names = std::move(resources),
                             .horizon = horizon,
                             .parameters = std::move(parsed.parameters)}));
}

Decision decide(Policy& policy, const py::object& rewards, const py::object& costs, const py::object& holds,
                const py::object& purse, const py::object& context, double time_s) {
  require_idle(policy);
  const auto r = doubles(rewards, "rewards", {0, 1});
  const auto c = doubles(costs, "costs", {1, 2});
  const auto h = doubles(holds, "holds", {1, 2});
  const auto p = doubles(purse, "purse", {0, 1});
  const auto x = doubles(context, "context", {0, 1, 2});
  return unwrap(policy.decide({.rewards = r, .costs = c, .holds = h, .purse = p, .context = x, .time_s = time_s}));
}

void observe(Policy& policy, DecisionId id, const py::object& costs, std::optional<double> reward, bool refused) {
  require_idle(policy);
  const auto c = doubles(costs, "costs", {0, 1});
  unwrap(policy.observe(id, {.costs = c, .reward = reward, .refused = refused}));
}

py::dict beliefs(const Policy& policy) {
  const auto* bandit = dynamic_cast<const explore::BanditPolicy*>(&idle(policy));
  if (bandit == nullptr) refuse("this policy believes nothing of arms; ask a bandit of bursar.explore");
  std::vector<double> mean, low, high, pulls;
  for (const explore::Belief& b : bandit->bandit().intervals()) {
    mean.push_back(b.mean);
    low.push_back(b.low);
    high.push_back(b.high);
    pulls.push_back(b.pulls);
  }
  py::dict d;
  d["mean"] = to_array(std::move(mean));
  d["low"] = to_array(std::move(low));
  d["high"] = to_array(std::move(high));
  d["pulls"] = to_array(std::move(pulls));
  return d;
}

std::optional<double> regret_bound(const Policy& policy, double rounds) {
  const auto* bandit = dynamic_cast<const explore::BanditPolicy*>(&idle(policy));
  return bandit == nullptr ? std::nullopt : bandit->bandit().regret_bound(rounds);
}

std::string text(std::string_view view) { return std::string(view); }

py::list entries(const std::string& room) {
  py::list list;
  for (const PolicyEntry& entry : table_of(room)) {
    py::list parameters;
    for (const PolicyParameter& p : entry.parameters) {
      py::dict d;
      d["name"] = text(p.name);
      d["about"] = text(p.about);
      d["preset"] = p.preset.empty() ? py::object(py::none()) : from_json(unwrap(parse_json(p.preset)));
      d["required"] = p.preset.empty();
      parameters.append(d);
    }
    py::dict d;
    d["name"] = text(entry.name);
    d["system"] = text(entry.slug);
    d["about"] = text(entry.about);
    d["parameters"] = parameters;
    list.append(d);
  }
  return list;
}

std::string shown(const Decision& d) {
  return "Decision(id=" + std::to_string(d.id) + ", option=" + (d.option ? std::to_string(*d.option) : "None") +
         ", reason='" + text(name_of(d.reason)) + "')";
}

void bind_decision(py::module_& module) {
  py::class_<Decision>(module, "Decision", "What a policy decided; give its `id` to observe().")
      .def_readonly("id", &Decision::id, "0, 1, 2, … in the order of decide()")
      .def_readonly("option", &Decision::option, "position of the option taken, or None: do nothing")
      .def_readonly("intended", &Decision::intended, "what it would have taken with budget left, or None")
      .def_readonly("bid", &Decision::bid, "auctions: the highest price at which to take it")
      .def_readonly("wanted_bid", &Decision::wanted_bid, "auctions: the bid with budget left")
      .def_readonly("past_horizon", &Decision::past_horizon, "more requests came than were planned for")
      .def_property_readonly(
          "reason", [](const Decision& d) { return text(name_of(d.reason)); },
          "'best', 'nothing_pays', 'budget', 'chance' or 'reserved'")
      .def("__repr__", &shown);
}

}  // namespace

void bind_policy(py::module_& module) {
  bind_decision(module);
  py::class_<Policy>(module, "Policy",
                     "One policy and its state. Made by make() or restore() of its room. One caller at a time.")
      .def("decide", &decide, arg("rewards") = py::none(), arg("costs") = py::none(), arg("holds") = py::none(),
           arg("purse") = py::none(), arg("context") = py::none(), arg("time_s") = 0.0,
           "Which option of this request to take.\n\n"
           "rewards: [options]; costs: [options, resources], what each is expected to use; holds: as costs, the most\n"
           "that each can use; purse: [resources], what the payer may still spend; context: features. An auction has\n"
           "one reward and no costs; bandits need no rewards. State unchanged where an error is raised.")
      .def("observe", &observe, arg("decision"), arg("costs") = py::none(), arg("reward") = py::none(),
           arg("refused") = false,
           "What came of a decision that took an option or wanted to bid: once, in any order.\n\n"
           "decision: its id; costs: [resources] really used, None as expected; reward: what it was worth; refused: a\n"
           "budget was short, and nothing was used.")
      .def_property_readonly(
          "prices", [](const Policy& p) { return to_array(idle(p).prices()); },
          "[resources]: reward per unit; zeros of policies without prices")
      .def_property_readonly(
          "remaining", [](const Policy& p) { return to_array(idle(p).remaining()); },
          "[resources]: the budget less what was used and what is held")
      .def_property_readonly(
          "decided", [](const Policy& p) { return idle(p).decided(); }, "requests so far")
      .def(
          "save", [](const Policy& p) { return from_json(idle(p).save()); },
          "The whole state as a dict that json can write; restore() goes on from it to the last bit.");
  module.def("make_policy", &make, arg("room"), arg("words"), arg("budget"), arg("resources"), arg("horizon"),
             arg("parameters"));
  module.def(
      "restore_policy",
      [](const std::string& room, const py::dict& saved) {
        return unwrap(restore_policy(table_of(room), to_json_object(saved, "saved")));
      },
      arg("room"), arg("saved"));
  module.def("policies", &entries, arg("room"));
  module.def("beliefs", &beliefs, arg("policy"));
  module.def("regret_bound", &regret_bound, arg("policy"), arg("rounds"));
}

}  // namespace bursar::python
