// The directories of marks: counts before each word, and where every 32nd group begins.
#include "allomatch/marks.hpp"

namespace allomatch {

Marks::Marks(std::span<const std::uint64_t> words, std::size_t things) : words_(words), things_(things), samples_{} {
    before_.resize(words.size() + 1);
    std::uint32_t count = 0;
    for (std::size_t w = 0; w < words.size(); ++w) {
        const std::uint32_t here = ones(words[w]);
        for (std::size_t next = samples_.size() * kSample; next < count + here; next += kSample) {
            const std::uint32_t place = place_of(words[w], static_cast<std::uint32_t>(next) - count);
            samples_.push_back(static_cast<std::uint32_t>(64 * w) + place);
        }
        count += here;
        before_[w + 1] = count;
    }
    // The end: a search for the last groups looks at the sample after theirs.
    samples_.push_back(words.empty() ? 0 : static_cast<std::uint32_t>(64 * (words.size() - 1)));
}

bool Marks::sound() const noexcept {
    if (things_ == 0) return true;
    const bool first = (words_.front() & 1U) != 0;
    const bool beyond = things_ % 64 != 0 && words_.back() >> things_ % 64 != 0;
    return first && !beyond;
}

}  // namespace allomatch
