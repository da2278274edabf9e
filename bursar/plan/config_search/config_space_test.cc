#include "bursar/plan/config_search/config_space.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bursar/core/json.h"
#include "bursar/plan/config_search/subtask_json.h"

namespace bursar::plan {
namespace {

using ::testing::HasSubstr;

ChainStage stage(const char* name, std::int64_t prompt, std::int64_t generation, std::vector<double> billions) {
  ChainStage out{.name = name, .prompt_tokens = prompt, .generation_tokens = generation};
  for (const double b : billions)
    out.models.push_back({.name = "m" + std::to_string(static_cast<int>(b)), .parameters = b * 1e9});
  return out;
}
std::vector<ChainStage> chat() {
  return {stage("design", 1024, 1024, {3, 8, 70}), stage("code", 1024, 512, {3, 8, 70}),
          stage("test", 1024, 256, {70, 3, 8})};
}

std::size_t feasible(const ConfigSpace& space, std::size_t at, double cost) {
  if (at == space.stages().size()) return 1;
  std::size_t out = 0;
  for (const StageChoice& choice : space.choices(at)) {
    if (const double total = cost + space.cost(at, choice); space.fits(total)) out += feasible(space, at + 1, total);
  }
  return out;
}

TEST(ConfigSpace, HasTheLargestModelsOnceAsItsDefaultTotal) {
  const ConfigSpace space = *ConfigSpace::make(chat(), {});
  EXPECT_NEAR(space.budget(), 744.0 + 2.0 / 3 + 558 + 464.0 + 2.0 / 3, 1e-9);
  EXPECT_EQ(feasible(space, 0, 0), 31'551U);  // the sheet's count for three stages of three models
}

TEST(ConfigSpace, FindsTheBestOfItsGridAsEnumerationDoes) {
  RandomStream random(3);
  for (int instance = 0; instance < 60; ++instance) {
    std::vector<ChainStage> stages;
    for (int i = 0; i < 3; ++i)
      stages.push_back(stage(("s" + std::to_string(i)).c_str(),
                             100 + static_cast<std::int64_t>(random.uniform_int(std::uint64_t{2000})), 64, {3, 8, 70}));
    const ConfigSpace space = *ConfigSpace::make(stages, {.grid = {1, 2, 5, 20, 60}});
    std::vector<std::vector<double>> worths;
    for (std::size_t i = 0; i < 3; ++i) {
      worths.emplace_back();
      for (std::size_t k = 0; k < 3 * 61; ++k) worths.back().push_back(random.normal());
    }
    const auto worth = [&](std::size_t i, const StageChoice& c) {
      return worths[i][c.model * 61 + static_cast<std::size_t>(c.samples)];
    };
    double best = -1e9, second = -1e9;
    for (const StageChoice& a : space.choices(0)) {
      for (const StageChoice& b : space.choices(1)) {
        for (const StageChoice& c : space.choices(2)) {
          if (!space.fits(space.cost({a, b, c}))) continue;
          const double sum = worth(0, a) + worth(1, b) + worth(2, c);
          if (sum > best)
            std::swap(best, second), best = sum;
          else
            second = std::max(second, sum);
        }
      }
    }
    const auto sum_of = [&](const Configuration& c) { return worth(0, c[0]) + worth(1, c[1]) + worth(2, c[2]); };
    const Configuration found = *space.best(worth, {});
    EXPECT_NEAR(sum_of(found), best, 1e-12);
    EXPECT_TRUE(space.check(found));
    EXPECT_NEAR(sum_of(*space.best(worth, [&](const Configuration& c) { return c == found; })), second, 1e-12);
  }
}

TEST(ConfigSpace, SolvesAKnapsackWhereThereIsTooMuchToEnumerate) {
  std::vector<ChainStage> stages;
  for (int i = 0; i < 6; ++i) stages.push_back(stage(("s" + std::to_string(i)).c_str(), 512, 128, {3, 8, 70}));
  const ConfigSpace space = *ConfigSpace::make(stages, {});
  ASSERT_GT(space.enumerated(), ConfigSpace::kMostEnumerated);
  RandomStream random(5);
  const auto worth = [](std::size_t i, const StageChoice& c) {
    return .1 * static_cast<double>(c.model) + .02 * static_cast<double>(i + 1) * std::log(c.samples);
  };
  const Configuration found = *space.best(worth, {});
  EXPECT_TRUE(space.check(found)) << space.check(found).error().message;
  double sum = 0;
  for (std::size_t i = 0; i < found.size(); ++i) sum += worth(i, found[i]);
  for (int k = 0; k < 2000; ++k) {
    const Configuration other = space.draw(random);
    double theirs = 0;
    for (std::size_t i = 0; i < other.size(); ++i) theirs += worth(i, other[i]);
    EXPECT_LE(theirs, sum + 1e-9);
  }
}

TEST(ConfigSpace, DrawsAndBeginsWithinTheBudget) {
  for (const double budget : {0.0, 120.0, 400.0, 5000.0}) {
    const auto space = ConfigSpace::make(chat(), {.budget = budget});
    if (!space) {
      EXPECT_EQ(space.error().code, ErrorCode::kInfeasible);
      continue;
    }
    RandomStream random(2);
    for (int k = 0; k < 500; ++k) EXPECT_TRUE(space->check(space->draw(random)));
    EXPECT_FALSE(space->first_trials().empty());
    for (const Configuration& trial : space->first_trials()) EXPECT_TRUE(space->check(trial));
  }
}

TEST(ConfigSpace, BeginsWithEveryModelForWhatTheLargestCosts) {
  const ConfigSpace space = *ConfigSpace::make(chat(), {});
  const auto trials = space.first_trials();
  EXPECT_EQ(trials.size(), 7U);  // three models a stage, and the largest once in each of them is one trial
  EXPECT_EQ(trials[0][0].model, space.smallest(0));
  EXPECT_EQ(trials[0][0].samples,
            std::min(60, samples_within(744.0 + 2.0 / 3, space.stages()[0].models[0], space.stages()[0])));
  EXPECT_EQ(trials[0][2], (StageChoice{.model = 0, .samples = 1}));  // the largest of the third, listed first
}

TEST(ConfigSpace, SaysTheLeastThatWouldDo) {
  const auto refused = ConfigSpace::make(chat(), {.budget = 10});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInfeasible);
  const double least = parse_json(refused.error().payload)->at("minimum").as_double();
  EXPECT_FALSE(ConfigSpace::make(chat(), {.budget = least * .999}));
  EXPECT_TRUE(ConfigSpace::make(chat(), {.budget = least}));
}

TEST(ConfigSpace, NamesWhatIsWrong) {
  EXPECT_THAT(ConfigSpace::make({}, {}).error().message, HasSubstr("no stages"));
  EXPECT_THAT(ConfigSpace::make({chat()[0], chat()[0]}, {}).error().message, HasSubstr("twice"));
  EXPECT_THAT(ConfigSpace::make(chat(), {.grid = {2, 3}}).error().message, HasSubstr("grid"));
  const ConfigSpace space = *ConfigSpace::make(chat(), {});
  EXPECT_THAT(space.check({{.model = 0}}).error().message, HasSubstr("1 stages"));
  EXPECT_THAT(space.check({{.model = 3}, {}, {}}).error().message, HasSubstr("no model 3"));
  EXPECT_THAT(space.check({{.samples = 101}, {}, {}}).error().message, HasSubstr("samples is 101"));
  EXPECT_THAT(space.check({{.model = 2, .samples = 9}, {}, {}}).error().message, HasSubstr("design: m70 x 9"));
}

TEST(ConfigSpace, WritesConfigurationsThatItReads) {
  const ConfigSpace space = *ConfigSpace::make(chat(), {});
  const Configuration one{{.model = 1, .samples = 7}, {.model = 0, .samples = 3}, {.model = 2, .samples = 1}};
  const boost::json::value document = to_json_object(space, one);
  EXPECT_EQ(*configuration_of(space, JsonView(document)), one);
  const auto message = [&](std::string_view text) {
    const auto value = *parse_json(text);
    return configuration_of(space, JsonView(value)).error().message;
  };
  EXPECT_THAT(message(R"({"stages":[]})"), HasSubstr("design is missing"));
  EXPECT_THAT(message(R"({"stages":[{"name":"x","model":"m3","samples":1}]})"), HasSubstr("no stage \"x\""));
  EXPECT_THAT(message(R"({"stages":[{"name":"test","model":"m9","samples":1}]})"), HasSubstr("no model \"m9\""));
}

}  // namespace
}  // namespace bursar::plan
