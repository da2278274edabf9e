#include "bursar/explore/off_policy.h"

#include <gtest/gtest.h>
#include <vector>

#include "bursar/core/random.h"

namespace bursar::explore {
namespace {

// Three arms logged with these probabilities; the new policy mixes them otherwise.
constexpr double kLogged[] = {.6, .3, .1}, kNew[] = {.1, .2, .7}, kMean[] = {.2, .5, .8};

TEST(Ips, IsUnbiasedByEnumeration) {
  double expected = 0, truth = 0;
  for (int a = 0; a < 3; ++a) {
    const std::vector<LoggedStep> one{{.propensity = kLogged[a], .target = kNew[a], .reward = kMean[a]}};
    expected += kLogged[a] * ips(one)->mean;
    truth += kNew[a] * kMean[a];
  }
  EXPECT_NEAR(expected, truth, 1e-15);
}

TEST(DoublyRobust, IsUnbiasedWhateverTheModelSays) {
  const double model[] = {.9, .1, .4};
  double expected = 0, truth = 0, target = 0;
  for (int a = 0; a < 3; ++a) target += kNew[a] * model[a];
  for (int a = 0; a < 3; ++a) {
    const std::vector<LoggedStep> one{{.propensity = kLogged[a],
                                       .target = kNew[a],
                                       .reward = kMean[a],
                                       .model_logged = model[a],
                                       .model_target = target}};
    expected += kLogged[a] * doubly_robust(one)->mean;
    truth += kNew[a] * kMean[a];
  }
  EXPECT_NEAR(expected, truth, 1e-15);
}

std::vector<LoggedStep> sampled(std::size_t count) {
  RandomStream random(6);
  std::vector<LoggedStep> log;
  for (std::size_t t = 0; t < count; ++t) {
    const double u = random.uniform01();
    const int a = u < .6 ? 0 : u < .9 ? 1 : 2;
    log.push_back({.propensity = kLogged[a],
                   .target = kNew[a],
                   .reward = random.bernoulli(kMean[a]) ? 1.0 : 0.0,
                   .model_logged = kMean[a],
                   .model_target = .02 + .1 + .56});
  }
  return log;
}

TEST(OffPolicy, EstimatesAgreeWithTheTruthWithinTheirErrors) {
  const auto log = sampled(20'000);
  const double truth = .1 * .2 + .2 * .5 + .7 * .8;
  const auto plain = ips(log).value(), normalised = self_normalised(log).value(), robust = doubly_robust(log).value();
  for (const auto& e : {plain, normalised, robust}) {
    EXPECT_NEAR(e.mean, truth, 4 * e.standard_error);
    EXPECT_LT(e.effective, 20'000);
  }
  EXPECT_LT(normalised.standard_error, plain.standard_error);
  EXPECT_LT(robust.standard_error, plain.standard_error);
}

TEST(OffPolicy, RefusesLogsWithoutPropensities) {
  EXPECT_FALSE(ips({}));
  const std::vector<LoggedStep> unknown{{.propensity = 0, .target = 1, .reward = 1}};
  EXPECT_EQ(ips(unknown).error().code, ErrorCode::kInvalidArgument);
  const std::vector<LoggedStep> never{{.propensity = .5, .target = 0, .reward = 1}};
  EXPECT_EQ(self_normalised(never).error().code, ErrorCode::kInfeasible);
}

}  // namespace
}  // namespace bursar::explore
