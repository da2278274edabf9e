#include "bursar/plan/recovery_gate.h"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <boost/json/array.hpp>
#include <cctype>
#include <cmath>
#include <numeric>

#include "bursar/core/json.h"

namespace bursar::plan {
namespace {

namespace json = boost::json;
using Features = std::array<double, LinearGate::kFeatures>;
using Vector = Eigen::Matrix<double, LinearGate::kFeatures + 1, 1>;  // the intercept last
using Matrix = Eigen::Matrix<double, LinearGate::kFeatures + 1, LinearGate::kFeatures + 1>;

double logistic(double z) { return z >= 0 ? 1 / (1 + std::exp(-z)) : std::exp(z) / (1 + std::exp(z)); }

Vector with_intercept(const Features& features) {
  Vector out;
  for (std::size_t i = 0; i < features.size(); ++i) out[static_cast<Eigen::Index>(i)] = features.at(i);
  out[LinearGate::kFeatures] = 1;
  return out;
}

// FNV-1a over the text of gate and threshold: an identity, no protection.
std::string digest_of(const std::string& text) {
  std::uint64_t h = 0xcbf29ce484222325;
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (int shift = 60; shift >= 0; shift -= 4) out.push_back(kDigits[h >> shift & 15]);
  return out;
}

std::size_t count_words(std::string_view text, std::initializer_list<std::string_view> words) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  std::size_t out = 0;
  for (const std::string_view word : words) {
    for (std::size_t at = lower.find(word); at != std::string::npos; at = lower.find(word, at + word.size())) ++out;
  }
  return out;
}

double share(std::size_t count, double full) { return std::min(1.0, static_cast<double>(count) / full); }

// Mean and squared sum of a paired difference, for its standard error.
double paired_error(std::span<const PairedOutcome> rows, double threshold, bool against_always) {
  double sum = 0, square = 0;
  for (const PairedOutcome& row : rows) {
    const bool chosen = row.score >= threshold ? row.verified_correct : row.base_correct;
    const bool other = against_always ? row.verified_correct : row.base_correct;
    const double d = (chosen ? 1.0 : 0.0) - (other ? 1.0 : 0.0);
    sum += d;
    square += d * d;
  }
  const auto n = static_cast<double>(rows.size());
  return n < 2 ? 0 : std::sqrt(std::max(0.0, (square - sum * sum / n) / (n - 1) / n));
}

constexpr double kNever = 2;  // above every score

}  // namespace

Attempt estimate_request(std::string_view query) {
  std::size_t numbers = 0, words = 1;
  for (std::size_t i = 0; i < query.size(); ++i) {
    const auto is_digit = [&](std::size_t at) { return std::isdigit(static_cast<unsigned char>(query[at])) != 0; };
    numbers += is_digit(i) && (i == 0 || !is_digit(i - 1)) ? 1 : 0;
    words += query[i] == ' ' ? 1 : 0;
  }
  const std::size_t conditions =
      count_words(query, {" if ", " such that", " each ", " at least", " at most", " exactly", " unless", " and "});
  const std::size_t proofs = count_words(query, {"prove", "show that", "how many", "find all", "compute", "calculate"});
  return {
      .difficulty = .5 * share(words, 120) + .5 * share(numbers + conditions, 12),
      .verification_need = share(numbers + 2 * proofs, 8),
      .constraint_density = share(conditions, 6),
      .ambiguity = share(count_words(query, {" or ", " maybe", " some ", " best ", " good "}), 4),
      .retrieval_need = share(count_words(query, {"who ", "when ", "where ", "which year", "capital of", "born"}), 3)};
}

Result<Features> LinearGate::features(const Attempt& a) {
  const std::array<std::pair<const char*, double>, 5> scores{{{"difficulty", a.difficulty},
                                                              {"verification_need", a.verification_need},
                                                              {"constraint_density", a.constraint_density},
                                                              {"ambiguity", a.ambiguity},
                                                              {"retrieval_need", a.retrieval_need}}};
  for (const auto& [name, value] : scores) {
    if (!(value >= 0 && value <= 1))
      return invalid_argument(std::string(name) + " is " + std::to_string(value) + "; it must be from 0 to 1");
  }
  if (a.base_tokens < 0)
    return invalid_argument("base_tokens is " + std::to_string(a.base_tokens) + "; it must be at least 0");
  return Features{a.difficulty,
                  a.verification_need,
                  a.constraint_density,
                  a.ambiguity,
                  a.retrieval_need,
                  a.finalizer_used ? 1.0 : 0.0,
                  a.done == DoneReason::kLength ? 1.0 : 0.0,
                  std::log1p(static_cast<double>(a.base_tokens))};
}

