#include "bursar/cli/plan/workflow_verbs.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>
#include <unistd.h>

#include "bursar/cli/plan/plan_command.h"
#include "bursar/cli/plan/workflow_input.h"
#include "bursar/core/json.h"

namespace bursar::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kYaml = R"(name: essay
subtasks:
  - id: outline
    prompt: Outline it.
    options: &both
      - {model: small, p: 0.6, latency_ms: {mean: 2000, cv: 0.4}, tokens: 500, usd: 0.001}
      - {model: "large", p: .9, latency_ms: 5e3, tokens: 600, usd: 0.006}
  - id: facts
    options: *both
  - id: draft
    parents: [outline, facts]
    options: *both
)";

class WorkflowVerbs : public ::testing::Test {
 protected:
  void SetUp() override { write(kYaml); }
  void TearDown() override { std::filesystem::remove(path_); }
  void write(const std::string& text) const { std::ofstream(path_) << text; }

  struct Ran {
    int code = 0;
    std::string out, err;
  };
  [[nodiscard]] Ran plan(const std::string& verb, std::vector<std::string> words) const {
    words.insert(words.begin(), {verb, path_});
    std::ostringstream out, err;
    const int code = run_plan(std::move(words), {out, err});
    return {code, out.str(), err.str()};
  }

  std::string path_ =
      (std::filesystem::temp_directory_path() / ("bursar-workflow-" + std::to_string(::getpid()) + ".yaml")).string();
};

TEST_F(WorkflowVerbs, DecidesWhatStartsNow) {
  const Ran ran = plan("workflow", {"--budget-usd", ".02", "--deadline-s", "12", "--explain"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("start outline with "));
  EXPECT_THAT(ran.out, HasSubstr("start facts with "));
  EXPECT_THAT(ran.out, Not(HasSubstr("start draft")));
  EXPECT_THAT(ran.out, HasSubstr("all 3 subtasks complete in time and budget with probability "));
  EXPECT_THAT(ran.out, HasSubstr("those that were looked at longest"));
  EXPECT_EQ(plan("workflow", {"--budget-usd", ".02", "--deadline-s", "12", "--explain"}).out, ran.out);
  EXPECT_THAT(plan("workflow", {"--budget-usd", "0"}).out, HasSubstr("start nothing"));
  const auto document = parse_json(plan("workflow", {"--deadline-s", "60", "--json", "--published"}).out);
  ASSERT_TRUE(document);
  EXPECT_EQ(document->at("start").as_array().size(), 2U);
  EXPECT_TRUE(document->as_object().contains("epsilon"));
}

TEST_F(WorkflowVerbs, SimulatesPoliciesAndSaysSo) {
  const Ran ran = plan("simulate", {"--budget-usd", ".02", "--deadline-s", "12", "--runs", "50", "--policy",
                                    "mcpp,seq:2,seq:large:1,uniform,critical-path:large"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, ::testing::StartsWith("simulated: "));
  for (const char* name : {"mcpp ", "seq:2 ", "seq:large:1 ", "uniform ", "critical-path:large "})
    EXPECT_THAT(ran.out, HasSubstr(std::string("\n") + name));
  const auto document = parse_json(plan("simulate", {"--deadline-s", "1e6", "--runs", "5", "--json"}).out);
  ASSERT_TRUE(document);
  EXPECT_EQ(document->at("policies").at(0).at("completed").to_number<double>(), 1);
}

TEST_F(WorkflowVerbs, SaysWhatIsWrong) {
  const auto wrong = [&](const std::string& verb, std::vector<std::string> words) {
    const Ran ran = plan(verb, std::move(words));
    EXPECT_EQ(ran.code, 1);
    return ran.err;
  };
  EXPECT_THAT(wrong("workflow", {}), HasSubstr("nothing is limited"));
  EXPECT_THAT(wrong("workflow", {"--deadline-s", "9", "--samples", "0"}), HasSubstr("samples"));
  EXPECT_THAT(wrong("simulate", {"--deadline-s", "9", "--policy", "seq:0"}), HasSubstr("1 … 64 samples"));
  EXPECT_THAT(wrong("simulate", {"--deadline-s", "9", "--policy", "seq:huge:1"}), HasSubstr("there are small, large"));
  EXPECT_THAT(wrong("simulate", {"--deadline-s", "9", "--policy", "uniform"}), HasSubstr("say --budget-usd"));
  EXPECT_THAT(wrong("simulate", {"--deadline-s", "9", "--policy", "best"}), HasSubstr("take mcpp"));
  write("subtasks: [{id: a, options: [{model: m, p: 2, latency_ms: 5}]}]");
  EXPECT_THAT(wrong("workflow", {"--deadline-s", "9"}), HasSubstr("$.subtasks[0].options[0].p"));
  write("subtasks: [");
  EXPECT_THAT(wrong("workflow", {"--deadline-s", "9"}), HasSubstr(".yaml:1:"));
  write("{\"subtasks\": 3}");
  EXPECT_THAT(wrong("workflow", {"--deadline-s", "9"}), HasSubstr("$.subtasks"));
  std::filesystem::remove(path_);
  EXPECT_EQ(plan("workflow", {"--deadline-s", "9"}).code, 3);
}

TEST(WorkflowInput, TurnsYamlIntoJson) {
  const auto value =
      json_of_yaml("a: 1\nb: .5\nc: -2e3\nd: \"1\"\ne: true\nf: ~\ng: [x, 1.2.3, -]\nh: inf\n", "f.yaml");
  ASSERT_TRUE(value);
  EXPECT_EQ(to_json(*value), R"({"a":1,"b":5E-1,"c":-2E3,"d":"1","e":true,"f":null,"g":["x","1.2.3","-"],"h":"inf"})");
}

}  // namespace
}  // namespace bursar::cli
