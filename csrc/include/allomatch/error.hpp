// Errors of the core: one code enum for C++, C and Python, and one exception type that carries it.
//
// Invariant: a message names the value, the place and the remedy; the code says which kind of thing went wrong, so that
// a caller never has to parse the message. The numbers are a stable promise (docs/errors.md): never renumber, only add.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace allomatch {

enum class ErrorCode : std::uint16_t {
    // 1xx: arguments and tables
    InvalidArgument = 100,
    UnknownLocus = 101,
    MissingColumn = 102,
    WrongType = 103,
    MissingValue = 104,
    ValueOutOfRange = 105,
    DuplicateDonor = 106,
    UnknownKernel = 107,
    // 2xx: nomenclature and typings
    MalformedTyping = 200,
    TooManyAlleles = 201,
    UnknownName = 202,
    LocusTwice = 203,
    TypingTooLong = 204,
    InvalidText = 205,
    ReleaseNotFound = 210,
    BadReleaseFile = 211,
    // 22x: what was read with a warning
    OldName = 220,
    RenamedAllele = 221,
    UnknownMember = 222,
    SerologyContradicts = 223,
    PhaseDropped = 224,
    // 3xx: file format
    NotARegistry = 300,
    NewerFormat = 301,
    TruncatedFile = 302,
    ChecksumMismatch = 303,
    CorruptFile = 304,
    // 4xx: input and output
    FileNotFound = 400,
    PermissionDenied = 401,
    IoFailed = 402,
    AlreadyExists = 403,
    // 5xx: resources
    TooManyRows = 500,
    TooManyValues = 501,
    Interrupted = 510,
};

class Error : public std::runtime_error {
  public:
    Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
    [[nodiscard]] ErrorCode code() const noexcept { return code_; }

  private:
    ErrorCode code_;
};

[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

// Quotes a value for a message: control characters and what is not UTF-8 escaped, overlong text cut, so that no input
// can flood or forge a log.
[[nodiscard]] std::string shown(std::string_view value);

// The same for the path of a file, as long as a system takes one: its end is what tells one file from another.
[[nodiscard]] std::string shown_path(std::string_view path);

}  // namespace allomatch
