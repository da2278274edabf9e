#include "bursar/cli/match/match_command.h"

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>
#include <unistd.h>

#include "bursar/core/json.h"

namespace bursar::cli {
namespace {

using ::testing::HasSubstr;

struct Ran {
  int code = 0;
  std::string out, err;
};

class MatchCommand : public ::testing::Test {
 protected:
  void SetUp() override {
    folder = std::filesystem::temp_directory_path() / ("bursar-match-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
  }
  void TearDown() override { std::filesystem::remove_all(folder); }
  std::string write(const std::string& name, std::string_view text) const {
    const std::string path = folder / name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  static Ran match(std::vector<std::string> words, const std::string& input = "") {
    std::istringstream in(input);
    std::ostringstream out, err;
    const int code = run_match(std::move(words), {in, out, err});
    return {code, out.str(), err.str()};
  }
  std::filesystem::path folder;
};

constexpr const char* kBuyers = R"({"items": ["morning", "evening"], "periods": [
  {"probability": 0.5, "value": [0.9, 0.3]},
  {"probability": 0.8, "value": {"morning": 0.4, "evening": 0.8}},
  {"types": [{"name": "short", "probability": 0.6, "value": [0.7, 0.6]}]}]})";

constexpr const char* kStream =
    "{\"goal\": \"a\"}\n{\"goal\": \"b\", \"weight\": 2}\n\n"
    "{\"slot\": \"w1\", \"p\": {\"a\": 0.5, \"b\": 0.5}, \"success\": {\"b\": false}}\n"
    "{\"slot\": \"w2\", \"p\": {\"a\": 0.5, \"b\": 0.5}, \"success\": {\"a\": true, \"b\": true}}\n"
    "{\"slot\": \"w3\", \"p\": {\"a\": 1}, \"success\": {\"a\": true}}\n"
    "{\"remove\": \"a\"}\n";

TEST_F(MatchCommand, PlansItemsAndBuyers) {
  const Ran ran = match({"plan", write("m.json", kBuyers), "--runs", "400"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("2 items, 3 periods\nbound 1.372 "));
  EXPECT_THAT(ran.out, HasSubstr("posted prices"));
  EXPECT_THAT(ran.out, HasSubstr("morning"));
  const Ran json = match({"plan", "-", "--runs", "10", "--json"}, kBuyers);
  const auto document = parse_json(json.out.substr(0, json.out.size() - 1));
  ASSERT_TRUE(document) << json.out << json.err;
  EXPECT_NEAR(*JsonView(*document).double_at("bound", 0, 10), 1.372, 1e-9);
}

TEST_F(MatchCommand, PlansGoalsAndSlots) {
  const auto file =
      write("g.json", R"({"goals": {"a": 1, "b": 1}, "slots": [{"a": 0.5, "b": 0.5}, {"a": 0.5}, {"b": 0.5}]})");
  const Ran ran = match({"plan", file, "--runs", "200"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("bound 1.25 (stochastic configuration LP)"));
  for (const char* rule : {"balance", "ranking", "random", "greedy", "first"}) EXPECT_THAT(ran.out, HasSubstr(rule));
}

TEST_F(MatchCommand, PostsPricesAndSaysWhatIsBought) {
  const auto file = write("m.json", R"({"items": ["seat"], "periods": [{"probability": 1, "value": [1]},
                                                                      {"probability": 0.5, "value": [3]}]})");
  EXPECT_EQ(match({"prices", file}).out, "seat            1.5\n");
  // The dual price is any number from 1 to 1.5: it must keep the seat from the first buyer.
  EXPECT_THAT(match({"prices", file, "--lp"}).out, testing::MatchesRegex("seat            1(\\.[0-5]*)?\n"));
  EXPECT_EQ(match({"prices", file, "-t", "1", "--value", "seat=0.1"}).out, "seat            0\nbuys seat\n");
  EXPECT_THAT(match({"prices", file, "--value", "seat=1"}).out, HasSubstr("buys nothing"));
  EXPECT_EQ(match({"prices", file, "--sold", "seat"}).out, "seat            sold\n");
  EXPECT_THAT(match({"prices", file, "-t", "2"}).err, HasSubstr("--period is 2; there are 2"));
  EXPECT_THAT(match({"prices", file, "--sold", "sofa"}).err, HasSubstr("no item 'sofa'"));
  EXPECT_THAT(match({"prices", file, "--value", "seat=x"}).err, HasSubstr("NAME=NUMBER"));
}

TEST_F(MatchCommand, ReplaysAStreamUnderSeveralRules) {
  const Ran ran = match({"attempts", write("s.jsonl", kStream), "--rule", "balance", "--rule", "first", "--json"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  const auto json = parse_json(ran.out.substr(0, ran.out.size() - 1));
  const auto rules = *JsonView(*json).at("rules");
  // balance: b fails, then b again (2 exp(-.5) .5 against .5) works, a works; first: a is drawn or known …
  EXPECT_EQ(*rules.element(0)->double_at("worth", 0, 9), 3);
  EXPECT_EQ(*rules.element(0)->int_at("tries"), 3);
  EXPECT_EQ(*rules.element(0)->int_at("drawn"), 0);
  EXPECT_EQ(*rules.element(1)->int_at("drawn"), 1);
  EXPECT_EQ(*JsonView(*json).int_at("slots"), 3);
}

TEST_F(MatchCommand, WritesEveryTry) {
  const std::string tries = folder / "tries.csv";
  ASSERT_EQ(match({"attempts", "-", "-o", tries}, kStream).code, 0);
  std::ifstream file(tries);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(text,
            "rule,slot,goal,p,success\nbalance,w1,b,0.5,0\nbalance,w2,b,0.5,1\n"
            "balance,w3,a,1,1\n");
}

TEST_F(MatchCommand, AnswersLineByLineAndGoesOnFromItsState) {
  const std::string state = folder / "goals.json";
  const Ran first =
      match({"attempts", "-", "--live", "--state", state},
            "{\"goal\": \"a\"}\n{\"slot\": \"w\", \"p\": {\"a\": 0.5}}\n{\"slot\": \"w\", \"p\": {\"a\": 0.5}}\n"
            "{\"slot\": \"w\", \"p\": {\"z\": 0.5}}\n");
  EXPECT_EQ(first.code, 0) << first.err;
  EXPECT_THAT(first.out, HasSubstr("{}\n{\"try\":0,\"goal\":\"a\"}\n{\"goal\":null}\n{\"error\":\"not_found\""));
  const Ran second = match({"attempts", "-", "--live", "--state", state},
                           "{\"report\": 0, \"success\": false}\n{\"slot\": \"w\", \"p\": {\"a\": 0.5}}\n");
  EXPECT_EQ(second.out, "{}\n{\"try\":1,\"goal\":\"a\"}\n");
  const Ran bad = match({"attempts", "-", "--live", "--state", write("bad.json", "{}")});
  EXPECT_EQ(bad.code, 1);
}

TEST_F(MatchCommand, SaysWhereTheInputIsWrong) {
  EXPECT_EQ(match({"plan", "/nowhere.json"}).code, 3);
  EXPECT_EQ(match({}).code, 2);
  EXPECT_EQ(match({"guess"}).code, 2);
  EXPECT_THAT(match({"plan", "-"}, "{}").err, HasSubstr("items and periods, or"));
  EXPECT_THAT(match({"plan", "-"}, R"({"items": 1, "periods": [{"probability": 2, "value": [1]}]})").err,
              HasSubstr("$.periods[0].probability"));
  EXPECT_THAT(match({"plan", "-"}, R"({"items": ["a"], "periods": [{"probability": 1, "value": {"b": 1}}]})").err,
              HasSubstr("there is no 'b'"));
  EXPECT_THAT(match({"attempts", "-"}, "{\"goal\": \"a\"}\n{\"goal\": \"a\"}\n").err,
              HasSubstr("line 2: the goal 'a'"));
  EXPECT_THAT(match({"attempts", "-"}, "{\"slot\": \"w\", \"p\": {\"a\": 0.5}}\n").err, HasSubstr("no goal 'a'"));
  EXPECT_THAT(match({"attempts", "-"}, "[]\n").err, HasSubstr("line 1"));
  EXPECT_THAT(match({"attempts", "-", "--rule", "best"}).err, HasSubstr("no rule 'best'"));
  EXPECT_EQ(match({"--help"}).code, 0);
}

}  // namespace
}  // namespace bursar::cli
