// The design of an experiment as JSON, and back.
#include <algorithm>

#include "bursar/core/json.h"
#include "bursar/explore/experiment/experiment.h"

namespace bursar::explore {
namespace {

namespace json = boost::json;

json::array array_of(const std::vector<double>& numbers) { return json::array(numbers.begin(), numbers.end()); }

// Members that may be absent, each with what it is then.
class Members {
 public:
  explicit Members(JsonView view) : view_(std::move(view)) {}

  double number(std::string_view key, double preset, double low, double high) {
    const auto member = find(key);
    return member ? keep(member->as_double(low, high)).value_or(preset) : preset;
  }
  std::uint64_t count(std::string_view key) {
    const auto member = find(key);
    return member ? static_cast<std::uint64_t>(keep(member->as_int(0)).value_or(0)) : 0;
  }
  bool flag(std::string_view key) {
    const auto member = find(key);
    return member && keep(member->as_bool()).value_or(false);
  }
  std::string text(std::string_view key) {
    const auto member = find(key);
    return member ? std::string(keep(member->as_string(256)).value_or("")) : std::string();
  }
  // The place of the text among `names`; the first where it is absent.
  std::size_t choice(std::string_view key, std::initializer_list<std::string_view> names) {
    const auto member = find(key);
    if (!member) return 0;
    const std::string_view text = keep(member->as_string(32)).value_or("");
    const auto at = std::ranges::find(names, text);
    if (at == names.end() && !wrong_) wrong_ = member->wrong("is not one of the names that there are").value();
    return at == names.end() ? 0 : static_cast<std::size_t>(at - names.begin());
  }
  std::vector<JsonView> list(std::string_view key, std::size_t at_most) {
    std::vector<JsonView> out;
    const auto member = find(key);
    const auto size = member ? keep(member->array_size(at_most)) : Result<std::size_t>(0);
    for (std::size_t i = 0; i < size.value_or(0); ++i) out.push_back(*member->element(i));
    return out;
  }
  template <class T>
  Result<T> keep(Result<T> got) {
    if (!got && !wrong_) wrong_ = got.error();
    return got;
  }
  [[nodiscard]] const std::optional<Error>& wrong() const { return wrong_; }

 private:
  std::optional<JsonView> find(std::string_view key) { return keep(view_.find(key)).value_or(std::nullopt); }
  JsonView view_;
  std::optional<Error> wrong_;
};

}  // namespace

json::object to_json_object(const ExperimentDesign& d) {
  json::object out{{"arms", json::array(d.arms.begin(), d.arms.end())}, {"method", name_of(d.method)}};
  if (d.samples > 0) out["samples"] = static_cast<std::int64_t>(d.samples);
  if (d.low != 0 || d.high != 1) out["low"] = d.low, out["high"] = d.high;
  if (d.method == ExperimentMethod::kLucb || d.method == ExperimentMethod::kElimination) {
    out["delta"] = d.delta;
    out["tolerance"] = d.tolerance;
  }
  if (d.method == ExperimentMethod::kPrivate) {
    out["schedule"] = d.schedule == EliminationSchedule::kPaper ? "paper" : "halving";
    out["noise"] = name_of(d.noise.noise);
    out["epsilon"] = d.noise.epsilon;
    out["noise_delta"] = d.noise.delta;
    out["user_weight"] = d.noise.user_weight;
    out["clip"] = d.clip;
    out["seed"] = std::to_string(d.seed);
    if (!d.features.empty()) {
      out["dimension"] = static_cast<std::int64_t>(d.dimension);
      out["features"] = array_of(d.features);
    }
  }
  if (d.money) {
    out["money"] = to_string(*d.money);
    out["prices"] = json::array(d.prices.begin(), d.prices.end());
  }
  return out;
}

Result<ExperimentDesign> read_design(const json::value& document) {
  const JsonView root(document, "$.design");
  if (auto ok =
          root.only({"arms", "method", "samples", "low", "high", "delta", "tolerance", "schedule", "noise", "epsilon",
                     "noise_delta", "user_weight", "clip", "seed", "dimension", "features", "money", "prices"});
      !ok)
    return tl::unexpected(ok.error());
  Members m(root);
  ExperimentDesign d;
  for (const JsonView& arm : m.list("arms", Experiment::kMostArms))
    d.arms.emplace_back(m.keep(arm.as_string(Experiment::kLongestName)).value_or(""));
  d.method = static_cast<ExperimentMethod>(m.choice("method", {"halving", "lucb", "elimination", "private"}));
  d.samples = m.count("samples");
  d.low = m.number("low", 0, -1e12, 1e12);
  d.high = m.number("high", 1, -1e12, 1e12);
  d.delta = m.number("delta", .05, 0, 1);
  d.tolerance = m.number("tolerance", 0, 0, 1e13);
  d.schedule =
      m.choice("schedule", {"halving", "paper"}) == 1 ? EliminationSchedule::kPaper : EliminationSchedule::kHalving;
  d.noise.noise = static_cast<PrivateNoise>(m.choice("noise", {"laplace", "gaussian", "none"}));
  d.noise.epsilon = m.number("epsilon", 0, 0, 1e9);
  d.noise.delta = m.number("noise_delta", 0, 0, 1);
  d.noise.user_weight = m.number("user_weight", 1, 0, 1e12);
  d.clip = m.flag("clip");
  d.dimension = m.count("dimension");
  for (const JsonView& x : m.list("features", PrivateBestArm::kMostValues))
    d.features.push_back(m.keep(x.as_double(-1e60, 1e60)).value_or(0));
  for (const JsonView& price : m.list("prices", Experiment::kMostArms))
    d.prices.push_back(m.keep(price.as_int(0)).value_or(0));
  const std::string money = m.text("money"), seed = m.text("seed");
  if (m.wrong()) return tl::unexpected(*m.wrong());
  if (!money.empty()) {
    const auto amount = parse_amount(money);
    if (!amount) return tl::unexpected(amount.error());
    d.money = *amount;
  }
  if (seed.size() > 20 || seed.find_first_not_of("0123456789") != std::string::npos)
    return root.wrong("seed is no number");
  for (const char c : seed) d.seed = d.seed * 10 + static_cast<std::uint64_t>(c - '0');
  return d;
}

}  // namespace bursar::explore
