#include "bursar/admit/request_sample.h"

#include <gtest/gtest.h>

#include "bursar/allocate/linear_program.h"
#include "bursar/core/random.h"

namespace bursar::admit {
namespace {

RequestSample drawn(RandomStream& random, std::size_t requests, std::size_t resources) {
  RequestSample sample(resources);
  for (std::size_t t = 0; t < requests; ++t) {
    std::vector<double> rewards(1 + random.uniform_int(std::uint64_t{3}));
    std::vector<double> costs(rewards.size() * resources);
    for (double& f : rewards) f = random.uniform01();
    for (double& b : costs) b = random.bernoulli(.6) ? random.uniform01() : 0;
    sample.add({.rewards = rewards, .costs = costs});
  }
  return sample;
}

double by_linear_program(const RequestSample& sample, const std::vector<double>& budget) {
  allocate::LinearProgram lp;
  const int n = static_cast<int>(sample.size());
  lp.start.push_back(0);
  for (int t = 0; t < n; ++t) {
    const Request r = sample.at(static_cast<std::size_t>(t));
    for (std::size_t k = 0; k < r.rewards.size(); ++k) {
      lp.objective.push_back(r.rewards[k]);
      lp.upper.push_back(1);
      lp.row.push_back(t);
      lp.element.push_back(1);
      for (std::size_t j = 0; j < budget.size(); ++j) {
        lp.row.push_back(n + static_cast<int>(j));
        lp.element.push_back(r.costs[k * budget.size() + j]);
      }
      lp.start.push_back(static_cast<int>(lp.row.size()));
    }
  }
  lp.row_upper.assign(static_cast<std::size_t>(n), 1.0);
  lp.row_upper.insert(lp.row_upper.end(), budget.begin(), budget.end());
  return allocate::maximise(lp)->objective;
}

TEST(RequestSample, BoundIsTheLinearProgram) {
  RandomStream random(1);
  for (const std::size_t resources : {1, 2, 4}) {
    for (const std::size_t requests : {1, 20, 400}) {
      const RequestSample sample = drawn(random, requests, resources);
      const std::vector<double> budget(resources, .2 * static_cast<double>(requests));
      auto dual = sample.dual(budget);
      ASSERT_TRUE(dual) << dual.error().message;
      const double lp = by_linear_program(sample, budget);
      EXPECT_NEAR(dual->bound, lp, 1e-6 * lp + 1e-12) << resources << " " << requests;
      // Weak duality: any prices give a bound.
      for (int i = 0; i < 50; ++i) {
        std::vector<double> mu(resources);
        for (double& p : mu) p = random.uniform(0, 3);
        EXPECT_GE(sample.bound_at(mu, budget), lp - 1e-9);
      }
    }
  }
}

TEST(RequestSample, ReplacesARequestInItsPlace) {
  RandomStream random(2);
  RequestSample sample = drawn(random, 3, 1);
  const std::vector<double> reward{2}, cost{1};
  sample.replace(1, {.rewards = reward, .costs = cost});
  EXPECT_EQ(sample.at(1).rewards[0], 2);
  std::size_t numbers = 0;
  for (std::size_t n = 0; n < 3; ++n) numbers += sample.at(n).rewards.size() + sample.at(n).costs.size();
  EXPECT_EQ(sample.numbers(), numbers);
}

}  // namespace
}  // namespace bursar::admit