// Newton's method on the weighted cross-entropy with a ridge: convex, so that it ends at the one minimum.
Result<LinearGate> LinearGate::fit(std::span<const RecoveryRow> rows, const GateFit& options) {
  std::vector<Vector> x;
  double positives = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto features = LinearGate::features(rows[i].attempt);
    if (!features) return tl::unexpected(with_context("row " + std::to_string(i), features.error()));
    x.push_back(with_intercept(*features));
    positives += rows[i].fixed ? 1 : 0;
  }
  const double negatives = static_cast<double>(rows.size()) - positives;
  if (positives == 0 || negatives == 0)
    return invalid_argument("a gate is learned from attempts that were fixed and others that were not; there are " +
                            std::to_string(static_cast<std::size_t>(positives)) + " and " +
                            std::to_string(static_cast<std::size_t>(negatives)));
  if (!(options.ridge > 0)) return invalid_argument("ridge must be above 0");
  const double weight = options.balance ? negatives / positives : 1;
  Vector w = Vector::Zero();
  for (int step = 0; step < options.iterations; ++step) {
    Vector gradient = options.ridge * w;
    Matrix hessian = options.ridge * Matrix::Identity();
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const double p = logistic(w.dot(x[i])), each = rows[i].fixed ? weight : 1;
      gradient += each * (p - (rows[i].fixed ? 1 : 0)) * x[i];
      hessian += each * p * (1 - p) * x[i] * x[i].transpose();
    }
    const Vector move = hessian.ldlt().solve(gradient);
    w -= move * std::min(1.0, 5 / std::max(1e-12, move.norm()));
    if (move.norm() < 1e-9) break;
  }
  Features weights{};
  for (std::size_t i = 0; i < kFeatures; ++i) weights.at(i) = w[static_cast<Eigen::Index>(i)];
  return LinearGate(weights, w[kFeatures]);
}

Result<double> LinearGate::score(const Attempt& attempt) const {
  const auto x = features(attempt);
  if (!x) return tl::unexpected(x.error());
  return logistic(std::inner_product(x->begin(), x->end(), weights_.begin(), intercept_));
}

json::object LinearGate::save() const {
  return {{"gate", "linear"}, {"weights", json::array(weights_.begin(), weights_.end())}, {"intercept", intercept_}};
}

Result<LinearGate> LinearGate::restore(const json::object& saved) {
  const json::value whole(saved);
  const JsonView view(whole, "gate");
  const auto intercept = view.double_at("intercept", -1e9, 1e9);
  if (!intercept) return tl::unexpected(intercept.error());
  const auto list = view.at("weights");
  if (!list) return tl::unexpected(list.error());
  const auto size = list->array_size(kFeatures);
  if (!size) return tl::unexpected(size.error());
  if (*size != kFeatures) return list->wrong("must have " + std::to_string(kFeatures) + " entries");
  Features weights{};
  for (std::size_t i = 0; i < kFeatures; ++i) {
    const auto value = list->element(i).and_then([](const JsonView& one) { return one.as_double(-1e9, 1e9); });
    if (!value) return tl::unexpected(value.error());
    weights.at(i) = *value;
  }
  return LinearGate(weights, *intercept);
}

