// Errors of the core become the exceptions of allomatch.errors, by their code.
#include "bindings.hpp"

namespace allomatch::bindings {

void register_error(py::module_& module) {
    py::register_local_exception_translator([](std::exception_ptr pointer) {
        try {
            if (pointer) std::rethrow_exception(pointer);
        } catch (const Error& error) {
            const py::object made = py::module_::import("allomatch.errors")
                                        .attr("from_code")(static_cast<int>(error.code()), py::str(error.what()));
            PyErr_SetObject(py::type::handle_of(made).ptr(), made.ptr());
        }
    });
    // For the tests, and for users who meet a number in a table of row errors.
    py::dict codes;
    const auto add = [&](const char* name, ErrorCode code) { codes[name] = static_cast<int>(code); };
    add("InvalidArgument", ErrorCode::InvalidArgument);
    add("UnknownLocus", ErrorCode::UnknownLocus);
    add("MissingColumn", ErrorCode::MissingColumn);
    add("WrongType", ErrorCode::WrongType);
    add("MissingValue", ErrorCode::MissingValue);
    add("ValueOutOfRange", ErrorCode::ValueOutOfRange);
    add("DuplicateDonor", ErrorCode::DuplicateDonor);
    add("UnknownKernel", ErrorCode::UnknownKernel);
    add("MalformedTyping", ErrorCode::MalformedTyping);
    add("TooManyAlleles", ErrorCode::TooManyAlleles);
    add("UnknownName", ErrorCode::UnknownName);
    add("LocusTwice", ErrorCode::LocusTwice);
    add("TypingTooLong", ErrorCode::TypingTooLong);
    add("InvalidText", ErrorCode::InvalidText);
    add("ReleaseNotFound", ErrorCode::ReleaseNotFound);
    add("BadReleaseFile", ErrorCode::BadReleaseFile);
    add("OldName", ErrorCode::OldName);
    add("RenamedAllele", ErrorCode::RenamedAllele);
    add("UnknownMember", ErrorCode::UnknownMember);
    add("SerologyContradicts", ErrorCode::SerologyContradicts);
    add("PhaseDropped", ErrorCode::PhaseDropped);
    add("NotARegistry", ErrorCode::NotARegistry);
    add("NewerFormat", ErrorCode::NewerFormat);
    add("TruncatedFile", ErrorCode::TruncatedFile);
    add("ChecksumMismatch", ErrorCode::ChecksumMismatch);
    add("CorruptFile", ErrorCode::CorruptFile);
    add("FileNotFound", ErrorCode::FileNotFound);
    add("PermissionDenied", ErrorCode::PermissionDenied);
    add("IoFailed", ErrorCode::IoFailed);
    add("AlreadyExists", ErrorCode::AlreadyExists);
    add("TooManyRows", ErrorCode::TooManyRows);
    add("TooManyValues", ErrorCode::TooManyValues);
    add("Interrupted", ErrorCode::Interrupted);
    module.attr("ERROR_CODES") = codes;
}

}  // namespace allomatch::bindings
