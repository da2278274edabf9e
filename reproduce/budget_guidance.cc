// systems/budget-guidance: thinking that is steered to end within its budget, against thinking that is cut off.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <memory>

#include "bursar/core/random.h"
#include "bursar/sample/guidance/line_guide.h"
#include "reproduce/system.h"

namespace bursar::reproduce {
namespace {

using sample::FinishChance;
using sample::GuideFallback;
using sample::GuideOptions;
using sample::LengthLaw;
using sample::LengthSample;
using sample::LengthTable;

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

// The toy reasoner: a problem needs `need` steps, lines are of four kinds, and an error may hide in what is solved.
enum Kind : std::size_t { kProgress, kVerify, kDigress, kConclude, kKinds };
struct LineLength {
  double least, mean;
};
constexpr std::array<LineLength, kKinds> kLengths{{{20, 60}, {15, 50}, {20, 70}, {4, 8}}};
constexpr std::size_t kLeastNeed = 3, kMostNeed = 8;
constexpr std::int64_t kEndless = 20'000;  // a trace that is longer counts as one that never ends

struct Reasoner {
  std::size_t need = kLeastNeed, solved = 0;
  bool error = false;
  [[nodiscard]] std::size_t state() const { return need * 16 + solved; }
  [[nodiscard]] double right() const {
    const double share = static_cast<double>(solved) / static_cast<double>(need);
    if (solved < need) return .10 + .4 * share * share * share;
    return error ? .02 : .97;
  }
  void apply(std::size_t kind, RandomStream& random) {
    if (kind == kProgress && solved < need) {
      ++solved;
      if (random.bernoulli(.08)) error = true;
    }
    if (kind == kVerify && random.bernoulli(.6)) error = false;
  }
};

using Prior = std::array<double, kKinds>;
Prior prior_of(const Reasoner& at, double early) {
  return at.solved < at.need ? Prior{.45, .25, .3 - early, early} : Prior{.10, .40, .25, .25};
}

std::int64_t draw_length(std::size_t kind, RandomStream& random) {
  const LineLength& line = kLengths.at(kind);
  const double stop = 1 / (1 + line.mean - line.least);
  return static_cast<std::int64_t>(line.least + std::floor(std::log1p(-random.uniform01()) / std::log1p(-stop)));
}

std::size_t draw_kind(std::span<const double> probs, RandomStream& random) {
  double u = random.uniform01();
  std::size_t kind = 0;
  for (std::size_t v = 0; v < probs.size(); ++v) {
    if (probs[v] > 0) kind = v;
    if ((u -= probs[v]) < 0) break;
  }
  return kind;
}

// Empirical distributions of what is left, by state and kind: laws that leave nothing out, and end in a hard 0.
using Lengths = std::map<std::pair<std::size_t, std::size_t>, std::vector<double>>;

struct World {
  LengthTable table, checked, helped;  // every law; those within .15 of their samples; with those of classes
  Lengths empirical;
  double early = 0, distance = 0, mean = 0;
};

Result<World> learn(double early, std::size_t runs, RandomStream random) {
  std::vector<LengthSample> samples;
  double tokens = 0;
  for (std::size_t run = 0; run < runs; ++run) {
    Reasoner at{.need = kLeastNeed + random.uniform_int(std::uint64_t{kMostNeed - kLeastNeed + 1})};
    const std::size_t begin = samples.size();
    for (std::size_t kind = kDigress; kind != kConclude;) {
      kind = draw_kind(prior_of(at, early), random);
      samples.push_back({at.state(), kind, static_cast<double>(draw_length(kind, random))});
      at.apply(kind, random);
    }
    for (std::size_t i = samples.size() - 1; i-- > begin;) samples[i].length += samples[i + 1].length;
    tokens += samples[begin].length;
  }
  const std::vector<std::string> names{"progress", "verify", "digress", "conclude"};
  auto table = LengthTable::fit(names, samples, {.min_samples = 2, .max_distance = 1, .of_classes = false}),
       checked = LengthTable::fit(names, samples, {.of_classes = false}), helped = LengthTable::fit(names, samples);
  for (const auto* fitted : {&table, &checked, &helped}) {
    if (!*fitted) return tl::unexpected(fitted->error());
  }
  World out{.table = *std::move(table),
            .checked = *std::move(checked),
            .helped = *std::move(helped),
            .empirical = {},
            .early = early};
  for (const auto& [place, cell] : out.table.cells()) out.distance += cell.distance;
  out.distance /= static_cast<double>(out.table.cells().size());
  out.mean = tokens / static_cast<double>(runs);
  for (const LengthSample& sample : samples) out.empirical[{sample.state, sample.kind}].push_back(sample.length);
  for (auto& [place, lengths] : out.empirical) std::ranges::sort(lengths);
  return out;
}

enum class Steer : std::uint8_t { kNone, kLaws, kCheckedLaws, kHelpedLaws, kEmpirical };
struct Method {
  Steer steer = Steer::kNone;
  bool cap = true;
  GuideOptions guide{.only_known = true};  // what 60,000 traces never had at a place is not begun there
};

double share_within(const std::vector<double>& sorted, double tokens) {
  return static_cast<double>(std::ranges::upper_bound(sorted, tokens) - sorted.begin()) /
         static_cast<double>(sorted.size());
}

Result<void> steer(const World& world, const Method& method, const Reasoner& at, std::int64_t left,
                   std::span<double> probs) {
  if (method.steer == Steer::kNone) return {};
  if (method.steer == Steer::kEmpirical) {
    std::array<FinishChance, kKinds> chances;
    for (std::size_t v = 0; v < kKinds; ++v) {
      const auto cell = world.empirical.find({at.state(), v});
      chances.at(v) = {.at_remaining = 0, .at_one = 0, .mode_tokens = kEndless};
      if (cell == world.empirical.end()) continue;
      chances.at(v) = {.at_remaining = share_within(cell->second, static_cast<double>(std::max<std::int64_t>(left, 1))),
                       .at_one = share_within(cell->second, 1),
                       .mode_tokens = cell->second[cell->second.size() / 2]};
    }
    const auto done = reweight_by(chances, probs, method.guide.fallback);
    return done ? Result<void>{} : tl::unexpected(done.error());
  }
  std::array<std::optional<LengthLaw>, kKinds> laws;
  const LengthTable& table = method.steer == Steer::kLaws          ? world.table
                             : method.steer == Steer::kCheckedLaws ? world.checked
                                                                   : world.helped;
  for (std::size_t v = 0; v < kKinds; ++v) laws.at(v) = table.law(at.state(), v);
  const auto done = reweight(laws, std::max<std::int64_t>(left, 0), probs, method.guide);
  return done ? Result<void>{} : tl::unexpected(done.error());
}

struct Outcome {
  double right = 0;
  std::int64_t tokens = 0;
  bool cut = false, early = false;  // early: concluded before all steps were solved
};

Result<Outcome> think(const World& world, const Method& method, std::int64_t budget, RandomStream random) {
  Reasoner at{.need = kLeastNeed + random.uniform_int(std::uint64_t{kMostNeed - kLeastNeed + 1})};
  Outcome out;
  while (out.tokens < kEndless) {
    Prior probs = prior_of(at, world.early);
    if (auto ok = steer(world, method, at, budget - out.tokens, probs); !ok) return tl::unexpected(ok.error());
    const std::size_t kind = draw_kind(probs, random);
    const std::int64_t length = draw_length(kind, random);
    if (method.cap && out.tokens + length > budget) {
      out.tokens = budget;
      out.cut = true;
      break;
    }
    out.tokens += length;
    if (kind == kConclude) {
      out.early = at.solved < at.need;
      break;
    }
    at.apply(kind, random);
  }
  out.right = at.right();
  return out;
}

struct Figures {
  double right = 0, tokens = 0, within = 0, cut = 0, early = 0;
  std::int64_t most = 0;
};

// Every method plays the same problems with the same first draws.
Result<Figures> measure(const World& world, const Method& method, std::int64_t budget, std::size_t runs,
                        const RandomStream& root) {
  Figures out;
  const double weight = 1 / static_cast<double>(runs);
  for (std::size_t run = 0; run < runs; ++run) {
    const auto one = think(world, method, budget, root.split(run));
    if (!one) return tl::unexpected(one.error());
    out.right += weight * one->right;
    out.tokens += weight * static_cast<double>(one->tokens);
    out.within += one->tokens <= budget ? weight : 0;
    out.cut += one->cut ? weight : 0;
    out.early += one->early ? weight : 0;
    out.most = std::max(out.most, one->tokens);
  }
  return out;
}

// The same through LineGuide, which sees texts: one token that begins a line, then the rest of it.
class ToyLaws final : public sample::LengthPredictor {
 public:
  ToyLaws(const LengthTable& table, const Reasoner& at) : table_(&table), at_(&at) {}
  std::vector<std::optional<LengthLaw>> predict(const sample::LineContext&,
                                                std::span<const std::string_view> candidates) const override {
    std::vector<std::optional<LengthLaw>> out;
    for (std::size_t v = 0; v < candidates.size(); ++v) out.push_back(table_->law(at_->state(), v));
    return out;
  }

