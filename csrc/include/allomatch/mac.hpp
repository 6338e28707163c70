// Multiple allele codes: NMDP's table from a code's letters to the alleles that it stands for.
//
// A generic code lists second fields ("01/02/05N"), which are joined to the first field that it is written with; a
// specific one lists two-field names ("26:01/26:07"). The table is a sorted index over the text of the file as it was
// read: a million codes cost their text and twelve bytes each. Its binary form is these two as they are, so that
// opening one is a mapping and a checksum.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "allomatch/mapped_file.hpp"
#include "allomatch/name.hpp"

namespace allomatch {

class MacTable {
  public:
    MacTable() = default;
    MacTable(const MacTable&) = delete;
    MacTable& operator=(const MacTable&) = delete;

    // numer.v3 (code TAB members) or alpha.v3 (a star or nothing, TAB, code, TAB members), lines before the first code
    // are a heading. Throws BadReleaseFile (file, line).
    [[nodiscard]] static std::shared_ptr<const MacTable> from_text(std::string file, std::string text);

    // The binary form. Reading one gives nullptr if the file is none, or is damaged: then the text is to be read again.
    // Throws FileNotFound, PermissionDenied, IoFailed.
    [[nodiscard]] std::string to_cache() const;
    [[nodiscard]] static std::shared_ptr<const MacTable> from_cache(const std::filesystem::path& path);

    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
    // "01/02/05N" of a code; nullopt if there is none.
    [[nodiscard]] std::optional<std::string_view> members(std::uint32_t code) const noexcept;
    // The names that a MAC name stands for. Empty: no such code. A specific code whose members lack the first field
    // given is `foreign`.
    struct Expansion {
        std::vector<Name> names;
        bool foreign = false;
    };
    [[nodiscard]] Expansion expand(const Name& mac) const;
    // Of a mapped table the bytes that the file has.
    [[nodiscard]] std::size_t memory_bytes() const noexcept { return text_.size() + entries_.size_bytes(); }

  private:
    struct Entry {
        std::uint32_t code;
        std::uint32_t offset, length;
    };
    std::string_view text_;
    std::span<const Entry> entries_;  // sorted by code
    // What the two lie in: a file, or memory of the table's own.
    std::optional<MappedFile> file_;
    std::string own_text_;
    std::vector<Entry> own_entries_;
};

}  // namespace allomatch
