#include "bursar/core/quantile_sketch.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <rapidcheck/gtest.h>
#include <string>
#include <vector>

#include "bursar/core/random.h"

namespace bursar {
namespace {

using namespace std::chrono_literals;

QuantileSketch sketch_of(const std::vector<double>& values, QuantileSketchOptions options = {}) {
  auto sketch = QuantileSketch::create(options).value();
  for (const double v : values) EXPECT_TRUE(sketch.insert(v));
  return sketch;
}

// Smallest value with F >= p, from the sorted values themselves.
double exact_quantile(std::vector<double> values, double p) {
  std::ranges::sort(values);
  const double rank = p * static_cast<double>(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (static_cast<double>(i + 1) >= rank) return values[i];
  }
  return values.back();
}

// Values made to hurt: many magnitudes, neighbours at bucket borders, ties, zeros, both signs.
rc::Gen<double> nasty_value(bool any_sign) {
  return rc::gen::map(rc::gen::tuple(rc::gen::inRange(0, 5), rc::gen::inRange(0, 2000), rc::gen::arbitrary<bool>()),
                      [=](const std::tuple<int, int, bool>& t) {
                        const auto [kind, k, negative] = t;
                        const double gamma = 1.01 / .99;
                        double x = 0;
                        if (kind == 0) x = std::pow(gamma, k % 500);
                        if (kind == 1) x = std::nextafter(std::pow(gamma, k % 500), HUGE_VAL);
                        if (kind == 2) x = std::exp(k / 100.0);
                        if (kind == 3) x = k % 3;
                        if (kind == 4) x = 1 + k * 1e-5;
                        return any_sign && negative ? -x : x;
                      });
}

std::vector<double> nasty_values(bool any_sign) {
  return *rc::gen::nonEmpty(rc::gen::container<std::vector<double>>(nasty_value(any_sign)));
}

constexpr double kRounding = 1e-9;

TEST(QuantileSketch, RefusesOptionsOutOfRangeByName) {
  const auto message = [](QuantileSketchOptions options) { return QuantileSketch::create(options).error().message; };
  EXPECT_NE(message({.relative_error = 0}).find("relative_error"), std::string::npos);
  EXPECT_NE(message({.relative_error = std::nan("")}).find("relative_error"), std::string::npos);
  EXPECT_NE(message({.max_buckets = 1}).find("max_buckets"), std::string::npos);
  EXPECT_NE(message({.half_life = -1s}).find("half_life"), std::string::npos);
}

TEST(QuantileSketch, RefusesWhatIsNoValueAndNoWeight) {
  auto sketch = sketch_of({});
  for (const double bad : {std::nan(""), HUGE_VAL, -HUGE_VAL}) EXPECT_FALSE(sketch.insert(bad));
  for (const double bad : {0.0, -1.0, std::nan(""), HUGE_VAL}) EXPECT_FALSE(sketch.insert(1, bad));
  EXPECT_EQ(sketch.weight(), 0);
  EXPECT_EQ(sketch.quantile(.5), std::nullopt);
  EXPECT_TRUE(sketch.insert(1));
  EXPECT_EQ(sketch.quantile(-.1), std::nullopt);
  EXPECT_EQ(sketch.quantile(1.1), std::nullopt);
}

TEST(QuantileSketch, ReachesBothEndsOfTheDoubles) {
  const double largest = std::numeric_limits<double>::max();
  const auto sketch = sketch_of({largest, -largest, 5e-324});
  EXPECT_NEAR(*sketch.quantile(1) / largest, 1, .01);
  EXPECT_NEAR(*sketch.quantile(0) / largest, -1, .01);
  EXPECT_EQ(sketch.quantile(.5), 0);
}

RC_GTEST_PROP(QuantileSketch, KeepsItsRelativeErrorOnNastyValues, (bool any_sign)) {
  const auto values = nasty_values(any_sign);
  const double error = *rc::gen::element(.001, .01, .1);
  const auto sketch = sketch_of(values, {.relative_error = error, .max_buckets = 65'536});
  for (const double p : {0.0, .01, .1, .25, .5, .75, .9, .99, .999, 1.0}) {
    const double exact = exact_quantile(values, p);
    RC_ASSERT(std::abs(*sketch.quantile(p) - exact) <= (error + kRounding) * std::abs(exact));
  }
  RC_ASSERT(sketch.weight() == static_cast<double>(values.size()));
}

TEST(QuantileSketch, KeepsItsRelativeErrorOnAHeavyTail) {
  RandomStream random(1);
  std::vector<double> values;
  values.reserve(20'000);
  for (int i = 0; i < 20'000; ++i) values.push_back(std::exp(3 * random.normal()));
  const auto sketch = sketch_of(values);
  for (const double p : {.5, .9, .99, .999}) {
    const double exact = exact_quantile(values, p);
    EXPECT_NEAR(*sketch.quantile(p) / exact, 1, .01 + kRounding) << p;
  }
}

RC_GTEST_PROP(QuantileSketch, CollapsingCostsOnlyTheBucketsNearestToZero, ()) {
  const auto values = nasty_values(false);
  const QuantileSketchOptions options{.max_buckets = 64};
  const auto sketch = sketch_of(values, options);
  // 64 buckets hold all values above the largest / gamma^63.
  const double kept = *std::ranges::max_element(values) / std::pow(1.01 / .99, 62);
  for (const double p : {.1, .5, .9, .99, 1.0}) {
    const double exact = exact_quantile(values, p);
    if (exact > kept) RC_ASSERT(std::abs(*sketch.quantile(p) / exact - 1) <= .01 + kRounding);
    if (exact == 0) RC_ASSERT(sketch.quantile(p) == 0.0);
  }
}

RC_GTEST_PROP(QuantileSketch, AMergeIsTheSketchOfTheUnion, (bool any_sign)) {
  const auto a = nasty_values(any_sign), b = nasty_values(any_sign);
  const QuantileSketchOptions options{.max_buckets = *rc::gen::element<std::size_t>(16, 64, 2048)};
  auto merged = sketch_of(a, options);
  RC_ASSERT(merged.merge(sketch_of(b, options)).has_value());
  std::vector<double> both = a;
  both.insert(both.end(), b.begin(), b.end());
  const auto whole = sketch_of(both, options);
  RC_ASSERT(merged.weight() == whole.weight());
  for (int i = 0; i <= 40; ++i) RC_ASSERT(merged.quantile(i / 40.0) == whole.quantile(i / 40.0));
}

TEST(QuantileSketch, MergesWithItselfAndRefusesOtherOptions) {
  auto sketch = sketch_of({1, 2, -3, 0});
  ASSERT_TRUE(sketch.merge(sketch));
  EXPECT_EQ(sketch.weight(), 8);
  const auto other = sketch_of({1}, {.relative_error = .02});
  EXPECT_EQ(sketch.merge(other).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(sketch.weight(), 8);
}

TEST(QuantileSketch, DecayHalvesWeightsInAHalfLife) {
  auto sketch = sketch_of({1, -1, 0, 5}, {.half_life = 10s});
  sketch.decay(10s);
  EXPECT_DOUBLE_EQ(sketch.weight(), 2);
  sketch.decay(-10s);
  EXPECT_DOUBLE_EQ(sketch.weight(), 2);
  for (int i = 0; i < 10; ++i) sketch.decay(1s);
  EXPECT_NEAR(sketch.weight(), 1, 1e-12);
  EXPECT_TRUE(sketch.insert(7, 3));
  EXPECT_NEAR(sketch.weight(), 4, 1e-12);
  EXPECT_NEAR(*sketch.quantile(.5), 7, .07);  // 3 of 4: the young value outweighs the old ones

  auto lasting = sketch_of({1, 2});
  lasting.decay(1h);
  EXPECT_EQ(lasting.weight(), 2);
}

TEST(QuantileSketch, ForgetsAnOldExtremeForGood) {
  auto sketch = sketch_of({1e12}, {.max_buckets = 1024, .half_life = 1s});
  for (int i = 0; i < 300; ++i) {
    sketch.decay(1s);
    EXPECT_TRUE(sketch.insert(1));
  }
  EXPECT_NEAR(*sketch.quantile(.1), 1, .011);  // no longer collapsed into the extreme's range
  EXPECT_NEAR(*sketch.quantile(1), 1, .011);
  EXPECT_NEAR(sketch.weight(), 2, 1e-9);
  sketch.decay(24h);
  EXPECT_EQ(sketch.weight(), 0);
  EXPECT_EQ(sketch.quantile(.5), std::nullopt);
  EXPECT_TRUE(sketch.insert(3));
  EXPECT_NEAR(*sketch.quantile(.5), 3, .03);
}

RC_GTEST_PROP(QuantileSketch, DecayOfAllMovesNoQuantile, ()) {
  const auto values = nasty_values(true);
  auto sketch = sketch_of(values, {.half_life = 1s});
  const auto before = sketch;
  sketch.decay(*rc::gen::inRange(1, 40) * 1s);
  for (const double p : {.1, .5, .9}) RC_ASSERT(sketch.quantile(p) == before.quantile(p));
}

RC_GTEST_PROP(QuantileSketch, ALoadedSketchIsTheSavedOne, ()) {
  auto sketch = sketch_of(nasty_values(true), {.max_buckets = 256, .half_life = 7s});
  sketch.decay(*rc::gen::inRange(0, 400'000'000) * 1us);
  sketch.insert(*nasty_value(true), .37);
  auto loaded = QuantileSketch::load(sketch.save());
  RC_ASSERT(loaded.has_value());
  RC_ASSERT(loaded->save() == sketch.save());
  for (QuantileSketch* s : {&sketch, &*loaded}) {
    s->decay(3s);
    s->insert(2.5);
  }
  RC_ASSERT(loaded->save() == sketch.save());
  for (const double p : {0.0, .3, .9, 1.0}) RC_ASSERT(loaded->quantile(p) == sketch.quantile(p));
}

RC_GTEST_PROP(QuantileSketch, LoadOfADamagedStateRefusesOrIsAStateOfItsOwn, ()) {
  std::string text = sketch_of({1, 2, 3, -4, 0}, {.half_life = 1s}).save();
  for (int i = *rc::gen::inRange(1, 4); i > 0; --i) {
    text[*rc::gen::inRange<std::size_t>(0, text.size())] =
        *rc::gen::oneOf(rc::gen::arbitrary<char>(), rc::gen::element('0', '9', '-', ',', 'E', '['));
  }
  auto loaded = QuantileSketch::load(text);
  if (!loaded) return;
  loaded->insert(1);
  loaded->insert(-1e300);
  RC_ASSERT(QuantileSketch::load(loaded->save()).has_value());
}

TEST(QuantileSketch, LoadRefusesWhatSaveCannotHaveWritten) {
  const std::string good = sketch_of({1, 2}).save();
  ASSERT_TRUE(QuantileSketch::load(good));
  const auto with = [&](std::string_view from, std::string_view to) {
    std::string text = good;
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  };
  for (const std::string& text :
       {std::string(), std::string("{}"), std::string("[]"), with("\"version\":1", "\"version\":2"),
        with("\"max_buckets\":2048", "\"max_buckets\":1"), with("\"max_buckets\":2048", "\"max_buckets\":16"),
        with("\"half_life_us\":0", "\"half_life_us\":-1"), with("\"zero\":0", "\"zero\":-1"),
        with("\"scale\":1", "\"scale\":0"), with("\"weights\":[1", "\"weights\":[-1"),
        with("\"weights\":[1", "\"weights\":[3"), with("\"lowest\":0", "\"lowest\":123456789012345"),
        with("{\"version\"", "{\"x\":1,\"version\"")}) {
    EXPECT_FALSE(QuantileSketch::load(text)) << text;
  }
}

}  // namespace
}  // namespace bursar
