// What a request asks of the simulated model, read from its messages.
//
//   Prompt p = read_prompt({{{"system", "Task: judge\n…"}, {"user", "<question>How
//   many?</question><answer>7</answer>"}}}); p.task;      // "judge" p.question;  // "How many?" p.answers;   // {"7"}
//
// The question is what stands between <question> and </question> of the last message that has it, else the last message
// of the user. Of every other section, those of the last message that has one count. O(bytes).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bursar::simulate {

struct ChatMessage {
  std::string role;  // "system", "developer", "user", "assistant", "tool"
  std::string content;
};

struct Prompt {
  std::string task;  // of "Task: …", the first line of the system's message; empty where there is none
  std::string question;
  std::vector<std::string> answers;  // <answer>
  std::string evidence, steps;       // <evidence>, <steps>: all of them, a line break between two
  std::string step, clues;           // <step>, <clues>: the last one
  std::string begun;                 // where the last message is the assistant's: the reply goes on from there
  std::optional<std::int64_t> told;  // N of "at most N tokens", the last that is said
};

[[nodiscard]] Prompt read_prompt(std::span<const ChatMessage> messages);

// What was answered in a text: after its last "Answer:", to the end of that line; else the whole of it, trimmed.
[[nodiscard]] std::string answer_in(std::string_view text);

}  // namespace bursar::simulate
