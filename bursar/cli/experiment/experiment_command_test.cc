#include "bursar/cli/experiment/experiment_command.h"

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

using ::testing::HasSubstr;
using ::testing::Not;

struct Ran {
  int code = 0;
  std::string out, err;
};

class ExperimentCommand : public ::testing::Test {
 protected:
  void SetUp() override {
    folder = std::filesystem::temp_directory_path() / ("bursar-experiment-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
    file = folder / "x.jsonl";
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  static Ran run(std::vector<std::string> words, const std::string& input = "") {
    std::istringstream in(input);
    std::ostringstream out, err;
    const int code = run_experiment(std::move(words), {in, out, err});
    return {code, out.str(), err.str()};
  }
  [[nodiscard]] std::string text() const {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void add(std::string_view more) const { std::ofstream(file, std::ios::binary | std::ios::app) << more; }

  // Samples what next asks for until it ends, `good` being worth most; a file is opened for every step.
  void play(const std::string& good, int at_once = 1000) const {
    RandomStream random(5);
    for (int step = 0; step < 200; ++step) {
      const auto next = parse_json(run({"next", file, "--json", "--count", std::to_string(at_once)}).out).value();
      if (next.at("next").as_array().empty()) return;
      std::string rows = "arm,reward\n";
      for (const auto& pull : next.at("next").as_array()) {
        for (std::int64_t n = 0; n < pull.at("count").as_int64(); ++n) {
          const std::string arm(pull.at("arm").as_string());
          rows += arm + (random.bernoulli(arm == good ? .9 : .2) ? ",1\n" : ",0\n");
        }
      }
      const Ran ran = run({"record", file, "--from", "-"}, rows);
      ASSERT_EQ(ran.code, 0) << ran.err;
    }
  }

  std::filesystem::path folder;
  std::string file;
};

TEST_F(ExperimentCommand, RunsFromDesignToDecision) {
  Ran ran = run({"new", file, "--arm", "old", "--arm", "new", "--arm", "short", "--samples", "300"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  ran = run({"record", file, "new", "0.8", "--id", "17"});
  EXPECT_EQ(ran.out, "recorded 1; 1 in all\n") << ran.err;
  ran = run({"record", file, "new", "0.8", "--id", "17"});
  EXPECT_EQ(ran.out, "recorded 0, and 1 were recorded before; 1 in all\n");
  EXPECT_EQ(run({"record", file, "new", "0.7", "--id", "17"}).code, 1);
  EXPECT_THAT(run({"record", file, "newer", "0.7"}).err, HasSubstr("there are old, new, short"));
  EXPECT_EQ(run({"decide", file}).code, 1);
  play("new");
  ran = run({"status", file});
  EXPECT_THAT(ran.out, HasSubstr("halving: "));
  EXPECT_THAT(ran.out, HasSubstr("ended"));
  ran = run({"decide", file});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, ::testing::StartsWith("new\nguarantee: "));
  EXPECT_EQ(run({"decide", file}).out, ran.out);
  EXPECT_THAT(run({"record", file, "new", "1"}).err, HasSubstr("it was decided at 2"));
}

TEST_F(ExperimentCommand, LeavesALineThatACrashCutOffAndSaysSo) {
  ASSERT_EQ(run({"new", file, "-a", "x", "-a", "y", "-n", "100"}).code, 0);
  ASSERT_EQ(run({"record", file, "x", "1"}).code, 0);
  const std::string whole = text();
  add(R"({"at":"2026-11-25T10:00:00Z","arm":"x","rew)");
  EXPECT_THAT(run({"status", file}).err, HasSubstr("cut off"));
  Ran ran = run({"record", file, "y", "0"});
  EXPECT_EQ(ran.out, "recorded 1; 2 in all\n");
  EXPECT_THAT(text(), ::testing::StartsWith(whole));
  EXPECT_THAT(text(), Not(HasSubstr("\"rew\n")));
  EXPECT_EQ(run({"status", file}).err, "");
}

TEST_F(ExperimentCommand, NamesTheLineThatWasDamaged) {
  ASSERT_EQ(run({"new", file, "-a", "x", "-a", "y", "-n", "100"}).code, 0);
  add("{\"arm\":\"z\",\"reward\":1}\n");
  const Ran ran = run({"status", file});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, HasSubstr("line 2"));
}

TEST_F(ExperimentCommand, RecordsAllRowsOrNone) {
  ASSERT_EQ(run({"new", file, "-a", "x", "-a", "y", "-n", "100"}).code, 0);
  const std::string before = text();
  const Ran ran = run({"record", file, "--from", "-"}, "arm,reward\nx,1\ny,2\n");
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, HasSubstr("row 2"));
  EXPECT_EQ(text(), before);
}

TEST_F(ExperimentCommand, ShowsNothingOfPrivateRewardsButWhatWasReleased) {
  const std::string purse = folder / "privacy.json";
  Ran ran = run({"new",
                 file,
                 "-a",
                 "x",
                 "-a",
                 "y",
                 "-a",
                 "z",
                 "-m",
                 "private",
                 "-n",
                 "300",
                 "--epsilon",
                 "1",
                 "--accountant",
                 purse,
                 "--unit",
                 "may",
                 "--epsilon-limit",
                 "1.5"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(std::filesystem::status(file).permissions() & std::filesystem::perms::others_read,
            std::filesystem::perms::none);
  ran = run({"record", file, "x", "1"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(run({"status", file}).out, HasSubstr("epsilon 0 spent of 1"));
  EXPECT_EQ(run({"decide", file, "--now"}).code, 1);
  // The epsilon of the same people is set aside: another experiment on them must do with the rest.
  ran = run({"new", folder / "b.jsonl", "-a", "x", "-a", "y", "-m", "private", "-n", "300", "--epsilon", "1",
             "--accountant", purse, "--unit", "may"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, HasSubstr("epsilon 0.5"));
  play("y");
  ran = run({"status", file});
  EXPECT_THAT(ran.out, HasSubstr("epsilon 1 spent of 1"));
  EXPECT_THAT(ran.out, HasSubstr("with noise"));
  ran = run({"decide", file});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("e^1"));
  EXPECT_THAT(ran.out, ::testing::StartsWith("y\n"));
}

TEST_F(ExperimentCommand, StopsWhereTheMoneyEnds) {
  ASSERT_EQ(run({"new", file, "-a", "x", "-a", "y", "-m", "lucb", "--money", "1 usd", "--price", "x=0.30 usd",
                 "--price", "y=0.10 usd"})
                .code,
            0);
  play("x", 1);
  const Ran ran = run({"decide", file, "--now"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("guarantee: none"));
  EXPECT_THAT(run({"status", file}).out, HasSubstr("of 1.00 usd"));
}

TEST_F(ExperimentCommand, ComplainsAboutWords) {
  EXPECT_EQ(run({}).code, 2);
  EXPECT_EQ(run({"new"}).code, 2);
  EXPECT_EQ(run({"--help"}).code, 0);
  EXPECT_EQ(run({"status", folder / "none.jsonl"}).code, 3);
  EXPECT_EQ(run({"new", file, "-a", "x", "-n", "9"}).code, 1);
  EXPECT_EQ(run({"new", file, "-a", "x", "-a", "y", "-n", "9", "-m", "guess"}).code, 1);
  EXPECT_EQ(run({"record", file}).code, 1);
  ASSERT_EQ(run({"new", file, "-a", "x", "-a", "y", "-n", "9"}).code, 0);
  EXPECT_THAT(run({"new", file, "-a", "x", "-a", "y", "-n", "9"}).err, HasSubstr("there is such a file already"));
}

TEST_F(ExperimentCommand, PlansSamplesForGroups) {
  const Ran ran = run({"plan", "-", "--budget", "4000"},
                      "group,cost,weight,population,a,b,gamma\na,1,.25,.6,.05,1.2,.5\nb,1,.25,.2,.08,2.5,.35\n"
                      "c,2,.25,.15,.06,1,.7\nd,4,.25,.05,.1,3,.45\n");
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("1512"));
  EXPECT_THAT(ran.out, HasSubstr("price of equity"));
  EXPECT_THAT(ran.out, HasSubstr("weight of d doubled"));
  EXPECT_THAT(run({"plan", "-", "--budget", "4000"}, "group,cost,a,b,gamma\na,1,.1,1,.5\n").err, HasSubstr("`weight`"));
}

TEST_F(ExperimentCommand, BuysRowsOfAFileWithinItsBudget) {
  RandomStream random(8);
  std::string rows = "group,target,f1,f2,f3\n";
  for (int i = 0; i < 900; ++i) {
    const bool hard = i % 3 == 0;
    std::array<double, 3> f{random.normal(), random.normal(), random.normal()};
    const double target = f[0] - f[1] + (hard ? 3 : .5) * random.normal();
    rows += (hard ? "fi," : "en,") + std::to_string(target);
    for (const double x : f) rows += "," + std::to_string(x);
    rows += '\n';
  }
  const Ran ran = run({"sample", "-", "--budget", "200", "--first", "20", "--cost", "fi=2", "--json"}, rows);
  ASSERT_EQ(ran.code, 0) << ran.err;
  const auto report = parse_json(ran.out).value();
  EXPECT_LE(report.at("spent").as_double(), 200);
  EXPECT_EQ(report.at("groups").as_array().size(), 2U);
  EXPECT_THAT(run({"sample", "-", "--budget", "200"}, rows).out, HasSubstr("every group has weight 1"));
  EXPECT_EQ(run({"sample", "-", "--budget", "200", "--model", "logistic"}, rows).code, 1);
}

}  // namespace
}  // namespace bursar::cli
