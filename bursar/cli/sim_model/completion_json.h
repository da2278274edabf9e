// OpenAI's forms of a request and of its answer, for the simulated model.
//
//   auto asked = read_completion(body, CompletionForm::kChat);   // asked->request for SimulatedModel::chat
//   whole_answer(*asked, reply, "chatcmpl-1", created);          // {"object":"chat.completion",…}
//   stream_events(*asked, reply, "chatcmpl-1", created);         // one a token, and what ends the stream
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/core/result.h"
#include "bursar/simulate/model.h"

namespace bursar::cli {

enum class CompletionForm : std::uint8_t { kChat, kText };  // /v1/chat/completions, /v1/completions

struct CompletionRequest {
  CompletionForm form = CompletionForm::kChat;
  simulate::ChatRequest request;
  bool stream = false, include_usage = false;
};
struct AnswerLabels {
  std::string id;
  std::int64_t created = 0;  // seconds since 1970
  std::uint64_t seed = 0;    // for system_fingerprint
};

// Errors: kInvalidArgument naming the field. Fields that mean nothing to the simulated model are ignored.
[[nodiscard]] Result<CompletionRequest> read_completion(std::string_view body, CompletionForm form);

[[nodiscard]] std::string whole_answer(const CompletionRequest& asked, const simulate::ChatReply& reply,
                                       const AnswerLabels& labels);

struct StreamEvent {
  std::string text;         // "data: …\n\n"
  std::int64_t tokens = 0;  // computed when it is sent
};
// The choices one after the other; then usage where it was asked for, and [DONE].
[[nodiscard]] std::vector<StreamEvent> stream_events(const CompletionRequest& asked, const simulate::ChatReply& reply,
                                                     const AnswerLabels& labels);

// {"error":{"message":…,"type":…,"param":…,"code":…}}
[[nodiscard]] std::string error_body(std::string_view message, std::string_view type, std::string_view param = "");

}  // namespace bursar::cli
