#include "bursar/plan/job/executor.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "bursar/core/json.h"
#include "bursar/plan/job/job_testing.h"
#include "bursar/plan/job/journal.h"

namespace bursar::plan {
namespace {

Amounts amounts(const char* text) { return parse_amounts(text).value(); }

Script three_rounds(Job& job) {
  for (int round = 0; round < 3; ++round) {
    std::vector<Action> asks(4, job.sample());
    const std::vector<Observation> seen = co_await job.run(std::move(asks));
    job.note({{"round", round}, {"draw", job.random().uniform01()}});
    for (const Observation& one : seen) {
      if (one.ok()) job.offer({.text = one.text, .source = one.action});
    }
  }
  co_return std::nullopt;
}

JobSetup setup() { return {.question = "q", .model = "m", .max_tokens = 100, .seed = 3}; }
std::unique_ptr<Controller> job() { return run_script(setup(), three_rounds); }
Observation numbered(const Action& action) { return said("answer " + std::to_string(action.id), 60); }

TEST(Executor, RunsEveryActionAndAnswersWithTheBest) {
  TestedJob run(job(), {.parallel = 4}, numbered);
  const JobResult& result = run.run();
  EXPECT_EQ(result.end, JobEnd::kAnswered);
  EXPECT_EQ(result.answer->text, "answer 12");
  EXPECT_EQ(result.cost, amounts("720 tokens, 12 calls"));
  EXPECT_EQ(result.completion_tokens, 720);
  EXPECT_EQ(run.finishes, 1);
}

TEST(Executor, DecidesTheSameHoweverItsCallsOverlap) {
  TestedJob forwards(job(), {.parallel = 4}, numbered), backwards(job(), {.parallel = 4}, numbered);
  backwards.backwards = true;
  EXPECT_EQ(forwards.run().answer, backwards.run().answer);
  EXPECT_EQ(to_json(forwards.executor().journal()), to_json(backwards.executor().journal()));
}

TEST(Executor, KeepsToItsWidth) {
  TestedJob run(job(), {.parallel = 2}, numbered);
  EXPECT_EQ(run.run().launched, 12);
  EXPECT_EQ(run.most_at_once, 2);
}

// Two fit at a time; four would not: the others wait until what was not used is free again.
TEST(Executor, HoldsTheWorstCaseAndGivesTheRestBack) {
  TestedJob run(job(), {.purse = amounts("800 tokens"), .parallel = 8}, numbered);
  const JobResult& result = run.run();
  EXPECT_EQ(result.end, JobEnd::kAnswered);
  EXPECT_EQ(result.launched, 12);
}

TEST(Executor, AnswersWithTheBestSoFarWhenThePurseEnds) {
  TestedJob run(job(), {.purse = amounts("300 tokens"), .parallel = 8}, numbered);
  const JobResult& result = run.run();
  EXPECT_EQ(result.end, JobEnd::kPurse);
  EXPECT_EQ(result.launched, 4);  // 60 are used each; after four of them 60 are left, and 100 are needed
  EXPECT_EQ(result.answer->text, "answer 4");
  EXPECT_LE(result.cost[kTokens], 300);
}

TEST(Executor, HasNothingToSayWhereNothingFits) {
  TestedJob run(job(), {.purse = amounts("99 tokens")}, numbered);
  const JobResult& result = run.run();
  EXPECT_EQ(result.end, JobEnd::kPurse);
  EXPECT_FALSE(result.answer);
  EXPECT_EQ(result.launched, 0);
  EXPECT_NE(result.why.find("1 tokens"), std::string::npos) << result.why;
}

Script one_flexible(Job& job) {
  Action ask = job.sample();
  std::get<ModelAsk>(ask.ask).least_tokens = 16;
  const std::vector<Observation> seen = co_await job.run(std::move(ask));
  co_return Answer{.text = seen.front().text};
}

TEST(Executor, CutsAnActionDownToWhatThePurseHolds) {
  TestedJob run(run_script(setup(), one_flexible), {.purse = amounts("40 tokens")}, numbered);
  run.run();
  ASSERT_EQ(run.launched.size(), 1);
  EXPECT_LE(std::get<ModelAsk>(run.launched[0].ask).max_tokens, 40);
  EXPECT_GE(std::get<ModelAsk>(run.launched[0].ask).max_tokens, 38);
}

TEST(Executor, EndsAtItsDeadlineAndCancelsWhatRuns) {
  TestedJob run(job(), {.time = std::chrono::milliseconds{6}, .parallel = 4}, numbered);
  run.executor().begin(run.now);
  ASSERT_EQ(run.wakes.size(), 1);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(run.step());
  run.now += std::chrono::milliseconds{1};
  run.executor().woken(run.now);
  EXPECT_TRUE(run.executor().finished());
  EXPECT_EQ(run.executor().result().end, JobEnd::kDeadline);
  EXPECT_EQ(run.cancelled.size(), 3);
  EXPECT_EQ(run.executor().result().answer->text, "answer 5") << "which came before the end of its round";
  EXPECT_EQ(run.launched.size(), 8) << "and nothing was asked after it";
}

TEST(Executor, StopsWhenToldTo) {
  TestedJob run(job(), {.parallel = 4}, numbered);
  run.executor().begin(run.now);
  run.step();
  run.executor().stop(run.now);
  EXPECT_EQ(run.executor().result().end, JobEnd::kStopped);
  EXPECT_EQ(run.finishes, 1);
  EXPECT_FALSE(run.step());
}

TEST(Executor, EndsAControllerThatNeverEnds) {
  TestedJob run(job(), {.actions = 7}, numbered);
  EXPECT_EQ(run.run().end, JobEnd::kActions);
  EXPECT_EQ(run.executor().result().launched, 4);
}

TEST(Executor, GoesOnFromAnyPrefixOfItsJournal) {
  TestedJob whole(job(), {.purse = amounts("1k tokens"), .parallel = 4}, numbered);
  const JobResult& expected = whole.run();
  const boost::json::array& journal = whole.executor().journal();
  for (std::size_t length = 0; length <= journal.size(); ++length) {
    TestedJob later(job(), {.purse = amounts("1k tokens"), .parallel = 4}, numbered);
    boost::json::array prefix;
    for (std::size_t i = 0; i < length; ++i) prefix.push_back(journal[i]);
    ASSERT_TRUE(later.executor().resume(prefix, later.now));
    while (later.step()) {
    }
    EXPECT_EQ(later.executor().result().answer, expected.answer) << length;
    EXPECT_EQ(later.executor().result().cost, expected.cost) << length;
    EXPECT_EQ(later.finishes, 1) << length;
  }
}

TEST(Executor, RefusesTheJournalOfAnotherJob) {
  TestedJob whole(job(), {}, numbered);
  whole.run();
  JobSetup other = setup();
  other.seed = 4;
  TestedJob later(run_script(other, three_rounds), {}, numbered);
  const auto resumed = later.executor().resume(whole.executor().journal(), later.now);
  ASSERT_FALSE(resumed);
  EXPECT_EQ(resumed.error().code, ErrorCode::kCorrupt);
  boost::json::array nonsense;
  nonsense.emplace_back(1);
  EXPECT_FALSE(TestedJob(job(), {}, numbered).executor().resume(nonsense, later.now));
}

// A journal comes from outside: whatever it says, nothing crashes, and the purse holds.
RC_GTEST_PROP(Executor, TakesNoHarmFromAForgedJournal, ()) {
  const JobLimits limits{.purse = amounts("1k tokens"), .parallel = 4};
  TestedJob whole(job(), limits, numbered);
  whole.run();
  boost::json::array journal = whole.executor().journal();
  for (int change = 0; change < *rc::gen::inRange(1, 5); ++change) {
    const auto at = *rc::gen::inRange<std::size_t>(0, journal.size());
    const auto other = *rc::gen::inRange<std::size_t>(0, journal.size());
    switch (*rc::gen::inRange(0, 5)) {
      case 0: std::swap(journal[at], journal[other]); break;
      case 1:
        journal.insert(journal.begin() + static_cast<std::ptrdiff_t>(at), boost::json::value(journal[other]));
        break;
      case 2:
        journal[at] = boost::json::object{{"seen", boost::json::object{{"action", other}, {"end", "done"}}}};
        break;
      case 3: journal[at] = *rc::gen::arbitrary<int>(); break;
      default: journal[at].is_object() ? journal[at].as_object().clear() : void(); break;
    }
  }
  TestedJob later(job(), limits, numbered);
  const auto resumed = later.executor().resume(journal, later.now);
  while (later.step()) {
  }
  RC_ASSERT(!resumed || later.executor().finished());
  RC_ASSERT(later.executor().purse().spent[kTokens] <= 1000);
}

TEST(Executor, BelievesNoJournalThatGivesBack) {
  TestedJob whole(job(), {}, numbered);
  whole.run();
  boost::json::array journal = whole.executor().journal();
  journal[1].as_object()["seen"].as_object()["cost"] = "-500 tokens";
  TestedJob later(job(), {}, numbered);
  EXPECT_EQ(later.executor().resume(journal, later.now).error().code, ErrorCode::kCorrupt);
}

TEST(Executor, TellsTheControllerOfRefusals) {
  int refused = 0;
  TestedJob run(job(), {}, [&](const Action& action) {
    Observation seen = numbered(action);
    if (action.id % 2 == 0) seen = {.end = ActionEnd::kRefused, .why = "acme/ada has no usd left"}, ++refused;
    return seen;
  });
  const JobResult& result = run.run();
  EXPECT_EQ(result.refused, 6);
  EXPECT_EQ(result.end, JobEnd::kPurse);
  EXPECT_EQ(result.why, "acme/ada has no usd left");
  EXPECT_EQ(result.answer->text, "answer 11");
}

RC_GTEST_PROP(Executor, NeverSpendsMoreThanItsPurse, ()) {
  const auto purse = *rc::gen::inRange<std::int64_t>(0, 2000);
  const auto parallel = *rc::gen::inRange<std::size_t>(1, 9);
  const auto uses = *rc::gen::container<std::vector<int>>(12, rc::gen::inRange(0, 101));
  Amounts limit;
  RC_ASSERT(limit.set(kTokens, purse));
  TestedJob run(job(), {.purse = limit, .parallel = parallel},
                [&](const Action& action) { return said("x", uses[(action.id - 1) % uses.size()]); });
  run.backwards = *rc::gen::arbitrary<bool>();
  const JobResult& result = run.run();
  RC_ASSERT(run.executor().finished());
  RC_ASSERT(result.cost[kTokens] <= purse);
  RC_ASSERT(run.executor().purse().held[kTokens] == 0);
}

}  // namespace
}  // namespace bursar::plan
