#include "bursar/cli/schedule/schedule_command.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>
#include <unistd.h>

#include "bursar/core/json.h"
#include "bursar/schedule/profile/schedule.h"

namespace bursar::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

struct Ran {
  int code = 0;
  std::string out, err;
};

Ran run(std::vector<std::string> words) {
  std::ostringstream out, err;
  const int code = run_schedule(std::move(words), {out, err});
  return {code, out.str(), err.str()};
}

TEST(ScheduleCommand, PrintsATableOfSeveralSchedules) {
  const Ran ran =
      run({"print", "--profile", "rex", "--profile", "linear", "--steps", "1000", "--peak", "0.3", "--rows", "3"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(ran.out,
            "step        share     rex           linear\n"
            "0           0.0000    0.3           0.3\n"
            "500         0.5000    0.2           0.15\n"
            "999         0.9990    0.000599401   0.0003\n"
            "1000 steps\n");
}

TEST(ScheduleCommand, WritesEveryStepExactlyAsCsvAndJson) {
  const auto table = *schedule::uba_schedule(200, .1, .01, .25, 20)->table();
  const std::vector<std::string> words{"--profile", "uba", "--phi",   "0.25", "--steps",  "200",
                                       "--peak",    ".1",  "--floor", ".01",  "--warmup", "20"};
  const auto with = [&](const char* verb, const char* form) {
    auto all = words;
    all.insert(all.begin(), verb);
    all.emplace_back(form);
    return run(all);
  };
  const Ran csv = with("lr", "--csv");
  ASSERT_EQ(csv.code, 0) << csv.err;
  EXPECT_THAT(csv.out, StartsWith("step,uba:phi=0.25\n0,"));
  std::istringstream lines(csv.out);
  std::string line;
  std::getline(lines, line);
  for (std::size_t t = 0; t < 200; ++t) {
    ASSERT_TRUE(std::getline(lines, line));
    EXPECT_EQ(std::stod(line.substr(line.find(',') + 1)), table[t]) << t;
  }
  EXPECT_FALSE(std::getline(lines, line));
  const Ran json = with("print", "--json");
  const auto document = parse_json(json.out);
  ASSERT_TRUE(document) << document.error().message;
  EXPECT_EQ(document->at("total").as_int64(), 200);
  const auto& values = document->at("series").at(0).at("values").as_array();
  for (std::size_t t = 0; t < 200; ++t) EXPECT_EQ(values[t].to_number<double>(), table[t]);
}

TEST(ScheduleCommand, GoesOnWhenTheBudgetChanges) {
  const Ran ran = run({"print", "-p", "linear", "-n", "1000", "--budget", "500:600", "--budget", "550:1050", "--csv"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("\n500,0.5\n"));
  EXPECT_THAT(ran.out, HasSubstr("\n550,0.25\n"));
  EXPECT_THAT(ran.out, HasSubstr("\n800,0.125\n"));
  EXPECT_THAT(ran.out, HasSubstr("\n1049,"));
  EXPECT_THAT(run({"print", "-p", "linear", "-n", "1000", "--budget", "500:400"}).err,
              HasSubstr("--budget 500:400: total: must be more than the 500 steps that are done"));
  EXPECT_THAT(run({"print", "-p", "linear", "-n", "1000", "--budget", "500"}).err,
              HasSubstr("must be STEPS_DONE:NEW_TOTAL"));
}

TEST(ScheduleCommand, ReadsAtACoarseRateAndRestarts) {
  const Ran steps = run({"print", "-p", "rex", "-n", "100", "--at", ".5,.75", "--csv"});
  EXPECT_THAT(steps.out, HasSubstr("\n49,1\n50,0.66"));
  EXPECT_THAT(run({"print", "-p", "linear", "-n", "100", "--every", "25", "--csv"}).out,
              HasSubstr("\n24,1\n25,0.75\n"));
  const Ran cycles =
      run({"print", "-p", "linear", "-n", "10", "--restarts", "2", "--growth", "2", "--decay", ".5", "--csv"});
  EXPECT_THAT(cycles.out, HasSubstr("\n10,0.5\n11,0.475\n"));
  EXPECT_THAT(cycles.out, HasSubstr("\n29,"));
}

TEST(ScheduleCommand, DrawsRatesAndBudgetsInOneSvg) {
  const Ran ran =
      run({"plot", "-p", "rex", "-p", "uba:phi=.25", "-c", "exponential:from=256,to=87", "-n", "600", "--peak", ".1"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, StartsWith("<svg xmlns"));
  EXPECT_THAT(ran.out, HasSubstr(">rate by step<"));
  EXPECT_THAT(ran.out, HasSubstr(">budget by step<"));
  EXPECT_THAT(ran.out, HasSubstr(">uba:phi=.25<"));
  std::size_t lines = 0;
  for (std::size_t at = ran.out.find("<polyline"); at != std::string::npos; at = ran.out.find("<polyline", at + 1))
    ++lines;
  EXPECT_EQ(lines, 3U);

  const auto folder = std::filesystem::temp_directory_path() / ("bursar-schedule-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  const std::string path = folder / "out.svg";
  EXPECT_EQ(run({"plot", "-p", "rex", "-n", "600", "-o", path}).code, 0);
  std::ifstream file(path);
  std::string first;
  std::getline(file, first);
  EXPECT_THAT(first, StartsWith("<svg"));
  EXPECT_EQ(run({"plot", "-p", "rex", "-n", "600", "-o", (folder / "none" / "out.svg").string()}).code, 3);
  std::filesystem::remove_all(folder);
}

TEST(ScheduleCommand, AdvisesPhi) {
  const Ran ran = run({"phi", "--kappa", "300", "--steps", "90", "--noise", ".01"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, StartsWith("phi 0.5 for 90 steps, condition number 300, noise 0.01\n"));
  const auto document = parse_json(run({"phi", "--kappa", "300", "--steps", "90", "--json"}).out);
  ASSERT_TRUE(document);
  EXPECT_EQ(document->at("phi").to_number<double>(), .5);
  EXPECT_EQ(document->at("loss_by_phi").as_array().size(), 7U);
  EXPECT_THAT(run({"phi", "--kappa", ".5", "--steps", "90"}).err, HasSubstr("kappa: a condition number is at least 1"));
}

TEST(ScheduleCommand, PrintsACurriculum) {
  const Ran ran = run({"budget", "--from", "256", "--to", "87", "--drops", "3", "--steps", "600"});
  EXPECT_EQ(ran.out,
            "from step   budget    exact\n"
            "0           256       256\n"
            "150         179       178.649\n"
            "300         125       124.669\n"
            "450         87        87\n");
  EXPECT_EQ(run({"budget", "--from", "26", "--to", "11", "--steps", "320", "--shape", "linear", "--csv"}).out,
            "step,budget,exact\n0,26,26\n80,21,21\n160,16,16\n240,11,11\n");
  const Ran grows = run({"budget", "--from", "87", "--to", "256", "--steps", "600", "--json"});
  EXPECT_EQ(grows.code, 0);
  EXPECT_THAT(grows.err, HasSubstr("the budget grows"));
  EXPECT_TRUE(parse_json(grows.out));
}

TEST(ScheduleCommand, ListsProfilesAndHelps) {
  EXPECT_THAT(run({"profiles"}).out, HasSubstr("uba           phi=.5"));
  EXPECT_EQ(run({"--help"}).code, 0);
  EXPECT_THAT(run({"--version"}).out, HasSubstr("bursar-schedule"));
}

TEST(ScheduleCommand, RefusesWhatIsWrongAndSaysWhy) {
  const auto refused = [](std::vector<std::string> words, int code) {
    const Ran ran = run(std::move(words));
    EXPECT_EQ(ran.code, code) << ran.err;
    EXPECT_EQ(ran.out, "");
    EXPECT_EQ(std::ranges::count(ran.err, '\n'), 1);
    return ran.err;
  };
  EXPECT_THAT(refused({"print", "-n", "10"}, 1), HasSubstr("give --profile or --curriculum"));
  EXPECT_THAT(refused({"print", "-p", "rax", "-n", "10"}, 1), HasSubstr("there is no such profile"));
  EXPECT_THAT(refused({"print", "-p", "ra\x1bx", "-n", "10"}, 1), testing::Not(HasSubstr("\x1b")));
  EXPECT_THAT(refused({"print", "-p", "rex", "-n", "0"}, 1), HasSubstr("steps: must be from 1"));
  EXPECT_THAT(refused({"print", "-p", "rex", "-n", "10", "--phi", "2"}, 1), HasSubstr("--phi: is for --profile uba"));
  EXPECT_THAT(refused({"print", "-p", "rex", "-n", "10", "--every", "2", "--at", ".5"}, 1),
              HasSubstr("exclude each other"));
  EXPECT_THAT(refused({"print", "-c", "constant:budget=5", "-n", "10", "--budget", "5:20"}, 1),
              HasSubstr("--curriculum"));
  EXPECT_THAT(refused({"print", "-p", "rex", "-n", "1000000000000", "--csv"}, 1), HasSubstr("give --rows"));
  EXPECT_THAT(refused({"print", "-p", "rex", "-n", "10", "--rows", "-1"}, 1), HasSubstr("--rows"));
  refused({"print", "-p", "rex"}, 2);
  refused({"print", "-p", "rex", "-n", "many"}, 2);
  refused({}, 2);
  refused({"nothing"}, 2);
}

}  // namespace
}  // namespace bursar::cli
