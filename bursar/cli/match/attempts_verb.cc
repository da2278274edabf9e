// `bursar match attempts`: replays a stream of goals and slots under several rules, or answers it line by line.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <functional>
#include <limits>
#include <map>
#include <sstream>
#include <unordered_map>

#include "bursar/admit/matching/goal_matcher.h"
#include "bursar/allocate/format/answer.h"
#include "bursar/cli/match/match_verbs.h"
#include "bursar/core/json.h"
#include "bursar/core/random.h"

namespace bursar::cli {
namespace {

using admit::GoalId;
using admit::GoalMatcher;

constexpr std::size_t kMostLine = 1 << 20;
constexpr double kMost = std::numeric_limits<double>::max();

struct Named {
  std::string goal;
  double p = 0;
  std::optional<bool> success;  // where the log knows
};

// One line of the stream.
struct Event {
  enum class Kind : std::uint8_t { kGoal, kRemove, kSlot, kReport } kind = Kind::kGoal;
  std::string name;  // goal, or the slot's
  double weight = 1;
  std::vector<Named> edges;
  std::uint64_t attempt = 0;
  bool success = false;
};

Result<Event> read_slot(const JsonView& line) {
  Event out{.kind = Event::Kind::kSlot};
  if (auto ok = line.only({"slot", "p", "success"}); !ok) return tl::unexpected(ok.error());
  const auto name = line.string_at("slot", 256);
  const auto p = line.at("p"), known = line.find("success").and_then([&](const auto& v) -> Result<JsonView> {
    return v ? Result<JsonView>(*v) : Result<JsonView>(line);
  });
  if (!name) return tl::unexpected(name.error());
  if (!p) return tl::unexpected(p.error());
  if (!p->value().is_object()) return p->wrong("must be an object of probabilities by goal");
  out.name = *name;
  for (const auto& [key, value] : p->value().get_object()) {
    const auto number = JsonView(value, p->path() + "." + std::string(key)).as_double(0, 1);
    if (!number) return tl::unexpected(number.error());
    out.edges.push_back({.goal = std::string(key), .p = *number, .success = std::nullopt});
  }
  if (!line.value().get_object().contains("success")) return out;
  if (!known || !known->value().is_object()) return line.wrong("success must be an object of true or false by goal");
  for (Named& edge : out.edges) {
    const auto found = known->find(edge.goal);
    if (!found || !*found) continue;
    const auto worked = (*found)->as_bool();
    if (!worked) return tl::unexpected(worked.error());
    edge.success = *worked;
  }
  return out;
}

Result<Event> read_event(const JsonView& line) {
  if (!line.value().is_object()) return line.wrong("must be an object with goal, remove, slot or report");
  const auto& keys = line.value().get_object();
  if (keys.contains("slot")) return read_slot(line);
  Event out;
  if (keys.contains("report")) {
    if (auto ok = line.only({"report", "success"}); !ok) return tl::unexpected(ok.error());
    const auto id = line.int_at("report", 0);
    const auto success = line.bool_at("success");
    if (!id) return tl::unexpected(id.error());
    if (!success) return tl::unexpected(success.error());
    out.kind = Event::Kind::kReport;
    out.attempt = static_cast<std::uint64_t>(*id);
    out.success = *success;
    return out;
  }
  const bool remove = keys.contains("remove");
  if (auto ok = remove ? line.only({"remove"}) : line.only({"goal", "weight"}); !ok) return tl::unexpected(ok.error());
  const auto name = line.string_at(remove ? "remove" : "goal", 256);
  if (!name) return tl::unexpected(name.error());
  out.kind = remove ? Event::Kind::kRemove : Event::Kind::kGoal;
  out.name = *name;
  if (!remove && keys.contains("weight")) {
    const auto weight = line.double_at("weight", 0, kMost);
    if (!weight) return tl::unexpected(weight.error());
    out.weight = *weight;
  }
  return out;
}

// A matcher whose goals have names.
class NamedMatcher {
 public:
  explicit NamedMatcher(GoalMatcher matcher) : matcher_(std::move(matcher)) {}

