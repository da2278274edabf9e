// The second half of voi_controller.h: which of two answers is given.
#include <algorithm>
#include <cctype>
#include <set>

#include "bursar/plan/voi_controller.h"

namespace bursar::plan {
namespace {

constexpr std::array<std::string_view, 8> kKinds{"none",    "polarity", "binary",     "slot",
                                                 "factoid", "bridge",   "comparison", "other"};

std::string folded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (std::isalnum(u) != 0 || u >= 0x80)
      out.push_back(static_cast<char>(std::tolower(u)));
    else if (!out.empty() && out.back() != ' ')
      out.push_back(' ');
  }
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

std::set<std::string> content_words(std::string_view text) {
  static const std::set<std::string, std::less<>> kEmpty{"a",  "an", "the", "of", "in",  "on",
                                                         "at", "is", "was", "to", "and", "it"};
  std::set<std::string> out;
  std::string word;
  for (const char c : folded(text) + " ") {
    if (c != ' ') {
      word.push_back(c);
      continue;
    }
    if (!word.empty() && !kEmpty.contains(word)) out.insert(word);
    word.clear();
  }
  return out;
}

bool is_polarity(std::string_view answer) { return answer == "yes" || answer == "no"; }

bool is_slot(std::string_view answer) {
  const bool digits = std::ranges::any_of(answer, [](unsigned char c) { return std::isdigit(c) != 0; });
  return digits && std::ranges::count(answer, ' ') <= 3;
}

bool contains_all(const std::set<std::string>& outer, const std::set<std::string>& inner) {
  return std::ranges::includes(outer, inner);
}

}  // namespace

std::string_view name_of(Disagreement kind) { return kKinds.at(static_cast<std::size_t>(kind)); }

Disagreement disagreement_of(const Trajectory& trajectory, std::string_view base, std::string_view refined) {
  const std::string a = folded(base), b = folded(refined);
  if (a == b) return Disagreement::kNone;
  if (is_polarity(a) && is_polarity(b)) return Disagreement::kPolarity;
  const std::string bridge = folded(trajectory.bridge);
  if (!bridge.empty() && a.find(bridge) != std::string::npos && b.find(bridge) == std::string::npos)
    return Disagreement::kBridge;
  const auto named = [&](const std::string& answer) {
    return std::ranges::any_of(trajectory.options, [&](const std::string& o) { return folded(o) == answer; });
  };
  if (trajectory.options.size() == 2 && named(a) && named(b)) {
    const std::string question = folded(trajectory.question);
    for (const std::string_view word :
         {"more", "less", "older", "younger", "larger", "smaller", "earlier", "later", "longer"}) {
      if (question.find(word) != std::string::npos) return Disagreement::kComparison;
    }
    return Disagreement::kBinary;
  }
  if (is_slot(a) && is_slot(b)) return Disagreement::kSlot;
  const auto words_a = content_words(a), words_b = content_words(b);
  const bool extends = contains_all(words_a, words_b) || contains_all(words_b, words_a);
  return extends && words_a.size() <= 6 && words_b.size() <= 6 ? Disagreement::kFactoid : Disagreement::kOther;
}

bool SelectiveFinalizer::replaces(Disagreement kind) const {
  const bool safe = kind == Disagreement::kPolarity || kind == Disagreement::kBinary || kind == Disagreement::kSlot ||
                    kind == Disagreement::kFactoid;
  const auto& rates = rates_.at(static_cast<std::size_t>(kind));
  return safe && (!rates || rates->gain - eta_ * rates->harm >= threshold_);
}

FinalChoice SelectiveFinalizer::choose(const Trajectory& trajectory, std::string_view base,
                                       std::string_view refined) const {
  FinalChoice out{.kind = disagreement_of(trajectory, base, refined)};
  const auto& rates = rates_.at(static_cast<std::size_t>(out.kind));
  if (rates) out.value = rates->gain - eta_ * rates->harm;
  std::set<std::string> words = content_words(refined);
  words.erase("yes");
  words.erase("no");
  const std::string bridge = folded(trajectory.bridge);
  const bool keeps_bridge = bridge.empty() || folded(base).find(bridge) == std::string::npos ||
                            folded(refined).find(bridge) != std::string::npos;
  out.safe = contains_all(content_words(trajectory.evidence), words) && keeps_bridge && !trajectory.open_hops;
  out.refined = out.safe && replaces(out.kind);
  return out;
}

}  // namespace bursar::plan
