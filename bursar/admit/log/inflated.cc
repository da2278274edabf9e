#include <algorithm>
#include <cstring>
#include <vector>
#include <zlib.h>

#include "bursar/admit/log/log_reader.h"

namespace bursar::admit {
namespace {

constexpr std::size_t kPiece = std::size_t{1} << 18;
constexpr unsigned char kMagic[] = {0x1f, 0x8b};

class Inflater {
 public:
  Inflater(allocate::ByteSource source, std::vector<char> begin) : source_(std::move(source)), in_(std::move(begin)) {
    left_ = in_.size();
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() {
    if (open_) inflateEnd(&stream_);
  }

  Result<std::size_t> read(std::span<char> to) {
    if (to.empty()) return std::size_t{0};
    std::size_t made = 0;
    while (made == 0) {
      if (left_ == 0) {
        if (auto ok = refill(); !ok) return tl::unexpected(ok.error());
        if (left_ == 0) {
          if (open_) return fail(ErrorCode::kCorrupt, "the compressed log ends in the middle; is the file complete?");
          return std::size_t{0};
        }
      }
      if (!open_) {
        // 16: gzip, and nothing else.
        if (inflateInit2(&stream_, 15 + 16) != Z_OK) return fail(ErrorCode::kInternal, "zlib cannot start");
        open_ = true;
      }
      auto some = step(to);
      if (!some) return some;
      made = *some;
    }
    return made;
  }

 private:
  Result<void> refill() {
    in_.resize(kPiece);
    auto got = source_.read(in_);
    if (!got) return tl::unexpected(got.error());
    at_ = 0;
    left_ = *got;
    return {};
  }

  Result<std::size_t> step(std::span<char> to) {
    const auto room = static_cast<uInt>(std::min<std::size_t>(to.size(), kPiece));
    stream_.next_in = reinterpret_cast<Bytef*>(in_.data() + at_);
    stream_.avail_in = static_cast<uInt>(left_);
    stream_.next_out = reinterpret_cast<Bytef*>(to.data());
    stream_.avail_out = room;
    const int code = inflate(&stream_, Z_NO_FLUSH);
    at_ += left_ - stream_.avail_in;
    left_ = stream_.avail_in;
    const std::size_t made = room - stream_.avail_out;
    if (code == Z_STREAM_END) {
      inflateEnd(&stream_);  // another member may follow
      open_ = false;
      stream_ = {};
      return made;
    }
    if (code != Z_OK && code != Z_BUF_ERROR) {
      return fail(ErrorCode::kCorrupt, std::string("the compressed log is damaged: ") +
                                           (stream_.msg != nullptr ? stream_.msg : "not a gzip stream"));
    }
    return made;
  }

  allocate::ByteSource source_;
  std::vector<char> in_;
  std::size_t at_ = 0, left_ = 0;
  bool open_ = false;
  z_stream stream_{};
};

}  // namespace

Result<allocate::ByteSource> inflated(allocate::ByteSource source) {
  std::vector<char> begin(2);
  auto got = allocate::read_full(source, begin);
  if (!got) return tl::unexpected(got.error());
  begin.resize(*got);
  if (*got == 2 && std::memcmp(begin.data(), kMagic, 2) == 0) {
    auto inflater = std::make_shared<Inflater>(std::move(source), std::move(begin));
    return allocate::ByteSource{.read = [inflater](std::span<char> to) { return inflater->read(to); }};
  }
  auto front = std::make_shared<std::vector<char>>(std::move(begin));
  return allocate::ByteSource{.read = [front, rest = std::move(source)](std::span<char> to) -> Result<std::size_t> {
    if (front->empty()) return rest.read(to);
    const std::size_t n = std::min(to.size(), front->size());
    std::copy_n(front->begin(), n, to.begin());
    front->erase(front->begin(), front->begin() + static_cast<std::ptrdiff_t>(n));
    return n;
  }};
}

}  // namespace bursar::admit
