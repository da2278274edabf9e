// Acts and searches, told before each step what is left of its calls; what it proposes is checked clue by clue.
//
// The regime of the remaining calls says how many queries one step may send side by side. A proposed answer whose clues
// all hold is a success; one that a clue contradicts is dropped for another lead, and remembered; one whose clues are
// unknown is searched for further, until the budget is low. The answer with the most clues satisfied wins, then the one
// that was proposed most often. Where the calls are fewer than two a clue, checking would eat them: then the tracker
// alone, as where the tokens are few [choice]. One success ends the job unless `attempts` says more (the sheet's 5 are
// for calls that are paid anyway) [choice]. Source: systems/bats.
#include <algorithm>
#include <tuple>

#include "bursar/plan/strategies/asks.h"
#include "bursar/plan/strategies/entries.h"
#include "bursar/plan/strategies/search_log.h"
#include "bursar/plan/token_plan.h"
#include "bursar/sample/answers.h"

namespace bursar::plan {
namespace {

constexpr std::size_t kMostClues = 5, kCallsPerClue = 2;
constexpr std::int64_t kPromptsToCheck = 16;  // a purse that pays for fewer does better without checks
constexpr int kMostFailures = 2;              // in a row: replies that neither search nor answer, or repeat themselves
constexpr std::int64_t kLeastTokens = 32;

struct Proposal {
  Answer answer;
  std::string key;  // of what it says
  std::vector<Clue> clues;

  [[nodiscard]] auto satisfied() const { return std::ranges::count(clues, Clue::kSatisfied); }
};

// What is known between two asks.
class Episode {
 public:
  explicit Episode(Job& job) : job_(job), log_(job), reserve_(job) {
    const std::size_t clues = std::max<std::size_t>(heuristic_steps(job.setup().question).size(), 2);
    const auto tokens = job.purse().left(kTokens);
    checks_ = job.flag("verify") && log_.budget() >= static_cast<std::int64_t>(kCallsPerClue * clues) &&
              (!tokens || *tokens >= kPromptsToCheck * reserve_.prompt());
    set_clues({});
  }

  [[nodiscard]] bool checks() const { return checks_; }
  [[nodiscard]] bool goes_on() const { return !settled_; }
  [[nodiscard]] bool has_open_proposal() const { return open_; }
  [[nodiscard]] bool can_check() const {
    return checks_ && reserve_.room(job_.purse().left(kTokens)) >= AnswerReserve::kLeastStep;
  }
  [[nodiscard]] std::optional<Answer> best() const;

  [[nodiscard]] Action plan() const;
  void take_plan(const Observation& seen);
  [[nodiscard]] Action act();
  // The searches to run now; none where the reply proposes an answer, or nothing.
  [[nodiscard]] std::vector<Action> read(const Observation& said);
  void take_found(std::span<const Observation> seen);
  [[nodiscard]] Action check() const;
  void judge(const Observation& seen);
  void accept();  // without a check

 private:
  void set_clues(std::vector<SubQuestion> steps);
  [[nodiscard]] Action ask(Task task, std::vector<Section> sections, std::int64_t tokens) const;
  [[nodiscard]] std::vector<Section> sections() const;
  [[nodiscard]] bool must_answer() const;
  void propose(const Observation& said);
  [[nodiscard]] std::size_t agreeing(const Proposal& with) const;
  void note(std::string_view verdict) const;

