#include <bursar/core/amount.h>
#include <cstdio>

int main() {
  const auto amount = bursar::parse_amount("12.50 usd");
  if (amount) std::puts(bursar::to_string(*amount).c_str());
  return amount && amount->units == 12'500'000 ? 0 : 1;
}
