#include "bursar/sample/rollout_split.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <numeric>

#include "bursar/core/random.h"
#include "bursar/sample/hashed_ngrams.h"
#include "bursar/sample/parallel_search.h"

namespace bursar::sample {
namespace {

using ::testing::ElementsAre;

const std::vector<float> kEast{1, 0}, kNorth{0, 1}, kNowhere{0, 0};

std::vector<RolloutCandidate> two_directions() {  // three that say the same, and one that does not
  return {{.95, kEast}, {.95, kEast}, {.95, kEast}, {.95, kNorth}};
}

TEST(RolloutSplit, DoraPaysDirectionsAndRebaseCandidates) {
  const auto candidates = two_directions();
  EXPECT_THAT(*split_rollouts(candidates, 12, {.policy = RolloutPolicy::kDora}), ElementsAre(2, 2, 2, 6));
  EXPECT_THAT(*split_rollouts(candidates, 12, {.policy = RolloutPolicy::kRebase}), ElementsAre(3, 3, 3, 3));
  EXPECT_THAT(*split_rollouts(candidates, 12, {.policy = RolloutPolicy::kDirectionBayes}), ElementsAre(6, 0, 0, 6));
}

TEST(RolloutSplit, BaselinesTakeTheBest) {
  const std::vector<RolloutCandidate> candidates{
      {.score = .1, .group = 0}, {.score = .9, .group = 0}, {.score = .5, .group = 1}, {.score = .6, .group = 1}};
  EXPECT_THAT(*split_rollouts(candidates, 8, {.policy = RolloutPolicy::kUniform}), ElementsAre(2, 2, 2, 2));
  EXPECT_THAT(*split_rollouts(candidates, 8, {.policy = RolloutPolicy::kBeam, .width = 4}), ElementsAre(0, 4, 0, 4));
  EXPECT_THAT(*split_rollouts(candidates, 8, {.policy = RolloutPolicy::kDvts, .width = 4}), ElementsAre(0, 4, 0, 4));
  EXPECT_THAT(*split_rollouts(candidates, 8, {.policy = RolloutPolicy::kBeam, .width = 8}), ElementsAre(0, 8, 0, 0));
}

TEST(RolloutSplit, AlwaysSumsToTheRollouts) {
  RandomStream random(11);
  for (int round = 0; round < 60; ++round) {
    const std::size_t k = 1 + random.uniform_int(std::uint64_t{20});
    std::vector<std::vector<float>> embeddings(k, std::vector<float>(4));
    std::vector<RolloutCandidate> candidates;
    for (auto& embedding : embeddings) {
      for (float& x : embedding) x = static_cast<float>(random.normal());
      candidates.push_back({random.uniform01(), embedding, candidates.size() / 4});
    }
    const auto n = random.uniform_int(std::int64_t{1}, std::int64_t{100});
    for (const auto policy : {RolloutPolicy::kUniform, RolloutPolicy::kBeam, RolloutPolicy::kDvts,
                              RolloutPolicy::kRebase, RolloutPolicy::kDora, RolloutPolicy::kDirectionBayes}) {
      for (const auto rounding :
           {allocate::DirectionRounding::kCumulative, allocate::DirectionRounding::kLargestRemainder,
            allocate::DirectionRounding::kCyclic}) {
        const auto split = split_rollouts(candidates, n, {.policy = policy, .rounding = rounding});
        ASSERT_TRUE(split) << split.error().message;
        EXPECT_EQ(std::accumulate(split->begin(), split->end(), std::int64_t{0}), n) << name_of(policy);
        EXPECT_GE(*std::ranges::min_element(*split), 0);
      }
    }
  }
}

TEST(RolloutSplit, HotSimilaritiesMakeDoraRebase) {
  auto candidates = two_directions();
  candidates[1].score = .6;
  RolloutOptions dora{.policy = RolloutPolicy::kDora, .similarity_temperature = 1e9};
  dora.mode = allocate::DirectionMode::kFormula;
  EXPECT_EQ(*split_rollouts(candidates, 64, dora), *split_rollouts(candidates, 64, {.policy = RolloutPolicy::kRebase}));
}

TEST(RolloutSplit, TakesAnEmptyTextForADirectionOfItsOwn) {
  const std::vector<RolloutCandidate> candidates{{.9, kNowhere}, {.9, kNowhere}, {.9, kEast}, {.9, kEast}};
  EXPECT_THAT(*split_rollouts(candidates, 12, {.policy = RolloutPolicy::kDora}), ElementsAre(4, 4, 2, 2));
}

TEST(RolloutSplit, NamesTheCandidateThatIsWrong) {
  std::vector<RolloutCandidate> candidates = two_directions();
  candidates[2].score = 1.5;
  EXPECT_NE(split_rollouts(candidates, 4).error().message.find("candidate 2"), std::string::npos);
  candidates[2] = {.5, std::span(kEast).first(1)};
  EXPECT_NE(split_rollouts(candidates, 4).error().message.find("embedding 2"), std::string::npos);
  EXPECT_FALSE(split_rollouts({}, 4));
  EXPECT_FALSE(split_rollouts(two_directions(), 0));
}

TEST(HashedNgrams, PutLikeTextsTogether) {
  const auto a = embed_ngrams("Add 3 to both sides"), b = embed_ngrams("add 3  to both sides."),
             c = embed_ngrams("use Pythagoras");
  EXPECT_GT(cosine(a, b), .9);
  EXPECT_LT(cosine(a, c), .3);
  EXPECT_NEAR(cosine(a, a), 1, 1e-6);
  EXPECT_EQ(cosine(a, embed_ngrams("")), 0);
}

TEST(HashedNgrams, CalibrateFindsTheSizeOfDirections) {
  const std::vector<float> near{1, .05F};
  const std::vector<std::span<const float>> embeddings{kEast, near, kNorth, kNorth};
  const auto similarity = *similarity_matrix(embeddings);
  const double t = calibrate_similarity(similarity, 4);
  double size = 0;
  for (std::size_t i = 0; i < 4; ++i)
    for (std::size_t j = 0; j < 4; ++j) size += std::exp((similarity[i * 4 + j] - 1) / t);
  EXPECT_NEAR(size, 8, .05);
}

TEST(ParallelSearch, GrowsSplitsAndVotes) {
  auto search = *ParallelSearch::make(
      {.rollouts = 8, .steps = 3, .split = {.policy = RolloutPolicy::kRebase, .quality_temperature = .1}});
  EXPECT_EQ(search.to_extend(), std::vector<std::size_t>(8, ParallelSearch::kRoot));
  std::vector<SearchStep> grown(8, SearchStep{.score = .1});
  grown[3].score = .9;
  grown[5] = {.finished = true, .answer = "7", .score = .4};
  ASSERT_TRUE(search.report(grown));
  EXPECT_THAT(search.to_extend(), ElementsAre(3, 3, 3, 3, 3, 3, 3, 3));
  EXPECT_FALSE(search.report({})) << "as many as were asked for";
  std::vector<SearchStep> last(8, SearchStep{.finished = true, .answer = "42", .score = .05});
  last[0].finished = false;
  ASSERT_TRUE(search.report(last));
  EXPECT_TRUE(search.done()) << "eight have finished";
  EXPECT_EQ(search.answer(), "7") << ".4 against 7 x .05";
}

TEST(ParallelSearch, DropsWhatNeverFinishesAndStopsWhenTold) {
  auto search = *ParallelSearch::make({.rollouts = 4, .steps = 1, .split = {.policy = RolloutPolicy::kUniform}});
  ASSERT_TRUE(search.report(std::vector<SearchStep>(4, SearchStep{.score = .5})));
  EXPECT_TRUE(search.done());
  EXPECT_FALSE(search.answer());
  auto other = *ParallelSearch::make({.rollouts = 4});
  other.stop();
  EXPECT_TRUE(other.done());
  EXPECT_FALSE(ParallelSearch::make({.rollouts = 0}));
}

}  // namespace
}  // namespace bursar::sample
