// The file of a table: a header of fixed size, then V at every 32nd budget, then D; numbers as this machine holds them.
#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "bursar/admit/auction/bid_table.h"

namespace bursar::admit {
namespace {

constexpr std::array<char, 8> kMagic{'B', 'U', 'R', 'S', 'B', 'I', 'D', '1'};

struct Header {
  std::array<char, 8> magic = kMagic;
  std::int32_t horizon = 0, budget = 0, highest_price = 0, reserved = 0;
  double v1 = 1, v0 = 0, gamma = 1;
  std::uint64_t sum = 0;  // of the numbers that follow
};
static_assert(sizeof(Header) == 56);

// FNV-1a over words of 4 bytes: every array here is a multiple of that.
std::uint64_t add_to_sum(std::uint64_t sum, const void* data, std::size_t bytes) {
  const char* at = static_cast<const char*>(data);
  for (std::size_t i = 0; i < bytes; i += 4) {
    std::uint32_t word = 0;
    std::memcpy(&word, at + i, 4);
    sum = (sum ^ word) * 0x100000001b3;
  }
  return sum;
}

template <class T>
std::size_t bytes_of(const std::vector<T>& numbers) {
  return numbers.size() * sizeof(T);
}

std::uint64_t sum_of(const std::vector<double>& anchors, const std::vector<float>& marginals) {
  return add_to_sum(add_to_sum(14695981039346656037U, anchors.data(), bytes_of(anchors)), marginals.data(),
                    bytes_of(marginals));
}

tl::unexpected<Error> corrupt(const std::string& path, std::string_view what) {
  return fail(ErrorCode::kCorrupt, path + ": " + std::string(what) + "; fit the table again");
}

bool is_sound(const Header& header) {
  return header.horizon >= 1 && header.budget >= 0 && header.highest_price >= 0 &&
         header.highest_price <= PriceModel::kHighestPrice && header.reserved == 0 &&
         check(BidObjective{header.v1, header.v0, header.gamma}).has_value();
}

}  // namespace

Result<void> write_beside(const std::string& path, const std::function<void(std::ostream&)>& fill) {
  const std::string beside = path + ".part";
  {
    std::ofstream file(beside, std::ios::binary | std::ios::trunc);
    fill(file);
    file.flush();
    if (!file) return fail(ErrorCode::kUnavailable, beside + " cannot be written; is there room?");
  }
  std::error_code error;
  std::filesystem::rename(beside, path, error);
  if (error) return fail(ErrorCode::kUnavailable, path + " cannot be written: " + error.message());
  return {};
}

void BidTable::write(std::ostream& file) const {
  Header header{.horizon = horizon_,
                .budget = budget_,
                .highest_price = highest_price_,
                .v1 = objective_.v1,
                .v0 = objective_.v0,
                .gamma = objective_.gamma};
  header.sum = sum_of(anchors_, marginals_);
  file.write(reinterpret_cast<const char*>(&header), sizeof header);
  file.write(reinterpret_cast<const char*>(anchors_.data()), static_cast<std::streamsize>(bytes_of(anchors_)));
  file.write(reinterpret_cast<const char*>(marginals_.data()), static_cast<std::streamsize>(bytes_of(marginals_)));
}

Result<BidTable> BidTable::read(std::istream& file, const std::string& name, std::size_t memory_bytes_max) {
  Header header;
  file.read(reinterpret_cast<char*>(&header), sizeof header);
  if (!file || header.magic != kMagic) return corrupt(name, "is not a table of bids");
  if (!is_sound(header)) return corrupt(name, "its header is damaged");
  const std::size_t needed = memory_bytes(header.horizon, header.budget);
  if (needed > memory_bytes_max) {
    return fail(ErrorCode::kExhausted, name + " holds " + std::to_string(needed / 1'000'000) + " MB, more than the " +
                                           std::to_string(memory_bytes_max / 1'000'000) + " MB allowed");
  }
  BidTable table(header.horizon, header.budget, header.highest_price, {header.v1, header.v0, header.gamma});
  const std::size_t rows = static_cast<std::size_t>(header.horizon) + 1;
  table.anchors_.resize(rows * table.anchors_a_row());
  table.marginals_.resize(rows * static_cast<std::size_t>(header.budget));
  file.read(reinterpret_cast<char*>(table.anchors_.data()), static_cast<std::streamsize>(bytes_of(table.anchors_)));
  file.read(reinterpret_cast<char*>(table.marginals_.data()), static_cast<std::streamsize>(bytes_of(table.marginals_)));
  if (!file) return corrupt(name, "it ends early");
  if (sum_of(table.anchors_, table.marginals_) != header.sum) return corrupt(name, "its sum is wrong");
  return table;
}

Result<void> BidTable::save(const std::string& path) const {
  return write_beside(path, [this](std::ostream& file) { write(file); });
}

Result<BidTable> BidTable::load(const std::string& path, std::size_t memory_bytes_max) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(ErrorCode::kUnavailable, path + " cannot be opened");
  auto table = read(file, path, memory_bytes_max);
  if (table && file.peek() != std::ifstream::traits_type::eof()) return corrupt(path, "something follows its table");
  return table;
}

}  // namespace bursar::admit
