#include "bursar/plan/config_search/config_search.h"

#include <Eigen/Dense>
#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>

#include "bursar/core/json.h"
#include "bursar/plan/config_search/prompt_proposer.h"

namespace bursar::plan {
namespace {

using ::testing::HasSubstr;

ChainStage stage(const char* name, std::int64_t prompt, std::int64_t generation, std::vector<double> billions) {
  ChainStage out{.name = name, .prompt_tokens = prompt, .generation_tokens = generation};
  for (const double b : billions)
    out.models.push_back({.name = "m" + std::to_string(static_cast<int>(b)), .parameters = b * 1e9});
  return out;
}
std::vector<ChainStage> wiki() {
  return {stage("retrieve", 2048, 128, {7, 32, 72}), stage("answer", 256, 64, {3, 8, 70})};
}

// Retrieval does as well with samples of the small model, up to about twenty; the answer needs a large one.
double truth(const Configuration& c) {
  const double s = std::log(c[0].samples);
  return (.5 + .12 * s - .02 * s * s) * (.5 + .2 * static_cast<double>(c[1].model));
}

ConfigSearch played(SearchOptions options, std::size_t trials, std::size_t most) {
  ConfigSearch search = *ConfigSearch::make(wiki(), std::move(options));
  RandomStream noise(11);
  while (search.trials().size() < trials) {
    const auto batch = *search.propose(std::min(most, trials - search.trials().size()));
    for (const Configuration& c : batch) {
      int right = 0;
      for (int i = 0; i < 50; ++i) right += noise.bernoulli(truth(c)) ? 1 : 0;
      EXPECT_TRUE(search.report(c, {.value = right / 50.0, .examples = 50}));
    }
  }
  return search;
}

TEST(ScoreSurrogate, IsLeastSquaresWithItsPriors) {
  const ConfigSpace space = *ConfigSpace::make(wiki(), {});
  ScoreSurrogate belief(space);
  RandomStream random(7);
  const Eigen::Index p = 19;
  Eigen::MatrixXd precision = Eigen::MatrixXd::Zero(p, p);
  Eigen::VectorXd weighted = Eigen::VectorXd::Zero(p);
  const auto prior = [&](Eigen::Index i, double mean, double sd) {
    precision(i, i) = 1 / (sd * sd);
    weighted[i] = mean / (sd * sd);
  };
  prior(0, std::log(.4), 1);
  for (Eigen::Index m = 0; m < 6; ++m) {
    prior(1 + 3 * m, .10 * static_cast<double>(m % 3) / 2, .25);
    prior(2 + 3 * m, .13, .10);
    prior(3 + 3 * m, -.025, .03);
  }
  for (int k = 0; k < 30; ++k) {
    const Configuration c = space.draw(random);
    const Score score{.value = random.uniform(.1, .9), .examples = 20 + k};
    belief.add(c, score);
    Eigen::VectorXd x = Eigen::VectorXd::Zero(p);
    x[0] = 1;
    for (std::size_t i = 0; i < 2; ++i) {
      const auto at = static_cast<Eigen::Index>(1 + 3 * (3 * i + c[i].model));
      const double s = std::log(c[i].samples);
      x[at] = 1, x[at + 1] = s, x[at + 2] = s * s;
    }
    const double noise = (1 - score.value) / (static_cast<double>(score.examples) * score.value) + .03 * .03;
    precision += x * x.transpose() / noise;
    weighted += x * std::log(score.value) / noise;
  }
  const Eigen::MatrixXd covariance = precision.inverse();
  const Eigen::VectorXd mean = covariance * weighted;
  for (int k = 0; k < 20; ++k) {
    const SurrogateRow row = belief.row(space.draw(random));
    const Eigen::Map<const Eigen::VectorXd> x(row.data(), p);
    EXPECT_NEAR(belief.of(row).mean, x.dot(mean), 1e-9);
    EXPECT_NEAR(belief.of(row).sd, std::sqrt(x.dot(covariance * x)), 1e-9);
  }
}

TEST(ScoreSurrogate, DrawsWorldsWithThePosteriorsSpread) {
  const ConfigSpace space = *ConfigSpace::make(wiki(), {});
  ScoreSurrogate belief(space);
  belief.add({{.model = 0, .samples = 10}, {.model = 2, .samples = 1}}, {.value = .6});
  const Configuration at{{.model = 1, .samples = 4}, {.model = 2, .samples = 2}};
  const SurrogateRow row = belief.row(at);
  RandomStream random(1);
  double sum = 0, square = 0;
  constexpr int kDraws = 4000;
  for (int k = 0; k < kDraws; ++k) {
    const auto w = belief.draw(1, random);
    const double x = w[0] + belief.worth(w, 0, at[0]) + belief.worth(w, 1, at[1]);
    sum += x;
    square += x * x;
  }
  const double mean = sum / kDraws;
  EXPECT_NEAR(mean, belief.of(row).mean, 4 * belief.of(row).sd / std::sqrt(kDraws));
  EXPECT_NEAR(std::sqrt(square / kDraws - mean * mean) / belief.of(row).sd, 1, .05);
}

TEST(ConfigSearch, NeverProposesBeyondItsBudgetOrTwice) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    ConfigSearch search =
        *ConfigSearch::make(wiki(), {.space = {.budget = 250 * static_cast<double>(seed)}, .seed = seed});
    std::set<Configuration> seen;
    for (int round = 0; round < 6; ++round) {
      const auto batch = *search.propose(10);
      for (const Configuration& c : batch) {
        EXPECT_TRUE(search.space().check(c));
        EXPECT_TRUE(seen.insert(c).second);
        ASSERT_TRUE(search.report(c, {.value = std::min(1.0, truth(c))}));
      }
    }
  }
}

