// bursar-allocate-mpi: multiple choice over items on many hosts; see bursar/allocate/sharded_choice.h and
// docs/scaling.md.
//
//   mpirun -np 4 bursar-allocate-mpi --value value.npy --cost cost.npy --budget 1e9 --out choice.npy
//   mpirun -np 4 bursar-allocate-mpi --generate 100000000x10 --seed 1 --budget-share 0.5
//
// The arrays are NumPy files of float64, C order, [items, options]; every rank reads its own rows, and writes its own
// choices (uint32) into the one output file. Rank 0 prints the summary as JSON.
#include <algorithm>
#include <charconv>
#include <climits>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <map>
#include <mpi.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include "bursar/allocate/sharded_choice.h"
#include "bursar/core/random.h"

namespace {

using bursar::ErrorCode;
using bursar::Result;

struct Shard {
  std::vector<double> value, cost;
  std::size_t width = 0;
  std::uint64_t items = 0, first = 0;  // of the whole, of mine
  double dearest = 0, cheapest = 0;    // of my items, for --budget-share
};

bursar::allocate::Exchange over_mpi(int rank, int ranks) {
  return {.rank = rank,
          .ranks = ranks,
          .sum =
              [](std::span<std::int64_t> numbers) {
                MPI_Allreduce(MPI_IN_PLACE, numbers.data(), static_cast<int>(numbers.size()), MPI_INT64_T, MPI_SUM,
                              MPI_COMM_WORLD);
              },
          .gather =
              [ranks](std::span<const std::byte> mine) {
                const int own = static_cast<int>(mine.size());
                std::vector<int> sizes(static_cast<std::size_t>(ranks)), at(static_cast<std::size_t>(ranks));
                MPI_Allgather(&own, 1, MPI_INT, sizes.data(), 1, MPI_INT, MPI_COMM_WORLD);
                int total = 0;
                for (std::size_t r = 0; r < sizes.size(); ++r) at[r] = total, total += sizes[r];
                std::vector<std::byte> all(static_cast<std::size_t>(total));
                MPI_Allgatherv(mine.data(), own, MPI_BYTE, all.data(), sizes.data(), at.data(), MPI_BYTE,
                               MPI_COMM_WORLD);
                return all;
              }};
}

// Rows [first, first + n) of the whole go to this rank: all ranks get as many, give or take one.
void place(Shard& s, int rank, int ranks, std::uint64_t& n) {
  const auto r = static_cast<std::uint64_t>(rank), all = static_cast<std::uint64_t>(ranks);
  s.first = s.items / all * r + std::min(r, s.items % all);
  n = s.items / all + (r < s.items % all ? 1 : 0);
}

struct NpyShape {
  std::uint64_t rows = 0, columns = 0, data_at = 0;
};

Result<NpyShape> read_header(int file, const std::string& path) {
  const auto wrong = [&](const std::string& what) { return bursar::invalid_argument(path + ": " + what); };
  char start[12] = {};
  if (pread(file, start, sizeof start, 0) != sizeof start || std::memcmp(start, "\x93NUMPY", 6) != 0)
    return wrong("is no .npy file");
  const bool old = start[6] == 1;
  const auto byte = [&](int k) { return static_cast<std::uint64_t>(static_cast<unsigned char>(start[k])); };
  const std::uint64_t length = old ? byte(8) | byte(9) << 8 : byte(8) | byte(9) << 8 | byte(10) << 16 | byte(11) << 24;
  if (length > 1 << 16) return wrong("its header is longer than 64 KiB");
  std::string header(length, ' ');
  NpyShape shape{.data_at = (old ? 10 : 12) + length};
  if (pread(file, header.data(), length, old ? 10 : 12) != static_cast<ssize_t>(length))
    return wrong("ends within its header");
  if (header.find("'<f8'") == std::string::npos) return wrong("must hold float64 ('<f8')");
  if (header.find("'fortran_order': False") == std::string::npos) return wrong("must be in C order");
  const std::size_t open = header.find("'shape': (");
  if (open == std::string::npos) return wrong("names no shape");
  const char* at = header.data() + open + 10;
  const char* end = header.data() + header.size();
  const auto rows = std::from_chars(at, end, shape.rows);
  const auto columns = std::from_chars(std::min(rows.ptr + 2, end), end, shape.columns);
  if (rows.ec != std::errc{} || columns.ec != std::errc{} || shape.columns == 0)
    return wrong("must have two dimensions, items and options");
  struct stat info{};
  const bool holds_all = fstat(file, &info) == 0 && static_cast<std::uint64_t>(info.st_size) >= shape.data_at &&
                         shape.rows <= (static_cast<std::uint64_t>(info.st_size) - shape.data_at) / 8 / shape.columns;
  if (!holds_all) return wrong("is shorter than its shape says");
  return shape;
}

Result<void> read_rows(const std::string& path, Shard& s, std::vector<double>& out, int rank, int ranks) {
  const int file = open(path.c_str(), O_RDONLY);
  if (file < 0) return bursar::invalid_argument(path + ": cannot be opened");
  auto shape = read_header(file, path);
  if (shape && s.width != 0 && (shape->rows != s.items || shape->columns != s.width)) {
    shape = bursar::invalid_argument(path + ": its shape differs from that of the values");
  }
  if (!shape) {
    close(file);
    return tl::unexpected(shape.error());
  }
  s.items = shape->rows;
  s.width = shape->columns;
  std::uint64_t n = 0;
  place(s, rank, ranks, n);
  out.resize(n * s.width);
  auto* to = reinterpret_cast<char*>(out.data());
  std::uint64_t left = out.size() * 8, at = shape->data_at + s.first * s.width * 8;
  while (left > 0) {
    const ssize_t got = pread(file, to, std::min<std::uint64_t>(left, 1 << 30), static_cast<off_t>(at));
    if (got <= 0) {
      close(file);
      return bursar::fail(ErrorCode::kUnavailable, path + ": could not be read to its end");
    }
    to += got;
    at += static_cast<std::uint64_t>(got);
    left -= static_cast<std::uint64_t>(got);
  }
  close(file);
  return {};
}

// Numbers depend on the seed and the item alone, so that any number of ranks draws the same problem.
Result<void> generate(const std::string& text, std::uint64_t seed, Shard& s, int rank, int ranks) {
  const char* end = text.data() + text.size();
  const auto items = std::from_chars(text.data(), end, s.items);
  const auto width = std::from_chars(std::min(items.ptr + 1, end), end, s.width);
  if (items.ec != std::errc{} || width.ec != std::errc{} || s.items == 0 || s.width == 0 || s.width > 1000 ||
      s.items > 1'000'000'000'000) {
    return bursar::invalid_argument("--generate is '" + text + "'; it must be ITEMSxOPTIONS, such as 1000000x10");
  }
  std::uint64_t n = 0;
  place(s, rank, ranks, n);
  const bursar::RandomStream root(seed);
  for (std::uint64_t i = 0; i < n; ++i) {
    bursar::RandomStream random = root.split(s.first + i);
    for (std::size_t k = 0; k < s.width; ++k) {
      s.value.push_back(random.uniform01());
      s.cost.push_back(random.uniform01());
    }
  }
  return {};
}

Result<double> number(const std::map<std::string, std::string>& flags, const std::string& name) {
  const std::string& text = flags.at(name);
  double x = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), x).ptr != text.data() + text.size() || text.empty()) {
    return bursar::invalid_argument("--" + name + " is '" + text + "'; it must be a number");
  }
  return x;
}

