#include "bursar/core/hex.h"

#include <cstdio>
#include <gtest/gtest.h>

namespace bursar {
namespace {

TEST(Hex, PrintsWhatTheCLibraryPrints) {
  for (const std::uint64_t value : {0ULL, 1ULL, 15ULL, 16ULL, 255ULL, 0x123456789abcULL, ~0ULL}) {
    for (const int digits : {1, 2, 12, 16}) {
      char expected[24];
      std::snprintf(expected, sizeof expected, "%0*llx", digits, static_cast<unsigned long long>(value));
      std::string out = "x";
      append_hex(out, value, digits);
      EXPECT_EQ(out, std::string("x") + expected);
    }
  }
}

TEST(Hex, PrintsAtMostSixteenDigits) {
  std::string out;
  append_hex(out, 1, 40);
  EXPECT_EQ(out, "0000000000000001");
}

}  // namespace
}  // namespace bursar
