// What goes wrong at the simulated model's doors, drawn for each request.
//
//   auto faults = Faults::parse("drop=.02,500=.03,stall=.01,half=.01", /*seed=*/7);
//   faults->draw(body);   // {Fault::kNone}
//
//   drop    the connection ends before the answer begins; all of it was computed
//   half    it ends in the middle of the answer; of a stream, half of it was computed, of a plain answer all
//   stall   half of a stream comes and then nothing more; a plain answer never does
//   slow    a third of a second passes before the answer begins
//   400 … 599   that status, and nothing is computed; 429 and 503 with Retry-After
// A draw follows from the seed, the request's body and how many such requests came before: the same requests in any
// order meet the same faults, and a retry draws anew.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::cli {

enum class Fault : std::uint8_t { kNone, kDrop, kHalf, kStall, kSlow, kStatus };
struct FaultDraw {
  Fault kind = Fault::kNone;
  int status = 0;  // of kStatus
};

class Faults {
 public:
  // Errors: kInvalidArgument naming the entry; probabilities are in [0, 1] and add up to at most 1.
  [[nodiscard]] static Result<Faults> parse(std::string_view text, std::uint64_t seed);
  [[nodiscard]] FaultDraw draw(std::string_view body);

 private:
  struct Rule {
    FaultDraw draw;
    double probability;
  };
  std::vector<Rule> rules_;
  std::uint64_t seed_ = 0;
  std::unordered_map<std::uint64_t, std::uint64_t> seen_;
};

}  // namespace bursar::cli