Result<VerifyMetrics> evaluate(std::span<const PairedOutcome> rows, double threshold) {
  if (rows.empty()) return invalid_argument("there are no outcomes to evaluate on");
  VerifyMetrics sum;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const PairedOutcome& row = rows[i];
    if (!(row.score >= 0 && row.score <= 1) || row.verification_tokens < 0)
      return invalid_argument("row " + std::to_string(i) + ": score must be from 0 to 1 and tokens at least 0");
    const bool verified = row.score >= threshold;
    sum.accuracy += (verified ? row.verified_correct : row.base_correct) ? 1 : 0;
    sum.rate += verified ? 1 : 0;
    sum.fixes += verified && !row.base_correct && row.verified_correct ? 1 : 0;
    sum.flips += verified && row.base_correct && !row.verified_correct ? 1 : 0;
    sum.tokens += verified ? static_cast<double>(row.verification_tokens) : 0;
  }
  const auto n = static_cast<double>(rows.size());
  return VerifyMetrics{sum.accuracy / n, sum.rate / n, sum.fixes / n, sum.flips / n, sum.tokens / n};
}

Result<Calibration> calibrate(std::span<const PairedOutcome> rows, const CalibrateOptions& options) {
  const auto always = evaluate(rows, 0), never = evaluate(rows, kNever);
  if (!always) return tl::unexpected(always.error());
  if (!(options.price >= 0) || !(options.flip_price >= 0)) return invalid_argument("prices must be at least 0");
  std::vector<std::size_t> order(rows.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) { return rows[a].score > rows[b].score; });
  const auto n = static_cast<double>(rows.size());
  Calibration out{.threshold = kNever, .chosen = *never, .always = *always, .never = *never};
  const auto worth = [&](const VerifyMetrics& m) {
    return m.accuracy - options.price * m.tokens / 1000 - options.flip_price * m.flips;
  };
  const auto better = [&](const VerifyMetrics& a, const VerifyMetrics& b) {
    if (!options.accuracy_first) return worth(a) > worth(b) + 1e-12;
    if (std::abs(a.accuracy - b.accuracy) > 1e-12) return a.accuracy > b.accuracy;
    if (std::abs(a.tokens - b.tokens) > 1e-9) return a.tokens < b.tokens;
    return a.flips < b.flips - 1e-12;
  };
  VerifyMetrics now = *never;  // verified so far, from the highest score down
  for (std::size_t i = 0; i < order.size(); ++i) {
    const PairedOutcome& row = rows[order[i]];
    now.rate += 1 / n;
    now.tokens += static_cast<double>(row.verification_tokens) / n;
    now.fixes += !row.base_correct && row.verified_correct ? 1 / n : 0;
    now.flips += row.base_correct && !row.verified_correct ? 1 / n : 0;
    now.accuracy = never->accuracy + now.fixes - now.flips;
    const bool last_of_equals = i + 1 == order.size() || rows[order[i + 1]].score < row.score;
    if (!last_of_equals || !better(now, out.chosen)) continue;
    out.threshold = row.score;
    out.chosen = now;
  }
  out.error_to_always = paired_error(rows, out.threshold, true);
  out.error_to_never = paired_error(rows, out.threshold, false);
  return out;
}

SelectiveVerifier::SelectiveVerifier(LinearGate gate, double threshold)
    : gate_(gate), threshold_(threshold), digest_(digest_of(to_json(gate.save()) + to_json(json::value(threshold)))) {}

Result<VerifyDecision> SelectiveVerifier::decide(const Attempt& attempt) const {
  const auto score = gate_.score(attempt);
  if (!score) return tl::unexpected(score.error());
  return VerifyDecision{.verify = *score >= threshold_, .score = *score, .threshold = threshold_, .gate = digest_};
}

std::string verification_prompt(std::string_view query, std::string_view response) {
  std::string out = "Question:\n";
  out.append(query).append("\n\nA candidate answer:\n").append(response);
  return out +
         "\n\nCheck this candidate in at least two independent ways that fit it: set the equations up again, check "
         "units and bounds, put the result back in, or take another route. Keep the answer if every check passes; "
         "otherwise repair it. End with exactly one line that begins with \"Final answer:\".";
}

bool rate_alarm(double calibrated_rate, std::uint64_t verified, std::uint64_t seen) {
  constexpr std::uint64_t kEnough = 100;
  if (seen < kEnough) return false;
  const double rate = static_cast<double>(verified) / static_cast<double>(seen);
  return rate > 3 * calibrated_rate + 3 / static_cast<double>(seen) ||
         3 * rate < calibrated_rate - 3 / static_cast<double>(seen);
}

}  // namespace bursar::plan
