// One JSON-RPC 2.0 message: its bytes as they came, and where its parts are. Forwarding copies bytes, never re-encodes.
//
//   Result<Message> m = Message::parse(std::move(body), limits);
//   if (m->kind() == MessageKind::kRequest && m->method() == "tools/call") …
//   std::string out = m->with({.id = "42", .params = rewritten});
//
// Refused: not UTF-8, not one JSON object, deeper than the limit, a batch, a missing or wrong "jsonrpc", an id that is
// neither string nor number (or is longer than 256 bytes), both result and error, params, result or error that is no
// object, and a duplicate member (anywhere in params; in a result or error on its first level): two readers could take
// different ones. The Error's payload is the JSON-RPC error object to answer with ({"code":-32700,…} or -32600).
// One pass, O(bytes); the text is moved, not copied.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bursar/core/result.h"

namespace bursar::broker {

enum class MessageKind : std::uint8_t { kRequest, kNotification, kResult, kError };

struct MessageLimits {
  std::size_t bytes = 4 << 20;
  std::size_t depth = 64;  // the message itself is level 1; at most 1024
};

// Raw JSON to put in the place of a part (method too: with its quotes); absent keeps what stands. A part that the
// message lacks is added.
struct MessageParts {
  std::optional<std::string_view> id = std::nullopt, method = std::nullopt, params = std::nullopt;
};

class Message {
 public:
  Message() = default;
  [[nodiscard]] static Result<Message> parse(std::string text, const MessageLimits& limits = {});

  [[nodiscard]] MessageKind kind() const { return kind_; }
  [[nodiscard]] std::string_view text() const { return text_; }
  [[nodiscard]] std::string_view id() const {
    return at(id_);
  }  // raw JSON token: 7, "a"; empty for notifications;
     // of an error it may be null or empty
  [[nodiscard]] std::string_view method() const { return method_; }      // unescaped
  [[nodiscard]] std::string_view params() const { return at(params_); }  // raw JSON object, empty if absent
  [[nodiscard]] std::string_view result() const { return at(result_); }
  [[nodiscard]] std::string_view error() const { return at(error_); }

  // The parts of params that a gateway looks at; raw JSON where not said otherwise, empty where absent.
  [[nodiscard]] std::string_view name() const { return name_; }  // params.name, or params.uri; unescaped
  [[nodiscard]] std::string_view arguments() const { return at(arguments_); }
  [[nodiscard]] std::string_view meta() const { return at(meta_); }  // params._meta
  // params._meta.progressToken; in notifications/progress params.progressToken.
  [[nodiscard]] std::string_view progress_token() const { return at(progress_token_); }

  [[nodiscard]] std::string with(const MessageParts& parts) const;

 private:
  friend class MessageReader;
  struct Slice {
    std::uint32_t begin = 0, end = 0;
  };
  [[nodiscard]] std::string_view at(Slice s) const { return std::string_view(text_).substr(s.begin, s.end - s.begin); }

  std::string text_;
  MessageKind kind_ = MessageKind::kRequest;
  std::string method_, name_;
  Slice id_, method_slice_, params_, result_, error_, arguments_, meta_, progress_token_;
};

// Builders; `id`, `result`, `params`, `data` are raw JSON, `method` and `message` plain text (escaped here; bytes that
// are not UTF-8 become ?). Empty params and data are left out; an empty id of make_error becomes null.
[[nodiscard]] std::string make_request(std::string_view id, std::string_view method, std::string_view params);
[[nodiscard]] std::string make_notification(std::string_view method, std::string_view params);
[[nodiscard]] std::string make_result(std::string_view id, std::string_view result);
[[nodiscard]] std::string make_error(std::string_view id, int code, std::string_view message,
                                     std::string_view data = {});

// Replaces, adds or (with an absent value) removes one member of a raw JSON object, leaving all other bytes as they
// are. object must be a valid JSON object (anything else comes back unchanged) or empty, which stands for {}; key and
// value are plain text and raw JSON. Of duplicates the first counts. Used for _meta and progressToken.
[[nodiscard]] std::string with_member(std::string_view object, std::string_view key,
                                      std::optional<std::string_view> value);
// The raw JSON of a member, empty where absent.
[[nodiscard]] std::string_view member(std::string_view object, std::string_view key);

}  // namespace bursar::broker
