#include "bursar/broker/models/model_usage.h"

#include <algorithm>
#include <charconv>

#include "bursar/broker/models/model_request.h"
#include "bursar/broker/pipeline/raw_json.h"

namespace bursar::broker {
namespace {

std::optional<std::uint64_t> count_of(std::string_view raw) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(raw.data(), raw.data() + raw.size(), value);
  if (error != std::errc{} || end != raw.data() + raw.size() || value > static_cast<std::uint64_t>(kMostUnits)) {
    return std::nullopt;
  }
  return value;
}

bool is_null(std::string_view raw) { return raw.empty() || raw == "null"; }

// Tokens of a raw JSON value that holds generated text: of a string its bytes, of anything else all of it.
std::uint64_t tokens_of(std::string_view raw) {
  if (is_null(raw) || raw == "\"\"" || raw == "[]" || raw == "{}") return 0;
  const bool quoted = raw.size() >= 2 && raw.front() == '"';
  return text_bytes(quoted ? raw.substr(1, raw.size() - 2) : raw);
}

std::uint64_t tokens_of_tool_calls(std::string_view raw) {
  std::uint64_t sum = 0;
  each_element(raw, [&](std::string_view call) {
    const std::string_view function = raw_member(call, "function");
    sum += tokens_of(raw_member(function, "name")) + tokens_of(raw_member(function, "arguments"));
    sum += tokens_of(raw_member(call, "custom"));
    return true;
  });
  return sum;
}

std::uint64_t tokens_of_message(std::string_view message) {
  std::uint64_t sum = 0;
  for (MemberCursor at(message); at.next();) {
    if (at.key() == "role") continue;
    sum += at.key() == "tool_calls" ? tokens_of_tool_calls(at.value()) : tokens_of(at.value());
  }
  return sum;
}

}  // namespace

std::optional<TokenUsage> read_usage(std::string_view raw) {
  if (!raw.starts_with('{')) return std::nullopt;
  std::optional<std::uint64_t> prompt, completion = 0, cached = 0;
  std::string_view total;
  for (MemberCursor at(raw); at.next();) {
    if (at.key() == "prompt_tokens") prompt = count_of(at.value());
    if (at.key() == "completion_tokens" && !is_null(at.value())) completion = count_of(at.value());
    if (at.key() == "total_tokens") total = at.value();
    if (at.key() == "prompt_tokens_details") {
      const std::string_view value = raw_member(at.value(), "cached_tokens");
      if (!is_null(value)) cached = count_of(value);
    }
  }
  if (!prompt || !completion) return std::nullopt;
  TokenUsage out{.prompt = *prompt, .cached = std::min(cached.value_or(0), *prompt), .completion = *completion};
  // Some count hidden tokens in the total alone.
  if (const auto sum = count_of(total); sum && *sum > out.prompt + out.completion) out.completion = *sum - out.prompt;
  return out;
}

std::uint64_t tokens_of_choice(std::string_view choice) {
  std::uint64_t sum = 0;
  for (MemberCursor at(choice); at.next();) {
    if (at.key() == "delta" || at.key() == "message") sum += tokens_of_message(at.value());
    if (at.key() == "text") sum += tokens_of(at.value());
  }
  return sum;
}

AnswerUsage usage_of_answer(std::string_view body) {
  std::optional<TokenUsage> usage;
  std::string_view choices;
  for (MemberCursor at(body); at.next();) {
    if (at.key() == "usage") usage = read_usage(at.value());
    if (at.key() == "choices") choices = at.value();
  }
  if (usage && usage->completion > 0) return {.usage = usage};  // the everyday case counts no text
  std::uint64_t counted = 0;
  each_element(choices, [&](std::string_view choice) {
    counted += tokens_of_choice(choice);
    return true;
  });
  if (counted > 0) usage.reset();
  return {.usage = usage, .counted = counted};
}

std::optional<TokenUsage> StreamMeter::usage() const {
  if (usage_ && usage_->completion == 0 && counted_ > 0) return std::nullopt;
  return usage_;
}

Result<void> StreamMeter::feed(std::string_view bytes, std::string& pass) {
  pending_ += bytes;
  std::size_t begin = 0;  // of the event that is being read
  while (true) {
    const std::size_t end = pending_.find_first_of("\r\n", scanned_);
    // A CR at the very end may be half of a CRLF.
    if (end == std::string::npos || (pending_[end] == '\r' && end + 1 == pending_.size())) {
      scanned_ = end == std::string::npos ? pending_.size() : end;
      break;
    }
    const bool blank = end == line_;
    const bool pair = pending_[end] == '\r' && pending_[end + 1] == '\n';
    scanned_ = line_ = end + (pair ? 2 : 1);
    if (!blank) continue;
    const std::string_view event = std::string_view(pending_).substr(begin, line_ - begin);
    if (take(event)) pass += event;
    begin = line_;
  }
  pending_.erase(0, begin);
  scanned_ -= begin;
  line_ -= begin;
  if (pending_.size() <= options_.event_bytes) return {};
  return fail(ErrorCode::kExhausted,
              "an event of the stream is longer than " + std::to_string(options_.event_bytes) + " bytes");
}

bool StreamMeter::take(std::string_view event) {
  std::string_view data;
  std::string joined;
  std::size_t lines = 0;
  for (std::size_t at = 0; at < event.size();) {
    const std::size_t end = std::min(event.find_first_of("\r\n", at), event.size());
    std::string_view line = event.substr(at, end - at);
    at = end + 1;
    if (!line.starts_with("data:")) continue;
    line.remove_prefix(line.substr(5).starts_with(' ') ? 6 : 5);
    if (++lines == 1) {
      data = line;
      continue;
    }
    if (lines == 2) joined = data;
    joined.append("\n").append(line);
  }
  if (lines == 0) return true;  // a comment
  ++events_;
  return take_data(lines == 1 ? data : std::string_view(joined));
}

bool StreamMeter::take_data(std::string_view data) {
  if (data == "[DONE]") {
    done_ = true;
    return true;
  }
  bool choices = false, reported = false;
  for (MemberCursor at(data); at.next();) {
    if (at.key() == "error" && !is_null(at.value())) failed_ = true;
    if (at.key() == "usage" && !is_null(at.value())) {
      reported = true;
      if (const auto usage = read_usage(at.value())) usage_ = usage;
    }
    if (at.key() != "choices") continue;
    each_element(at.value(), [&](std::string_view choice) {
      choices = true;
      const std::uint64_t tokens = tokens_of_choice(choice);
      counted_ += tokens;
      pieces_ += tokens > 0 ? 1 : 0;
      if (!is_null(raw_member(choice, "finish_reason"))) finished_ = true;
      return true;
    });
  }
  return !(options_.hide_usage && reported && !choices);
}

}  // namespace bursar::broker
