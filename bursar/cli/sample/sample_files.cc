#include "bursar/cli/sample/sample_files.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "bursar/core/json.h"

namespace bursar::cli {
namespace {

constexpr std::size_t kMostLineBytes = 64 << 20, kMostAnswers = 1 << 20, kMostDimensions = 1 << 16;

// A list of numbers as long as the answers; where the key is missing nothing happens.
Result<void> read_numbers(const JsonView& view, std::string_view key, double low, std::size_t count,
                          const std::function<void(std::size_t, double)>& to) {
  const auto list = view.find(key);
  if (!list) return tl::unexpected(list.error());
  if (!*list) return {};
  const auto size = (*list)->array_size(kMostAnswers);
  if (!size) return tl::unexpected(size.error());
  if (*size != count)
    return (*list)->wrong("has " + std::to_string(*size) + " entries, and there are " + std::to_string(count) +
                          " answers");
  for (std::size_t i = 0; i < count; ++i) {
    const auto number = (*list)->element(i).and_then([&](const JsonView& one) { return one.as_double(low, 1e300); });
    if (!number) return tl::unexpected(number.error());
    to(i, *number);
  }
  return {};
}

Result<AnsweredQuestion> question_of(const JsonView& view, std::size_t line) {
  AnsweredQuestion out{.id = std::to_string(line)};
  if (const auto id = view.find("id"); id && *id) {
    const auto text = (*id)->as_string(4096);
    if (!text) return tl::unexpected(text.error());
    out.id = *text;
  }
  const auto answers = view.at("answers");
  if (!answers) return tl::unexpected(answers.error());
  const auto size = answers->array_size(kMostAnswers);
  if (!size) return tl::unexpected(size.error());
  for (std::size_t i = 0; i < *size; ++i) {
    const auto text = answers->element(i).and_then([](const JsonView& one) { return one.as_string(); });
    if (!text) return tl::unexpected(text.error());
    out.traces.push_back({.answer = std::string(*text)});
  }
  if (auto ok = read_numbers(view, "rewards", -1e300, *size, [&](auto i, double x) { out.traces[i].reward = x; }); !ok)
    return tl::unexpected(ok.error());
  if (auto ok = read_numbers(view, "weights", 0, *size, [&](auto i, double x) { out.traces[i].weight = x; }); !ok)
    return tl::unexpected(ok.error());
  const auto gold = view.find("gold");
  if (!gold) return tl::unexpected(gold.error());
  if (*gold) {
    const auto text = (*gold)->as_string();
    if (!text) return tl::unexpected(text.error());
    out.gold = std::string(*text);
  }
  return out;
}

Result<TextCandidate> candidate_of(const JsonView& view) {
  TextCandidate out;
  const auto text = view.string_at("text");
  if (!text) return tl::unexpected(text.error());
  out.text = *text;
  const auto score = view.double_at("score", 0, 1);
  if (!score) return tl::unexpected(score.error());
  out.score = *score;
  const auto embedding = view.find("embedding");
  if (!embedding) return tl::unexpected(embedding.error());
  if (!*embedding) return out;
  const auto size = (*embedding)->array_size(kMostDimensions);
  if (!size) return tl::unexpected(size.error());
  for (std::size_t i = 0; i < *size; ++i) {
    const auto number =
        (*embedding)->element(i).and_then([](const JsonView& one) { return one.as_double(-1e30, 1e30); });
    if (!number) return tl::unexpected(number.error());
    out.embedding.push_back(static_cast<float>(*number));
  }
  return out;
}

}  // namespace

Result<void> each_json_line(const std::string& path, const OnJsonLine& on_line) {
  std::error_code code;
  if (path != "-" && std::filesystem::is_directory(path, code))
    return fail(ErrorCode::kUnavailable, path + ": is a folder");
  std::ifstream file;
  if (path != "-") file.open(path, std::ios::binary);
  if (path != "-" && !file) return fail(ErrorCode::kUnavailable, path + ": cannot be opened: " + std::strerror(errno));
  std::istream& in = path == "-" ? std::cin : file;
  std::string line;
  std::size_t number = 0;
  while (std::getline(in, line)) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const std::string where = path + ", line " + std::to_string(number);
    const auto document = parse_json(line, {.max_bytes = kMostLineBytes, .max_depth = 8});
    if (!document) return tl::unexpected(with_context(where, document.error()));
    if (auto ok = on_line(JsonView(*document), number); !ok) return tl::unexpected(with_context(where, ok.error()));
  }
  if (in.bad()) return fail(ErrorCode::kUnavailable, path + ": cannot be read");
  return {};
}

Result<std::vector<AnsweredQuestion>> read_questions(const std::string& path) {
  std::vector<AnsweredQuestion> out;
  auto ok = each_json_line(path, [&](const JsonView& view, std::size_t line) -> Result<void> {
    auto question = question_of(view, line);
    if (!question) return tl::unexpected(question.error());
    out.push_back(std::move(*question));
    return {};
  });
  if (!ok) return tl::unexpected(ok.error());
  if (out.empty()) return invalid_argument(path + ": has no questions");
  return out;
}

Result<std::vector<TextCandidate>> read_candidates(const std::string& path) {
  std::vector<TextCandidate> out;
  auto ok = each_json_line(path, [&](const JsonView& view, std::size_t) -> Result<void> {
    auto candidate = candidate_of(view);
    if (!candidate) return tl::unexpected(candidate.error());
    out.push_back(std::move(*candidate));
    return {};
  });
  if (!ok) return tl::unexpected(ok.error());
  if (out.empty()) return invalid_argument(path + ": has no candidates");
  return out;
}

}  // namespace bursar::cli
