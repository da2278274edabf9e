// A log of our own making: one day of a gateway that may answer each request with a small, a medium or a large model.
//
//   write_demo_log({.requests = 5000}, [&](std::string_view piece) { out << piece; });
//
// CSV as csv_log.h reads it; resources usd and ms; demand has a peak after noon, and every tenth request is worth three
// times as much. Estimated costs are off by up to a half either way, holds are twice the estimates, and actual costs
// stay within them. The same seed gives the same bytes on one machine (the day's curve uses sin).
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

namespace bursar::admit {

struct DemoLog {
  std::uint64_t requests = 5000;
  std::uint64_t seed = 1;
};

void write_demo_log(const DemoLog& demo, const std::function<void(std::string_view)>& out);

}  // namespace bursar::admit
