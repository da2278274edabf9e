// Assertions that stay in release builds: a ledger that contradicts itself must stop, not spend on.
#pragma once

namespace bursar::ledger {

[[noreturn]] void assertion_failed(const char* what, const char* file, int line);

}  // namespace bursar::ledger

#define LEDGER_ASSERT(condition) \
  (__builtin_expect(!(condition), 0) ? ::bursar::ledger::assertion_failed(#condition, __FILE__, __LINE__) : (void)0)
