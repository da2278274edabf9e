#include "bursar/admit/log/log_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "bursar/admit/log/text_lines.h"

namespace bursar::admit {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Row {
  std::uint64_t line;
  double time_s, price;
  std::vector<double> rewards, costs, holds, actual, actual_rewards, context;
};

std::vector<double> copied(std::span<const double> x) { return {x.begin(), x.end()}; }

struct Read {
  std::vector<std::string> resources;
  std::vector<Row> rows;
  std::string error;
};

Read read(std::string_view text, LogOptions options = {}, std::size_t piece = SIZE_MAX) {
  Read out;
  auto reader = open_log(allocate::from_text(text, piece), options);
  if (!reader) return {.error = reader.error().message};
  out.resources.assign((*reader)->resources().begin(), (*reader)->resources().end());
  LoggedRequest r;
  auto more = (*reader)->next(r);
  for (; more && *more; more = (*reader)->next(r)) {
    out.rows.push_back({r.line, r.time_s, r.price, copied(r.rewards), copied(r.costs), copied(r.holds),
                        copied(r.actual_costs), copied(r.actual_rewards), copied(r.context)});
  }
  if (!more) out.error = more.error().message;
  return out;
}

constexpr std::string_view kCsv =
    "request,time_s,option,reward,cost.usd,cost.ms,actual.ms,actual.usd,actual_reward,context.size\n"
    "7,1.5,small,.5,.1,10,11,.2,1,3\n"
    "7,1.5,large,1,.4,30,33,.5,-1,3\n"
    "8,2,small,.25,.1,10,9,.1,0,4\n";
constexpr std::string_view kJson =
    R"({"id":7,"time_s":1.5,"context":[3],"options":[{"name":"small","reward":0.5,"cost":{"usd":0.1,"ms":10},"actual":{"usd":0.2,"ms":11},"actual_reward":1},{"reward":1,"cost":{"ms":30,"usd":0.4},"actual":{"usd":0.5,"ms":33},"actual_reward":-1}]}

{"time_s":2,"context":[4],"options":[{"reward":0.25,"cost":{"usd":0.1,"ms":10},"actual":{"usd":0.1,"ms":9},"actual_reward":0}]}
)";

std::string zipped(std::string_view text) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(text.size() + 100, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

void expect_both_requests(const Read& log) {
  ASSERT_EQ(log.error, "");
  EXPECT_THAT(log.resources, ElementsAre("usd", "ms"));
  ASSERT_EQ(log.rows.size(), 2U);
  EXPECT_EQ(log.rows[0].time_s, 1.5);
  EXPECT_THAT(log.rows[0].rewards, ElementsAre(.5, 1));
  EXPECT_THAT(log.rows[0].costs, ElementsAre(.1, 10, .4, 30));
  EXPECT_THAT(log.rows[0].actual, ElementsAre(.2, 11, .5, 33));
  EXPECT_THAT(log.rows[0].actual_rewards, ElementsAre(1, -1));
  EXPECT_THAT(log.rows[0].context, ElementsAre(3));
  EXPECT_THAT(log.rows[0].holds, IsEmpty());
  EXPECT_THAT(log.rows[1].rewards, ElementsAre(.25));
}

TEST(OpenLog, ReadsTheSameRequestsFromEitherForm) {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, SIZE_MAX}) {
    expect_both_requests(read(kCsv, {}, piece));
    expect_both_requests(read(kJson, {}, piece));
    expect_both_requests(read(zipped(kCsv), {}, piece));
    expect_both_requests(read(zipped(kJson.substr(0, 100)) + zipped(kJson.substr(100)), {}, piece));  // two members
  }
}

TEST(OpenLog, KeepsTheOrderOfTheBudget) {
  const Read csv = read(kCsv, {.resources = {"ms", "usd"}});
  EXPECT_THAT(csv.rows[0].costs, ElementsAre(10, .1, 30, .4));
  EXPECT_THAT(read(kJson, {.resources = {"ms", "usd"}}).rows[0].costs, ElementsAre(10, .1, 30, .4));
  EXPECT_THAT(read(kCsv, {.resources = {"usd"}}).error, HasSubstr("the budget has no resource 'ms'"));
  EXPECT_THAT(read(kJson, {.resources = {"usd"}}).error, HasSubstr("line 1, options[0].cost.ms: there is no such"));
}

