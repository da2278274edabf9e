// Decisions of bandits with many arms and of LinUCB, beside the same rules in NumPy and beside what memory allows.
//
//   bursar_explore_bench [--repeats 5]
//
// A decision is choose and learn together; times are processor time of this thread, the median of the repeats. The
// memory limit is the bytes that a rule must read for a decision over the rate at which this machine reads an array of
// that size. Ends with the bars and exits 1 where one is short.
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "bursar/core/random.h"
#include "bursar/explore/bandit_policy.h"
#include "bursar/explore/contextual/lin_ucb.h"
#include "bursar/explore/policies.h"

namespace bursar::bench {
namespace {

constexpr std::size_t kDimension = 64, kContexts = 16;

double now_s() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

double median(std::vector<double> x) {
  std::ranges::sort(x);
  return x[x.size() / 2];
}

template <class T>
T must(Result<T> result) {
  if (result) return std::move(*result);
  std::fprintf(stderr, "%s\n", result.error().message.c_str());
  std::exit(2);
}

// Microseconds to read `bytes` once: a sum of whole numbers, eight at a time.
double read_us(double bytes, int repeats) {
  const std::size_t count = std::max<std::size_t>(8, static_cast<std::size_t>(bytes / 8) / 8 * 8);
  const std::vector<std::uint64_t> x(count, 1);
  const std::size_t passes = std::max<std::size_t>(1, 32'000'000 / count);
  std::vector<double> seconds;
  volatile std::uint64_t sink = 0;
  for (int r = 0; r < repeats; ++r) {
    const double begin = now_s();
    for (std::size_t p = 0; p < passes; ++p) {
      std::uint64_t sum[8] = {};
      for (std::size_t i = 0; i < count; i += 8) {
        for (std::size_t k = 0; k < 8; ++k) sum[k] += x[i + k];
      }
      for (const std::uint64_t s : sum) sink = sink + s;
    }
    seconds.push_back((now_s() - begin) / static_cast<double>(passes));
  }
  return median(seconds) * 1e6;
}

// Microseconds of one decision.
double decision_us(const std::string& name, std::size_t arms, std::size_t decisions, int repeats) {
  std::vector<double> seconds;
  for (int r = 0; r < repeats; ++r) {
    auto policy = must(explore::make_bandit(name, {{"arms", arms}}, 10'000'000));
    RandomStream random(1);
    const auto play = [&](std::size_t count) {
      for (std::size_t t = 0; t < count; ++t) {
        const auto d = must(policy->decide({}));
        if (!policy->observe(d.id, {.reward = random.uniform01()})) std::exit(2);
      }
    };
    play(std::min<std::size_t>(decisions, 100));
    const double begin = now_s();
    play(decisions);
    seconds.push_back((now_s() - begin) / static_cast<double>(decisions));
  }
  return median(seconds) * 1e6;
}

double lin_ucb_us(std::size_t arms, bool shared, std::size_t decisions, int repeats) {
  RandomStream random(2);
  std::vector<std::vector<double>> contexts(kContexts);
  for (auto& context : contexts) {
    for (std::size_t i = 0; i < (shared ? arms : 1) * kDimension; ++i) context.push_back(random.normal() / 8);
  }
  std::vector<double> seconds;
  for (int r = 0; r < repeats; ++r) {
    auto bandit = must(explore::Bandit::make(
        {}, must(explore::LinUcb::make({.arms = arms, .dimension = kDimension, .shared = shared}))));
    const double begin = now_s();
    for (std::size_t t = 0; t < decisions; ++t) {
      const auto choice = must(bandit.choose({.context = contexts[t % kContexts]}));
      if (!bandit.learn(choice.id, {.reward = random.uniform01()})) std::exit(2);
    }
    seconds.push_back((now_s() - begin) / static_cast<double>(decisions));
  }
  return median(seconds) * 1e6;
}

// 0 where there is no NumPy.
double numpy_us(const std::string& rule, std::size_t arms, std::size_t decisions) {
  const std::string command = "OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 /usr/bin/python3 " BURSAR_NUMPY_BANDITS " " +
                              rule + " " + std::to_string(arms) + " " + std::to_string(decisions) + " 2>/dev/null";
  double us = 0;
  if (FILE* python = popen(command.c_str(), "r")) {
    if (std::fscanf(python, "%lf", &us) != 1) us = 0;
    pclose(python);
  }
  return us;
}

void print(const std::string& what, double us, double limit_us, double numpy) {
  std::printf("  %-34s %11.2f us %10.0f a second", what.c_str(), us, 1e6 / us);
  std::printf("  memory %9.2f us", limit_us);
  if (numpy > 0) std::printf("  NumPy %11.2f us, %5.1f x", numpy, numpy / us);
  std::printf("\n");
}

bool bar(const char* name, double value, const char* unit, bool at_most, double limit) {
  const bool ok = at_most ? value <= limit : value >= limit;
  std::printf("bar %s: %.4g %s (needs %s %g) %s\n", name, value, unit, at_most ? "<=" : ">=", limit,
              ok ? "ok" : "short");
  return ok;
}

int run(int repeats) {
  std::printf("decisions of one thread, choose and learn together\n");
  struct Rule {
    std::string name;
    double bytes_an_arm;    // that must be read for a decision
    std::size_t decisions;  // at 10^5 arms
  };
  std::vector<Rule> rules{
      {"ucb1", 16, 2000}, {"epsilon-greedy", 16, 2000}, {"thompson", 16, 30}, {"exp3", 8, 1000}, {"exp3-ix", 8, 1000}};
  std::erase_if(rules, [](const Rule& r) { return find_policy(explore::policies(), r.name) == nullptr; });
  double ucb_over_numpy = 0, ucb_over_memory = 0;
  bool peer = false;
  for (const std::size_t arms : {std::size_t{100}, std::size_t{100'000}, std::size_t{1'000'000}}) {
    std::printf("%zu arms\n", arms);
    for (const Rule& rule : rules) {
      const std::size_t decisions = arms == 100 ? 200'000 : rule.decisions * 100'000 / arms + 3;
      const double us = decision_us(rule.name, arms, decisions, repeats);
      const double limit = read_us(rule.bytes_an_arm * static_cast<double>(arms), repeats);
      const bool has_peer = rule.name == "ucb1" || rule.name == "thompson" || rule.name == "exp3-ix";
      const double numpy = has_peer ? numpy_us(rule.name, arms, std::max<std::size_t>(5, decisions / 20)) : 0;
      print(rule.name, us, limit, numpy);
      if (rule.name != "ucb1" || arms != 100'000) continue;
      ucb_over_memory = us / limit;
      ucb_over_numpy = numpy / us;
      peer = numpy > 0;
    }
  }
  std::printf("LinUCB, d = 64, 100 arms\n");
  const double shared = lin_ucb_us(100, true, 5000, repeats), apart = lin_ucb_us(100, false, 1000, repeats);
  const double numpy = numpy_us("lin-ucb", 100, 2000);
  print("one theta, features of each arm", shared, read_us(8.0 * kDimension * (100 + kDimension), repeats), numpy);
  print("a theta for each arm", apart, read_us(8.0 * 100 * kDimension * (kDimension + 1) / 2, repeats), 0);
  if (!peer) std::printf("NumPy: skipped, /usr/bin/python3 has no numpy (Debian: python3-numpy)\n");
  bool ok = bar("lin_ucb", shared, "us a decision", true, 50);
  ok &= bar("ucb1_over_memory", ucb_over_memory, "x the time to read its arms, 10^5 arms", true, 2);
  if (peer) ok &= bar("ucb1_over_numpy", ucb_over_numpy, "x, 10^5 arms", false, 2);
  return ok ? 0 : 1;
}

}  // namespace
}  // namespace bursar::bench

int main(int argc, char** argv) {
  int repeats = 5;
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::strcmp(argv[i], "--repeats") == 0) {
      std::from_chars(argv[i + 1], argv[i + 1] + std::strlen(argv[i + 1]), repeats);
    }
  }
  return bursar::bench::run(std::max(repeats, 1));
}
