#include "bursar/plan/workflow/task_templates.h"

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <iterator>

namespace bursar::plan {
namespace {

constexpr std::string_view kThree =
    "lat_mean,success_prob,note,cost_mean,lat_std\r\n4,0.5,x,1000,2\r\n\r\n2.5,1,,300,0\r\n60,0,z,9000,30";

TEST(TaskTemplates, AreReadByTheNamesOfTheirColumns) {
  const auto read = read_task_templates(kThree);
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->size(), 3);
  const Option option = option_of(read->front(), "m", 1e-6);
  EXPECT_EQ(option.model, "m");
  EXPECT_DOUBLE_EQ(option.p, .5);
  EXPECT_DOUBLE_EQ(option.latency.mean_ms, 4000);
  EXPECT_DOUBLE_EQ(option.latency.cv, .5);
  EXPECT_DOUBLE_EQ(option.cost.usd, .001);
  EXPECT_DOUBLE_EQ((*read)[2].tokens, 9000);
}

TEST(TaskTemplates, NameTheLineThatIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "success_prob"},
      {"success_prob,lat_mean,lat_std\n", "cost_mean"},
      {"success_prob,lat_mean,lat_std,cost_mean\n", "no row"},
      {"success_prob,lat_mean,lat_std,cost_mean\n.5,1,1,1\n1.5,1,1,1\n", "line 3: success_prob"},
      {"success_prob,lat_mean,lat_std,cost_mean\n.5,0,1,1\n", "line 2: lat_mean"},
      {"success_prob,lat_mean,lat_std,cost_mean\n.5,1,nan,1\n", "line 2: lat_std"},
      {"success_prob,lat_mean,lat_std,cost_mean\n.5,1,1\n", "line 2: cost_mean"},
  };
  for (const auto& [text, says] : cases) {
    const auto read = read_task_templates(text);
    ASSERT_FALSE(read) << text;
    EXPECT_NE(read.error().message.find(says), std::string::npos) << read.error().message;
  }
}

struct Moments {
  double mean = 0, deviation = 0;
};
using Of = std::function<double(const TaskTemplate&)>;
Moments moments_of(const std::vector<TaskTemplate>& rows, const Of& of) {
  double sum = 0, square = 0;
  for (const TaskTemplate& row : rows) sum += of(row);
  const double mean = sum / static_cast<double>(rows.size());
  for (const TaskTemplate& row : rows) square += (of(row) - mean) * (of(row) - mean);
  return {mean, std::sqrt(square / static_cast<double>(rows.size()))};
}
double correlation(const std::vector<TaskTemplate>& rows, const Of& a, const Of& b) {
  const Moments of_a = moments_of(rows, a), of_b = moments_of(rows, b);
  double sum = 0;
  for (const TaskTemplate& row : rows) sum += (a(row) - of_a.mean) * (b(row) - of_b.mean);
  return sum / static_cast<double>(rows.size()) / of_a.deviation / of_b.deviation;
}

// What the generator of the sheet is fitted to: reproduce/workflow_worlds.cc draws from these numbers.
TEST(TaskTemplates, MeasuredOnesAreWhatTheGeneratorDraws) {
  const char* shared = std::getenv("BURSAR_SHARED");
  std::ifstream file(std::string(shared == nullptr ? "" : shared) + "/data/mcpp-rollout-stats.csv");
  if (!file) GTEST_SKIP() << "data/mcpp-rollout-stats.csv is not in BURSAR_SHARED";
  auto rows = read_task_templates(std::string{std::istreambuf_iterator<char>(file), {}});
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_EQ(rows->size(), 5000);
  std::erase_if(*rows, [](const TaskTemplate& row) { return row.success <= 0 || row.success >= 1 || row.tokens <= 0; });
  EXPECT_GT(rows->size(), 4900);
  const Of logit = [](const TaskTemplate& row) { return std::log(row.success / (1 - row.success)); };
  const Of latency = [](const TaskTemplate& row) { return std::log(row.latency_mean_s); };
  const Of tokens = [](const TaskTemplate& row) { return std::log(row.tokens); };
  EXPECT_NEAR(moments_of(*rows, logit).mean, .132, .02);
  EXPECT_NEAR(moments_of(*rows, logit).deviation, .913, .02);
  EXPECT_NEAR(moments_of(*rows, latency).mean, 1.750, .02);
  EXPECT_NEAR(moments_of(*rows, latency).deviation, .817, .02);
  EXPECT_NEAR(moments_of(*rows, tokens).mean, 7.527, .02);
  EXPECT_NEAR(moments_of(*rows, tokens).deviation, .787, .02);
  EXPECT_NEAR(correlation(*rows, logit, latency), -.92, .01);
  EXPECT_NEAR(correlation(*rows, latency, tokens), .96, .01);
}

}  // namespace
}  // namespace bursar::plan
