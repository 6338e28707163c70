// The bytes of a segment file: head, directory, blocks. The only place that knows them; docs/file-format.md describes
// them.
//
//   head (64 bytes) | blocks, each at a multiple of 64 | directory (64 bytes an entry)
//
// Little endian throughout. The head is written last, so a file that was cut short while being written has no head at
// all.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "allomatch/mapped_file.hpp"

namespace allomatch::format {

static_assert(std::endian::native == std::endian::little, "a segment file is mapped as it lies: little endian only");

inline constexpr std::array<char, 8> kMagic = {'A', 'L', 'L', 'O', 'S', 'E', 'G', '\n'};
inline constexpr std::uint32_t kVersion = 1;
inline constexpr std::uint64_t kAlignment = 64;

struct Head {
    std::array<char, 8> magic;
    std::uint32_t version;
    std::uint32_t block_count;
    std::uint64_t file_bytes;
    std::uint64_t directory_offset;
    std::uint64_t donor_count;
    std::uint32_t directory_crc;
    std::uint32_t reserved;
    std::array<std::uint32_t, 3> unused;
    std::uint32_t head_crc;  // CRC-32C of the 60 bytes before it
};
static_assert(sizeof(Head) == 64 && std::is_trivially_copyable_v<Head>);

enum class Element : std::uint32_t { U8 = 1, U16 = 2, U32 = 3, I16 = 4, F32 = 5, Text = 6, U64 = 7 };
[[nodiscard]] std::uint32_t element_bytes(Element element) noexcept;  // 0: not an element

struct Entry {
    std::array<char, 36> name;  // padded with zeros
    Element element;
    std::uint64_t offset;
    std::uint64_t bytes;
    std::uint32_t crc;  // CRC-32C of the block's bytes
    std::uint32_t reserved;
};
static_assert(sizeof(Entry) == 64 && std::is_trivially_copyable_v<Entry>);

[[nodiscard]] std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t crc = 0);

// Writes blocks one after the other, each in as many pieces as the caller likes.
class Writer {
  public:
    explicit Writer(NewFile& file);
    void begin(std::string_view name, Element element);
    void append(std::span<const std::byte> bytes);
    void end();
    void finish(std::uint64_t donor_count);  // directory and head

    template <typename T>
    void append_values(std::span<const T> values) {
        append(std::as_bytes(values));
    }
    template <typename T>
    void block(std::string_view name, Element element, const std::vector<T>& values) {
        begin(name, element);
        append_values(std::span<const T>(values));
        end();
    }

  private:
    void pad();
    NewFile& file_;
    std::vector<Entry> entries_;
};

// Checks head and directory; throws NotARegistry, NewerFormat, TruncatedFile, ChecksumMismatch or CorruptFile.
struct Parsed {
    Head head;
    std::vector<Entry> entries;
};
[[nodiscard]] Parsed parse(std::span<const std::byte> file, const std::string& path);
// What lies between the blocks must be zero.
void check_padding(std::span<const std::byte> file, const Parsed& parsed, const std::string& path);
void check_block(std::span<const std::byte> file, const Entry& entry, const std::string& path);
[[nodiscard]] std::string_view entry_name(const Entry& entry) noexcept;

}  // namespace allomatch::format
