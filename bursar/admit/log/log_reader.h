// A recorded stream of requests, one at a time: what replay reads, whatever the form of the file.
//
//   auto reader = open_log(source, {.form = "csv"});                 // a ByteSource, compressed or not
//   LoggedRequest request;
//   for (auto more = (*reader)->next(request); more && *more; more = (*reader)->next(request)) use(request);
//
// Forms are a table (log_forms.h): csv, jsonl, and those that other folders add. Readers hold one request at a time and
// are asked in order. Errors name line, column and value; a reader that has failed is not asked again.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/allocate/format/source.h"
#include "bursar/core/policy.h"

namespace bursar::admit {

// Views into the reader, valid until its next call.
struct LoggedRequest {
  std::uint64_t line = 0;  // where it begins, from 1
  double time_s = 0;
  std::span<const double> rewards;         // [options]
  std::span<const double> costs;           // [options x resources]; empty: an auction
  std::span<const double> holds;           // [options x resources] or empty
  std::span<const double> actual_costs;    // [options x resources] or empty: what each would really have cost
  std::span<const double> actual_rewards;  // [options] or empty: what each would really have been worth
  std::span<const double> context;
  double price = 0;  // auctions: the highest bid of the others

  [[nodiscard]] bool auction() const { return costs.empty(); }
  [[nodiscard]] Request request() const {
    return {.rewards = rewards, .costs = costs, .holds = holds, .context = context, .time_s = time_s};
  }
};

struct LogOptions {
  std::string form;                    // a name of the table; empty: by the first bytes
  std::vector<std::string> resources;  // their order; empty: as the log has them
  std::vector<std::string> ignore;     // columns and keys that may be there and mean nothing
  std::size_t max_row_bytes = 1 << 20;
  std::size_t max_options = 1 << 16;  // of one request
};

class LogReader {
 public:
  LogReader() = default;
  LogReader(const LogReader&) = delete;
  LogReader& operator=(const LogReader&) = delete;
  virtual ~LogReader() = default;

  // False at the end.
  [[nodiscard]] virtual Result<bool> next(LoggedRequest& request) = 0;
  // Known once open_log has returned.
  [[nodiscard]] virtual std::span<const std::string> resources() const = 0;
};

// Undoes gzip where the source begins with it, and reads the rest as `form` says. Errors: kInvalidArgument for a form
// that is not known, and what the reader says of the first rows; kCorrupt for damaged compression; those of the source.
[[nodiscard]] Result<std::unique_ptr<LogReader>> open_log(allocate::ByteSource source, const LogOptions& options);

// The source itself, or what it holds compressed (gzip, several members one after the other). Damage is kCorrupt.
[[nodiscard]] Result<allocate::ByteSource> inflated(allocate::ByteSource source);

}  // namespace bursar::admit
