#include "bursar/sample/answers.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <numeric>

namespace bursar::sample {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  const std::size_t from = text.find_first_not_of(kBlanks);
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(kBlanks) - from + 1);
}

// What stands in the braces that open at `open`; nothing where they do not close.
std::optional<std::string_view> braced(std::string_view text, std::size_t open) {
  std::size_t depth = 0;
  for (std::size_t i = open; i < text.size(); ++i) {
    if (text[i] == '{') ++depth;
    if (text[i] == '}' && --depth == 0) return text.substr(open + 1, i - open - 1);
  }
  return std::nullopt;
}

std::string_view unboxed(std::string_view text) {
  constexpr std::string_view kBoxed = "\\boxed{";
  const std::size_t at = text.rfind(kBoxed);
  if (at == std::string_view::npos) return text;
  return braced(text, at + kBoxed.size() - 1).value_or(text);
}

// Removes \text{ } around its content, dollars, \left and \right, and a full stop at the end.
std::string bare(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const std::string_view rest = text.substr(i);
    if (rest.starts_with("\\text{")) {
      const auto inner = braced(text, i + 5);
      if (inner) {
        out.append(*inner);
        i += inner->size() + 7;
        continue;
      }
    }
    if (rest.starts_with("\\left") && !rest.starts_with("\\lefta")) {
      i += 5;
    } else if (rest.starts_with("\\right") && !rest.starts_with("\\righta")) {
      i += 6;
    } else if (text[i] == '$' && (i == 0 || text[i - 1] != '\\')) {
      ++i;
    } else {
      out.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(text[i]))));
      ++i;
    }
  }
  std::string_view kept = trimmed(out);
  while (kept.ends_with('.')) kept = trimmed(kept.substr(0, kept.size() - 1));
  return std::string(kept);
}

struct Fraction {
  std::int64_t top = 0, bottom = 1;  // bottom > 0, in lowest terms
};

std::optional<Fraction> reduced(std::int64_t top, std::int64_t bottom) {
  if (bottom == 0) return std::nullopt;
  const std::int64_t common = std::gcd(top, bottom);
  top /= common;
  bottom /= common;
  return bottom < 0 ? Fraction{-top, -bottom} : Fraction{top, bottom};
}

// Digits with a point, and with commas where every group behind one has three digits. At most 17 digits.
std::optional<Fraction> decimal(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  std::int64_t digits = 0, scale = 1;
  int seen = 0, since_comma = -1;
  bool point = false;
  for (const char c : text) {
    if (c == ',' && !point && (since_comma == 3 || (since_comma < 0 && seen > 0 && seen <= 3))) {
      since_comma = 0;
      continue;
    }
    if (c == '.' && !point && (since_comma < 0 || since_comma == 3)) {
      point = true;
      continue;
    }
    ++seen;
    if (c < '0' || c > '9' || seen > 17) return std::nullopt;
    digits = 10 * digits + (c - '0');
    if (point) scale *= 10;
    if (!point && since_comma >= 0 && ++since_comma > 3) return std::nullopt;
  }
  if (seen == 0 || (since_comma >= 0 && since_comma != 3)) return std::nullopt;
  return reduced(negative ? -digits : digits, scale);
}

std::optional<Fraction> quotient(std::string_view top, std::string_view bottom) {
  const auto a = decimal(trimmed(top)), b = decimal(trimmed(bottom));
  if (!a || !b || b->top == 0) return std::nullopt;
  std::int64_t over = 0, under = 0;
  if (__builtin_mul_overflow(a->top, b->bottom, &over) || __builtin_mul_overflow(a->bottom, b->top, &under))
    return std::nullopt;
  return reduced(over, under);
}

// "\frac{1}{2}", "\dfrac{1}{2}", "1/2", "-3".
std::optional<Fraction> number(std::string_view text) {
  const bool negative = text.starts_with('-');
  const std::string_view plain = negative ? trimmed(text.substr(1)) : text;
  for (const std::string_view word : {"\\frac{", "\\dfrac{", "\\tfrac{"}) {
    if (!plain.starts_with(word)) continue;
    const auto top = braced(plain, word.size() - 1);
    if (!top) return std::nullopt;
    const std::size_t open = word.size() + top->size() + 1;
    const auto bottom = open < plain.size() && plain[open] == '{' ? braced(plain, open) : std::nullopt;
    if (!bottom || open + bottom->size() + 2 != plain.size()) return std::nullopt;
    auto value = quotient(*top, *bottom);
    if (value && negative) value->top = -value->top;
    return value;
  }
  if (const std::size_t bar = text.find('/'); bar != std::string_view::npos)
    return quotient(text.substr(0, bar), text.substr(bar + 1));
  return decimal(text);
}