TEST(OpenLog, ReadsAuctions) {
  const Read csv = read("value,price\n.5,.2\n1,3\n");
  ASSERT_EQ(csv.rows.size(), 2U);
  EXPECT_THAT(csv.rows[1].rewards, ElementsAre(1));
  EXPECT_EQ(csv.rows[1].price, 3);
  EXPECT_THAT(csv.rows[1].costs, IsEmpty());
  const Read json = read("{\"value\":1,\"price\":3,\"actual_reward\":0}");
  EXPECT_EQ(json.rows.at(0).price, 3);
  EXPECT_THAT(json.rows.at(0).actual_rewards, ElementsAre(0));
}

TEST(OpenLog, TakesARowForARequestWithoutTheirNames) {
  const Read log = read("reward,cost\n1,2\n3,4\n");
  ASSERT_EQ(log.rows.size(), 2U);
  EXPECT_EQ(log.rows[1].line, 3U);
  EXPECT_THAT(log.rows[1].costs, ElementsAre(4));
}

TEST(OpenLog, NamesLineColumnAndValue) {
  EXPECT_THAT(read("reward,cost\n1,-2\n").error,
              HasSubstr("line 2, column cost: must be a number of at least 0, is '-2'"));
  EXPECT_THAT(read("reward,cost\n1,inf\n").error, HasSubstr("is 'inf'"));
  EXPECT_THAT(read("reward,cost\n1\n").error, HasSubstr("line 2: has 1 fields, the header has 2"));
  EXPECT_THAT(read("reward,cost,cost\n").error, HasSubstr("column cost: stands twice"));
  EXPECT_THAT(read("reward,cost.a,hold.b\n").error, HasSubstr("has no column cost.b"));
  EXPECT_THAT(read("reward\n1\n").error, HasSubstr("needs the columns reward and cost.NAME"));
  EXPECT_THAT(read("value,price,reward\n").error, HasSubstr("make it an auction"));
  EXPECT_THAT(read("time_s,reward,cost\n2,1,1\n1,1,1\n").error, HasSubstr("line 3, column time_s: falls"));
  EXPECT_THAT(read("{\"options\":[{\"reward\":1,\"cost\":\"x\"}]}").error,
              HasSubstr("line 1, options[0].cost: must be a number"));
  EXPECT_THAT(read("{\"options\":[{\"reward\":1,\"cost\":1,\"cost\":1}]}").error, HasSubstr("stands twice"));
  EXPECT_THAT(read("{\"options\":[{\"reward\":1,\"cost\":1}]}\n{\"value\":1,\"price\":1}").error,
              HasSubstr("line 2, value: a log holds"));
  EXPECT_THAT(read("{\"options\":[]}").error, HasSubstr("options: is empty"));
  EXPECT_THAT(read("{\"optoins\":[]}").error, HasSubstr("optoins: is not known"));
  EXPECT_THAT(read("{\"options\":").error, HasSubstr("line 1, JSON"));
  EXPECT_THAT(read("").error, HasSubstr("empty"));
  EXPECT_THAT(read("0 1 2\n").error, HasSubstr("like none of the forms"));
}

TEST(OpenLog, IgnoresWhatItIsToldToIgnore) {
  EXPECT_EQ(read("reward,cost,user\n1,2,ann\n", {.ignore = {"user"}}).rows.size(), 1U);
  EXPECT_EQ(read("{\"user\":1,\"options\":[{\"reward\":1,\"cost\":1}]}", {.ignore = {"user"}}).rows.size(), 1U);
}

TEST(OpenLog, NoticesDamagedCompression) {
  std::string damaged = zipped(kCsv);
  EXPECT_THAT(read(damaged.substr(0, damaged.size() / 2)).error, HasSubstr("ends in the middle"));
  damaged[12] = static_cast<char>(damaged[12] ^ 0x5a);
  EXPECT_NE(read(damaged).error, "");
}

TEST(OpenLog, BoundsARequest) {
  EXPECT_THAT(read("request,reward,cost\n1,1,1\n1,1,1\n1,1,1\n", {.max_options = 2}).error,
              HasSubstr("more than 2 options"));
  EXPECT_THAT(read("{\"id\":\"" + std::string(100, 'x') + "\"}", {.max_row_bytes = 50}).error,
              HasSubstr("longer than 50"));
}

TEST(TextLines, DoNotDependOnThePieces) {
  for (const std::size_t piece : {1, 2, 5, 100}) {
    TextLines lines(allocate::from_text("a\r\n\nlast", piece), 10);
    std::vector<std::string> seen;
    for (auto more = lines.next(); more && *more; more = lines.next()) seen.emplace_back(lines.text());
    EXPECT_THAT(seen, ElementsAre("a", "", "last"));
  }
}

}  // namespace
}  // namespace bursar::admit
