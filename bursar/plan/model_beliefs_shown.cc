// The part of model_beliefs.h that people read.
#include <cmath>
#include <cstdio>

#include "bursar/plan/model_beliefs.h"

namespace bursar::plan {
namespace {

std::string number(double value, int digits = 2) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return text.data();
}

double member(const boost::json::object& of, std::string_view key) {
  const auto* value = of.if_contains(key);
  return value != nullptr && value->is_number() ? value->to_number<double>() : 0;
}

const boost::json::object* object_at(const boost::json::object& of, std::string_view key) {
  const auto* value = of.if_contains(key);
  return value != nullptr && value->is_object() ? &value->get_object() : nullptr;
}

std::string milliseconds(const boost::json::object& of, std::string_view key) {
  const auto* value = of.if_contains(key);
  return value != nullptr && value->is_number() ? number(value->to_number<double>(), 0) + " ms" : "not known";
}

}  // namespace

void ModelBeliefs::describe(std::string_view model, std::vector<BeliefRow>& rows) const {
  const std::string on = " (" + std::string(model) + ")";
  const auto add = [&](std::string what, std::string prior, std::string now, std::uint64_t from) {
    if (from == 0 && success_.empty()) return;  // a model that only helped
    rows.push_back({std::move(what) + on, std::move(prior), now.empty() ? "too few yet" : std::move(now), from});
  };
  for (const auto& [strategy, posterior] : success_) {
    const auto [low, high] = posterior.interval(.9);
    add("success of " + strategy, "0.50, any rate alike",
        number(posterior.mean()) + ", 90 % in " + number(low) + " to " + number(high),
        static_cast<std::uint64_t>(std::llround(posterior.a() + posterior.b() - 2)));
  }
  const auto* lengths = object_at(snapshot_, "lengths");
  add("tokens of an answer", "as many as it may have",
      lengths == nullptr ? ""
                         : number(std::exp(member(*lengths, "log_mean")), 0) + " typical, 95 % below " +
                               number(std::exp(member(*lengths, "log_mean") + 1.645 * member(*lengths, "log_sd")), 0),
      lengths_.count);
  const auto* latency = object_at(snapshot_, "latency_ms");
  add("latency of a call", "not known",
      latency == nullptr ? "" : milliseconds(*latency, "median") + " median, p95 " + milliseconds(*latency, "p95"),
      latencies_.size());
  add("samples a question (pets)", "chances uniform, half of the wrong answers agree",
      snapshot_.contains("stream_plan") ? "a plan of its own" : "", pools_.size());
  const auto* gate = object_at(snapshot_, "gate");
  add("answers worth a check (sevra)", "a stated gate, threshold 0.15",
      gate == nullptr ? "" : "a fitted gate, threshold " + number(member(*gate, "threshold"), 3), gated_.size());
  add("tokens of a level (plan-and-budget)", "200, 250, 350, 450, 600 tokens",
      snapshot_.contains("level_curves") ? "a curve of its own where a level has 50 answers" : "", solved_.size());
  const auto* law = object_at(snapshot_, "agent_law");
  add("accuracy by tokens (mas-phase)", "a stated law",
      law == nullptr ? "" : "kappa " + number(member(*law, "kappa"), 3) + ", beta " + number(member(*law, "beta"), 3),
      runs_.size());
  add("correlation of agents (mas-phase)", "a stated correlation",
      snapshot_.contains("correlation") ? number(member(snapshot_, "correlation")) : "", teams_.size());
  for (std::size_t k = 0; k < finals_.size(); ++k) {
    const Rates& rates = finals_.at(k);
    if (rates.seen == 0) continue;
    add("replacing an answer, " + std::string(name_of(static_cast<Disagreement>(k))) + " (voi-search)",
        "where it is safe and supported",
        std::to_string(rates.gained) + " gained, " + std::to_string(rates.harmed) + " harmed", rates.seen);
  }
}

}  // namespace bursar::plan
