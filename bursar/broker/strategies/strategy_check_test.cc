#include <gtest/gtest.h>

#include "bursar/broker/config/config.h"

namespace bursar::broker {
namespace {

std::string error_of(const std::string& strategies) {
  const std::string yaml =
      "models: {upstreams: [{name: up, url: \"http://127.0.0.1:1/v1\"}]}\nstrategies: " + strategies;
  const auto config = parse_config(yaml, "b.yaml", [](std::string_view) { return std::nullopt; });
  return config ? "" : config.error().message;
}

TEST(StrategyCheck, WantsModelsThatSomebodyAnswersFor) {
  EXPECT_EQ(error_of("{model: up/m, judge_model: up/j, embedding_model: up/e}"), "");
  EXPECT_NE(error_of("{model: other/m}").find("strategies.model: \"other/m\" is no model"), std::string::npos);
  EXPECT_NE(error_of("{model: up/m, small_model: none/s}").find("strategies.small_model"), std::string::npos);
  EXPECT_NE(error_of("{model: bursar/pets}").find("strategies.model: must not be a strategy"), std::string::npos);
  EXPECT_NE(error_of("{parallel: 3}").find("strategies.model: must name"), std::string::npos);
}

}  // namespace
}  // namespace bursar::broker
