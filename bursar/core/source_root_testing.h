// Where the source stands, for tests that read documents and examples. __FILE__ does not say: a compiler cache may have
// made it relative.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

namespace bursar {

inline std::filesystem::path source_root() {
  const char* const root = std::getenv("BURSAR_SOURCE");
  if (root == nullptr) throw std::runtime_error("run through ctest, or set BURSAR_SOURCE to the source folder");
  return root;
}

}  // namespace bursar
