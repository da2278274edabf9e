#include "bursar/broker/instance_name.h"

#include <chrono>
#include <cstdio>
#include <unistd.h>

namespace bursar::broker {

std::string instance_name() {
  const auto began = std::chrono::steady_clock::now().time_since_epoch().count();
  char text[16];
  std::snprintf(text, sizeof text, "%08x", static_cast<unsigned>(::getpid()) ^ static_cast<unsigned>(began));
  return text;
}

}  // namespace bursar::broker
