// The small world in which the simulated model's search questions play: names that lead to other names.
//
//   search(/*seed=*/7, "Where does Kalomi lead?");   // "Kalomi leads to Teruvo."
//   next_entity(7, "Kalomi");                        // "Teruvo": tool and model agree from the seed alone
//
// 4096 names of three syllables. The world is one ring over all of them, so that a trail never meets itself.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bursar::simulate {

inline constexpr std::uint64_t kEntities = 4096;

[[nodiscard]] std::string entity_name(std::uint64_t index);  // modulo kEntities
[[nodiscard]] bool is_entity(std::string_view name);
[[nodiscard]] std::string next_entity(std::uint64_t seed, std::string_view name);  // of an entity; else ""

// The names in a text, in order, with repeats.
[[nodiscard]] std::vector<std::string> entities_in(std::string_view text);

// What a search finds: a sentence "X leads to Y." for each of the first three names in the query, or that nothing was
// found. O(query).
[[nodiscard]] std::string search(std::uint64_t seed, std::string_view query);

// How many links of the chain are told in the text, from its beginning without a gap. O(text + chain).
[[nodiscard]] std::size_t links_told(const std::vector<std::string>& chain, std::string_view text);

}  // namespace bursar::simulate
