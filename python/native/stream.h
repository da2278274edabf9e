// A recorded stream in arrays, one request after the other.
//
//   StreamArrays stream(given, resources);        // checks shapes; raises InvalidArgument, WrongType
//   for (std::size_t t = 0; t < stream.requests(); ++t) use(stream.at(t));
//
// rewards [requests x options], or [all options] with first [requests + 1]; costs, holds and actual_costs
// [as rewards x resources], or, with one resource, as rewards; actual_rewards as rewards; prices [requests] make
// auctions of requests with one option; context [requests x features] or [requests]; time_s [requests].
#pragma once

#include <pybind11/pybind11.h>

#include "bursar/admit/log/log_reader.h"
#include "python/native/arrays.h"

namespace bursar::python {

class StreamArrays {
 public:
  StreamArrays(const pybind11::kwargs& given, std::size_t resources);

  [[nodiscard]] std::size_t requests() const { return requests_; }
  [[nodiscard]] admit::LoggedRequest at(std::size_t t) const;

 private:
  [[nodiscard]] std::size_t begin(std::size_t t) const;
  void check_costs(const Numbers<double>& costs, std::string_view field) const;

  std::size_t requests_ = 0, width_ = 0, resources_, features_ = 0;
  Numbers<double> rewards_, costs_, holds_, actual_rewards_, actual_costs_, prices_, context_, time_s_;
  Numbers<std::int64_t> first_;
};

}  // namespace bursar::python
