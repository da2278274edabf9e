#include "bursar/plan/beliefs.h"

#include <cmath>
#include <gtest/gtest.h>

#include "bursar/core/json.h"
#include "bursar/core/random.h"
#include "bursar/plan/job/job_testing.h"
#include "bursar/sample/streaming_allocator.h"

namespace bursar::plan {
namespace {

JobRecord::Call sampled(std::string answer, std::int64_t tokens = 100, std::int64_t max_tokens = 512) {
  return {.purpose = "sample",
          .model = "m",
          .max_tokens = max_tokens,
          .text = "Answer: " + answer,
          .tokens = tokens,
          .took = Duration{50'000}};
}

JobRecord job_of(std::string id, std::string strategy, std::vector<std::string> answers, std::string final_one) {
  JobRecord out{.id = std::move(id),
                .strategy = std::move(strategy),
                .model = "m",
                .question = "q",
                .calls = {},
                .notes = {},
                .answer = std::move(final_one)};
  for (std::string& answer : answers) out.calls.push_back(sampled(std::move(answer)));
  return out;
}

double at(const boost::json::object& of, std::string_view key) { return of.at(key).to_number<double>(); }

TEST(JobRecord, IsReadFromTheJournal) {
  JobSetup setup{.question = "6 x 7?", .model = "m", .max_tokens = 50};
  TestedJob run(make_job(**strategy_named("pets"), setup).value(), {},
                [](const Action&) { return said("Answer: 42"); });
  run.run();
  setup.strategy = "pets";
  const auto record = record_of("j", setup, run.executor().journal(), run.executor().result().answer);
  ASSERT_TRUE(record) << record.error().message;
  EXPECT_EQ(record->calls.size(), 4);
  EXPECT_EQ(record->calls[0].purpose, "sample");
  EXPECT_EQ(record->calls[0].model, "m");
  EXPECT_EQ(record->calls[0].max_tokens, 50);
  EXPECT_EQ(record->calls[3].took, Duration{1000});
  EXPECT_EQ(record->answer, "42");
  EXPECT_EQ(at(record->notes, "drawn"), 4);
  EXPECT_EQ(record_of("j", setup, {1}, std::nullopt).error().code, ErrorCode::kCorrupt);
}

TEST(JobRecord, NamesTheStrategyThatAutoChose) {
  JobSetup setup{.strategy = "auto", .question = "6 x 7?", .model = "m", .max_tokens = 50};
  TestedJob run(make_job(**strategy_named("auto"), setup).value(), {},
                [](const Action&) { return said("Answer: 42"); });
  run.run();
  const auto record = record_of("j", setup, run.executor().journal(), run.executor().result().answer);
  ASSERT_TRUE(record);
  EXPECT_NE(record->strategy, "auto");
  EXPECT_TRUE(strategy_named(record->strategy));
}

TEST(Beliefs, SuccessIsABetaPosteriorOfEachStrategyAndModel) {
  Beliefs beliefs;
  EXPECT_TRUE(beliefs.snapshot("m").empty());
  for (int i = 0; i < 10; ++i) {
    const std::string id = std::to_string(i);
    ASSERT_TRUE(beliefs.observe(job_of(id, "bom", {"1"}, "1")));
    ASSERT_TRUE(beliefs.feedback(id, {.correct = i < 7}));
  }
  const auto& success = beliefs.snapshot("m").at("success").as_object().at("bom").as_object();
  EXPECT_DOUBLE_EQ(at(success, "mean"), 8. / 12);
  EXPECT_EQ(at(success, "count"), 10);
  EXPECT_LT(at(success, "low"), at(success, "mean"));
}

TEST(Beliefs, FeedbackCountsOnceAndMustSaySomething) {
  Beliefs beliefs;
  ASSERT_TRUE(beliefs.observe(job_of("a", "bom", {"1"}, "1")));
  EXPECT_EQ(beliefs.feedback("b", {.correct = true}).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(beliefs.feedback("a", {}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(beliefs.feedback("a", {.reward = 1.5}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_TRUE(beliefs.feedback("a", {.truth = "1.0"}));
  EXPECT_EQ(beliefs.feedback("a", {.correct = true}).error().code, ErrorCode::kNotFound);
  EXPECT_GT(at(beliefs.snapshot("m").at("success").as_object().at("bom").as_object(), "mean"), .6);
  EXPECT_FALSE(beliefs.observe(job_of("", "bom", {}, "1")));
}

TEST(Beliefs, TheOldestOfTooManyWaitingJobsIsForgotten) {
  Beliefs beliefs;
  for (std::size_t i = 0; i <= Beliefs::kMostWaiting; ++i)
    ASSERT_TRUE(beliefs.observe(job_of(std::to_string(i), "bats", {}, "1")));
  EXPECT_EQ(beliefs.waiting(), Beliefs::kMostWaiting);
  EXPECT_FALSE(beliefs.feedback("0", {.correct = true}));
  EXPECT_TRUE(beliefs.feedback("1", {.correct = true}));
}

TEST(Beliefs, LengthsAndLatenciesNeedNoFeedback) {
  Beliefs beliefs;
  RandomStream random(3);
  for (int i = 0; i < 40; ++i) {
    JobRecord job = job_of(std::to_string(i), "bom", {"1", "1"}, "");
    for (auto& call : job.calls) call.tokens = std::llround(std::exp(5 + .3 * random.normal()));
    job.calls.push_back({.purpose = "judge", .model = "small", .end = ActionEnd::kCancelled, .took = Duration{90'000}});
    ASSERT_TRUE(beliefs.observe(job));
  }
  const auto& of = beliefs.snapshot("m");
  EXPECT_NEAR(at(of.at("lengths").as_object(), "log_mean"), 5, .15);
  EXPECT_NEAR(at(of.at("lengths").as_object(), "log_sd"), .3, .08);
  EXPECT_EQ(at(of.at("latency_ms").as_object(), "median"), 50);
  EXPECT_TRUE(beliefs.snapshot("small").at("latency_ms").as_object().at("median").is_null());  // all cancelled before
  EXPECT_EQ(beliefs.waiting(), 0);  // a job without an answer waits for nothing
}

TEST(Beliefs, PoolsOfManyQuestionsBecomeThePlanOfPets) {
  Beliefs beliefs;
  RandomStream random(5);
  for (int q = 0; q < 40; ++q) {
    std::vector<std::string> answers;
    for (int s = 0; s < 16; ++s) answers.push_back(std::to_string(random.bernoulli(.3 + .015 * q) ? 0 : 1 + s % 3));
    JobRecord job = job_of(std::to_string(q), q == 39 ? "pets" : "bom", answers, "0");
    job.question = "question " + std::to_string(q);
    ASSERT_TRUE(beliefs.observe(job));
  }
  const auto plan = sample::StreamPlan::restore(beliefs.snapshot("m").at("stream_plan").as_object());
  ASSERT_TRUE(plan);
  EXPECT_LE(*plan->target(std::vector<std::size_t>{0, 0, 0, 0}), *plan->target(std::vector<std::size_t>{0, 1, 0, 1}));
}

// Answers that were cut off are wrong and mended; the others are right already.
JobRecord verified_job(int i) {
  const bool cut = i % 3 == 0;
  JobRecord job = job_of(std::to_string(i), "sevra", {cut ? "wrong" : "7"}, "7");
  job.calls[0].cut = cut;
  job.calls[0].tokens = cut ? 900 : 100;
  job.calls.push_back({.purpose = "verify", .model = "m", .text = "Answer: 7", .tokens = 80});
  job.notes = {{"score", .4}, {"changed", cut}};
  return job;
}

TEST(Beliefs, VerifiedAnswersTeachTheGateWhatIsMended) {
  Beliefs beliefs;
  for (int i = 0; i < 80; ++i) {
    ASSERT_TRUE(beliefs.observe(verified_job(i)));
    ASSERT_TRUE(beliefs.feedback(std::to_string(i), {.correct = true}));
  }
  const auto& gate = beliefs.snapshot("m").at("gate").as_object();
  const auto fitted = LinearGate::restore(gate.at("gate").as_object());
  ASSERT_TRUE(fitted);
  Attempt cut = estimate_request("q"), whole = cut;
  cut.base_tokens = 900;
  cut.done = DoneReason::kLength;
  whole.base_tokens = 100;
  EXPECT_GE(*fitted->score(cut), at(gate, "threshold"));
  EXPECT_LT(*fitted->score(whole), at(gate, "threshold"));
}

TEST(Beliefs, TruthTellsOfEachAnswerOfATeam) {
  Beliefs beliefs;
  RandomStream random(9);
  for (int i = 0; i < 480; ++i) {
    const std::string id = std::to_string(i);
    const bool together = random.bernoulli(.5), right = random.bernoulli(.6);
    JobRecord job = job_of(id, "mas-phase", {}, "1");
    for (int a = 0; a < 3; ++a) {
      const std::int64_t allowed = i % 2 == 0 ? 128 : 1024;
      const bool own = random.bernoulli(allowed == 128 ? .6 : .8);
      job.calls.push_back(sampled((together ? right : own) ? "1" : "2", 90, allowed));
      job.calls.back().purpose = "leaf";
    }
    ASSERT_TRUE(beliefs.observe(job));
    ASSERT_TRUE(beliefs.feedback(id, {.truth = "1"}));
  }
  const auto& of = beliefs.snapshot("m");
  EXPECT_GT(at(of, "correlation"), .3);
  EXPECT_LT(at(of, "correlation"), .7);
  EXPECT_GT(at(of.at("agent_law").as_object(), "beta"), 0);
}

TEST(Beliefs, LevelsAndFinalChangesAreLearnedFromNotes) {
  Beliefs beliefs;
  RandomStream random(4);
  for (int i = 0; i < 640; ++i) {
    const std::string id = std::to_string(i);
    JobRecord job = job_of(id, "plan-and-budget", {}, "1");
    const std::int64_t tokens = 100 << (i % 4);
    job.calls.push_back({.purpose = "step", .model = "m", .text = "Answer: 1", .tokens = tokens});
    job.notes = {{"level", 2}, {"disagreement", "slot"}, {"base", "3"}, {"candidate", "1"}};
    ASSERT_TRUE(beliefs.observe(job));
    ASSERT_TRUE(
        beliefs.feedback(id, {.truth = random.bernoulli(std::exp(-40. / static_cast<double>(tokens))) ? "1" : "3"}));
  }
  const auto& of = beliefs.snapshot("m");
  ASSERT_TRUE(of.at("level_curves").as_array()[1].is_object());
  EXPECT_NEAR(at(of.at("level_curves").as_array()[1].as_object(), "a"), 1, .35);
  const auto& slot = of.at("final_rates").as_object().at("slot").as_object();
  EXPECT_NEAR(at(slot, "gain") + at(slot, "harm"), 1, 1e-12);
  EXPECT_GT(at(slot, "gain"), at(slot, "harm"));
}

TEST(Beliefs, GoOnFromAFileAsTheyWere) {
  Beliefs beliefs;
  const auto learn = [](Beliefs& into, int from, int to) {
    for (int i = from; i < to; ++i) {
      JobRecord other = job_of("b" + std::to_string(i), "bom", {"1", "1/2", "0.5"}, "0.5");
      other.question += std::to_string(i % 7);
      other.notes = {{"disagreement", "slot"}, {"base", "1"}, {"candidate", "0.5"}};
      ASSERT_TRUE(into.observe(verified_job(i)));
      ASSERT_TRUE(into.observe(other));
      if (i % 2 == 0) {
        ASSERT_TRUE(into.feedback(std::to_string(i), {.reward = .5 + (i % 5) * .1}));
      }
      if (i % 3 == 0) {
        ASSERT_TRUE(into.feedback(other.id, {.truth = i % 2 == 0 ? ".50" : "1"}));
      }
    }
  };
  learn(beliefs, 0, 150);
  const std::string text = to_json(beliefs.save());
  auto loaded = Beliefs::restore(parse_json(text).value().as_object());
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(to_json(loaded->save()), text);
  learn(beliefs, 150, 250);
  learn(*loaded, 150, 250);
  EXPECT_EQ(to_json(loaded->save()), to_json(beliefs.save()));
  EXPECT_EQ(to_json(loaded->snapshot("m")), to_json(beliefs.snapshot("m")));
}

TEST(Beliefs, AFileThatWasChangedIsRefusedByName) {
  Beliefs beliefs;
  ASSERT_TRUE(beliefs.observe(verified_job(0)));
  const boost::json::object saved = beliefs.save();
  const auto broken = [&](std::string_view key, boost::json::value value) {
    boost::json::object changed = saved;
    changed["models"].as_object()["m"].as_object()[key] = std::move(value);
    return Beliefs::restore(changed).error();
  };
  for (const std::string_view key : {"success", "lengths", "latencies", "pools", "gated", "solved", "runs", "teams",
                                     "finals", "fresh", "snapshot"}) {
    EXPECT_EQ(broken(key, "x").code, ErrorCode::kCorrupt) << key;
    EXPECT_NE(broken(key, "x").message.find(key), std::string::npos) << broken(key, "x").message;
  }
  EXPECT_EQ(broken("runs", {{-1, 1}}).code, ErrorCode::kCorrupt);
  EXPECT_EQ(Beliefs::restore({}).error().code, ErrorCode::kCorrupt);
}

TEST(Beliefs, ShowThePriorAndWhatIsBelievedNow) {
  Beliefs beliefs;
  ASSERT_TRUE(beliefs.observe(verified_job(0)));
  ASSERT_TRUE(beliefs.feedback("0", {.correct = true}));
  const auto rows = beliefs.describe();
  ASSERT_FALSE(rows.empty());
  EXPECT_EQ(rows[0].what, "success of sevra (m)");
  EXPECT_EQ(rows[0].from, 1);
  EXPECT_NE(rows[0].now.find("0.67"), std::string::npos);
  for (const BeliefRow& row : rows) EXPECT_FALSE(row.prior.empty()) << row.what;
}

}  // namespace
}  // namespace bursar::plan
