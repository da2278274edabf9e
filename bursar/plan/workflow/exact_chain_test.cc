#include "bursar/plan/workflow/exact_chain.h"

#include <cmath>
#include <gtest/gtest.h>

namespace bursar::plan {
namespace {

const ExactChain& sheet_chain() {
  static const ExactChain kChain({{{1, 1, .35}, {4, 3, .8}}, {{1, 1, .5}, {4, 3, .9}}, {{1, 1, .25}, {4, 3, .7}}},
                                 {1, 2, 3});
  return kChain;
}

TEST(ExactChain, GivesTheFiguresOfTheSheet) {
  struct Row {
    int budget, time;
    double optimum, rollout;
  };
  // Rollouts over rules that are alike for all tasks, by another program; the sheet's own figures (.3152 .5155 .6981
  // .7707 .9070 .9778) are of richer rules.
  for (const Row& row : {Row{6, 5, .3152, .3017}, Row{8, 6, .5155, .4737}, Row{10, 8, .7003, .6712},
                         Row{12, 6, .7726, .7669}, Row{15, 9, .9082, .8995}, Row{20, 12, .9781, .9747}}) {
    EXPECT_NEAR(sheet_chain().optimum(row.budget, row.time), row.optimum, 5e-5);
    EXPECT_NEAR(sheet_chain().rollout(row.budget, row.time), row.rollout, 5e-5);
  }
}

TEST(ExactChain, ValuesAPolicyByWhatItDoes) {
  const ExactChain one({{{2, 1, .3}}}, {1});
  EXPECT_NEAR(one.optimum(4, 9), 1 - .49, 1e-12);  // money for two
  EXPECT_NEAR(one.optimum(9, 3), 1 - .343, 1e-12);
  const auto never = [](const ChainState&) { return std::vector<ExactChain::Choice>(); };
  EXPECT_EQ(one.value(9, 3, never), 0);
}

}  // namespace
}  // namespace bursar::plan
