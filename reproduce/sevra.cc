// systems/sevra: which finished attempts are checked by one more call.
#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "bursar/core/random.h"
#include "bursar/core/special.h"
#include "bursar/plan/recovery_gate.h"
#include "reproduce/system.h"

namespace bursar::reproduce {
namespace {

using plan::Attempt;
using plan::LinearGate;
using plan::PairedOutcome;

double logistic(double z) { return 1 / (1 + std::exp(-z)); }
double logit(double p) { return std::log(p / (1 - p)); }

// A workload with the published margins: a share of truncated attempts, and what verification does to each kind.
struct Workload {
  double scale = 8.188;                       // ln of the median tokens that are needed
  double finished = .895, truncated = .2235;  // accuracy of either kind at middling difficulty
  double difficulty = 1.6;                    // Beta parameter: both
  double fix_truncated = .52, fix_finished = .15, flip_truncated = .09, flip_finished = .025;
};

struct Example {
  Attempt attempt;
  PairedOutcome outcome;  // its score comes from a gate
  bool fixed = false;
  double longer_correct = 0, longer_tokens = 0,
         tokens = 0;  // with a limit of 8,192 instead; tokens of the base attempt
};

double draw_beta(double a, double b, RandomStream& random) {
  const double x = random.gamma(a), y = random.gamma(b);
  return x / (x + y);
}

double correct_chance(const Workload& w, double d, bool truncated) {
  return truncated ? logistic(logit(w.truncated) - 2 * (d - .6)) : logistic(logit(w.finished) - 2 * (d - .42));
}

Example draw_example(const Workload& w, RandomStream& random) {
  Example out;
  const double d = std::clamp(draw_beta(w.difficulty, w.difficulty, random), 1e-6, 1 - 1e-6);
  const double needed = std::exp(w.scale + 1.12 * (.7 * normal_quantile(d) + .714 * random.normal()));
  const bool truncated = needed > 4096;
  out.tokens = std::min(needed, 4096.0);
  out.outcome.base_correct = random.bernoulli(correct_chance(w, d, truncated));
  const double fix = truncated ? w.fix_truncated - .25 * (d - .6) : w.fix_finished;
  const double flip = truncated ? w.flip_truncated : w.flip_finished;
  const bool turned = random.bernoulli(std::clamp(out.outcome.base_correct ? flip : fix, 0.0, 1.0));
  out.outcome.verified_correct = out.outcome.base_correct != turned;
  out.fixed = !out.outcome.base_correct && turned;
  out.outcome.verification_tokens =
      std::llround(truncated ? 5700 * std::exp(.25 * random.normal()) : 1700 * std::exp(.5 * random.normal()));
  const bool longer_truncated = needed > 8192;
  out.longer_tokens = std::min(needed, 8192.0);
  out.longer_correct = correct_chance(w, d, longer_truncated);
  const bool finaliser = random.bernoulli(.03) ? !truncated : truncated;
  const double u = random.uniform01();
  out.attempt = {.difficulty = std::clamp(d + .15 * random.normal(), 0.0, 1.0),
                 .verification_need = std::clamp(.5 * d + .3 * u, 0.0, 1.0),
                 .constraint_density = random.uniform01(),
                 .ambiguity = .2 * random.uniform01(),
                 .base_tokens = std::llround(out.tokens),
                 .finalizer_used = finaliser,
                 .done = truncated ? plan::DoneReason::kLength : plan::DoneReason::kStop};
  return out;
}

std::vector<Example> draw(const Workload& w, std::size_t count, RandomStream random) {
  std::vector<Example> out;
  for (std::size_t i = 0; i < count; ++i) out.push_back(draw_example(w, random));
  return out;
}

Result<std::vector<PairedOutcome>> scored(const std::vector<Example>& examples, const LinearGate& gate) {
  std::vector<PairedOutcome> out;
  for (const Example& example : examples) {
    const auto score = gate.score(example.attempt);
    if (!score) return tl::unexpected(score.error());
    out.push_back(example.outcome);
    out.back().score = *score;
  }
  return out;
}

struct Trained {
  LinearGate gate;
  double by_price = 0, by_accuracy = 0;  // thresholds
};

Result<Trained> train(const RandomStream& root) {
  const auto training = draw({}, 1600, root.split("training")), development = draw({}, 400, root.split("development"));
  std::vector<plan::RecoveryRow> rows;
  for (const Example& example : training) rows.push_back({example.attempt, example.fixed});
  const auto gate = LinearGate::fit(rows);
  if (!gate) return tl::unexpected(gate.error());
  const auto outcomes = scored(development, *gate);
  if (!outcomes) return tl::unexpected(outcomes.error());
  const auto priced = calibrate(*outcomes), first = calibrate(*outcomes, {.accuracy_first = true});
  if (!priced) return tl::unexpected(priced.error());
  if (!first) return tl::unexpected(first.error());
  return Trained{*gate, priced->threshold, first->threshold};
}

constexpr double kNever = 2;

struct Measured {
  Grid main{
      {"selective, priced threshold", "selective, accuracy first", "always verify", "never", "base of 8,192 instead"},
      {"accuracy", "verified", "fixes", "flips", "total tokens"}};
  Grid transfer{{"selective, frozen gate", "always verify", "never"},
                {"accuracy", "verified", "flips", "tokens saved of always"}};
  Grid unwanted{{"calibrated on it", "always verify", "never"}, {"accuracy", "verified", "flips"}};
  std::vector<double> lead, saved, flips;  // one figure a seed
};

Result<void> one_seed(std::size_t examples, const RandomStream& root, Measured& out) {
  const auto trained = train(root);
  if (!trained) return tl::unexpected(trained.error());
  const auto test = draw({}, examples, root.split("test"));
  const auto outcomes = scored(test, trained->gate);
  if (!outcomes) return tl::unexpected(outcomes.error());
  double base = 0, longer = 0, longer_tokens = 0;
  for (const Example& example : test) {
    base += example.tokens / static_cast<double>(test.size());
    longer += example.longer_correct / static_cast<double>(test.size());
    longer_tokens += example.longer_tokens / static_cast<double>(test.size());
  }
  const std::array thresholds{trained->by_price, trained->by_accuracy, 0.0, kNever};
  std::array<plan::VerifyMetrics, 4> metrics{};
  for (std::size_t arm = 0; arm < thresholds.size(); ++arm) {
    metrics.at(arm) = *evaluate(*outcomes, thresholds.at(arm));
    const plan::VerifyMetrics& m = metrics.at(arm);
    const std::array figures{m.accuracy, m.rate, m.fixes, m.flips, base + m.tokens};
    for (std::size_t c = 0; c < figures.size(); ++c) out.main.add(arm, c, figures.at(c));
  }
  const std::array plain{longer, 0.0, 0.0, 0.0, longer_tokens};
  for (std::size_t c = 0; c < plain.size(); ++c) out.main.add(4, c, plain.at(c));
  out.lead.push_back(metrics[0].accuracy - metrics[2].accuracy);
  out.saved.push_back(1 - metrics[0].tokens / metrics[2].tokens);
  out.flips.push_back(metrics[0].flips / metrics[2].flips);

  // An easy workload, like GSM8K: 2.7 % truncated, base accuracy .94.
  const Workload easy{.scale = 8.3178 - 1.12 * 1.927, .finished = .957};
  const auto moved = scored(draw(easy, examples, root.split("easy")), trained->gate);
  if (!moved) return tl::unexpected(moved.error());
  const auto always = *evaluate(*moved, 0), frozen = *evaluate(*moved, trained->by_price),
             never = *evaluate(*moved, kNever);
  const std::array<const plan::VerifyMetrics*, 3> arms{&frozen, &always, &never};
  for (std::size_t arm = 0; arm < 3; ++arm) {
    const plan::VerifyMetrics& m = *arms.at(arm);
    const std::array figures{m.accuracy, m.rate, m.flips, 1 - m.tokens / always.tokens};
    for (std::size_t c = 0; c < figures.size(); ++c) out.transfer.add(arm, c, figures.at(c));
  }
  return {};
}

// Verification that does more harm than good, as published for CommonsenseQA: the right threshold is "never".
Result<void> unwanted(std::size_t examples, const RandomStream& root, Measured& out) {
  RandomStream random = root.split("unwanted");
  std::vector<PairedOutcome> development, test;
  for (std::size_t i = 0; i < examples; ++i) {
    const bool base = random.bernoulli(.765), turned = random.bernoulli(base ? .0594 / .765 : .0177 / .235);
    (i < 400 ? development : test).push_back({base, base != turned, random.uniform01(), 2560});
  }
  const auto chosen = calibrate(development);
  if (!chosen) return tl::unexpected(chosen.error());
  const std::array thresholds{chosen->threshold, 0.0, kNever};
  for (std::size_t arm = 0; arm < 3; ++arm) {
    const auto m = *evaluate(test, thresholds.at(arm));
    const std::array figures{m.accuracy, m.rate, m.flips};
    for (std::size_t c = 0; c < figures.size(); ++c) out.unwanted.add(arm, c, figures.at(c));
  }
  return {};
}

double mean(const std::vector<double>& x) {
  return std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
}

}  // namespace

Result<Report> reproduce_sevra(const RunOptions& options) {
  Report report{.slug = "sevra",
                .simulated =
                    "attempts and what a second call makes of them are drawn, with the published margins; no model "
                    "is asked",
                .claim =
                    "checking the attempts that can be repaired, about half of them, keeps the accuracy of checking "
                    "all for three quarters of its tokens and half of its flips",
                .seed = options.seed,
                .seeds = options.seeds != 0 ? options.seeds : 10,
                .quick = options.quick};
  const std::size_t examples = options.quick ? 5'000 : 20'000;
  Measured out;
  for (std::uint64_t s = 0; s < report.seeds; ++s) {
    if (options.progress) options.progress("a gate, seed " + std::to_string(options.seed + s));
    const RandomStream root = RandomStream(options.seed + s).split("sevra");
    if (auto ok = one_seed(examples, root, out); !ok) return tl::unexpected(ok.error());
    if (auto ok = unwanted(examples, root, out); !ok) return tl::unexpected(ok.error());
  }
  report.bars.push_back(at_least("accuracy_less_that_of_always", mean(out.lead), "share of requests", -.003));
  report.bars.push_back(at_least("verification_tokens_saved", mean(out.saved), "of always", .20));
  report.bars.push_back(at_most("flips", mean(out.flips), "of always", .6));
  report.bars.push_back(
      at_least("never_where_it_harms", out.unwanted.mean(0, 0) - out.unwanted.mean(1, 0), "accuracy over always", .03));
  report.tables.push_back(out.main.table(
      {.title = "A workload with the published margins (MATH500, base limit 4,096)",
       .quantity = "shares of requests; mean tokens a request",
       .x_label = "figure",
       .note = "Paper: .763 at .482 verified and 7,104 tokens; always .755 and 8,125; base .59 and 4,313."},
      {{.7576, .486, std::nan(""), .0098},
       {.758, std::nan(""), std::nan(""), .0116},
       {.757, 1, std::nan(""), .021},
       {.59, 0, 0, 0},
       {.742, 0, 0, 0, 4224}}));
  report.tables.push_back(
      out.transfer.table({.title = "The same gate, frozen, on an easy workload (2.7 % truncated)",
                          .quantity = "shares of requests",
                          .x_label = "figure",
                          .kind = TableKind::kDetail,
                          .note = "The sheet: 10 % verified, 85 % of the tokens saved, +.009 over always."}));
  report.tables.push_back(
      out.unwanted.table({.title = "Verification that harms more than it helps (CommonsenseQA)",
                          .quantity = "shares of requests",
                          .x_label = "figure",
                          .kind = TableKind::kCounter,
                          .note = "The calibrated threshold is near never; always loses four points."}));
  report.notes.push_back("A longer base limit is the simpler way to most of the gain: tune it first.");
  report.notes.push_back(
      "The simulator shows that gate, calibration and accounting work, not that language models behave so.");
  report.not_run.push_back("the published outcome data (17,120 rows) and gates of 0.6B and 1.7B: not available here");
  return report;
}

}  // namespace bursar::reproduce
