// Reads a log of auctions (bid_log.h) from a file, plain or gzip, one at a time in constant memory.
//
//   auto ok = read_auctions("2997.txt.gz", [&](const Auction& auction) { return replay.step(auction); });
//
// Empty lines and lines that begin with # are passed over. Errors: kUnavailable where the file cannot be read,
// kInvalidArgument with file and line, kCorrupt for damaged gzip, and whatever `take` answers, which ends the reading.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "bursar/admit/auction/bid_log.h"

namespace bursar::admit {

[[nodiscard]] Result<void> read_auctions(const std::string& path,
                                         const std::function<Result<void>(const Auction&)>& take);
// All of them. kExhausted past `most`.
[[nodiscard]] Result<std::vector<Auction>> read_all_auctions(const std::string& path, std::size_t most = 50'000'000);

}  // namespace bursar::admit
