#include "bursar/simulate/question.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "bursar/core/random.h"
#include "bursar/simulate/world.h"

namespace bursar::simulate {
namespace {

constexpr std::size_t kLongestTrail = 32;
constexpr std::size_t kWrongAnswers = 8;  // of an open question

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

// What stands in "[word …]"; absent where there is no such mark.
std::optional<std::string_view> mark(std::string_view text, std::string_view word) {
  const std::string opening = "[" + std::string(word);
  for (std::size_t at = text.find(opening); at != std::string_view::npos; at = text.find(opening, at + 1)) {
    const std::size_t end = text.find(']', at);
    if (end == std::string_view::npos) return std::nullopt;
    std::string_view rest = text.substr(at + opening.size(), end - at - opening.size());
    if (rest.empty() || rest.front() != ' ') continue;
    rest.remove_prefix(1);
    if (!rest.empty()) return rest;
  }
  return std::nullopt;
}

template <class Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end == text.data()) return std::nullopt;
  return value;
}

// "A) … B) …": letters from A on, each at the beginning or after a space.
std::vector<std::string> options_of(std::string_view text) {
  std::vector<std::string> letters;
  std::size_t from = 0;
  for (char letter = 'A'; letter <= 'J'; ++letter) {
    const std::string sign = {letter, ')'};
    std::size_t at = text.find(sign, from);
    while (at != std::string_view::npos && at > 0 && !is_space(text[at - 1]) && text[at - 1] != '(')
      at = text.find(sign, at + 1);
    if (at == std::string_view::npos) break;
    letters.emplace_back(1, letter);
    from = at + sign.size();
  }
  if (letters.size() < 2) letters.clear();
  return letters;
}

std::vector<std::string> chain_of(std::uint64_t seed, std::string_view text, RandomStream draw) {
  const auto said = mark(text, "hops");
  if (!said) return {};
  const auto hops = number<std::size_t>(*said);
  if (!hops || *hops == 0 || *hops > kLongestTrail) return {};
  const std::vector<std::string> named = entities_in(*said);
  std::vector<std::string> chain = {named.empty() ? entity_name(draw()) : named.front()};
  while (chain.size() <= *hops) chain.push_back(next_entity(seed, chain.back()));
  return chain;
}

void add_wrong(Question& q, std::string answer) {
  if (!same_answer(answer, q.truth) && std::ranges::find(q.wrong, answer) == q.wrong.end())
    q.wrong.push_back(std::move(answer));
}

void add_wrong_answers(Question& q, RandomStream draw) {
  if (!q.options.empty()) {
    std::vector<std::string> shuffled = q.options;
    draw.shuffle(std::span<std::string>(shuffled));
    for (std::string& option : shuffled) add_wrong(q, std::move(option));
    return;
  }
  if (!q.chain.empty()) {
    // Whoever stops early, or goes too far.
    for (std::size_t i = q.chain.size() - 1; i-- > 0;) add_wrong(q, q.chain[i]);
    while (q.wrong.size() < kWrongAnswers) add_wrong(q, entity_name(draw()));
    return;
  }
  // Slips: near the truth, its double, its half.
  const auto near = number<std::int64_t>(q.truth).value_or(static_cast<std::int64_t>(draw.uniform_int(1000U)));
  if (std::abs(near) < (std::int64_t{1} << 60)) {
    if (draw.bernoulli(.5)) add_wrong(q, std::to_string(near * 2));
    if (draw.bernoulli(.5)) add_wrong(q, std::to_string(near / 2));
  }
  const std::int64_t centre = std::clamp<std::int64_t>(near, -(std::int64_t{1} << 60), std::int64_t{1} << 60);
  while (q.wrong.size() < kWrongAnswers) add_wrong(q, std::to_string(centre + draw.uniform_int(-30, 30)));
  draw.shuffle(std::span<std::string>(q.wrong));
}

std::string_view peeled(std::string_view text) {
  const auto trim = [&] {
    while (!text.empty() && (is_space(text.front()) || text.front() == '$')) text.remove_prefix(1);
    while (!text.empty() && (is_space(text.back()) || text.back() == '$' || text.back() == '.')) text.remove_suffix(1);
  };
  trim();
  constexpr std::string_view kBoxed = "\\boxed{";
  if (const std::size_t at = text.rfind(kBoxed); at != std::string_view::npos) {
    text.remove_prefix(at + kBoxed.size());
    if (const std::size_t end = text.rfind('}'); end != std::string_view::npos) text = text.substr(0, end);
    trim();
  }
  return text;
}

}  // namespace

std::string run_together(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (!is_space(c)) {
      out += c;
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  if (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

bool same_answer(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; };
  return std::ranges::equal(peeled(a), peeled(b), {}, lower, lower);
}

Question question_of(std::uint64_t seed, std::string_view text) {
  Question q;
  q.text = run_together(text);
  const RandomStream root = RandomStream(seed).split("question").split(q.text);
  RandomStream draw = root.split("nature");
  q.difficulty = draw.uniform01();
  q.mood = draw.normal();
  if (const auto said = mark(q.text, "difficulty")) {
    if (const auto value = number<double>(*said); value && *value >= 0 && *value <= 1) q.difficulty = *value;
  }
  q.chain = chain_of(seed, q.text, root.split("chain"));
  if (q.chain.empty()) q.options = options_of(q.text);
  if (const auto said = mark(q.text, "truth")) {
    q.truth = *said;
  } else if (!q.chain.empty()) {
    q.truth = q.chain.back();
  } else if (!q.options.empty()) {
    q.truth = q.options[draw.uniform_int(q.options.size())];
  } else {
    q.truth = std::to_string(draw.uniform_int(10, 999));
  }
  add_wrong_answers(q, root.split("wrong"));
  return q;
}

std::string simulated_truth(std::uint64_t seed, std::string_view text) { return question_of(seed, text).truth; }

}  // namespace bursar::simulate