TEST(ConfigSearch, FindsWhereTheLargeModelIsNeeded) {
  const ConfigSearch search = played({.seed = 3}, 40, 10);
  const Recommendation best = *search.best();
  EXPECT_EQ(best.configuration[1].model, 2U);
  EXPECT_LE(best.low, best.predicted);
  EXPECT_GE(best.high, best.predicted);
  EXPECT_NEAR(best.predicted, truth(best.configuration), .12);
  double optimum = 0;
  for (const StageChoice& a : search.space().choices(0)) {
    for (const StageChoice& b : search.space().choices(1)) {
      if (search.space().fits(search.space().cost({a, b}))) optimum = std::max(optimum, truth({a, b}));
    }
  }
  EXPECT_GT(truth(best.configuration), .93 * optimum);
}

TEST(ConfigSearch, SaysWhyInWordsWithProbabilities) {
  const auto why = played({.seed = 3}, 40, 10).best()->why;
  ASSERT_EQ(why.size(), 5U);  // size and samples of each stage, and where the next unit goes
  for (const Guideline& g : why) {
    EXPECT_GE(g.probability, .5 - 1e-9);
    EXPECT_LE(g.probability, 1);
    EXPECT_THAT(g.text, HasSubstr("stage " + g.stage));
  }
  EXPECT_THAT(why[2].text, HasSubstr("is worse than m70 x 1"));
}

TEST(ConfigSearch, IsDeterministicAndGoesOnExactly) {
  const ConfigSearch whole = played({.seed = 9}, 30, 10);
  EXPECT_EQ(to_json(whole.save()), to_json(played({.seed = 9}, 30, 10).save()));
  EXPECT_NE(to_json(whole.save()), to_json(played({.seed = 10}, 30, 10).save()));
  ConfigSearch one = played({.seed = 9}, 20, 10);
  (void)*one.propose(3);  // open ones are saved, too
  ConfigSearch two = *ConfigSearch::restore(parse_json(to_json(one.save()))->get_object());
  EXPECT_EQ(to_json(two.save()), to_json(one.save()));
  EXPECT_EQ(two.open(), one.open());
  EXPECT_EQ(*two.propose(10), *one.propose(10));
}

TEST(ConfigSearch, GivesUpWhatCannotBeMeasured) {
  ConfigSearch search = *ConfigSearch::make(wiki(), {});
  const Configuration first = search.propose(1).value().at(0);
  ASSERT_TRUE(search.give_up(first));
  EXPECT_EQ(search.give_up(first).error().code, ErrorCode::kNotFound);
  const auto batch = *search.propose(100);
  for (const Configuration& c : batch) EXPECT_NE(c, first);
}