 private:
  const LengthTable* table_;
  const Reasoner* at_;
};

Result<Outcome> think_by_lines(const World& world, std::int64_t budget, RandomStream random, std::uint64_t seed) {
  constexpr std::array<const char*, kKinds> kStarts{"Progress", "Verify", "Digress", "Conclude"};
  Reasoner at{.need = kLeastNeed + random.uniform_int(std::uint64_t{kMostNeed - kLeastNeed + 1})};
  auto guide = sample::LineGuide::make({.budget = budget, .guide = {.only_known = true}, .seed = seed},
                                       std::make_shared<ToyLaws>(world.table, at));
  if (!guide) return tl::unexpected(guide.error());
  std::size_t kind = kDigress;
  while (guide->next().kind != sample::LineAskKind::kDone) {
    if (guide->next().kind == sample::LineAskKind::kCandidates) {
      std::vector<sample::LineCandidate> candidates;
      const Prior prior = prior_of(at, world.early);
      for (std::size_t v = 0; v < kKinds; ++v) candidates.push_back({kStarts.at(v), std::log(prior.at(v))});
      const auto token = guide->report_candidates(candidates);
      if (!token) return tl::unexpected(token.error());
      kind = static_cast<std::size_t>(std::ranges::find(kStarts, *token) - kStarts.begin());
      continue;
    }
    const std::int64_t most = guide->next().max_tokens, rest = draw_length(kind, random) - 1;
    const bool whole = rest <= most;
    const auto stop = !whole              ? sample::LineStop::kLength
                      : kind == kConclude ? sample::LineStop::kEnd
                                          : sample::LineStop::kNewline;
    if (auto ok = guide->report_line({.text = " …", .tokens = std::min(rest, most), .stop = stop}); !ok)
      return tl::unexpected(ok.error());
    if (whole) at.apply(kind, random);
  }
  return Outcome{.right = at.right(),
                 .tokens = guide->spent(),
                 .cut = guide->ended() == sample::ThinkingEnd::kCut,
                 .early = kind == kConclude && at.solved < at.need};
}

constexpr std::array<std::int64_t, 8> kBudgets{300, 400, 500, 600, 800, 1000, 1500, 2500};
constexpr std::size_t kAt400 = 1, kAt600 = 3, kAt1500 = 6;
enum Arm : std::size_t { kGuided, kForced, kUncapped, kArms };

struct Tables {
  std::vector<std::string> arms{"guidance + cap", "budget forcing (cut)", "guidance, no cap"};
  std::vector<std::string> columns{"300", "400", "500", "600", "800", "1000", "1500", "2500"};
  Grid right{arms, columns}, tokens{arms, columns}, within{arms, columns};
  Grid free{{"free thinking"}, {"accuracy", "tokens", "distance of the laws"}};
  Grid pitfalls{
      {"laws as they are", "laws within .15 of their samples", "where no law: that of the class", "published mask",
       "published mask, favourite", "through LineGuide, a token and a line at a time", "budget forcing"},
      {"accuracy", "tokens", "cut", "early end"}};
  Grid habit{{"guidance + cap", "budget forcing", "free"}, {"accuracy", "tokens", "cut", "early end"}};
  Grid loops{{"empirical, fastest finish", "empirical, favourite"}, {"60", "100", "150", "300", "500"}};
  std::int64_t over = 0;  // tokens beyond a budget, the worst trace under the cap
};

void add(Grid& grid, std::size_t row, const Figures& f) {
  for (std::size_t c = 0; const double value : {f.right, f.tokens, f.cut, f.early}) grid.add(row, c++, value);
}

Result<void> main_table(const World& world, std::size_t runs, const RandomStream& root, Tables& out) {
  constexpr std::array<Method, kArms> kMethods{
      Method{.steer = Steer::kLaws}, {}, {.steer = Steer::kLaws, .cap = false}};
  for (std::size_t b = 0; b < kBudgets.size(); ++b) {
    for (std::size_t arm = 0; arm < kArms; ++arm) {
      const auto f = measure(world, kMethods.at(arm), kBudgets.at(b), runs, root);
      if (!f) return tl::unexpected(f.error());
      out.right.add(arm, b, f->right);
      out.tokens.add(arm, b, f->tokens);
      out.within.add(arm, b, kMethods.at(arm).cap ? 1 - f->cut : f->within);
      if (kMethods.at(arm).cap) out.over = std::max(out.over, f->most - kBudgets.at(b));
    }
  }
  return {};
}

Result<void> pitfalls(const World& world, std::size_t runs, const RandomStream& root, Tables& out) {
  GuideOptions masked = sample::published_guide();
  masked.only_known = true;
  GuideOptions favourite = masked;
  masked.fallback = GuideFallback::kFastestFinish;
  constexpr std::size_t kByLines = 5;
  const std::array<Method, 7> methods{{{.steer = Steer::kLaws},
                                       {.steer = Steer::kCheckedLaws},
                                       {.steer = Steer::kHelpedLaws},
                                       {.steer = Steer::kLaws, .guide = masked},
                                       {.steer = Steer::kLaws, .guide = favourite},
                                       {},
                                       {}}};
  for (std::size_t row = 0; row < methods.size(); ++row) {
    if (row == kByLines) continue;
    const auto f = measure(world, methods.at(row), 500, runs, root);
    if (!f) return tl::unexpected(f.error());
    add(out.pitfalls, row, *f);
  }
  Figures lines;
  const std::size_t few = runs / 4;
  for (std::size_t run = 0; run < few; ++run) {
    const auto one = think_by_lines(world, 500, root.split(run), run);
    if (!one) return tl::unexpected(one.error());
    lines.right += one->right / static_cast<double>(few);
    lines.tokens += static_cast<double>(one->tokens) / static_cast<double>(few);
    lines.cut += (one->cut ? 1.0 : 0.0) / static_cast<double>(few);
    lines.early += (one->early ? 1.0 : 0.0) / static_cast<double>(few);
    out.over = std::max(out.over, one->tokens - 500);
  }
  add(out.pitfalls, kByLines, lines);
  constexpr std::array<std::int64_t, 5> kSmall{60, 100, 150, 300, 500};
  for (std::size_t b = 0; b < kSmall.size(); ++b) {
    for (std::size_t row = 0; row < 2; ++row) {
      const GuideOptions guide{.fallback = row == 0 ? GuideFallback::kFastestFinish : GuideFallback::kFavourite};
      const auto f =
          measure(world, {.steer = Steer::kEmpirical, .cap = false, .guide = guide}, kSmall.at(b), few, root);
      if (!f) return tl::unexpected(f.error());
      out.loops.add(row, b, f->tokens);
    }
  }
  return {};
}

Result<void> one_seed(bool quick, const RandomStream& root, Tables& out) {
  const std::size_t runs = quick ? 2000 : 20'000, training = quick ? 15'000 : 60'000;
  const auto world = learn(.00001, training, root.split("training")), eager = learn(.01, training, root.split("eager"));
  if (!world) return tl::unexpected(world.error());
  if (!eager) return tl::unexpected(eager.error());
  const auto free = measure(*world, {.cap = false}, kEndless, runs, root.split("test"));
  if (!free) return tl::unexpected(free.error());
  for (std::size_t c = 0; const double value : {free->right, free->tokens, world->distance})
    out.free.add(0, c++, value);
  if (auto ok = main_table(*world, runs, root.split("test"), out); !ok) return ok;
  if (auto ok = pitfalls(*world, runs, root.split("test"), out); !ok) return ok;
  constexpr std::array<Method, 3> kHabits{Method{.steer = Steer::kLaws}, {}, {.cap = false}};
  for (std::size_t row = 0; row < kHabits.size(); ++row) {
    const auto f = measure(*eager, kHabits.at(row), 500, runs, root.split("test"));
    if (!f) return tl::unexpected(f.error());
    add(out.habit, row, *f);
  }
  return {};
}

void judge(const Tables& t, Report& report) {
  double lead = 1, dearer = -kEndless, behind = -1;
  for (std::size_t b = 0; b < kBudgets.size(); ++b) {
    const double gain = t.right.mean(kGuided, b) - t.right.mean(kForced, b);
    if (b >= kAt400 && b <= kAt600) lead = std::min(lead, gain);
    if (b >= kAt1500) behind = std::max(behind, -gain);
    dearer = std::max(dearer, t.tokens.mean(kGuided, b) - t.tokens.mean(kForced, b));
  }
  report.bars.push_back(at_least("lead_400_to_600", 100 * lead, "points, the least", 15));
  report.bars.push_back(at_most("tokens_over_forcing", dearer, "tokens, the most at any budget", 0));
  report.bars.push_back(at_most("behind_from_1500", 100 * behind, "points, the most", 1));
  report.bars.push_back(at_most("tokens_over_budget", static_cast<double>(t.over), "tokens, the worst trace", 0));
}

void describe(const Tables& t, Report& report) {
  report.tables.push_back(t.right.table({.title = "A toy reasoner of three to eight steps under a budget of thinking",
                                         .quantity = "share of right answers",
                                         .x_label = "budget, tokens",
                                         .plotted = true},
                                        {{.392, .513, .602, .667, .759, .805, .852},
                                         {.202, .282, .363, .445, .608, .716, .844},
                                         {.614, .676, .710, .743, .790, .820, .854}}));
  report.tables.push_back(t.tokens.table(
      {.title = "What it costs", .quantity = "mean tokens of thinking", .x_label = "budget, tokens"},
      {{272, 363, 437, 507, 626, 721, 854}, {298, 392, 480, 560, 692, 786, 889}, {351, 413, 469, 527, 635, 725, 854}}));
  report.tables.push_back(t.within.table({.title = "Traces that end by themselves within the budget",
                                          .quantity = "share",
                                          .x_label = "budget, tokens",
                                          .kind = TableKind::kDetail,
                                          .note = "Steering at line starts meets the budget on average, not surely: a "
                                                  "cap is for that."},
                                         {{kNone, kNone, .63}, {kNone, kNone, .16}, {kNone, kNone, .63}}));
  report.tables.push_back(
      t.free.table({.title = "Without a budget", .quantity = "as named", .x_label = "", .kind = TableKind::kDetail},
                   {{.864, 921, .038}}));
  report.tables.push_back(t.pitfalls.table(
      {.title = "Which laws count, at 500 tokens with a cap",
       .quantity = "as named",
       .x_label = "",
       .kind = TableKind::kCounter,
       .note = "The published mask asks for rates of 10 and more; honest laws of this toy are wider. A law of its "
               "class lets a line be begun where no trace ever began it: some end too early."},
      {{.602, 437, .37}, {}, {}, {}, {}, {}, {.363, 480, .84}}));
  report.tables.push_back(t.loops.table(
      {.title = "When no candidate can finish any more: what is left, without a cap",
       .quantity = "mean tokens of thinking",
       .x_label = "budget, tokens",
       .kind = TableKind::kCounter,
       .note = "The favourite line is never the one that ends: traces that pass 20,000 tokens are stopped."}));
  report.tables.push_back(
      t.habit.table({.title = "A model that concludes early in one line of a hundred, at 500 tokens",
                     .quantity = "as named",
                     .x_label = "",
                     .kind = TableKind::kCounter,
                     .note = "Guidance amplifies the habit (the sheet: its lead falls from 24 points to 4)."}));
}

}  // namespace

Result<Report> reproduce_budget_guidance(const RunOptions& options) {
  Report report{.slug = "budget-guidance",
                .simulated =
                    "a toy reasoner with known laws of progress, error and line lengths; no model is "
                    "asked",
                .claim =
                    "weighting the lines a model could begin by the chance that it then ends in time gives more "
                    "right answers at tight budgets than cutting it off, for fewer tokens",
                .seed = options.seed,
                .seeds = options.seeds != 0 ? options.seeds
                         : options.quick    ? 2
                                            : 5,
                .quick = options.quick};
  Tables tables;
  for (std::uint64_t s = 0; s < report.seeds; ++s) {
    if (options.progress) options.progress("thinking, seed " + std::to_string(options.seed + s));
    const auto ok = one_seed(options.quick, RandomStream(options.seed + s).split("budget guidance"), tables);
    if (!ok) return tl::unexpected(ok.error());
  }
  judge(tables, report);
  describe(tables, report);
  report.notes.push_back(
      "Whether an early end pays is not known to the guide: it weighs time, not the chance to be right. Report the "
      "early-end rate beside the accuracy.");
  report.not_run.push_back(
      "DeepSeek-R1-Distill-Qwen on MATH-500, AIME and others, with the paper's BERT predictor over hidden states: no "
      "models here; `bursar sample fit-lengths` and LineGuide take traces and log-probabilities of real ones");
  return report;
}

}  // namespace bursar::reproduce
