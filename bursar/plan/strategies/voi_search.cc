// Searches, decomposes or answers, whichever is worth most for its share of the budget that is left; then decides which
// of two answers to give.
//
// voi_controller.h decides before every step, from how far a critic finds the evidence sufficient (it sees the question
// and the evidence alone), what each kind of step has cost so far, and what is left of calls and tokens. The answer's
// tokens are held back from the first step on. A base answer comes out of the search or of one call; a second call
// repairs it, and the finaliser keeps the base unless the change is of a safe kind and stands in the evidence. A
// question is taken as compositional where it reads like one [choice]. beliefs["final_rates"] = {kind: {"gain",
// "harm"}} where feedback has taught what changes of a kind do. Source: systems/voi-search.
#include <algorithm>
#include <array>

#include "bursar/plan/strategies/asks.h"
#include "bursar/plan/strategies/entries.h"
#include "bursar/plan/strategies/search_log.h"
#include "bursar/plan/token_plan.h"
#include "bursar/plan/voi_controller.h"

namespace bursar::plan {
namespace {

constexpr std::int64_t kLeastTokens = 32, kInstructions = 120;
constexpr std::size_t kBytesAToken = 4, kNoted = 200;
constexpr int kMostIdle = 2;  // steps in a row that were to search and did not
constexpr double kOpenBelow = .8;

bool is_compositional(const std::string& question) {
  std::size_t links = 0;
  for (const std::string_view link : {" of the ", " whose ", " that ", " which ", " who ", " where "}) {
    for (std::size_t at = question.find(link); at != std::string::npos; at = question.find(link, at + 1)) ++links;
  }
  return links >= 2 || heuristic_steps(question).size() > 1;
}

// "…, this or that?"
std::vector<std::string> options_in(std::string_view question) {
  const std::size_t from = question.find_last_of(",:");
  if (from == std::string_view::npos) return {};
  std::string_view rest = question.substr(from + 1);
  while (!rest.empty() && (rest.back() == '?' || rest.back() == ' ')) rest.remove_suffix(1);
  const std::size_t either = rest.find(" or ");
  if (either == std::string_view::npos) return {};
  std::string_view first = rest.substr(0, either);
  while (first.starts_with(' ')) first.remove_prefix(1);
  return {std::string(first), std::string(rest.substr(either + 4))};
}

// A running mean of what a kind of step costs at the beginning of a search; the controller adds the growth of context.
struct CostOf {
  double mean = 0, count = 1;  // the first guess counts as one
  void observe(double tokens) { mean += (tokens - mean) / ++count; }
};

class VoiSearch {
 public:
  explicit VoiSearch(Job& job);

  [[nodiscard]] SearchAction decide();
  [[nodiscard]] Action decompose();
  void take_steps(const Observation& seen);
  [[nodiscard]] Action act();
  [[nodiscard]] std::vector<Action> read(const Observation& said);  // the search, if there is one
  [[nodiscard]] bool take_found(const Observation& found);          // whether the critic is to be asked
  [[nodiscard]] Action critic();
  void take_sufficiency(const Observation& seen);

  [[nodiscard]] bool has_base() const { return base_ && base_pieces_ == log_.pieces().size(); }
  [[nodiscard]] Action finalise();
  void take_base(const Observation& seen);
  [[nodiscard]] bool refines() const;
  [[nodiscard]] Action repair();
  [[nodiscard]] std::optional<Answer> choose(const Observation& refined) const;
  [[nodiscard]] const std::optional<Answer>& base() const { return base_; }

 private:
  [[nodiscard]] Action ask(Task task, std::vector<Section> sections, std::int64_t tokens) const;
  [[nodiscard]] std::vector<Section> sections() const;
  [[nodiscard]] double tokens_left() const;
  [[nodiscard]] std::int64_t room() const { return reserve_.room(static_cast<std::int64_t>(tokens_left())); }
  void paid(CostOf& of, const Observation& seen);

