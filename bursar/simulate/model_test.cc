#include "bursar/simulate/model.h"

#include <cmath>
#include <gmock/gmock.h>
#include <map>
#include <regex>

#include "bursar/simulate/question.h"
#include "bursar/simulate/tokens.h"
#include "bursar/simulate/world.h"

namespace bursar::simulate {
namespace {

ChatRequest task(const std::string& name, const std::string& user, const std::string& model = "sim-medium") {
  return {.model = model, .messages = {{"system", "Task: " + name + "\nBe brief."}, {"user", user}}};
}
std::string section(const std::string& name, const std::string& text) {
  return "<" + name + ">" + text + "</" + name + ">";
}
std::string question(int i, double difficulty) {
  return "Question " + std::to_string(i) + "? [difficulty " + std::to_string(difficulty) + "]";
}
std::string reply(SimulatedModel& model, const ChatRequest& request) {
  auto got = model.chat(request);
  EXPECT_TRUE(got) << got.error().message;
  return got ? got->choices[0].text : std::string();
}
std::string last_line(const std::string& text) { return text.substr(text.rfind('\n') + 1); }

constexpr std::uint64_t kSeed = 7;
constexpr int kQuestions = 400;

// Share of questions of one difficulty that are answered right.
double accuracy(const std::string& name, double difficulty, std::optional<std::int64_t> max_tokens = {},
                const std::string& words = "") {
  SimulatedModel model(kSeed);
  int right = 0;
  for (int i = 0; i < kQuestions; ++i) {
    ChatRequest request = task("solve", words + section("question", question(i, difficulty)), name);
    request.max_tokens = max_tokens;
    const std::string text = reply(model, request);
    if (text.contains("Answer:") && same_answer(answer_in(text), simulated_truth(kSeed, question(i, difficulty))))
      ++right;
  }
  return static_cast<double>(right) / kQuestions;
}

TEST(SimulatedModel, EndsEachReplyAsItsTaskSays) {
  const std::map<std::string, std::string> formats = {{"solve", "Answer: \\S+"},
                                                      {"step", "Answer: \\S+"},
                                                      {"combine", "Answer: \\S+"},
                                                      {"finalise", "Answer: \\S+"},
                                                      {"repair", "Answer: \\S+"},
                                                      {"judge", "Score: [01]\\.\\d\\d"},
                                                      {"verify", "Answer: \\S+"},
                                                      {"check", "Clue 1: (satisfied|contradicted|unknown)"},
                                                      {"assess", "Level: [1-5]"},
                                                      {"decompose", "Hint: .+"},
                                                      {"critic", "Gain: -?[01]\\.\\d\\d"},
                                                      {"sufficiency", "Sufficiency: [01]\\.\\d\\d"},
                                                      {"act", "(Search: .+|Answer: \\S+)"},
                                                      {"select", "Choice: 1"},
                                                      {"something else", "Answer: \\\\boxed\\{\\S+\\}"}};
  SimulatedModel model(kSeed);
  for (const auto& [name, format] : formats) {
    for (int i = 0; i < 20; ++i) {
      const std::string text = reply(model, task(name, section("question", question(i, .5)) + section("answer", "12")));
      EXPECT_TRUE(std::regex_match(last_line(text), std::regex(format))) << name << ": " << text;
    }
  }
  EXPECT_TRUE(reply(model, {.model = "x", .messages = {{"user", "How many?"}}}).ends_with("}"));
}

TEST(SimulatedModel, AnswersTheSameRequestsInAnyOrderTheSame) {
  std::vector<ChatRequest> requests;
  for (int i = 0; i < 6; ++i) {
    requests.push_back(task("solve", section("question", question(i % 2, .5))));
    if (i % 3 == 0) requests.back().seed = 5;
    if (i == 5) requests.back().n = 3;
  }
  const auto all = [&] {
    SimulatedModel model(kSeed);
    std::multiset<std::string> texts;
    for (const ChatRequest& request : requests) texts.insert(reply(model, request));
    return texts;
  };
  const auto forwards = all();
  std::ranges::reverse(requests);
  EXPECT_EQ(all(), forwards);
  EXPECT_EQ(std::set<std::string>(forwards.begin(), forwards.end()).size(), 6U) << "draws differ";
}

TEST(SimulatedModel, RepeatsItselfForASeedOrWithoutTemperature) {
  SimulatedModel model(kSeed);
  ChatRequest request = task("solve", section("question", "How many?"));
  EXPECT_NE(reply(model, request), reply(model, request));
  request.seed = 3;
  EXPECT_EQ(reply(model, request), reply(model, request));
  request.seed.reset();
  request.temperature = 0;
  EXPECT_EQ(reply(model, request), reply(model, request));
}

TEST(SimulatedModel, IsCutByItsLimitAndCountsWhatItSays) {
  SimulatedModel model(kSeed);
  ChatRequest request = task("solve", section("question", question(1, .9)));
  request.seed = 1;
  const std::string whole = reply(model, request);
  for (const std::int64_t most : {1, 7, 40, 4000}) {
    request.max_tokens = most;
    const auto got = model.chat(request);
    ASSERT_TRUE(got);
    const ChatChoice& choice = got->choices[0];
    EXPECT_TRUE(whole.starts_with(choice.text));
    EXPECT_EQ(choice.cut, choice.text.size() < whole.size());
    EXPECT_EQ(count_tokens(choice.text), choice.tokens.size());
    EXPECT_EQ(got->usage.completion_tokens, static_cast<std::int64_t>(choice.tokens.size()));
    EXPECT_EQ(got->usage.prompt_tokens, prompt_tokens(request.messages));
    EXPECT_LE(got->usage.completion_tokens, most);
  }
}

TEST(SimulatedModel, StopsBeforeAStopSequence) {
  SimulatedModel model(kSeed);
  ChatRequest request = task("solve", section("question", "How many?"));
  request.stop = {"Answer:"};
  const auto got = model.chat(request);
  ASSERT_TRUE(got);
  EXPECT_FALSE(got->choices[0].text.contains("Answer"));
  EXPECT_FALSE(got->choices[0].cut);
}

TEST(SimulatedModel, GivesProbabilitiesThatAddUp) {
  SimulatedModel model(kSeed);
  ChatRequest request = task("solve", section("question", question(1, .5)));
  request.logprobs = true;
  request.top_logprobs = 5;
  for (int i = 0; i < 50; ++i) {
    const auto got = model.chat(request);
    ASSERT_TRUE(got);
    const ChatChoice& choice = got->choices[0];
    ASSERT_EQ(choice.probabilities.size(), choice.tokens.size());
    for (const TokenProbability& at : choice.probabilities) {
      double sum = 0;
      for (const auto& [token, logprob] : at.top) sum += std::exp(logprob);
      EXPECT_EQ(at.top.size(), 5U);
      EXPECT_LE(sum, 1 + 1e-9);
      EXPECT_LE(at.logprob, 0);
      EXPECT_TRUE(std::ranges::is_sorted(at.top, std::ranges::greater{}, &std::pair<std::string, double>::second));
    }
  }
}

TEST(SimulatedModel, IsTheBetterTheEasierTheQuestionAndTheLargerTheModel) {
  double before = 1;
  for (const double difficulty : {.1, .4, .7, .95}) {
    const double here = accuracy("sim-medium", difficulty);
    EXPECT_LT(here, before);
    before = here;
  }
  const double small = accuracy("sim-small", .5), large = accuracy("sim-large", .5);
  EXPECT_NEAR(small, .41, .08);
  EXPECT_NEAR(large, .82, .08);
  EXPECT_EQ(accuracy("nobody's", .5), accuracy("nobody's", .5));
}

TEST(SimulatedModel, NeedsTokensToBeRight) {
  const double whole = accuracy("sim-medium", .5);
  EXPECT_LT(accuracy("sim-medium", .5, 60), .1) << "cut before the answer";
  const double brief = accuracy("sim-medium", .5, {}, "Think in at most 40 tokens.");
  EXPECT_LT(brief, whole - .1);
  EXPECT_GT(brief, .2);
  SimulatedModel model(kSeed);
  const auto request = task("solve", "Think in at most 40 tokens." + section("question", question(1, .9)));
  for (int i = 0; i < 20; ++i) EXPECT_LE(model.chat(request)->usage.completion_tokens, 42);
}

TEST(SimulatedModel, FoolsAVoteOverHardQuestions) {
  // The majority of 25 is right where questions are easy, and wrong more often than one draw where they are hard.
  const auto vote = [](double difficulty) {
    SimulatedModel model(kSeed);
    int right = 0, single = 0;
    for (int i = 0; i < 100; ++i) {
      std::map<std::string, int> votes;
      const std::string truth = simulated_truth(kSeed, question(i, difficulty));
      for (int draw = 0; draw < 25; ++draw) {
        const std::string answer = answer_in(reply(model, task("solve", section("question", question(i, difficulty)))));
        ++votes[answer];
        single += same_answer(answer, truth);
      }
      right +=
          same_answer(std::ranges::max_element(votes, {}, &std::pair<const std::string, int>::second)->first, truth);
    }
    return std::pair{right / 100., single / 2500.};
  };
  const auto [easy_vote, easy_single] = vote(.3);
  EXPECT_GT(easy_vote, easy_single + .05);
  const auto [hard_vote, hard_single] = vote(.9);
  EXPECT_LT(hard_vote, hard_single);
}

TEST(SimulatedModel, JudgesBetterThanChance) {
  SimulatedModel model(kSeed);
  double right = 0, wrong = 0, popular = 0;
  for (int i = 0; i < kQuestions; ++i) {
    const Question q = question_of(kSeed, question(i, .5));
    const auto score = [&](const std::string& answer) {
      const std::string text =
          reply(model, task("judge", section("question", q.text) + section("answer", "So.\nAnswer: " + answer)));
      return std::stod(last_line(text).substr(7)) / kQuestions;
    };
    right += score(q.truth);
    popular += score(q.wrong[0]);
    wrong += score("no such answer");
  }
  EXPECT_GT(right, .65);
  EXPECT_LT(wrong, .35);
  EXPECT_GT(popular, wrong + .1);
}

TEST(SimulatedModel, MendsMoreThanItSpoilsWhereItVerifies) {
  SimulatedModel model(kSeed);
  int mended = 0, spoilt = 0, sound = 0;
  for (int i = 0; i < kQuestions; ++i) {
    const Question q = question_of(kSeed, question(i, .5));
    const auto verified = [&](const std::string& answer) {
      return reply(model, task("verify", section("question", q.text) + section("answer", answer)));
    };
    spoilt += !same_answer(answer_in(verified(q.truth)), q.truth);
    const std::string text = verified(q.wrong.back());
    mended += same_answer(answer_in(text), q.truth);
    sound += text.contains("Verdict: right") == same_answer(answer_in(text), q.wrong.back()) ||
             text.contains("Verdict: wrong");
  }
  EXPECT_GT(mended, kQuestions / 4);
  EXPECT_LT(spoilt, kQuestions / 10);
  EXPECT_EQ(sound, kQuestions);
}

TEST(SimulatedModel, IsHelpedByRightPartsAndMisledByWrongOnes) {
  SimulatedModel model(kSeed);
  int helped = 0, misled = 0;
  for (int i = 0; i < kQuestions; ++i) {
    const std::string whole = question(i, .6), truth = simulated_truth(kSeed, whole);
    std::string parts = reply(model, task("decompose", section("question", whole))), good, bad;
    std::smatch found;
    for (std::regex line(R"((\d)\. (.*)\n)"); std::regex_search(parts, found, line); parts = found.suffix()) {
      good += found[0].str() + "Answer: " + simulated_truth(kSeed, found[2].str()) + "\n";
      bad += found[0].str() + "Answer: none\n";
    }
    const auto combined = [&](const std::string& steps) {
      const auto request = task("combine", section("question", whole) + section("steps", steps));
      return same_answer(answer_in(reply(model, request)), truth);
    };
    helped += combined(good);
    misled += combined(bad);
  }
  EXPECT_GT(helped, kQuestions * .7);
  EXPECT_LT(misled, kQuestions * .2);
}

TEST(SimulatedModel, FollowsATrailBySearching) {
  SimulatedModel model(kSeed);
  int right = 0, searches = 0;
  for (int i = 0; i < 100; ++i) {
    const std::string whole = "Trail " + std::to_string(i) + " [hops 3]";
    std::string evidence;
    for (int turn = 0; turn < 12; ++turn) {
      const std::string said =
          last_line(reply(model, task("act", section("question", whole) + section("evidence", evidence))));
      if (said.starts_with("Answer: ")) {
        right += same_answer(answer_in(said), simulated_truth(kSeed, whole));
        break;
      }
      ++searches;
      evidence += search(kSeed, said.substr(8)) + "\n";
    }
  }
  EXPECT_GT(right, 70);
  EXPECT_GT(searches, 280);
  EXPECT_LT(searches, 500);
}

TEST(SimulatedModel, GoesOnWithWhatWasBegun) {
  SimulatedModel model(kSeed);
  const auto going_on = [&](const std::string& begun, std::vector<std::string> stop) {
    ChatRequest request = task("solve", section("question", question(1, .5)));
    request.messages.push_back({"assistant", begun});
    request.stop = std::move(stop);
    request.logprobs = true;
    request.top_logprobs = 20;
    request.seed = 1;
    return model.chat(request)->choices[0];
  };
  EXPECT_TRUE(going_on("<think>\n", {}).text.contains("</think>\nAnswer: "));
  EXPECT_TRUE(going_on("<think>\nNow", {"\n"}).text.starts_with(" so"));
  EXPECT_TRUE(going_on("<think>\nNow so.\n</think>", {}).text.starts_with("\nAnswer: "));
  // The end of thinking is among the likeliest at a line's beginning, and the likelier the more was thought.
  const auto end = [&](const std::string& begun) {
    const ChatChoice choice = going_on(begun, {});
    for (const auto& [token, logprob] : choice.probabilities[0].top) {
      if (token == "</think>") return std::exp(logprob);
    }
    return 0.;
  };
  std::string thoughts = "<think>\n";
  EXPECT_NEAR(end(thoughts), .01, .01);
  for (int i = 0; i < 20; ++i) thoughts += "Now we compare the first part with the second.\n";
  EXPECT_GT(end(thoughts), .3);
}

TEST(SimulatedModel, RefusesWhatItCannotDo) {
  SimulatedModel model(kSeed);
  const ChatRequest fine = {.model = "sim-small", .messages = {{"user", "x"}}};
  const auto refused = [&](auto change) {
    ChatRequest request = fine;
    change(request);
    const auto got = model.chat(request);
    return got ? std::string() : got.error().message;
  };
  using R = ChatRequest&;
  EXPECT_THAT(refused([](R r) { r.messages.clear(); }), ::testing::StartsWith("messages"));
  EXPECT_THAT(refused([](R r) { r.max_tokens = 0; }), ::testing::StartsWith("max_tokens"));
  EXPECT_THAT(refused([](R r) { r.temperature = std::nan(""); }), ::testing::StartsWith("temperature"));
  EXPECT_THAT(refused([](R r) { r.n = 0; }), ::testing::StartsWith("n:"));
  EXPECT_THAT(refused([](R r) { r.stop = {""}; }), ::testing::StartsWith("stop"));
  EXPECT_THAT(refused([](R r) { r.top_logprobs = 21; }), ::testing::StartsWith("top_logprobs"));
}

}  // namespace
}  // namespace bursar::simulate
