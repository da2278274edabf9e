#include "bursar/cli/bid/bid_command.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>
#include <unistd.h>

#include "bursar/core/json.h"
#include "bursar/core/random.h"

namespace bursar::cli {
namespace {

using testing::HasSubstr;

struct Ran {
  int code = 0;
  std::string out, err;
};

Ran bid(std::vector<std::string> words) {
  std::ostringstream out, err;
  const int code = run_bid(std::move(words), {out, err});
  return {code, out.str(), err.str()};
}

class BidCommand : public testing::Test {
 protected:
  void SetUp() override {
    folder = std::filesystem::temp_directory_path() / ("bursar-bid-command-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
    std::ofstream file(log());
    RandomStream random(1);
    for (int i = 0; i < 4000; ++i) {
      const double theta = .05 * random.uniform01();
      file << (random.bernoulli(theta) ? 1 : 0) << ' ' << random.uniform_int(1, 60) << ' ' << theta << '\n';
    }
  }
  void TearDown() override { std::filesystem::remove_all(folder); }
  [[nodiscard]] std::string log() const { return folder / "auctions.txt"; }
  [[nodiscard]] std::string in(const char* name) const { return folder / name; }
  std::filesystem::path folder;
};

TEST_F(BidCommand, FitsACampaignAndReplaysItsLogUnderSeveralRules) {
  const Ran fit = bid({"fit", log(), "-o", in("facts.json"), "--table", in("t.bid"), "--policy", in("rlb.json"), "--c0",
                       "1/8", "--episode", "200"});
  ASSERT_EQ(fit.code, 0) << fit.err;
  EXPECT_THAT(fit.out, HasSubstr("auctions      4000"));
  EXPECT_TRUE(std::filesystem::exists(in("t.bid")));
  EXPECT_TRUE(std::filesystem::exists(in("rlb.json")));
  const std::vector<std::string> words{"replay", log(),      "--c0",  ".125",     "--episode", "200",      "--policy",
                                       "rlb",    "--policy", "ssmdp", "--policy", "mcpc",      "--policy", "dmd"};
  auto by_facts = words, by_log = words;
  by_facts.insert(by_facts.end(), {"--train", in("facts.json"), "--json"});
  by_log.insert(by_log.end(), {"--train", log(), "--policy", "lin"});
  const Ran json = bid(by_facts), text = bid(by_log);
  ASSERT_EQ(json.code, 0) << json.err;
  ASSERT_EQ(text.code, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("policy"));
  EXPECT_THAT(text.out, HasSubstr("lin "));
  const auto document = parse_json(json.out.substr(0, json.out.size() - 1));
  ASSERT_TRUE(document) << document.error().message;
  const JsonView root(*document);
  const auto expected = [&](std::size_t row) {
    return *root.at("policies")->element(row)->double_at("expected_clicks", 0, 1e9);
  };
  EXPECT_EQ(*root.at("policies")->array_size(), 4U);
  for (std::size_t row = 1; row < 4; ++row) EXPECT_GT(expected(0), expected(row));
  EXPECT_LT(expected(0), *root.double_at("bound_of_expected_clicks", 0, 1e9));
}

TEST_F(BidCommand, ValuesLaterAuctionsByAllPredictionsWhereAsked) {
  std::vector<std::string> words{"replay", log(), "--train", log(), "--policy", "rlb", "--json"};
  const Ran average = bid(words);
  words.insert(words.end(), {"--theta", "distribution"});
  const Ran spread = bid(words);
  ASSERT_EQ(spread.code, 0) << spread.err;
  EXPECT_NE(average.out, spread.out);
}

TEST_F(BidCommand, SaysWhatIsWrong) {
  EXPECT_EQ(bid({}).code, 2);
  EXPECT_EQ(bid({"replay", log()}).code, 2);
  const auto replay = [&](std::vector<std::string> more) {
    std::vector<std::string> words{"replay", log(), "--train", log()};
    words.insert(words.end(), more.begin(), more.end());
    return bid(words);
  };
  EXPECT_THAT(replay({"--policy", "rlbb"}).err, HasSubstr("rlb"));
  EXPECT_THAT(replay({"--policy", "rlb:gama=1"}).err, HasSubstr("gama"));
  EXPECT_THAT(replay({"--policy", "rlb", "--c0", "1/0"}).err, HasSubstr("--c0 is '1/0'"));
  EXPECT_THAT(replay({"--policy", "rlb", "--budget", "1000000000"}).err, HasSubstr("value net"));
  EXPECT_EQ(bid({"fit", in("none.txt")}).code, 3);
  std::ofstream(in("bad.txt")) << "0 5 .1\n1 x .1\n";
  const Ran bad = bid({"fit", in("bad.txt")});
  EXPECT_EQ(bad.code, 1);
  EXPECT_THAT(bad.err, HasSubstr("bad.txt: line 2: price is 'x'"));
  ASSERT_EQ(bid({"fit", log(), "-o", in("facts.json")}).code, 0);
  const Ran lin = bid({"replay", log(), "--train", in("facts.json"), "--policy", "lin"});
  EXPECT_EQ(lin.code, 1);
  EXPECT_THAT(lin.err, HasSubstr("give --train the log, or the number itself"));
}

TEST_F(BidCommand, GivesThePublishedRunOnTheRealLog) {
  const char* shared = std::getenv("BURSAR_SHARED");
  const std::string real = std::string(shared == nullptr ? "" : shared) + "/data/ipinyou-2997";
  if (!std::filesystem::exists(real + ".theta.txt.gz"))
    GTEST_SKIP() << "the log of campaign 2997 is not here: " << real;
  const Ran ran = bid({"replay", real + ".theta.txt.gz", "--train", real + ".info.json", "--c0", "1/32", "--episode",
                       "1000", "--policy", "rlb", "--policy", "ssmdp", "--policy", "mcpc", "--json"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  const auto document = parse_json(ran.out.substr(0, ran.out.size() - 1));
  const JsonView root(*document);
  const std::int64_t published[3][3] = {{39'680, 78, 304'375}, {40'395, 80, 306'637}, {14'752, 48, 307'751}};
  EXPECT_EQ(*root.int_at("budget"), 1969);
  for (std::size_t row = 0; row < 3; ++row) {
    const auto got = root.at("policies")->element(row);
    EXPECT_EQ(*got->int_at("wins"), published[row][0]);
    EXPECT_EQ(*got->int_at("clicks"), published[row][1]);
    EXPECT_EQ(*got->int_at("spend"), published[row][2]);
  }
}

}  // namespace
}  // namespace bursar::cli
