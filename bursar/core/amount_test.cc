#include "bursar/core/amount.h"

#include <algorithm>
#include <cstdint>
#include <gtest/gtest.h>
#include <limits>
#include <rapidcheck/gtest.h>
#include <string>
#include <thread>
#include <vector>

#include "bursar/core/wide.h"

namespace bursar {
namespace {

constexpr std::int64_t kLowest = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kHighest = std::numeric_limits<std::int64_t>::max();

rc::Gen<Amount> any_amount() {
  return rc::gen::map(rc::gen::pair(rc::gen::inRange(0, 7), rc::gen::oneOf(rc::gen::arbitrary<std::int64_t>(),
                                                                           rc::gen::inRange<std::int64_t>(-5000, 5000),
                                                                           rc::gen::element(kLowest, kHighest))),
                      [](const std::pair<int, std::int64_t>& p) {
                        return Amount{Resource::from_index(static_cast<std::uint8_t>(p.first)), p.second};
                      });
}

Amounts amounts_of(const std::vector<Amount>& items) {
  Amounts out;
  for (const Amount& item : items) EXPECT_TRUE(out.set(item.resource, item.units));
  return out;
}

TEST(Resource, BuiltInsHaveTheirNamesAndDecimals) {
  EXPECT_EQ(kUsd.name(), "usd");
  EXPECT_EQ(kUsd.decimals(), 6);
  EXPECT_EQ(kMs.name(), "ms");
  EXPECT_EQ(kMs.decimals(), 3);
  for (const auto& [resource, name] : {std::pair{kTokens, "tokens"},
                                       {kCalls, "calls"},
                                       {kRollouts, "rollouts"},
                                       {kBits, "bits"},
                                       {kLabels, "labels"}}) {
    EXPECT_EQ(resource.name(), name);
    EXPECT_EQ(resource.decimals(), 0);
    EXPECT_EQ(Resource::find(name), resource);
    EXPECT_EQ(Resource::declare(name), resource);
  }
}

TEST(Resource, RefusesNamesOfAnotherFormAndUnitsOfTime) {
  for (const std::string_view name : {"", "Usd", "1st", "_x", "a-b", "a b", "s", "us", "min", "h", "é"}) {
    ASSERT_FALSE(Resource::declare(name)) << name;
    EXPECT_EQ(Resource::declare(name).error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_FALSE(Resource::declare(std::string(33, 'a')));
  EXPECT_EQ(Resource::find("nobody_declared_me").error().code, ErrorCode::kNotFound);
}

TEST(Resource, DeclaringFromManyThreadsGivesOneResourceANameAndStopsAtTheLimit) {
  constexpr int kThreads = 4;
  std::vector<std::vector<Result<Resource>>> seen(kThreads);
  {
    std::vector<std::jthread> threads;
    threads.reserve(kThreads);
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&mine = seen[t]] {
        for (int i = 0; i < 80; ++i) mine.push_back(Resource::declare("thing_" + std::to_string(i)));
      });
    }
  }
  std::size_t declared = 0;
  for (int i = 0; i < 80; ++i) {
    const auto& first = seen[0][i];
    declared += first.has_value();
    for (int t = 1; t < kThreads; ++t) {
      // Which names won the last places is decided by the race; that all threads agree is not.
      ASSERT_EQ(seen[t][i].has_value(), first.has_value());
      if (first) {
        EXPECT_EQ(*seen[t][i], *first);
        EXPECT_EQ(first->name(), "thing_" + std::to_string(i));
      } else {
        EXPECT_EQ(first.error().code, ErrorCode::kExhausted);
      }
    }
  }
  EXPECT_LE(declared, Resource::kMaxDeclared - 7);
  EXPECT_GE(declared, Resource::kMaxDeclared - 7 - 2);  // other tests of this program declare at most two
}

TEST(ParseAmount, ReadsNumbersSuffixesAndUnits) {
  const std::vector<std::pair<std::string_view, Amount>> cases{{"12.50 usd", {kUsd, 12'500'000}},
                                                               {"30k tokens", {kTokens, 30'000}},
                                                               {"2 s", {kMs, 2'000'000}},
                                                               {"2 ms", {kMs, 2'000}},
                                                               {"7 us", {kMs, 7}},
                                                               {"1.5 min", {kMs, 90'000'000}},
                                                               {"0.5 h", {kMs, 1'800'000'000}},
                                                               {"-3 calls", {kCalls, -3}},
                                                               {"+3 calls", {kCalls, 3}},
                                                               {"1.5k tokens", {kTokens, 1'500}},
                                                               {"2M bits", {kBits, 2'000'000}},
                                                               {"0.001G bits", {kBits, 1'000'000}},
                                                               {"0.000001 usd", {kUsd, 1}},
                                                               {"0.0000005k usd", {kUsd, 500}},
                                                               {"007 calls", {kCalls, 7}},
                                                               {"-0 usd", {kUsd, 0}},
                                                               {"0.000000001k usd", {kUsd, 1}}};
  for (const auto& [text, amount] : cases) {
    const auto read = parse_amount(text);
    ASSERT_TRUE(read) << text << ": " << read.error().message;
    EXPECT_EQ(*read, amount) << text;
  }
}

TEST(ParseAmount, RefusesEverythingElseAndNamesIt) {
  for (const std::string_view text : {"",
                                      " ",
                                      "usd",
                                      "12",
                                      "12.50",
                                      "12.50usd",
                                      "12.50  usd",
                                      " 12 usd",
                                      "12 usd ",
                                      "12 eur",
                                      "1. usd",
                                      ".5 usd",
                                      "1.2.3 usd",
                                      "1e3 usd",
                                      "--1 usd",
                                      "1 k tokens",
                                      "1kk tokens",
                                      "1K tokens",
                                      "0x1 calls",
                                      "1,5 usd",
                                      "nan usd",
                                      "inf usd",
                                      "1.5 tokens",
                                      "1.0 tokens",
                                      "0.0000001 usd",
                                      "0.5 us",
                                      "9223372036854775808 calls",
                                      "-9223372036854775809 calls",
                                      "9223372036855 usd",
                                      "10000000000G calls",
                                      "1 USD",
                                      "99999999999999999999999999999999999999999999 calls",
                                      "- usd",
                                      "1 "}) {
    const auto read = parse_amount(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code, ErrorCode::kInvalidArgument) << text;
    EXPECT_NE(read.error().message.find(text), std::string::npos) << read.error().message;
  }
}

TEST(ParseAmount, ReachesBothEndsOfSixtyFourBits) {
  EXPECT_EQ(parse_amount("9223372036854775807 calls"), (Amount{kCalls, kHighest}));
  EXPECT_EQ(parse_amount("-9223372036854775808 calls"), (Amount{kCalls, kLowest}));
  EXPECT_EQ(parse_amount("-9223372036854.775808 usd"), (Amount{kUsd, kLowest}));
}

TEST(ParseAmount, ErrorsShowNoControlBytesAndStayShort) {
  const auto read = parse_amount("1 \n\x01" + std::string(10'000, 'x'));
  ASSERT_FALSE(read);
  EXPECT_LT(read.error().message.size(), 400U);
  EXPECT_EQ(read.error().message.find('\n'), std::string::npos);
}

TEST(AmountToString, IsWhatPeopleWrite) {
  EXPECT_EQ(to_string(Amount{kUsd, 12'500'000}), "12.50 usd");
  EXPECT_EQ(to_string(Amount{kUsd, 1}), "0.000001 usd");
  EXPECT_EQ(to_string(Amount{kUsd, -1'234'500}), "-1.2345 usd");
  EXPECT_EQ(to_string(Amount{kUsd, 0}), "0.00 usd");
  EXPECT_EQ(to_string(Amount{kTokens, 30'000}), "30k tokens");
  EXPECT_EQ(to_string(Amount{kTokens, 30'001}), "30001 tokens");
  EXPECT_EQ(to_string(Amount{kTokens, 2'000'000}), "2M tokens");
  EXPECT_EQ(to_string(Amount{kCalls, 0}), "0 calls");
  EXPECT_EQ(to_string(Amount{kMs, 2'000'000}), "2 s");
  EXPECT_EQ(to_string(Amount{kMs, 1'500'000}), "1500 ms");
  EXPECT_EQ(to_string(Amount{kMs, 250}), "0.25 ms");
  EXPECT_EQ(to_string(Amount{kMs, 0}), "0 ms");
}

RC_GTEST_PROP(AmountToString, ReadsBackAsTheSameAmount, ()) {
  const Amount amount = *any_amount();
  RC_ASSERT(parse_amount(to_string(amount)) == amount);
}

RC_GTEST_PROP(ParseAmount, NeverCrashesOnBytesAndWhatItReadsReadsBack, (const std::string& bytes)) {
  const std::string text = *rc::gen::element(bytes, "1" + bytes + " usd", bytes + "5k tokens", "0." + bytes);
  if (const auto read = parse_amount(text)) RC_ASSERT(parse_amount(to_string(*read)) == *read);
}

TEST(Amounts, KeepOneEntryAResourceInOrder) {
  Amounts amounts;
  ASSERT_TRUE(amounts.set(kMs, 5));
  ASSERT_TRUE(amounts.set(kUsd, 1));
  ASSERT_TRUE(amounts.set(kCalls, 2));
  ASSERT_TRUE(amounts.set(kUsd, 7));
  ASSERT_EQ(amounts.items().size(), 3U);
  EXPECT_EQ(amounts.items()[0], (Amount{kUsd, 7}));
  EXPECT_EQ(amounts.items()[1], (Amount{kCalls, 2}));
  EXPECT_EQ(amounts.items()[2], (Amount{kMs, 5}));
  EXPECT_EQ(amounts[kBits], 0);
}

TEST(Amounts, RefuseANinthResourceAndKeepWhatTheyHad) {
  Amounts amounts;
  for (std::uint8_t i = 0; i < Amounts::kCapacity; ++i) ASSERT_TRUE(amounts.set(Resource::from_index(i), i + 1));
  const Amounts before = amounts;
  const auto ninth = amounts.set(Resource::from_index(8), 1);
  ASSERT_FALSE(ninth);
  EXPECT_EQ(ninth.error().code, ErrorCode::kExhausted);
  EXPECT_EQ(amounts, before);
  EXPECT_TRUE(amounts.add(Amount{Resource::from_index(9), 0}));  // nothing to store
}

TEST(Amounts, AbsentEqualsZero) {
  Amounts zero;
  ASSERT_TRUE(zero.set(kUsd, 0));
  EXPECT_EQ(zero, Amounts{});
  EXPECT_FALSE(zero.empty());  // a limit of zero is not the absence of a limit
  ASSERT_TRUE(zero.set(kUsd, 1));
  EXPECT_FALSE(zero == Amounts{});
  EXPECT_FALSE(Amounts{} == zero);
}

TEST(Amounts, ASumThatDoesNotFitChangesNothing) {
  Amounts amounts = amounts_of({{kUsd, kHighest}, {kCalls, 1}});
  const Amounts before = amounts;
  const auto sum = amounts.add(amounts_of({{kCalls, 1}, {kUsd, 1}}));
  ASSERT_FALSE(sum);
  EXPECT_EQ(sum.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(amounts, before);
  EXPECT_FALSE(Amounts{}.subtract(amounts_of({{kUsd, kLowest}})));
  EXPECT_FALSE(amounts_of({{kUsd, -2}}).subtract(amounts_of({{kUsd, kHighest}})));
}

TEST(Amounts, PrintAndReadAList) {
  const Amounts amounts = amounts_of({{kUsd, 12'500'000}, {kTokens, 30'000}});
  EXPECT_EQ(to_string(amounts), "12.50 usd, 30k tokens");
  EXPECT_EQ(parse_amounts("30k tokens,12.50 usd"), amounts);
  EXPECT_EQ(parse_amounts(""), Amounts{});
  EXPECT_EQ(to_string(Amounts{}), "");
  EXPECT_EQ(parse_amounts("0 usd")->items().size(), 1U);
  for (const std::string_view text : {",", "1 usd,", ",1 usd", "1 usd, 2 usd", "1 usd; 2 calls", "1 s, 1 ms"}) {
    EXPECT_FALSE(parse_amounts(text)) << text;
  }
}

RC_GTEST_PROP(Amounts, AddThenSubtractGivesBackTheSame, ()) {
  const auto small = rc::gen::map(any_amount(), [](Amount a) { return Amount{a.resource, a.units / 4}; });
  const Amounts a = amounts_of(*rc::gen::container<std::vector<Amount>>(small));
  const Amounts b = amounts_of(*rc::gen::container<std::vector<Amount>>(small));
  Amounts sum = a;
  RC_ASSERT(sum.add(b).has_value());
  for (std::uint8_t i = 0; i < 7; ++i) {
    const auto r = Resource::from_index(i);
    RC_ASSERT(sum[r] == a[r] + b[r]);
  }
  RC_ASSERT(parse_amounts(to_string(sum)) == sum);
  RC_ASSERT(sum.subtract(b).has_value());
  RC_ASSERT(sum == a);
  RC_ASSERT(a.any_negative() == std::ranges::any_of(a.items(), [](Amount x) { return x.units < 0; }));
}

RC_GTEST_PROP(Amounts, AddNeverWraps, ()) {
  const Amount a = *any_amount();
  const std::int64_t other = *rc::gen::oneOf(rc::gen::arbitrary<std::int64_t>(), rc::gen::element(kLowest, kHighest));
  Amounts amounts = amounts_of({a});
  const Wide truth = static_cast<Wide>(a.units) + other;
  const bool fits = truth >= kLowest && truth <= kHighest;
  RC_ASSERT(amounts.add(Amount{a.resource, other}).has_value() == fits);
  RC_ASSERT(amounts[a.resource] == (fits ? static_cast<std::int64_t>(truth) : a.units));
}

}  // namespace
}  // namespace bursar
