#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bursar/agree/format/game_json.h"
#include "bursar/agree/format/wishes_csv.h"
#include "bursar/agree/sample_games.h"

namespace bursar::agree {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Result<Wishes> wishes(std::string_view text, Interval interval = {}) {
  return read_wishes_csv(allocate::from_text(text), interval);
}

TEST(WishesCsv, ReadsPointsOfOneLine) {
  const auto w = wishes("party,search\nada,.7\n\"bo, the second\",0.4\r\n");
  ASSERT_TRUE(w) << w.error().message;
  EXPECT_THAT(w->parties, ElementsAre("ada", "bo, the second"));
  EXPECT_THAT(w->lines, ElementsAre("search", "rest"));
  EXPECT_THAT(w->points, ElementsAre(.7, .4));
  EXPECT_TRUE(w->weights.empty());
}

TEST(WishesCsv, ReadsWholeSplitsWithWeights) {
  const auto two = wishes("weight,a,party,b\n2,.25,ada,.75\n1,1,bo,0\n");
  ASSERT_TRUE(two) << two.error().message;
  EXPECT_THAT(two->points, ElementsAre(.25, 1));
  EXPECT_THAT(two->shares, ElementsAre(.25, .75, 1, 0));
  EXPECT_THAT(two->weights, ElementsAre(2, 1));
  const auto three = wishes("party,a,b,c\nada,.5,.3,.2\n");
  ASSERT_TRUE(three);
  EXPECT_TRUE(three->points.empty());
  EXPECT_EQ(three->proposals().parties(), 1U);
}

TEST(WishesCsv, ReadsPointsOfAnInterval) {
  EXPECT_THAT(wishes("party,km\nada,42\n", {0, 100})->points, ElementsAre(42));
  EXPECT_THAT(wishes("party,km\nada,142\n", {0, 100}).error().message,
              HasSubstr("line 2, column 'km': is '142'; it must be from 0 to 100"));
}

TEST(WishesCsv, NamesLineColumnAndValueOfWhatIsWrong) {
  const auto message = [](std::string_view text) { return wishes(text).error().message; };
  EXPECT_THAT(message(""), HasSubstr("the table is empty"));
  EXPECT_THAT(message("name,a\n"), HasSubstr("line 1: there is no column 'party'"));
  EXPECT_THAT(message("party\nada\n"), HasSubstr("there is no budget line"));
  EXPECT_THAT(message("party,a,a\n"), HasSubstr("the column 'a' stands twice"));
  EXPECT_THAT(message("party,a\n"), HasSubstr("there is no party"));
  EXPECT_THAT(message("party,a\nada,.5\nbo,half\n"), HasSubstr("line 3, column 'a': is 'half'; it must be a number"));
  EXPECT_THAT(message("party,a\nada, .5\n"), HasSubstr("is ' .5'"));
  EXPECT_THAT(message("party,a\nada,nan\n"), HasSubstr("must be a number"));
  EXPECT_THAT(message("party,a\nada,1.5\n"), HasSubstr("line 2, column 'a': is '1.5'; it must be from 0 to 1"));
  EXPECT_THAT(message("party,a\nada,.5\nada,.6\n"),
              HasSubstr("line 3, column 'party': is 'ada'; that party stands twice"));
  EXPECT_THAT(message("party,a\n,.5\n"), HasSubstr("needs a name"));
  EXPECT_THAT(message("party,a\nada\n"), HasSubstr("line 2: has 1 fields, and the head names 2"));
  EXPECT_THAT(message("party,a,b\nada,.5,.4\n"), HasSubstr("line 2: the shares sum to 0.9"));
  EXPECT_THAT(message("party,weight,a\nada,0,.5\n"), HasSubstr("line 2, column 'weight': is '0'"));
}

constexpr std::string_view kCoin = R"({"pay_cap": 1,
 "states": [{"name": "no", "prior": 0.5}, {"name": "yes", "prior": 0.5}],
 "actions": [{"name": "say no", "utility": [1, 0]}, {"name": "say yes", "utility": [0, 1]}],
 "latent": [[0.7, 0.3], [0.3, 0.7]],
 "agents": [
  {"name": "ada", "signals": ["0", "1"], "efforts": [{"name": "idle", "cost": 0, "sees": [[0.5, 0.5], [0.5, 0.5]]},
                                                     {"name": "work", "cost": 0.05, "sees": [[1, 0], [0, 1]]}]},
  {"name": "bo", "signals": ["0", "1"], "efforts": [{"name": "idle", "cost": 0, "sees": [[0.5, 0.5], [0.5, 0.5]]},
                                                    {"name": "work", "cost": 0.05, "sees": [[1, 0], [0, 1]]}]}]})";

TEST(GameJson, ReadsTheSharedCoin) {
  const auto stated = read_game_json(kCoin);
  ASSERT_TRUE(stated) << stated.error().message;
  const HiringGame want = coin_game(2, .05, 1);
  ASSERT_EQ(stated->game.joint.size(), want.joint.size());
  for (std::size_t k = 0; k < want.joint.size(); ++k) EXPECT_NEAR(stated->game.joint[k], want.joint[k], 1e-15);
  EXPECT_THAT(stated->efforts[1], ElementsAre("idle", "work"));
  EXPECT_THAT(stated->actions, ElementsAre("say no", "say yes"));
}

TEST(GameJson, ReadsAJointLaw) {
  const auto stated = read_game_json(R"({"pay_cap": 2, "states": [{"name": "s", "prior": 1}],
      "actions": [{"name": "a", "utility": [3]}],
      "agents": [{"name": "x", "signals": ["l", "r"], "efforts": [{"name": "e", "cost": 0}]}],
      "joint": [[[0.25], [0.75]]]})");
  ASSERT_TRUE(stated) << stated.error().message;
  EXPECT_THAT(stated->game.joint, ElementsAre(.25, .75));
}

TEST(GameJson, NamesThePlaceOfWhatIsWrong) {
  const auto with = [](const std::string& from, const std::string& to) {
    std::string text(kCoin);
    text.replace(text.find(from), from.size(), to);
    return read_game_json(text).error().message;
  };
  EXPECT_THAT(with("\"pay_cap\": 1", "\"pay_cap\": -1"), HasSubstr("$.pay_cap"));
  EXPECT_THAT(with("\"pay_cap\"", "\"cap\""), HasSubstr("cap"));
  EXPECT_THAT(with("[0.7, 0.3]", "[0.7, 0.4]"), HasSubstr("$.latent[0]: sums to 1.1"));
  EXPECT_THAT(with("[[1, 0], [0, 1]]}]},", "[[1, 0]]}]},"), HasSubstr("$.agents[0].efforts[1].sees: must have 2 rows"));
  EXPECT_THAT(with("[[1, 0], [0, 1]]}]},", "[[1, 0], [0]]}]},"), HasSubstr("must have 2 elements and has 1"));
  EXPECT_THAT(with(", \"sees\": [[1, 0], [0, 1]]}]},", "}]},"), HasSubstr("needs 'sees'"));
  EXPECT_THAT(with("\"cost\": 0,", "\"cost\": 0.1,"), HasSubstr("agent 0: no effort costs 0"));
  EXPECT_THAT(with("\"bo\"", "\"ada\""), HasSubstr("$.agents[1].name: 'ada' stands twice"));
  EXPECT_THAT(with("\"prior\": 0.5}]", "\"prior\": 0.4}]"), HasSubstr("sums to 0.9"));
  EXPECT_FALSE(read_game_json("[]"));
  EXPECT_FALSE(read_game_json(""));
}

}  // namespace
}  // namespace bursar::agree
