#include "bursar/simulate/question.h"

#include <gmock/gmock.h>
#include <set>

#include "bursar/simulate/world.h"

namespace bursar::simulate {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::Le;
using ::testing::SizeIs;

TEST(Question, SaysWhatItsMarksSay) {
  const Question q = question_of(7, "How many? [difficulty 0.7] [truth 42]");
  EXPECT_EQ(q.difficulty, .7);
  EXPECT_EQ(q.truth, "42");
  EXPECT_FALSE(q.wrong.empty());
  EXPECT_THAT(q.wrong, ::testing::Not(Contains("42")));
}

TEST(Question, IsTheSameHoweverItIsWrapped) {
  EXPECT_EQ(simulated_truth(7, " How\n  many? "), simulated_truth(7, "How many?"));
}

TEST(Question, DependsOnTheSeed) {
  std::set<std::string> truths;
  for (std::uint64_t seed = 0; seed < 20; ++seed) truths.insert(simulated_truth(seed, "How many?"));
  EXPECT_GT(truths.size(), 15U);
}

TEST(Question, IgnoresMarksThatSayNothing) {
  for (const char* text :
       {"[difficulty]", "[difficulty 3]", "[difficulty x]", "[hops 0]", "[hops 99]", "[truth]", "["}) {
    const Question q = question_of(7, text);
    EXPECT_THAT(q.difficulty, AllOf(Ge(0), Le(1))) << text;
    EXPECT_FALSE(q.truth.empty()) << text;
    EXPECT_TRUE(q.chain.empty()) << text;
  }
}

TEST(Question, WithOptionsIsAnsweredByALetter) {
  const Question q = question_of(7, "Which? A) red B) blue (C) green");
  EXPECT_THAT(q.options, ElementsAre("A", "B", "C"));
  EXPECT_THAT(q.options, Contains(q.truth));
  EXPECT_THAT(q.wrong, SizeIs(2));
}

TEST(Question, OfATrailEndsWhereSearchesLead) {
  const Question q = question_of(7, "[hops 3 from Kalomi] Where does it end?");
  ASSERT_THAT(q.chain, SizeIs(4));
  EXPECT_EQ(q.chain.front(), "Kalomi");
  EXPECT_EQ(q.chain.back(), q.truth);
  std::string found;
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(links_told(q.chain, found), i);
    found += search(7, "Where does " + q.chain[i] + " lead?") + "\n";
  }
  EXPECT_EQ(links_told(q.chain, found), 3U);
}

TEST(World, IsOneRing) {
  std::set<std::string> names;
  for (std::string name = entity_name(0); names.insert(name).second;) name = next_entity(3, name);
  EXPECT_EQ(names.size(), kEntities);
}

TEST(World, FindsNothingForStrangers) {
  EXPECT_EQ(search(7, "history of the sum"), "Nothing was found.");
  EXPECT_EQ(search(7, ""), "Nothing was found.");
  EXPECT_FALSE(is_entity("kalomi"));
  EXPECT_EQ(next_entity(7, "Paris"), "");
}

TEST(SameAnswer, LooksThroughTheWrapping) {
  EXPECT_TRUE(same_answer("\\boxed{42}", " 42."));
  EXPECT_TRUE(same_answer("$b$", "B"));
  EXPECT_FALSE(same_answer("42", "24"));
}

}  // namespace
}  // namespace bursar::simulate
