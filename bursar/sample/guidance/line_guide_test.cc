#include "bursar/sample/guidance/line_guide.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>

#include "bursar/core/json.h"
#include "bursar/core/random.h"

namespace bursar::sample {
namespace {

using ::testing::HasSubstr;

// Lines that begin with "Wait" leave about 400 tokens, others about 20.
class TwoLaws final : public LengthPredictor {
 public:
  std::vector<std::optional<LengthLaw>> predict(const LineContext&,
                                                std::span<const std::string_view> candidates) const override {
    std::vector<std::optional<LengthLaw>> out;
    for (const std::string_view text : candidates)
      out.emplace_back(text == "Wait" ? LengthLaw{.shape = 60, .rate = 10} : LengthLaw{.shape = 30, .rate = 10});
    return out;
  }
};

const std::vector<LineCandidate> kCandidates{
    {"Wait", std::log(.8)}, {"So", std::log(.19)}, {"</think>", std::log(.01)}};

LineGuide guide_of(LineGuideOptions options) {
  return *LineGuide::make(std::move(options), std::make_shared<TwoLaws>());
}

// Plays a model whose lines have 4 to 30 tokens; the tokens it was allowed to make.
void step(LineGuide& guide, RandomStream& model) {
  const LineAsk ask = guide.next();
  if (ask.kind == LineAskKind::kCandidates) {
    ASSERT_TRUE(guide.report_candidates(kCandidates).has_value());
    return;
  }
  const std::int64_t wanted = model.uniform_int(std::int64_t{4}, 30);
  const bool cut = wanted > ask.max_tokens;
  ASSERT_TRUE(guide
                  .report_line({.text = ", more",
                                .tokens = cut ? ask.max_tokens : wanted,
                                .stop = cut ? LineStop::kLength : LineStop::kNewline})
                  .has_value());
}

TEST(LineGuide, NeverSpendsMoreThanItsBudgetUnderTheCap) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    RandomStream model(seed);
    LineGuide guide = guide_of({.budget = 1 + static_cast<std::int64_t>(seed), .seed = seed});
    while (guide.next().kind != LineAskKind::kDone) step(guide, model);
    EXPECT_LE(guide.spent(), 1 + static_cast<std::int64_t>(seed));
    EXPECT_TRUE(guide.text().ends_with("</think>"));
    EXPECT_NE(guide.ended(), ThinkingEnd::kNotYet);
  }
}

TEST(LineGuide, TurnsToWhatFinishesAsTheBudgetRunsOut) {
  double first = 0, last = 0, late = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    RandomStream model(seed);
    LineGuide guide = guide_of({.budget = 600, .seed = seed});
    while (guide.next().kind != LineAskKind::kDone) step(guide, model);
    first += guide.records().front().token == "Wait" ? 1 : 0;
    for (const LineRecord& record : guide.records()) {
      if (record.remaining >= 60) continue;
      ++late;
      last += record.token == "Wait" ? 1 : 0;
    }
  }
  EXPECT_GT(first, 120);
  EXPECT_LT(last, .05 * late);
}

TEST(LineGuide, EndsWhereTheEndMarkStands) {
  LineGuide guide = guide_of({.budget = 100, .greedy = true});
  EXPECT_EQ(*guide.report_candidates(std::vector<LineCandidate>{{"So", 0}}), "So");
  EXPECT_EQ(guide.next().kind, LineAskKind::kLine);
  EXPECT_EQ(guide.next().max_tokens, 99);
  ASSERT_TRUE(guide.report_line({.text = " it is 7.</think> Answer", .tokens = 8, .stop = LineStop::kNewline}));
  EXPECT_EQ(guide.text(), "So it is 7.</think>");
  EXPECT_EQ(guide.ended(), ThinkingEnd::kOwn);
  EXPECT_EQ(guide.spent(), 9);
}

TEST(LineGuide, FindsAnEndMarkThatComesInTwoPieces) {
  LineGuide guide = guide_of({.budget = 100});
  ASSERT_TRUE(guide.report_candidates(std::vector<LineCandidate>{{"</", 0}}));
  ASSERT_TRUE(guide.report_line({.text = "think>", .tokens = 2, .stop = LineStop::kNewline}));
  EXPECT_EQ(guide.text(), "</think>");
  EXPECT_EQ(guide.ended(), ThinkingEnd::kOwn);
}

