#include "bursar/ledger/assert.h"

#include <cstdio>
#include <cstdlib>

namespace bursar::ledger {

void assertion_failed(const char* what, const char* file, int line) {
  std::fprintf(stderr, "ledger assertion failed: %s at %s:%d; stopping before anything wrong is spent or written\n",
               what, file, line);
  std::abort();
}

}  // namespace bursar::ledger
