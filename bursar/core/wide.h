// 128-bit integers for intermediate results that must not wrap; GCC and clang have them, ISO C++ does not.
//
//   Wide product = Wide{a} * b;   // a, b: std::int64_t
#pragma once

namespace bursar {

__extension__ typedef __int128 Wide;
__extension__ typedef unsigned __int128 UnsignedWide;

}  // namespace bursar