  Result<void> add(const Event& event) {
    if (ids_.contains(event.name)) return invalid_argument("the goal '" + event.name + "' is there already");
    const auto id = matcher_.add_goal(event.weight);
    if (!id) return tl::unexpected(id.error());
    ids_[event.name] = *id;
    names_[*id] = event.name;
    return {};
  }
  Result<void> remove(const std::string& name) {
    const auto id = find(name);
    if (!id) return tl::unexpected(id.error());
    names_.erase(*id);
    ids_.erase(name);
    return matcher_.remove_goal(*id);
  }
  Result<std::optional<admit::MatchTry>> offer(const Event& event) {
    edges_.clear();
    for (const Named& edge : event.edges) {
      const auto id = find(edge.goal);
      if (!id) return tl::unexpected(id.error());
      edges_.push_back({.goal = *id, .probability = edge.p});
    }
    return matcher_.offer(edges_);
  }
  [[nodiscard]] const std::string& name(GoalId id) const { return names_.at(id); }
  GoalMatcher& matcher() { return matcher_; }
  [[nodiscard]] const GoalMatcher& matcher() const { return matcher_; }

  [[nodiscard]] boost::json::value save() const {
    boost::json::object names;
    for (const auto& [name, id] : ids_) names[name] = static_cast<std::int64_t>(id);
    return boost::json::object{
        {"format", "bursar-attempts/1"}, {"names", std::move(names)}, {"goals", matcher_.save()}};
  }
  static Result<NamedMatcher> load(const boost::json::value& state) {
    const JsonView root(state);
    const auto names = root.at("names"), goals = root.at("goals");
    if (!names) return tl::unexpected(names.error());
    if (!goals) return tl::unexpected(goals.error());
    auto matcher = GoalMatcher::load(goals->value());
    if (!matcher) return tl::unexpected(matcher.error());
    if (!names->value().is_object()) return names->wrong("must be an object");
    NamedMatcher out(std::move(*matcher));
    for (const auto& [key, value] : names->value().get_object()) {
      const auto id = JsonView(value, names->path() + "." + std::string(key)).as_int(0);
      if (!id) return tl::unexpected(id.error());
      if (auto known = out.matcher_.status(static_cast<GoalId>(*id)); !known) return tl::unexpected(known.error());
      out.ids_[std::string(key)] = static_cast<GoalId>(*id);
      if (!out.names_.emplace(static_cast<GoalId>(*id), std::string(key)).second)
        return names->wrong("two names have the goal " + std::to_string(*id));
    }
    if (out.names_.size() != out.matcher_.goals()) return names->wrong("lacks the name of a goal");
    return out;
  }

 private:
  Result<GoalId> find(const std::string& name) const {
    const auto found = ids_.find(name);
    if (found == ids_.end())
      return fail(ErrorCode::kNotFound, "there is no goal '" + name + "'; a line {\"goal\": …} must come before");
    return found->second;
  }

