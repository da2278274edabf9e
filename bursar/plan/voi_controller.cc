#include "bursar/plan/voi_controller.h"

#include <algorithm>
#include <cmath>

#include "bursar/core/special.h"

namespace bursar::plan {
namespace {

constexpr std::array<std::string_view, 3> kActions{"search", "decompose", "answer"};
constexpr std::array kAll{SearchAction::kSearch, SearchAction::kDecompose, SearchAction::kAnswer};

const ActionCost& cost_of(SearchAction action, const SearchState& s) {
  return action == SearchAction::kSearch ? s.search : action == SearchAction::kDecompose ? s.decompose : s.answer;
}

double calls_of(SearchAction action) { return action == SearchAction::kSearch ? 1 : 0; }

// Searches that could still be paid after spending `tokens` first.
double affordable(const SearchState& s, double tokens) {
  const double by_tokens = std::floor((s.tokens - tokens - s.answer.tokens) / s.search.tokens + .25);
  return std::max(0.0, std::min(std::floor(s.calls), by_tokens));
}

double hit_chance(const SearchState& s) { return !s.compositional ? .70 : s.decomposed ? .62 : .30; }

Result<void> check(const SearchState& s) {
  if (!(s.sufficiency >= 0 && s.sufficiency <= 1))
    return invalid_argument("sufficiency is " + std::to_string(s.sufficiency) + "; it must be from 0 to 1");
  if (!(s.calls_budget >= 0) || !(s.tokens_budget >= 0) || !std::isfinite(s.calls_budget) ||
      !std::isfinite(s.tokens_budget) || std::isnan(s.calls) || std::isnan(s.tokens))
    return invalid_argument("budgets must be finite and at least 0");
  for (const SearchAction action : kAll) {
    const ActionCost& cost = cost_of(action, s);
    if (!(cost.tokens > 0) || !std::isfinite(cost.tokens) || !(cost.spread >= 0))
      return invalid_argument("the cost of " + std::string(name_of(action)) +
                              " must have a mean above 0 and a spread of at least 0");
  }
  return {};
}

}  // namespace

std::string_view name_of(SearchAction action) { return kActions.at(static_cast<std::size_t>(action)); }

double budget_pressure(const SearchState& s) {
  const auto left = [](double now, double first) { return first > 0 ? std::clamp(now / first, 0.0, 1.0) : 0; };
  return 1 - std::min(left(s.calls, s.calls_budget), left(s.tokens, s.tokens_budget));
}

// P(this action and the answer after it need more tokens than are left), by a normal approximation.
double VoiController::overrun(SearchAction action, const SearchState& s) const {
  const double growth = 1 + options_.context_growth * s.steps;
  double mean = 0, variance = 0;
  const auto add = [&](const ActionCost& cost) {
    mean += cost.tokens * growth;
    variance += std::pow(cost.tokens * growth * cost.spread, 2);
  };
  add(cost_of(action, s));
  if (action != SearchAction::kAnswer) add(s.answer);
  if (variance == 0) return mean > s.tokens ? 1 : 0;
  return 1 - normal_cdf((s.tokens - mean) / std::sqrt(variance));
}

ScoredAction VoiController::score(SearchAction action, const SearchState& s) const {
  ScoredAction out{.action = action, .overrun = overrun(action, s)};
  const double pressure = budget_pressure(s), missing = 1 - s.sufficiency;
  const double full = options_.penalty ? options_.pressure_weight * pressure * pressure : 0;
  const double lost = options_.penalty ? out.overrun * (.1 + .8 * s.sufficiency) : 0;
  if (action == SearchAction::kSearch) {
    out.progress = hit_chance(s) * .75 * missing - .06 * s.useless;
    out.penalty = full + lost;
  } else if (action == SearchAction::kDecompose) {
    const double before = std::min(2.0, affordable(s, 0)), after = std::min(2.0, affordable(s, s.decompose.tokens));
    out.progress = s.compositional ? .5 * missing * (.62 * after - .30 * before) : 0;
    out.penalty = full / 2 + lost;
  } else {
    out.progress = options_.answer_weight * (s.sufficiency - options_.support * (1 - pressure));
  }
  const double by_calls = calls_of(action) == 0 ? 0 : s.calls > 0 ? calls_of(action) / s.calls : 1;
  const double growth = 1 + options_.context_growth * s.steps;
  const double by_tokens = s.tokens > 0 ? cost_of(action, s).tokens * growth / s.tokens : 1;
  out.share = std::max(by_calls, by_tokens);
  const double use = std::max(0.0, out.progress - out.penalty);
  out.score = options_.cost_division ? use / (out.share + options_.epsilon) : use;
  return out;
}

// Why an action is out of the question; empty where it is not. What cannot be paid is forbidden without guards too.
std::string_view VoiController::forbidden(SearchAction action, const SearchState& s) const {
  const bool may_search = s.calls >= 1;
  const double risk = overrun(SearchAction::kSearch, s);
  if (action == SearchAction::kSearch) return may_search ? "" : "no call is left";
  if (action == SearchAction::kDecompose) {
    if (s.decomposed || s.decomposing_changed_nothing) return "already decomposed";
    if (!options_.guards) return "";
    if (!s.compositional) return "the question is simple";
    return affordable(s, s.decompose.tokens) < 1 ? "no search could be paid afterwards" : "";
  }
  if (!options_.guards) return "";
  if (s.compositional && s.searches == 0 && may_search && risk < .5) return "no answer before a search";
  return s.sufficiency < .8 && may_search && risk < .25 ? "the evidence is thin and a search can be paid" : "";
}

Result<ScoredAction> VoiController::decide(const SearchState& s) const {
  if (auto ok = check(s); !ok) return tl::unexpected(ok.error());
  if (s.calls <= 0 && s.tokens <= 0) return ScoredAction{.action = SearchAction::kAnswer, .guard = "exhausted"};
  std::optional<ScoredAction> best;
  for (const SearchAction action : kAll) {
    if (!forbidden(action, s).empty()) continue;
    const ScoredAction scored = score(action, s);
    if (scored.score > 0 && (!best || scored.score > best->score)) best = scored;
  }
  if (best) return *best;
  const bool search = s.calls >= 1 && s.sufficiency < .9 && overrun(SearchAction::kSearch, s) < .15;
  ScoredAction out = score(search ? SearchAction::kSearch : SearchAction::kAnswer, s);
  out.guard = "nothing scores above 0";
  return out;
}

}  // namespace bursar::plan
