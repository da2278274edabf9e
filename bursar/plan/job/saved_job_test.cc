#include "bursar/plan/job/saved_job.h"

#include <gtest/gtest.h>

#include "bursar/core/json.h"
#include "bursar/plan/job/job_testing.h"

namespace bursar::plan {
namespace {

JobSetup setup() {
  return {.strategy = "pets",
          .messages = {{"system", "Be brief."}, {"user", "6 x 7?"}},
          .question = "6 x 7?",
          .model = "m",
          .tools = {"search"},
          .max_tokens = 50,
          .seed = 0xFFFFFFFFFFFFFFFF,
          .parameters = {{"samples", 6}}};
}
const JobLimits kLimits{.purse = *parse_amounts("700 tokens, 0.01 usd"), .time = std::chrono::seconds{9}};
Observation disagreeing(const Action& action) { return said(action.id % 3 == 0 ? "Answer: 41" : "Answer: 42"); }

TEST(SavedJob, IsReadAsItWasWritten) {
  TestedJob run(make_job(**strategy_named("pets"), setup()).value(), kLimits, disagreeing);
  run.run();
  const auto saved = save_job(setup(), kLimits, run.executor().journal());
  const auto read = restore_job(parse_json(to_json(saved))->get_object());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(to_json(save_job(read->setup, read->limits, read->journal)), to_json(saved));
}

TEST(SavedJob, TakesTheSameDecisionsWhenReplayed) {
  TestedJob run(make_job(**strategy_named("pets"), setup()).value(), kLimits, disagreeing);
  const JobResult& once = run.run();
  const auto read =
      restore_job(parse_json(to_json(save_job(setup(), kLimits, run.executor().journal())))->get_object());
  TestedJob again(make_job(**strategy_named(read->setup.strategy), read->setup).value(), read->limits, disagreeing);
  ASSERT_TRUE(again.executor().resume(read->journal, again.now));
  EXPECT_TRUE(again.executor().finished());
  EXPECT_TRUE(again.launched.empty());
  EXPECT_EQ(again.executor().result().answer, once.answer);
  EXPECT_EQ(again.executor().result().cost, once.cost);
}

TEST(SavedJob, NamesWhatIsMissing) {
  const auto whole = save_job(setup(), kLimits, {});
  for (const char* part : {"setup", "limits", "journal"}) {
    auto less = whole;
    less.erase(part);
    EXPECT_NE(restore_job(less).error().message.find(part), std::string::npos) << part;
  }
  for (const auto& [key, value] : whole.at("setup").as_object()) {
    auto less = whole;
    less["setup"].as_object()[key] = nullptr;
    EXPECT_NE(restore_job(less).error().message.find(std::string(key)), std::string::npos) << key;
  }
}

}  // namespace
}  // namespace bursar::plan
