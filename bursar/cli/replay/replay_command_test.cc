#include "bursar/cli/replay/replay_command.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>
#include <unistd.h>

#include "bursar/cli/replay/admit_command.h"
#include "bursar/core/json.h"
#include "bursar/core/source_root_testing.h"

namespace bursar::cli {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

class ReplayCommand : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("bursar-replay-" + std::to_string(::getpid()) + "-" +
                                           testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name), std::ios::binary) << text;
    return path(name);
  }
  int replay(std::vector<std::string> words) { return run(run_replay, std::move(words)); }
  int admit(std::vector<std::string> words) { return run(run_admit, std::move(words)); }
  boost::json::value document() const {
    auto parsed = parse_json(out_);
    EXPECT_TRUE(parsed) << out_;
    return parsed ? *parsed : boost::json::value(nullptr);
  }

  std::string out_, err_;

 private:
  int run(int (*program)(std::vector<std::string>, ReplayOutput), std::vector<std::string> words) {
    std::ostringstream out, err;
    const int code = program(std::move(words), {out, err, false});
    out_ = out.str();
    err_ = err.str();
    return code;
  }
  fs::path folder_;
};

const std::string kThree = "reward,cost\n3,2\n1,1\n2,1\n";

TEST_F(ReplayCommand, ComparesPoliciesWithTheOptimum) {
  const std::string log = write("three.csv", kThree);
  ASSERT_EQ(replay({log, "--policy", "greedy", "--policy", "static-prices:prices=[1.2]", "--budget", "2", "--json"}), 0)
      << err_;
  const auto root = document();
  EXPECT_EQ(root.at("requests"), 3);
  EXPECT_EQ(root.at("bound").at("kind"), "linear_program");
  EXPECT_NEAR(root.at("bound").at("value").to_number<double>(), 3.5, 1e-6);  // the third, and half of the first
  EXPECT_EQ(root.at("policies").at(0).at("reward").to_number<double>(), 3);
  EXPECT_EQ(root.at("policies").at(0).at("first_short").to_number<int>(), 1);
  EXPECT_EQ(root.at("policies").at(1).at("reward").to_number<double>(), 3);
  ASSERT_EQ(replay({log, "--policy", "greedy", "--budget", "2"}), 0);
  EXPECT_THAT(out_, HasSubstr("linear program over the whole log"));
}

TEST_F(ReplayCommand, ReadsItsOwnDemoWithPricesAheadOfGreedy) {
  ASSERT_EQ(admit({"demo", "--requests", "3000"}), 0) << err_;
  const std::string log = write("requests.csv", out_);
  const std::vector<std::string> budget{"--budget", "usd=10", "--budget", "ms=1.5e6"};
  const auto with = [&](std::vector<std::string> words) {
    words.insert(words.end(), budget.begin(), budget.end());
    return words;
  };
  ASSERT_EQ(admit(with({"fit", log, "--output", path("fitted.json")})), 0) << err_;
  ASSERT_EQ(replay(with({log, "--policy", "greedy", "--policy", "dual-mirror-descent", "--policy",
                         "@" + path("fitted.json"), "--policy", "lp-prices", "--plot", path("out.svg"), "--json"})),
            0)
      << err_;
  const auto policies = document().at("policies");
  const double greedy = policies.at(0).at("reward").to_number<double>();
  for (std::size_t p = 0; p < 4; ++p) {
    EXPECT_LE(policies.at(p).at("share_of_bound").to_number<double>(), 1);
    EXPECT_LE(policies.at(p).at("spent").at("usd").to_number<double>(), 10);
    EXPECT_LE(policies.at(p).at("spent").at("ms").to_number<double>(), 1.5e6);
    if (p > 0) {
      EXPECT_GT(policies.at(p).at("reward").to_number<double>(), 1.2 * greedy) << p;
    }
  }
  std::ifstream svg(path("out.svg"));
  EXPECT_THAT(std::string(std::istreambuf_iterator<char>(svg), {}), HasSubstr("</svg>"));
}

