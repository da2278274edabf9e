#include "bursar/broker/upstream/http_status.h"

#include <gtest/gtest.h>

#include "bursar/core/utc_text.h"

namespace bursar::broker {
namespace {

using namespace std::chrono_literals;

TEST(HttpStatus, KnowsHowLongAServerAsksToBeLeftAlone) {
  const WallTime now = parse_utc("2026-11-25T10:00:00Z").value();
  EXPECT_EQ(reply_of_refusal(429, "7", "", now).retry_after, 7s);
  EXPECT_EQ(reply_of_refusal(503, "Wed, 25 Nov 2026 10:00:30 GMT", "", now).retry_after, 30s);
  EXPECT_EQ(reply_of_refusal(503, "", "", now).retry_after, std::nullopt);
  EXPECT_EQ(reply_of_refusal(503, "later", "", now).retry_after, std::nullopt);
}

}  // namespace
}  // namespace bursar::broker
