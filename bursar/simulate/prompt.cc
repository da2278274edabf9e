#include "bursar/simulate/prompt.h"

#include <charconv>
#include <ranges>

#include "bursar/simulate/question.h"

namespace bursar::simulate {
namespace {

constexpr std::string_view kAnswer = "Answer:";

std::vector<std::string> sections(std::string_view text, std::string_view name) {
  const std::string opening = "<" + std::string(name) + ">", closing = "</" + std::string(name) + ">";
  std::vector<std::string> found;
  for (std::size_t at = text.find(opening); at != std::string_view::npos; at = text.find(opening, at)) {
    at += opening.size();
    const std::size_t end = text.find(closing, at);
    if (end == std::string_view::npos) break;
    found.emplace_back(text.substr(at, end - at));
    at = end + closing.size();
  }
  return found;
}

std::vector<std::string> last_sections(std::span<const ChatMessage> messages, std::string_view name) {
  for (const ChatMessage& message : messages | std::views::reverse) {
    if (auto found = sections(message.content, name); !found.empty()) return found;
  }
  return {};
}

std::string joined(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "" : "\n") + text;
  return out;
}

std::string task_of(std::span<const ChatMessage> messages) {
  constexpr std::string_view kTask = "Task:";
  for (const ChatMessage& message : messages) {
    if (message.role != "system" && message.role != "developer") continue;
    const std::string_view line = std::string_view(message.content).substr(0, message.content.find('\n'));
    if (line.starts_with(kTask)) return run_together(line.substr(kTask.size()));
  }
  return {};
}

std::optional<std::int64_t> told_tokens(std::string_view text) {
  constexpr std::string_view kAtMost = "at most ";
  for (std::size_t at = text.rfind(kAtMost); at != std::string_view::npos; at = text.rfind(kAtMost, at - 1)) {
    std::int64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data() + at + kAtMost.size(), end, value);
    if (error == std::errc{} && value > 0 && std::string_view(rest, end).starts_with(" tokens")) return value;
    if (at == 0) break;
  }
  return std::nullopt;
}

}  // namespace

Prompt read_prompt(std::span<const ChatMessage> messages) {
  Prompt prompt;
  if (!messages.empty() && messages.back().role == "assistant") {
    prompt.begun = messages.back().content;
    messages = messages.first(messages.size() - 1);
  }
  prompt.task = task_of(messages);
  if (auto found = last_sections(messages, "question"); !found.empty()) {
    prompt.question = std::move(found.back());
  } else {
    for (const ChatMessage& message : messages | std::views::reverse) {
      if (message.role != "user") continue;
      prompt.question = message.content;
      break;
    }
  }
  prompt.answers = last_sections(messages, "answer");
  prompt.evidence = joined(last_sections(messages, "evidence"));
  prompt.steps = joined(last_sections(messages, "steps"));
  if (auto found = last_sections(messages, "step"); !found.empty()) prompt.step = std::move(found.back());
  if (auto found = last_sections(messages, "clues"); !found.empty()) prompt.clues = std::move(found.back());
  for (const ChatMessage& message : messages | std::views::reverse) {
    if ((prompt.told = told_tokens(message.content))) break;
  }
  return prompt;
}

std::string answer_in(std::string_view text) {
  if (const std::size_t at = text.rfind(kAnswer); at != std::string_view::npos) {
    text.remove_prefix(at + kAnswer.size());
    text = text.substr(0, text.find('\n'));
  }
  return run_together(text);
}

}  // namespace bursar::simulate
