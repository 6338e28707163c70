// The directories of marks: counts before each word, and where to begin looking for a group.
#include "allomatch/marks.hpp"

namespace allomatch {

Marks::Marks(std::span<const std::uint64_t> words, std::size_t things) : words_(words), things_(things), samples_{} {
    before_.resize(words.size() + 1);
    std::uint32_t count = 0;
    for (std::size_t w = 0; w < words.size(); ++w) {
        const std::uint32_t here = ones(words[w]);
        // At most one multiple of 64 lies in [count, count + here).
        if ((count + here + kSample - 1) / kSample > (count + kSample - 1) / kSample) {
            samples_.push_back(static_cast<std::uint32_t>(w));
        }
        count += here;
        before_[w + 1] = count;
    }
    // Two ends: a search for the last groups looks at the sample after theirs.
    const std::size_t last = words.empty() ? 0 : words.size() - 1;
    samples_.insert(samples_.end(), 2, static_cast<std::uint32_t>(last));
}

bool Marks::sound() const noexcept {
    if (things_ == 0) return true;
    const bool first = (words_.front() & 1U) != 0;
    const bool beyond = things_ % 64 != 0 && words_.back() >> things_ % 64 != 0;
    return first && !beyond;
}

}  // namespace allomatch
