// Quantiles of a stream in bounded memory, with a guaranteed relative error; mergeable, and forgetting if asked to.
//
//   auto sketch = QuantileSketch::create({.relative_error = .01, .half_life = 10min});
//   sketch->insert(latency_ms);
//   sketch->decay(1s);                          // a second passed
//   std::optional<double> p99 = sketch->quantile(.99);   // within 1% of the true one
//
// Buckets grow by gamma = (1 + a) / (1 - a): value x > 0 falls into bucket i = ceil(log_gamma x), which answers
// 2 gamma^i / (gamma + 1), at most a relative error a away (the DDSketch of Masson, Rim and Lee). Values with |x| below
// 1e-300 count as zero and are answered as 0. Negative values have buckets of their own, mirrored, with the same error.
// Past max_buckets a side the buckets nearest to zero collapse into one, so that the guarantee is lost there first:
// with the defaults only below 1e-17 of that side's largest magnitude. insert and decay O(1) amortised, quantile and
// merge O(buckets). Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/core/clock.h"
#include "bursar/core/result.h"

namespace bursar {

struct QuantileSketchOptions {
  double relative_error = .01;     // 1e-4 … .5
  std::size_t max_buckets = 2048;  // of each sign; 16 … 65536
  Duration half_life{0};           // weights halve in this time; 0: never
  bool operator==(const QuantileSketchOptions&) const = default;
};

class QuantileSketch {
 public:
  // Errors: kInvalidArgument naming the option that is out of range.
  [[nodiscard]] static Result<QuantileSketch> create(QuantileSketchOptions options = {});

  // False, and nothing changes, for a value that is not finite or a weight that is not positive and below 1e12.
  bool insert(double value, double weight = 1);
  // Time passed: every weight shrinks by 2^(-elapsed / half_life). Negative times count as none.
  void decay(Duration elapsed);
  // Adds what the other one saw; the result is the sketch of both streams. Errors: kInvalidArgument where the options
  // differ.
  [[nodiscard]] Result<void> merge(const QuantileSketch& other);

  // The smallest value x with weight(values <= x) >= p weight(), within the error; p in [0, 1]. Absent where empty or p
  // is outside.
  [[nodiscard]] std::optional<double> quantile(double p) const;
  [[nodiscard]] double weight() const { return scale_ * (zero_ + positive_.total + negative_.total); }
  [[nodiscard]] const QuantileSketchOptions& options() const { return options_; }

  // State as JSON; a loaded sketch equals the saved one bit by bit. Errors of load: kInvalidArgument for what save
  // cannot have written.
  [[nodiscard]] std::string save() const;
  [[nodiscard]] static Result<QuantileSketch> load(std::string_view json);

 private:
  // Weights of the buckets lowest … lowest + weights.size() - 1.
  struct Buckets {
    std::vector<double> weights;
    std::int64_t lowest = 0;
    double total = 0;

    void add(std::int64_t index, double weight, std::size_t max_buckets);
    void make_room(std::int64_t index, std::size_t max_buckets);
    void rescale(double factor);
  };

  explicit QuantileSketch(QuantileSketchOptions options);
  [[nodiscard]] double value_of(std::int64_t index) const;
  void settle_scale();

  QuantileSketchOptions options_;
  double log_gamma_ = 0;
  double scale_ = 1;  // true weight = scale_ x stored weight, so that decay touches no bucket
  double zero_ = 0;
  Buckets positive_, negative_;
};

}  // namespace bursar
