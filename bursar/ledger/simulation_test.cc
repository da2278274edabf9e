#include "bursar/ledger/simulation.h"

#include <gtest/gtest.h>

namespace bursar::ledger {
namespace {

TEST(Simulation, HoldsEveryInvariantOverAThousandSeeds) {
  SimulationReport sum;
  for (std::uint64_t seed = 1; seed <= 1'200; ++seed) {
    const SimulationReport r = simulate({.seed = seed});
    ASSERT_EQ(r.violation, "");
    sum.granted += r.granted;
    sum.refused += r.refused;
    sum.settled += r.settled;
    sum.overruns += r.overruns;
    sum.late += r.late;
    sum.crashes += r.crashes;
    sum.restarts += r.restarts;
    sum.faults += r.faults;
    sum.rolled += r.rolled;
    sum.idempotent += r.idempotent;
    sum.limit_changes += r.limit_changes;
    sum.stranded += r.stranded;
    sum.commits += r.commits;
  }
  std::printf(
      "granted %lu refused %lu settled %lu overruns %lu late %lu crashes %lu restarts %lu faults %lu rolled %lu "
      "idempotent %lu limit changes %lu stranded %lu commits %lu\n",
      sum.granted, sum.refused, sum.settled, sum.overruns, sum.late, sum.crashes, sum.restarts, sum.faults, sum.rolled,
      sum.idempotent, sum.limit_changes, sum.stranded, sum.commits);
  // A simulation in which nothing happens proves nothing.
  EXPECT_GT(sum.granted, 10'000U);
  EXPECT_GT(sum.refused, 5'000U);
  EXPECT_GT(sum.overruns, 500U);
  EXPECT_GT(sum.late, 100U);
  EXPECT_GT(sum.crashes, 2'000U);
  EXPECT_GT(sum.faults, 1'000U);
  EXPECT_GT(sum.rolled, 500U);
  EXPECT_GT(sum.idempotent, 500U);
}

TEST(Simulation, IsTheSameForTheSameSeed) {
  const SimulationReport a = simulate({.seed = 42}), b = simulate({.seed = 42});
  EXPECT_EQ(a.granted, b.granted);
  EXPECT_EQ(a.commits, b.commits);
  EXPECT_EQ(a.stranded, b.stranded);
}

class PlantedBugTest : public testing::TestWithParam<PlantedBug> {};

TEST_P(PlantedBugTest, IsFound) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    if (!simulate({.seed = seed, .bug = GetParam()}).violation.empty()) return;
  }
  FAIL() << "300 seeds did not notice the planted bug";
}

INSTANTIATE_TEST_SUITE_P(Simulation, PlantedBugTest,
                         testing::Values(PlantedBug::kLeasesNotSynced, PlantedBug::kReceiptsNotSynced,
                                         PlantedBug::kGrantsTooMuch, PlantedBug::kForgetsStranded,
                                         PlantedBug::kBucketNeverEmpties));

}  // namespace
}  // namespace bursar::ledger
