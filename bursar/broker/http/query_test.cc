#include "bursar/broker/http/query.h"

#include <gtest/gtest.h>

namespace bursar::broker {
namespace {

TEST(Query, FindsAndDecodesOneParameter) {
  EXPECT_EQ(query_value("/x?under=acme%2Fada&limit=5", "under"), "acme/ada");
  EXPECT_EQ(query_value("/x?under=acme%2Fada&limit=5", "limit"), "5");
  EXPECT_EQ(find_query_value("/x?limits=5", "limit"), std::nullopt);
  EXPECT_EQ(find_query_value("/x", "limit"), std::nullopt);
  EXPECT_EQ(find_query_value("/x?limit=", "limit"), "");
  EXPECT_EQ(find_query_value("/x?&&a&limit=1", "limit"), "1");
}

TEST(Query, LeavesWhatIsNoEscape) {
  EXPECT_EQ(percent_decoded("100%"), "100%");
  EXPECT_EQ(percent_decoded("%zz%4"), "%zz%4");
  EXPECT_EQ(percent_decoded("%41%2f%00"), std::string("A/\0", 3));
}

}  // namespace
}  // namespace bursar::broker
