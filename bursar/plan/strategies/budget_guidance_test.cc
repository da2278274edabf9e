#include <gtest/gtest.h>

#include "bursar/core/json.h"
#include "bursar/plan/job/job_testing.h"
#include "bursar/sample/guidance/length_table.h"

namespace bursar::plan {
namespace {

std::unique_ptr<Controller> guided_job(boost::json::object parameters = {}) {
  return make_job(**strategy_named("budget-guidance"), {.messages = {{"user", "6 x 7?"}},
                                                        .question = "6 x 7?",
                                                        .model = "m",
                                                        .max_tokens = 50,
                                                        .parameters = std::move(parameters)})
      .value();
}

// Thinks in lines of ten tokens, and hardly ever ends by itself.
struct Thinker {
  bool logprobs = true;
  double end = -9;  // logprob of the end mark at a line start
  std::int64_t thought = 0, lines = 0;
  std::vector<std::string> begun;

  Observation operator()(const Action& action) {
    const auto& ask = std::get<ModelAsk>(action.ask);
    begun.push_back(ask.messages.back().content);
    EXPECT_EQ(ask.messages.back().role, "assistant");
    if (action.purpose == "candidates") {
      Observation out = said(" So", 1);
      if (logprobs) out.first_token = {{" So", -.1}, {"</think>", end}, {"Wait", -3}};
      ++thought;
      return out;
    }
    if (action.purpose == "line") {
      ++lines;
      Observation out = said(" it goes on", std::min<std::int64_t>(9, ask.max_tokens));
      if (ask.max_tokens < 9) out.finish = "length";
      thought += out.completion_tokens;
      return out;
    }
    if (action.purpose == "think") {
      Observation out = said("long thought", ask.max_tokens);
      out.finish = "length";
      thought += ask.max_tokens;
      return out;
    }
    return said("Answer: 42");
  }
};

TEST(BudgetGuidance, ThinksLineByLineWithinItsBudget) {
  Thinker thinker;
  TestedJob run(guided_job({{"thinking_budget", 100}}), {}, std::ref(thinker));
  const JobResult& result = run.run();
  EXPECT_EQ(result.answer->text, "Answer: 42");
  EXPECT_NE(result.answer->source, 0);
  EXPECT_LE(thinker.thought, 100);
  EXPECT_GT(thinker.lines, 1);
  EXPECT_EQ(thinker.begun[0], "<think>");
  EXPECT_TRUE(thinker.begun.back().ends_with("</think>\n")) << thinker.begun.back();
}

TEST(BudgetGuidance, EndsSoonerTheLessIsLeft) {
  // Laws of a model whose thinking goes on for some 300 tokens, whatever a line begins with.
  std::vector<sample::LengthSample> samples;
  for (std::size_t kind = 1; kind < sample::class_names().size(); ++kind) {
    for (int i = 0; i < 40; ++i) samples.push_back({.state = 0, .kind = kind, .length = 200. + 5 * i});
  }
  const auto table = sample::LengthTable::fit(sample::class_names(), samples);
  ASSERT_TRUE(table);
  const auto mean_share = [](int budget, const std::string& laws) {
    double sum = 0;
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
      Thinker thinker{.end = -6};
      auto job =
          make_job(**strategy_named("budget-guidance"), {.question = "q",
                                                         .model = "m",
                                                         .max_tokens = 50,
                                                         .seed = seed,
                                                         .parameters = {{"thinking_budget", budget}, {"laws", laws}}});
      TestedJob run(std::move(*job), {}, std::ref(thinker));
      run.run();
      sum += static_cast<double>(thinker.thought) / budget;
    }
    return sum / 40;
  };
  const std::string laws = to_json(table->save());
  EXPECT_LT(mean_share(150, laws), .5);
  EXPECT_LT(mean_share(150, laws), mean_share(600, laws));
  EXPECT_GT(mean_share(150, ""), .9);  // the prior steers the last lines alone
}

TEST(BudgetGuidance, SaysThatOnlyTheCapWorksWithoutLogProbabilities) {
  Thinker thinker{.logprobs = false};
  TestedJob run(guided_job({{"thinking_budget", 100}}), {}, std::ref(thinker));
  EXPECT_EQ(run.run().answer->text, "Answer: 42");
  EXPECT_EQ(run.launched.size(), 3);
  EXPECT_EQ(run.launched[1].purpose, "think");
  EXPECT_EQ(std::get<ModelAsk>(run.launched[1].ask).stop, std::vector<std::string>{"</think>"});
  bool said_so = false;
  for (const auto& entry : run.executor().journal()) {
    const auto* step = entry.as_object().if_contains("step");
    if (step == nullptr) continue;
    const auto* why = step->as_object().if_contains("why");
    said_so |= why != nullptr && why->as_object().contains("driver") && why->at("driver") == "cap";
  }
  EXPECT_TRUE(said_so);
}

TEST(BudgetGuidance, AnswersFromWhatItThoughtWhereACallBreaksOrThePurseIsLow) {
  Thinker thinker;
  TestedJob broken(guided_job(), {}, [&](const Action& action) {
    if (action.purpose == "line") return Observation{.end = ActionEnd::kFailed, .why = "reset"};
    return thinker(action);
  });
  EXPECT_EQ(broken.run().answer->text, "Answer: 42");
  Thinker other;
  TestedJob poor(guided_job({{"answer_tokens", 60}}), {.purse = *parse_amounts("120 tokens")}, std::ref(other));
  EXPECT_EQ(poor.run().answer->text, "Answer: 42");
  EXPECT_LE(other.thought, 60);
  EXPECT_LE(poor.executor().result().cost[kTokens], 120);
}

TEST(BudgetGuidance, SameSeedSameThought) {
  const auto journal = [] {
    Thinker thinker;
    TestedJob run(guided_job(), {}, std::ref(thinker));
    run.run();
    return run.executor().journal();
  };
  EXPECT_EQ(journal(), journal());
}

}  // namespace
}  // namespace bursar::plan
