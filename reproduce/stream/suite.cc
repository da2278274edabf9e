#include "reproduce/stream/suite.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <mutex>
#include <numeric>
#include <stdexcept>
#include <tuple>

#include "bursar/schedule/profile/schedule.h"

namespace bursar::reproduce::stream {
namespace {

constexpr std::int64_t kFullSteps = 1500, kRepeatedRows = 2048, kEpochs = 40;
constexpr std::array kBudgets{.01, .05, .1, .25, .5, 1.0};
constexpr std::size_t kQuickBudgets = 3;
constexpr std::array<std::array<float, 4>, 2> kPeaks{{{.01F, .03F, .1F, .3F}, {.001F, .003F, .01F, .03F}}};

std::int64_t full_steps(const SuiteOptions& options) {
  return options.repeated ? kRepeatedRows * kEpochs / static_cast<std::int64_t>(kBatch) : kFullSteps;
}

std::vector<float> table_of(const Arm& arm, std::int64_t steps) {
  const auto rates = schedule::parse_profile(arm.words)
                         .and_then([&](schedule::Profile p) {
                           return schedule::Schedule::create({.profile = std::move(p), .steps = steps, .peak = 1});
                         })
                         .and_then([](const schedule::Schedule& s) { return s.table(); });
  if (!rates) throw std::logic_error(rates.error().message);
  return {rates->begin(), rates->end()};
}

// The order in which batches of rows come, epoch after epoch.
std::vector<std::size_t> batch_order(std::size_t batches, std::size_t steps, RandomStream random) {
  std::vector<std::size_t> out, epoch(batches);
  std::iota(epoch.begin(), epoch.end(), std::size_t{0});
  while (out.size() < steps) {
    random.shuffle(std::span(epoch));
    out.insert(out.end(), epoch.begin(), epoch.end());
  }
  out.resize(steps);
  return out;
}

struct Training {
  const World& world;
  Optimiser optimiser;
  std::span<const float> shares;  // [steps]
  std::span<const std::size_t> order;
  float peak;
};

double test_error(const Training& t, StreamNet net) {
  const std::size_t row = row_size(t.world.shape.inputs);
  const std::span<const float> rows(t.world.train.rows);
  const std::span<const std::uint8_t> labels(t.world.train.labels);
  for (std::size_t k = 0; k < t.shares.size(); ++k) {
    const std::size_t first = t.order[k] * kBatch;
    net.train(rows.subspan(first * row, kBatch * row), labels.subspan(first, kBatch), t.optimiser,
              t.peak * t.shares[k]);
  }
  return static_cast<double>(net.errors(t.world.test.rows, t.world.test.labels)) /
         static_cast<double>(t.world.test.labels.size());
}

std::vector<double> ranks_of(const std::vector<double>& errors) {
  std::vector<double> out;
  for (const double e : errors) {
    const auto less = std::ranges::count_if(errors, [&](double x) { return x < e; });
    const auto equal = std::ranges::count(errors, e);
    out.push_back(static_cast<double>(less) + (static_cast<double>(equal) + 1) / 2);
  }
  return out;
}

Configuration run_configuration(const World& world, Configuration c, const SuiteOptions& options) {
  const auto steps = std::llround(c.budget * static_cast<double>(full_steps(options)));
  const RandomStream root = RandomStream(options.seed).split("stream").split(name_of(c.world));
  std::vector<std::vector<std::size_t>> orders;
  std::vector<StreamNet> nets;
  for (std::size_t s = 0; s < options.seeds; ++s) {
    const RandomStream random = root.split(s);
    orders.push_back(
        batch_order(world.train.labels.size() / kBatch, static_cast<std::size_t>(steps), random.split("order")));
    nets.emplace_back(world.shape, random.split("weights"));
  }
  for (const Arm& arm : arms()) {
    const auto shares = table_of(arm, steps);
    double least = std::numeric_limits<double>::infinity();
    for (const float peak : kPeaks[static_cast<std::size_t>(c.optimiser)]) {
      double sum = 0;
      for (std::size_t s = 0; s < options.seeds; ++s) {
        sum += test_error({world, c.optimiser, shares, orders[s], peak}, nets[s]);
      }
      least = std::min(least, sum / static_cast<double>(options.seeds));
    }
    c.errors.push_back(least);
  }
  c.ranks = ranks_of(c.errors);
  return c;
}

Suite run_suite(const SuiteOptions& options, const Progress& progress) {
  const std::size_t budgets = options.quick ? kQuickBudgets : kBudgets.size();
  const auto rows = options.repeated
                        ? kRepeatedRows
                        : std::llround(kBudgets[budgets - 1] * static_cast<double>(kFullSteps)) * std::int64_t{kBatch};
  Suite out;
  for (const auto kind : {WorldKind::kGlyph, WorldKind::kTeacher}) {
    const World world =
        make_world(kind, {.train = static_cast<std::size_t>(rows), .test = options.quick ? 2048U : 4032U});
    for (const auto optimiser : {Optimiser::kMomentum, Optimiser::kAdam}) {
      for (std::size_t b = 0; b < budgets; ++b) {
        if (progress) {
          progress(std::string(name_of(kind)) + (optimiser == Optimiser::kAdam ? ", Adam" : ", momentum") + ", " +
                   std::to_string(std::lround(100 * kBudgets[b])) + " % of the steps");
        }
        out.configurations.push_back(run_configuration(
            world, {.world = kind, .optimiser = optimiser, .budget = kBudgets[b], .errors = {}, .ranks = {}}, options));
      }
    }
  }
  return out;
}

}  // namespace

std::span<const Arm> arms() {
  static const std::vector<Arm> kArms{{.name = "REX", .words = "rex"},
                                      {.name = "UBA phi=.5", .words = "uba:phi=.5"},
                                      {.name = "linear", .words = "linear"},
                                      {.name = "UBA phi=.25", .words = "uba:phi=.25"},
                                      {.name = "UBA phi=1", .words = "uba:phi=1"},
                                      {.name = "cosine", .words = "cosine"},
                                      {.name = "exponential", .words = "exponential"},
                                      {.name = "OneCycle", .words = "one-cycle"},
                                      {.name = "UBA phi=5", .words = "uba:phi=5"},
                                      {.name = "none", .words = "none"},
                                      {.name = "step 50-75", .words = "step"}};
  return kArms;
}

std::size_t arm_named(std::string_view name) {
  const auto found = std::ranges::find(arms(), name, &Arm::name);
  if (found == arms().end()) throw std::logic_error("no such arm: " + std::string(name));
  return static_cast<std::size_t>(found - arms().begin());
}

std::vector<double> Suite::ranks(std::size_t arm, Budgets budgets) const {
  std::vector<double> out;
  for (const Configuration& c : configurations) {
    if (c.budget >= budgets.from && c.budget <= budgets.to) out.push_back(c.ranks[arm]);
  }
  return out;
}

double Suite::mean_rank(std::size_t arm, Budgets budgets) const {
  const auto all = ranks(arm, budgets);
  return std::accumulate(all.begin(), all.end(), 0.0) / static_cast<double>(all.size());
}

double Suite::share_in_top(std::size_t arm, double top) const {
  const auto in = std::ranges::count_if(configurations, [&](const Configuration& c) { return c.ranks[arm] <= top; });
  return static_cast<double>(in) / static_cast<double>(configurations.size());
}

double Suite::error_ratio(std::size_t arm) const {
  double sum = 0;
  for (const Configuration& c : configurations) sum += c.errors[arm] / std::ranges::min(c.errors);
  return sum / static_cast<double>(configurations.size());
}

std::size_t Suite::better(std::size_t arm, std::size_t than) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(configurations, [&](const Configuration& c) { return c.errors[arm] < c.errors[than]; }));
}

std::shared_ptr<const Suite> stream_suite(const SuiteOptions& options, const Progress& progress) {
  static std::mutex guard;
  static std::map<std::tuple<std::uint64_t, std::size_t, bool, bool>, std::shared_ptr<const Suite>> kept;
  const std::scoped_lock lock(guard);
  auto& suite = kept[{options.seed, options.seeds, options.quick, options.repeated}];
  if (!suite) suite = std::make_shared<const Suite>(run_suite(options, progress));
  return suite;
}

}  // namespace bursar::reproduce::stream