// Units that say nothing of the value. A per cent sign stays what it is: 50 % is not 50.
std::string_view without_unit(std::string_view text) {
  static constexpr std::array<std::string_view, 22> kUnits{
      "degrees", "degree", "\\circ",  "^\\circ", "^{\\circ}", "cm",    "mm",     "km",   "kg",    "meters", "miles",
      "hours",   "hour",   "minutes", "seconds", "dollars",   "cents", "inches", "feet", "units", "days",   "years"};
  for (const std::string_view unit : kUnits) {
    if (!text.ends_with(unit)) continue;
    const std::string_view rest = trimmed(text.substr(0, text.size() - unit.size()));
    const bool after_number =
        !rest.empty() && (std::isdigit(static_cast<unsigned char>(rest.back())) != 0 || rest.back() == '}');
    if (after_number) return rest;
  }
  return text;
}

}  // namespace

std::string canonical_answer(std::string_view text, AnswerForm form) {
  if (form == AnswerForm::kExact) return std::string(text);
  std::string plain = bare(trimmed(unboxed(text)));
  if (plain.empty()) return plain;
  std::string_view value = without_unit(plain);
  if (value.starts_with("\\$")) value.remove_prefix(2);
  bool percent = value.ends_with('%');
  if (percent) value = trimmed(value.substr(0, value.size() - (value.ends_with("\\%") ? 2 : 1)));
  const auto fraction = number(trimmed(value));
  if (!fraction) return plain;
  std::string out = std::to_string(fraction->top);
  if (fraction->bottom != 1) out.append("/").append(std::to_string(fraction->bottom));
  return percent ? out + "%" : out;
}

Result<Ballot> group_answers(std::span<const Trace> traces, const GroupOptions& options) {
  Ballot ballot{.samples = static_cast<std::int64_t>(traces.size())};
  std::map<std::string, std::size_t, std::less<>> ids;
  for (std::size_t i = 0; i < traces.size(); ++i) {
    const Trace& trace = traces[i];
    const std::string where = "trace " + std::to_string(i) + ": ";
    if (trace.reward && !std::isfinite(*trace.reward)) return invalid_argument(where + "its reward must be finite");
    if (!(trace.weight >= 0) || !std::isfinite(trace.weight))
      return invalid_argument(where + "its weight must be finite and at least 0");
    if (trace.reward.has_value() != traces.front().reward.has_value())
      return invalid_argument(where + "give every trace a reward, or none");
    std::string key = canonical_answer(trace.answer, options.form);
    if (key.empty()) continue;
    const auto [place, is_new] = ids.emplace(key, ballot.groups.size());
    if (is_new) ballot.groups.push_back({.key = std::move(key)});
    AnswerGroup& group = ballot.groups[place->second];
    ++group.count;
    group.weight += trace.weight;
    group.traces.push_back(i);
  }
  for (AnswerGroup& group : ballot.groups) {
    if (!traces.front().reward) break;
    double sum = 0, most = *traces[group.traces.front()].reward;
    std::size_t heaviest = group.traces.front();
    for (const std::size_t i : group.traces) {
      sum += *traces[i].reward;
      most = std::max(most, *traces[i].reward);
      if (traces[i].weight > traces[heaviest].weight) heaviest = i;
    }
    group.reward = options.reward == GroupReward::kMean  ? sum / static_cast<double>(group.count)
                   : options.reward == GroupReward::kMax ? most
                                                         : *traces[heaviest].reward;
  }
  return ballot;
}

std::optional<std::size_t> OptionTable::of(std::string_view answer) {
  std::string key = canonical_answer(answer, form_);
  if (key.empty()) return std::nullopt;
  if (const auto found = ids_.find(key); found != ids_.end()) return found->second;
  if (names_.size() >= most_) return std::nullopt;
  ids_.emplace(key, names_.size());
  names_.push_back(std::move(key));
  return names_.size() - 1;
}

}  // namespace bursar::sample
