// Structured logs: one JSON object a line on standard error, and no secrets in it.
//
//   log(LogLevel::kInfo, "listening", {{"address", "127.0.0.1"}, {"port", 8484}});
//   log(LogLevel::kWarn, "upstream_failed", {{"upstream", name}, {"headers", redacted(headers)}});
//   // {"ts":"2026-11-24T09:00:00.000000Z","level":"info","event":"listening","address":"127.0.0.1","port":8484}
//
// A field whose name says secret (authorization, cookie, token, password, …) and a text that holds a virtual key or a
// bearer token lose their value here, whoever logs them. Texts are cut at 2,000 bytes, and control characters escaped.
// Thread-safe; one logger a process.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <variant>

#include "bursar/core/result.h"

namespace bursar::broker {

enum class LogLevel : std::uint8_t { kTrace, kDebug, kInfo, kWarn, kError, kOff };
[[nodiscard]] Result<LogLevel> parse_log_level(std::string_view text);  // "info"
[[nodiscard]] std::string_view name_of(LogLevel level);

// A field's value. `Raw` is a JSON text that goes in as it is.
struct RawJson {
  std::string_view json;
};
struct LogField {
  using Value = std::variant<std::string_view, std::int64_t, double, bool, RawJson>;
  std::string_view name;
  Value value;

  LogField(std::string_view n, std::string_view v) : name(n), value(v) {}
  LogField(std::string_view n, const std::string& v) : name(n), value(std::string_view(v)) {}
  LogField(std::string_view n, const char* v) : name(n), value(std::string_view(v)) {}
  LogField(std::string_view n, bool v) : name(n), value(v) {}
  LogField(std::string_view n, RawJson v) : name(n), value(v) {}
  template <std::integral T>
    requires(!std::same_as<T, bool>)
  LogField(std::string_view n, T v) : name(n), value(static_cast<std::int64_t>(v)) {}
  template <std::floating_point T>
  LogField(std::string_view n, T v) : name(n), value(static_cast<double>(v)) {}
};

void log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields = {});
// The same line, for who writes it elsewhere.
[[nodiscard]] std::string log_line(LogLevel level, std::string_view event, std::initializer_list<LogField> fields);
void set_log_level(LogLevel level);
[[nodiscard]] bool log_enabled(LogLevel level);  // for what is dear to compute

// Sends every line to `sink` instead of standard error; an empty function undoes it. For tests and embedding.
void set_log_sink(std::function<void(std::string_view line)> sink);

// True for names whose value is a secret: "Authorization", "X-Api-Key", "GITHUB_TOKEN", "db_password", …
[[nodiscard]] bool names_a_secret(std::string_view name);
// The text with virtual keys (sk-bursar-…, other sk-…) and bearer tokens cut out.
[[nodiscard]] std::string redacted(std::string_view text);
// Name -> value as a JSON object; what names a secret or holds one is "[redacted]".
[[nodiscard]] std::string redacted(const std::map<std::string, std::string>& headers_or_env);

}  // namespace bursar::broker
