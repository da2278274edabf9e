#include "bursar/broker/mcp/message.h"

#include <algorithm>
#include <array>
#include <simdjson.h>
#include <utility>

#include "bursar/broker/mcp/json_scanner.h"

namespace bursar::broker {
namespace {

constexpr std::size_t kIdBytesMax = 256;

struct Range {
  std::size_t begin = 0, end = 0;
};

void append_quoted(std::string& out, std::string_view text) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  const bool valid = simdjson::validate_utf8(text.data(), text.size());
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20) {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += byte < 0x80 || valid ? c : '?';
    }
  }
  out += '"';
}

std::string error_object(int code, std::string_view message, std::string_view data) {
  std::string out = "{\"code\":" + std::to_string(code) + ",\"message\":";
  append_quoted(out, message);
  if (!data.empty()) out.append(",\"data\":").append(data);
  return out += '}';
}

tl::unexpected<Error> refused(ErrorCode code, int rpc_code, const std::string& problem) {
  const std::string message = std::string(rpc_code == kParseError ? "Parse error: " : "Invalid Request: ") + problem;
  return tl::unexpected(Error{.code = code, .message = message, .payload = error_object(rpc_code, message, {})});
}

}  // namespace

// Fills a Message while the scanner walks over its text.
class MessageReader {
 public:
  MessageReader(std::string_view text, const MessageLimits& limits, Message& out)
      : scan_(text, limits.depth), out_(out) {}

  bool read() {
    scan_.space();
    if (scan_.peek() == '[') return refuse("batches are not supported; send one message at a time");
    if (scan_.peek() != '{') return scan_.value(1, false) ? refuse("a message is one JSON object") : false;
    const bool object = scan_.object(1, true, [this](std::string_view key) { return member(key); });
    if (!object) return false;
    if (!scan_.at_end()) return scan_.malformed("nothing after the message");
    return classify();
  }

  [[nodiscard]] const JsonScanner& scanner() const { return scan_; }

 private:
  using Slice = Message::Slice;
  enum : unsigned { kJsonrpc = 1, kId = 2, kMethod = 4, kParams = 8, kResult = 16, kError = 32 };

  bool refuse(std::string problem) { return scan_.refuse(kInvalidRequest, std::move(problem)); }

  template <class Scan>
  bool sliced(Slice& slice, Scan scan) {
    slice.begin = static_cast<std::uint32_t>(scan_.position());
    const bool ok = scan();
    slice.end = static_cast<std::uint32_t>(scan_.position());
    return ok;
  }

  bool member(std::string_view key) {
    if (key == "jsonrpc") {
      seen_ |= kJsonrpc;
      const std::size_t begin = scan_.position();
      if (!scan_.value(2, false)) return false;
      return scan_.since(begin) == "\"2.0\"" ? true : refuse("\"jsonrpc\" must be \"2.0\"");
    }
    if (key == "id") return id();
    if (key == "method") {
      seen_ |= kMethod;
      if (scan_.peek() != '"') return scan_.value(2, false) ? refuse("\"method\" must be a string") : false;
      return sliced(out_.method_slice_, [&] { return scan_.string(out_.method_); });
    }
    if (key == "params") {
      seen_ |= kParams;
      if (scan_.peek() != '{') return scan_.value(2, false) ? refuse("\"params\" must be an object") : false;
      return sliced(out_.params_,
                    [&] { return scan_.object(2, true, [this](std::string_view name) { return param(name); }); });
    }
    if (key == "result") return body(kResult, out_.result_, "\"result\" must be an object");
    if (key == "error") return body(kError, out_.error_, "\"error\" must be an object");
    return scan_.value(2, false);
  }

  bool id() {
    seen_ |= kId;
    const char first = scan_.peek();
    if (!sliced(out_.id_, [&] { return scan_.value(2, false); })) return false;
    null_id_ = first == 'n';
    if (out_.id_.end - out_.id_.begin > kIdBytesMax) return refuse("\"id\" is longer than 256 bytes");
    const bool fits = first == '"' || first == '-' || json_text::is_digit(first) || null_id_;
    return fits ? true : refuse("\"id\" must be a string or a number");
  }

