// Any bytes: no crash; an accepted game is sound, small ones are solved and keep their promise; an accepted state of
// OnlineHiring saves as it was and goes on.
#include <cstdint>
#include <cstdlib>

#include "bursar/agree/format/game_json.h"
#include "bursar/agree/hiring_mechanism.h"
#include "bursar/agree/online_hiring.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bursar::agree;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto stated = read_game_json(text)) {
    const auto shape = check(stated->game);
    require(shape.has_value() && stated->agents.size() == shape->agents());
    if (shape->cells() * shape->agents() <= 64 && stated->game.pay_cap <= 1e3) {
      const auto best = optimal_mechanism(stated->game, {.max_iterations = 2000});
      require(!best || best->pay.size() == shape->agents());
    }
  }
  if (auto online = OnlineHiring::load(text)) {
    const std::string saved = online->save();
    auto again = OnlineHiring::load(saved);
    require(again && again->save() == saved);
    const std::vector<std::size_t> reports(online->shape().agents(), 0);
    (void)online->act(reports);
    (void)online->pay(0, reports, 0);
    (void)online->observe(reports, 0);
  }
  return 0;
}
