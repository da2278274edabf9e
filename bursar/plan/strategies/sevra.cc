// One answer, and a second call that checks and mends it where that is likely to help.
//
// What decides is a gate on what can be seen of request and answer (recovery_gate.h): beliefs["gate"] = {"gate": saved
// LinearGate, "threshold": t} where feedback has taught one, else a stated prior: long and cut-off answers to requests
// full of conditions and numbers are worth a check, short ones and bare facts are not. Source: systems/sevra.
#include <algorithm>
#include <string>

#include "bursar/plan/recovery_gate.h"
#include "bursar/plan/strategies/asks.h"
#include "bursar/plan/strategies/attempts.h"
#include "bursar/plan/strategies/entries.h"

namespace bursar::plan {
namespace {

constexpr double kPriorThreshold = .15;
constexpr std::int64_t kLeastVerify = 128;

// The sheet's order: difficulty, verification need, constraints, ambiguity, retrieval, finaliser, length, ln tokens.
// From the published fixes: of answers that were cut off about .4 are mended, of finished ones few [choice].
LinearGate prior_gate() { return {{1.5, .5, .5, 0, -.5, .5, 1.5, .5}, -4.5}; }

struct Frozen {
  LinearGate gate = prior_gate();
  double threshold = kPriorThreshold;
  bool learned = false;
};

Frozen gate_of(const Job& job) {
  Frozen out;
  const auto* belief = job.setup().beliefs.if_contains("gate");
  if (belief != nullptr && belief->is_object()) {
    const auto* saved = belief->get_object().if_contains("gate");
    const auto* threshold = belief->get_object().if_contains("threshold");
    if (saved != nullptr && saved->is_object() && threshold != nullptr && threshold->is_number()) {
      if (auto gate = LinearGate::restore(saved->get_object()))
        out = {.gate = *gate, .threshold = threshold->to_number<double>(), .learned = true};
    }
  }
  if (const double given = job.number("threshold"); given >= 0) out.threshold = given;
  return out;
}

// The check without its verdict, which is about an answer that nobody has seen.
std::string without_verdict(const std::string& reply) {
  std::string out;
  for (std::size_t at = 0; at < reply.size();) {
    const std::size_t end = std::min(reply.find('\n', at), reply.size() - 1) + 1;
    const std::string_view line = std::string_view(reply).substr(at, end - at);
    if (labelled(line, "Verdict").empty()) out += line;
    at = end;
  }
  return out;
}

Action verification(const Job& job, const std::string& reply) {
  const std::int64_t given = job.integer("verify_tokens");
  return ask_of(job, Task::kVerify, {{"answer", reply}},
                {.max_tokens = given > 0 ? given : job.setup().max_tokens,
                 .least_tokens = kLeastVerify,
                 .temperature = job.setup().temperature});
}

}  // namespace

Script sevra(Job& job) {
  std::vector<Action> first(1, job.sample());
  const std::vector<Observation> base = co_await job.run(std::move(first));
  if (!base[0].ok() || base[0].text.empty()) co_return std::nullopt;
  job.offer({.text = base[0].text, .source = base[0].action});
  const Frozen frozen = gate_of(job);
  const FirstAnswer first_answer{
      .reply = base[0].text, .tokens = base[0].completion_tokens, .cut = base[0].finish == "length"};
  const Attempt attempt = attempt_of(job.setup().question, first_answer);
  const auto decision = SelectiveVerifier(frozen.gate, frozen.threshold).decide(attempt);
  if (!decision) {
    job.note({{"gate_error", decision.error().message}});
    co_return job.best();
  }
  job.note({{"gate", decision->gate},
            {"learned", frozen.learned},
            {"score", decision->score},
            {"threshold", decision->threshold},
            {"verify", decision->verify}});
  if (!decision->verify) co_return job.best();
  Action check = verification(job, base[0].text);
  const std::vector<Observation> seen = co_await job.run(std::move(check));
  const std::string_view verdict = seen[0].ok() ? labelled(seen[0].text, "Verdict") : std::string_view();
  const std::string_view mended = seen[0].ok() ? labelled(seen[0].text, "Answer") : std::string_view();
  const bool changed = verdict.starts_with("wrong") && !mended.empty();
  job.note({{"verdict", verdict.empty() ? "none" : std::string(verdict.substr(0, 20))}, {"changed", changed}});
  if (changed) co_return Answer{.text = without_verdict(seen[0].text)};
  co_return job.best();
}

namespace {
constexpr PolicyParameter kParameters[] = {
    {.name = "threshold",
     .about = "score from which on an answer is checked; 0: all of them, above 1: none; below 0: what was learned",
     .preset = "-1",
     .low = -1,
     .high = 2},
    {.name = "verify_tokens",
     .about = "tokens of one check; 0: as many as an answer may have",
     .kind = ParameterKind::kInteger,
     .preset = "0",
     .low = 0,
     .high = 65536},
};
}  // namespace

const StrategyEntry kSevra{.name = "sevra",
                           .slug = "sevra",
                           .about = "Answers once, and checks the answer where that is likely to mend it",
                           .parameters = kParameters,
                           .script = sevra};

}  // namespace bursar::plan
