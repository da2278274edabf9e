// Steering thinking by what is left of its budget: laws of lengths, re-weighting, and a guide line by line.
#include <pybind11/stl.h>

#include "bursar/sample/guidance/line_guide.h"
#include "python/native/arrays.h"
#include "python/native/failure.h"
#include "python/native/json_values.h"
#include "python/native/module.h"
#include "python/native/unlocked.h"

namespace bursar::python {
namespace py = pybind11;
using py::arg;
using sample::LengthLaw;
using sample::LengthTable;
using sample::LineGuide;

namespace {

using MaybeLaws = std::vector<std::optional<LengthLaw>>;

// Laws of Python: a function (line, tokens, budget, last_line, candidates) that returns one (shape, rate), or None, a
// candidate.
class CalledLaws final : public sample::LengthPredictor {
 public:
  explicit CalledLaws(py::function function) : function_(std::move(function)) {}
  MaybeLaws predict(const sample::LineContext& context, std::span<const std::string_view> candidates) const override {
    const py::object given =
        function_(context.line, context.tokens, context.budget, py::str(std::string(context.last_line)),
                  std::vector<std::string>(candidates.begin(), candidates.end()));
    MaybeLaws out;
    for (const auto& one : given.cast<std::vector<std::optional<std::pair<double, double>>>>())
      out.push_back(one ? std::optional(LengthLaw{.shape = one->first, .rate = one->second}) : std::nullopt);
    return out;
  }

