// A hiring game from JSON (docs/agree.md shows one in full).
//
//   auto stated = read_game_json(text);
//   optimal_mechanism(stated->game);
//
//   {"pay_cap": 1,
//    "states": [{"name": "no", "prior": 0.5}, {"name": "yes", "prior": 0.5}],
//    "actions": [{"name": "say no", "utility": [1, 0]}, {"name": "say yes", "utility": [0, 1]}],
//    "latent": [[0.7, 0.3], [0.3, 0.7]],                          // optional: P(x | state); agents then see x
//    "agents": [{"name": "ada", "signals": ["0", "1"],
//                "efforts": [{"name": "idle", "cost": 0, "sees": [[0.5, 0.5], [0.5, 0.5]]},    // P(signal | x)
//                            {"name": "work", "cost": 0.05, "sees": [[1, 0], [0, 1]]}]}]}
//
// or, instead of every `sees`, "joint": a row an effort profile, in it a row a signal profile, in it a number a state
// (the last agent's effort and signal run fastest). Errors name the place and the value; then those of check(game).
// Limits: 4 MiB, 64 latent values, names of 256 bytes, and those of shape_of().
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bursar/agree/hiring_game.h"

namespace bursar::agree {

struct StatedGame {
  HiringGame game;
  std::vector<std::string> agents, states, actions;
  std::vector<std::vector<std::string>> efforts, signals;  // [agents][…]
};
[[nodiscard]] Result<StatedGame> read_game_json(std::string_view text);

}  // namespace bursar::agree
