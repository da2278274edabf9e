#include "bursar/plan/strategies/search_log.h"

#include <gtest/gtest.h>

namespace bursar::plan {
namespace {

JobSetup setup() {
  return {.question = "q",
          .tools = {"find"},
          .parameters = {
              {"calls", 3}, {"query_argument", "text"}, {"context", 500}, {"step_tokens", 100}, {"answer_tokens", 50}}};
}

Observation found(std::string text) { return {.text = std::move(text)}; }

TEST(SearchLog, CountsWhatWasSentAndKeepsWhatIsNew) {
  const Job job(setup());
  SearchLog log(job);
  const Action ask = log.ask("a");
  EXPECT_EQ(std::get<ToolAsk>(ask.ask).tool, "find");
  EXPECT_EQ(std::get<ToolAsk>(ask.ask).arguments.at("text"), "a");
  EXPECT_TRUE(log.take("a", found("one")).fresh);
  const SearchLog::Taken again = log.take("b", found(" one\n"));
  EXPECT_FALSE(again.fresh);
  EXPECT_EQ(again.piece, 0);
  EXPECT_FALSE(log.take("c", {.end = ActionEnd::kFailed}).piece);
  EXPECT_EQ(log.used(), 3);
  EXPECT_EQ(log.left({}), 0);
  EXPECT_TRUE(log.tried("b"));
}

TEST(SearchLog, ARefusalSpendsNothingAndEndsTheSearch) {
  const Job job(setup());
  SearchLog log(job);
  EXPECT_EQ(log.left({}), 3);
  log.take("a", {.end = ActionEnd::kRefused});
  EXPECT_EQ(log.used(), 0);
  EXPECT_EQ(log.left({}), 0);
}

TEST(SearchLog, ShowsTheNewestEvidenceThatFits) {
  const Job job(setup());
  SearchLog log(job);
  log.take("a", found(std::string(300, 'a')));
  log.take("b", found(std::string(300, 'b')));
  log.take("c", found(std::string(900, 'c')));  // cut to the context
  std::vector<Section> sections;
  log.add_evidence(sections);
  ASSERT_EQ(sections.size(), 1);
  EXPECT_EQ(sections[0].second, std::string(500, 'c'));
  sections.clear();
  log.add_evidence(sections, std::vector<std::size_t>{1});
  EXPECT_EQ(sections[0].second[0], 'b');
}

TEST(SearchLog, ReadsEveryQueryOfAReplyOnce) {
  EXPECT_EQ(queries_in("Let me see.\nSearch: a\n**Search:** b\nSearch: a\nResearch: c"),
            (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(queries_in("Answer: 7").empty());
}

TEST(SearchLog, CutsWholeCharacters) {
  EXPECT_EQ(cut_text("añb", 2), "a");
  EXPECT_EQ(cut_text("añb", 3), "añ");
}

TEST(AnswerReserve, AStepHasWhatIsLeftBesideItsPromptAndTheAnswer) {
  const Job job(setup());
  AnswerReserve reserve(job);
  EXPECT_EQ(reserve.room(std::nullopt), 100);
  EXPECT_EQ(reserve.room(100'000), 100);
  reserve.saw({.prompt_tokens = 400});
  EXPECT_EQ(reserve.room(2 * 400 + 50 + 60), 60);
  reserve.grew(std::string(400, 'x'));
  EXPECT_EQ(reserve.room(2 * 400 + 50 + 60), 0);
}

}  // namespace
}  // namespace bursar::plan
