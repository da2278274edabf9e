// The name of one call, unique among all replicas and sortable by time.
//
//   call_id(now, services.instance, services.next_call.fetch_add(1))        // "0199f2c3a1b0-9f1c22d4-1f": a tool call
//   call_id(now, instance, number, 'm')                                     // "0199f2c3a1b0-9f1c22d4-m1f": a model
//   call
#pragma once

#include <string>
#include <string_view>

#include "bursar/core/clock.h"
#include "bursar/core/hex.h"

namespace bursar::broker {

// Milliseconds since 1970, the first eight letters of the process's name, and a number of its own.
[[nodiscard]] inline std::string call_id(WallTime now, std::string_view instance, std::uint64_t number, char kind = 0) {
  std::string out;
  out.reserve(40);
  append_hex(out, static_cast<std::uint64_t>(unix_us(now)) / 1000, 12);
  out.append("-").append(instance.substr(0, 8)) += '-';
  if (kind != 0) out += kind;
  append_hex(out, number);
  return out;
}

}  // namespace bursar::broker