  // Members of a result and of its first level are unique; deeper ones are the upstream's business.
  bool body(unsigned flag, Slice& slice, const char* problem) {
    seen_ |= flag;
    if (scan_.peek() != '{') return scan_.value(2, false) ? refuse(problem) : false;
    return sliced(slice,
                  [&] { return scan_.object(2, true, [&](std::string_view) { return scan_.value(3, false); }); });
  }

  bool param(std::string_view name) {
    if (name == "name" && scan_.peek() == '"') return scan_.string(name_);
    if (name == "uri" && scan_.peek() == '"') return scan_.string(uri_);
    if (name == "arguments") return sliced(out_.arguments_, [&] { return scan_.value(3, true); });
    if (name == "progressToken") return token(param_token_);
    if (name == "_meta") {
      if (scan_.peek() != '{') return scan_.value(3, true) ? refuse("\"params._meta\" must be an object") : false;
      return sliced(out_.meta_, [&] {
        return scan_.object(3, true, [this](std::string_view key) {
          return key == "progressToken" ? token(out_.progress_token_) : scan_.value(4, true);
        });
      });
    }
    return scan_.value(3, true);
  }

  bool token(Slice& slice) {
    const char first = scan_.peek();
    if (!sliced(slice, [&] { return scan_.value(4, true); })) return false;
    if (slice.end - slice.begin > kIdBytesMax) return refuse("\"progressToken\" is longer than 256 bytes");
    const bool fits = first == '"' || first == '-' || json_text::is_digit(first);
    return fits ? true : refuse("\"progressToken\" must be a string or a number");
  }

  bool classify() {
    const auto has = [this](unsigned flags) { return (seen_ & flags) == flags; };
    if (!has(kJsonrpc)) return refuse("\"jsonrpc\" is missing; it must be \"2.0\"");
    if (has(kResult | kError)) return refuse("both \"result\" and \"error\"");
    if (has(kMethod)) {
      if (has(kResult) || has(kError)) return refuse("a message with \"method\" has neither \"result\" nor \"error\"");
      if (null_id_) return refuse("\"id\" must not be null");
      out_.kind_ = has(kId) ? MessageKind::kRequest : MessageKind::kNotification;
      out_.name_ = name_.empty() ? std::move(uri_) : std::move(name_);
      if (out_.method_ == "notifications/progress" && param_token_.end != 0) out_.progress_token_ = param_token_;
      return true;
    }
    if (has(kParams)) return refuse("\"method\" is missing");
    if (has(kResult)) {
      out_.kind_ = MessageKind::kResult;
      return has(kId) && !null_id_ ? true : refuse("a result needs the \"id\" of its request");
    }
    out_.kind_ = MessageKind::kError;  // its id may be null or absent: the other side could not read ours
    return has(kError) ? true : refuse("neither \"method\" nor \"result\" nor \"error\"");
  }

  JsonScanner scan_;
  Message& out_;
  unsigned seen_ = 0;
  bool null_id_ = false;
  std::string name_, uri_;
  Slice param_token_;
};

Result<Message> Message::parse(std::string text, const MessageLimits& limits) {
  const std::size_t bytes_max = std::min<std::size_t>(limits.bytes, UINT32_MAX - 1);
  if (text.size() > bytes_max) {
    return refused(ErrorCode::kExhausted, kInvalidRequest,
                   std::to_string(text.size()) + " bytes; the limit is " + std::to_string(bytes_max));
  }
  if (!simdjson::validate_utf8(text.data(), text.size())) {
    return refused(ErrorCode::kInvalidArgument, kParseError, "not UTF-8");
  }
  Message message;
  MessageReader reader(text, limits, message);
  if (!reader.read()) return refused(ErrorCode::kInvalidArgument, reader.scanner().code(), reader.scanner().problem());
  message.text_ = std::move(text);
  return message;
}

