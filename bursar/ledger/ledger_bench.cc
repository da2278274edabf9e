// Speed of the ledger, beside what it is to be compared with. Times are CPU, for the machine may be shared.
#include <algorithm>
#include <benchmark/benchmark.h>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <sqlite3.h>
#include <sys/resource.h>
#include <thread>
#include <time.h>
#include <vector>

#include "bursar/ledger/ledger.h"
#include "bursar/ledger/simulated_store.h"
#include "bursar/ledger/sqlite_store.h"

namespace bursar::ledger {
namespace {

double cpu_seconds(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}
double process_cpu() { return cpu_seconds(CLOCK_PROCESS_CPUTIME_ID); }
double thread_cpu() { return cpu_seconds(CLOCK_THREAD_CPUTIME_ID); }
double wall() { return cpu_seconds(CLOCK_MONOTONIC); }

Amounts worst_case() {
  Amounts a;
  (void)a.set(kUsd, 1'500);
  (void)a.set(kTokens, 1'200);
  (void)a.set(kCalls, 1);
  return a;
}
Amounts real_cost() {
  Amounts a;
  (void)a.set(kUsd, 900);
  (void)a.set(kTokens, 700);
  (void)a.set(kCalls, 1);
  return a;
}

constexpr const char* kLeaves[] = {"org/team/group/user/job0", "org/team/group/user/job1"};

// Does nothing durable: what is left is the work in memory.
class NullStore final : public Store {
 public:
  Result<Snapshot> open(WallTime, std::size_t) override { return Snapshot{.process = 1}; }
  Result<std::vector<LeaseAnswer>> commit(const Batch& batch) override {
    std::vector<LeaseAnswer> answers;
    for (const LeaseWrite& w : batch.leases) answers.push_back({.granted = w.granted});
    return answers;
  }
  Result<std::vector<Receipt>> receipts(const ReceiptQuery&) override { return std::vector<Receipt>{}; }
};

struct Fixture {
  explicit Fixture(bool durable) {
    directory = std::filesystem::temp_directory_path() / ("bursar-bench-" + std::to_string(::getpid()));
    std::filesystem::remove_all(directory);
    std::filesystem::create_directories(directory);
    std::unique_ptr<Store> store = std::make_unique<NullStore>();
    if (durable) store = std::move(*open_sqlite_store({.path = (directory / "ledger.db").string()}));
    ledger = std::move(*Ledger::open(std::move(store), clock, {.max_pending_receipts = 4'000'000, .shards = 8}));
    const std::vector<Limit> limits{{.resource = kUsd, .amount = std::int64_t{1} << 50},
                                    {.resource = kTokens, .amount = std::int64_t{1} << 50},
                                    {.resource = kCalls, .amount = std::int64_t{1} << 50}};
    for (const char* path : {"org", "org/team", "org/team/group", "org/team/group/user", kLeaves[0], kLeaves[1]}) {
      (void)ledger->put_account({.path = path, .limits = limits});
    }
  }
  ~Fixture() {
    ledger.reset();
    std::filesystem::remove_all(directory);
  }
  std::uint64_t pairs(std::uint64_t count, const char* leaf) {
    const ReserveRequest request{.account = leaf, .amounts = worst_case()};
    const Amounts cost = real_cost();
    std::uint64_t waited = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
      Reservation r = ledger->try_reserve(request);
      while (!std::holds_alternative<Hold>(r)) {
        ++waited;
        r = ledger->reserve_blocking(request);
      }
      (void)std::get<Hold>(r).settle({.actual = cost, .memo = "call 12345"});
    }
    return waited;
  }
  SystemClock clock;
  std::filesystem::path directory;
  std::unique_ptr<Ledger> ledger;
};

struct Durable {
  double cpu_us = 0, per_second = 0, wall_per_second = 0;
};
Durable durable_pairs(std::uint64_t count) {
  Fixture fixture(true);
  fixture.pairs(50'000, kLeaves[0]);
  (void)fixture.ledger->flush();
  const double cpu = process_cpu(), start = wall();
  fixture.pairs(count, kLeaves[0]);
  (void)fixture.ledger->flush();
  const double used = process_cpu() - cpu, elapsed = wall() - start;
  const auto n = static_cast<double>(count);
  return {.cpu_us = used / n * 1e6, .per_second = n / used, .wall_per_second = n / elapsed};
}

// Pairs per second of one thread's CPU, with `threads` of them at once.
double memory_pairs(unsigned threads, std::uint64_t count) {
  Fixture fixture(false);
  for (unsigned t = 0; t < 2; ++t) fixture.pairs(50'000, kLeaves[t]);
  std::vector<double> used(threads);
  std::vector<std::thread> workers;
  for (unsigned t = 0; t < threads; ++t) {
    workers.emplace_back([&, t] {
      fixture.pairs(10'000, kLeaves[t]);
      const double start = thread_cpu();
      fixture.pairs(count, kLeaves[t]);
      used[t] = thread_cpu() - start;
    });
  }
  for (std::thread& worker : workers) worker.join();
  return static_cast<double>(threads) * static_cast<double>(count) / *std::max_element(used.begin(), used.end());
}

void BM_PlainCounter(benchmark::State& state) {
  std::vector<std::int64_t> counters(15, std::int64_t{1} << 50);
  for (auto _ : state) {
    for (std::int64_t& c : counters) c -= 1'500;
    benchmark::DoNotOptimize(counters.data());
    for (std::int64_t& c : counters) c += 600;
    benchmark::ClobberMemory();
  }
}
BENCHMARK(BM_PlainCounter);

void BM_ReserveAndSettleInMemory(benchmark::State& state) {
  Fixture fixture(false);
  fixture.pairs(50'000, kLeaves[0]);
  for (auto _ : state) fixture.pairs(1, kLeaves[0]);
}
BENCHMARK(BM_ReserveAndSettleInMemory);

void BM_ReserveAndSettleDurable(benchmark::State& state) {
  Fixture fixture(true);
  fixture.pairs(50'000, kLeaves[0]);
  for (auto _ : state) fixture.pairs(1, kLeaves[0]);
  (void)fixture.ledger->flush();
}
BENCHMARK(BM_ReserveAndSettleDurable)->MeasureProcessCPUTime()->Iterations(400'000);

void BM_OneSqliteTransactionPerCall(benchmark::State& state) {
  const auto path = std::filesystem::temp_directory_path() / ("bursar-bench-" + std::to_string(::getpid()) + ".db");
  std::filesystem::remove(path);
  sqlite3* db = nullptr;
  sqlite3_open(path.c_str(), &db);
  const auto run = [&](const char* sql) { sqlite3_exec(db, sql, nullptr, nullptr, nullptr); };
  run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE c(id INTEGER PRIMARY KEY, left INTEGER);"
      "CREATE TABLE r(id INTEGER PRIMARY KEY, usd, tokens, calls, memo)");
  for (int i = 0; i < 15; ++i) run("INSERT INTO c(left) VALUES(1000000000000)");
  for (auto _ : state) {
    run("BEGIN IMMEDIATE; UPDATE c SET left = left - 1500 WHERE left >= 1500; COMMIT");
    run("BEGIN IMMEDIATE; UPDATE c SET left = left + 600; INSERT INTO r(usd, tokens, calls, memo) "
        "VALUES(900, 700, 1, 'call 12345'); COMMIT");
  }
  sqlite3_close(db);
  std::filesystem::remove(path);
}
BENCHMARK(BM_OneSqliteTransactionPerCall)->MeasureProcessCPUTime()->UseRealTime()->Iterations(200);

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

bool bar(const char* name, double value, const char* unit, const char* relation, double limit) {
  const bool ok = relation[0] == '<' ? value <= limit : value >= limit;
  std::printf("bar %s: %.3g %s (needs %s %.3g) %s\n", name, value, unit, relation, limit, ok ? "ok" : "short");
  return ok;
}

bool bars() {
  constexpr int kRepeats = 5;
  std::vector<double> cpu, rate, wall_rate, scale, memory;
  for (int i = 0; i < kRepeats; ++i) {
    const Durable d = durable_pairs(400'000);
    cpu.push_back(d.cpu_us);
    rate.push_back(d.per_second);
    wall_rate.push_back(d.wall_per_second);
    const double one = memory_pairs(1, 400'000), two = memory_pairs(2, 400'000);
    memory.push_back(1e6 / one);
    scale.push_back(two / one);
  }
  std::printf("ledger: reserve + settle in memory %.3f us, durable receipts %.0f/s of wall time (median of %d)\n",
              median(memory), median(wall_rate), kRepeats);
  std::printf("ledger: %.0f durable receipts for each second of CPU, all threads together\n", median(rate));
  bool ok = bar("ledger-pair-cpu", median(cpu), "us", "<=", 2.0);
  ok = bar("ledger-durable-receipts", median(wall_rate), "1/s", ">=", 200'000) && ok;
  return bar("ledger-two-threads", median(scale), "x", ">=", 1.5) && ok;
}

}  // namespace
}  // namespace bursar::ledger

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return bursar::ledger::bars() ? 0 : 1;
}
