#include "bursar/cli/agree/agree_command.h"

#include <cstdlib>
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
using ::testing::Not;

struct Ran {
  int code = 0;
  std::string out, err;
};

class AgreeCommand : public ::testing::Test {
 protected:
  void SetUp() override {
    folder = std::filesystem::temp_directory_path() / ("bursar-agree-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
  }
  void TearDown() override { std::filesystem::remove_all(folder); }
  std::string write(const std::string& name, std::string_view text) const {
    const std::string path = folder / name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  static Ran agree(std::vector<std::string> words) {
    std::ostringstream out, err;
    const int code = run_agree(std::move(words), {out, err});
    return {code, out.str(), err.str()};
  }
  std::filesystem::path folder;
};

constexpr std::string_view kTeams = "party,search\nada,.7\nbo,.4\ncy,.3\ndi,.2\ned,.1\n";

TEST_F(AgreeCommand, SplitsATotalAndSaysWhy) {
  const Ran ran = agree({"split", write("w.csv", kTeams), "--total", "10M tokens, 1 usd"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("uniform-phantom of 5 parties\n"));
  EXPECT_THAT(ran.out, HasSubstr("search          0.4         0.40 usd, 4M tokens\n"));
  EXPECT_THAT(ran.out, HasSubstr("rest            0.6"));
  EXPECT_THAT(ran.out, HasSubstr("ada asked for 0.7 and is 0.3 away from it"));
}

TEST_F(AgreeCommand, TakesEveryMechanismAndWeights) {
  const std::string file = write("w.csv", kTeams);
  EXPECT_THAT(agree({"split", file, "-m", "average"}).out, HasSubstr("search          0.34"));
  EXPECT_THAT(agree({"split", file, "-m", "median"}).out, HasSubstr("search          0.3 "));
  EXPECT_THAT(agree({"split", file, "-m", "midrange"}).out, HasSubstr("search          0.4"));
  const Ran unknown = agree({"split", file, "-m", "mean"});
  EXPECT_EQ(unknown.code, 1);
  EXPECT_THAT(unknown.err, HasSubstr("no mechanism 'mean'"));
  const std::string weighted = write("v.csv", "party,weight,a,b\nada,3,1,0\nbo,1,0,1\n");
  EXPECT_THAT(agree({"split", weighted}).out, HasSubstr("a               0.75"));
  EXPECT_THAT(agree({"split", weighted, "-m", "independent-markets"}).out, HasSubstr("a               0.75"));
}

TEST_F(AgreeCommand, SplitsThreeLinesAndPointsOfAnInterval) {
  const std::string three = write("t.csv", "party,a,b,c\nada,1,0,0\nbo,1,0,0\ncy,0,1,0\ndi,0,0,1\n");
  const Ran ran = agree({"split", three, "--total", "8 calls"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("independent-markets of 4 parties\na               0.5         4 calls\n"));
  EXPECT_THAT(agree({"split", three, "-m", "median"}).err, HasSubstr("independent-markets"));
  const std::string road = write("r.csv", "party,km\nada,0\nbo,0\ncy,30\n");
  EXPECT_THAT(agree({"split", road, "--high", "30"}).out, HasSubstr("km              10\n"));
  EXPECT_THAT(agree({"split", road, "--high", "30", "-t", "1 usd"}).err, HasSubstr("shares from 0 to 1"));
  EXPECT_THAT(agree({"split", road}).err, HasSubstr("line 4, column 'km': is '30'"));
}

TEST_F(AgreeCommand, PrintsTheBallotsForAnAudit) {
  const Ran ran = agree({"split", write("w.csv", kTeams), "--json", "-t", "10M tokens"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  const auto json = parse_json(ran.out.substr(0, ran.out.size() - 1));
  ASSERT_TRUE(json) << json.error().message;
  const JsonView root(*json);
  EXPECT_EQ(*root.double_at("outcome", 0, 1), .4);
  EXPECT_EQ(*root.at("ballots")->array_size(), 5U);
  EXPECT_EQ(*root.at("lines")->element(0)->at("units")->int_at("tokens"), 4'000'000);
}

TEST_F(AgreeCommand, ChecksAxiomsAndFindsTheLie) {
  const std::string file = write("w.csv", kTeams);
  const Ran fair = agree({"check", file});
  EXPECT_EQ(fair.code, 0) << fair.out;
  EXPECT_THAT(fair.out, HasSubstr("strategyproofness: no lie pays"));
  EXPECT_THAT(fair.out, Not(HasSubstr("broken")));
  const Ran average = agree({"check", file, "-m", "average"});
  EXPECT_EQ(average.code, 1);
  EXPECT_THAT(average.out, HasSubstr("ada wants 0.7 and comes 0.06 nearer by saying 1: 0.34 becomes 0.4"));
  const Ran given = agree({"check", file, "--outcome", "1"});
  EXPECT_EQ(given.code, 1);
  EXPECT_THAT(given.out, HasSubstr("individual fair share: broken; 1 of 5 (ed) at 0.1"));
  EXPECT_THAT(agree({"check", file, "--outcome", "x"}).err, HasSubstr("--outcome is 'x'"));
  EXPECT_EQ(agree({"check", write("t.csv", "party,a,b,c\nada,.5,.3,.2\nbo,.1,.1,.8\n")}).code, 0);
}

TEST_F(AgreeCommand, RefusesByFileLineAndColumnWithTheRightCode) {
  EXPECT_EQ(agree({"split", folder / "none.csv"}).code, 3);
  EXPECT_EQ(agree({"split", folder}).code, 3);
  EXPECT_EQ(agree({"split"}).code, 2);
  EXPECT_EQ(agree({}).code, 2);
  EXPECT_EQ(agree({"--help"}).code, 0);
  const Ran bad = agree({"split", write("b.csv", "party,a\nada,half\n")});
  EXPECT_EQ(bad.code, 1);
  EXPECT_THAT(bad.err, HasSubstr("b.csv: line 2, column 'a': is 'half'; it must be a number"));
  EXPECT_THAT(agree({"split", write("w.csv", kTeams), "-t", "much"}).err, HasSubstr("--total"));
  EXPECT_THAT(agree({"split", write("e.csv", "party,a\n\"\x1b[2J\",1\n")}).out, Not(HasSubstr("\x1b")));
  EXPECT_THAT(agree({"hire", write("g.json", "{}")}).err, HasSubstr("g.json: $"));
}

// What docs/agree.md shows in fences of that kind, in order.
std::vector<std::string> fences(const std::string& kind) {
  const char* source = std::getenv("BURSAR_SOURCE");
  std::ifstream file(std::filesystem::path(source == nullptr ? "." : source) / "docs/agree.md");
  const std::string page{std::istreambuf_iterator<char>(file), {}}, open = "```" + kind + "\n";
  std::vector<std::string> out;
  for (std::size_t at = 0; (at = page.find(open, at)) != std::string::npos;) {
    const std::size_t from = at + open.size(), to = page.find("```", from);
    out.push_back(page.substr(from, to - from));
    at = to + 3;
  }
  return out;
}

TEST_F(AgreeCommand, AnswersThePagesExamplesAsThePageSays) {
  const auto csv = fences("csv"), json = fences("json"), text = fences("text");
  ASSERT_EQ(csv.size(), 1U) << "is BURSAR_SOURCE set?";
  ASSERT_EQ(json.size(), 1U);
  ASSERT_EQ(text.size(), 3U);
  const std::string wishes = write("wishes.csv", csv[0]);
  EXPECT_EQ(agree({"split", wishes, "--total", "10M tokens"}).out, text[0]);
  EXPECT_EQ(agree({"check", wishes, "--mechanism", "average"}).out, text[1]);
  EXPECT_EQ(agree({"hire", write("game.json", json[0])}).out, text[2]);
}

}  // namespace
}  // namespace bursar::cli
