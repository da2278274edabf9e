// Wishes of parties from CSV: a row a party, a column a budget line.
//
//   party,search            one line: the point that each wants, the rest goes to "rest"
//   ada,.7
//
//   party,weight,search,rerank,eval     several lines: a whole split, rows sum to 1; weight is optional
//   ada,2,.5,.3,.2
//
// Fields as in RFC 4180. Errors name the file's line, the column and the value: no or two columns `party`, a column
// that stands twice, a row of another length, a party that stands twice or has no name, what is no number, a point
// outside of the interval, a share outside of [0, 1], a row that is off 1 by more than 1e-9, a weight <= 0 or above
// 1e12, no party. Limits: 2^24 parties, 2^26 numbers, 1,024 lines, names of 4,096 bytes. O(bytes).
#pragma once

#include <string>
#include <vector>

#include "bursar/agree/independent_markets.h"
#include "bursar/agree/phantom.h"
#include "bursar/allocate/format/source.h"

namespace bursar::agree {

struct Wishes {
  std::vector<std::string> parties;
  std::vector<std::string> lines;  // two at least; "rest" is the second where the file has one
  std::vector<double> shares;      // [parties x lines of the file]
  std::vector<double> weights;     // [parties] or empty
  std::vector<double> points;      // [parties], the share of the first line, where there are two lines; else empty
  Interval interval;

  [[nodiscard]] Profile profile() const { return {.reports = points, .weights = weights, .interval = interval}; }
  // Only where the file has two lines or more.
  [[nodiscard]] Proposals proposals() const { return {.lines = lines.size(), .shares = shares, .weights = weights}; }
};

// `interval`: of the points, where the file has one line; whole splits are shares of 1.
[[nodiscard]] Result<Wishes> read_wishes_csv(allocate::ByteSource source, Interval interval = {});

}  // namespace bursar::agree
