#include "bursar/cli/plan/plan_command.h"

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>
#include <unistd.h>

namespace bursar::cli {
namespace {

using ::testing::HasSubstr;

struct Ran {
  int code = 0;
  std::string out, err;
};

Ran plan(std::vector<std::string> words) {
  std::ostringstream out, err;
  const int code = run_plan(std::move(words), {out, err});
  return {code, out.str(), err.str()};
}

TEST(PlanCommand, SplitsTokensByCreditAndPlace) {
  EXPECT_EQ(plan({"split", "--credits", "20,80", "--total", "200", "--decay", "cosine"}).out,
            "tokens  credit  step\n147     20      1\n53      80      2\n200 in all\n");
  EXPECT_THAT(plan({"split", "--credits", "50,30,20", "--level", "3"}).out, HasSubstr("267     50      1\n"));
  EXPECT_THAT(plan({"steps", "What is 3 + 4? Double it, then halve it.", "--total", "90"}).out,
              HasSubstr("What is 3 + 4?\n"));
}

TEST(PlanCommand, BoundsSteps) { EXPECT_EQ(plan({"bound", "--p", "0.3", "--progress", "3"}).out, "45 steps\n"); }

TEST(PlanCommand, ComparesStrategiesOnASimulatedModel) {
  const Ran ran = plan({"compare", "bom", "sevra:threshold=0", "--questions", "20", "--seed", "3"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, ::testing::StartsWith("Simulated: 20 questions"));
  EXPECT_THAT(ran.out, HasSubstr("\nmajority of 8 "));
  EXPECT_THAT(ran.out, HasSubstr("\nsevra:threshold=0 "));
  EXPECT_EQ(ran.out, plan({"compare", "bom", "sevra:threshold=0", "--questions", "20", "--seed", "3"}).out);
  EXPECT_THAT(plan({"compare", "nope"}).err, HasSubstr("there is no strategy named 'nope'"));
  EXPECT_THAT(plan({"compare", "bom:samples=0"}).err, HasSubstr("samples"));
  EXPECT_THAT(plan({"compare", "--kind", "essay"}).err, HasSubstr("take open, options or search"));
}

TEST(PlanCommand, SizesTeams) {
  EXPECT_THAT(plan({"org", "--budget", "1e5", "--rho", ".05", "--window", "512"}).out, HasSubstr("a tree of "));
  EXPECT_THAT(plan({"org", "--budget", "1e5", "--rho", ".9", "--beta", ".5"}).out, HasSubstr("a single agent"));
  EXPECT_EQ(plan({"org", "--budget", "-1"}).code, 1);
}

TEST(PlanCommand, CalibratesAGate) {
  const std::string path = std::filesystem::temp_directory_path() / ("bursar-plan-" + std::to_string(::getpid()));
  std::ofstream(path) << R"({"base_correct":true,"verified_correct":true,"gate_score":0.2,"verification_tokens":1000})"
                         "\n"
                         R"({"base_correct":false,"verified_correct":true,"gate_score":0.9,"verification_tokens":100})"
                         "\n";
  const Ran ran = plan({"gate", path});
  EXPECT_THAT(ran.out, HasSubstr("calibrated threshold 0.9\n"));
  EXPECT_THAT(ran.out, HasSubstr("chosen    1.0000    0.5000    0.5000  0.0000  50\n"));
  EXPECT_THAT(plan({"gate", path, "--threshold", "1", "--json"}).out, HasSubstr("\"chosen\":{\"accuracy\":5E-1"));
  std::ofstream(path) << "{\"base_correct\":true}\n";
  const Ran bad = plan({"gate", path});
  EXPECT_EQ(bad.code, 1);
  EXPECT_THAT(bad.err, HasSubstr("lacks the key \"verified_correct\""));
  std::filesystem::remove(path);
}

TEST(PlanCommand, SaysWhatIsWrong) {
  EXPECT_EQ(plan({}).code, 2);
  EXPECT_EQ(plan({"gate", "/nowhere"}).code, 3);
  EXPECT_EQ(plan({"split", "--credits", "1,2", "--decay", "steep"}).code, 1);
  EXPECT_EQ(plan({"split", "--credits", "-1,2"}).code, 1);
  EXPECT_THAT(plan({"bound", "--p", "0", "--progress", "1"}).err, HasSubstr("p must be in (0, 1]"));
}

}  // namespace
}  // namespace bursar::cli
