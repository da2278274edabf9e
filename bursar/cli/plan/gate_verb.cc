// bursar plan gate: a threshold for selective verification, from rows of paired outcomes.
#include <boost/json/object.hpp>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <ostream>

#include "bursar/cli/plan/plan_command.h"
#include "bursar/core/json.h"
#include "bursar/plan/recovery_gate.h"

namespace bursar::cli {
namespace {

constexpr std::int64_t kMostTokens = std::int64_t{1} << 40;

Result<plan::PairedOutcome> row_of(const std::string& line) {
  const auto document = parse_json(line, {.max_bytes = 1 << 20, .max_depth = 4});
  if (!document) return tl::unexpected(document.error());
  const JsonView view(*document);
  const auto base = view.bool_at("base_correct"), verified = view.bool_at("verified_correct");
  const auto score = view.double_at("gate_score", 0, 1);
  const auto tokens = view.int_at("verification_tokens", 0, kMostTokens);
  if (!base) return tl::unexpected(base.error());
  if (!verified) return tl::unexpected(verified.error());
  if (!score) return tl::unexpected(score.error());
  if (!tokens) return tl::unexpected(tokens.error());
  return plan::PairedOutcome{*base, *verified, *score, *tokens};
}

Result<std::vector<plan::PairedOutcome>> read_rows(const std::string& path) {
  std::ifstream file;
  if (path != "-") file.open(path, std::ios::binary);
  if (path != "-" && !file) return fail(ErrorCode::kUnavailable, path + ": cannot be opened: " + std::strerror(errno));
  std::istream& in = path == "-" ? std::cin : file;
  std::vector<plan::PairedOutcome> out;
  std::string line;
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const auto row = row_of(line);
    if (!row) return tl::unexpected(with_context(path + ", line " + std::to_string(number), row.error()));
    out.push_back(*row);
  }
  if (in.bad()) return fail(ErrorCode::kUnavailable, path + ": cannot be read");
  if (out.empty()) return invalid_argument(path + ": has no rows");
  return out;
}

void print(const char* name, const plan::VerifyMetrics& m, std::ostream& out) {
  out << std::left << std::setw(10) << name << std::fixed << std::setprecision(4) << std::setw(10) << m.accuracy
      << std::setw(10) << m.rate << std::setw(8) << m.fixes << std::setw(8) << m.flips << std::setprecision(0)
      << m.tokens << "\n"
      << std::defaultfloat;
}

boost::json::object document(const plan::VerifyMetrics& m) {
  return {{"accuracy", m.accuracy}, {"rate", m.rate}, {"fixes", m.fixes}, {"flips", m.flips}, {"tokens", m.tokens}};
}

}  // namespace

Result<void> gate_rows(const GateWords& words, std::ostream& out) {
  const auto rows = read_rows(words.file);
  if (!rows) return tl::unexpected(rows.error());
  auto chosen =
      calibrate(*rows, {.price = words.price, .flip_price = words.flip_price, .accuracy_first = words.accuracy_first});
  if (!chosen) return tl::unexpected(chosen.error());
  if (words.threshold >= 0) {
    chosen->threshold = words.threshold;
    chosen->chosen = *evaluate(*rows, words.threshold);
  }
  const bool never = chosen->threshold > 1;
  if (words.json) {
    out << to_json(boost::json::object{
               {"threshold", never ? boost::json::value(nullptr) : boost::json::value(chosen->threshold)},
               {"chosen", document(chosen->chosen)},
               {"always", document(chosen->always)},
               {"never", document(chosen->never)}})
        << "\n";
    return {};
  }
  out << rows->size() << " attempts; ";
  if (never)
    out << "verify none of them\n";
  else
    out << (words.threshold >= 0 ? "given" : "calibrated") << " threshold " << chosen->threshold << "\n";
  out << "policy    accuracy  verified  fixes   flips   tokens\n";
  print("chosen", chosen->chosen, out);
  print("always", chosen->always, out);
  print("never", chosen->never, out);
  if (words.threshold < 0)
    out << "paired standard error of the accuracy: " << chosen->error_to_always << " to always, "
        << chosen->error_to_never << " to never\n";
  return {};
}

}  // namespace bursar::cli
