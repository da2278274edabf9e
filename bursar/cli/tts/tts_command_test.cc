#include "bursar/cli/tts/tts_command.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>
#include <unistd.h>

#include "bursar/cli/tts/script.h"
#include "bursar/core/json.h"
#include "bursar/plan/pipeline_file.h"

namespace bursar::cli {
namespace {

using ::testing::HasSubstr;

struct Ran {
  int code = 0;
  std::string out, err;
};

constexpr std::string_view kPipeline = R"(
name: qa
stages:
  - name: retrieve
    prompt: "Find what bears on: {{question}}"
    prompt_tokens: 2048
    generation_tokens: 128
    models: [{name: m7, parameters: 7e9}, {name: m72, parameters: 72e9}]
  - name: answer
    prompt: "{{retrieve}} Answer: {{question}}"
    prompt_tokens: 256
    generation_tokens: 64
    models: [{name: m8, parameters: 8e9}, {name: m70, parameters: 70e9}]
)";

class TtsCommand : public ::testing::Test {
 protected:
  void SetUp() override {
    folder = std::filesystem::temp_directory_path() / ("bursar-tts-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
    pipeline = write("qa.yaml", kPipeline);
    state = pipeline + ".search.json";
  }
  void TearDown() override { std::filesystem::remove_all(folder); }
  std::string write(const std::string& name, std::string_view text) const {
    const std::string path = folder / name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  std::string read(const std::string& path) const {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static Ran tts(std::vector<std::string> words) {
    std::ostringstream out, err;
    const int code = run_tts(std::move(words), {out, err});
    return {code, out.str(), err.str()};
  }
  std::filesystem::path folder;
  std::string pipeline, state;
};

// The small model is enough for retrieval, and the answer needs the large one.
constexpr const char* kScript = "grep -q '\"m7\"' && echo 0.6 || echo 0.4";

TEST_F(TtsCommand, SearchesWithAScriptAndRecommends) {
  const Ran ran = tts({"search", pipeline, "--trials", "12", "--batch", "6", "--again", "2", "--run", kScript});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("recommended: retrieve: m7 x "));
  EXPECT_THAT(ran.out, HasSubstr("14 trials"));
  EXPECT_THAT(ran.out, HasSubstr("again"));
  const std::string winner = folder / "winner.json";
  const Ran why = tts({"explain", state, "--json", "--output", winner});
  EXPECT_EQ(why.code, 0) << why.err;
  EXPECT_EQ(parse_json(why.out)->at("trials").as_array().size(), 14U);
  const auto read_back = plan::parse_pipeline(read(winner));
  ASSERT_TRUE(read_back) << read_back.error().message;
  EXPECT_TRUE(read_back->is_configured());
}

TEST_F(TtsCommand, GoesOnWhereItStopped) {
  const std::string counter = folder / "count";
  // The script dies at its fifth trial and at the two after it.
  const std::string script = "echo x >> " + counter + "; n=$(wc -l < " + counter +
                             "); if [ $n -ge 5 ] && [ $n -le 7 ]; then exit 9; fi; echo 0.5";
  const Ran stopped = tts({"search", pipeline, "--trials", "10", "--again", "0", "--run", script});
  EXPECT_EQ(stopped.code, 3);
  EXPECT_THAT(stopped.err, HasSubstr("status 9"));
  EXPECT_THAT(stopped.err, HasSubstr("three trials failed"));
  EXPECT_EQ(tts({"search", pipeline, "--run", script}).code, 1);  // there is one already
  const Ran on = tts({"resume", state});
  EXPECT_EQ(on.code, 0) << on.err;
  EXPECT_THAT(on.out, HasSubstr("10 trials"));
  EXPECT_EQ(tts({"resume", state, "--trials", "11"}).code, 0);
}

TEST_F(TtsCommand, IsTheSameSearchWhetherItWasStoppedOrNot) {
  const std::string other = folder / "other.json";
  ASSERT_EQ(tts({"search", pipeline, "--trials", "15", "--batch", "4", "--again", "0", "--run", kScript}).code, 0);
  ASSERT_EQ(
      tts({"search", pipeline, "--trials", "7", "--batch", "4", "--again", "0", "--run", kScript, "--state", other})
          .code,
      0);
  ASSERT_EQ(tts({"resume", other, "--trials", "15"}).code, 0);
  EXPECT_EQ(read(state), read(other));
}

TEST_F(TtsCommand, TakesProposalsOfALanguageModel) {
  const std::string good =
      R"([{"stages":[{"name":"retrieve","model":"m7","samples":9},{"name":"answer","model":"m8","samples":3}]}])";
  const std::string ask = "cat > /dev/null; echo 'Here: " + good + "'";
  const Ran ran = tts({"search", pipeline, "--trials", "7", "--again", "0", "--ask", ask, "--run", kScript});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("retrieve: m7 x 9, answer: m8 x 3"));
}

TEST_F(TtsCommand, IsNotHeldUpByAScript) {
  const auto begun = std::chrono::steady_clock::now();
  const Ran ran = tts({"search", pipeline, "--trials", "1", "--timeout", "0.2", "--run", "sleep 60 & sleep 60"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, HasSubstr("--timeout"));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(20));
}

TEST(Script, GivesInputAndTakesOutput) {
  EXPECT_EQ(*run_script("cat", "hello", std::chrono::seconds(5)), "hello");
  EXPECT_EQ(*run_script("true", std::string(1 << 20, 'x'), std::chrono::seconds(5)), "");
  EXPECT_EQ(run_script("cat; exit 4", "a", std::chrono::seconds(5)).error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(run_script("/nowhere/at-all", "", std::chrono::seconds(5)).error().message, HasSubstr("127"));
  EXPECT_EQ(run_script("yes", "", std::chrono::seconds(20)).error().code, ErrorCode::kExhausted);
  EXPECT_EQ(run_script("sleep 30", "", std::chrono::milliseconds(100)).error().code, ErrorCode::kTimeout);
}

TEST(Script, DoesNotWaitForWhatACommandLeftBehind) {
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(*run_script("sleep 30 & echo 1", "", std::chrono::seconds(20)), "1\n");
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(10));
}

TEST_F(TtsCommand, SaysWhatIsWrong) {
  const auto code = [&](std::vector<std::string> words, const char* says) {
    const Ran ran = tts(std::move(words));
    EXPECT_THAT(ran.err, HasSubstr(says));
    return ran.code;
  };
  EXPECT_EQ(code({"search", pipeline}, "--run"), 2);
  EXPECT_EQ(code({"search", "/nowhere.yaml", "--run", "x"}, "cannot be opened"), 3);
  EXPECT_EQ(code({"search", pipeline, "--run", "x", "--trials", "0"}, "--trials"), 1);
  EXPECT_EQ(code({"search", write("a.yaml", "name: qa\nstages: []\n"), "--run", "x"}, "no stages"), 1);
  EXPECT_EQ(code({"search", write("b.json", R"({"name":"Q A","stages":[]})"), "--run", "x"}, "$.name"), 1);
  EXPECT_EQ(code({"resume", folder / "none.json"}, "does not exist"), 3);
  EXPECT_EQ(code({"explain", write("c.json", "{}")}, "bursar-tts"), 1);
  EXPECT_EQ(code({"search", pipeline, "--trials", "3", "--run", "echo good"}, "no score"), 1);
}

}  // namespace
}  // namespace bursar::cli
