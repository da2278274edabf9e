// bursar-ledger-soak: runs the ledger's simulation over ever new seeds, until it is stopped or finds a violation.
//
//   bursar-ledger-soak [--start SEED] [--seconds N] [--count N] [--steps N]
//
// Exit status: 0 where every seed held, 1 with the failing seed on the last line, 2 for a wrong argument.
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "bursar/ledger/simulation.h"

namespace {

struct Arguments {
  std::uint64_t start = 1, seconds = 0, count = 0, steps = 400;
};

bool parse(int argc, char** argv, Arguments& out) {
  for (int i = 1; i < argc; i += 2) {
    const std::string_view name = argv[i];
    std::uint64_t* value = name == "--start"     ? &out.start
                           : name == "--seconds" ? &out.seconds
                           : name == "--count"   ? &out.count
                           : name == "--steps"   ? &out.steps
                                                 : nullptr;
    if (value == nullptr || i + 1 >= argc) return false;
    const char* end = argv[i + 1] + std::strlen(argv[i + 1]);
    if (std::from_chars(argv[i + 1], end, *value).ptr != end) return false;
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  using Clock = std::chrono::steady_clock;
  Arguments arguments;
  if (!parse(argc, argv, arguments)) {
    std::fprintf(stderr, "usage: bursar-ledger-soak [--start SEED] [--seconds N] [--count N] [--steps N]\n");
    return 2;
  }
  const auto begin = Clock::now();
  auto reported = begin;
  std::uint64_t seeds = 0, crashes = 0, granted = 0;
  const auto report = [&](Clock::time_point now) {
    const double seconds = std::chrono::duration<double>(now - begin).count();
    std::printf("soak: %llu seeds held (next %llu), %.0f seeds/s, %llu grants, %llu crashes\n",
                static_cast<unsigned long long>(seeds), static_cast<unsigned long long>(arguments.start + seeds),
                static_cast<double>(seeds) / seconds, static_cast<unsigned long long>(granted),
                static_cast<unsigned long long>(crashes));
    std::fflush(stdout);
  };
  for (;; ++seeds) {
    const auto now = Clock::now();
    const bool over = (arguments.seconds != 0 && now - begin >= std::chrono::seconds(arguments.seconds)) ||
                      (arguments.count != 0 && seeds >= arguments.count);
    if (over || now - reported >= std::chrono::seconds(10)) {
      report(now);
      reported = now;
    }
    if (over) return 0;
    // The number of shards is part of what varies.
    const std::uint64_t seed = arguments.start + seeds;
    const auto result = bursar::ledger::simulate(
        {.seed = seed, .steps = static_cast<int>(arguments.steps), .shards = static_cast<unsigned>(1 + seed % 4)});
    if (!result.violation.empty()) {
      std::printf("VIOLATION %s\nrun it again: bursar-ledger-soak --start %llu --count 1 --steps %llu\n",
                  result.violation.c_str(), static_cast<unsigned long long>(seed),
                  static_cast<unsigned long long>(arguments.steps));
      return 1;
    }
    crashes += result.crashes;
    granted += result.granted;
  }
}
