// As many agents, in as deep a tree, as the budget of tokens is worth: decided first, then run.
//
// organisation.h plans from the agents' law (kappa, beta), the correlation of their mistakes and what a message keeps:
// beliefs["agent_law"] = {"kappa", "beta"} and beliefs["correlation"] = rho where they were learned, else the
// parameters. Leaves solve, each within its share of the tokens; each node takes the majority of its messages, or the
// one that a model selects from their last tokens. What every call reads beside its work is taken from the budget
// first. It plans for answers that are right or wrong and merges no partial work. Source: systems/mas-phase.
#include <algorithm>
#include <cmath>

#include "bursar/plan/organisation.h"
#include "bursar/plan/strategies/asks.h"
#include "bursar/plan/strategies/ballot.h"
#include "bursar/plan/strategies/entries.h"

namespace bursar::plan {
namespace {

constexpr std::int64_t kLeastLeaf = 96;  // tokens of an answer: less is not worth a call [choice]
constexpr std::int64_t kBytesAToken = 4;
constexpr int kMostLayers = 4;

std::int64_t least_leaf(const Job& job) {
  const std::int64_t given = job.integer("least_leaf");
  return given > 0 ? given : std::max(kLeastLeaf, job.setup().max_tokens / 2);
}

std::int64_t budget_of(const Job& job) {
  const std::int64_t given = job.integer("tokens"), left = job.purse().left(kTokens).value_or(0);
  if (job.purse().limits(kTokens)) return given > 0 ? std::min(given, left) : left;
  return given > 0 ? given : 8 * job.setup().max_tokens;
}

double learned(const Job& job, const char* belief, const char* member, std::string_view parameter) {
  const boost::json::value* found = job.setup().beliefs.if_contains(belief);
  if (found != nullptr && member != nullptr)
    found = found->is_object() ? found->get_object().if_contains(member) : nullptr;
  return found != nullptr && found->is_number() ? found->to_number<double>() : job.number(parameter);
}

OrgInputs inputs_of(const Job& job) {
  OrgInputs in{.kappa = learned(job, "agent_law", "kappa", "kappa"),
               .beta = learned(job, "agent_law", "beta", "beta"),
               .correlation = learned(job, "correlation", nullptr, "correlation"),
               .window = job.integer("window"),
               .budget = static_cast<double>(std::max<std::int64_t>(budget_of(job), 1)),
               .least_leaf = static_cast<double>(prompt_estimate(job) + least_leaf(job))};
  in.fidelity = [scale = job.number("message_scale")](double m) { return 1 - std::exp(-m / scale); };
  return in;
}

// The best organisation of at most so many leaves: for each depth the widest fan-in that stays below.
Result<OrgPlan> organisation_of(const Job& job) {
  const OrgInputs inputs = inputs_of(job);
  const double most = static_cast<double>(job.integer("most_agents"));
  auto best = plan_organisation(inputs, {.most_depth = 0});
  for (int depth = 1; best && depth <= kMostLayers; ++depth) {
    const int fan_in = static_cast<int>(std::floor(std::pow(most, 1.0 / depth) + 1e-9));
    if (fan_in < 3) break;
    auto plan = plan_organisation(inputs, {.most_fan_in = fan_in, .most_depth = depth});
    if (plan && plan->success > best->success) best = std::move(plan);
  }
  return best;
}

boost::json::object numbers_of(const OrgPlan& plan) {
  return {{"agents", plan.agents},
          {"fan_in", plan.fan_in},
          {"depth", plan.depth},
          {"message", plan.message},
          {"leaf", plan.leaf_tokens},
          {"success", plan.success},
          {"single", (1 + plan.single_bias) / 2},
          {"verdict", std::string(name_of(plan.verdict))},
          {"because", plan.why}};
}

// A leaf that may write as much as anybody is the request as it came; a smaller one is told of its limit.
Action leaf_of(const Job& job, const OrgPlan& plan) {
  const auto tokens = static_cast<std::int64_t>(plan.leaf_tokens) - prompt_estimate(job);
  if (plan.depth == 0 || tokens >= job.setup().max_tokens) {
    Action whole = job.sample();
    std::get<ModelAsk>(whole.ask).least_tokens = kLeastLeaf;
    return whole;
  }
  const std::int64_t cut = std::max(tokens, kLeastLeaf);
  Action leaf =
      ask_of(job, Task::kSolve, {limit_section(cut)}, {.max_tokens = cut, .temperature = job.setup().temperature});
  leaf.purpose = "leaf";
  return leaf;
}

// What a node hears: the last tokens of a reply, which hold its answer.
std::string message_of(const Observation& seen, std::int64_t tokens) {
  const auto most = static_cast<std::size_t>(tokens * kBytesAToken);
  std::size_t from = seen.text.size() > most ? seen.text.size() - most : 0;
  while (from < seen.text.size() && (static_cast<unsigned char>(seen.text[from]) & 0xC0U) == 0x80) ++from;
  std::string out = seen.text.substr(from);
  if (from > 0 && labelled(out, "Answer").empty()) out += "\nAnswer: " + final_answer(seen.text);
  return out;
}

using Messages = std::vector<Observation>;

Messages of_majority(const Job& job, const Messages& group) {
  Ballots votes(answer_form(job));
  votes.take(group);
  const auto best = votes.best();
  if (!best) return {};
  return {*std::ranges::find(group, best->source, &Observation::action)};
}

std::vector<Messages> groups_of(const Messages& messages, int fan_in) {
  std::vector<Messages> out;
  for (std::size_t at = 0; at < messages.size(); at += static_cast<std::size_t>(fan_in)) {
    const std::size_t end = std::min(messages.size(), at + static_cast<std::size_t>(fan_in));
    out.emplace_back(messages.begin() + static_cast<std::ptrdiff_t>(at),
                     messages.begin() + static_cast<std::ptrdiff_t>(end));
  }
  return out;
}

std::vector<Action> selections(const Job& job, const std::vector<Messages>& groups, std::int64_t message) {
  std::vector<Action> out;
  for (const Messages& group : groups) {
    std::vector<Section> sections;
    for (const Observation& one : group) sections.emplace_back("answer", message_of(one, message));
    out.push_back(ask_of(job, Task::kSelect, std::move(sections), {.max_tokens = 128, .temperature = 0}));
  }
  return out;
}

// The message that a selecting model named; the majority where it named none.
Messages selected(const Job& job, const Messages& group, const Observation& said) {
  const auto choice = said.ok() ? read_number(said.text, "Choice") : std::nullopt;
  if (!choice || *choice < 1 || *choice > static_cast<double>(group.size())) return of_majority(job, group);
  return {group[static_cast<std::size_t>(*choice) - 1]};
}

}  // namespace

Script mas_phase(Job& job) {
  const auto plan = organisation_of(job);
  if (!plan) {
    job.note({{"organisation_error", plan.error().message}});  // of beliefs: what was learned is out of range
    std::vector<Action> one(1, job.sample());
    const std::vector<Observation> seen = co_await job.run(std::move(one));
    if (!seen[0].ok() || seen[0].text.empty()) co_return std::nullopt;
    co_return Answer{.text = seen[0].text, .source = seen[0].action};
  }
  job.note(numbers_of(*plan));
  std::vector<Action> leaves(static_cast<std::size_t>(plan->agents), leaf_of(job, *plan));
  Messages messages = co_await job.run(std::move(leaves));
  std::erase_if(messages, [](const Observation& one) { return !one.ok() || final_answer(one.text).empty(); });
  Ballots votes(answer_form(job));
  votes.take(messages);
  if (const auto best = votes.best()) job.offer(*best);
  const bool selects = job.text("aggregate") == "select";
  while (messages.size() > 1) {
    const std::vector<Messages> groups = groups_of(messages, plan->fan_in);
    std::vector<Action> asks = selects ? selections(job, groups, plan->message) : std::vector<Action>();
    const std::vector<Observation> said = co_await job.run(std::move(asks));
    messages.clear();
    for (std::size_t g = 0; g < groups.size(); ++g) {
      const Messages up = selects ? selected(job, groups[g], said[g]) : of_majority(job, groups[g]);
      messages.insert(messages.end(), up.begin(), up.end());
    }
    job.note({{"messages", messages.size()}});
  }
  if (messages.empty()) co_return job.best();
  const double certainty = job.best() ? job.best()->certainty : 0;
  co_return Answer{.text = messages[0].text, .source = messages[0].action, .certainty = certainty};
}

namespace {
constexpr std::string_view kAggregates[] = {"majority", "select"};
constexpr PolicyParameter kParameters[] = {
    kAnswersParameter,
    {.name = "tokens",
     .about = "in all; 0: what the purse holds, or eight answers' worth",
     .kind = ParameterKind::kInteger,
     .preset = "0",
     .low = 0,
     .high = 1e9},
    {.name = "aggregate",
     .about = "how a node makes one message of several",
     .kind = ParameterKind::kText,
     .preset = "\"majority\"",
     .choices = kAggregates},
    {.name = "kappa",
     .about = "an agent with x tokens is right with chance (1 + kappa x^beta) / 2, unless it was learned",
     .preset = "0.05",
     .low = 1e-6,
     .high = 1},
    {.name = "beta", .about = "see kappa", .preset = "0.1", .low = .001, .high = 2},
    {.name = "correlation",
     .about = "of the agents' mistakes, unless it was learned",
     .preset = "0.2",
     .low = 0,
     .high = .99},
    {.name = "message_scale",
     .about = "a message of m tokens keeps 1 - exp(-m / scale) of what its sender knew",
     .preset = "8",
     .low = .1,
     .high = 1e4},
    {.name = "window",
     .about = "tokens of messages that a node can read",
     .kind = ParameterKind::kInteger,
     .preset = "8192",
     .low = 16,
     .high = 1e7},
    {.name = "least_leaf",
     .about = "tokens that an agent of a team has for its answer, at least; 0: half of max_tokens",
     .kind = ParameterKind::kInteger,
     .preset = "0",
     .low = 0,
     .high = 1e6},
    {.name = "most_agents",
     .about = "leaves of the tree",
     .kind = ParameterKind::kInteger,
     .preset = "32",
     .low = 1,
     .high = 128},
};
}  // namespace

const StrategyEntry kMasPhase{.name = "mas-phase",
                              .slug = "mas-phase",
                              .about = "One agent, a star or a tree of agents: whichever the budget is worth",
                              .parameters = kParameters,
                              .script = mas_phase};

}  // namespace bursar::plan
