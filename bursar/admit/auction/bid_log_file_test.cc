#include "bursar/admit/auction/bid_log_file.h"

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include "bursar/admit/auction/bid_log_form.h"

namespace bursar::admit {
namespace {

using testing::HasSubstr;

class BidLogFile : public testing::Test {
 protected:
  void SetUp() override { path = testing::TempDir() + "/auctions-" + std::to_string(::getpid()); }
  void TearDown() override { std::filesystem::remove(path); }
  std::string path;
};

TEST_F(BidLogFile, ReadsPlainAndGzip) {
  const std::string text = "# click price theta\n0 70 0.25\n\n1 6 0.5";
  std::ofstream(path) << text;
  const auto plain = read_all_auctions(path);
  ASSERT_TRUE(plain) << plain.error().message;
  ASSERT_EQ(plain->size(), 2U);
  EXPECT_TRUE((*plain)[1].click);
  gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  gzclose(file);
  const auto packed = read_all_auctions(path);
  ASSERT_TRUE(packed) << packed.error().message;
  EXPECT_EQ(packed->size(), 2U);
  EXPECT_EQ((*packed)[0].theta, .25);
}

TEST_F(BidLogFile, SaysWhereItIsWrong) {
  std::ofstream(path) << "0 70 0.25\n0 -1 0.5\n";
  EXPECT_THAT(read_all_auctions(path).error().message, HasSubstr(": line 2: price is '-1'"));
  std::ofstream(path) << std::string(100'000, '1');
  EXPECT_THAT(read_all_auctions(path).error().message, HasSubstr("line 1"));
  std::ofstream(path) << "0 1 .1\n0 1 .1\n0 1 .1\n";
  EXPECT_EQ(read_all_auctions(path, 2).error().code, ErrorCode::kExhausted);
  EXPECT_EQ(read_all_auctions(path + ".none").error().code, ErrorCode::kUnavailable);
  gzFile file = gzopen(path.c_str(), "wb");
  for (int i = 0; i < 10'000; ++i) gzprintf(file, "0 %d 0.%d\n", i % 300, i);
  gzclose(file);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
  EXPECT_EQ(read_all_auctions(path).error().code, ErrorCode::kCorrupt);
}

TEST(AuctionLog, GivesEachLineAsAnAuction) {
  auto reader = open_auction_log(allocate::from_text("# c\n1 70 0.25\n\n0 6 0.5\n0 6 2\n"), {});
  ASSERT_TRUE(reader);
  EXPECT_EQ((*reader)->resources()[0], "money");
  LoggedRequest request;
  ASSERT_TRUE(*(*reader)->next(request));
  EXPECT_TRUE(request.auction());
  EXPECT_EQ(request.line, 2U);
  EXPECT_EQ(request.rewards[0], .25);
  EXPECT_EQ(request.actual_rewards[0], 1);
  EXPECT_EQ(request.price, 70);
  ASSERT_TRUE(*(*reader)->next(request));
  EXPECT_EQ(request.actual_rewards[0], 0);
  EXPECT_THAT((*reader)->next(request).error().message, HasSubstr("line 5: theta is '2'"));
  EXPECT_TRUE(begins_auctions("\n0 6 0.5\n"));
  EXPECT_FALSE(begins_auctions("time,reward\n1,2\n"));
  EXPECT_FALSE(open_auction_log(allocate::from_text(""), {.resources = {"usd", "h"}}));
}

}  // namespace
}  // namespace bursar::admit
