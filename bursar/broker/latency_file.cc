#include "bursar/broker/latency_file.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "bursar/broker/telemetry/log.h"

namespace bursar::broker {

schedule::LatencyStore read_latencies(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return {};
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  auto loaded = schedule::LatencyStore::load(text);
  if (loaded) return std::move(*loaded);
  log(LogLevel::kWarn, "latencies_not_read", {{"path", path}, {"reason", loaded.error().message}});
  return {};
}

void write_latencies(const std::string& path, const schedule::LatencyStore& latencies) {
  const std::string beside = path + ".new";
  {
    std::ofstream out(beside, std::ios::binary | std::ios::trunc);
    out << latencies.save();
    if (!out.flush()) return log(LogLevel::kWarn, "latencies_not_written", {{"path", path}});
  }
  std::error_code error;
  std::filesystem::rename(beside, path, error);
  if (error) log(LogLevel::kWarn, "latencies_not_written", {{"path", path}, {"reason", error.message()}});
}

}  // namespace bursar::broker
