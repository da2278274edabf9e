// Votes over answers, which of them to submit, and where the next sample goes.
#include <pybind11/stl.h>

#include "bursar/sample/okg_allocator.h"
#include "bursar/sample/pass_k.h"
#include "bursar/sample/rollout_split.h"
#include "bursar/sample/streaming_allocator.h"
#include "bursar/sample/vote.h"
#include "python/native/arrays.h"
#include "python/native/failure.h"
#include "python/native/json_values.h"
#include "python/native/module.h"
#include "python/native/unlocked.h"

namespace bursar::python {
namespace py = pybind11;
using py::arg;
using sample::OkgAllocator;
using sample::StreamPlan;

namespace {

sample::AnswerForm form_of(bool exact) { return exact ? sample::AnswerForm::kExact : sample::AnswerForm::kMath; }

sample::Ballot ballot_of(const std::vector<std::string>& answers, const py::object& rewards, const py::object& weights,
                         bool exact) {
  const auto r = doubles(rewards, "rewards"), w = doubles(weights, "weights");
  require_length(r, answers.size(), "rewards", "answers");
  require_length(w, answers.size(), "weights", "answers");
  std::vector<sample::Trace> traces(answers.size());
  for (std::size_t i = 0; i < answers.size(); ++i) {
    traces[i].answer = answers[i];
    if (r.given()) traces[i].reward = r.numbers[i];
    if (w.given()) traces[i].weight = w.numbers[i];
  }
  return unwrap(sample::group_answers(traces, {.form = form_of(exact)}));
}

py::object vote(const std::vector<std::string>& answers, const py::object& weights, bool exact) {
  const auto ballot = ballot_of(answers, py::none(), weights, exact);
  const auto most = majority(ballot, {.weighted = !weights.is_none()});
  if (!most) return py::none();
  py::dict d;
  d["answer"] = ballot.groups[most->group].key;
  d["share"] = most->share;
  d["tied"] = most->tied;
  return d;
}

py::dict select(const std::vector<std::string>& answers, const py::object& rewards, std::size_t k,
                const std::string& rule, std::optional<double> threshold, bool exact) {
  const auto ballot = ballot_of(answers, rewards, py::none(), exact);
  const double least = threshold.value_or(std::min(.999, sample::default_threshold(ballot.samples)));
  const auto chosen =
      unwrap(select_pass_k(ballot, {.rule = unwrap(sample::select_rule_named(rule)), .k = k, .threshold = least}));
  std::vector<std::string> names;
  std::vector<double> shares;
  for (const std::size_t g : chosen.groups) {
    names.push_back(ballot.groups[g].key);
    shares.push_back(ballot.frequency(g));
  }
  py::dict d;
  d["answers"] = names;
  d["shares"] = to_array(std::move(shares));
  d["threshold"] = chosen.threshold;
  d["survivors"] = chosen.survivors;
  return d;
}

OkgAllocator make_okg(std::size_t questions, std::size_t options, std::size_t warm_up) {
  return unwrap(OkgAllocator::make({.questions = questions, .options = options, .warm_up = warm_up}));
}

StreamPlan fit_stream(const std::vector<std::vector<std::size_t>>& pools, double mean_budget, std::size_t warm_up,
                      std::size_t most, bool open) {
  const sample::StreamOptions options{.mean_budget = mean_budget,
                                      .warm_up = warm_up,
                                      .most = most,
                                      .kind = open ? sample::AnswerKind::kOpen : sample::AnswerKind::kChoice};
  return unwrap(unlocked([&] { return sample::fit_stream_plan(pools, options); }));
}

py::array_t<std::int64_t> rollouts(const py::object& scores, std::int64_t n, const py::object& embeddings,
                                   const std::string& policy, double quality, double similarity) {
  const auto s = doubles(scores, "scores");
  const auto e = floats(embeddings, "embeddings");
  std::vector<sample::RolloutCandidate> candidates(s.numbers.size());
  for (std::size_t i = 0; i < candidates.size(); ++i) candidates[i].score = s.numbers[i];
  if (e.given()) {
    if (e.shape[0] != candidates.size())
      refuse("embeddings: have " + std::to_string(e.shape[0]) + " rows, and there are " +
             std::to_string(candidates.size()) + " scores");
    for (std::size_t i = 0; i < candidates.size(); ++i)
      candidates[i].embedding = e.numbers.subspan(i * e.shape[1], e.shape[1]);
  }
  const sample::RolloutOptions options{.policy = unwrap(sample::rollout_policy_named(policy)),
                                       .quality_temperature = quality,
                                       .similarity_temperature = similarity};
  return to_array(unwrap(unlocked([&] { return split_rollouts(candidates, n, options); })));
}

void bind_okg(py::module_& module) {
  py::class_<OkgAllocator>(module, "OkgAllocator", "Which question of a batch gets the next sample.")
      .def(py::init(&make_okg), arg("questions"), arg("options") = 4, arg("warm_up") = 1)
      .def("next", &OkgAllocator::next, "The question to sample now; None where all are retired.")
      .def("next_batch", &OkgAllocator::next_batch, arg("most"), "Distinct questions, the best first.")
      .def(
          "observe",
          [](OkgAllocator& self, std::size_t question, std::optional<std::size_t> option, double weight) {
            unwrap(option ? self.observe(question, *option, weight) : self.observe_nothing(question));
          },
          arg("question"), arg("option"), arg("weight") = 1.0, "A vote for an option; None: the sample gave no answer.")
      .def(
          "retire", [](OkgAllocator& self, std::size_t question) { unwrap(self.retire(question)); }, arg("question"),
          "Not to be asked again.")
      .def(
          "leader",
          [](const OkgAllocator& self, std::size_t question) {
            if (question >= self.questions())
              refuse("question: is " + std::to_string(question) + "; there are " + std::to_string(self.questions()));
            return self.leader(question);
          },
          arg("question"), "The option with the most votes; of equals the first to be voted for.")
      .def(
          "save", [](const OkgAllocator& self) { return from_json(self.save()); }, "The whole state, for restore().")
      .def_static(
          "restore",
          [](const py::dict& saved) { return unwrap(OkgAllocator::restore(to_json_object(saved, "saved"))); },
          arg("saved"), "Goes on as the allocator that was saved.");
}

void bind_stream(py::module_& module) {
  py::class_<StreamPlan>(module, "StreamPlan",
                         "How many samples each question of a stream may draw; from fit_stream().")
      .def(
          "target",
          [](const StreamPlan& self, const std::vector<std::size_t>& first) { return unwrap(self.target(first)); },
          arg("first_answers"), "Samples in all for a question whose first answers, as options, are these.")
      .def_property_readonly(
          "budgets", [](const StreamPlan& self) { return to_array(std::span<const std::int64_t>(self.plan().budget)); },
          "[buckets]: samples of a question, the most unanimous bucket first.")
      .def(
          "save", [](const StreamPlan& self) { return from_json(self.save()); }, "The plan, for restore().")
      .def_static(
          "restore", [](const py::dict& saved) { return unwrap(StreamPlan::restore(to_json_object(saved, "saved"))); },
          arg("saved"), "The plan that was saved.");
}

}  // namespace

void bind_sample(py::module_& module) {
  module.def(
      "canonical_answer",
      [](const std::string& text, bool exact) { return sample::canonical_answer(text, form_of(exact)); }, arg("text"),
      arg("exact"));
  module.def("sample_vote", &vote, arg("answers"), arg("weights"), arg("exact"));
  module.def("sample_select", &select, arg("answers"), arg("rewards"), arg("k"), arg("rule"), arg("threshold"),
             arg("exact"));
  module.def("sample_fit_stream", &fit_stream, arg("pools"), arg("mean_budget"), arg("warm_up"), arg("most"),
             arg("open"));
  module.def("sample_rollouts", &rollouts, arg("scores"), arg("rollouts"), arg("embeddings"), arg("policy"),
             arg("quality_temperature"), arg("similarity_temperature"));
  bind_okg(module);
  bind_stream(module);
}

}  // namespace bursar::python
