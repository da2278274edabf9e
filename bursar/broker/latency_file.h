// The learned latencies on disk, beside the database: read at the start, written now and then and at the end.
//
//   schedule::LatencyStore latencies = read_latencies("bursar.db.latency.json");
//   write_latencies("bursar.db.latency.json", latencies);
//
// A file that is missing or damaged gives an empty store (and a line in the log): what was learned can be learned
// again. Written beside and renamed, so that a crash leaves the old file or the new one.
#pragma once

#include <string>

#include "bursar/schedule/latency_store.h"

namespace bursar::broker {

[[nodiscard]] schedule::LatencyStore read_latencies(const std::string& path);
void write_latencies(const std::string& path, const schedule::LatencyStore& latencies);

}  // namespace bursar::broker
