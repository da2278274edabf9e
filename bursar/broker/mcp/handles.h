// Handles that we give out and that come back from strangers: session ids, requestState, task ids. A handle carries its
// content sealed: nobody else can read it, make one, or use one for what it is not bound to.
//
//   Handles handles(secret);                                          // the same secret in every replica
//   std::string id = handles.seal("session", principal.subject, pack({"files", "2025-11-25", capabilities}));
//   std::optional<std::string> content = handles.open("session", principal.subject, id);   // absent: not ours
//
// AES-256-GCM under a key of its own for each handle (HMAC-SHA256 of the secret over kind and a random salt), so that
// no nonce ever repeats; kind and binding are authenticated beside the content. URL-safe base64, 43 characters longer
// than the content's. Thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bursar::broker {

class Handles {
 public:
  static constexpr std::size_t kMaxHandle = 64 << 10;

  explicit Handles(std::string_view secret);

  // Empty only where the system has no random bytes to give.
  [[nodiscard]] std::string seal(std::string_view kind, std::string_view binding, std::string_view content) const;
  [[nodiscard]] std::optional<std::string> open(std::string_view kind, std::string_view binding,
                                                std::string_view handle) const;

 private:
  [[nodiscard]] std::array<std::uint8_t, 32> key_of(std::string_view kind, std::string_view salt) const;
  std::string secret_;
};

// Strings in one string, each with its length; unpack() is absent where the text is no such thing.
[[nodiscard]] std::string pack(std::initializer_list<std::string_view> fields);
[[nodiscard]] std::optional<std::vector<std::string>> unpack(std::string_view packed);

}  // namespace bursar::broker