TEST(ConfigSearch, EndsWhereEverythingHasBeenTried) {
  ConfigSearch search = *ConfigSearch::make({stage("only", 64, 64, {3})}, {.space = {.budget = 5}});
  std::size_t tried = 0;
  for (int round = 0; round < 5; ++round) {
    const auto batch = *search.propose(10);
    for (const Configuration& c : batch) {
      ASSERT_TRUE(search.report(c, {.value = .5}));
      ++tried;
    }
  }
  EXPECT_EQ(tried, search.space().choices(0).size() + (tried > search.space().choices(0).size() ? 1 : 0));
  EXPECT_TRUE(search.propose(10)->empty());
}

TEST(ConfigSearch, RefusesWhatIsWrongAndStaysAsItWas) {
  ConfigSearch search = *ConfigSearch::make(wiki(), {});
  const std::string before = to_json(search.save());
  const Configuration good{{.model = 0, .samples = 2}, {.model = 0, .samples = 2}};
  EXPECT_EQ(search.best().error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(search.report({{.model = 7}, {}}, {.value = .5}).error().message, HasSubstr("no model 7"));
  EXPECT_THAT(search.report(good, {.value = 1.5}).error().message, HasSubstr("score is 1.5"));
  EXPECT_THAT(search.report(good, {.value = std::nan("")}).error().message, HasSubstr("score"));
  EXPECT_THAT(search.report(good, {.value = .5, .examples = 0}).error().message, HasSubstr("examples"));
  EXPECT_THAT(search.report(good, {.value = .5, .stages = {.5}}).error().message, HasSubstr("2 stages"));
  EXPECT_THAT(search.report({{.model = 2, .samples = 50}, {}}, {.value = .5}).error().message, HasSubstr("costs"));
  EXPECT_THAT(search.propose(0).error().message, HasSubstr("batch"));
  EXPECT_EQ(to_json(search.save()), before);
  ASSERT_TRUE(search.report(good, {.value = 0}));  // tried, and says nothing
  EXPECT_FALSE(search.best());
  EXPECT_THAT(ConfigSearch::restore({{"subtasks", 3}}).error().message, HasSubstr("saved search"));
  EXPECT_EQ(ConfigSearch::restore({}).error().code, ErrorCode::kCorrupt);
}

TEST(PromptProposer, TakesWhatIsValidAndRepairsOnce) {
  ConfigSearch search = *ConfigSearch::make(wiki(), {});
  ASSERT_TRUE(search.report({{.model = 2}, {.model = 2}}, {.value = .6}));
  PromptProposer ask(search, 2);
  ASSERT_TRUE(ask.next());
  EXPECT_THAT(*ask.next(), HasSubstr("retrieve"));
  EXPECT_THAT(*ask.next(), HasSubstr("0.6"));
  ask.report(
      "Sure:\n```json\n[{\"stages\":[{\"name\":\"retrieve\",\"model\":\"m7\",\"samples\":5},{\"name\":\"answer\","
      "\"model\":\"m70\",\"samples\":1}]},{\"stages\":[{\"name\":\"retrieve\",\"model\":\"m9\",\"samples\":5}]}]\n```");
  EXPECT_EQ(ask.proposals().size(), 1U);
  ASSERT_TRUE(ask.next());
  EXPECT_THAT(*ask.next(), HasSubstr("no model \"m9\""));
  ask.report("no idea");
  EXPECT_FALSE(ask.next());
  EXPECT_EQ(ask.proposals().size(), 1U);
  EXPECT_EQ(ask.refused().size(), 1U);
}

TEST(PromptProposer, RefusesWhatIsTooDearOrKnown) {
  ConfigSearch search = *ConfigSearch::make(wiki(), {});
  ASSERT_TRUE(search.report({{.model = 2}, {.model = 2}}, {.value = .6}));
  PromptProposer ask(search, 5);
  ask.report(
      R"([{"stages":[{"name":"retrieve","model":"m72","samples":90},{"name":"answer","model":"m70","samples":1}]},
                 {"stages":[{"name":"retrieve","model":"m72","samples":1},{"name":"answer","model":"m70","samples":1}]}])");
  EXPECT_TRUE(ask.proposals().empty());
  ASSERT_EQ(ask.refused().size(), 2U);
  EXPECT_THAT(ask.refused()[0], HasSubstr("costs"));
  EXPECT_THAT(ask.refused()[1], HasSubstr("already"));
  ask.report("[]");
  EXPECT_FALSE(ask.next());
}

}  // namespace
}  // namespace bursar::plan
