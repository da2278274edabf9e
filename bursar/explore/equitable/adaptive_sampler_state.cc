// Saving and restoring AdaptiveSampler. The request that is open is chosen anew: it follows from the rest.
#include <string>

#include "bursar/core/json.h"
#include "bursar/explore/equitable/adaptive_sampler.h"

namespace bursar::explore {
namespace {

namespace json = boost::json;

tl::unexpected<Error> corrupt(const std::string& what) {
  return fail(ErrorCode::kCorrupt, "saved adaptive-sampler: " + what);
}

json::value group_of(const GroupSpec& g) {
  return {{"name", g.name},   {"cost", g.cost},  {"weight", g.weight}, {"population", g.population},
          {"min_n", g.min_n}, {"max_n", g.max_n}};
}

// Reads fields one after another and keeps the first complaint.
class Fields {
 public:
  explicit Fields(const JsonView& view) : view_(view) {}
  double number(std::string_view key) { return keep(view_.double_at(key, -1e300, 1e300)).value_or(0); }
  std::int64_t count(std::string_view key) { return keep(view_.int_at(key, 0)).value_or(0); }
  bool flag(std::string_view key) { return keep(view_.bool_at(key)).value_or(false); }
  std::string text(std::string_view key) { return std::string(keep(view_.string_at(key, 256)).value_or("")); }
  std::vector<JsonView> list(std::string_view key, std::size_t at_most) {
    std::vector<JsonView> out;
    const auto array = keep(view_.at(key));
    const auto size = array.and_then([&](const JsonView& a) { return keep(a.array_size(at_most)); });
    for (std::size_t i = 0; i < size.value_or(0); ++i) out.push_back(*array->element(i));
    return out;
  }
  std::vector<double> numbers(std::string_view key, std::size_t at_most) {
    std::vector<double> out;
    for (const JsonView& e : list(key, at_most)) out.push_back(keep(e.as_double(-1e300, 1e300)).value_or(0));
    return out;
  }
  [[nodiscard]] const std::optional<Error>& wrong() const { return wrong_; }

 private:
  template <class T>
  Result<T> keep(Result<T> got) {
    if (!got && !wrong_) wrong_ = got.error();
    return got;
  }
  const JsonView& view_;
  std::optional<Error> wrong_;
};

json::object options_of(const AdaptiveSamplerOptions& o) {
  const CurvePrior& p = o.prior;
  return {{"q", o.objective.q},
          {"budget", o.budget},
          {"batch", o.batch},
          {"seed_count", o.seed_count},
          {"tolerance", o.tolerance},
          {"thompson", o.thompson},
          {"fit_share", o.fit_share},
          {"prior",
           {p.gamma_low, p.gamma_high, p.gamma_step, p.gamma_mean, p.gamma_deviation, p.a_mean, p.a_deviation, p.b_mean,
            p.b_deviation}},
          {"transfer", json::array(o.transfer.begin(), o.transfer.end())},
          {"stale_after", o.stale_after},
          {"seed", std::to_string(o.seed)}};
}

Result<AdaptiveSamplerOptions> read_options(const JsonView& view, std::size_t groups) {
  Fields f(view);
  AdaptiveSamplerOptions o;
  o.objective.q = f.number("q");
  o.budget = f.number("budget");
  o.batch = f.number("batch");
  o.seed_count = f.count("seed_count");
  o.tolerance = f.number("tolerance");
  o.thompson = f.flag("thompson");
  o.fit_share = f.number("fit_share");
  const auto prior = f.numbers("prior", 9);
  o.transfer = f.numbers("transfer", groups * groups);
  o.stale_after = static_cast<int>(std::min<std::int64_t>(f.count("stale_after"), 1'000'000));
  const std::string seed = f.text("seed");
  if (f.wrong()) return tl::unexpected(*f.wrong());
  if (prior.size() != 9) return view.wrong("prior must be 9 numbers");
  o.prior = {prior[0], prior[1], prior[2], prior[3], prior[4], prior[5], prior[6], prior[7], prior[8]};
  if (seed.empty() || seed.size() > 20 || seed.find_first_not_of("0123456789") != std::string::npos)
    return view.wrong("seed must be a whole number as text");
  for (const char c : seed) o.seed = o.seed * 10 + static_cast<std::uint64_t>(c - '0');
  return o;
}

}  // namespace

Result<json::object> AdaptiveSampler::save() const {
  if (options_.objective.user_loss) {
    return invalid_argument("objective: a loss of one's own cannot be saved; use e^q, or keep the sampler in memory");
  }
  json::array groups;
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    json::value group = group_of(groups_[g]);
    json::array seen;
    for (const CurveObservation& o : seen_[g]) seen.push_back({o.n, o.error, o.variance});
    auto& object = group.as_object();
    object["count"] = counts_[g];
    object["seen"] = std::move(seen);
    object["measured_at"] = static_cast<std::int64_t>(measured_at_[g]);
    object["unmeasured"] = unmeasured_[g] != 0;
    object["closed"] = closed_[g] != 0;
    groups.push_back(std::move(group));
  }
  return json::object{{"sampler", "equitable"},
                      {"options", options_of(options_)},
                      {"batches", static_cast<std::int64_t>(batches_)},
                      {"groups", std::move(groups)}};
}

Result<AdaptiveSampler> AdaptiveSampler::restore(const json::object& saved) {
  const json::value document(saved);
  const JsonView root(document);
  Fields f(root);
  if (f.text("sampler") != "equitable") return corrupt("is of another kind");
  const auto rows = f.list("groups", 10'000);
  const auto batches = static_cast<std::uint64_t>(f.count("batches"));
  if (f.wrong()) return corrupt(f.wrong()->message);
  const auto options = root.at("options").and_then([&](const JsonView& v) { return read_options(v, rows.size()); });
  if (!options) return corrupt(options.error().message);
  std::vector<GroupSpec> groups;
  for (const JsonView& row : rows) {
    Fields g(row);
    groups.push_back({g.text("name"), g.number("cost"), g.number("weight"), g.number("population"), g.count("min_n"),
                      g.count("max_n")});
    if (g.wrong()) return corrupt(g.wrong()->message);
  }
  auto out = make(std::move(groups), *options);
  if (!out) return corrupt(out.error().message);
  out->batches_ = batches;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Fields g(rows[i]);
    out->counts_[i] = g.count("count");
    out->measured_at_[i] = static_cast<std::uint64_t>(g.count("measured_at"));
    out->unmeasured_[i] = g.flag("unmeasured") ? 1 : 0;
    out->closed_[i] = g.flag("closed") ? 1 : 0;
    for (const JsonView& each : g.list("seen", kMostObservations)) {
      std::vector<double> o;
      for (std::size_t k = 0; k < each.array_size(3).value_or(0); ++k)
        o.push_back(each.element(k)->as_double(0, 1e300).value_or(-1));
      if (o.size() != 3) return corrupt("an observation must be three numbers");
      out->seen_[i].push_back({o[0], o[1], o[2]});
    }
    if (g.wrong()) return corrupt(g.wrong()->message);
    if (auto ok = CurvePosterior::fit(options->prior, out->seen_[i]); !ok) return corrupt(ok.error().message);
    if (out->counts_[i] > out->groups_[i].max_n || out->measured_at_[i] > batches)
      return corrupt("group '" + out->groups_[i].name + "' has more samples or measurements than it can have");
  }
  if (out->spent() > options->budget) return corrupt("more was spent than the budget");
  return out;
}

}  // namespace bursar::explore
