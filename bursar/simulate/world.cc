#include "bursar/simulate/world.h"

#include <algorithm>
#include <array>
#include <optional>

#include "bursar/core/random.h"

namespace bursar::simulate {
namespace {

constexpr std::array<std::string_view, 16> kSyllables = {"ka", "lo", "mi", "te", "ru", "vo", "sa", "ni",
                                                         "po", "de", "fu", "ga", "ro", "li", "bu", "ze"};
constexpr std::size_t kLookups = 3;  // names of a query that are looked up

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

std::optional<std::uint64_t> index_of(std::string_view name) {
  if (name.size() != 6 || name[0] < 'A' || name[0] > 'Z') return std::nullopt;
  std::uint64_t index = 0;
  for (std::size_t at = 0; at < 6; at += 2) {
    const std::array<char, 2> syllable = {lower(name[at]), name[at + 1]};
    const auto* found = std::ranges::find(kSyllables, std::string_view(syllable.data(), 2));
    if (found == kSyllables.end()) return std::nullopt;
    index = index * kSyllables.size() + static_cast<std::uint64_t>(found - kSyllables.begin());
  }
  return index;
}

}  // namespace

std::string entity_name(std::uint64_t index) {
  index %= kEntities;
  std::string name;
  for (const std::uint64_t place : {256U, 16U, 1U}) name += kSyllables[index / place % 16];
  name[0] = static_cast<char>(name[0] - ('a' - 'A'));
  return name;
}

bool is_entity(std::string_view name) { return index_of(name).has_value(); }

std::string next_entity(std::uint64_t seed, std::string_view name) {
  const auto index = index_of(name);
  if (!index) return {};
  // Steps of one odd length go round all 4096 names.
  const std::uint64_t step = RandomStream(seed).split("world")() | 1U;
  return entity_name(*index + step);
}

std::vector<std::string> entities_in(std::string_view text) {
  std::vector<std::string> found;
  for (std::size_t at = 0; at < text.size();) {
    if (!is_letter(text[at])) {
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < text.size() && is_letter(text[end])) ++end;
    if (const auto word = text.substr(at, end - at); is_entity(word)) found.emplace_back(word);
    at = end;
  }
  return found;
}

std::string search(std::uint64_t seed, std::string_view query) {
  std::string out;
  std::vector<std::string> names = entities_in(query);
  if (names.size() > kLookups) names.resize(kLookups);
  for (const std::string& name : names) {
    if (!out.empty()) out += '\n';
    out += name + " leads to " + next_entity(seed, name) + ".";
  }
  return out.empty() ? "Nothing was found." : out;
}

std::size_t links_told(const std::vector<std::string>& chain, std::string_view text) {
  std::size_t links = 0;
  while (links + 1 < chain.size() && text.contains(chain[links] + " leads to " + chain[links + 1])) ++links;
  return links;
}

}  // namespace bursar::simulate