std::string Message::with(const MessageParts& parts) const {
  struct Edit {
    Slice slice;
    std::string_view name, value;
  };
  std::array<Edit, 3> edits;
  std::size_t count = 0, added = 0;
  const auto plan = [&](Slice slice, std::string_view name, const std::optional<std::string_view>& value) {
    if (!value) return;
    std::size_t place = count++;
    for (; place > 0 && edits[place - 1].slice.begin > slice.begin; --place) edits[place] = edits[place - 1];
    edits[place] = {slice, name, *value};
    added += value->size() + 16;
  };
  plan(id_, "\"id\":", parts.id);
  plan(method_slice_, "\"method\":", parts.method);
  plan(params_, "\"params\":", parts.params);
  std::string out;
  out.reserve(text_.size() + added);
  std::size_t from = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const auto& [slice, name, value] = edits[i];
    if (slice.end == 0) {  // absent so far: becomes the first member; a message always has others
      if (from == 0) out.append(text_, 0, from = text_.find('{') + 1);
      out.append(name).append(value) += ',';
    } else {
      out.append(text_, from, slice.begin - from).append(value);
      from = slice.end;
    }
  }
  return out.append(text_, from);
}

std::string make_request(std::string_view id, std::string_view method, std::string_view params) {
  std::string out;
  out.reserve(48 + id.size() + method.size() + params.size());
  out.append(R"({"jsonrpc":"2.0","id":)").append(id).append(",\"method\":");
  append_quoted(out, method);
  if (!params.empty()) out.append(",\"params\":").append(params);
  return out += '}';
}

std::string make_notification(std::string_view method, std::string_view params) {
  std::string out = R"({"jsonrpc":"2.0","method":)";
  append_quoted(out, method);
  if (!params.empty()) out.append(",\"params\":").append(params);
  return out += '}';
}

std::string make_result(std::string_view id, std::string_view result) {
  std::string out;
  out.reserve(40 + id.size() + result.size());
  return out.append(R"({"jsonrpc":"2.0","id":)").append(id).append(",\"result\":").append(result) += '}';
}

std::string make_error(std::string_view id, int code, std::string_view message, std::string_view data) {
  std::string out = R"({"jsonrpc":"2.0","id":)";
  return out.append(id.empty() ? "null" : id).append(",\"error\":").append(error_object(code, message, data)) += '}';
}

namespace {

struct Found {
  bool valid = false;        // an object was read to its end
  bool empty = true;         // it has no member
  bool last = true;          // nothing follows the member sought
  std::size_t open = 0;      // where its first brace stands
  std::size_t previous = 0;  // where what stands before the member ends: the brace or the value before
  Range value;               // of the member sought; end == 0 where absent
};

Found find_member(std::string_view object, std::string_view wanted) {
  JsonScanner scan(object, json_text::kDepthMax);
  Found found;
  scan.space();
  found.open = scan.position();
  std::size_t previous_end = found.open + 1;
  found.valid = scan.object(1, false, [&](std::string_view key) {
    found.empty = false;
    if (found.value.end != 0) found.last = false;
    const bool hit = key == wanted && found.value.end == 0;
    const std::size_t begin = scan.position();
    if (!scan.value(2, false)) return false;
    if (hit) {
      found.previous = previous_end;
      found.value = {begin, scan.position()};
    }
    previous_end = scan.position();
    return true;
  });
  return found;
}

}  // namespace

std::string_view member(std::string_view object, std::string_view key) {
  const Found found = find_member(object, key);
  return found.valid ? object.substr(found.value.begin, found.value.end - found.value.begin) : std::string_view{};
}

std::string with_member(std::string_view object, std::string_view key, std::optional<std::string_view> value) {
  if (object.empty()) object = "{}";
  const Found found = find_member(object, key);
  std::string out;
  if (!found.valid) return out = object;
  if (found.value.end != 0 && value) {
    out.reserve(object.size() + value->size());
    return out.append(object, 0, found.value.begin).append(*value).append(object.substr(found.value.end));
  }
  if (found.value.end != 0) {
    // The comma before the member goes with it; the first member has none, so there it is the comma behind.
    const bool first = found.previous == found.open + 1;
    const std::size_t end = first && !found.last ? object.find(',', found.value.end) + 1 : found.value.end;
    return out.append(object, 0, found.previous).append(object.substr(end));
  }
  if (!value) return out = object;
  out.reserve(object.size() + key.size() + value->size() + 8);
  out.append(object, 0, found.open + 1);
  append_quoted(out, key);
  out.append(":").append(*value);
  if (!found.empty) out += ',';
  return out.append(object.substr(found.open + 1));
}

}  // namespace bursar::broker
