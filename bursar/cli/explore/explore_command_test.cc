#include "bursar/cli/explore/explore_command.h"

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

class ExploreCommand : public ::testing::Test {
 protected:
  void SetUp() override {
    folder = std::filesystem::temp_directory_path() / ("bursar-explore-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
  }
  void TearDown() override { std::filesystem::remove_all(folder); }
  static Ran explore(std::vector<std::string> words, const std::string& input = "") {
    std::istringstream in(input);
    std::ostringstream out, err;
    const int code = run_explore(std::move(words), {in, out, err});
    return {code, out.str(), err.str()};
  }
  std::string file(const std::string& name) const { return folder / name; }
  std::filesystem::path folder;
};

TEST_F(ExploreCommand, KeepsABanditFromOneRunToTheNext) {
  const std::string path = file("arms.json");
  const Ran first = explore({"run", path, "--policy", "ucb1", "--names", "small,large", "--budget", "usd=5"},
                            "{\"choose\":{\"costs\":[0.5,2]}}\n{\"choose\":{\"costs\":[0.5,2]}}\n");
  EXPECT_EQ(first.code, 0) << first.err;
  EXPECT_EQ(first.out,
            "{\"id\":0,\"arm\":0,\"name\":\"small\",\"reason\":\"best\"}\n"
            "{\"id\":1,\"arm\":1,\"name\":\"large\",\"reason\":\"best\"}\n");
  const Ran second = explore({"run", path},
                             "{\"learn\":{\"id\":1,\"reward\":0.9,\"cost\":[1.5]}}\n"
                             "{\"learn\":{\"id\":1,\"reward\":0.9}}\n{\"learn\":{\"id\":0,\"reward\":0.2}}\n");
  EXPECT_EQ(second.code, 0) << second.err;
  EXPECT_THAT(second.out, HasSubstr("{\"id\":1,\"learned\":true}"));
  EXPECT_THAT(second.out, HasSubstr("\"code\":\"not_found\""));
  const Ran report = explore({"report", path});
  EXPECT_EQ(report.code, 0) << report.err;
  EXPECT_THAT(report.out, HasSubstr("ucb1: 2 choices, 0 without feedback\nusd: 3 left\n"));
  EXPECT_THAT(report.out, HasSubstr("leads, not yet clear: large"));
  const auto json = parse_json(explore({"report", path, "--json"}).out);
  ASSERT_TRUE(json);
  EXPECT_EQ(json->at("arms").at(1).at("mean"), .9);
}

TEST_F(ExploreCommand, RefusesAFileThatIsDamagedOrMissing) {
  EXPECT_EQ(explore({"report", file("none.json")}).code, 3);
  EXPECT_THAT(explore({"run", file("none.json")}).err, HasSubstr("say --policy"));
  std::ofstream(file("bad.json")) << "{\"bursar-explore\":1,\"names\":[],\"state\":{\"policy\":\"ucb1\"}}";
  const Ran bad = explore({"run", file("bad.json")});
  EXPECT_EQ(bad.code, 1);
  EXPECT_THAT(bad.err, HasSubstr("bad.json: is no bandit"));
}

TEST_F(ExploreCommand, AnswersWrongLinesAndGoesOn) {
  const Ran ran = explore({"run", file("a.json"), "-p", "thompson:arms=2"},
                          "nonsense\n{\"learn\":{}}\n{\"choose\":{\"x\":1}}\n{\"choose\":{}}\n");
  EXPECT_EQ(ran.code, 0);
  EXPECT_EQ(std::ranges::count(ran.out, '\n'), 4);
  EXPECT_THAT(ran.out, HasSubstr("$.choose"));
  EXPECT_THAT(ran.out, HasSubstr("{\"id\":0,\"arm\":"));
}

TEST_F(ExploreCommand, SimulatesAnyPolicyAndDrawsItsRegret) {
  const Ran ran = explore({"simulate", "-w", "bernoulli:means=[.9;.1]", "-p", "ucb1", "-p", "epsilon-greedy:epsilon=1",
                           "--rounds", "500", "--seeds", "3", "--json", "--plot", file("regret.svg")});
  ASSERT_EQ(ran.code, 0) << ran.err;
  const auto json = parse_json(ran.out).value();
  const auto regret = [&](int i) {
    return json.at("policies").at(static_cast<std::size_t>(i)).at("regret").to_number<double>();
  };
  EXPECT_LT(regret(0), regret(1));
  EXPECT_NEAR(regret(1), 200, 20);
  EXPECT_TRUE(std::filesystem::exists(file("regret.svg")));
  EXPECT_EQ(
      explore({"simulate", "-w", "pricing:prices=[.5;.7]", "-p", "primal-dual-bwk", "--rounds", "400", "--seeds", "2"})
          .code,
      0);
  EXPECT_THAT(explore({"simulate", "-w", "nowhere"}).err, HasSubstr("there is no world"));
  EXPECT_THAT(explore({"simulate", "-w", "bernoulli:means=[2]"}).err, HasSubstr("from 0 to 1"));
  EXPECT_EQ(explore({"simulate", "--nothing"}).code, 2);
}

TEST_F(ExploreCommand, ListsItsPolicies) {
  const Ran ran = explore({"policies"});
  EXPECT_THAT(ran.out, HasSubstr("lin-ucb:"));
  EXPECT_TRUE(parse_json(explore({"policies", "--json"}).out));
}

}  // namespace
}  // namespace bursar::cli