TEST(LineGuide, ClosesAtTheCapWithAMarkOfItsOwn) {
  LineGuide guide = guide_of({.budget = 5});
  ASSERT_TRUE(guide.report_candidates(std::vector<LineCandidate>{{"So", 0}}));
  EXPECT_EQ(guide.next().max_tokens, 4);
  ASSERT_TRUE(guide.report_line({.text = " it is", .tokens = 4, .stop = LineStop::kLength}));
  EXPECT_EQ(guide.text(), "So it is\n</think>");
  EXPECT_EQ(guide.ended(), ThinkingEnd::kCut);
}

TEST(LineGuide, GoesOnWithoutACapAndStopsAfterItsLines) {
  LineGuide guide = guide_of({.budget = 5, .cap = false, .most_lines = 3});
  for (int line = 0; line < 3; ++line) {
    ASSERT_EQ(guide.next().kind, LineAskKind::kCandidates);
    ASSERT_TRUE(guide.report_candidates(std::vector<LineCandidate>{{"So", 0}}));
    ASSERT_TRUE(guide.report_line({.text = " on", .tokens = 40, .stop = LineStop::kNewline}));
  }
  EXPECT_EQ(guide.ended(), ThinkingEnd::kTooManyLines);
  EXPECT_EQ(guide.spent(), 123);
}

TEST(LineGuide, TakesANewlineTokenForALine) {
  LineGuide guide = guide_of({.budget = 50});
  ASSERT_TRUE(guide.report_candidates(std::vector<LineCandidate>{{"\n\n", 0}}));
  EXPECT_EQ(guide.next().kind, LineAskKind::kCandidates);
}

TEST(LineGuide, GoesOnExactlyFromItsSavedState) {
  RandomStream model(5), same(5);
  LineGuide guide = guide_of({.budget = 400, .seed = 12});
  for (int i = 0; i < 7; ++i) step(guide, model);
  for (int i = 0; i < 7; ++i) (void)same.uniform01();
  LineGuide again = *LineGuide::restore(parse_json(to_json(guide.save()))->get_object(), std::make_shared<TwoLaws>());
  RandomStream copy = model;
  while (guide.next().kind != LineAskKind::kDone) step(guide, model);
  while (again.next().kind != LineAskKind::kDone) step(again, copy);
  EXPECT_EQ(again.text(), guide.text());
  EXPECT_EQ(again.spent(), guide.spent());
  EXPECT_EQ(again.ended(), guide.ended());
}

TEST(LineGuide, RefusesWhatItDidNotAskForAndStaysAsItWas) {
  LineGuide guide = guide_of({.budget = 50});
  const std::string before = to_json(guide.save());
  EXPECT_THAT(guide.report_line({.text = "x", .tokens = 1}).error().message, HasSubstr("not asked for"));
  EXPECT_THAT(guide.report_candidates({}).error().message, HasSubstr("logprobs"));
  EXPECT_THAT(guide.report_candidates(std::vector<LineCandidate>{{"", 0}}).error().message, HasSubstr("no text"));
  EXPECT_THAT(guide.report_candidates(std::vector<LineCandidate>{{"a", 2}}).error().message, HasSubstr("logprob"));
  EXPECT_THAT(guide.report_candidates(std::vector<LineCandidate>{{"a", -std::numeric_limits<double>::infinity()}})
                  .error()
                  .message,
              HasSubstr("above 0"));
  EXPECT_EQ(to_json(guide.save()), before);
  ASSERT_TRUE(guide.report_candidates(kCandidates));
  if (guide.next().kind == LineAskKind::kLine) {
    EXPECT_THAT(guide.report_candidates(kCandidates).error().message, HasSubstr("not asked for"));
    EXPECT_THAT(guide.report_line({.text = "a\nb", .tokens = 3}).error().message, HasSubstr("newline"));
    EXPECT_THAT(guide.report_line({.text = "", .tokens = 0, .stop = LineStop::kLength}).error().message,
                HasSubstr("never end"));
  }
}

TEST(LineGuide, NamesTheOptionThatIsWrong) {
  const auto message = [](LineGuideOptions options) {
    return LineGuide::make(std::move(options), std::make_shared<TwoLaws>()).error().message;
  };
  EXPECT_THAT(message({.budget = 0}), HasSubstr("budget is 0"));
  EXPECT_THAT(message({.budget = 5, .end_mark = ""}), HasSubstr("end_mark"));
  EXPECT_THAT(message({.budget = 5, .longest_line = 0}), HasSubstr("longest_line"));
  EXPECT_THAT(message({.budget = 5, .most_lines = 0}), HasSubstr("most_lines"));
  EXPECT_THAT(LineGuide::make({.budget = 5}, nullptr).error().message, HasSubstr("predictor"));
}

}  // namespace
}  // namespace bursar::sample
