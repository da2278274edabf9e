// SHA-256, HMAC and random bytes, as the keys and the audit trail need them.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace bursar::broker {

using Sha256 = std::array<std::uint8_t, 32>;

[[nodiscard]] Sha256 sha256(std::string_view bytes);
[[nodiscard]] Sha256 hmac_sha256(std::string_view key, std::string_view bytes);
[[nodiscard]] std::string hex(const Sha256& digest);
[[nodiscard]] bool equal_in_constant_time(const Sha256& a, const Sha256& b);
// From the system's generator; absent (empty) only where the system has none to give.
[[nodiscard]] std::string random_bytes(std::size_t count);
[[nodiscard]] std::string base64url(std::string_view bytes);  // without padding

}  // namespace bursar::broker
