// The verbs of `bursar match`, and what they share; for this program alone.
#pragma once

#include <boost/json/value.hpp>
#include <istream>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "bursar/cli/match/match_command.h"
#include "bursar/core/result.h"

namespace bursar::cli {

struct PlanWords {
  std::string path;
  std::uint64_t runs = 1000, seed = 1;
  bool json = false;
};
[[nodiscard]] Result<void> match_plan(const PlanWords& words, MatchStreams streams);

struct PricesWords {
  std::string path;
  std::size_t period = 0, futures = 2000;
  std::vector<std::string> sold, values;  // names; NAME=NUMBER
  std::uint64_t seed = 1;
  bool lp = false, json = false;
};
[[nodiscard]] Result<void> match_prices(const PricesWords& words, MatchStreams streams);

struct AttemptWords {
  std::string path, curve = "marginal", state, output;
  std::vector<std::string> rules;
  std::uint64_t seed = 1;
  std::uint32_t max_pending = 1;
  bool live = false, json = false;
};
[[nodiscard]] Result<void> match_attempts(const AttemptWords& words, MatchStreams streams);

// "-" is standard input. kUnavailable for what cannot be read; kExhausted past 64 MiB.
[[nodiscard]] Result<std::string> read_whole(const std::string& path, std::istream& standard);
[[nodiscard]] Result<boost::json::value> read_document(const std::string& path, std::istream& standard);
// A file, or standard input for "-".
struct Source {
  std::unique_ptr<std::istream> own;
  std::istream* stream = nullptr;
};
[[nodiscard]] Result<Source> open_source(const std::string& path, std::istream& standard);
// Writes beside the file and renames.
[[nodiscard]] Result<void> write_text(const std::string& path, const std::string& text);

[[nodiscard]] std::string padded(std::string text, std::size_t width);
[[nodiscard]] std::string number_text(double x);  // six significant digits

}  // namespace bursar::cli
