#include "bursar/schedule/latency_store.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <string>
#include <thread>
#include <vector>

#include "bursar/core/kaplan_meier.h"

namespace bursar::schedule {
namespace {

using namespace std::chrono_literals;

const ToolId kRead{"files", "read"};
const ToolId kWrite{"files", "write"};

void record_many(LatencyStore& store, const ToolId& tool, int n, Duration latency, bool censored = false) {
  for (int i = 0; i < n; ++i) store.record(tool, latency, censored);
}

struct Recorded {
  int tool = 0, ms = 0;
  bool censored = false;
};

std::vector<Recorded> some_records(int most) {
  const int n = *rc::gen::inRange(0, most);
  return *rc::gen::container<std::vector<Recorded>>(
      n, rc::gen::map(rc::gen::tuple(rc::gen::inRange(0, 3), rc::gen::inRange(0, 500), rc::gen::inRange(0, 4)),
                      [](const auto& t) { return Recorded{std::get<0>(t), std::get<1>(t), std::get<2>(t) == 0}; }));
}

ToolId tool_of(const Recorded& r) { return {r.tool == 2 ? "b" : "a", std::to_string(r.tool)}; }

LatencyStore store_of(const std::vector<Recorded>& records) {
  LatencyStore store;
  for (const Recorded& r : records) store.record(tool_of(r), r.ms * 1ms, r.censored);
  return store;
}

TEST(LatencyStore, GuessesTwoSecondsWhereNothingIsKnown) {
  const LatencyStore store;
  EXPECT_EQ(store.quantile(kRead, .5), 2s);
  EXPECT_EQ(store.quantile(kRead, .99), 2s);
  EXPECT_EQ(store.cdf(kRead, 1999ms), 0);
  EXPECT_EQ(store.cdf(kRead, 2s), .95);
  EXPECT_FALSE(store.knows(kRead));
  EXPECT_EQ(store.observations(kRead), 0U);
}

TEST(LatencyStore, TrustsAToolFromTwentyObservationsOn) {
  LatencyStore store;
  record_many(store, kRead, 19, 100ms);
  EXPECT_EQ(store.quantile(kRead, .5), 2s);
  store.record(kRead, 100ms, false);
  EXPECT_EQ(store.quantile(kRead, .5), 100ms);
  EXPECT_EQ(store.observations(kRead), 20U);
}

TEST(LatencyStore, LetsTheUpstreamAnswerForAToolOfWhichLittleIsKnown) {
  LatencyStore store;
  record_many(store, kRead, 20, 100ms);
  EXPECT_EQ(store.quantile(kWrite, .5), 100ms);  // never recorded
  record_many(store, kWrite, 19, 900ms);
  EXPECT_EQ(store.quantile(kWrite, .3), 100ms);
  EXPECT_TRUE(store.knows(kWrite));
  store.record(kWrite, 900ms, false);
  EXPECT_EQ(store.quantile(kWrite, .3), 900ms);
  EXPECT_FALSE(store.knows({"other", "write"}));
}

TEST(LatencyStore, AnswersWithTheTailWhereSurvivalNeverFallsFarEnough) {
  LatencyStore store;
  record_many(store, kRead, 15, 100ms);
  record_many(store, kRead, 5, 1s, /*censored=*/true);
  EXPECT_EQ(store.quantile(kRead, .75), 100ms);
  EXPECT_EQ(store.quantile(kRead, .8), 1600ms);
  EXPECT_DOUBLE_EQ(store.cdf(kRead, 10s), .75);
  record_many(store, kRead, 5, 60s, /*censored=*/true);
  EXPECT_EQ(store.quantile(kRead, .8), 20s);  // the cap
}

TEST(LatencyStore, RefreshesEveryFiveRecordsAndForgetsAfterTwoHundred) {
  LatencyStore store;
  record_many(store, kRead, 20, 100ms);
  record_many(store, kRead, 4, 10ms);
  EXPECT_EQ(store.cdf(kRead, 10ms), 0);
  store.record(kRead, 10ms, false);
  EXPECT_DOUBLE_EQ(store.cdf(kRead, 10ms), 5.0 / 25);
  record_many(store, kRead, 195, 10ms);
  EXPECT_EQ(store.cdf(kRead, 10ms), 1);
  EXPECT_EQ(store.observations(kRead), 200U);
}

TEST(LatencyStore, ClampsLatenciesAndIgnoresNamesItCouldNotSave) {
  LatencyStore store;
  record_many(store, kRead, 20, -5s);
  EXPECT_EQ(store.quantile(kRead, .5), 1us);
  store.record({std::string(257, 'a'), "t"}, 1s, false);
  store.record({"u", "\xff"}, 1s, false);
  EXPECT_EQ(store.tools(), std::vector{kRead});
  record_many(store, kWrite, 200, Duration::max());
  EXPECT_EQ(store.quantile(kWrite, .5), 24h);
  EXPECT_TRUE(LatencyStore::load(store.save()));
}

TEST(LatencyStore, DropsTheLeastRecentlyRecordedToolsAtItsLimit) {
  LatencyStore store;
  for (std::size_t i = 0; i < LatencyStore::kMaxTools; ++i) store.record({"u", std::to_string(i)}, 1ms, false);
  store.record({"u", "0"}, 1ms, false);  // now the youngest
  for (int i = 0; i < 100; ++i) store.record({"v", std::to_string(i)}, 1ms, false);
  EXPECT_LE(store.tools().size(), LatencyStore::kMaxTools);
  EXPECT_GE(store.tools().size(), LatencyStore::kMaxTools - 64);
  EXPECT_EQ(store.observations({"u", "0"}), 2U);
  EXPECT_EQ(store.observations({"u", "1"}), 0U);
  EXPECT_EQ(store.observations({"u", "9999"}), 1U);
  EXPECT_EQ(store.observations({"v", "99"}), 1U);
  const auto loaded = LatencyStore::load(store.save());
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->tools(), store.tools());
}

RC_GTEST_PROP(LatencyStore, EqualsKaplanMeierOfTheLastTwoHundred, ()) {
  auto records = some_records(450);
  for (Recorded& r : records) r.tool = 0;
  const LatencyStore store = store_of(records);
  std::size_t refreshed = 0;
  for (std::size_t i = 0, since = 0; i < records.size(); ++i) {
    if (++since < 5 && !records[i].censored) continue;
    since = 0;
    refreshed = i + 1;
  }
  RC_PRE(refreshed >= 20);
  std::vector<CensoredValue> window;
  double largest = 0;
  for (std::size_t i = refreshed - std::min<std::size_t>(refreshed, 200); i < refreshed; ++i) {
    window.push_back({std::max(records[i].ms * 1000.0, 1.0), records[i].censored});
    largest = std::max(largest, window.back().value);
  }
  const KaplanMeier km(window);
  for (const double p : {.05, .5, .9, .95, .99}) {
    const double expected = km.quantile(p).value_or(std::min(1.6 * largest, 20e6));
    RC_ASSERT(store.quantile(tool_of(records[0]), p).count() == static_cast<std::int64_t>(expected));
  }
  for (int ms = 0; ms <= 500; ms += 50) RC_ASSERT(store.cdf(tool_of(records[0]), ms * 1ms) == km.cdf(ms * 1000.0));
}

RC_GTEST_PROP(LatencyStore, ALoadedStoreAnswersAndGoesOnAsTheSavedOne, ()) {
  LatencyStore store = store_of(some_records(900));
  const std::string saved = store.save();
  auto loaded = LatencyStore::load(saved);
  RC_ASSERT(loaded.has_value());
  RC_ASSERT(loaded->save() == saved);
  RC_ASSERT(loaded->tools() == store.tools());
  const auto more = some_records(30);
  for (std::size_t i = 0; i <= more.size(); ++i) {
    for (int tool = 0; tool < 4; ++tool) {
      const ToolId id = tool_of({.tool = tool});
      RC_ASSERT(loaded->observations(id) == store.observations(id));
      RC_ASSERT(loaded->quantile(id, .9) == store.quantile(id, .9));
      RC_ASSERT(loaded->cdf(id, 100ms) == store.cdf(id, 100ms));
    }
    if (i == more.size()) break;
    for (LatencyStore* s : {&store, &*loaded}) s->record(tool_of(more[i]), more[i].ms * 1ms, more[i].censored);
  }
  RC_ASSERT(loaded->save() == store.save());
}

RC_GTEST_PROP(LatencyStore, LoadOfADamagedStateRefusesOrIsAStateOfItsOwn, ()) {
  std::string text = store_of(some_records(60)).save();
  const int edits = *rc::gen::inRange(1, 4);
  for (int i = 0; i < edits && !text.empty(); ++i) {
    const auto at = *rc::gen::inRange<std::size_t>(0, text.size());
    const char byte = *rc::gen::oneOf(rc::gen::arbitrary<char>(), rc::gen::element('0', '9', '-', ',', '"', '[', '}'));
    switch (*rc::gen::inRange(0, 3)) {
      case 0: text[at] = byte; break;
      case 1: text.erase(at, *rc::gen::inRange(1, 20)); break;
      default: text.insert(at, 1, byte);
    }
  }
  const auto loaded = LatencyStore::load(text);
  if (!loaded) {
    RC_ASSERT(loaded.error().code == ErrorCode::kInvalidArgument);
    return;
  }
  const std::string saved = loaded->save();
  RC_ASSERT(LatencyStore::load(saved)->save() == saved);
}

TEST(LatencyStore, WhatWasCutOffRaisesTheTimeoutAtOnce) {
  LatencyStore store;
  for (int i = 0; i < 40; ++i) store.record({"u", "t"}, 20ms, false);
  // A tool that became slower: the second call is given more time than the first, not only the sixth.
  const Duration first = store.quantile({"u", "t"}, .99);
  store.record({"u", "t"}, first, true);
  EXPECT_GE(store.quantile({"u", "t"}, .99), first * 3 / 2);
}

TEST(LatencyStore, LoadRefusesWhatSaveCannotHaveWritten) {
  const auto pool = [](std::string_view name, std::string_view rest) {
    return R"({"upstream":")" + std::string(name) + R"(",)" + std::string(rest) + "}";
  };
  const auto state = [](std::string_view pools, std::string_view tools) {
    return R"({"version":1,"pools":[)" + std::string(pools) + R"(],"tools":[)" + std::string(tools) + "]}";
  };
  const std::string one = R"("since":1,"window":[5])";
  const auto tool = [&](std::string_view name, std::string_view rest) {
    return R"({"upstream":"u","tool":")" + std::string(name) + R"(",)" + std::string(rest) + "}";
  };
  ASSERT_TRUE(LatencyStore::load(state(pool("u", one), tool("t", one))));
  for (const std::string& text : {std::string(),
                                  std::string("null"),
                                  std::string("[]"),
                                  std::string("{}"),
                                  std::string(R"({"version":1})"),
                                  std::string(R"({"version":2,"pools":[],"tools":[]})"),
                                  std::string(R"({"version":1,"pools":[],"tools":[],"x":1})"),
                                  state("", tool("t", one)),
                                  state(pool("u", one), ""),
                                  state(pool("u", one) + "," + pool("u", one), tool("t", one)),
                                  state(pool("u", one), tool("t", one) + "," + tool("t", one)),
                                  state(pool("u", one), tool("t", R"("since":2,"window":[5])")),
                                  state(pool("u", one), tool("t", R"("since":5,"window":[1,2,3,4,5])")),
                                  state(pool("u", one), tool("t", R"("since":0,"window":[])")),
                                  state(pool("u", one), tool("t", R"("since":1,"window":[0])")),
                                  state(pool("u", one), tool("t", R"("since":1,"window":[1.5])")),
                                  state(pool("u", one), tool("t", R"("since":1,"window":["5"])")),
                                  state(pool("u", one), tool("t", R"("since":1,"window":[99999999999999])")),
                                  state(pool("u", one), tool("t", R"("since":1,"window":[-9223372036854775808])")),
                                  state(pool("u", one), tool("t", one + R"(,"more":1)")),
                                  state(pool("u", one), tool(std::string(257, 't'), one)),
                                  state(pool("u", one), "7"),
                                  std::string(100'000, '[')}) {
    const auto loaded = LatencyStore::load(text);
    ASSERT_FALSE(loaded) << text;
    EXPECT_EQ(loaded.error().code, ErrorCode::kInvalidArgument);
  }
  std::string long_window = R"("since":0,"window":[1)";
  for (int i = 1; i < 205; ++i) long_window += ",1";
  EXPECT_FALSE(LatencyStore::load(state(pool("u", one), tool("t", long_window + "]"))));
}

TEST(LatencyStore, ThreadsRecordReadAndSaveTogetherAndLoseNothing) {
  LatencyStore store;
  {
    std::vector<std::jthread> threads;
    threads.reserve(3);
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&store, t] {
        for (int i = 0; i < 2000; ++i) {
          store.record({"u", std::to_string(i % 7)}, 1ms + i * 1us, i % 10 == t);
          (void)store.quantile({"u", std::to_string(i % 11)}, .95);
          if (i % 500 == 0) (void)store.save();
        }
      });
    }
  }
  EXPECT_EQ(store.tools().size(), 7U);
  EXPECT_EQ(store.observations({"u", "3"}), 200U);
  EXPECT_TRUE(LatencyStore::load(store.save()));
}

}  // namespace
}  // namespace bursar::schedule
