#include "bursar/broker/models/model_check.h"

#include <gtest/gtest.h>

namespace bursar::broker {
namespace {

std::string problem_of(std::string_view yaml) {
  const auto config = parse_config(yaml, "bursar.yaml", [](std::string_view) { return std::nullopt; });
  return config ? "" : config.error().message;
}

TEST(ModelCheck, AcceptsWhatFitsTogether) {
  EXPECT_EQ(problem_of(R"(
models:
  upstreams:
    - {name: openai, url: "https://api.openai.com/v1"}
    - {name: local, url: "http://127.0.0.1:8000/v1"}
  routes:
    - {model: "gpt-*", targets: [openai]}
    - {model: fast, targets: [local/llama, openai/gpt-4o-mini]}
  prices:
    - {upstream: openai, model: "gpt-4o*", input: 2.50 usd, output: 10 usd}
)"),
            "");
}

TEST(ModelCheck, NamesThePlaceOfEachMistake) {
  const struct {
    std::string_view yaml, place;
  } wrong[] = {
      {"models: {upstreams: [{name: Open AI, url: 'http://x'}]}", "models.upstreams[0].name"},
      {"models: {upstreams: [{name: a, url: 'ftp://x'}]}", "models.upstreams[0].url"},
      {"models: {upstreams: [{name: a, url: 'http://x/v1?key=1'}]}", "models.upstreams[0].url"},
      {"models: {upstreams: [{name: a, url: 'http://x'}, {name: a, url: 'http://y'}]}", "models.upstreams[1].name"},
      {"upstreams: [{name: a, command: x}]\nmodels: {upstreams: [{name: a, url: 'http://y'}]}",
       "models.upstreams[0].name"},
      {"models: {upstreams: [{name: a, url: 'http://x'}], routes: [{model: m, targets: [b/m]}]}",
       "models.routes[0].targets"},
      {"models: {upstreams: [{name: a, url: 'http://x'}], routes: [{model: m}]}", "models.routes[0].targets"},
      {"models: {prices: [{input: 5 tokens}]}", "models.prices[0].input"},
      {"models: {prices: [{output: -5 usd}]}", "models.prices[0].output"},
  };
  for (const auto& [yaml, place] : wrong) {
    EXPECT_NE(problem_of(yaml).find(place), std::string::npos) << yaml << "\n" << problem_of(yaml);
  }
}

}  // namespace
}  // namespace bursar::broker
