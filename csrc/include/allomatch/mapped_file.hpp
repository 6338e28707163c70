// Files: mapping one for reading, and writing one so that it appears whole or not at all. The only file that knows the
// OS.
//
// Invariants: a mapping stays valid after the file is replaced or unlinked (readers keep their snapshot). A new file is
// private (0600), has no name until `commit`, and so leaves nothing behind if the process dies. Messages name the path.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace allomatch {

class MappedFile {
  public:
    explicit MappedFile(const std::filesystem::path& path);  // throws FileNotFound, PermissionDenied, IoFailed
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;
    MappedFile(MappedFile&&) = delete;
    MappedFile& operator=(MappedFile&&) = delete;
    ~MappedFile();
    [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }

  private:
    std::span<const std::byte> bytes_;
};

class NewFile {
  public:
    explicit NewFile(std::filesystem::path path);
    NewFile(const NewFile&) = delete;
    NewFile& operator=(const NewFile&) = delete;
    NewFile(NewFile&&) = delete;
    NewFile& operator=(NewFile&&) = delete;
    ~NewFile();  // without commit: no file

    void append(std::span<const std::byte> bytes);
    void write_at(std::uint64_t offset, std::span<const std::byte> bytes);
    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
    // Makes it durable and gives it its name; replaces a file of that name only if `replace`, else throws
    // AlreadyExists.
    void commit(bool replace);

  private:
    void write_all(std::uint64_t offset, std::span<const std::byte> bytes);
    std::filesystem::path path_;
    std::filesystem::path temporary_;  // empty while the file has no name
    int descriptor_ = -1;
    std::uint64_t size_ = 0;
};

// Held while a registry is written, so that two writers cannot lose each other's donors. Released by the OS if we die.
class FileLock {
  public:
    explicit FileLock(
        const std::filesystem::path& path);  // waits for no one: throws AlreadyExists if another writer has it
    FileLock(const FileLock&) = delete;
    FileLock& operator=(const FileLock&) = delete;
    FileLock(FileLock&&) = delete;
    FileLock& operator=(FileLock&&) = delete;
    ~FileLock();

  private:
    int descriptor_ = -1;
};

}  // namespace allomatch