Result<double> budget_of(const std::map<std::string, std::string>& flags, const Shard& s) {
  if (flags.contains("budget")) return number(flags, "budget");
  if (!flags.contains("budget-share"))
    return bursar::invalid_argument("give --budget, or --budget-share between 0 and 1");
  auto share = number(flags, "budget-share");
  if (!share) return share;
  double ends[2] = {0, 0};
  for (std::size_t i = 0; i < s.cost.size(); i += s.width) {
    const auto [low, high] =
        std::minmax_element(s.cost.begin() + static_cast<long>(i), s.cost.begin() + static_cast<long>(i + s.width));
    ends[0] += *low;
    ends[1] += *high;
  }
  MPI_Allreduce(MPI_IN_PLACE, ends, 2, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
  // Whole, so that it is the same however the sum was split.
  return std::floor(ends[0] + *share * (ends[1] - ends[0]));
}

Result<void> write_choices(const std::string& path, const bursar::allocate::ShardedResult& r, int rank) {
  std::string header = "{'descr': '<u4', 'fortran_order': False, 'shape': (" + std::to_string(r.items) + ",), }";
  header.resize((10 + header.size() + 64) / 64 * 64 - 11, ' ');
  header += '\n';
  const std::string start = std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(header.size() & 255) +
                            static_cast<char>(header.size() >> 8) + header;
  if (rank == 0 && truncate(path.c_str(), 0) != 0 && errno != ENOENT)
    return bursar::invalid_argument(path + ": cannot be written");
  MPI_Barrier(MPI_COMM_WORLD);
  const int file = open(path.c_str(), O_WRONLY | O_CREAT, 0644);
  if (file < 0) return bursar::invalid_argument(path + ": cannot be written");
  bool ok = rank != 0 || pwrite(file, start.data(), start.size(), 0) == static_cast<ssize_t>(start.size());
  const auto* from = reinterpret_cast<const char*>(r.choice.data());
  std::uint64_t left = r.choice.size() * 4, at = start.size() + r.first_item * 4;
  while (ok && left > 0) {
    const ssize_t put = pwrite(file, from, std::min<std::uint64_t>(left, 1 << 30), static_cast<off_t>(at));
    ok = put > 0;
    if (ok) from += put, at += static_cast<std::uint64_t>(put), left -= static_cast<std::uint64_t>(put);
  }
  ok &= close(file) == 0;
  return ok ? Result<void>() : bursar::fail(ErrorCode::kUnavailable, path + ": could not be written to its end");
}

Result<void> run(const std::map<std::string, std::string>& flags, int rank, int ranks) {
  Shard s;
  Result<void> loaded;
  if (flags.contains("generate")) {
    auto seed = flags.contains("seed") ? number(flags, "seed") : Result<double>(0);
    loaded = seed ? generate(flags.at("generate"), static_cast<std::uint64_t>(*seed), s, rank, ranks)
                  : tl::unexpected(seed.error());
  } else if (flags.contains("value") && flags.contains("cost")) {
    loaded = read_rows(flags.at("value"), s, s.value, rank, ranks).and_then([&] {
      return read_rows(flags.at("cost"), s, s.cost, rank, ranks);
    });
  } else {
    loaded = bursar::invalid_argument("give --value and --cost (.npy), or --generate ITEMSxOPTIONS");
  }
  int failed = loaded ? 0 : 1;
  MPI_Allreduce(MPI_IN_PLACE, &failed, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  if (!loaded) return loaded;
  if (failed != 0) return bursar::fail(ErrorCode::kUnavailable, "another rank could not read its rows");
  const auto budget = budget_of(flags, s);
  if (!budget) return tl::unexpected(budget.error());
  MPI_Barrier(MPI_COMM_WORLD);
  const double begin = MPI_Wtime();
  auto r = bursar::allocate::sharded_choice({.value = s.value, .cost = s.cost, .width = s.width}, *budget,
                                            over_mpi(rank, ranks));
  if (!r) return tl::unexpected(r.error());
  MPI_Barrier(MPI_COMM_WORLD);
  const double seconds = MPI_Wtime() - begin;
  if (rank == 0) {
    std::printf(
        "{\"ranks\": %d, \"items\": %llu, \"options\": %zu, \"budget\": %.17g, \"value\": %.17g, \"cost\": %.17g, "
        "\"bound\": %.17g, "
        "\"gap\": %.3g, \"price\": %.17g, \"stop\": \"%s\", \"passes\": %d, \"probes\": %d, \"bytes_sent_per_rank\": "
        "%llu, \"seconds\": %.4f}\n",
        ranks, static_cast<unsigned long long>(r->items), s.width, *budget, r->value, r->cost, r->bound,
        bursar::allocate::relative_gap(r->value, r->bound), r->price, std::string(name_of(r->stop)).c_str(), r->passes,
        r->probes, static_cast<unsigned long long>(r->bytes_sent), seconds);
  }
  return flags.contains("out") ? write_choices(flags.at("out"), *r, rank) : Result<void>();
}

}  // namespace

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  int rank = 0, ranks = 1;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  std::map<std::string, std::string> flags;
  bool understood = argc % 2 == 1;
  for (int k = 1; k + 1 < argc && understood; k += 2) {
    const std::string flag = argv[k];
    const std::string name = flag.starts_with("--") ? flag.substr(2) : "";
    understood = name == "value" || name == "cost" || name == "generate" || name == "seed" || name == "budget" ||
                 name == "budget-share" || name == "out";
    flags[name] = argv[k + 1];
  }
  int code = 0;
  if (!understood) {
    if (rank == 0)
      std::fprintf(stderr,
                   "usage: bursar-allocate-mpi (--value V.npy --cost C.npy | --generate ITEMSxOPTIONS [--seed S]) "
                   "(--budget B | --budget-share F) [--out CHOICE.npy]\n");
    code = 2;
  } else if (const auto ok = run(flags, rank, ranks); !ok) {
    std::fprintf(stderr, "bursar-allocate-mpi: %s\n", ok.error().message.c_str());
    code = 1;
  }
  // A rank that failed alone must not leave the others waiting.
  if (code == 1 && ranks > 1) MPI_Abort(MPI_COMM_WORLD, 1);
  MPI_Finalize();
  return code;
}
