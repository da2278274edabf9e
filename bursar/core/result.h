// Result<T>: a value, or an Error that says what was wrong, whether trying again can help, and when.
//
//   Result<Amount> price = parse_amount("12.50 usd");
//   if (!price) return tl::unexpected(price.error());
//   return charge(*price).map_error([&](Error e) { return with_context("account acme", std::move(e)); });
//
// Expected failures travel as Result; exceptions are for bugs and constructors and never cross a room's border.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace bursar {

enum class ErrorCode : std::uint8_t {
  kInvalidArgument,   // the input itself is wrong; the same input fails again
  kNotFound,          // a named thing does not exist
  kAlreadyExists,     // a name or key is taken by something else
  kPermissionDenied,  // the caller may not
  kInfeasible,        // no answer satisfies the constraints
  kExhausted,         // a budget or a limit is used up
  kUnavailable,       // something outside did not answer; it may later
  kTimeout,           // a deadline passed
  kCancelled,         // the caller gave up
  kCorrupt,           // stored data contradicts itself
  kInternal,          // a bug of ours
};

// "invalid_argument", "not_found", …: the stable lower-case name.
[[nodiscard]] std::string_view name_of(ErrorCode code);

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;     // names the field, the value and what to do; never a secret
  bool retryable = false;  // the very same call can succeed later
  std::optional<std::chrono::milliseconds> retry_after = std::nullopt;
  std::string payload;  // recovery data for programs: a JSON object, or empty
};

template <class T>
using Result = tl::expected<T, Error>;

[[nodiscard]] tl::unexpected<Error> fail(ErrorCode code, std::string message, bool retryable = false);

[[nodiscard]] inline tl::unexpected<Error> invalid_argument(std::string message) {
  return fail(ErrorCode::kInvalidArgument, std::move(message));
}

// The same error with "context: " before its message; for callers that know the file, line or account.
[[nodiscard]] Error with_context(std::string_view context, Error error);

}  // namespace bursar
