#include "bursar/cli/allocate/allocate_command.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>
#include <unistd.h>

#include "bursar/core/json.h"

namespace bursar::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

struct Ran {
  int code = 0;
  std::string out, err;
};

class AllocateCommand : public ::testing::Test {
 protected:
  void SetUp() override {
    folder = std::filesystem::temp_directory_path() / ("bursar-allocate-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
  }
  void TearDown() override { std::filesystem::remove_all(folder); }
  std::string write(const std::string& name, std::string_view text) const {
    const std::string path = folder / name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  static std::string read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static Ran allocate(std::vector<std::string> words, bool terminal = false) {
    std::ostringstream out, err;
    const int code = run_allocate(std::move(words), {out, err, terminal});
    return {code, out.str(), err.str()};
  }
  std::filesystem::path folder;
};

constexpr std::string_view kTwoItems =
    "item,option,value,cost\n"
    "cache,none,0,0\n"
    "cache,small,5,2\n"
    "index,none,0,0\n"
    "index,full,9,6\n";

TEST_F(AllocateCommand, AnswersWithValueBoundAndChoices) {
  const Ran ran = allocate({write("two.csv", kTwoItems), "--budget", "7"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("value    9\n"));
  EXPECT_THAT(ran.out, HasSubstr("bound    9 "));
  EXPECT_THAT(ran.out, HasSubstr("stopped  optimal"));
  EXPECT_THAT(ran.out, HasSubstr("6 of 7"));
  EXPECT_THAT(ran.out, HasSubstr("cache,none,0,0\nindex,full,9,6\n"));
  EXPECT_EQ(ran.err, "");
}

TEST_F(AllocateCommand, WritesChoicesAndSaysWhy) {
  const std::string choices = folder / "choices.csv";
  const Ran ran = allocate({write("two.csv", kTwoItems), "-b", "7", "-o", choices, "-e", "cache"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(read(choices), "item,option,value,cost\ncache,none,0,0\nindex,full,9,6\n");
  EXPECT_THAT(ran.out, HasSubstr("item 0 (cache) takes option 0 (none)"));
  EXPECT_EQ(std::ranges::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator{}),
            2)
      << "nothing half-written is left";
}

TEST_F(AllocateCommand, PrintsOneJsonDocument) {
  const Ran ran =
      allocate({write("p.json", R"({"budget": 7, "value": [[0, 5], [0, 9]], "cost": [[0, 2], [0, 6]]})"), "--json"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  const auto json = parse_json(ran.out.substr(0, ran.out.size() - 1));
  ASSERT_TRUE(json) << json.error().message;
  EXPECT_EQ(*JsonView(*json).double_at("value", 0, 100), 9);
  EXPECT_EQ(*JsonView(*json).at("choice")->element(1)->as_int(), 1);
}

std::string npy(std::initializer_list<double> numbers, const char* shape) {
  const std::string header = std::string("{'descr': '<f8', 'fortran_order': False, 'shape': ") + shape + ", }\n";
  std::string out("\x93NUMPY\x01", 7);
  out += '\0';
  out += static_cast<char>(header.size());
  out += '\0';
  return out + header + std::string(reinterpret_cast<const char*>(std::data(numbers)), numbers.size() * sizeof(double));
}

TEST_F(AllocateCommand, ReadsArraysOfValuesAndCosts) {
  const auto value = write("v.npy", npy({0, 5, 0, 9}, "(2, 2)")), cost = write("c.npy", npy({0, 2, 0, 6}, "(2, 2)"));
  const Ran ran = allocate({value, "--costs", cost, "--budget", "8"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("value    14\n"));
  EXPECT_THAT(allocate({value, "-b", "8"}).err, HasSubstr("--costs FILE.npy"));
  const Ran negative = allocate({value, "--costs", write("n.npy", npy({0, 2, 0, -6}, "(2, 2)")), "-b", "8"});
  EXPECT_EQ(negative.code, 1);
  EXPECT_THAT(negative.err, HasSubstr("row 1, column 1: is -6"));
}

TEST_F(AllocateCommand, TakesColumnsResourcesGroupsAndCaps) {
  const auto file = write("o.csv",
                          "customer,offer,gain,usd,h,region\n"
                          "a,none,0,0,0,north\na,call,5,1,2,north\nb,none,0,0,0,north\nb,call,4,1,1,north\n");
  const std::vector<std::string> words{file,     "--item",   "customer", "--option", "offer", "--value",
                                       "gain",   "--costs",  "usd",      "--costs",  "h",     "--group",
                                       "region", "--budget", "usd=10",   "--budget", "h=10"};
  EXPECT_THAT(allocate(words).out, HasSubstr("value    9\n"));
  auto capped = words;
  capped.insert(capped.end(), {"--cap", "north=1"});
  EXPECT_THAT(allocate(capped).out, HasSubstr("value    5\n"));
  auto unknown = words;
  unknown.insert(unknown.end(), {"--caps", write("caps.csv", "group,cap\nsouth,1\n")});
  EXPECT_THAT(allocate(unknown).err, HasSubstr("no group 'south' to cap; groups are north"));
}

TEST_F(AllocateCommand, NamesFileLineColumnAndValue) {
  const Ran wrong = allocate({write("w.csv", "item,option,value,cost\na,x,1,2\na,y,lots,3\n"), "-b", "7"});
  EXPECT_EQ(wrong.code, 1);
  EXPECT_THAT(wrong.err, StartsWith("bursar allocate: "));
  EXPECT_THAT(wrong.err, HasSubstr("w.csv: line 3, column 'value': is 'lots'"));
  EXPECT_EQ(std::ranges::count(wrong.err, '\n'), 1);
  EXPECT_EQ(allocate({folder / "absent.csv", "-b", "7"}).code, 3);
  EXPECT_EQ(allocate({folder.string(), "--format", "csv", "-b", "7"}).code, 3);
  EXPECT_THAT(allocate({write("p.txt", ""), "-b", "7"}).err, HasSubstr("say --format csv, json or npy"));
  EXPECT_THAT(allocate({write("s.csv", "item;option;value;cost\na;x;1;2\n"), "-b", "7"}).err,
              HasSubstr("fields must be separated by commas"));
  EXPECT_THAT(allocate({write("t.csv", kTwoItems)}).err, HasSubstr("there is no budget"));
  EXPECT_THAT(allocate({write("t.csv", kTwoItems), "-b", "x"}).err, HasSubstr("--budget is 'x'"));
  EXPECT_THAT(allocate({write("t.csv", kTwoItems), "-b", "7", "-e", "ghost"}).err,
              HasSubstr("no item 'ghost'; there are 2: cache, index"));
}

TEST_F(AllocateCommand, SaysByHowMuchItIsInfeasibleAndWhoForcesIt) {
  const Ran ran = allocate({write("i.csv", "item,value,cost\na,1,5\nb,1,30\n"), "-b", "20"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, HasSubstr("15 short; most is needed by item 1 (b) (30)"));
}

TEST_F(AllocateCommand, WrongWordsAndHelp) {
  for (const auto& words : std::vector<std::vector<std::string>>{{},
                                                                 {"a.csv", "--nonsense"},
                                                                 {"a.csv", "--gap", "2"},
                                                                 {"a.csv", "--value", "v", "--loss", "l"},
                                                                 {"a.csv", "--budget", "x"},
                                                                 {"a.csv", "--cap", "5"},
                                                                 {"a.csv", "--method", "guess"},
                                                                 {"a.csv", "--sense", "least"},
                                                                 {"a.txt"}}) {
    EXPECT_EQ(allocate(words).code, 2) << "known before a file is opened";
  }
  EXPECT_THAT(allocate({"a.csv", "--method", "guess"}).err, HasSubstr("known are auto, program, core"));
  EXPECT_THAT(allocate({"a.csv.gz", "-b", "7"}).err, HasSubstr("zcat a.csv.gz | bursar allocate - --format csv"));
  EXPECT_EQ(allocate({"--help"}).code, 0);
  EXPECT_THAT(allocate({"--version"}).out, StartsWith("bursar-allocate "));
}

TEST_F(AllocateCommand, DrawsProgressOnATerminalOnly) {
  std::string rows = "item,option,value,cost\n";
  for (int i = 0; i < 200'000; ++i) rows += std::to_string(i) + ",0,0,0\n" + std::to_string(i) + ",1,5,2\n";
  const auto file = write("long.csv", rows);
  const Ran quiet = allocate({file, "-b", "100000"});
  EXPECT_EQ(quiet.err, "");
  EXPECT_THAT(quiet.out, HasSubstr("value    250000\n"));
  const Ran drawn = allocate({file, "-b", "100000"}, true);
  EXPECT_EQ(drawn.out, quiet.out);
  EXPECT_TRUE(drawn.err.empty() || drawn.err.ends_with("\r\x1b[K")) << "what was drawn is wiped away";
}

}  // namespace
}  // namespace bursar::cli
