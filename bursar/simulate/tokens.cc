#include "bursar/simulate/tokens.h"

namespace bursar::simulate {
namespace {

constexpr std::size_t kLetters = 8, kDigits = 3;
constexpr std::string_view kMarks[] = {"<think>", "</think>"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool continues(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }  // a character of UTF-8
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80U;
}
bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

std::size_t run_of_spaces(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && text[end] == text[at]) ++end;
  const bool leads = text[at] == ' ' && end < text.size() && !is_space(text[end]);
  return leads ? end - 1 : end;  // the last space belongs to what follows
}

std::size_t end_of_token(std::string_view text, std::size_t at) {
  for (const std::string_view mark : kMarks) {
    if (text.substr(at).starts_with(mark)) return at + mark.size();
  }
  if (is_space(text[at])) {
    const std::size_t end = run_of_spaces(text, at);
    if (end > at) return end;
    ++at;
  }
  if (is_digit(text[at])) {
    std::size_t end = at;
    while (end < text.size() && end - at < kDigits && is_digit(text[end])) ++end;
    return end;
  }
  if (!is_letter(text[at])) return at + 1;  // a space before a mark leaves the mark's first sign here
  std::size_t letters = 0;
  while (at < text.size() && is_letter(text[at])) {
    if (!continues(text[at]) && ++letters > kLetters) break;
    ++at;
  }
  return at;
}

}  // namespace

std::vector<std::string_view> tokens_of(std::string_view text) {
  std::vector<std::string_view> tokens;
  tokens.reserve(text.size() / 4 + 1);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = end_of_token(text, at);
    tokens.push_back(text.substr(at, end - at));
    at = end;
  }
  return tokens;
}

std::size_t count_tokens(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); at = end_of_token(text, at)) ++count;
  return count;
}

}  // namespace bursar::simulate
