#include "bursar/broker/telemetry/log.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <memory>
#include <mutex>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "bursar/core/json.h"
#include "bursar/core/utc_text.h"

namespace bursar::broker {
namespace {

constexpr std::size_t kMaxText = 2000;
constexpr std::string_view kRedacted = "[redacted]";
constexpr std::array<std::string_view, 6> kLevels = {"trace", "debug", "info", "warn", "error", "off"};

struct Sink {
  std::shared_ptr<spdlog::logger> logger;
  std::mutex mutex;  // guards `replacement`
  std::function<void(std::string_view)> replacement;
  std::atomic<LogLevel> level = LogLevel::kInfo;

  Sink() : logger(std::make_shared<spdlog::logger>("bursar", std::make_shared<spdlog::sinks::stderr_sink_mt>())) {
    logger->set_pattern("%v");
    logger->set_level(spdlog::level::trace);
    logger->flush_on(spdlog::level::trace);
  }
};

Sink& sink() {
  static auto* const instance = new Sink;  // never destroyed: threads may log while the process ends
  return *instance;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_token_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-._~+/=").find(c) != std::string_view::npos;
}

bool starts_with_ignoring_case(std::string_view text, std::string_view lower_start) {
  return text.size() >= lower_start.size() &&
         std::ranges::equal(text.substr(0, lower_start.size()), lower_start, {}, lower);
}

// Length of the introduction of a secret at the front of `text`, 0 where none begins.
std::size_t secret_intro(std::string_view text) {
  for (const std::string_view intro : {"bearer ", "basic ", "sk-", "ghp_", "xoxb-"}) {
    if (starts_with_ignoring_case(text, intro)) return intro.size();
  }
  return 0;
}

void append_text(std::string& out, std::string_view name, std::string_view text) {
  if (names_a_secret(name)) return append_json_string(out, kRedacted);
  std::string clean = redacted(text.substr(0, kMaxText));
  if (text.size() > kMaxText) clean += "…";
  append_json_string(out, clean);
}

void append_value(std::string& out, const LogField& field) {
  struct Visitor {
    std::string& out;
    std::string_view name;
    void operator()(std::string_view text) const { append_text(out, name, text); }
    void operator()(std::int64_t number) const { out += std::to_string(number); }
    void operator()(double number) const { out += std::isfinite(number) ? fmt::format("{}", number) : "null"; }
    void operator()(bool flag) const { out += flag ? "true" : "false"; }
    void operator()(RawJson raw) const { out += raw.json.empty() ? "null" : raw.json; }
  };
  std::visit(Visitor{out, field.name}, field.value);
}

}  // namespace

Result<LogLevel> parse_log_level(std::string_view text) {
  for (std::size_t i = 0; i < kLevels.size(); ++i) {
    if (text == kLevels[i]) return static_cast<LogLevel>(i);
  }
  return invalid_argument("\"" + std::string(text.substr(0, 32)) +
                          "\" is no log level; use trace, debug, info, warn, error or off");
}

std::string_view name_of(LogLevel level) { return kLevels[static_cast<std::size_t>(level)]; }

void set_log_level(LogLevel level) { sink().level.store(level, std::memory_order_relaxed); }

bool log_enabled(LogLevel level) {
  return level != LogLevel::kOff && level >= sink().level.load(std::memory_order_relaxed);
}

void set_log_sink(std::function<void(std::string_view line)> replacement) {
  const std::scoped_lock lock(sink().mutex);
  sink().replacement = std::move(replacement);
}

std::string log_line(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
  std::string line = "{\"ts\":\"";
  line += utc_text(std::chrono::floor<Duration>(std::chrono::system_clock::now()), TimeDigits::kMicros);
  line += "\",\"level\":\"";
  line += name_of(level);
  line += "\",\"event\":";
  append_json_string(line, event);
  for (const LogField& field : fields) {
    line += ',';
    append_json_string(line, field.name);
    line += ':';
    append_value(line, field);
  }
  return line + '}';
}

void log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
  if (!log_enabled(level)) return;
  const std::string line = log_line(level, event, fields);
  const std::scoped_lock lock(sink().mutex);
  if (sink().replacement) return sink().replacement(line);
  sink().logger->log(spdlog::level::info, spdlog::string_view_t(line));
}

bool names_a_secret(std::string_view name) {
  std::string text(name.substr(0, 256));
  std::ranges::transform(text, text.begin(), [](char c) { return c == '-' || c == ' ' ? '_' : lower(c); });
  for (const std::string_view part : {"authorization", "cookie", "secret", "password", "passwd", "credential",
                                      "api_key", "apikey", "private_key", "access_key"}) {
    if (text.find(part) != std::string::npos) return true;
  }
  // "token" and "key" alone or as the last word: GITHUB_TOKEN, X-Key; but not max_tokens or key_count.
  return text == "token" || text == "key" || text.ends_with("_token") || text.ends_with("_key") ||
         text.ends_with("_pat") || text == "auth" || text.ends_with("_auth");
}

std::string redacted(std::string_view text) {
  constexpr std::size_t kShortestSecret = 8;
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const bool word_start = at == 0 || !is_token_char(text[at - 1]) || text[at - 1] == '=' || text[at - 1] == '/';
    const std::size_t intro = word_start ? secret_intro(text.substr(at)) : 0;
    std::size_t end = at + intro;
    while (intro > 0 && end < text.size() && (is_token_char(text[end]) || text[end] == '_')) ++end;
    if (intro > 0 && end - at - intro >= kShortestSecret) {
      out += kRedacted;
      at = end;
    } else {
      out += text[at++];
    }
  }
  return out;
}

std::string redacted(const std::map<std::string, std::string>& headers_or_env) {
  std::string out = "{";
  for (const auto& [name, value] : headers_or_env) {
    if (out.size() > 1) out += ',';
    append_json_string(out, name);
    out += ':';
    append_text(out, name, value);
  }
  return out + "}";
}

}  // namespace bursar::broker
