#include "bursar/broker/strategies/pipeline_table.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

namespace bursar::broker {
namespace {

class PipelineTableTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        std::filesystem::temp_directory_path() / ("bursar-pipelines-" + std::to_string(::getpid()) + "-" +
                                                  ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string file(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
    return folder_ / name;
  }
  static std::string pipeline(const std::string& name, const std::string& choice) {
    return R"({"name":")" + name +
           R"(","stages":[{"name":"answer","prompt":"{{question}}","prompt_tokens":64,"generation_tokens":64,)" +
           R"("models":[{"name":"m","parameters":7e9}])" + choice + "}]}";
  }
  std::filesystem::path folder_;
};

TEST_F(PipelineTableTest, KnowsPipelinesByTheirNames) {
  const auto table = PipelineTable::read({file("a.json", pipeline("qa", R"(,"model":"m","samples":3)")),
                                          file("b.json", pipeline("chat", R"(,"model":"m","samples":1)"))});
  ASSERT_TRUE(table) << table.error().message;
  EXPECT_EQ(table->names(), (std::vector<std::string>{"chat", "qa"}));
  EXPECT_EQ(table->find("qa")->at("stages").at(0).at("samples"), 3);
  EXPECT_EQ(table->find("other"), nullptr);
}

TEST_F(PipelineTableTest, NamesTheFileThatIsWrong) {
  const std::string good = file("good.json", pipeline("qa", R"(,"model":"m","samples":3)"));
  const std::pair<std::vector<std::string>, const char*> cases[] = {
      {{folder_ / "none.json"}, "none.json: there is no such file"},
      {{file("text.json", "no json")}, "text.json"},
      {{file("open.json", pipeline("qa", ""))}, "bursar tts search"},
      {{good, good}, "stands in another file"},
  };
  for (const auto& [files, says] : cases) {
    const auto table = PipelineTable::read(files);
    ASSERT_FALSE(table) << says;
    EXPECT_NE(table.error().message.find(says), std::string::npos) << table.error().message;
  }
}

}  // namespace
}  // namespace bursar::broker
