#include "bursar/sample/guidance/length_table.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bursar/core/json.h"
#include "bursar/core/random.h"

namespace bursar::sample {
namespace {

using ::testing::HasSubstr;

std::string_view name(std::string_view start) { return line_classes()[line_class_of(start)]; }

TEST(LineClass, GoesByTheFirstWordOrSign) {
  EXPECT_EQ(name("Wait, 3 does not divide 7"), "wait");
  EXPECT_EQ(name(" so"), "so");
  EXPECT_EQ(name(" Altern"), "alternatively");
  EXPECT_EQ(name("th"), "other");  // the, then, this, …
  EXPECT_EQ(name("</think>"), "end");
  EXPECT_EQ(name("</"), "end");
  EXPECT_EQ(name("done.</think>"), "end");
  EXPECT_EQ(name("\n"), "blank");
  EXPECT_EQ(name(""), "blank");
  EXPECT_EQ(name("12 + 4"), "number");
  EXPECT_EQ(name("- first"), "list");
  EXPECT_EQ(name("\\boxed{3}"), "formula");
  EXPECT_EQ(name("Zebras"), "other");
  EXPECT_EQ(line_classes()[line_class_of("[/done]", "[/done]")], "end");
}

TEST(LineClass, BucketsLinesByTheirLogarithm) {
  EXPECT_EQ(step_bucket(0), 0U);
  EXPECT_EQ(step_bucket(1), 1U);
  EXPECT_EQ(step_bucket(3), 2U);
  EXPECT_EQ(step_bucket(4), 3U);
  EXPECT_EQ(step_bucket(1'000'000), kStepBuckets - 1);
}

std::vector<LengthSample> drawn(std::size_t state, std::size_t kind, LengthLaw law, std::size_t count) {
  RandomStream random(RandomStream(9).split(state).split(kind));
  std::vector<LengthSample> out;
  for (std::size_t i = 0; i < count; ++i)
    out.push_back({state, kind, std::ceil(std::expm1(random.gamma(law.shape) / law.rate))});
  return out;
}

TEST(LengthTable, LearnsCellsAndHelpsThinOnesWithTheirClass) {
  std::vector<LengthSample> samples = drawn(0, 0, {.shape = 100, .rate = 20}, 5000);
  for (const LengthSample& sample : drawn(1, 0, {.shape = 100, .rate = 20}, 5)) samples.push_back(sample);
  const LengthTable table = *LengthTable::fit({"a", "b"}, samples);
  EXPECT_NEAR(table.law(0, 0)->rate, 20, 1);
  ASSERT_TRUE(table.law(1, 0));
  EXPECT_EQ(table.law(1, 0), table.law(7, 0));  // that of the class
  EXPECT_FALSE(table.law(0, 1));
}

TEST(LengthTable, DropsLawsThatMisfit) {
  std::vector<LengthSample> samples;  // two points: no Gamma
  for (int i = 0; i < 400; ++i) samples.push_back({0, 0, i % 2 == 0 ? 5.0 : 5000.0});
  EXPECT_THAT(LengthTable::fit({"a"}, samples).error().message, HasSubstr("max_distance"));
  EXPECT_TRUE(LengthTable::fit({"a"}, samples, {.max_distance = 1})->law(0, 0));
}

TEST(LengthTable, CountsWhatIsLeftOfATrace) {
  std::vector<LengthSample> samples;
  ASSERT_TRUE(append_samples(std::vector<TraceLine>{{"First, ", 10}, {"Wait", 5}}, samples));
  ASSERT_EQ(samples.size(), 3U);
  EXPECT_EQ(samples[0].length, 16);
  EXPECT_EQ(samples[1].length, 6);
  EXPECT_EQ(samples[2].length, 1);
  EXPECT_EQ(samples[1].kind, line_class_of("wait"));
  EXPECT_EQ(samples[2].kind, 0U);
  EXPECT_THAT(append_samples(std::vector<TraceLine>{{"a", 1}, {"b", 0}}, samples).error().message, HasSubstr("line 1"));
  EXPECT_EQ(samples.size(), 3U);
}

TEST(LengthTable, PredictsByLineAndClassAndComesBackFromItsFile) {
  std::vector<LengthSample> samples = drawn(3, line_class_of("wait"), {.shape = 60, .rate = 10}, 300);
  for (const LengthSample& s : drawn(0, line_class_of("so"), {.shape = 20, .rate = 5}, 300)) samples.push_back(s);
  const LengthTable table = *LengthTable::fit(class_names(), samples);
  const std::vector<std::string_view> candidates{" Wait", "So", "</think>", "zebra"};
  const auto laws = table.predict({.line = 5}, candidates);
  ASSERT_EQ(laws.size(), 4U);
  EXPECT_EQ(laws[0], table.law(3, line_class_of("wait")));
  EXPECT_TRUE(laws[1]);
  EXPECT_EQ(laws[2], kEndsNow);
  EXPECT_FALSE(laws[3]);
  const auto again = *LengthTable::restore(parse_json(to_json(table.save()))->get_object());
  EXPECT_EQ(again.predict({.line = 5}, candidates), laws);
  EXPECT_EQ(to_json(again.save()), to_json(table.save()));
}

TEST(LengthTable, RefusesFilesThatContradictThemselves) {
  const auto message = [](std::string_view text) {
    const auto read = LengthTable::restore(parse_json(text)->get_object());
    return read ? std::string() : read.error().message;
  };
  EXPECT_THAT(message("{}"), HasSubstr("bursar-length-model"));
  EXPECT_THAT(message(R"({"bursar-length-model":1,"classes":["a","a"],"cells":[]})"), HasSubstr("same name"));
  EXPECT_THAT(message(R"({"bursar-length-model":1,"classes":["a"],"cells":[{"class":"b","shape":1,"rate":1}]})"),
              HasSubstr("cells[0]"));
  EXPECT_THAT(
      message(
          R"({"bursar-length-model":1,"classes":["a"],"cells":[{"class":"a","shape":-1,"rate":1,"samples":3,"distance":0}]})"),
      HasSubstr("shape"));
}

}  // namespace
}  // namespace bursar::sample
