// bursar sample beliefs: what a gateway has learned of its models and strategies.
#include <algorithm>
#include <boost/json/object.hpp>
#include <fstream>
#include <iomanip>
#include <ostream>

#include "bursar/cli/sample/sample_command.h"
#include "bursar/core/json.h"
#include "bursar/plan/beliefs.h"

namespace bursar::cli {
namespace {

constexpr std::size_t kMostBytes = 256 << 20;

Result<plan::Beliefs> read_beliefs(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(ErrorCode::kUnavailable, path + ": cannot be opened");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto document = parse_json(text, {.max_bytes = kMostBytes, .max_depth = 16});
  if (!document) return tl::unexpected(with_context(path, document.error()));
  if (!document->is_object()) return invalid_argument(path + ": is no file of beliefs; a gateway writes one");
  auto beliefs = plan::Beliefs::restore(document->get_object());
  if (!beliefs) return tl::unexpected(with_context(path, beliefs.error()));
  return beliefs;
}

}  // namespace

Result<void> show_beliefs(const BeliefsWords& words, std::ostream& out) {
  const auto beliefs = read_beliefs(words.file);
  if (!beliefs) return tl::unexpected(beliefs.error());
  const std::vector<plan::BeliefRow> rows = beliefs->describe();
  if (words.json) {
    for (const plan::BeliefRow& row : rows)
      out << to_json(
                 boost::json::object{{"what", row.what}, {"prior", row.prior}, {"now", row.now}, {"from", row.from}})
          << "\n";
    return {};
  }
  std::size_t what = 4, prior = 5;
  for (const plan::BeliefRow& row : rows) {
    what = std::max(what, row.what.size());
    prior = std::max(prior, row.prior.size());
  }
  const auto line = [&](std::string_view a, std::string_view b, std::string_view c, std::string_view d) {
    out << std::left << std::setw(static_cast<int>(what + 2)) << a << std::setw(8) << b
        << std::setw(static_cast<int>(prior + 2)) << c << d << "\n";
  };
  line("what", "from", "prior", "now");
  for (const plan::BeliefRow& row : rows) line(row.what, std::to_string(row.from), row.prior, row.now);
  if (rows.empty()) out << "nothing yet: all strategies go by their priors\n";
  if (beliefs->waiting() > 0) out << beliefs->waiting() << " answers wait for feedback\n";
  return {};
}

}  // namespace bursar::cli
