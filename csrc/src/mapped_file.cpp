// POSIX files. See mapped_file.hpp for the promises.
#include "allomatch/mapped_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "allomatch/error.hpp"

namespace allomatch {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& doing) {
    const int error = errno;
    const std::string what =
        "cannot " + doing + " " + shown_path(path.string()) + ": " + std::generic_category().message(error);
    switch (error) {
        case ENOENT:
        case ENOTDIR:
            throw Error(ErrorCode::FileNotFound, what + "; check the path");
        case EACCES:
        case EPERM:
        case EROFS:
            throw Error(ErrorCode::PermissionDenied,
                        what + "; choose a folder that you may write to, or change its permissions");
        case EEXIST:
            throw Error(ErrorCode::AlreadyExists, what + "; open it instead, or choose another name");
        case ENOSPC:
        case EDQUOT:
        case EFBIG:
            throw Error(ErrorCode::IoFailed,
                        what + "; free some space or raise the limit and try again (nothing was changed)");
        default:
            throw Error(ErrorCode::IoFailed, what);
    }
}

std::filesystem::path folder_of(const std::filesystem::path& path) {
    const auto parent = path.parent_path();
    return parent.empty() ? std::filesystem::path(".") : parent;
}

// A name beside the target that nobody else uses; not made from the target's, which may be as long as names can be.
std::filesystem::path temporary_name(const std::filesystem::path& path, int attempt) {
    return folder_of(path) / (".allomatch." + std::to_string(::getpid()) + "." + std::to_string(attempt) + ".new");
}

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) fail(path, "open");
    struct stat status{};
    if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
        const bool regular = S_ISREG(status.st_mode);
        ::close(descriptor);
        if (!regular)
            throw Error(ErrorCode::NotARegistry, shown_path(path.string()) + " is not a file; name a registry file");
        fail(path, "read");
    }
    const auto size = static_cast<std::size_t>(status.st_size);
    if (size > 0) {
        void* address = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, descriptor, 0);
        if (address == MAP_FAILED) {
            ::close(descriptor);
            fail(path, "map");
        }
        bytes_ = {static_cast<const std::byte*>(address), size};
    }
    ::close(descriptor);
}

MappedFile::~MappedFile() {
    // The mapping was made by us with these very numbers; munmap wants it non-const.
    if (!bytes_.empty())
        ::munmap(const_cast<std::byte*>(bytes_.data()),
                 bytes_.size());  // NOLINT(cppcoreguidelines-pro-type-const-cast)
}

NewFile::NewFile(std::filesystem::path path) : path_(std::move(path)) {
#ifdef O_TMPFILE
    descriptor_ = ::open(folder_of(path_).c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (descriptor_ >= 0) return;
    // Some file systems have no unnamed files; then a hidden name stands in until commit.
    if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL) fail(path_, "create");
#endif
    for (int attempt = 0; descriptor_ < 0; ++attempt) {
        temporary_ = temporary_name(path_, attempt);
        descriptor_ = ::open(temporary_.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
        if (descriptor_ < 0 && (errno != EEXIST || attempt == 100)) fail(path_, "create");
    }
}

NewFile::~NewFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void NewFile::write_all(std::uint64_t offset, std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (written < 0) {
            if (errno == EINTR) continue;
            fail(path_, "write");
        }
        bytes = bytes.subspan(static_cast<std::size_t>(written));
        offset += static_cast<std::uint64_t>(written);
    }
}

void NewFile::append(std::span<const std::byte> bytes) {
    write_all(size_, bytes);
    size_ += bytes.size();
}

void NewFile::write_at(std::uint64_t offset, std::span<const std::byte> bytes) {
    write_all(offset, bytes);
}

void NewFile::commit(bool replace) {
    if (::fsync(descriptor_) != 0) fail(path_, "write");
    if (temporary_.empty()) {
        const std::string self = "/proc/self/fd/" + std::to_string(descriptor_);
        if (!replace) {
            if (::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, path_.c_str(), AT_SYMLINK_FOLLOW) != 0)
                fail(path_, "create");
        } else {
            // A link cannot replace a name, a rename can: one hidden name in between, for an instant.
            std::filesystem::path name;
            for (int attempt = 0;; ++attempt) {
                name = temporary_name(path_, attempt);
                if (::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0) break;
                if (errno != EEXIST || attempt == 100) fail(path_, "create");
            }
            temporary_ = name;
        }
    } else if (!replace) {
        if (::link(temporary_.c_str(), path_.c_str()) != 0) fail(path_, "create");
    }
    if (replace) {
        // Whoever opened the old file to a group meant the new one too.
        struct stat old{};
        if (::stat(path_.c_str(), &old) == 0) ::fchmod(descriptor_, old.st_mode & 0777U);
        if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail(path_, "replace");
        temporary_.clear();
    }
    const int folder = ::open(folder_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder >= 0) {
        ::fsync(folder);  // Best effort: the name itself survives a power cut where the file system can promise it.
        ::close(folder);
    }
}

FileLock::FileLock(const std::filesystem::path& path) {
    const auto busy = [&]() -> Error {
        return {ErrorCode::AlreadyExists,
                shown_path(path.string()) + " is being written by another process; wait for it and try again"};
    };
    descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor_ < 0) fail(path, "open");
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
        const int error = errno;
        ::close(descriptor_);
        if (error == EWOULDBLOCK) throw busy();
        errno = error;
        fail(path, "lock");
    }
    // A writer that has just finished put another file under this name: then we hold the lock of the old one.
    struct stat held{};
    struct stat named{};
    if (::fstat(descriptor_, &held) != 0 || ::stat(path.c_str(), &named) != 0 || held.st_ino != named.st_ino ||
        held.st_dev != named.st_dev) {
        ::close(descriptor_);
        throw busy();
    }
}

FileLock::~FileLock() {
    ::close(descriptor_);
}

}  // namespace allomatch
