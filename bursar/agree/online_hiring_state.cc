// OnlineHiring as JSON, and back: what was counted, searched and decided, with every double exact.
#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cmath>
#include <optional>

#include "bursar/agree/online_hiring.h"

namespace bursar::agree {
namespace {

namespace json = boost::json;

constexpr std::string_view kFormat = "bursar-hiring/1";
constexpr std::size_t kMostBytes = std::size_t{64} << 20;
constexpr std::int64_t kMostRounds = std::int64_t{1} << 50;
constexpr HiringPhase kPhases[] = {HiringPhase::kExplore, HiringPhase::kCompare, HiringPhase::kCommit,
                                   HiringPhase::kStuck};

template <class T>
json::array list(const std::vector<T>& numbers) {
  json::array out;
  for (const T x : numbers) out.emplace_back(x);
  return out;
}

template <class T>
json::array list(const std::vector<std::vector<T>>& rows) {
  json::array out;
  for (const auto& row : rows) out.emplace_back(list(row));
  return out;
}

// Reads members one after another and keeps the first error, so that a state of many members reads like a list of them.
class Loader {
 public:
  [[nodiscard]] bool failed() const { return error_.has_value(); }
  [[nodiscard]] tl::unexpected<Error> error() const { return tl::unexpected(*error_); }

  template <class T>
  T take(Result<T> got, T otherwise) {
    if (got) return std::move(*got);
    if (!error_) error_ = std::move(got.error());
    return otherwise;
  }
  JsonView at(const JsonView& in, std::string_view key) { return take(in.at(key), in); }
  std::int64_t whole(const JsonView& in, std::string_view key, std::int64_t low, std::int64_t high) {
    return take(in.int_at(key, low, high), low);
  }
  std::size_t index(const JsonView& in, std::string_view key, std::size_t below) {
    return static_cast<std::size_t>(whole(in, key, 0, static_cast<std::int64_t>(below) - 1));
  }
  double number(const JsonView& in, std::string_view key, double low, double high) {
    return take(in.double_at(key, low, high), low);
  }
  // As many elements as `size`; absent: any number up to `most`.
  std::vector<JsonView> elements(const JsonView& in, std::optional<std::size_t> size, std::size_t most) {
    std::vector<JsonView> out;
    const std::size_t count = take(in.array_size(size.value_or(most)), std::size_t{0});
    if (!failed() && size && count != *size)
      error_ = in.wrong("must have " + std::to_string(*size) + " elements").value();
    for (std::size_t k = 0; k < count && !failed(); ++k) out.push_back(take(in.element(k), in));
    return out;
  }
  std::vector<double> numbers(const JsonView& in, std::optional<std::size_t> size, double low, double high,
                              std::size_t most = kMostHiringCells) {
    std::vector<double> out;
    for (const JsonView& v : elements(in, size, most)) out.push_back(take(v.as_double(low, high), low));
    return out;
  }
  template <class T>
  std::vector<T> wholes(const JsonView& in, std::optional<std::size_t> size, std::int64_t high,
                        std::size_t most = kMostHiringCells) {
    std::vector<T> out;
    for (const JsonView& v : elements(in, size, most))
      out.push_back(static_cast<T>(take(v.as_int(0, high), std::int64_t{0})));
    return out;
  }

