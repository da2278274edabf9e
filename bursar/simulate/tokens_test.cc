#include "bursar/simulate/tokens.h"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>
#include <string>

#include "bursar/core/json.h"

namespace bursar::simulate {
namespace {

using ::testing::ElementsAre;

// Texts of what tokens are made of, some of it beyond ASCII.
rc::Gen<std::string> texts() {
  const auto piece = rc::gen::element<std::string>("a", "bc", " ", "  ", "\n", "12345", ".", "Ä", "漢", "😀",
                                                   "longword", "\\boxed{", "</think>", "<th", "\t", "\r\n");
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(piece), [](const std::vector<std::string>& pieces) {
    std::string text;
    for (const std::string& each : pieces) text += each;
    return text;
  });
}

TEST(Tokens, AreWordsNumbersAndSigns) {
  EXPECT_THAT(tokens_of("So 12345 is it."), ElementsAre("So", " 123", "45", " is", " it", "."));
  EXPECT_THAT(tokens_of("a  b\n\n c"), ElementsAre("a", " ", " b", "\n\n", " c"));
  EXPECT_THAT(tokens_of("extraordinary"), ElementsAre("extraord", "inary"));
  EXPECT_THAT(tokens_of("<think>a</think>"), ElementsAre("<think>", "a", "</think>"));
  EXPECT_EQ(count_tokens(""), 0U);
}

RC_GTEST_PROP(Tokens, JoinedAreTheText, ()) {
  const std::string text = *texts();
  std::string joined;
  const auto tokens = tokens_of(text);
  for (const auto token : tokens) {
    RC_ASSERT(!token.empty());
    RC_ASSERT(is_utf8(token));
    joined += token;
  }
  RC_ASSERT(joined == text);
  RC_ASSERT(count_tokens(text) == tokens.size());
}

RC_GTEST_PROP(Tokens, OfABeginningAreTheFirstOnes, ()) {
  const std::string text = *texts();
  const auto tokens = tokens_of(text);
  std::string beginning;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    beginning += tokens[i];
    RC_ASSERT(count_tokens(beginning) == i + 1);
  }
}

}  // namespace
}  // namespace bursar::simulate
