// A tree of searches: which partial solution goes on is drawn by value, and the best one alone as the budget runs out.
//
// value_tree.h draws the node; a step from it is one move of the model, told what was tried there and to try something
// else, and at most one search. A critic says how far the new evidence advances the question (its gain); for a proposed
// answer the gain is twice the judge's chance that it is right, less one [choice]. What a step brought is kept in the
// evidence of its node alone, so that a wrong turn misleads no other branch; what another branch has found already
// costs no call. Tokens for a forced answer are held back. Source: systems/bavt.
#include <algorithm>

#include "bursar/plan/strategies/asks.h"
#include "bursar/plan/strategies/entries.h"
#include "bursar/plan/strategies/search_log.h"
#include "bursar/plan/value_tree.h"

namespace bursar::plan {
namespace {

constexpr std::int64_t kLeastTokens = 32;
constexpr int kMostRepeats = 2;  // of what was tried at a node; then nothing else is thought of there
constexpr double kNothing = -1;  // gain of a step that brought nothing

struct Branch {
  std::vector<std::size_t> pieces;  // of the log, from the root on
  std::vector<std::string> tried;   // from here
  std::optional<Answer> answer;     // of a finished one
  int repeats = 0;
};

class TreeJob {
 public:
  explicit TreeJob(Job& job)
      : job_(job),
        log_(job),
        reserve_(job),
        tokens_(static_cast<double>(job.purse().left(kTokens).value_or(job.integer("tokens")))),
        branches_(1),
        search_(make(job)) {}

  [[nodiscard]] TreeAction next();
  [[nodiscard]] Action act();
  // The search to run; none where nothing is to be run, or what was asked for is known.
  [[nodiscard]] std::vector<Action> read(const Observation& said);
  void take_found(const Observation& found);
  [[nodiscard]] bool has_news() const { return piece_ || proposal_; }
  [[nodiscard]] Action critic() const;
  void close_step(const Observation* heard);

  [[nodiscard]] std::optional<Answer> answer() const { return branches_[action_.node].answer; }
  [[nodiscard]] Action force();
  [[nodiscard]] std::optional<Answer> forced(const Observation& said) const;

 private:
  [[nodiscard]] ValueTreeSearch make(const Job& job) const;
  [[nodiscard]] Branch& branch() { return branches_[action_.node]; }
  [[nodiscard]] const Branch& branch() const { return branches_[action_.node]; }
  [[nodiscard]] Action ask(Task task, std::vector<Section> sections, std::int64_t tokens) const;
  [[nodiscard]] std::optional<NodeId> best(bool finished) const;
  [[nodiscard]] std::int64_t room() const;
  [[nodiscard]] bool on_path(std::size_t piece) const;
  void note(double gain, std::optional<NodeId> child) const;