  GoalMatcher matcher_;
  std::map<std::string, GoalId, std::less<>> ids_;
  std::unordered_map<GoalId, std::string> names_;
  std::vector<admit::MatchEdge> edges_;
};

using Handle = std::function<Result<void>(const Event&)>;

Result<void> each_event(const std::string& path, std::istream& in, const Handle& handle) {
  std::string text;
  for (std::uint64_t number = 1; std::getline(in, text); ++number) {
    if (!text.empty() && text.back() == '\r') text.pop_back();
    if (text.find_first_not_of(" \t") == std::string::npos) continue;
    const auto done = parse_json(text, {.max_bytes = kMostLine})
                          .and_then([](const boost::json::value& v) { return read_event(JsonView(v)); })
                          .and_then(handle);
    if (!done) return tl::unexpected(with_context(path + ", line " + std::to_string(number), done.error()));
  }
  return {};
}

Result<NamedMatcher> make_matcher(const AttemptWords& words, const std::string& rule_name) {
  const auto rule = admit::goal_rule_named(rule_name);
  if (!rule) return tl::unexpected(with_context("--rule", rule.error()));
  auto curve = admit::LoadCurve::named(words.curve);
  if (!curve) return tl::unexpected(with_context("--curve", curve.error()));
  return GoalMatcher::create(
             {}, {.rule = *rule, .curve = std::move(*curve), .seed = words.seed, .max_pending = words.max_pending})
      .map([](GoalMatcher m) { return NamedMatcher(std::move(m)); });
}

struct Arm {
  std::string rule;
  NamedMatcher matcher;
  std::uint64_t idle = 0, drawn = 0;  // slots without an open goal; outcomes that the log did not know
  std::size_t goals = 0;
  double weight = 0;
};

// What the log knows decides; otherwise a coin that depends on seed, slot and goal alone, the same for every rule.
bool outcome_of(const Event& event, const std::string& goal, double p, const RandomStream& coins, Arm& arm) {
  for (const Named& edge : event.edges) {
    if (edge.goal == goal && edge.success) return *edge.success;
  }
  ++arm.drawn;
  return coins.split(goal).bernoulli(p);
}

Result<void> replay_event(const Event& event, std::uint64_t slot, const RandomStream& root, Arm& arm,
                          std::string* rows) {
  if (event.kind == Event::Kind::kGoal) {
    ++arm.goals;
    arm.weight += event.weight;
    return arm.matcher.add(event);
  }
  if (event.kind == Event::Kind::kRemove) return arm.matcher.remove(event.name);
  if (event.kind == Event::Kind::kReport)
    return invalid_argument("report is for --live; a replay knows or draws outcomes");
  const auto attempt = arm.matcher.offer(event);
  if (!attempt) return tl::unexpected(attempt.error());
  if (!*attempt) {
    ++arm.idle;
    return {};
  }
  const std::string& goal = arm.matcher.name((*attempt)->goal);
  const bool success = outcome_of(event, goal, (*attempt)->probability, root.split(slot), arm);
  if (rows != nullptr) {
    for (const auto& field : {arm.rule, event.name, goal}) allocate::append_csv_field(*rows, field), *rows += ',';
    *rows += number_text((*attempt)->probability) + (success ? ",1\n" : ",0\n");
  }
  return arm.matcher.matcher().report((*attempt)->id, success);
}

void print_arms(const std::vector<Arm>& arms, std::uint64_t slots, bool json, std::ostream& out) {
  boost::json::array rows;
  if (!json) {
    out << slots << " slots\n"
        << padded("rule", 12) << padded("worth", 12) << padded("reached", 12) << padded("tries", 10)
        << padded("idle", 8) << "drawn outcomes\n";
  }
  for (const Arm& arm : arms) {
    const GoalMatcher& m = arm.matcher.matcher();
    if (!json) {
      const double share = arm.weight > 0 ? 100 * m.succeeded_weight() / arm.weight : 0;
      out << padded(arm.rule, 12) << padded(number_text(m.succeeded_weight()), 12)
          << padded(number_text(share) + " %", 12) << padded(std::to_string(m.tries()), 10)
          << padded(std::to_string(arm.idle), 8) << arm.drawn << '\n';
    }
    rows.push_back(boost::json::object{{"rule", arm.rule},
                                       {"worth", m.succeeded_weight()},
                                       {"weight", arm.weight},
                                       {"goals", arm.goals},
                                       {"tries", m.tries()},
                                       {"idle", arm.idle},
                                       {"drawn", arm.drawn}});
  }
  if (json)
    out << to_json(boost::json::object{{"format", "bursar-match/1"}, {"slots", slots}, {"rules", std::move(rows)}})
        << '\n';
}

Result<void> replay(const AttemptWords& words, const Source& source, std::ostream& out) {
  std::vector<Arm> arms;
  for (const std::string& rule : words.rules.empty() ? std::vector<std::string>{"balance"} : words.rules) {
    auto matcher = make_matcher(words, rule);
    if (!matcher) return tl::unexpected(matcher.error());
    arms.push_back({.rule = rule, .matcher = std::move(*matcher)});
  }
  const RandomStream root = RandomStream(words.seed).split("attempts");
  std::string rows = "rule,slot,goal,p,success\n";
  std::uint64_t slots = 0;
  auto done = each_event(words.path, *source.stream, [&](const Event& event) -> Result<void> {
    for (Arm& arm : arms) {
      if (auto ok = replay_event(event, slots, root, arm, words.output.empty() ? nullptr : &rows); !ok) return ok;
    }
    slots += event.kind == Event::Kind::kSlot ? 1 : 0;
    return {};
  });
  if (!done) return done;
  if (!words.output.empty()) {
    if (auto ok = write_text(words.output, rows); !ok) return ok;
  }
  print_arms(arms, slots, words.json, out);
  return {};
}

// Answers every slot with {"try": 7, "goal": "T-17"} or {"goal": null}; other lines with {}.
Result<void> answer(const Event& event, NamedMatcher& matcher, std::ostream& out) {
  boost::json::object line;
  Result<void> done;
  switch (event.kind) {
    case Event::Kind::kGoal: done = matcher.add(event); break;
    case Event::Kind::kRemove: done = matcher.remove(event.name); break;
    case Event::Kind::kReport: done = matcher.matcher().report(event.attempt, event.success); break;
    case Event::Kind::kSlot: {
      const auto attempt = matcher.offer(event);
      if (!attempt) return tl::unexpected(attempt.error());
      line["goal"] = nullptr;
      if (*attempt) line = {{"try", (*attempt)->id}, {"goal", matcher.name((*attempt)->goal)}};
    }
  }
  if (done) out << to_json(line) << std::endl;
  return done;
}

Result<void> answer_live(const AttemptWords& words, const Source& source, std::ostream& out) {
  auto matcher = make_matcher(words, words.rules.empty() ? "balance" : words.rules.front());
  if (!matcher) return tl::unexpected(matcher.error());
  if (!words.state.empty()) {
    std::istringstream nothing;
    const auto saved = read_document(words.state, nothing);
    if (saved) {
      matcher = NamedMatcher::load(*saved).map_error([&](Error e) { return with_context(words.state, std::move(e)); });
      if (!matcher) return tl::unexpected(matcher.error());
    } else if (saved.error().code != ErrorCode::kUnavailable) {
      return tl::unexpected(saved.error());
    }
  }
  // A line that is wrong is answered, and the stream goes on.
  std::string text;
  while (std::getline(*source.stream, text)) {
    if (text.find_first_not_of(" \t\r") == std::string::npos) continue;
    const auto done = parse_json(text, {.max_bytes = kMostLine})
                          .and_then([](const boost::json::value& v) { return read_event(JsonView(v)); })
                          .and_then([&](const Event& event) { return answer(event, *matcher, out); });
    if (!done) {
      out << to_json(boost::json::object{{"error", name_of(done.error().code)}, {"message", done.error().message}})
          << std::endl;
    }
  }
  return words.state.empty() ? Result<void>{} : write_text(words.state, to_json(matcher->save()) + "\n");
}

}  // namespace

Result<void> match_attempts(const AttemptWords& words, MatchStreams streams) {
  if (words.live && words.rules.size() > 1) return invalid_argument("--live takes one --rule");
  if (!words.live && !words.state.empty()) return invalid_argument("--state is for --live");
  const auto source = open_source(words.path, streams.in);
  if (!source) return tl::unexpected(source.error());
  return words.live ? answer_live(words, *source, streams.out) : replay(words, *source, streams.out);
}

}  // namespace bursar::cli
