// Base64 as headers and handles carry it; strict: what decodes has exactly one spelling.
//
//   decode_base64("SGVsbG8=");                        // "Hello"; absent for "SGVsbG8", "SGVs!", "SGVsbG9="
//   decode_base64("SGVsbG8", Base64::kUrl);           // - and _ for + and /, no padding
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bursar::broker {

enum class Base64 : std::uint8_t { kStandard, kUrl };
[[nodiscard]] std::string encode_base64(std::string_view bytes);  // standard alphabet, padded
[[nodiscard]] std::optional<std::string> decode_base64(std::string_view text, Base64 alphabet = Base64::kStandard);

}  // namespace bursar::broker
