#include "bursar/plan/config_search/compute_cost.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bursar::plan {
namespace {

using ::testing::HasSubstr;

ChainStage subtask(std::int64_t prompt, std::int64_t generation) {
  return {.name = "s",
          .prompt_tokens = prompt,
          .generation_tokens = generation,
          .models = {{.name = "m", .parameters = 3e9}}};
}

TEST(ComputeUnits, AreTheConstantsOfThePublishedCode) {
  struct Known {
    double parameters;
    std::int64_t prompt, generation;
    double units;
  };
  for (const Known& k : {Known{72e9, 2048, 128, 814},
                         {70e9, 256, 64, 114.0 + 2.0 / 3},
                         {70e9, 1024, 64, 394.0 + 2.0 / 3},
                         {70e9, 1024, 256, 464.0 + 2.0 / 3},
                         {70e9, 1024, 2048, 1118},
                         {70e9, 1024, 1024, 744.0 + 2.0 / 3},
                         {70e9, 1024, 512, 558}}) {
    EXPECT_NEAR(compute_units({.name = "m", .parameters = k.parameters}, subtask(k.prompt, k.generation), 1), k.units,
                1e-10);
  }
}

TEST(ComputeUnits, OfTheUnitTaskAreItsSamples) {
  for (int s = 1; s <= 100; ++s)
    EXPECT_DOUBLE_EQ(compute_units({.name = "m", .parameters = 3e9}, subtask(128, 64), s), s);
}

TEST(ComputeUnits, GiveBackTheSamplesTheyPayFor) {
  for (const double parameters : {3e9, 7e9, 8e9, 32e9, 70e9, 72e9, 671e9}) {
    for (const auto& [prompt, generation] : {std::pair{2048, 128}, {256, 64}, {1024, 2048}, {17, 3}}) {
      const ModelChoice model{.name = "m", .parameters = parameters};
      const ChainStage task = subtask(prompt, generation);
      for (const bool fusion : {false, true}) {
        for (int s = 1; s <= 100; ++s) {
          const double units = compute_units(model, task, s, fusion);
          EXPECT_EQ(samples_within(units, model, task, fusion), s);
          EXPECT_EQ(samples_within(units - 1e-6 * (1 + std::abs(units)), model, task, fusion), s - 1);
        }
      }
    }
  }
}

TEST(ComputeUnits, CountTheFusingCallWhereAsked) {
  const ModelChoice model{.name = "m", .parameters = 8e9};
  const ChainStage task = subtask(256, 64);
  EXPECT_NEAR(compute_units(model, task, 10, true) - compute_units(model, task, 10), 8.0 / 3 * 10, 1e-12);
}

TEST(StageCost, IsMoneyOrTimeWhereThatIsPaid) {
  const ModelChoice model{.name = "m", .parameters = 8e9, .price_in = 2, .price_out = 10, .latency_ms = 300};
  const ChainStage task = subtask(1000, 100);
  EXPECT_NEAR(stage_cost(CostUnit::kUsd, model, task, 3, false), 3 * (1000 * 2 + 100 * 10) / 1e6, 1e-15);
  EXPECT_NEAR(stage_cost(CostUnit::kUsd, model, task, 3, true), (3 * 3000 + 1300 * 2 + 100 * 10) / 1e6, 1e-15);
  EXPECT_EQ(stage_cost(CostUnit::kMs, model, task, 3, true), 1200);
  EXPECT_EQ(*cost_unit_named("usd"), CostUnit::kUsd);
  EXPECT_THAT(cost_unit_named("eur").error().message, HasSubstr("flops, usd or ms"));
}

TEST(ChainStage, NamesWhatIsWrong) {
  ChainStage task = subtask(0, 64);
  EXPECT_THAT(check(task).error().message, HasSubstr("prompt_tokens"));
  task = subtask(10, 64);
  task.models.push_back(task.models[0]);
  EXPECT_THAT(check(task).error().message, HasSubstr("twice"));
  task.models = {{.name = "m", .parameters = -1}};
  EXPECT_THAT(check(task).error().message, HasSubstr("parameters"));
  task.models.clear();
  EXPECT_THAT(check(task).error().message, HasSubstr("no models"));
}

}  // namespace
}  // namespace bursar::plan
