// Any bytes in any pieces: no crash, the pieces make no difference, and what is accepted can be decided, checked and
// split.
#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "bursar/agree/axioms.h"
#include "bursar/agree/format/wishes_csv.h"

namespace {

using namespace bursar::agree;

void require(bool holds) {
  if (!holds) std::abort();
}

void require_decided(const Wishes& w) {
  require(!w.parties.empty() && w.lines.size() >= 2);
  require(w.weights.empty() || w.weights.size() == w.parties.size());
  if (!w.points.empty()) {
    require(w.points.size() == w.parties.size());
    const auto y = uniform_phantom(w.profile());
    require(y && check_axioms(w.profile(), *y)->all_hold());
  }
  if (w.shares.size() == w.parties.size() * w.lines.size()) {
    const auto split = independent_markets(w.proposals());
    require(split.has_value());
    double sum = 0;
    for (const double x : *split) sum += x;
    require(std::abs(sum - 1) < 1e-6);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto whole = read_wishes_csv(bursar::allocate::from_text(text));
  const auto pieces = read_wishes_csv(bursar::allocate::from_text(text, 1 + data[0] % 16));
  require(whole.has_value() == pieces.has_value());
  if (!whole) {
    require(whole.error().message == pieces.error().message);
    return 0;
  }
  require(whole->parties == pieces->parties && whole->shares == pieces->shares);
  if (whole->parties.size() <= 64) require_decided(*whole);
  return 0;
}