 private:
  py::function function_;
};

std::shared_ptr<const sample::LengthPredictor> laws_of(const py::object& laws) {
  if (py::isinstance<LengthTable>(laws)) return std::make_shared<LengthTable>(laws.cast<LengthTable>());
  if (py::isinstance<py::function>(laws)) return std::make_shared<CalledLaws>(laws.cast<py::function>());
  throw WrongType("laws: must be a LengthTable or a function");
}

LengthLaw fit_law(const py::object& lengths) {
  const auto given = doubles(lengths, "lengths");
  return unwrap(unlocked([&] { return sample::fit_length_law(given.numbers); }));
}

LengthTable fit_table(const std::vector<std::vector<std::pair<std::string, std::int64_t>>>& traces,
                      std::size_t min_samples, double max_distance) {
  std::vector<sample::LengthSample> samples;
  for (std::size_t t = 0; t < traces.size(); ++t) {
    std::vector<sample::TraceLine> lines;
    for (const auto& [text, tokens] : traces[t]) lines.push_back({text, tokens});
    if (auto ok = append_samples(lines, samples); !ok)
      throw Failure(with_context("trace " + std::to_string(t), ok.error()));
  }
  return unwrap(unlocked([&] {
    return LengthTable::fit(sample::class_names(), samples, {.min_samples = min_samples, .max_distance = max_distance});
  }));
}

py::dict guided(const MaybeLaws& laws, std::int64_t remaining, const py::object& probs, bool published) {
  const auto given = doubles(probs, "probs");
  std::vector<double> p(given.numbers.begin(), given.numbers.end());
  auto done =
      unwrap(sample::reweight(laws, remaining, p, published ? sample::published_guide() : sample::GuideOptions{}));
  py::dict d;
  d["probs"] = to_array(std::move(p));
  d["finish"] = to_array(std::move(done.finish));
  d["fell_back"] = done.fell_back;
  return d;
}

LineGuide make_guide(std::int64_t budget, const py::object& laws, bool cap, std::string end_mark,
                     std::int64_t longest_line, bool greedy, std::uint64_t seed) {
  return unwrap(LineGuide::make({.budget = budget,
                                 .cap = cap,
                                 .end_mark = std::move(end_mark),
                                 .longest_line = longest_line,
                                 .greedy = greedy,
                                 .seed = seed},
                                laws_of(laws)));
}

std::pair<std::string, std::int64_t> ask(const LineGuide& guide) {
  const sample::LineAsk ask = guide.next();
  const bool first = ask.kind == sample::LineAskKind::kCandidates;
  return {ask.kind == sample::LineAskKind::kDone ? "done" : first ? "candidates" : "line", ask.max_tokens};
}

std::string report_candidates(LineGuide& guide, const std::vector<std::pair<std::string, double>>& candidates) {
  std::vector<sample::LineCandidate> given;
  for (const auto& [token, logprob] : candidates) given.push_back({token, logprob});
  return unwrap(guide.report_candidates(given));
}

void report_line(LineGuide& guide, const std::string& text, std::int64_t tokens, const std::string& stop) {
  using sample::LineStop;
  if (stop != "newline" && stop != "end" && stop != "length")
    refuse("stop: is '" + stop + "'; known are newline, end, length");
  unwrap(guide.report_line({.text = text,
                            .tokens = tokens,
                            .stop = stop == "newline" ? LineStop::kNewline
                                    : stop == "end"   ? LineStop::kEnd
                                                      : LineStop::kLength}));
}

py::list records(const LineGuide& guide) {
  py::list list;
  for (const sample::LineRecord& r : guide.records()) {
    py::dict d;
    d["line"] = r.line;
    d["remaining"] = r.remaining;
    d["token"] = r.token;
    d["before"] = r.before;
    d["after"] = r.after;
    d["finish"] = r.finish;
    d["fell_back"] = r.fell_back;
    list.append(d);
  }
  return list;
}

void bind_laws(py::module_& module) {
  py::class_<LengthLaw>(module, "LengthLaw", "ln(length + 1) is Gamma(shape, rate): tokens that are left.")
      .def(py::init([](double shape, double rate) {
             const LengthLaw law{.shape = shape, .rate = rate};
             unwrap(check(law));
             return law;
           }),
           arg("shape"), arg("rate"))
      .def_readonly("shape", &LengthLaw::shape, "alpha, above 0")
      .def_readonly("rate", &LengthLaw::rate, "lambda, above 0")
      .def("cdf", &LengthLaw::cdf, arg("tokens"), "The chance that at most so many tokens are left.")
      .def_property_readonly("mode_tokens", &LengthLaw::mode_tokens, "the most likely number, of its logarithm");
  py::class_<LengthTable>(module, "LengthTable",
                          "Laws by where the thinking stands and what its next line begins with.")
      .def(
          "law",
          [](const LengthTable& self, std::size_t line, const std::string& token) {
            return self.predict({.line = line}, std::vector<std::string_view>{token})[0];
          },
          arg("line"), arg("token"),
          "What is left where a line, after so many, begins so; None where nothing is known.")
      .def(
          "save", [](const LengthTable& self) { return from_json(self.save()); }, "The laws, for restore().")
      .def_static(
          "restore", [](const py::dict& saved) { return unwrap(LengthTable::restore(to_json_object(saved, "saved"))); },
          arg("saved"), "The laws that were saved; also what `bursar sample fit-lengths` writes.");
}

}  // namespace

void bind_guidance(py::module_& module) {
  bind_laws(module);
  module.def("fit_length_law", &fit_law, arg("lengths"));
  module.def("fit_lengths", &fit_table, arg("traces"), arg("min_samples"), arg("max_distance"));
  module.def("sample_reweight", &guided, arg("laws"), arg("remaining"), arg("probs"), arg("published"));
  py::class_<LineGuide>(module, "LineGuide", "Guides thinking line by line: says what to ask, and takes what came.")
      .def(py::init(&make_guide), arg("budget"), arg("laws"), py::kw_only(), arg("cap") = true,
           arg("end_mark") = std::string(sample::kEndOfThinking), arg("longest_line") = 1024, arg("greedy") = false,
           arg("seed") = 1,
           "laws: a LengthTable, or a function of (line, tokens, budget, last_line, candidates) that returns one "
           "(shape, rate), or None, a candidate.")
      .def("next", &ask,
           "(what, max_tokens): \"candidates\" of one token with their logprobs, the rest of a \"line\" (stop at the "
           "newline), or \"done\".")
      .def("report_candidates", &report_candidates, arg("candidates"), "(token, logprob) each; the token chosen.")
      .def("report_line", &report_line, arg("text"), arg("tokens"), arg("stop") = "newline",
           "stop: \"newline\", \"end\" (the model ended), \"length\".")
      .def_property_readonly("text", &LineGuide::text, "what follows the prompt")
      .def_property_readonly("spent", &LineGuide::spent, "tokens")
      .def_property_readonly(
          "ended", [](const LineGuide& g) { return std::string(name_of(g.ended())); },
          "\"not yet\", \"own\", \"cut\" at the budget, \"too many lines\"")
      .def("records", &records, "Every line start with its choice.")
      .def(
          "save", [](const LineGuide& g) { return from_json(g.save()); }, "The state, for restore().")
      .def_static(
          "restore",
          [](const py::dict& saved, const py::object& laws) {
            return unwrap(LineGuide::restore(to_json_object(saved, "saved"), laws_of(laws)));
          },
          arg("saved"), arg("laws"), "The guide that was saved, with the laws it had.");
}

}  // namespace bursar::python
