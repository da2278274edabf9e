#include "bursar/broker/upstream/sse_parser.h"

#include <charconv>
#include <utility>

namespace bursar::broker {
namespace {

constexpr std::int64_t kRetryMaxMs = 24LL * 3600 * 1000;

std::optional<std::chrono::milliseconds> parse_retry(std::string_view digits) {
  std::int64_t ms = 0;
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), ms);
  const bool number = failed == std::errc{} && end == digits.data() + digits.size() && digits.front() != '-';
  if (!number) return std::nullopt;
  return std::chrono::milliseconds{std::min(ms, kRetryMaxMs)};
}

}  // namespace

Result<void> SseParser::feed(std::string_view bytes, const std::function<void(const SseEvent&)>& on_event) {
  const auto too_large = [this] {
    failed_ = true;
    return fail(ErrorCode::kExhausted, "an event of more than " + std::to_string(limits_.event_bytes) + " bytes");
  };
  if (failed_) return too_large();
  while (!bytes.empty()) {
    if (std::exchange(after_cr_, false) && bytes.front() == '\n') {
      bytes.remove_prefix(1);
      continue;
    }
    const std::size_t end = bytes.find_first_of("\r\n");
    if (line_.size() + std::min(end, bytes.size()) > limits_.event_bytes) return too_large();
    if (end == std::string_view::npos) {
      line_.append(bytes);
      break;
    }
    after_cr_ = bytes[end] == '\r';
    if (line_.empty()) {
      line(bytes.substr(0, end), on_event);
    } else {
      line_.append(bytes.substr(0, end));
      line(line_, on_event);
      line_.clear();
    }
    bytes.remove_prefix(end + 1);
    if (data_.size() > limits_.event_bytes) return too_large();
  }
  return {};
}

void SseParser::line(std::string_view text, const std::function<void(const SseEvent&)>& on_event) {
  if (!std::exchange(started_, true) && text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (text.empty()) {
    const SseEvent event{
        .type = type_.empty() ? "message" : std::exchange(type_, {}), .data = std::exchange(data_, {}), .id = id_};
    type_.clear();
    if (std::exchange(has_data_, false)) on_event(event);
    return;
  }
  const std::size_t colon = text.find(':');
  if (colon == 0) return;  // a comment, used to keep the connection alive
  std::string_view value = colon == std::string_view::npos ? std::string_view{} : text.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  field(text.substr(0, colon), value);
}

void SseParser::field(std::string_view name, std::string_view value) {
  if (name == "data") {
    if (std::exchange(has_data_, true)) data_ += '\n';
    data_.append(value);
  } else if (name == "event") {
    type_ = value;
  } else if (name == "id") {
    // An id goes back in a header, so it must be able to stand in one.
    const bool fits = value.size() <= limits_.id_bytes && value.find('\0') == std::string_view::npos;
    if (fits) id_ = value;
  } else if (name == "retry" && !value.empty()) {
    if (const auto ms = parse_retry(value)) retry_ = ms;
  }
}

}  // namespace bursar::broker
