#include "bursar/core/quantile_sketch.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cmath>
#include <numeric>

#include "bursar/core/json.h"

namespace bursar {
namespace {

namespace json = boost::json;

constexpr double kLeastError = 1e-4, kMostError = .5;
constexpr std::size_t kLeastBuckets = 16, kMostBuckets = 65'536;
constexpr double kSmallest = 1e-300;
constexpr double kMostWeight = 1e12;
// Stored weights are brought back to their true size before they outgrow a double's precision.
constexpr double kLeastScale = 0x1.0p-40;
constexpr double kForgotten = 0x1.0p-60;  // a bucket of less true weight than this is dropped then
constexpr std::int64_t kVersion = 1;
constexpr double kMostStored = 1e300;

json::object to_object(const std::vector<double>& weights, std::int64_t lowest) {
  return {{"lowest", lowest}, {"weights", json::array(weights.begin(), weights.end())}};
}

}  // namespace

// Grows the range to hold `index`, or moves it up and collapses what falls out below.
void QuantileSketch::Buckets::make_room(std::int64_t index, std::size_t max_buckets) {
  if (weights.empty()) {
    weights.assign(1, 0);
    lowest = index;
    return;
  }
  const auto most = static_cast<std::int64_t>(max_buckets);
  const std::int64_t highest = std::max(index, lowest + std::ssize(weights) - 1);
  const std::int64_t least = std::max(std::min(index, lowest), highest - most + 1);
  if (least < lowest) {
    weights.insert(weights.begin(), lowest - least, 0);
  } else if (least > lowest) {
    const auto kept = weights.begin() + std::min(least - lowest, std::ssize(weights));
    const double collapsed = std::accumulate(weights.begin(), kept, 0.0);
    weights.erase(weights.begin(), kept);
    if (weights.empty()) weights.push_back(0);
    weights[0] += collapsed;
  }
  lowest = least;
  if (highest - least >= std::ssize(weights)) weights.resize(highest - least + 1);
}

void QuantileSketch::Buckets::add(std::int64_t index, double weight, std::size_t max_buckets) {
  if (index < lowest || index >= lowest + std::ssize(weights)) make_room(index, max_buckets);
  weights[std::max<std::int64_t>(index - lowest, 0)] += weight;
  total += weight;
}

void QuantileSketch::Buckets::rescale(double factor) {
  for (double& weight : weights) {
    weight *= factor;
    if (weight < kForgotten) weight = 0;
  }
  while (!weights.empty() && weights.back() == 0) weights.pop_back();
  const auto first = std::ranges::find_if(weights, [](double weight) { return weight > 0; });
  lowest += first - weights.begin();
  weights.erase(weights.begin(), first);
  total = std::accumulate(weights.begin(), weights.end(), 0.0);
}

QuantileSketch::QuantileSketch(QuantileSketchOptions options)
    : options_(options), log_gamma_(std::log1p(2 * options.relative_error / (1 - options.relative_error))) {}

Result<QuantileSketch> QuantileSketch::create(QuantileSketchOptions options) {
  if (!(options.relative_error >= kLeastError && options.relative_error <= kMostError)) {
    return invalid_argument("relative_error must be from 0.0001 to 0.5, is " + std::to_string(options.relative_error));
  }
  if (options.max_buckets < kLeastBuckets || options.max_buckets > kMostBuckets) {
    return invalid_argument("max_buckets must be from 16 to 65536, is " + std::to_string(options.max_buckets));
  }
  if (options.half_life < Duration{0}) return invalid_argument("half_life must not be negative");
  return QuantileSketch(options);
}

bool QuantileSketch::insert(double value, double weight) {
  if (!std::isfinite(value) || !(weight > 0 && weight < kMostWeight)) return false;
  const double stored = weight / scale_;
  const double magnitude = std::abs(value);
  if (magnitude < kSmallest) {
    zero_ += stored;
    return true;
  }
  const auto index = static_cast<std::int64_t>(std::ceil(std::log(magnitude) / log_gamma_));
  (value > 0 ? positive_ : negative_).add(index, stored, options_.max_buckets);
  return true;
}

void QuantileSketch::decay(Duration elapsed) {
  if (options_.half_life == Duration{0} || elapsed <= Duration{0}) return;
  scale_ *= std::exp2(-static_cast<double>(elapsed.count()) / static_cast<double>(options_.half_life.count()));
  if (scale_ < kLeastScale) settle_scale();
}

void QuantileSketch::settle_scale() {
  zero_ *= scale_;
  if (zero_ < kForgotten) zero_ = 0;
  positive_.rescale(scale_);
  negative_.rescale(scale_);
  scale_ = 1;
}

Result<void> QuantileSketch::merge(const QuantileSketch& other) {
  if (!(options_ == other.options_)) return invalid_argument("sketches of different options cannot be merged");
  const double factor = other.scale_ / scale_;
  const auto absorb = [&](Buckets& into, const Buckets& from) {
    // From the top, so that a self-merge or a wide range settles the collapse once.
    for (std::size_t i = from.weights.size(); i-- > 0;) {
      if (from.weights[i] > 0) {
        into.add(from.lowest + static_cast<std::int64_t>(i), from.weights[i] * factor, options_.max_buckets);
      }
    }
  };
  const QuantileSketch copy = &other == this ? other : QuantileSketch(options_);
  const QuantileSketch& source = &other == this ? copy : other;
  zero_ += source.zero_ * factor;
  absorb(positive_, source.positive_);
  absorb(negative_, source.negative_);
  return {};
}

double QuantileSketch::value_of(std::int64_t index) const {
  // 2 gamma^i / (gamma + 1) = (1 - a) gamma^i; never past the largest double.
  const double value = std::exp(static_cast<double>(index) * log_gamma_ + std::log1p(-options_.relative_error));
  return std::min(value, std::numeric_limits<double>::max());
}

std::optional<double> QuantileSketch::quantile(double p) const {
  const double total = zero_ + positive_.total + negative_.total;
  if (!(p >= 0 && p <= 1) || !(total > 0)) return std::nullopt;
  const double rank = p * total;
  std::optional<double> last;  // rounding may leave the sum of all just below the rank: then the largest value answers
  double below = 0;
  const auto reached = [&](double weight, double value) {
    if (!(weight > 0)) return false;
    below += weight;
    last = value;
    return below >= rank;
  };
  for (std::size_t i = negative_.weights.size(); i-- > 0;) {
    if (reached(negative_.weights[i], -value_of(negative_.lowest + static_cast<std::int64_t>(i)))) return last;
  }
  if (reached(zero_, 0)) return last;
  for (std::size_t i = 0; i < positive_.weights.size(); ++i) {
    if (positive_.weights[i] > 0 &&
        reached(positive_.weights[i], value_of(positive_.lowest + static_cast<std::int64_t>(i)))) {
      return last;
    }
  }
  return last;
}

std::string QuantileSketch::save() const {
  return to_json(json::object{{"version", kVersion},
                              {"relative_error", options_.relative_error},
                              {"max_buckets", options_.max_buckets},
                              {"half_life_us", options_.half_life.count()},
                              {"scale", scale_},
                              {"zero", zero_},
                              {"positive_total", positive_.total},
                              {"negative_total", negative_.total},
                              {"positive", to_object(positive_.weights, positive_.lowest)},
                              {"negative", to_object(negative_.weights, negative_.lowest)}});
}

Result<QuantileSketch> QuantileSketch::load(std::string_view text) {
  const auto document = parse_json(text, {.max_bytes = 8 << 20, .max_depth = 4});
  if (!document) return tl::unexpected(document.error());
  const JsonView root(*document, "sketch");
  std::optional<Error> error;
  const auto take = [&](auto result) {
    if (!result && !error) error = result.error();
    return result ? *result : typename decltype(result)::value_type{};
  };
  if (auto ok = root.only({"version", "relative_error", "max_buckets", "half_life_us", "scale", "zero",
                           "positive_total", "negative_total", "positive", "negative"});
      !ok) {
    return tl::unexpected(ok.error());
  }
  take(root.int_at("version", kVersion, kVersion));
  const QuantileSketchOptions options{
      .relative_error = take(root.double_at("relative_error", kLeastError, kMostError)),
      .max_buckets = static_cast<std::size_t>(take(root.int_at("max_buckets", kLeastBuckets, kMostBuckets))),
      .half_life = Duration(take(root.int_at("half_life_us", 0)))};
  QuantileSketch sketch(options);
  sketch.scale_ = take(root.double_at("scale", kLeastScale, 1));
  sketch.zero_ = take(root.double_at("zero", 0, kMostStored));
  sketch.positive_.total = take(root.double_at("positive_total", 0, kMostStored));
  sketch.negative_.total = take(root.double_at("negative_total", 0, kMostStored));
  if (error) return tl::unexpected(*error);

  const double most_index = std::log(std::numeric_limits<double>::max()) / sketch.log_gamma_ + 1;
  const auto load_buckets = [&](std::string_view key, Buckets& into) -> Result<void> {
    const auto side = root.at(key);
    if (!side) return tl::unexpected(side.error());
    if (auto ok = side->only({"lowest", "weights"}); !ok) return ok;
    const auto bound = static_cast<std::int64_t>(most_index) + static_cast<std::int64_t>(kMostBuckets);
    into.lowest = take(side->int_at("lowest", -bound, bound));
    const auto weights = side->at("weights");
    if (!weights) return tl::unexpected(weights.error());
    const auto size = take(weights->array_size(options.max_buckets));
    for (std::size_t i = 0; i < size && !error; ++i) {
      into.weights.push_back(take(weights->element(i).value().as_double(0, kMostStored)));
    }
    if (error) return tl::unexpected(*error);
    const double sum = std::accumulate(into.weights.begin(), into.weights.end(), 0.0);
    if (std::abs(sum - into.total) > 1e-6 * std::max(sum, into.total)) {
      return side->wrong("holds weights that do not add up to their total");
    }
    return {};
  };
  if (auto ok = load_buckets("positive", sketch.positive_); !ok) return tl::unexpected(ok.error());
  if (auto ok = load_buckets("negative", sketch.negative_); !ok) return tl::unexpected(ok.error());
  return sketch;
}

}  // namespace bursar
