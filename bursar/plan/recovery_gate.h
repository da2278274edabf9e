// Which finished attempts are worth one more call that checks and repairs them.
//
//   auto gate = LinearGate::fit(rows);                            // P(verification will fix this attempt)
//   auto chosen = calibrate(outcomes, {});                        // outcomes of a development split, never of test
//   traffic SelectiveVerifier verifier(*gate, chosen->threshold); VerifyDecision d = *verifier.decide(attempt); //
//   d.verify, d.score; d.gate says which frozen gate
//
// Selection is by recoverability, not by doubt: a gate that learned "is the answer wrong" sends hopeless attempts too.
// For every policy  accuracy = base accuracy + fixes - flips. The threshold maximises accuracy - price x tokens / 1000
// - flip_price x flips: choosing by accuracy alone, as published, is a lottery where the optimum is flat [choice].
// Source: systems/sevra.
#pragma once

#include <array>
#include <boost/json/object.hpp>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::plan {

enum class DoneReason : std::uint8_t { kStop, kLength };

// What a serving layer sees of a first answer. The five scores are in [0, 1].
struct Attempt {
  double difficulty = 0, verification_need = 0, constraint_density = 0, ambiguity = 0, retrieval_need = 0;
  std::int64_t base_tokens = 0;  // >= 0
  bool finalizer_used = false;   // something had to force an answer
  DoneReason done = DoneReason::kStop;
};

// The five scores of a request, from its text alone: length, numbers, question words, conditions. Heuristic [choice].
[[nodiscard]] Attempt estimate_request(std::string_view query);

struct RecoveryRow {
  Attempt attempt;
  bool fixed = false;  // verification turned a wrong answer into the right one
};

struct GateFit {
  int iterations = 500;  // of Newton's method, at most
  double ridge = 1e-3;   // on the weights, > 0
  bool balance = true;   // positives weigh negatives / positives
};

class LinearGate {
 public:
  static constexpr std::size_t kFeatures = 8;
  // In the order of the sheet: five scores, finaliser used, stopped by length, ln(1 + base tokens).
  [[nodiscard]] static Result<std::array<double, kFeatures>> features(const Attempt& attempt);

  LinearGate(std::array<double, kFeatures> weights, double intercept) : weights_(weights), intercept_(intercept) {}
  // Logistic regression. Errors: kInvalidArgument for no rows, rows of one kind only, an attempt out of range.
  [[nodiscard]] static Result<LinearGate> fit(std::span<const RecoveryRow> rows, const GateFit& options = {});

  [[nodiscard]] Result<double> score(const Attempt& attempt) const;  // in (0, 1)

  [[nodiscard]] boost::json::object save() const;
  [[nodiscard]] static Result<LinearGate> restore(const boost::json::object& saved);

 private:
  std::array<double, kFeatures> weights_;
  double intercept_;
};

// One attempt that was also verified: what would have come of either choice.
struct PairedOutcome {
  bool base_correct = false, verified_correct = false;
  double score = 0;                      // of the gate, in [0, 1]
  std::int64_t verification_tokens = 0;  // >= 0
};

struct VerifyMetrics {
  double accuracy = 0, rate = 0, fixes = 0, flips = 0;  // shares of all attempts
  double tokens = 0;                                    // mean verification tokens an attempt
};
// Verifies what scores `threshold` or more. Errors: kInvalidArgument for no rows, a score outside [0, 1].
[[nodiscard]] Result<VerifyMetrics> evaluate(std::span<const PairedOutcome> rows, double threshold);

struct CalibrateOptions {
  double price = .01;           // accuracy that 1,000 tokens must buy, >= 0
  double flip_price = 0;        // accuracy that a flip costs beyond itself, >= 0
  bool accuracy_first = false;  // the published rule: accuracy, then fewer tokens, then fewer flips
};
struct Calibration {
  double threshold = 1;
  VerifyMetrics chosen, always, never;
  double error_to_always = 0, error_to_never = 0;  // paired standard errors of the accuracy differences
};
// Tries 1 and every distinct score; above 1 verifies nothing. O(rows log rows).
[[nodiscard]] Result<Calibration> calibrate(std::span<const PairedOutcome> rows, const CalibrateOptions& options = {});

struct VerifyDecision {
  bool verify = false;
  double score = 0, threshold = 0;
  std::string gate;  // a digest of gate and threshold, for the log: what decided
};

// A gate and a threshold that no longer change.
class SelectiveVerifier {
 public:
  SelectiveVerifier(LinearGate gate, double threshold);
  [[nodiscard]] Result<VerifyDecision> decide(const Attempt& attempt) const;

 private:
  LinearGate gate_;
  double threshold_;
  std::string digest_;
};

// What the second call is asked to do, for the model: at least two checks of this very candidate, then one answer line.
[[nodiscard]] std::string verification_prompt(std::string_view query, std::string_view response);

// Whether the rate of verification has left what it was calibrated for by more than a factor of 3 [choice].
[[nodiscard]] bool rate_alarm(double calibrated_rate, std::uint64_t verified, std::uint64_t seen);

}  // namespace bursar::plan
