// `complete_drb345` for the rows of a table, each combination of typings once.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <unordered_map>

#include "drb345.hpp"
#include "typing_interner.hpp"

namespace allomatch {

class Drb345Rows {
  public:
    static constexpr std::array kLoci{Locus::DRB3, Locus::DRB4, Locus::DRB5, Locus::DRB345};
    // A row's typings at kLoci, by the ids of their interners.
    using Ids = std::array<std::uint32_t, kLoci.size()>;
    using Interners = std::array<std::reference_wrapper<TypingInterner>, kLoci.size()>;

    // `both_said`: of kLoci. Throws if DRB345 and its genes disagree, for every such row.
    [[nodiscard]] Ids completed(const Ids& ids, const std::array<bool, kLoci.size()>& both_said,
                                const Interners& interners);

  private:
    struct Key {
        Ids ids;
        std::uint32_t both_said;
        bool operator==(const Key&) const = default;
    };
    struct Hash {
        std::size_t operator()(const Key& key) const noexcept;
    };
    struct Outcome {
        Ids ids;
        GenesAgree agree;
    };
    std::unordered_map<Key, Outcome, Hash> outcomes_;
};

}  // namespace allomatch
