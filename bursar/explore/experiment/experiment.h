// A real small experiment: named arms, a budget, a method, and an answer with its guarantee.
//
//   auto experiment = Experiment::make({.arms = {"old", "new", "short"}, .samples = 600});
//   for (const Pull& pull : experiment->next(1)) show(experiment->design().arms[pull.arm]);
//   auto news = experiment->record(1, .8, "visitor-17");         // false: that id was recorded before
//   use(experiment->decide());                                   // which arm, and what is promised about it
//
// Methods:
//   kHalving   at most `samples` samples; the answer's error is an estimate (best_arm.h)
//   kLucb, kElimination   until the best is told apart: error <= delta within `tolerance` (best_arm.h)
//   kPrivate   at most `samples` samples, epsilon-differential privacy; only private means leave (private_best_arm.h)
// Money: with a price an arm, no sample is asked for that the money left cannot pay; methods of a fixed number of
// samples are refused at the start unless the money covers the dearest course they can take.
// The state is a function of the design and of the records in their order, so a journal of records is all that needs to
// be kept. Rewards in [low, high]. record O(log K), next and status O(K). Not thread-safe.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "bursar/core/amount.h"
#include "bursar/explore/best_arm/best_arm.h"
#include "bursar/explore/private_best_arm/private_best_arm.h"

namespace bursar::explore {

enum class ExperimentMethod : std::uint8_t { kHalving, kLucb, kElimination, kPrivate };
[[nodiscard]] std::string_view name_of(ExperimentMethod method);  // "halving", "lucb", "elimination", "private"

struct ExperimentDesign {
  std::vector<std::string> arms;  // 2 … 10'000 names of 1 … 200 bytes, all different
  ExperimentMethod method = ExperimentMethod::kHalving;
  std::uint64_t samples = 0;          // halving, private: the budget; lucb, elimination: at most, 0: no limit
  double delta = .05, tolerance = 0;  // lucb, elimination; tolerance in units of reward
  double low = 0, high = 1;           // of rewards
  EliminationSchedule schedule = EliminationSchedule::kHalving;  // private
  NoiseOptions noise;                                            // private
  bool clip = false;                                             // private: rewards outside [low, high] are cut
  std::vector<double> features;                                  // private: [arms x dimension], or empty
  std::size_t dimension = 0;
  std::optional<Amount> money;       // at most
  std::vector<std::int64_t> prices;  // [arms] of one sample, in smallest units of the money's resource; or empty: free
  std::uint64_t seed = 0;            // private: of the noise; keep it as secret as the rewards
};
// Exact both ways. Errors of read: kInvalidArgument.
[[nodiscard]] boost::json::object to_json_object(const ExperimentDesign& design);
[[nodiscard]] Result<ExperimentDesign> read_design(const boost::json::value& document);

struct ArmStatus {
  std::uint64_t count = 0;
  bool active = true;          // still in the running
  std::optional<double> mean;  // private: as released last; absent before
  double low = 0, high = 0;    // interval of the mean, as status says; equal where there is none
};

struct ExperimentStatus {
  std::vector<ArmStatus> arms;
  std::string interval;  // "95% for all arms together", …
  std::uint64_t samples = 0;
  std::int64_t money_spent = 0;
  std::size_t phase = 0, phases = 0;  // 0 phases: the method has none
  PrivacyLoss privacy;                // spent
  bool finished = false;
};

struct ExperimentDecision {
  std::size_t arm = 0;
  bool finished = false;  // the method has stopped; otherwise the best so far
  bool guaranteed = false;
  double error = 1;       // chance that another arm is better by more than `tolerance`, at most; 1: nothing known
  double tolerance = 0;   // in units of reward
  std::string guarantee;  // one sentence
};

class Experiment {
 public:
  static constexpr std::size_t kMostArms = 10'000, kLongestName = 200, kLongestId = 200;
  static constexpr std::size_t kMostIds = 10'000'000;
  static constexpr std::uint64_t kMostAtOnce = 1'000'000;  // samples that next() names

  // Errors: kInvalidArgument naming the field; kInfeasible where samples or money are too few, naming how many would
  // do.
  [[nodiscard]] static Result<Experiment> make(ExperimentDesign design);
  Experiment(Experiment&&) noexcept;
  Experiment& operator=(Experiment&&) noexcept;
  ~Experiment();

  // What to sample now: at most `count` (and kMostAtOnce) samples, by arm; fewer at the end of a phase, none when
  // finished or when the money does not pay another. The same until something is recorded.
  [[nodiscard]] std::vector<Pull> next(std::uint64_t count) const;
  // False, and nothing changes: `id` was recorded with this very arm and reward. An empty id is never the same.
  // Errors, state unchanged: kAlreadyExists for an id that was recorded with another arm or reward; kInvalidArgument
  // for an arm that does not exist or that a private phase does not ask for, and for a reward out of range.
  [[nodiscard]] Result<bool> record(std::size_t arm, double reward, std::string_view id = {});

  [[nodiscard]] ExperimentStatus status() const;
  // The best so far where it has not finished; private: by means that were released. Errors: kUnavailable where nothing
  // is known yet.
  [[nodiscard]] Result<ExperimentDecision> decide() const;

  [[nodiscard]] bool finished() const;
  [[nodiscard]] const ExperimentDesign& design() const { return design_; }
  [[nodiscard]] std::uint64_t samples() const { return samples_; }
  // Of the private method: to be reserved before the first sample, and committed with the first release.
  [[nodiscard]] PrivacyLoss privacy_cost() const;
  [[nodiscard]] PrivacyLoss privacy_spent() const;

 private:
  using Halving = std::unique_ptr<SequentialHalving>;
  using Confident = std::unique_ptr<FixedConfidence>;
  using Method = std::variant<Halving, Confident, PrivateBestArm>;
  Experiment(ExperimentDesign design, Method method);
  [[nodiscard]] std::int64_t money_left() const;
  [[nodiscard]] double scale() const { return design_.high - design_.low; }
  void describe_private(const PrivateBestArm& search, ExperimentStatus& out) const;

  struct Recorded {
    std::uint32_t arm = 0;
    double reward = 0;
  };
  ExperimentDesign design_;
  Method method_;
  std::vector<std::uint64_t> counts_;
  std::unordered_map<std::string, Recorded> ids_;
  std::uint64_t samples_ = 0;
  std::int64_t spent_ = 0;
};

}  // namespace bursar::explore
