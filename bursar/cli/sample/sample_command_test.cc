#include "bursar/cli/sample/sample_command.h"

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>
#include <unistd.h>

#include "bursar/core/json.h"
#include "bursar/core/random.h"

namespace bursar::cli {
namespace {

using ::testing::HasSubstr;

struct Ran {
  int code = 0;
  std::string out, err;
};

class SampleCommand : public ::testing::Test {
 protected:
  void SetUp() override {
    folder = std::filesystem::temp_directory_path() / ("bursar-sample-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
  }
  void TearDown() override { std::filesystem::remove_all(folder); }
  std::string write(const std::string& name, std::string_view text) const {
    const std::string path = folder / name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  static Ran sample(std::vector<std::string> words) {
    std::ostringstream out, err;
    const int code = run_sample(std::move(words), {out, err});
    return {code, out.str(), err.str()};
  }
  // Questions whose leader has this share of 64 samples.
  std::string pools(const std::string& name, std::uint64_t seed) const {
    RandomStream random(seed);
    std::string text;
    for (int q = 0; q < 40; ++q) {
      const double top = random.uniform(.45, 1);
      text += R"({"id":"q)" + std::to_string(q) + R"(","gold":"0","answers":[)";
      for (int i = 0; i < 64; ++i)
        text += (i == 0 ? "\"" : ",\"") +
                std::to_string(random.bernoulli(top) ? 0 : 1 + random.uniform_int(std::uint64_t{3})) + "\"";
      text += "]}\n";
    }
    return write(name, text);
  }
  std::filesystem::path folder;
};

constexpr std::string_view kAnswers =
    R"({"id":"half","answers":["1/2","0.5","7",".50","3"],"rewards":[0.5,0.6,0.9,0.4,1.0],"gold":"\\frac{1}{2}"})"
    "\n"
    R"({"answers":["2","2","9"],"rewards":[0.2,0.4,0.9],"gold":"9"})"
    "\n";

TEST_F(SampleCommand, SelectsAmongFrequentAnswersAndTellsPassAtK) {
  const std::string file = write("a.jsonl", kAnswers);
  const Ran bom = sample({"select", file, "--threshold", ".4"});
  EXPECT_EQ(bom.code, 0) << bom.err;
  EXPECT_THAT(bom.out, HasSubstr("half\t1/2 (3/5)\tright\n2\t2 (2/3)\twrong\n"));
  EXPECT_THAT(bom.out, HasSubstr("rewards asked for: 2 of 8 samples\nPass@1: 0.5 (1 of 2)\n"));
  EXPECT_THAT(sample({"select", file, "--rule", "best-of-n"}).out, HasSubstr("half\t3 (1/5)\twrong"));
  EXPECT_THAT(sample({"select", file, "--k", "2", "--json", "--rule", "majority"}).out,
              HasSubstr(R"({"id":"half","answers":[{"answer":"1/2","frequency":6E-1,)"));
}

TEST_F(SampleCommand, AllocatesWhereVotesAreOpen) {
  const Ran ran = sample({"allocate", pools("p.jsonl", 3), "--mean", "8", "--options", "4"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("40 questions"));
  double okg = 0, uniform = 0, samples = 0;
  std::string word;
  std::istringstream in(ran.out.substr(ran.out.find("okg")));
  in >> word >> samples >> okg >> word >> word >> samples >> uniform;
  EXPECT_EQ(samples, 8);
  EXPECT_GT(okg, uniform);
}

TEST_F(SampleCommand, FitsAPlanAndRunsAStreamUnderIt) {
  const std::string plan = folder / "plan.json";
  const Ran fit = sample({"fit", pools("train.jsonl", 5), "--mean", "12", "--output", plan});
  EXPECT_EQ(fit.code, 0) << fit.err;
  EXPECT_THAT(fit.out, HasSubstr("2+1+1"));
  const Ran run = sample({"run", pools("stream.jsonl", 6), "--plan", plan});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("plan "));
  EXPECT_THAT(sample({"run", pools("stream.jsonl", 6), "--plan", plan, "--json"}).out,
              HasSubstr(R"("id":"q0","samples":)"));
}

TEST_F(SampleCommand, SplitsRolloutsOverWhatCandidatesSay) {
  const std::string file = write("c.jsonl", R"({"text":"add three to both sides","score":0.9})"
                                            "\n"
                                            R"({"text":"Add three to both sides","score":0.9})"
                                            "\n"
                                            R"({"text":"square the equation","score":0.9})"
                                            "\n");
  const Ran ran = sample({"rollouts", file, "--n", "8", "--json"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(ran.out, R"({"text":"add three to both sides","score":9E-1,"rollouts":2})"
                     "\n"
                     R"({"text":"Add three to both sides","score":9E-1,"rollouts":2})"
                     "\n"
                     R"({"text":"square the equation","score":9E-1,"rollouts":4})"
                     "\n");
}

// Lines that begin with "Wait" are followed by many more than those that begin with "So".
std::string traces(std::uint64_t seed) {
  RandomStream random(seed);
  std::string text;
  for (int trace = 0; trace < 400; ++trace) {
    text += R"({"lines":[)";
    const bool wait = random.bernoulli(.5);
    for (std::uint64_t line = 0, lines = (wait ? 12 : 2) + random.uniform_int(std::uint64_t{5}); line <= lines; ++line)
      text += std::string(line == 0 ? "" : ",") + R"({"text":")" + (wait ? "Wait, no" : "So it is") + R"(","tokens":)" +
              std::to_string(10 + random.uniform_int(std::uint64_t{20})) + "}";
    text += "]}\n";
  }
  return text;
}

TEST_F(SampleCommand, LearnsLengthsAndGuidesByThem) {
  const std::string laws = folder / "laws.json";
  const Ran fit = sample({"fit-lengths", write("t.jsonl", traces(4)), "--output", laws});
  EXPECT_EQ(fit.code, 0) << fit.err;
  EXPECT_THAT(fit.out, HasSubstr("400 traces"));
  EXPECT_THAT(fit.out, HasSubstr("wait"));
  const std::string line = R"({"tokens":420,"line":2,"candidates":[{"token":" Wait","p":0.9},{"token":"So","p":0.1}]})";
  const Ran guided = sample({"guide", write("g.jsonl", line), "--laws", laws, "--thinking-budget", "500"});
  EXPECT_EQ(guided.code, 0) << guided.err;
  const auto read = *parse_json(guided.out);
  EXPECT_EQ(read.at("remaining").as_int64(), 80);
  EXPECT_LT(read.at("candidates").at(0).at("p").as_double(), .5);
  EXPECT_EQ(read.at("candidates").at(1).at("class").as_string(), "so");
}

TEST_F(SampleCommand, CountsTokensItselfWhereATraceDoesNot) {
  std::string text = R"({"thinking":"Wait, that is wrong.\nSo it is 7.","whole":false})"
                     "\n";
  for (int i = 0; i < 40; ++i)
    text += R"({"thinking":"Wait, that is wrong.\nSo it is )" + std::string(static_cast<std::size_t>(i), '7') + "\"}\n";
  const Ran fit = sample({"fit-lengths", write("t.jsonl", text)});
  EXPECT_EQ(fit.code, 0) << fit.err;
  EXPECT_THAT(fit.out, HasSubstr("41 traces, 120 line starts; 1 were cut off"));
  EXPECT_THAT(fit.out, HasSubstr("without token counts"));
}

TEST_F(SampleCommand, SaysWhatIsWrongAndWhere) {
  const auto code = [&](std::vector<std::string> words, const char* says) {
    const Ran ran = sample(std::move(words));
    EXPECT_THAT(ran.err, HasSubstr(says));
    return ran.code;
  };
  const std::string file = write("a.jsonl", kAnswers);
  EXPECT_EQ(code({"select", file, "--rule", "best"}, "is no rule"), 1);
  EXPECT_EQ(code({"select", file, "--threshold", "x"}, "--threshold"), 1);
  EXPECT_EQ(code({"select", file, "--k", "0"}, "k is 0"), 1);
  EXPECT_EQ(code({"select", "/nowhere.jsonl"}, "cannot be opened"), 3);
  EXPECT_EQ(code({"select", write("b.jsonl", "{\"answers\":[1]}\n")}, "line 1: $.answers[0]"), 1);
  EXPECT_EQ(code({"select", write("c.jsonl", "{\"answers\":[\"a\"],\"rewards\":[1,2]}\n")}, "$.rewards: has 2 entries"),
            1);
  EXPECT_EQ(code({"select", write("d.jsonl", "\n")}, "has no questions"), 1);
  EXPECT_EQ(code({"select"}, "--help"), 2);
  EXPECT_EQ(code({"run", file, "--plan", file}, "bursar sample"), 1);
  EXPECT_EQ(code({"fit-lengths", write("f.jsonl", "{\"thinking\":\"a\\nb\",\"tokens\":[1]}")}, "there are 2 lines"), 1);
  EXPECT_EQ(code({"fit-lengths", write("h.jsonl", "{\"thinking\":\"a\"}")}, "more traces"), 1);
  EXPECT_EQ(code({"guide", file, "--laws", file, "--thinking-budget", "5"}, "a.jsonl"), 1);
  EXPECT_EQ(code({"guide", file, "--laws", file, "--thinking-budget", "0"}, "--thinking-budget"), 1);
  EXPECT_EQ(code({"rollouts", write("e.jsonl", "{\"text\":\"a\",\"score\":2}")}, "$.score"), 1);
}

}  // namespace
}  // namespace bursar::cli