 private:
  std::optional<Error> error_;
};

json::object save_spec(const OnlineSpec& spec) {
  json::array rules;
  for (const StrictRule& rule : spec.rules) rules.emplace_back(list(rule.pay));
  return {{"efforts", list(spec.efforts)},
          {"signals", list(spec.signals)},
          {"states", spec.states},
          {"utility", list(spec.utility)},
          {"pay_cap", spec.pay_cap},
          {"rules", std::move(rules)},
          {"horizon", spec.horizon},
          {"seed", static_cast<std::int64_t>(spec.seed)},
          {"kappa", spec.options.kappa},
          {"exploration", spec.options.exploration},
          {"mix", spec.options.robustness == Robustness::kMix},
          {"strict_margin", spec.options.strict_margin}};
}

OnlineSpec load_spec(Loader& load, const JsonView& in) {
  constexpr std::int64_t kMost = static_cast<std::int64_t>(kMostHiringCells);
  OnlineSpec spec{.efforts = load.wholes<std::size_t>(load.at(in, "efforts"), {}, kMost, kMostHiringAgents),
                  .signals = load.wholes<std::size_t>(load.at(in, "signals"), {}, kMost, kMostHiringAgents),
                  .states = static_cast<std::size_t>(load.whole(in, "states", 1, kMost)),
                  .utility = load.numbers(load.at(in, "utility"), {}, -1e12, 1e12),
                  .pay_cap = load.number(in, "pay_cap", 0, 1e12),
                  .horizon = static_cast<std::uint64_t>(load.whole(in, "horizon", 0, kMostRounds)),
                  .seed = static_cast<std::uint64_t>(load.whole(in, "seed", INT64_MIN, INT64_MAX))};
  for (const JsonView& rule : load.elements(load.at(in, "rules"), {}, kMostHiringAgents)) {
    auto& pay = spec.rules.emplace_back().pay;
    for (const JsonView& row : load.elements(rule, {}, kMostHiringCells)) pay.push_back(load.numbers(row, {}, 0, 1e12));
  }
  spec.options = {.kappa = load.number(in, "kappa", 0, 100),
                  .exploration = load.number(in, "exploration", 0, 100),
                  .robustness = load.take(in.bool_at("mix"), false) ? Robustness::kMix : Robustness::kTighten,
                  .strict_margin = load.number(in, "strict_margin", -1e12, 1e12)};
  return spec;
}

json::object save_mechanism(const Mechanism& m) {
  return {{"mu", list(m.mu)},
          {"pay", list(m.pay)},
          {"act", list(m.act)},
          {"value", m.value},
          {"expected_pay", m.expected_pay}};
}

Mechanism load_mechanism(Loader& load, const JsonView& in, const HiringShape& shape, const OnlineSpec& spec) {
  const std::size_t profiles = shape.efforts.size(), actions = spec.utility.size() / shape.states;
  Mechanism m{.shape = shape,
              .mu = load.numbers(load.at(in, "mu"), profiles, 0, 1),
              .act = load.wholes<std::uint32_t>(load.at(in, "act"), profiles * shape.signals.size(),
                                                static_cast<std::int64_t>(actions) - 1),
              .value = load.number(in, "value", -1e15, 1e15),
              .expected_pay = load.number(in, "expected_pay", 0, 1e15)};
  for (const JsonView& row : load.elements(load.at(in, "pay"), shape.agents(), shape.agents()))
    m.pay.push_back(load.numbers(row, shape.cells(), 0, spec.pay_cap));
  return m;
}

}  // namespace

std::string OnlineHiring::save() const {
  json::array searches;
  for (const CostSearch& search : searches_) searches.emplace_back(search.save());
  json::object out{{"format", kFormat},
                   {"spec", save_spec(spec_)},
                   {"round", round_},
                   {"in_part", in_part_},
                   {"phase", name_of(phase())},
                   {"terms", offer_.terms},
                   {"efforts", list(offer_.efforts)},
                   {"pay", list(offer_.pay)},
                   {"act", list(act_)},
                   {"counts", list(counts_)},
                   {"profile", profile_},
                   {"agent", agent_},
                   {"searches", std::move(searches)},
                   {"seen", list(seen_)},
                   {"costs", list(costs_)},
                   {"stuck", stuck_}};
  if (mechanism_) out["mechanism"] = save_mechanism(*mechanism_);
  return to_json(out);
}

Result<OnlineHiring> OnlineHiring::load(std::string_view saved) {
  const auto document = parse_json(saved, {.max_bytes = kMostBytes});
  if (!document) return tl::unexpected(document.error());
  const JsonView root(*document);
  Loader load;
  if (load.take(root.string_at("format"), std::string_view{}) != kFormat && !load.failed())
    return root.wrong("the format is not " + std::string(kFormat));
  OnlineSpec spec = load_spec(load, load.at(root, "spec"));
  if (load.failed()) return load.error();
  auto made = make(std::move(spec));
  if (!made) return tl::unexpected(with_context("$.spec", made.error()));
  if (auto ok = made->restore(root); !ok) return tl::unexpected(ok.error());
  return made;
}

Result<void> OnlineHiring::restore(const JsonView& in) {
  Loader load;
  const std::size_t agents = shape_.agents(), signals = shape_.signals.size();
  const auto actions = static_cast<std::int64_t>(spec_.utility.size() / shape_.states);
  const auto phase_name = load.take(in.string_at("phase"), std::string_view{});
  const auto* const found = std::ranges::find(kPhases, phase_name, [](HiringPhase p) { return name_of(p); });
  if (!load.failed() && found == std::end(kPhases)) return in.wrong("there is no such phase");
  if (load.failed()) return load.error();
  offer_.phase = *found;
  round_ = static_cast<std::uint64_t>(load.whole(in, "round", 0, kMostRounds));
  in_part_ = static_cast<std::uint64_t>(load.whole(in, "in_part", 0, kMostRounds));
  offer_.terms = static_cast<std::uint64_t>(load.whole(in, "terms", 0, kMostRounds));
  act_ = load.wholes<std::uint32_t>(load.at(in, "act"), signals, actions - 1);
  counts_ = load.wholes<std::uint64_t>(load.at(in, "counts"), shape_.cells(), kMostRounds);
  profile_ = load.index(in, "profile", shape_.efforts.size() + 1);
  agent_ = load.index(in, "agent", agents + 1);
  offer_.efforts = load.wholes<std::size_t>(load.at(in, "efforts"), agents, INT32_MAX);
  for (std::size_t i = 0; i < offer_.efforts.size() && !load.failed(); ++i) {
    if (offer_.efforts[i] >= shape_.efforts.size_of(i)) return in.wrong("an effort is not one of its agent's");
  }
  offer_.pay.clear();
  const bool commits = phase() == HiringPhase::kCommit;
  const auto rows = load.elements(load.at(in, "pay"), commits ? 0 : agents, agents);
  for (std::size_t i = 0; i < rows.size(); ++i)
    offer_.pay.push_back(load.numbers(rows[i], shape_.signals.size_of(i) * shape_.states, 0, spec_.pay_cap));
  const auto searches = load.elements(load.at(in, "searches"), agents, agents);
  for (std::size_t i = 0; i < searches.size(); ++i)
    searches_[i] = load.take(CostSearch::load(searches[i], shape_.efforts.size_of(i), steps_), searches_[i]);
  const bool compares = phase() == HiringPhase::kCompare;
  if (compares && !load.failed() && (agent_ >= agents || searches_[agent_].done()))
    return in.wrong("no agent is left to be compared");
  seen_ = load.wholes<std::uint64_t>(
      load.at(in, "seen"),
      compares && !load.failed() ? std::optional(shape_.signals.size_of(agent_) * shape_.states) : std::nullopt,
      kMostRounds);
  costs_.clear();
  const auto costs = load.elements(load.at(in, "costs"), commits ? std::optional(agents) : std::nullopt, agents);
  for (std::size_t i = 0; i < costs.size(); ++i)
    costs_.push_back(load.numbers(costs[i], shape_.efforts.size_of(i), 0, 1e15));
  if (commits) mechanism_ = load_mechanism(load, load.at(in, "mechanism"), shape_, spec_);
  stuck_ = load.take(in.string_at("stuck", 4096), std::string_view{});
  if (load.failed()) return load.error();
  if (phase() != HiringPhase::kExplore) estimate();
  return check_progress(in);
}

// What the numbers must be to each other for the next observation to find its place.
Result<void> OnlineHiring::check_progress(const JsonView& in) const {
  const bool explores = phase() == HiringPhase::kExplore;
  if ((explores || mechanism_) && profile_ >= shape_.efforts.size()) return in.wrong("there is no such profile");
  if (explores && in_part_ >= profile_rounds_) return in.wrong("in_part is beyond the rounds of a profile");
  if (phase() == HiringPhase::kCompare && in_part_ >= query_rounds_)
    return in.wrong("in_part is beyond the rounds of a comparison");
  if (phase() != HiringPhase::kExplore) {
    for (std::size_t b = 0; b < shape_.efforts.size(); ++b) {
      std::uint64_t sum = 0;
      for (std::size_t k = 0; k < shape_.signals.size() * shape_.states; ++k) sum += counts_[shape_.cell(b, 0, 0) + k];
      if (sum != profile_rounds_) return in.wrong("the counts of a profile are not its rounds");
    }
  }
  if (!mechanism_) return {};
  double sum = 0;
  for (const double mu : mechanism_->mu) sum += mu;
  return std::abs(sum - 1) <= 1e-6 ? Result<void>{} : in.wrong("the draw of the mechanism does not sum to 1");
}

}  // namespace bursar::agree
