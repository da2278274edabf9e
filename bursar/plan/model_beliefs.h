// What was learned of one model, in the jobs of which it was the main one. For beliefs.h, which says what is learned.
//
//   ModelBeliefs of;
//   of.add_length(212); of.add_latency({.value = 830});
//   of.success("pets").observe(1, 0);
//   of.add(Gated{…});                              // rows; a fit is renewed after every 16 of its kind
//   of.snapshot();                                 // what strategies read
#pragma once

#include <array>
#include <boost/json/object.hpp>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/core/beta_posterior.h"
#include "bursar/core/kaplan_meier.h"
#include "bursar/core/result.h"
#include "bursar/plan/organisation.h"
#include "bursar/plan/recovery_gate.h"
#include "bursar/plan/token_plan.h"
#include "bursar/plan/voi_controller.h"

namespace bursar::plan {

using AnswerDigest = std::uint64_t;
[[nodiscard]] AnswerDigest digest_of_text(std::string_view text);
[[nodiscard]] AnswerDigest digest_of_answer(std::string_view answer);  // the same for all ways to write it; 0 for none

struct BeliefRow {
  std::string what, prior, now;
  std::uint64_t from = 0;  // observations
};

class ModelBeliefs {
 public:
  static constexpr std::size_t kMostStrategies = 64, kMostRows = 2'000, kMostPools = 256, kMostPool = 64,
                               kMostTeams = 500, kMostLatencies = 512;

  struct Gated {  // an answer that was verified
    RecoveryRow row;
    PairedOutcome outcome;
  };
  struct Team {  // of three agents of one question, who was right
    std::array<bool, 3> right{};
  };
  struct FinalChange {  // what replacing would have done, or did
    Disagreement kind = Disagreement::kNone;
    bool gained = false, harmed = false;
  };

  void add_length(std::int64_t tokens);            // of a whole answer
  void add_latency(const CensoredValue& latency);  // milliseconds
  void add_answers(AnswerDigest question, const std::vector<AnswerDigest>& answers);
  void add_success(std::string_view strategy, double reward);
  void add(const Gated& row);
  void add(const SolveRecord& row);
  void add(const AgentRun& row);
  void add(const Team& row);
  void add(const FinalChange& row);

  [[nodiscard]] const boost::json::object& snapshot() const { return snapshot_; }
  void describe(std::string_view model, std::vector<BeliefRow>& rows) const;

  [[nodiscard]] boost::json::object save() const;
  [[nodiscard]] static Result<ModelBeliefs> restore(const boost::json::object& saved);

 private:
  struct Lengths {  // of logarithms, by Welford
    std::uint64_t count = 0;
    double mean = 0, squares = 0;
  };
  struct Pool {
    AnswerDigest question = 0;
    std::vector<AnswerDigest> answers;
  };
  struct Rates {
    std::uint64_t seen = 0, gained = 0, harmed = 0;
  };
  enum Fit : std::uint8_t { kGate, kStream, kCurves, kLaw, kTeams, kLengths, kLatencies, kFits };

  [[nodiscard]] Result<void> restore_pools(const boost::json::object& saved);
  bool due(Fit fit);  // counts a row of it; whether to fit now
  void fit_gate();
  void fit_stream();
  void fit_curves();
  void fit_law();
  void fit_correlation();
  void show_success();
  void show_lengths();
  void show_latencies();
  void show_finals();

  std::map<std::string, BetaPosterior, std::less<>> success_;
  Lengths lengths_;
  std::deque<CensoredValue> latencies_;
  std::deque<Pool> pools_;
  std::deque<Gated> gated_;
  std::deque<SolveRecord> solved_;
  std::deque<AgentRun> runs_;
  std::deque<Team> teams_;
  std::array<Rates, 8> finals_{};
  std::array<std::uint64_t, kFits> fresh_{};  // rows since the last fit
  boost::json::object snapshot_;
};

}  // namespace bursar::plan
