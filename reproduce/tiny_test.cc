#include <cmath>
#include <gtest/gtest.h>

#include "reproduce/tiny/losses.h"
#include "reproduce/tiny/task.h"

namespace bursar::reproduce::tiny {
namespace {

const RandomStream kRoot(3);

double weighted_loss(const TinyPolicy& policy, const std::vector<Sequence>& sequences) {
  const auto log_p = policy.log_probabilities(sequences);
  double loss = 0;
  for (std::size_t i = 0; i < sequences.size(); ++i) loss -= double{sequences[i].weight} * log_p[i];
  return loss;
}

std::vector<Sequence> some_chains(const TinyTask& task, std::size_t n) {
  RandomStream random = kRoot.split("chains");
  std::vector<Sequence> out;
  for (std::size_t i = 0; i < n; ++i) out.push_back(task.chain(task.draw(1, 8, random), {.filler = .2}, random));
  return out;
}

TEST(TinyTask, PowersComposeAndOneAnswerIsRight) {
  const TinyTask task({}, kRoot);
  for (std::size_t a = 0; a <= 4; ++a) {
    for (std::size_t x = 0; x < 13; ++x) EXPECT_EQ(task.apply(1, a + 4, x), task.apply(1, a, task.apply(1, 4, x)));
  }
  RandomStream random(1);
  const Prompt prompt{.function = 2, .steps = 5, .start = 7};
  const Sequence s = task.chain(prompt, {}, random);
  EXPECT_EQ(s.tokens.size() - s.prompt, 2U * 5 + 3);
  EXPECT_TRUE(task.is_right(prompt, s));
  Sequence other = s;
  int right = 0;
  for (Token v = 0; v < 13; ++v) other.tokens[other.tokens.size() - 2] = v, right += task.is_right(prompt, other);
  EXPECT_EQ(right, 1);
}

TEST(TinyTask, HasTheSheetsVocabulary) {
  const auto shape = TinyTask({.values = 29}, kRoot).policy_shape();
  EXPECT_EQ(shape.generable, 45U);
  EXPECT_EQ(shape.vocabulary, 56U);
  const TinyTask task({}, kRoot);
  const Sequence plain = task.ask({.function = 1, .steps = 2, .start = 3}),
                 stated = task.ask({.function = 1, .steps = 2, .start = 3, .budget = 5});
  EXPECT_EQ(plain.tokens.size(), 5U);
  EXPECT_EQ(stated.tokens.back(), plain.tokens.back() + 5);
  EXPECT_EQ(stated.tokens.back() + 1U, task.policy_shape().vocabulary);
}

TEST(TinyTask, ACorruptedChainIsWrongFromItsErrorOnwards) {
  const TinyTask task({}, kRoot);
  RandomStream random(1);
  for (int trial = 0; trial < 100; ++trial) {
    const Prompt prompt = task.draw(2, 8, random);
    const Sequence good = task.chain(prompt, {}, random), bad = task.corrupted(prompt, random);
    EXPECT_EQ(good.tokens.size(), bad.tokens.size());
    EXPECT_FALSE(task.is_right(prompt, bad)) << "a permutation keeps an error an error";
  }
  EXPECT_FALSE(task.answer(task.ask({})));
}

TEST(TinyPolicy, GradientAgreesWithFiniteDifferences) {
  const TinyTask task({}, kRoot);
  TinyPolicy policy(task.policy_shape(), kRoot.split("weights"));
  auto batch = some_chains(task, 5);
  batch[1].weight = -.7F, batch[3].weight = 2;
  std::vector<float> gradient(policy.parameters().size(), 0.F);
  policy.accumulate(batch, gradient);
  RandomStream random(9);
  double difference = 0, size = 0;
  for (int trial = 0; trial < 20; ++trial) {  // along random directions, so that every parameter takes part
    std::vector<float> direction(gradient.size());
    const std::vector<float> start = policy.parameters();
    for (float& d : direction) d = static_cast<float>(random.normal() / std::sqrt(double(gradient.size())));
    const auto loss_at = [&](float step) {
      for (std::size_t i = 0; i < start.size(); ++i) policy.parameters()[i] = start[i] + step * direction[i];
      return weighted_loss(policy, batch);
    };
    const float h = .05F;
    const double numeric = (loss_at(h) - loss_at(-h)) / (2 * double{h});
    policy.parameters() = start;
    double exact = 0;
    for (std::size_t i = 0; i < start.size(); ++i) exact += double{gradient[i]} * direction[i];
    difference += (numeric - exact) * (numeric - exact), size += exact * exact;
  }
  EXPECT_LT(std::sqrt(difference / size), .01);
}

TEST(TinyPolicy, AddsUpOverBatchesLanesAndWeights) {
  const TinyTask task({}, kRoot);
  TinyPolicy policy(task.policy_shape(), kRoot.split("weights"));
  auto batch = some_chains(task, 70);  // more than the lanes of one run
  std::vector<float> whole(policy.parameters().size(), 0.F), parts = whole, nothing = whole;
  policy.accumulate(batch, whole);
  policy.accumulate(std::span(batch).subspan(40), parts);
  policy.accumulate(std::span(batch).subspan(0, 40), parts);
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    difference += std::pow(double{whole[i]} - parts[i], 2), size += std::pow(double{whole[i]}, 2);
  }
  EXPECT_LT(std::sqrt(difference / size), 1e-5);
  for (Sequence& s : batch) s.weight = 0;
  policy.accumulate(batch, nothing);
  for (const float g : nothing) EXPECT_EQ(g, 0);
}

TEST(TinyPolicy, GuessesWithoutTrainingAndLearnsFacts) {
  const TinyTask task({}, kRoot);
  TinyPolicy policy(task.policy_shape(), kRoot.split("weights"));
  RandomStream random(2);
  const auto examples = [&](std::size_t n) {
    std::vector<Sequence> out;
    for (std::size_t i = 0; i < n; ++i) out.push_back(task.chain(task.draw(1, 1, random), {}, random));
    return out;
  };
  const auto test = examples(64);
  const double before = weighted_loss(policy, test);
  fine_tune(policy, examples(640), {.rate = .01}, kRoot.split("sft"));
  EXPECT_LT(weighted_loss(policy, test), before / 2);
}

TEST(Dpo, StartsAtLogTwoWithHalfItsWeight) {
  const auto r = dpo(-5, -7, -5, -7, .8);
  EXPECT_NEAR(r.loss, std::log(2), 1e-12);
  EXPECT_NEAR(r.weight, .4, 1e-12);
  EXPECT_FALSE(r.right);
}

TEST(Dpo, IgnoresWhatBothSharesOfAnAnswerGain) {
  const auto a = dpo(-5, -7, -6, -6.5, 1), b = dpo(-5 + 3, -7, -6 + 3, -6.5, 1);
  EXPECT_NEAR(a.loss, b.loss, 1e-12);
  EXPECT_NEAR(a.margin, 1.5, 1e-12);
  EXPECT_TRUE(a.right);
}

TEST(Dpo, VanishesForALargeMarginAndItsWeightIsItsSlope) {
  EXPECT_NEAR(dpo(1000, 0, 0, 0, 1).loss, 0, 1e-12);
  EXPECT_NEAR(dpo(-1000, 0, 0, 0, 1).loss, 1000, 1e-9);
  for (const double x : {-3.0, -.2, 0.0, 1.7}) {
    const double h = 1e-5;
    EXPECT_NEAR((dpo(x + h, 0, 0, 0, .7).loss - dpo(x - h, 0, 0, 0, .7).loss) / (2 * h), -dpo(x, 0, 0, 0, .7).weight,
                1e-8);
  }
}

TEST(Prefer, RaisesTheMarginOfItsPairs) {
  const TinyTask task({}, kRoot);
  TinyPolicy policy(task.policy_shape(), kRoot.split("weights"));
  RandomStream random(6);
  std::vector<Sequence> chosen, rejected;
  for (int i = 0; i < 64; ++i) {
    const Prompt prompt = task.draw(2, 4, random);
    chosen.push_back(task.chain(prompt, {}, random)), rejected.push_back(task.corrupted(prompt, random));
  }
  const double before = weighted_loss(policy, chosen) - weighted_loss(policy, rejected);
  prefer(policy, chosen, rejected, 1, {.rate = .002, .epochs = 4}, kRoot.split("dpo"));
  EXPECT_LT(weighted_loss(policy, chosen) - weighted_loss(policy, rejected), before - 10);
}

}  // namespace
}  // namespace bursar::reproduce::tiny
