#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>
#include <unistd.h>

#include "bursar/cli/sample/sample_command.h"
#include "bursar/core/json.h"
#include "bursar/plan/beliefs.h"

namespace bursar::cli {
namespace {

using ::testing::HasSubstr;

class BeliefsVerb : public ::testing::Test {
 protected:
  void SetUp() override { path = ::testing::TempDir() + "bursar-beliefs-" + std::to_string(::getpid()) + ".json"; }
  void TearDown() override { std::filesystem::remove(path); }
  void write(std::string_view text) const { std::ofstream(path, std::ios::binary) << text; }
  int show(std::vector<std::string> more = {}) {
    std::vector<std::string> words{"beliefs", path};
    words.insert(words.end(), more.begin(), more.end());
    std::ostringstream o, e;
    const int code = run_sample(words, {o, e});
    out = o.str(), err = e.str();
    return code;
  }
  std::string path, out, err;
};

TEST_F(BeliefsVerb, ShowsPriorAndBelief) {
  plan::Beliefs beliefs;
  for (const char* id : {"a", "b", "c"}) {
    ASSERT_TRUE(
        beliefs.observe({.id = id, .strategy = "pets", .model = "m", .calls = {}, .notes = {}, .answer = "42"}));
  }
  ASSERT_TRUE(beliefs.feedback("a", {.correct = true}));
  write(to_json(beliefs.save()));
  EXPECT_EQ(show(), 0) << err;
  EXPECT_THAT(out, HasSubstr("success of pets (m)"));
  EXPECT_THAT(out, HasSubstr("0.67, 90 % in"));
  EXPECT_THAT(out, HasSubstr("2 answers wait for feedback"));
  EXPECT_EQ(show({"--json"}), 0);
  EXPECT_THAT(out, HasSubstr("\"what\":\"success of pets (m)\""));
}

TEST_F(BeliefsVerb, SaysWhatIsWrongWithTheFile) {
  EXPECT_EQ(show(), 3);
  EXPECT_THAT(err, HasSubstr("cannot be opened"));
  write("{}");
  EXPECT_EQ(show(), 1);
  EXPECT_THAT(err, HasSubstr("begins with"));
  write(to_json(plan::Beliefs().save()));
  EXPECT_EQ(show(), 0);
  EXPECT_THAT(out, HasSubstr("nothing yet"));
}

}  // namespace
}  // namespace bursar::cli