TEST_F(ReplayCommand, PlaysAuctions) {
  const std::string log = write(
      "auctions.jsonl", "{\"value\":1,\"price\":0.4}\n{\"value\":1,\"price\":0.9}\n{\"value\":1,\"price\":0.2}\n");
  ASSERT_EQ(replay({log, "--policy", "static-prices:prices=[0.25]", "--budget", "1", "--json"}), 0) << err_;
  EXPECT_NEAR(document().at("policies").at(0).at("reward").to_number<double>(), .6 + .8, 1e-12);  // bids .8
  ASSERT_EQ(replay({log, "--policy", "greedy", "--goal", "value", "--budget", "1", "--json"}), 0) << err_;
  EXPECT_NEAR(document().at("policies").at(0).at("reward").to_number<double>(), 2, 1e-12);
}

TEST_F(ReplayCommand, BeginsEpisodesWithTheWholeBudget) {
  const std::string log = write("four.csv", "reward,cost\n1,1\n1,1\n1,1\n1,1\n");
  ASSERT_EQ(replay({log, "--policy", "greedy", "--budget", "1", "--episode", "2", "--json"}), 0) << err_;
  EXPECT_EQ(document().at("policies").at(0).at("reward").to_number<double>(), 2);
  EXPECT_NEAR(document().at("bound").at("value").to_number<double>(), 2, 1e-9);
}

TEST_F(ReplayCommand, SaysWhereALogIsWrong) {
  EXPECT_EQ(replay({write("a.csv", "reward,cost\n1,x\n"), "--policy", "greedy", "--budget", "1"}), 1);
  EXPECT_THAT(err_, HasSubstr("line 2, column cost: must be a number of at least 0, is 'x'"));
  EXPECT_EQ(replay({write("b.csv", "reward,cots\n1,1\n"), "--policy", "greedy", "--budget", "1"}), 1);
  EXPECT_THAT(err_, HasSubstr("column cots: is not known"));
  EXPECT_EQ(replay({write("c.csv", kThree), "--policy", "greedy"}), 1);
  EXPECT_THAT(err_, HasSubstr("there is no budget"));
  EXPECT_EQ(replay({write("d.csv", kThree), "--policy", "gredy", "--budget", "1"}), 1);
  EXPECT_THAT(err_, HasSubstr("there is no policy \"gredy\""));
  EXPECT_EQ(replay({path("none.csv"), "--policy", "greedy", "--budget", "1"}), 3);
  EXPECT_EQ(replay({"--what"}), 2);
}

// Every command of docs/admit.md, in its order.
TEST_F(ReplayCommand, DoesWhatItsPageSays) {
  std::ifstream page(source_root() / "docs/admit.md");
  ASSERT_TRUE(page);
  std::size_t commands = 0;
  bool inside = false;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("```")) inside = line == "```sh";
    if (!inside || !line.starts_with("bursar ")) continue;
    std::istringstream words(line);
    std::vector<std::string> all;
    for (std::string word; words >> word;)
      all.push_back(word.ends_with(".csv") || word.ends_with(".svg") || word.ends_with(".json")
                        ? (word[0] == '@' ? "@" + path(word.substr(1)) : path(word))
                        : word);
    std::string into;
    if (all.size() > 2 && all[all.size() - 2] == ">") {
      into = all.back();
      all.resize(all.size() - 2);
    }
    const std::vector<std::string> rest(all.begin() + 2, all.end());
    ASSERT_EQ(all[1] == "replay" ? replay(rest) : admit(rest), 0) << line << '\n' << err_;
    if (!into.empty()) std::ofstream(into) << out_;
    ++commands;
  }
  EXPECT_EQ(commands, 6U);
}

TEST_F(ReplayCommand, ListsPolicies) {
  ASSERT_EQ(admit({"policies"}), 0);
  EXPECT_THAT(out_, HasSubstr("dual-mirror-descent: prices that follow"));
  ASSERT_EQ(admit({"policies", "--json"}), 0);
  EXPECT_EQ(document().at(0).at("name"), "dual-mirror-descent");
}

}  // namespace
}  // namespace bursar::cli