  Job& job_;
  SearchLog log_;
  AnswerReserve reserve_;
  double tokens_;                 // at first
  std::vector<Branch> branches_;  // by node
  ValueTreeSearch search_;
  TreeAction action_;
  // The step under way.
  StepReport step_;
  std::string query_;
  std::optional<std::size_t> piece_;  // new to this branch
  std::optional<Answer> proposal_;
};

ValueTreeSearch TreeJob::make(const Job& job) const {
  ValueTreeOptions options;
  options.hops = job.number("hops");
  options.stop_value = job.number("stop_value");
  options.answer_tokens = std::min(static_cast<double>(job.integer("answer_tokens")), tokens_ / 2);
  return ValueTreeSearch::make({.calls = static_cast<double>(log_.budget()),
                                .tokens = tokens_,
                                .options = options,
                                .seed = job.setup().seed})
      .value();  // the parameters' ranges are within its own
}

std::int64_t TreeJob::room() const {
  auto left = static_cast<std::int64_t>(tokens_ - search_.tokens_spent());
  return reserve_.room(std::min(left, job_.purse().left(kTokens).value_or(left)));
}

std::optional<NodeId> TreeJob::best(bool finished) const {
  std::optional<NodeId> out;
  for (NodeId i = 0; i < search_.nodes().size(); ++i) {
    const auto& node = search_.nodes()[i];
    if (node.finished == finished && (!out || node.value > search_.nodes()[*out].value)) out = i;
  }
  return out;
}

TreeAction TreeJob::next() {
  action_ = search_.next();
  // The purse or an account may end it before the tree's own counts do.
  const bool dry = log_.left(job_.purse()) <= 0 || room() < AnswerReserve::kLeastStep;
  const bool endless = search_.nodes().size() + branch().tried.size() > 4 * static_cast<std::size_t>(log_.budget()) + 8;
  if (action_.kind == TreeAction::Kind::kExpand && (dry || endless)) {
    const auto finished = best(true);
    action_.kind = finished ? TreeAction::Kind::kAnswer : TreeAction::Kind::kForce;
    action_.node = finished ? *finished : best(false).value_or(0);
  }
  step_ = {};
  piece_.reset();
  proposal_.reset();
  return action_;
}

Action TreeJob::ask(Task task, std::vector<Section> sections, std::int64_t tokens) const {
  const bool critic = task == Task::kCritic || task == Task::kJudge;
  Action out = ask_of(job_, task, std::move(sections),
                      {.max_tokens = tokens,
                       .least_tokens = std::min(kLeastTokens, tokens),
                       .temperature = critic ? 0 : job_.setup().temperature});
  return out;
}

Action TreeJob::act() {
  std::vector<Section> sections;
  if (!branch().tried.empty()) sections.emplace_back("tried", listed(branch().tried));
  log_.add_evidence(sections, branch().pieces);
  return ask(Task::kAct, std::move(sections), room());
}

bool TreeJob::on_path(std::size_t piece) const {
  return std::ranges::find(branch().pieces, piece) != branch().pieces.end();
}

std::vector<Action> TreeJob::read(const Observation& said) {
  step_.tokens += static_cast<double>(said.prompt_tokens + said.completion_tokens);
  reserve_.saw(said);
  std::vector<Action> out;
  if (!said.ok()) return out;
  const std::string_view answer = labelled(said.text, "Answer");
  query_ = answer.empty() ? std::string(labelled(said.text, "Search")) : "answer " + std::string(answer);
  const bool again = query_.empty() || std::ranges::find(branch().tried, query_) != branch().tried.end();
  if (again && ++branch().repeats >= kMostRepeats) step_.exhausted = true;
  if (again) return out;
  branch().tried.push_back(query_);
  if (!answer.empty()) {
    proposal_ = Answer{.text = said.text, .source = said.action};
    if (!job_.best()) job_.offer(*proposal_);
    return out;
  }
  const auto known = std::ranges::find(log_.pieces(), query_, &SearchLog::Piece::query);
  if (known == log_.pieces().end()) {
    out.push_back(log_.ask(query_));
  } else if (const auto at = static_cast<std::size_t>(known - log_.pieces().begin()); !on_path(at)) {
    piece_ = at;
  }
  return out;
}

void TreeJob::take_found(const Observation& found) {
  const std::int64_t before = log_.used();
  const SearchLog::Taken taken = log_.take(query_, found);
  step_.calls = static_cast<double>(log_.used() - before);
  if (taken.piece && !on_path(*taken.piece)) piece_ = taken.piece;
  if (taken.fresh) reserve_.grew(log_.pieces().back().text);
}

Action TreeJob::critic() const {
  std::vector<Section> sections;
  log_.add_evidence(sections, branch().pieces);
  if (proposal_) {
    sections.emplace_back("answer", final_answer(proposal_->text));
    return ask(Task::kJudge, std::move(sections), std::max(room(), AnswerReserve::kLeastStep));
  }
  sections.emplace_back("evidence", log_.pieces()[*piece_].text);
  return ask(Task::kCritic, std::move(sections), std::max(room(), AnswerReserve::kLeastStep));
}

// `heard`: what the critic said; none where there was nothing to judge.
void TreeJob::close_step(const Observation* heard) {
  step_.gain = kNothing;
  if (heard != nullptr) {
    step_.tokens += static_cast<double>(heard->prompt_tokens + heard->completion_tokens);
    const auto said = heard->ok() ? read_number(heard->text, proposal_ ? "Score" : "Gain") : std::nullopt;
    // A critic that says nothing speaks neither for nor against what was found.
    const double score = said ? *said : proposal_ ? .5 : 1 / job_.number("hops");
    step_.gain = std::clamp(proposal_ ? 2 * score - 1 : score, -1.0, 1.0);
  }
  step_.finished = proposal_.has_value();
  const auto child = search_.report(step_).value();  // next() asked for it, and its numbers are finite
  if (child) {
    Branch grown{.pieces = branch().pieces, .tried = {}, .answer = proposal_};
    if (piece_) grown.pieces.push_back(*piece_);
    branches_.push_back(std::move(grown));
    if (proposal_) {
      branches_.back().answer->certainty = search_.nodes()[*child].value;
      const auto& best = job_.best();
      if (!best || branches_.back().answer->certainty >= best->certainty) job_.offer(*branches_.back().answer);
    }
  }
  note(step_.gain, child);
}

void TreeJob::note(double gain, std::optional<NodeId> child) const {
  boost::json::object numbers{{"node", action_.node},
                              {"probability", action_.probability},
                              {"remaining", action_.remaining},
                              {"gain", gain},
                              {"calls", search_.calls_spent()},
                              {"tokens", search_.tokens_spent()},
                              {"nodes", search_.nodes().size()},
                              {"child", nullptr}};
  if (child) {
    numbers["child"] = *child;
    numbers["value"] = search_.nodes()[*child].value;
  }
  job_.note(std::move(numbers));
}

Action TreeJob::force() {
  std::vector<Section> sections;
  log_.add_evidence(sections, branch().pieces);
  job_.note({{"forced_from", action_.node}, {"remaining", search_.remaining()}, {"tree", search_.trace()}});
  return ask(Task::kFinalise, std::move(sections), job_.setup().max_tokens);
}

std::optional<Answer> TreeJob::forced(const Observation& said) const {
  if (!said.ok() || said.text.empty()) return job_.best();
  return Answer{.text = said.text, .source = said.action, .certainty = search_.nodes()[action_.node].value};
}

}  // namespace

Script bavt(Job& job) {
  TreeJob tree(job);
  TreeAction next = tree.next();
  while (next.kind == TreeAction::Kind::kExpand) {
    Action act = tree.act();
    const std::vector<Observation> said = co_await job.run(std::move(act));
    std::vector<Action> asks = tree.read(said.front());
    if (!asks.empty()) {
      const std::vector<Observation> found = co_await job.run(std::move(asks));
      tree.take_found(found.front());
    }
    if (tree.has_news()) {
      Action critic = tree.critic();
      const std::vector<Observation> heard = co_await job.run(std::move(critic));
      tree.close_step(&heard.front());
    } else {
      tree.close_step(nullptr);
    }
    next = tree.next();
  }
  if (next.kind == TreeAction::Kind::kAnswer) co_return tree.answer();
  Action force = tree.force();
  const std::vector<Observation> said = co_await job.run(std::move(force));
  co_return tree.forced(said.front());
}

namespace {
constexpr PolicyParameter kParameters[] = {
    kCallsParameter,
    kQueryArgumentParameter,
    kContextParameter,
    kStepTokensParameter,
    kAnswerTokensParameter,
    kSearchTokensParameter,
    {.name = "hops", .about = "steps that a solution is expected to take", .preset = "3", .low = 1, .high = 20},
    {.name = "stop_value",
     .about = "value of a proposed answer that ends the search",
     .preset = "0.85",
     .low = 0,
     .high = 1},
};
}  // namespace

const StrategyEntry kBavt{.name = "bavt",
                          .slug = "bavt",
                          .about = "Grows a tree of searches: by value at first, the best branch alone at the end",
                          .parameters = kParameters,
                          .searches = true,
                          .script = bavt};

}  // namespace bursar::plan
