// The Arrow C data interface (its specification gives this struct to be copied), and columns read through it.
#pragma once

#include <cstdint>

#include "allomatch/text_column.hpp"
#include "bindings.hpp"

extern "C" {
struct ArrowArray {
    std::int64_t length;
    std::int64_t null_count;
    std::int64_t offset;
    std::int64_t n_buffers;
    std::int64_t n_children;
    const void** buffers;
    struct ArrowArray** children;
    struct ArrowArray* dictionary;
    void (*release)(struct ArrowArray*);
    void* private_data;
};
}

namespace allomatch::bindings {

// Borrowed from the capsule pair of __arrow_c_array__, which stays alive in `owner`.
class ArrowColumn {
  public:
    explicit ArrowColumn(const py::object& array) : owner_(array.attr("__arrow_c_array__")()) {
        const auto capsule = py::reinterpret_borrow<py::capsule>(py::tuple(owner_)[1]);
        array_ = static_cast<const ArrowArray*>(PyCapsule_GetPointer(capsule.ptr(), "arrow_array"));
        if (array_ == nullptr) throw py::error_already_set();
    }
    [[nodiscard]] const ArrowArray& array() const noexcept { return *array_; }
    [[nodiscard]] std::size_t length() const noexcept { return static_cast<std::size_t>(array_->length); }

  private:
    py::object owner_;
    const ArrowArray* array_;
};

inline const std::uint8_t* validity_of(const ArrowArray& array) noexcept {
    return array.null_count == 0 ? nullptr : static_cast<const std::uint8_t*>(array.buffers[0]);
}

// A utf8 array, or a dictionary of int32 to utf8: what allomatch.registry casts every text column to.
inline TextColumn text_column(const ArrowColumn& column) {
    const ArrowArray& array = column.array();
    TextColumn text;
    text.validity = validity_of(array);
    text.validity_offset = static_cast<std::size_t>(array.offset);
    const ArrowArray& entries = array.dictionary != nullptr ? *array.dictionary : array;
    static constexpr std::int32_t kNothing[2] = {0, 0};
    const auto* offsets = static_cast<const std::int32_t*>(entries.buffers[1]);
    text.offsets = offsets == nullptr ? kNothing : offsets + entries.offset;
    text.bytes = static_cast<const char*>(entries.buffers[2]);
    if (array.dictionary != nullptr) {
        text.indices = static_cast<const std::int32_t*>(array.buffers[1]) + array.offset;
        text.dictionary_size = static_cast<std::size_t>(entries.length);
    }
    return text;
}

}  // namespace allomatch::bindings