  Job& job_;
  SearchLog log_;
  AnswerReserve reserve_;
  std::vector<std::string> clues_, rejected_, earlier_;
  std::vector<Proposal> proposals_;
  std::vector<std::string> pending_;        // queries of the searches that run
  std::size_t lead_ = 0, seen_pieces_ = 0;  // where this attempt's evidence begins; what the last proposal had seen
  std::int64_t attempts_ = 0, steps_ = 0;
  int failures_ = 0;
  bool checks_ = true, forced_ = false, open_ = false, settled_ = false;
};

void Episode::set_clues(std::vector<SubQuestion> steps) {
  clues_.clear();
  for (SubQuestion& step : steps) {
    if (clues_.size() < kMostClues) clues_.push_back(std::move(step.text));
  }
  if (clues_.empty()) clues_.push_back(job_.setup().question);
}

Action Episode::ask(Task task, std::vector<Section> sections, std::int64_t tokens) const {
  const ModelAsk how{.model = job_.setup().model,
                     .max_tokens = tokens,
                     .least_tokens = std::min(kLeastTokens, tokens),
                     .temperature = job_.setup().temperature};
  Action out = ask_of(job_, task, std::move(sections), how);
  // It changes with every call and would break a cache of prompts anywhere but at the end.
  if (task == Task::kAct) std::get<ModelAsk>(out.ask).messages.back().content += log_.tracker().block();
  return out;
}

std::vector<Section> Episode::sections() const {
  std::vector<Section> out;
  std::string checklist;
  for (std::size_t i = 0; i < clues_.size(); ++i) {
    checklist.append(i == 0 ? "" : "\n").append(std::to_string(i + 1)).append(". ").append(clues_[i]);
  }
  out.emplace_back("clues", std::move(checklist));
  if (!rejected_.empty()) out.emplace_back("rejected", listed(rejected_));
  if (!earlier_.empty()) out.emplace_back("earlier", listed(earlier_));
  if (!log_.queries().empty()) out.emplace_back("tried", listed(log_.queries()));
  log_.add_evidence(out, lead_);
  return out;
}

Action Episode::plan() const { return decompose_of(job_); }

void Episode::take_plan(const Observation& seen) {
  if (!seen.ok()) return;
  std::vector<SubQuestion> steps = parse_steps(seen.text);
  if (steps.size() < 2) return;  // nothing to tell apart: the question stays the one clue
  set_clues(std::move(steps));
  checks_ = log_.budget() >= static_cast<std::int64_t>(kCallsPerClue * clues_.size());
}

bool Episode::must_answer() const {
  if (log_.left(job_.purse()) <= 0 || failures_ >= kMostFailures) return true;
  if (steps_ > 2 * log_.budget() + 4) return true;  // a model that only talks
  return reserve_.room(job_.purse().left(kTokens)) < AnswerReserve::kLeastStep;
}

Action Episode::act() {
  ++steps_;
  forced_ = must_answer();
  if (forced_) return ask(Task::kFinalise, sections(), job_.setup().max_tokens);
  return ask(Task::kAct, sections(), reserve_.room(job_.purse().left(kTokens)));
}

std::vector<Action> Episode::read(const Observation& said) {
  std::vector<Action> out;
  pending_.clear();
  reserve_.saw(said);
  if (forced_) {
    settled_ = true;
    if (said.ok()) propose(said);
    return out;
  }
  const auto width = static_cast<std::size_t>(
      std::min<std::int64_t>(log_.left(job_.purse()), std::max(branches_of(log_.tracker().regime()), 1)));
  if (said.ok() && !labelled(said.text, "Answer").empty()) {
    propose(said);
  } else if (said.ok()) {
    for (std::string& query : queries_in(said.text)) {
      if (pending_.size() < width && !log_.tried(query)) pending_.push_back(std::move(query));
    }
  }
  for (const std::string& query : pending_) out.push_back(log_.ask(query));
  failures_ = out.empty() && !open_ ? failures_ + 1 : 0;
  return out;
}

void Episode::take_found(std::span<const Observation> seen) {
  std::size_t brought = 0;
  for (std::size_t i = 0; i < seen.size(); ++i) {
    if (!log_.take(pending_[i], seen[i]).fresh) continue;
    ++brought;
    reserve_.grew(log_.pieces().back().text);
  }
  job_.note({{"used", log_.used()},
             {"budget", log_.budget()},
             {"regime", name_of(log_.tracker().regime())},
             {"brought", brought}});
}

void Episode::propose(const Observation& said) {
  const std::string text = final_answer(said.text);
  if (text.empty()) return;
  Proposal made{.answer = {.text = said.text, .source = said.action},
                .key = sample::canonical_answer(text),
                .clues = std::vector<Clue>(clues_.size(), Clue::kUnknown)};
  // Said once more without anything new: nothing is learned by asking on.
  const bool repeated = std::ranges::any_of(proposals_, [&](const Proposal& p) { return p.key == made.key; });
  if (repeated && seen_pieces_ == log_.pieces().size()) settled_ = true;
  seen_pieces_ = log_.pieces().size();
  proposals_.push_back(std::move(made));
  open_ = true;
  job_.offer(*best());
}

Action Episode::check() const {
  std::vector<Section> what = sections();
  what.emplace_back("answer", final_answer(proposals_.back().answer.text));
  return ask(Task::kCheck, std::move(what), reserve_.room(job_.purse().left(kTokens)));
}

void Episode::judge(const Observation& seen) {
  open_ = false;
  Proposal& proposal = proposals_.back();
  for (std::size_t i = 0; i < clues_.size() && seen.ok(); ++i) {
    const std::string_view said = labelled(seen.text, "Clue " + std::to_string(i + 1));
    if (said.starts_with("satisfied")) proposal.clues[i] = Clue::kSatisfied;
    if (said.starts_with("contradicted")) proposal.clues[i] = Clue::kContradicted;
  }
  const bool decidable = log_.left(job_.purse()) > 0;
  const Verdict verdict = verdict_of(proposal.clues, decidable, log_.tracker().regime());
  const std::string said = final_answer(proposal.answer.text);
  proposal.answer.certainty = static_cast<double>(proposal.satisfied()) / static_cast<double>(clues_.size());
  if (verdict == Verdict::kSuccess) {
    if (++attempts_ >= job_.integer("attempts") || log_.tracker().regime() == Regime::kCritical) settled_ = true;
    earlier_.push_back(said);
    lead_ = log_.pieces().size();
  } else if (verdict == Verdict::kPivot) {
    if (std::ranges::find(rejected_, said) == rejected_.end()) rejected_.push_back(said);
  }
  job_.offer(*best());
  note(name_of(verdict));
}

void Episode::accept() {
  open_ = false;
  settled_ = true;
  note("not checked");
}

void Episode::note(std::string_view verdict) const {
  job_.note({{"verdict", verdict},
             {"satisfied", proposals_.back().satisfied()},
             {"clues", clues_.size()},
             {"used", log_.used()},
             {"regime", name_of(log_.tracker().regime())}});
}

std::size_t Episode::agreeing(const Proposal& with) const {
  return static_cast<std::size_t>(std::ranges::count(proposals_, with.key, &Proposal::key));
}

std::optional<Answer> Episode::best() const {
  const Proposal* out = nullptr;
  const auto contradicted = [](const Proposal& p) { return std::ranges::count(p.clues, Clue::kContradicted); };
  for (const Proposal& p : proposals_) {
    const auto rank = [&](const Proposal& q) { return std::tuple{q.satisfied(), -contradicted(q), agreeing(q)}; };
    if (out == nullptr || rank(p) >= rank(*out)) out = &p;  // of equals the last, which has seen most
  }
  return out == nullptr ? std::nullopt : std::optional(out->answer);
}

}  // namespace

Script bats(Job& job) {
  Episode episode(job);
  if (episode.checks()) {
    Action plan = episode.plan();
    const std::vector<Observation> seen = co_await job.run(std::move(plan));
    episode.take_plan(seen.front());
  }
  while (episode.goes_on()) {
    Action act = episode.act();
    const std::vector<Observation> said = co_await job.run(std::move(act));
    std::vector<Action> searches = episode.read(said.front());
    if (!searches.empty()) {
      const std::vector<Observation> found = co_await job.run(std::move(searches));
      episode.take_found(found);
    } else if (episode.has_open_proposal() && episode.can_check()) {
      Action check = episode.check();
      const std::vector<Observation> verdict = co_await job.run(std::move(check));
      episode.judge(verdict.front());
    } else if (episode.has_open_proposal()) {
      episode.accept();
    }
  }
  co_return episode.best();
}

namespace {
constexpr PolicyParameter kParameters[] = {
    kCallsParameter,
    kQueryArgumentParameter,
    kContextParameter,
    kStepTokensParameter,
    kAnswerTokensParameter,
    {.name = "verify",
     .about = "check what is proposed clue by clue, where the calls allow it",
     .kind = ParameterKind::kFlag,
     .preset = "true"},
    {.name = "attempts",
     .about = "verified answers that end the job",
     .kind = ParameterKind::kInteger,
     .preset = "1",
     .low = 1,
     .high = 5},
};
}  // namespace

const StrategyEntry kBats{.name = "bats",
                          .slug = "bats",
                          .about = "Searches, knowing what is left of its calls, and checks what it finds clue by clue",
                          .parameters = kParameters,
                          .searches = true,
                          .script = bats};

}  // namespace bursar::plan