  Job& job_;
  SearchLog log_;
  AnswerReserve reserve_;
  VoiController controller_;
  SearchState state_;
  CostOf search_, decompose_, answer_;
  double spent_ = 0, step_ = 0;  // step_: tokens of this search so far
  std::vector<std::string> steps_;
  std::string query_;
  std::optional<Answer> base_;
  std::size_t base_pieces_ = 0;
  int idle_ = 0;
};

VoiSearch::VoiSearch(Job& job) : job_(job), log_(job), reserve_(job) {
  const double prompt = static_cast<double>(kInstructions) +
                        static_cast<double>(job.setup().question.size()) / static_cast<double>(kBytesAToken);
  const auto step = static_cast<double>(job.integer("step_tokens"));
  search_.mean = 2 * prompt + .4 * step;
  decompose_.mean = prompt + .4 * step;
  answer_.mean = prompt + .3 * static_cast<double>(job.setup().max_tokens);
  state_.compositional = is_compositional(job.setup().question);
  state_.calls_budget = static_cast<double>(log_.budget());
  state_.tokens_budget = static_cast<double>(job.purse().left(kTokens).value_or(job.integer("tokens")));
}

double VoiSearch::tokens_left() const {
  const double own = state_.tokens_budget - spent_;
  const auto purse = job_.purse().left(kTokens);
  return std::max(0.0, purse ? std::min(own, static_cast<double>(*purse)) : own);
}

SearchAction VoiSearch::decide() {
  state_.calls = static_cast<double>(log_.left(job_.purse()));
  state_.tokens = tokens_left();
  state_.search.tokens = search_.mean;
  state_.decompose.tokens = decompose_.mean;
  state_.answer.tokens = answer_.mean;
  const auto next = controller_.decide(state_);
  if (!next) {
    job_.note({{"voi_error", next.error().message}});
    return SearchAction::kAnswer;
  }
  const bool stuck = idle_ >= kMostIdle || state_.steps > 2 * static_cast<int>(log_.budget()) + 4;
  const bool spent = room() < AnswerReserve::kLeastStep;
  const SearchAction action = stuck || spent ? SearchAction::kAnswer : next->action;
  job_.note({{"next", name_of(action)},
             {"score", next->score},
             {"progress", next->progress},
             {"penalty", next->penalty},
             {"share", next->share},
             {"overrun", next->overrun},
             {"guard", stuck   ? "it does not search any more"
                       : spent ? "what is left is the answer's"
                               : next->guard},
             {"sufficiency", state_.sufficiency},
             {"calls_left", state_.calls},
             {"tokens_left", state_.tokens},
             {"answer_tokens", answer_.mean}});
  return action;
}

Action VoiSearch::ask(Task task, std::vector<Section> sections, std::int64_t tokens) const {
  return ask_of(job_, task, std::move(sections),
                {.max_tokens = tokens,
                 .least_tokens = std::min(kLeastTokens, tokens),
                 .temperature = task == Task::kSufficiency ? 0 : job_.setup().temperature});
}

std::vector<Section> VoiSearch::sections() const {
  std::vector<Section> out;
  if (!steps_.empty()) out.emplace_back("plan", listed(steps_));
  if (!log_.queries().empty()) out.emplace_back("tried", listed(log_.queries()));
  log_.add_evidence(out);
  return out;
}

void VoiSearch::paid(CostOf& of, const Observation& seen) {
  const auto tokens = static_cast<double>(seen.prompt_tokens + seen.completion_tokens);
  spent_ += tokens;
  reserve_.saw(seen);
  if (&of == &search_) {
    step_ += tokens;
  } else if (seen.ok()) {
    of.observe(tokens / (1 + VoiOptions{}.context_growth * state_.steps));
  }
}

Action VoiSearch::decompose() {
  ++state_.steps;
  return decompose_of(job_);
}

void VoiSearch::take_steps(const Observation& seen) {
  paid(decompose_, seen);
  state_.decomposed = true;
  const std::vector<SubQuestion> steps = seen.ok() ? parse_steps(seen.text) : std::vector<SubQuestion>();
  state_.decomposing_changed_nothing = steps.size() < 2;
  for (const SubQuestion& step : steps) steps_.push_back(step.text);
  if (state_.decomposing_changed_nothing) steps_.clear();
}

Action VoiSearch::act() {
  step_ = 0;
  return ask(Task::kAct, sections(), std::max(room(), AnswerReserve::kLeastStep));
}

std::vector<Action> VoiSearch::read(const Observation& said) {
  paid(search_, said);
  std::vector<Action> out;
  const std::vector<std::string> queries = said.ok() ? queries_in(said.text) : std::vector<std::string>();
  const auto fresh = std::ranges::find_if(queries, [&](const std::string& query) { return !log_.tried(query); });
  if (fresh != queries.end()) {
    query_ = *fresh;
    idle_ = 0;
    out.push_back(log_.ask(query_));
    return out;
  }
  ++idle_;
  ++state_.steps;
  ++state_.useless;
  if (said.ok() && !labelled(said.text, "Answer").empty()) take_base(said);
  return out;
}

bool VoiSearch::take_found(const Observation& found) {
  const bool brought = log_.take(query_, found).fresh;
  if (brought) reserve_.grew(log_.pieces().back().text);
  ++state_.steps;
  ++state_.searches;
  state_.useless = brought ? 0 : state_.useless + 1;
  if (!brought) search_.observe(step_ / (1 + VoiOptions{}.context_growth * state_.steps));
  return brought;
}

Action VoiSearch::critic() {
  std::vector<Section> evidence;
  log_.add_evidence(evidence);
  return ask(Task::kSufficiency, std::move(evidence), std::max(room(), AnswerReserve::kLeastStep));
}

void VoiSearch::take_sufficiency(const Observation& seen) {
  paid(search_, seen);
  search_.observe(step_ / (1 + VoiOptions{}.context_growth * state_.steps));
  const auto said = seen.ok() ? read_number(seen.text, "Sufficiency") : std::nullopt;
  if (said) state_.sufficiency = std::clamp(*said, 0.0, 1.0);
}

Action VoiSearch::finalise() { return ask(Task::kFinalise, sections(), job_.setup().max_tokens); }

void VoiSearch::take_base(const Observation& seen) {
  if (!seen.ok() || seen.text.empty()) return;
  base_ = Answer{.text = seen.text, .source = seen.action, .certainty = state_.sufficiency};
  base_pieces_ = log_.pieces().size();
  job_.offer(*base_);
}

bool VoiSearch::refines() const {
  return base_ && job_.flag("refine") && !log_.pieces().empty() && room() >= AnswerReserve::kLeastStep;
}

Action VoiSearch::repair() {
  std::vector<Section> what = sections();
  what.emplace_back("answer", final_answer(base_->text));
  return ask(Task::kRepair, std::move(what), job_.setup().max_tokens);
}

SelectiveFinalizer finalizer_of(const Job& job) {
  SelectiveFinalizer out(job.number("harm_weight"));
  const auto* learned = job.setup().beliefs.if_contains("final_rates");
  if (learned == nullptr || !learned->is_object()) return out;
  for (std::size_t k = 0; k <= static_cast<std::size_t>(Disagreement::kOther); ++k) {
    const auto* of = learned->get_object().if_contains(name_of(static_cast<Disagreement>(k)));
    const auto* rates = of == nullptr ? nullptr : of->if_object();
    const auto* gain = rates == nullptr ? nullptr : rates->if_contains("gain");
    const auto* harm = rates == nullptr ? nullptr : rates->if_contains("harm");
    if (gain == nullptr || harm == nullptr || !gain->is_number() || !harm->is_number()) continue;
    out.learn(static_cast<Disagreement>(k), {.gain = gain->to_number<double>(), .harm = harm->to_number<double>()});
  }
  return out;
}

std::optional<Answer> VoiSearch::choose(const Observation& refined) const {
  if (!refined.ok() || labelled(refined.text, "Answer").empty()) return base_;
  Trajectory trajectory{.question = job_.setup().question,
                        .evidence = {},
                        .options = options_in(job_.setup().question),
                        .bridge = {},
                        .open_hops = state_.compositional && state_.sufficiency < kOpenBelow};
  for (const SearchLog::Piece& piece : log_.pieces()) trajectory.evidence.append(piece.text).append("\n");
  const std::string before = final_answer(base_->text), after = final_answer(refined.text);
  const FinalChoice choice = finalizer_of(job_).choose(trajectory, before, after);
  job_.note({{"disagreement", name_of(choice.kind)},
             {"safe", choice.safe},
             {"value", choice.value},
             {"refined", choice.refined},
             {"base", cut_text(before, kNoted)},
             {"candidate", cut_text(after, kNoted)}});
  if (!choice.refined) return base_;
  return Answer{.text = refined.text, .source = refined.action, .certainty = state_.sufficiency};
}

}  // namespace

Script voi_search(Job& job) {
  VoiSearch search(job);
  for (SearchAction next = search.decide(); next != SearchAction::kAnswer; next = search.decide()) {
    if (next == SearchAction::kDecompose) {
      Action decompose = search.decompose();
      const std::vector<Observation> steps = co_await job.run(std::move(decompose));
      search.take_steps(steps.front());
      continue;
    }
    Action act = search.act();
    const std::vector<Observation> said = co_await job.run(std::move(act));
    std::vector<Action> asks = search.read(said.front());
    if (asks.empty()) continue;
    const std::vector<Observation> found = co_await job.run(std::move(asks));
    if (!search.take_found(found.front())) continue;
    Action critic = search.critic();
    const std::vector<Observation> heard = co_await job.run(std::move(critic));
    search.take_sufficiency(heard.front());
  }
  if (!search.has_base()) {
    Action finalise = search.finalise();
    const std::vector<Observation> said = co_await job.run(std::move(finalise));
    search.take_base(said.front());
  }
  if (!search.refines()) co_return search.base();
  Action repair = search.repair();
  const std::vector<Observation> refined = co_await job.run(std::move(repair));
  co_return search.choose(refined.front());
}

namespace {
constexpr PolicyParameter kParameters[] = {
    kCallsParameter,
    kQueryArgumentParameter,
    kContextParameter,
    kStepTokensParameter,
    kAnswerTokensParameter,
    kSearchTokensParameter,
    {.name = "refine",
     .about = "repair the answer by one more call, and choose between the two",
     .kind = ParameterKind::kFlag,
     .preset = "true"},
    {.name = "harm_weight",
     .about = "what a right answer that is spoiled counts, in wrong ones that are mended",
     .preset = "1.5",
     .low = 0,
     .high = 100},
};
}  // namespace

const StrategyEntry kVoiSearch{.name = "voi-search",
                               .slug = "voi-search",
                               .about = "Searches while a search is worth its share of what is left, then answers",
                               .parameters = kParameters,
                               .searches = true,
                               .script = voi_search};

}  // namespace bursar::plan
